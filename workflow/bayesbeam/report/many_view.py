"""What the page of a large campaign shows of all its measurements: sentences, figures and tables of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesbeam.report.all_table import AllTable, all_table, refused_rows, row_at
from bayesbeam.report.assemble import MeasurementView
from bayesbeam.report.figures.many import Spread, selected_figure, spreads_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.many import (
    Judged,
    Reason,
    Selected,
    chosen,
    judged_all,
    main_rows,
    reasons_of,
    selected,
)
from bayesbeam.report.misfit_words import check_p
from bayesbeam.report.records import MeasurementResult, Results, Row
from bayesbeam.report.series import series_figure
from bayesbeam.report.series_data import ENOUGH, Point, all_series
from bayesbeam.report.text import known, listed, plain, pretty_unit
from bayesbeam.report.view import Cell, Table
from bayesbeam.report.wording import BAD, CHECK, GONE, GOOD, KINDS, Answer

_NAMED, _REASONS, _REFUSED = 12, 15, 24
ROW = "row of the sheet"


@dataclass(frozen=True)
class ManyView:
    """Everything the page shows of all measurements together; ``why`` some are shown one by one, by their ids."""

    overview: str
    sentences: tuple[str, ...]
    why: dict[str, str]
    hidden: int
    table: AllTable
    models: Table | None
    verdicts: tuple[tuple[str, str, int], ...]
    reasons: Table | None
    quantities: Table | None
    refused: tuple[tuple[str, str], ...]
    more_refused: int
    selection: Shown | None
    spreads: Shown | None
    along: Shown | None


def shown_of(results: Results) -> tuple[MeasurementResult, ...]:
    """Measurements that the page of a large campaign shows one by one."""
    ids = chosen(results)
    return tuple(one for one in results.measurements if one.id in ids)


def hidden_views(results: Results) -> list[MeasurementView]:
    """Verdicts on the measurements that are not shown one by one, for those that rest on them."""
    ids = chosen(results)
    hidden = [one for one in judged_all(results) if one.result.id not in ids]
    return [MeasurementView(one.result, Answer(one.result.id, one.result.name, one.verdict, "")) for one in hidden]


def many_view(results: Results, links: dict[str, str], gallery: Gallery) -> ManyView:
    """View of all measurements; ``links`` are places in the page of those that are shown one by one."""
    everything = judged_all(results)
    models, reasons = selected(everything), reasons_of(everything)
    refused = [one for one in everything if one.verdict == GONE]
    named = refused_rows(everything, _REFUSED)
    counted = tuple(
        (word, KINDS[word], sum(one.verdict == word for one in everything)) for word in (GOOD, CHECK, BAD, GONE)
    )
    alone = len(models) < 2
    return ManyView(
        _overview(len(everything), counted),
        tuple(_sentences(everything, models)),
        chosen(results),
        len(everything) - len(chosen(results)),
        all_table(everything, links),
        None if alone else _models(models),
        tuple(one for one in counted if one[2]),
        _reasons(reasons) if reasons else None,
        _quantities(everything),
        tuple(named),
        len(refused) - len(named),
        gallery.add("all+models", selected_figure(models), "Measurements by their most probable model"),
        gallery.add("all+spreads", spreads_figure(_spreads(everything)), "Spread over all measurements"),
        _along(results, everything, gallery),
    )


def _overview(total: int, counted: Sequence[tuple[str, str, int]]) -> str:
    """One sentence over everything."""
    return f"{total} measurements: {listed([f'{count} {word}' for word, _, count in counted if count])}."


def _sentences(everything: Sequence[Judged], models: Sequence[Selected]) -> list[str]:
    """What is selected, and which measurements leave it open."""
    analysed = [one for one in everything if one.result.candidates]
    if not analysed:
        return ["None of the measurements was analysed."]
    open_ones = [one.result.id for one in analysed if not one.decided]
    said = []
    if len(models) > 1:
        parts = [f"{one.label} in {one.total}" for one in models if one.total]
        said.append(f"Of {len(analysed)} measurements that were analysed, the most probable model is {listed(parts)}.")
        rest = len(open_ones) - _NAMED
        names = listed([*open_ones[:_NAMED], *([f"{rest} more"] if rest > 0 else [])])
        words = f"In {len(open_ones)} of them no model has a probability of 0.75 or more: {names}."
        said.append(words if open_ones else "None of them is undecided.")
    return said


def _models(models: Sequence[Selected]) -> Table:
    """Selection, a row a model."""
    rows = [
        (
            Cell(one.label, "name"),
            *(Cell(str(n)) for n in (one.total, one.total - one.undecided, one.undecided, one.shaky)),
        )
        for one in models
    ]
    heads = ("model", "most probable in", "decided", "undecided", "decided, not reliable")
    return Table(heads, tuple(rows))


def _reasons(reasons: Sequence[Reason]) -> Table:
    """Reasons for less than reliable, a row a kind."""
    rows = []
    for one in reasons[:_REASONS]:
        first = ", ".join(one.examples) + (" ..." if one.total > len(one.examples) else "")
        rows.append((Cell(one.verdict, "name"), Cell(str(one.total)), Cell(one.words, "words"), Cell(first, "words")))
    left = len(reasons) - _REASONS
    if left > 0:
        rows.append(
            (Cell("others", "name"), Cell(""), Cell(f"{left} more kinds of reasons, in the table", "words"), Cell(""))
        )
    return Table(("verdict", "measurements", "reason, numbers left out", "the first"), tuple(rows))


def _values(everything: Sequence[Judged], place: tuple[str, str]) -> list[Row]:
    """Rows of one quantity of the best candidates that have it."""
    found = (row_at(one.result.best, place) for one in everything if one.result.candidates)
    return [row for row in found if row is not None]


def _quantities(everything: Sequence[Judged]) -> Table | None:
    """Main quantities over all measurements: middle, spread, and how that compares with the errors."""
    rows = []
    for place in main_rows(everything):
        found = _values(everything, place)
        means, sds = (np.array([getattr(row, name) for row in found], dtype=float) for name in ("mean", "sd"))
        low, middle, high = (float(one) for one in np.quantile(means, [0.16, 0.5, 0.84]))
        error = float(np.median(sds))
        ratio = 0.5 * (high - low) / error if error > 0 else float("nan")
        cells = [plain(value, 5) for value in (middle, low, high)] + [plain(error, 2), plain(ratio, 2)]
        head = Cell(place[0], "name"), Cell(pretty_unit(place[1]), "unit"), Cell(str(len(found)))
        rows.append((*head, *map(Cell, cells)))
    heads = ("quantity", "unit", "measurements", "median", "16 %", "84 %", "median sd", "spread over sd")
    return Table(heads, tuple(rows)) if rows else None


def _spreads(everything: Sequence[Judged]) -> list[Spread]:
    """Histograms: main quantities, probability of the best model, its check and the error of its free energy."""
    found = []
    for place in main_rows(everything):
        found.append(Spread(*place, np.array([row.mean for row in _values(everything, place)], dtype=float)))
    bests = [one.result.best for one in everything if one.result.candidates]
    several = any(len(one.result.candidates) > 1 for one in everything)
    odds = [one.model_probability for one in bests if known(one.model_probability)] if several else []
    checks = [p for one in bests if known(p := check_p(one))]
    errors = [one.standard_error for one in bests if one.standard_error and known(one.standard_error)]
    for label, unit, values, limits in (
        ("probability of the best model", "", odds, (0.0, 1.0)),
        ("check p of the best model", "", checks, (0.0, 1.0)),
        ("standard error of F", "nats", errors, None),
    ):
        if values:
            found.append(Spread(label, unit, np.array(values, dtype=float), limits))
    return found


def _along(results: Results, everything: Sequence[Judged], gallery: Gallery) -> Shown | None:
    """Main quantities along the sheet, where no column of it makes a series."""
    if all_series(results):
        return None
    trends = []
    for place in main_rows(everything):
        points = [_point(one, number, place) for number, one in enumerate(everything, start=1)]
        trend = [point for point in points if point is not None]
        if len(trend) >= ENOUGH:
            trends.append(trend)
    figure = series_figure(ROW, trends) if trends else None
    return gallery.add("all+along", figure, "Quantities of the best models along the sheet")


def _point(one: Judged, number: int, place: tuple[str, str]) -> Point | None:
    """Quantity of one measurement at its place in the sheet."""
    row = row_at(one.result.best, place) if one.result.candidates else None
    if row is None or row.mean is None:
        return None
    low, high = (row.mean if end is None else end for end in (row.q025, row.q975))
    return Point(one.result.id, float(number), row.mean, (low, high), row, one.result.best.reliable)
