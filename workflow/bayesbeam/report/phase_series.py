"""Phases along a series: patterns as a waterfall and a map, weight fractions beside them, from the searches of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bayesbeam.report.curves import Array, read_pattern
from bayesbeam.report.figures.frames import Frame, Trace, map_figure, waterfall_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.phase_overview import present_anywhere
from bayesbeam.report.phase_words import NOTABLE, PRESENT, percent
from bayesbeam.report.records import Candidate, MeasurementResult, Results
from bayesbeam.report.series_data import ENOUGH, along, members_of, number_columns, value_of
from bayesbeam.report.text import clean, listed, plain, probability
from bayesbeam.report.view import Cell, Table

_MOST_SERIES, _MOST_PHASES, _MOST_FRAMES = 4, 12, 200
_SURE = 0.95
# Mean share of the phases of two neighbours that both have, from which patterns are frames of a series.
_ALIKE = 0.4
_SAME_BEAM = 1e-4

Member = tuple[MeasurementResult, Candidate]


@dataclass(frozen=True)
class PhaseSeries:
    """Everything the page shows of the phases along one column."""

    column: str
    sentence: str
    waterfall: Shown | None
    map: Shown | None
    note: str
    table: Table


def phase_series(results: Results, gallery: Gallery) -> list[PhaseSeries]:
    """Series of searches by one candidate along columns of numbers: those that the campaign follows, or all."""
    asked = dict.fromkeys(one.against for one in results.facts.series if not one.study)
    found = []
    for name in dict.fromkeys(one.candidate for each in results.measurements for one in each.candidates if one.phases):
        searched = [each for each in members_of(results, "") if _search(each, name) is not None]
        for column in asked or number_columns(searched):
            members = [(each, one) for each in along(column, searched) if (one := _search(each, name)) is not None]
            enough = len({value_of(each, column) for each, _ in members}) >= ENOUGH
            if enough and (asked or follow_each_other(members)):
                found.append((column, name, members))
    several = len({name for _, name, _ in found}) > 1
    return [_view(*one, gallery, number + 1, several) for number, one in enumerate(found[:_MOST_SERIES])]


def follow_each_other(members: Sequence[Member]) -> bool:
    """Whether neighbours have phases in common, as frames of one sample do and unrelated samples do not."""
    sets = [{row["name"] for row in one.phases["phases"] if row["kind"] == PRESENT} for _, one in members if one.phases]
    shared = [len(a & b) / max(len(a | b), 1) for a, b in pairwise(sets)]
    return sum(shared) >= _ALIKE * len(shared)


def _search(result: MeasurementResult, name: str) -> Candidate | None:
    """Search of phases of a measurement by a candidate."""
    return next((one for one in result.candidates if one.candidate == name and one.phases is not None), None)


def _view(
    column: str, name: str, members: Sequence[Member], gallery: Gallery, number: int, several: bool
) -> PhaseSeries:  # fmt: skip
    """View of one series."""
    words = clean(column, 60)
    heading = f"{words} ({name})" if several else words
    at = np.array([value_of(result, column) for result, _ in members])
    names = present_anywhere([one.phases for _, one in members if one.phases is not None])
    traces = [trace_of(phase, at, members) for phase in names[:_MOST_PHASES]]
    note = "" if _one_beam(members) else "The patterns have different wavelengths: they are not drawn above each other."
    # Of very many patterns, evenly spread ones are drawn and listed.
    step = -(-len(members) // _MOST_FRAMES)
    drawn = members[::step]
    frames = [] if note else [_frame(column, *one) for one in drawn]
    if len(drawn) < len(members):
        note = f"{note} Of {step} patterns one is listed and drawn; all are in tables/phases.csv.".strip()
    title = f"along {heading}"
    waterfall = waterfall_figure(frames, words) if frames else None
    over = map_figure(frames, traces, words) if frames else None
    return PhaseSeries(
        heading,
        _sentence(words, at, traces),
        gallery.add(f"frames+{number}+waterfall", waterfall, f"Patterns {title}"),
        gallery.add(
            f"frames+{number}+map", over, f"Patterns and weight fractions {title}", data=_columns(words, at, traces)
        ),
        note,
        _table(words, np.array([value_of(result, column) for result, _ in drawn]), drawn, names),
    )


def _one_beam(members: Sequence[Member]) -> bool:
    """Whether all patterns have one wavelength."""
    waves = [float(one.phases["beam"]["wavelengths"][0]) for _, one in members if one.phases is not None]
    return max(waves) - min(waves) <= _SAME_BEAM * min(waves)


def _frame(column: str, result: MeasurementResult, one: Candidate) -> Frame:
    """Pattern of a measurement above its background."""
    assert result.arrays is not None
    pattern = read_pattern(result.arrays, f"{result.id}/{one.tag}")
    return Frame(result.name, value_of(result, column), pattern.x, pattern.y - pattern.background)


def trace_of(name: str, at: Array, members: Sequence[Member]) -> Trace:
    """One phase along a series; where another set is better it is not there, and has no fraction."""
    rows = np.full((4, len(members)), np.nan)
    for place, (_, one) in enumerate(members):
        assert one.phases is not None
        phase = next((each for each in one.phases["phases"] if each["name"] == name), None)
        if phase is not None and phase.get("weight_fraction"):
            part = phase["weight_fraction"]
            rows[:3, place] = [100.0 * part[word] for word in ("mean", "q025", "q975")]
            rows[3, place] = phase["probability"] if phase["kind"] == PRESENT else 0.0
    return Trace(name, at, rows[0], rows[1], rows[2], np.nan_to_num(rows[3]) >= _SURE)


def _sentence(column: str, at: Array, traces: Sequence[Trace]) -> str:
    """Number of patterns, and of each phase where it is and from how much to how much."""
    words = f"{len(at)} patterns, {column} {plain(float(at.min()))} to {plain(float(at.max()))}"
    said = []
    for trace in traces:
        there = np.flatnonzero(~np.isnan(trace.mean))
        if not len(there):
            continue
        first, last = there[0], there[-1]
        where = (
            "in all"
            if len(there) == len(at)
            else f"in {len(there)}, from {plain(float(at[first]))} to {plain(float(at[last]))}"
        )
        ends = f"{plain(float(trace.mean[first]), 3)} to {plain(float(trace.mean[last]), 3)} wt %"
        said.append(f"{trace.name} {where} ({ends})")
    return f"{words}: {listed(said)}." if said else f"{words}: no phase."


def _columns(column: str, at: Array, traces: Sequence[Trace]) -> Mapping[str, Array]:
    """Columns of the file beside the figure."""
    found = {column: at}
    for trace in traces:
        found |= {f"{trace.name} wt %": trace.mean, f"{trace.name} q025": trace.low, f"{trace.name} q975": trace.high}
    return found


def _table(column: str, at: Array, members: Sequence[Member], names: Sequence[str]) -> Table:
    """Weight fractions along the column, a row a pattern."""
    rows = []
    for value, (result, one) in zip(at, members, strict=True):
        assert one.phases is not None
        there = {each["name"]: each for each in one.phases["phases"]}
        cells = [Cell(plain(float(value), 6)), Cell(result.name, "name")]
        cells += [Cell(_amount(there.get(name))) for name in names]
        rows.append((*cells, Cell(str(len(one.phases["unknown"]["lines"]) or ""))))
    return Table((column, "pattern", *(f"{name} (wt %)" for name in names), "unexplained lines"), tuple(rows))


def _amount(one: Mapping[str, Any] | None) -> str:
    """Weight fraction of a phase, with its probability where that is not sure."""
    if one is None or (not one.get("weight_fraction") and one["probability"] < NOTABLE):
        return ""
    odds = "" if one["probability"] >= _SURE else f" ({probability(one['probability'])})"
    return f"{percent(one.get('weight_fraction'))}{odds}"
