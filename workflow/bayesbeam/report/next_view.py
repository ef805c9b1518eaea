"""What the page shows of where to measure next: one sentence, a figure, a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesbeam.report.curves import read_fit, read_next
from bayesbeam.report.figures.fit import axis_labels
from bayesbeam.report.figures.next_points import next_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.records import Advised, MeasurementResult
from bayesbeam.report.text import (
    clean,
    decimals_for,
    fixed,
    known,
    listed,
    number_word,
    plain,
    pretty_unit,
    probability,
)
from bayesbeam.report.view import CERTAIN, Cell, Table

_TIMES = ("", "", "twice", "three times", "four times", "five times")


@dataclass(frozen=True)
class NextView:
    """Everything the page shows of where to measure next in one measurement."""

    sentence: str
    figure: Shown | None = None
    table: Table | None = None


def next_view(result: MeasurementResult, gallery: Gallery, figures: bool) -> NextView | None:
    """View of one measurement; None where nobody asked."""
    advised, data = result.advised, result.measurement
    if advised is None or data is None or result.arrays is None:
        return None
    if not advised.points:
        return NextView(f"No advice: {advised.reason}")
    curves = read_next(result.arrays, result.id)
    decimals = max(decimals_for(float(curves.x[1] - curves.x[0])), 0)
    unit, x_unit = pretty_unit(advised.unit), pretty_unit(data.x_unit)
    figure = None
    if figures:
        labels = axis_labels(data.x_quantity, data.x_unit, data.y_quantity, data.y_unit)
        fit = read_fit(result.arrays, f"{result.id}/{result.best.tag}")
        drawn = next_figure(curves, fit, [one["x"] for one in advised.points], *labels, data.decreasing)
        figure = gallery.add(f"{result.id}+next", drawn, f"{result.name}: where to measure next")
    places = places_words([fixed(one["x"], decimals) for one in advised.points])
    where = f"{listed(places)}{f' {x_unit}' if x_unit else ''}"
    sentence = f"Measure next at {where}. {promise(advised, unit)}"
    return NextView(sentence, figure, _table(advised, decimals, x_unit, pretty_unit(data.y_unit), unit))


def places_words(words: list[str]) -> list[str]:
    """Places in their order, each once, with how often."""
    counted = {word: words.count(word) for word in words}
    often = {word: _TIMES[n] if n < len(_TIMES) else f"{n} times" for word, n in counted.items()}
    return [f"{word} ({often[word]})" if often[word] else word for word in counted]


def promise(advised: Advised, unit: str) -> str:
    """What the points are expected to tell, and what as many evenly spread ones would."""
    last, spaced, number = advised.points[-1], f" {unit}" if unit else "", len(advised.points)
    many = "one point in the middle" if number == 1 else f"{number_word(number)} points spread evenly"
    if "sd_after" not in last:
        told, even = _number(last, "information"), _number(advised.even, "information")
        return f"That is expected to tell {told} nats about the curve; {many} would tell {even}."
    after, even = _number(last, "sd_after"), _number(advised.even, "sd_after")
    said = f"The standard deviation of {clean(advised.about, 80)}, now {plain(advised.sd_before, 2)}{spaced}, is then "
    said += f"expected to be {after}{spaced}; {many} would leave {even}{spaced}."
    if known(advised.share) and (advised.share or 0.0) < CERTAIN:
        said += f" That is by the candidates which have it, of probability {probability(advised.share)} together."
    return said


def _number(values: Mapping[str, float], name: str) -> str:
    """Number of a record with two digits."""
    return plain(values.get(name, np.nan), 2)


def _table(advised: Advised, decimals: int, x_unit: str, y_unit: str, unit: str) -> Table:
    """Points in the order of measurement, a row each."""
    after = "sd_after" in advised.points[-1]
    heads = [
        "order", f"at ({x_unit})" if x_unit else "at", f"curve sd ({y_unit})" if y_unit else "curve sd",
        f"noise sd ({y_unit})" if y_unit else "noise sd", "information so far (nats)",
        *([f"sd of {clean(advised.about, 40)}{f' ({unit})' if unit else ''}"] if after else []),
    ]  # fmt: skip
    rows = [
        (
            Cell(str(number), "name"), Cell(fixed(one["x"], decimals)), Cell(_number(one, "curve_sd")),
            Cell(_number(one, "noise_sd")), Cell(_number(one, "information")),
            *([Cell(_number(one, "sd_after"))] if after else []),
        )
        for number, one in enumerate(advised.points, start=1)
    ]  # fmt: skip
    return Table(tuple(heads), tuple(rows))
