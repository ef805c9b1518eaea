"""Changes along series: rows of the tables, and sentences of the page.

Of a quantity: polynomials in pieces. Of candidates: where one takes over from another, by the sums of free energies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bayesbeam.report.changes import CASES, Changes, Switch, changes_along, switch_along
from bayesbeam.report.records import Candidate, MeasurementResult, Results
from bayesbeam.report.series_data import Series, Trend, all_series, along, members_of, value_of
from bayesbeam.report.table_columns import Rows
from bayesbeam.report.text import clean, plain, pretty_unit, probability

_FEWEST, _MOST, _MOST_CANDIDATES = 6, 200, 4
_TOLD = 0.5


@dataclass(frozen=True)
class Turn:
    """Two candidates along a column, the first of them by name."""

    column: str
    first: str
    second: str
    points: int
    switch: Switch


def trend_changes(trend: Trend) -> Changes | None:
    """Changes of a quantity by its reliable points; None where they are too few or too many."""
    points = [point for point in trend if point.reliable and point.row.sd and np.isfinite(point.mean)]
    if not _FEWEST <= len({point.x for point in points}) <= len(points) <= _MOST:
        return None
    numbers = np.array([(point.x, point.mean, point.row.sd) for point in points], dtype=np.float64)
    return changes_along(numbers[:, 0], numbers[:, 1], numbers[:, 2])


def turns(results: Results, column: str, study: str) -> list[Turn]:
    """Where one candidate takes over from another along a column, for those that all measurements of it have."""
    members = along(column, members_of(results, study))
    shared = [tag for tag in dict.fromkeys(one.tag for each in members for one in each.candidates)
              if all(_of(each, tag) is not None for each in members)]  # fmt: skip
    if len({value_of(each, column) for each in members}) < _FEWEST or not 2 <= len(shared) <= _MOST_CANDIDATES:
        return []
    x = np.array([value_of(each, column) for each in members])
    energy = {tag: np.array([one.free_energy for each in members if (one := _of(each, tag)) is not None])
              for tag in shared}  # fmt: skip
    return [Turn(column, first, second, len(x), switch_along(x, energy[second] - energy[first]))
            for first, second in combinations(shared, 2)]  # fmt: skip


def _of(result: MeasurementResult, tag: str) -> Candidate | None:
    """Candidate of a measurement that is reliable and has a free energy."""
    return next((one for one in result.candidates if one.tag == tag and one.reliable and _has_energy(one)), None)


def _has_energy(one: Candidate) -> bool:
    """Whether the free energy is a number."""
    return one.free_energy is not None and bool(np.isfinite(one.free_energy))


def change_rows(results: Results) -> Rows:
    """Most probable form of every quantity along every series, and where it changes."""
    for series in all_series(results):
        for trend in series.trends:
            found, row = trend_changes(trend), trend[0].row
            if found is None:
                continue
            best = found.forms[0]
            places = [number for k in range(best.changes) for number in best.interval(k)]
            yield (
                series.column, series.tag, row.name, row.index, row.unit, best.name, float(found.probability[0]),
                *(float(one) for one in found.number), *places, *[None] * (6 - len(places)), series.study or None,
            )  # fmt: skip


def turn_rows(results: Results) -> Rows:
    """Probabilities of where one candidate takes over from another."""
    for turn in _all_turns(results):
        found = turn.switch
        yield (
            turn.column, turn.first, turn.second, *(found.probability[case] for case in CASES), *found.interval(),
            turn.points,
        )  # fmt: skip


def _all_turns(results: Results) -> Iterator[Turn]:
    """Of all columns of all series."""
    for column, study in dict.fromkeys((one.column, one.study) for one in all_series(results)):
        yield from turns(results, column, study)


def change_sentences(series: Series, most: int) -> tuple[str, ...]:
    """Sentences of the quantities of a series that are more likely than not to change somewhere."""
    said = []
    for trend in series.trends[:most]:
        found = trend_changes(trend)
        if found is not None and found.number[0] < _TOLD and int(found.number.argmax()) > 0:
            said.append(_sentence(series.column, trend, found))
    return tuple(said)


def _sentence(column: str, trend: Trend, found: Changes) -> str:
    """What the most probable form with as many changes as is most probable says."""
    number = int(np.argmax(found.number))
    best = next(one for one in found.forms if one.changes == number)
    label, unit = clean(trend[0].row.label, 60), pretty_unit(trend[0].row.unit)
    places = [best.interval(k) for k in range(number)]
    where = " and ".join(
        f"{plain(middle, 4)} (95% {plain(low, 4)} to {plain(high, 4)})" for middle, low, high in places
    )
    what = f"{label}{f' ({unit})' if unit else ''}"
    return (f"{what} changes along {clean(column, 60)}: {best.name}, at {where}; "
            f"probability of no change {probability(float(found.number[0]))}.")  # fmt: skip


def turn_sentences(found: Sequence[Turn]) -> tuple[str, ...]:
    """Sentences of candidates of which one takes over from the other."""
    said = []
    for turn in found:
        case = max(CASES, key=lambda name: turn.switch.probability[name])
        if case not in CASES[2:]:
            continue
        first, second = (turn.first, turn.second) if case == CASES[2] else (turn.second, turn.first)
        low, high = turn.switch.interval()
        said.append(f"{clean(first, 60)} holds below and {clean(second, 60)} above a place between {plain(low, 4)} and "
                    f"{plain(high, 4)} (95%, ends are measurements), with probability "
                    f"{probability(turn.switch.probability[case])}.")  # fmt: skip
    return tuple(said)
