"""What the page shows of series: a sentence a line, a table of the lines, trends and the map of chosen models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.report.change_rows import change_sentences, turn_sentences, turns
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.laws_view import law_sentences, law_table, laws_of
from bayesbeam.report.line_fit import LineFit
from bayesbeam.report.records import Results, Row
from bayesbeam.report.series import selection_figure, series_figure
from bayesbeam.report.series_data import Series, Trend, all_series, along, line_of, members_of
from bayesbeam.report.text import NOTHING, between, clean, plain, plus_minus, pretty_unit, to_error
from bayesbeam.report.view import Cell, Table

_SERIES, _PANELS, _SENTENCES = 12, 9, 9


@dataclass(frozen=True)
class SeriesView:
    """Everything the page shows of one series."""

    column: str
    sentences: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    trends: Shown | None = None
    lines: Table | None = None
    selection: Shown | None = None
    changes: tuple[str, ...] = ()
    laws: Table | None = None
    law_words: tuple[str, ...] = ()


def series_views(results: Results, gallery: Gallery) -> list[SeriesView]:
    """Views of all series; the map of models stands with the last one of its column."""
    found = all_series(results)[:_SERIES]
    last = {(one.column, one.study): number for number, one in enumerate(found)}
    return [
        _view(one, results, gallery, number + 1, last[one.column, one.study] == number)
        for number, one in enumerate(found)
    ]


def _view(series: Series, results: Results, gallery: Gallery, number: int, with_map: bool) -> SeriesView:
    """View of one series."""
    words = clean(series.column, 60)
    fits = [(trend, line_of(trend)) for trend in series.trends]
    measurements = members_of(results, series.study)
    several = len({one.best.tag for one in measurements if one.candidates}) > 1 and series.tag
    where = f"{words}, simulated study {series.study}" if series.study else words
    heading = f"{where} ({series.tag})" if several else where
    rows = [row for member in measurements for one in member.candidates for row in one.parameters]
    numbered = {row.name for row in rows if (row.index or 1) > 1}
    trends = gallery.add(
        f"series+{number}", series_figure(series.column, series.trends[:_PANELS]) if series.trends else None,
        f"Quantities along {heading}",
    )  # fmt: skip
    laws = laws_of(results, series)
    selection = selection_figure(series.column, along(series.column, measurements)) if with_map else None
    return SeriesView(
        heading,
        tuple(sentence(series.column, trend, fit, trend[0].row.name in numbered) for trend, fit in fits[:_SENTENCES]),
        tuple(f"Asked for, but in no result: {clean(one, 120)}." for one in series.missed),
        trends,
        _lines(series.column, fits) if fits else None,
        gallery.add(f"selection+{number}", selection, f"Models along {where}"),
        change_sentences(series, _SENTENCES)
        + turn_sentences(turns(results, series.column, series.study) if with_map else ()),
        law_table(laws),
        law_sentences(laws),
    )


def sentence(column: str, trend: Trend, fit: LineFit | None, numbered: bool = True) -> str:
    """How a quantity moves along a column, and what can be said of that; ``numbered`` where there are several peaks."""
    row, words = trend[0].row, clean(column, 60)
    label = name_of(row, numbered)
    label = label if "." in label else f"{label[:1].upper()}{label[1:]}"
    if fit is None:
        reliable = len([point for point in trend if point.reliable])
        number = "one reliable point" if reliable == 1 else f"{reliable or 'no'} reliable points"
        return f"{label}: no line, for which three reliable points at different {words} are needed; there are {number}."
    unit = _spaced(row)
    ends = between(*fit.interval, fit.standard_error)
    first, last = min(p.x for p in trend), max(p.x for p in trend)
    over = plus_minus(fit.slope * (last - first), fit.standard_error * (last - first))
    moves = "moves" if fit.moves else "is not seen to move"
    said = f"{label} {moves}: {plus_minus(fit.slope, fit.standard_error)}{unit} per unit of {words}, 95% {ends}"
    said += f"; {over}{unit} from {plain(first)} to {plain(last)}"
    if fit.scatter > 0:
        scatter = plain(fit.scatter, 2)
        said += f". The {fit.points} points scatter about the line by {scatter}{unit} more than their errors say"
    return f"{said}."


def name_of(row: Row, numbered: bool = True) -> str:
    """Name of a quantity in a sentence: position of band 1."""
    part, _, word = row.name.partition(".")
    simple = word.replace("_", "").isalnum() and "." not in word
    name = f"{word.replace('_', ' ')} of {part}" if simple else row.name
    return clean(f"{name} {row.index}" if numbered and row.index is not None else name, 120)


def _spaced(row: Row) -> str:
    """Unit behind a number."""
    unit = pretty_unit(row.unit)
    return f"\u00a0{unit}" if unit else ""


def _lines(column: str, fits: Sequence[tuple[Trend, LineFit | None]]) -> Table:
    """Straight lines, a row a quantity; those that move in bold."""
    heads = ("quantity", "unit", f"slope per {clean(column, 30)}", "95 %", "in the middle", "scatter", "points")
    rows = []
    for trend, fit in fits:
        row = trend[0].row
        head = Cell(clean(row.label, 60), "name"), Cell(pretty_unit(row.unit), "unit")
        if fit is None:
            rows.append((*head, *[Cell(NOTHING)] * 4, Cell(str(len(trend)))))
            continue
        ends = between(*fit.interval, fit.standard_error)
        middle = (
            f"{to_error(fit.middle, max(fit.scatter, fit.standard_error * _width(trend)) / 3)} at {plain(fit.pivot)}"
        )
        scatter = f"{plain(fit.scatter, 2)} (\u00d7\u00a0{plain(fit.stretch, 2)})" if fit.scatter > 0 else "none"
        rows.append(
            (*head, Cell(plus_minus(fit.slope, fit.standard_error)), Cell(ends), Cell(middle), Cell(scatter),
             Cell(str(fit.points)))
        )  # fmt: skip
    moving = frozenset(k for k, (_, fit) in enumerate(fits) if fit is not None and fit.moves)
    return Table(heads, tuple(rows), moving)


def _width(trend: Trend) -> float:
    """Length of a series."""
    return max(p.x for p in trend) - min(p.x for p in trend)
