"""What the page shows of the comparison of sharings: table, figure, gain in precision, conflict, tree of mergers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.report.figures.mergers import mergers_figure
from bayesbeam.report.figures.models import models_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.records import GroupResult, Results, Row
from bayesbeam.report.sharing import (
    SharingRow,
    best_sharing,
    conflict_rows,
    is_richer,
    merger_rows,
    sharing_rows,
)
from bayesbeam.report.sharing_words import conflict_sentences
from bayesbeam.report.text import NOTHING, known, plain, plus_minus, pretty_unit
from bayesbeam.report.view import Cell, Table, probability, verdict_cell

METHODS = {"joint": "sampled together", "two_stage": "posteriors multiplied", "both": "both", "": NOTHING}
MOST_CONFLICT = 12
MOST_LETTERS, MOST_NAMED = 60, 3


@dataclass(frozen=True)
class SharingView:
    """Everything the page shows of the sharings of one group."""

    table: Table | None = None
    figure: Shown | None = None
    precision: Table | None = None
    conflict: Table | None = None
    sentences: tuple[str, ...] = ()
    tree: Shown | None = None
    left_out: int = 0
    reason: str = ""


def sharing_view(result: GroupResult, results: Results, gallery: Gallery) -> SharingView:
    """View of the sharings of a group."""
    rows = sharing_rows(result)
    table, figure = None, None
    if is_richer(result):
        best = best_sharing(rows)
        ranked = sorted(rows, key=lambda one: (one.free_energy is None, one.free_energy))
        table = _table(ranked, best)
        shapes = [one.candidate for one in ranked]
        drawn = models_figure(shapes, [_label(one) for one in ranked], shapes[ranked.index(best)], "sharing")
        figure = gallery.add(
            f"{result.id}+sharings", drawn, f"{result.id}: free energy and probability of every sharing"
        )
    tree, mergers = None, merger_rows(result)
    if mergers:
        drawn_tree = mergers_figure(result.measurements, mergers)
        tree = gallery.add(f"{result.id}+mergers", drawn_tree, f"{result.id}: measurements merged one by one")
    compared = int(result.sharing.get("compared") or 0)
    return SharingView(
        table, figure, precision_table(result, results), _conflict(result), conflict_sentences(result), tree,
        compared - len(rows) if table is not None else 0, str(result.sharing.get("reason") or ""),
    )  # fmt: skip


def _label(one: SharingRow) -> str:
    """Short name of a sharing; many measurements of a block as their number."""
    if one.kind in ("all", "pattern"):
        return "+".join(name.rpartition(".")[2] for name in one.shared)
    if one.kind != "division" or len(one.sharing) <= MOST_LETTERS:
        return one.sharing
    named = (f"{len(block)} measurements" if len(block) > MOST_NAMED else "+".join(block) for block in one.blocks)
    return " | ".join(named)


def _table(rows: Sequence[SharingRow], best: SharingRow) -> Table:
    """Sharings, the best first."""
    heads = ("sharing", "F (nats)", "gain over none", "probability", "by", "verdict")
    cells = tuple(
        (
            Cell(_label(one), "name"),
            Cell(plus_minus(one.free_energy, one.standard_error)),
            Cell(plus_minus(one.gain, one.gain_standard_error)),
            Cell(probability(one.probability, one.probability_error)),
            Cell(METHODS.get(one.method, one.method), "words"),
            verdict_cell(one.verdict),
        )
        for one in rows
    )
    return Table(heads, cells, frozenset({list(rows).index(best)}))


def precision_table(result: GroupResult, results: Results) -> Table | None:
    """Spread of each shared parameter alone and together, and how much narrower independent data would make it."""
    row = result.best_row
    shared = (
        [one for one in row.parameters if one.measurement is None and one.sd and one.kind == "parameter"] if row else []
    )
    cells = []
    for one in shared:
        sds = _alone(result, results, one)
        if len(sds) < 2 or not one.sd:
            continue
        least = min(sds)
        expected = least * math.sqrt(sum(sd**-2 for sd in sds))
        cells.append(
            (
                Cell(one.label, "name"),
                Cell(plus_minus(one.mean, one.sd)),
                Cell(pretty_unit(one.unit), "unit"),
                Cell(plain(least, 2)),
                Cell(f"{plain(least / one.sd, 2)} \u00d7"),
                Cell(f"{plain(expected, 2)} \u00d7"),
            )
        )
    heads = ("parameter", "together", "unit", "sd alone, least", "narrower", "expected")
    return Table(heads, tuple(cells)) if cells else None


def _alone(result: GroupResult, results: Results, shared: Row) -> list[float]:
    """Standard deviations of a shared parameter from each measurement alone, by the same candidate."""
    row = result.best_row
    found = []
    for name in result.measurements if row is not None else ():
        assert row is not None
        member, tag = results.measurement(name), row.tags.get(name, row.tag)
        called = row.called.get(name, {}).get(shared.name, shared.name)
        for one in member.candidates if member is not None else ():
            if one.tag == tag:
                found += [r.sd for r in one.parameters if (r.name, r.index) == (called, shared.index) and known(r.sd)]
    return [sd for sd in found if sd]


def _conflict(result: GroupResult) -> Table | None:
    """Each measurement against the others, the largest tension of each."""
    rows = conflict_rows(result)
    if not rows:
        return None
    names = list(dict.fromkeys(str(one["measurement"]) for one in rows))
    worst = [
        max((r for r in rows if r["measurement"] == name), key=lambda r: abs(float(r["tension"]))) for name in names
    ]
    worst.sort(key=lambda one: float(one["p_value"]))
    heads = (
        "measurement",
        "p of its tension",
        "most in",
        "differs by",
        "standard errors",
        "gain of leaving it out (nats)",
        "",
    )
    cells = tuple(
        (
            Cell(str(one["measurement"]), "name"),
            Cell(plain(float(one["p_value"]), 2)),
            Cell(str(one["parameter"]), "words"),
            Cell(plus_minus(float(one["difference"]), math.hypot(float(one["sd"]), float(one["rest_sd"])))),
            Cell(plain(float(one["tension"]), 2)),
            Cell(plus_minus(float(one["gain"]), float(one["gain_standard_error"]))),
            Cell("a guess" if one.get("doubt") else "", "words"),
        )
        for one in worst[:MOST_CONFLICT]
    )
    return Table(heads, cells)
