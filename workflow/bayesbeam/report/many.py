"""A campaign of more measurements than a page can show one by one: what holds for all, and which of them are shown.

Decides verdicts, counts and the choice; words and figures are made by ``many_view``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bayesbeam.report import wording
from bayesbeam.report.curves import read_residuals
from bayesbeam.report.limit import examples
from bayesbeam.report.misfit_words import check_p
from bayesbeam.report.records import Candidate, MeasurementResult, Results, Row
from bayesbeam.report.residuals import alike
from bayesbeam.report.text import known

MANY = 40
"""Measurements up to which a page shows each by itself."""
WORST, REFUSED, TYPICAL, OPEN = 3, 12, 2, 2
"""Measurements that are shown: not reliable or, where there are fewer, with reservations; refused, typical of a model,
undecided."""
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_RAISED = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_MAIN = 6
# Words of quantities that stand first among the main ones, in this order.
_FIRST = (*wording.PLACES, "weight_fraction", "area", "coefficient")
_RARE = 0.1


@dataclass(frozen=True, eq=False)
class Judged:
    """One measurement with the verdict on its answer, as its own page has it."""

    result: MeasurementResult
    verdict: str
    reasons: tuple[str, ...]

    @property
    def decided(self) -> bool:
        """Whether one candidate is clearly the most probable, or the only one."""
        result = self.result
        return len(result.candidates) == 1 or (result.best.model_probability or 0.0) >= wording.LIKELY


@dataclass(frozen=True)
class Selected:
    """Measurements for which one model is the most probable; ``shaky``: of those that are decided, not reliable."""

    label: str
    total: int
    undecided: int
    shaky: int


@dataclass(frozen=True)
class Reason:
    """Why verdicts are less than reliable, with numbers left out: how often, and where first."""

    verdict: str
    words: str
    total: int
    examples: tuple[str, ...]


def is_many(results: Results) -> bool:
    """Whether there are too many measurements to show each."""
    return len(results.measurements) > MANY


@lru_cache(maxsize=1)
def judged_all(results: Results) -> tuple[Judged, ...]:
    """Every measurement with its verdict, in the order of the sheet."""
    memory = _memories(results.measurements)
    return tuple(_judged(one, memory.get(one.id)) for one in results.measurements)


def _judged(result: MeasurementResult, memory: float | None) -> Judged:
    """One measurement with its verdict."""
    if not result.candidates:
        return Judged(result, wording.GONE, (result.refusal or "no result",))
    verdict, reasons = wording.judged(result, memory)
    return Judged(result, verdict, tuple(reasons))


def _memories(measurements: Sequence[MeasurementResult]) -> dict[str, float]:
    """Autocorrelation of neighbouring residuals where it matters, read file by file."""
    groups: dict[object, list[MeasurementResult]] = {}
    for one in measurements:
        if one.candidates and one.arrays is not None and one.best.phases is None:
            groups.setdefault(one.arrays, []).append(one)
    found: dict[str, float] = {}
    for members in groups.values():
        path = members[0].arrays
        assert path is not None
        residuals = read_residuals(path, [f"{one.id}/{one.best.tag}" for one in members])
        pairs = zip(members, residuals, strict=True)
        found |= {one.id: memory for one, values in pairs if values is not None and (memory := alike(values))}
    return found


def selected(everything: Sequence[Judged]) -> list[Selected]:
    """How many measurements each model is selected for, those of most measurements first."""
    analysed = [one for one in everything if one.result.candidates]
    labels = model_labels(analysed)
    found = []
    for tag, label in labels.items():
        mine = [one for one in analysed if one.result.best.tag == tag]
        shaky = sum(one.decided and one.verdict == wording.BAD for one in mine)
        found.append(Selected(label, len(mine), sum(not one.decided for one in mine), shaky))
    return sorted(found, key=lambda one: -one.total)


def model_labels(everything: Sequence[Judged]) -> dict[str, str]:
    """Short names of all models by their tags, in the order in which they come."""
    firsts: dict[str, Candidate] = {}
    for one in everything:
        for candidate in one.result.candidates:
            firsts.setdefault(candidate.tag, candidate)
    among = list(firsts.values())
    return {tag: wording.candidate_label(one, among) for tag, one in firsts.items()}


def reasons_of(everything: Sequence[Judged]) -> list[Reason]:
    """Reasons for less than reliable, alike ones together, the most frequent first."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in everything:
        if one.verdict == wording.GOOD:
            continue
        for words in dict.fromkeys(_kinds(one)):
            found.setdefault((one.verdict, words), []).append(one.result.id)
    order = [wording.GONE, wording.BAD, wording.CHECK]
    reasons = [Reason(verdict, words, len(ids), tuple(ids[:3])) for (verdict, words), ids in found.items()]
    return sorted(reasons, key=lambda one: (order.index(one.verdict), -one.total))


