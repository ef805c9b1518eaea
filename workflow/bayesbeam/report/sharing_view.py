"""What the page shows of the comparison of sharings: table, figure, gain in precision, conflict, tree of mergers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayesbeam.report.figures.mergers import mergers_figure
from bayesbeam.report.figures.models import models_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.records import GroupResult, Results
from bayesbeam.report.sharing import (
    ALL,
    DIVISION,
    PATTERN,
    SharingRow,
    best_sharing,
    is_refused,
    is_richer,
    merger_rows,
    parameter_of,
    rows_alone,
    sharing_rows,
    worst_conflicts,
)
from bayesbeam.report.sharing_words import conflict_sentences, short_names
from bayesbeam.report.text import NOTHING, nats, plain, plus_minus, pretty_unit
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
        ranked = sorted(rows, key=lambda one: math.inf if one.free_energy is None else one.free_energy)
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
        table, figure, _precision(result, results), _conflict(result), conflict_sentences(result), tree,
        compared - len(rows) if table is not None else 0, str(result.sharing.get("reason") or ""),
    )  # fmt: skip


def _label(one: SharingRow) -> str:
    """Short name of a sharing; many measurements of a block as their number."""
    if one.kind in (ALL, PATTERN):
        return "+".join(short_names(one.shared))
    if one.kind != DIVISION or len(one.sharing) <= MOST_LETTERS:
        return one.sharing
    named = (f"{len(block)} measurements" if len(block) > MOST_NAMED else "+".join(block) for block in one.blocks)
    return " | ".join(named)


def _table(rows: Sequence[SharingRow], best: SharingRow) -> Table:
    """Sharings, the best first."""
    heads = ("sharing", "F (nats)", "gain over none", "probability", "by", "verdict")
    cells = tuple(
        (
            Cell(_label(one), "name"),
            Cell(nats(one.free_energy, one.standard_error)),
            Cell(nats(one.gain, one.gain_standard_error)),
            Cell(probability(one.probability, one.probability_error)),
            Cell(METHODS.get(one.method, one.method), "words"),
            verdict_cell(one.verdict),
        )
        for one in rows
    )
    return Table(heads, cells, frozenset({list(rows).index(best)}))


def _precision(result: GroupResult, results: Results) -> Table | None:
    """Spread of each shared parameter alone and together, and how much narrower independent data would make it.

    None where sharing is refused: then there is no one value to know better.
    """
    row = None if is_refused(result) else result.best_row
    shared = (
        [one for one in row.parameters if one.measurement is None and one.sd and one.kind == "parameter"] if row else []
    )
    cells = []
    for one in shared:
        sds = [row.sd for row in rows_alone(result, results, one) if row.sd]
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


def _conflict(result: GroupResult) -> Table | None:
    """Each measurement against the others, the largest tension of each."""
    rows = worst_conflicts(result)
    heads = (
        "measurement", "p of its tension", "most in", "differs by", "unit", "standard errors",
        "gain of leaving it out (nats)",
    )  # fmt: skip
    return Table(heads, tuple(_conflict_row(result, one) for one in rows[:MOST_CONFLICT])) if rows else None


def _conflict_row(result: GroupResult, one: Mapping[str, Any]) -> tuple[Cell, ...]:
    """One measurement against the others."""
    name, unit = parameter_of(result, one)
    gain = nats(float(one["gain"]), float(one["gain_standard_error"]))
    return (
        Cell(str(one["measurement"]), "name"),
        Cell(plain(float(one["p_value"]), 2)),
        Cell(name, "words"),
        Cell(plus_minus(float(one["difference"]), math.hypot(float(one["sd"]), float(one["rest_sd"])))),
        Cell(unit, "unit"),
        Cell(plain(float(one["tension"]), 2)),
        Cell(f"{gain}, a guess" if one.get("doubt") else gain),
    )
