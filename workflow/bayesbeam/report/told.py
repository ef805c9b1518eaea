"""How often a question's true model was the better one, in each cell of points and levels that was simulated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.report import wording
from bayesbeam.report.limit import Share
from bayesbeam.report.records import MeasurementResult, Results
from bayesbeam.report.studied import Distinguished
from bayesbeam.report.table_columns import Rows


@dataclass(frozen=True)
class ToldCell:
    """Simulated measurements of one number of points and one level; ``exact`` is nan where there is no theory."""

    points: int
    level: float
    replicates: int
    selected: Share
    unreliable: int
    exact: float = math.nan


@dataclass(frozen=True)
class Told:
    """A question with what was found, cells level by level."""

    question: Distinguished
    cells: tuple[ToldCell, ...]

    @property
    def levels_are(self) -> str:
        """What the levels are."""
        return "exposure" if self.question.column == "exposure" else "noise level"

    def at(self, level: float) -> tuple[ToldCell, ...]:
        """Cells of a level, the fewest points first."""
        return tuple(sorted((one for one in self.cells if one.level == level), key=lambda one: one.points))

    def enough(self, level: float) -> ToldCell | None:
        """Cell from which on the wish was fulfilled at a level, in it and in all of more points."""
        found = None
        for one in reversed(self.at(level)):
            if not one.selected.value >= self.question.wish:
                break
            found = one
        return found


def told(results: Results) -> list[Told]:
    """All questions, in the order of the campaign."""
    by_id = {one.id: one for one in results.measurements}
    return [_told(one, by_id) for one in results.facts.distinguished]


def told_rows(results: Results) -> Rows:
    """Rows of the table of all questions, one a cell."""
    for one in told(results):
        question = one.question
        for cell in one.cells:
            share = cell.selected
            ends = share.interval if share.among else (None, None)
            place, theory = question.levels.index(cell.level), question.theory
            yield (
                question.name, question.tag, " ".join(question.others), question.column, cell.level, cell.points,
                cell.replicates, share.among, cell.unreliable, share.cases, share.value if share.among else None, *ends,
                None if math.isnan(cell.exact) else cell.exact, question.wish,
                None if theory is None else theory.needed[place],
                None if theory is None else theory.tolerated[question.points.index(cell.points)],
            )  # fmt: skip


def _told(question: Distinguished, by_id: dict[str, MeasurementResult]) -> Told:
    """One question."""
    cells = []
    for points, study in zip(question.points, question.studies, strict=True):
        for place, level in enumerate(question.levels):
            members = [by_id[one.id] for one in study.members if one.level == level and one.id in by_id]
            cells.append(_cell(question, points, level, members, _exact(question, points, place)))
    return Told(question, tuple(cells))


def _cell(
    question: Distinguished, points: int, level: float, members: Sequence[MeasurementResult], exact: float
) -> ToldCell:
    """Counts of one cell."""
    better = [found for one in members if (found := _better(question, one)) is not None]
    unreliable = sum(wording.judged(one)[0] == wording.BAD for one in members if one.candidates)
    return ToldCell(points, level, len(members), Share(sum(better), len(better)), unreliable, exact)


def _better(question: Distinguished, result: MeasurementResult) -> bool | None:
    """Whether the true model has the lowest free energy of those of the question; None where one is not there."""
    free = {one.tag: one.free_energy for one in result.candidates}
    true, others = free.get(question.tag), [free.get(tag) for tag in question.others]
    if true is None or any(one is None for one in others):
        return None
    return all(true < one for one in others if one is not None)


def _exact(question: Distinguished, points: int, place: int) -> float:
    """Probability of the theory."""
    theory = question.theory
    if theory is None or points not in theory.points:
        return math.nan
    return theory.curves[place][theory.points.index(points)]