def _kinds(one: Judged) -> list[str]:
    """Reasons of one measurement without their numbers and without the model that they are about."""
    labels = [wording.candidate_label(each, one.result.candidates) for each in one.result.candidates]
    parts: list[str] = []
    for reason in one.reasons:
        head, _, tail = reason.partition(": ")
        if one.verdict == wording.GONE:
            parts.append(reason.replace(one.result.id, "…"))
        elif tail and any(label in head for label in labels):
            parts += tail.split("; ")
        else:
            parts.append(head)
    return [_NUMBER.sub("…", _RAISED.sub("…", part)) for part in parts]


def main_rows(everything: Sequence[Judged]) -> list[tuple[str, str]]:
    """Label and unit of the quantities that a table of all measurements has room for, of the best models."""
    total: dict[tuple[str, str], int] = {}
    words: dict[tuple[str, str], str] = {}
    analysed = [one for one in everything if one.result.candidates]
    for one in analysed:
        for row in one.result.best.parameters:
            if row.sd and known(row.mean):
                total[place_of(row)] = total.get(place_of(row), 0) + 1
                words.setdefault(place_of(row), row.name.rpartition(".")[2])
    places = list(total)
    common = [place for place in places if total[place] >= _RARE * len(analysed)]
    ranks = {word: rank for rank, word in enumerate(_FIRST)}
    common.sort(key=lambda place: (ranks.get(words[place], len(ranks)), -total[place], places.index(place)))
    return common[:_MAIN]


def place_of(row: Row) -> tuple[str, str]:
    """What tells columns of quantities apart: label and unit."""
    return row.label, row.unit


def chosen(results: Results) -> dict[str, str]:
    """Measurements that the page shows one by one, and why, in the order of the sheet."""
    everything = judged_all(results)
    firsts = [one.id for one in examples(results)]
    why: dict[str, str] = {}
    if len(firsts) <= MANY:
        of_study = {member.id for study in results.facts.studies for member in study.members}
        for one in firsts:
            why[one] = "the first of its level in a study" if one in of_study else "of the sheet"
    bad = sorted((one for one in everything if one.verdict == wording.BAD), key=_badness)[:WORST]
    doubted = sorted((one for one in everything if one.verdict == wording.CHECK), key=_check)[: WORST - len(bad)]
    refused = [one for one in everything if one.verdict == wording.GONE]
    undecided = [one for one in everything if one.result.candidates and not one.decided and one.verdict != wording.BAD]
    undecided.sort(key=lambda one: one.result.best.model_probability or 0.0)
    for some, words in (
        (bad, "among the least reliable"),
        (doubted, "among those with the gravest reservations"),
        (refused[:REFUSED], "refused"),
        (undecided[:OPEN], "among the least decided"),
        (_typical(everything), "typical of those with its best model"),
    ):
        for each in some:
            why.setdefault(each.result.id, words)
    return {one.id: why[one.id] for one in results.measurements if one.id in why}


def _badness(one: Judged) -> tuple[float, float]:
    """Order of measurements that are not reliable, the worst first: by R-hat, then by the error of F."""
    failed = [each for each in one.result.candidates if not each.reliable]
    rhat = max((each.rhat_max for each in failed if each.rhat_max is not None and known(each.rhat_max)), default=0.0)
    error = max((each.standard_error or 0.0 for each in failed), default=0.0)
    return -rhat, -error


def _check(one: Judged) -> float:
    """Order of measurements with reservations: those first that their best candidate describes least."""
    p = check_p(one.result.best)
    return 1.0 if p is None else p


def _typical(everything: Sequence[Judged]) -> list[Judged]:
    """One measurement of each of the models of most measurements: that of the middle probability."""
    by_tag: dict[str, list[Judged]] = {}
    for one in everything:
        if one.verdict in (wording.GOOD, wording.CHECK) and one.decided:
            by_tag.setdefault(one.result.best.tag, []).append(one)
    most = sorted(by_tag.values(), key=lambda some: -len(some))[:TYPICAL]
    ordered = (sorted(some, key=lambda one: one.result.best.model_probability or 0.0) for some in most)
    return [some[len(some) // 2] for some in ordered]
