"""Measurement limit of a study: how often the true model is selected and how precise each parameter is, at each level.

Decides what is counted; figures and words are made elsewhere. An unreliable analysis counts like any other and is
also counted by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from bayesbeam.report import wording
from bayesbeam.report.records import Candidate, MeasurementResult, Results, Row
from bayesbeam.report.renumber import renumbered
from bayesbeam.report.studied import Study
from bayesbeam.report.text import known

Truth = Callable[[Row, float], float]
ENOUGH = 0.95  # share of selections that is called enough


@dataclass(frozen=True)
class Share:
    """A number of cases among others, with the binomial 95% interval of Clopper and Pearson."""

    cases: int
    among: int

    @property
    def value(self) -> float:
        """Share, not a number where there was no case."""
        return self.cases / self.among if self.among else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Interval that holds the true share in at least 95 of 100 studies (Biometrika 26, 404, 1934)."""
        low = betaincinv(self.cases, self.among - self.cases + 1, 0.025) if self.cases else 0.0
        high = betaincinv(self.cases + 1, self.among - self.cases, 0.975) if self.cases < self.among else 1.0
        return float(low), float(high)


@dataclass(frozen=True)
class Precision:
    """One parameter of the true model at one level: posterior sd over the replicates, and coverage of the truth.

    ``label`` is the name with the number of the peak where there may be several.
    """

    name: str
    index: int | None
    label: str
    unit: str
    truth: float
    sd_median: float
    sd_low: float
    sd_high: float
    covered: Share


@dataclass(frozen=True)
class Level:
    """All replicates at one exposure or noise level."""

    value: float
    replicates: int
    selected: Share
    probability: float
    unreliable: int
    parameters: tuple[Precision, ...]

    @property
    def refused(self) -> int:
        """Replicates that were not analysed."""
        return self.replicates - self.selected.among


@dataclass(frozen=True)
class Limit:
    """What a study found, levels in rising order; ``tag`` is the true model, or that of the whole spectrum."""

    study: Study
    tag: str
    levels: tuple[Level, ...]
    lost: str = ""

    @property
    def enough(self) -> Level | None:
        """Level from which on the true model is selected often enough, at it and at all that tell more."""
        found = None
        more_first = self.levels[::-1] if self.study.column == "exposure" else self.levels
        for level in more_first:
            if not level.selected.value >= ENOUGH:
                break
            found = level
        return found


def limits(results: Results) -> list[Limit]:
    """Limits of all studies but those of questions, in the order of the campaign."""
    asked = {study.name for one in results.facts.distinguished for study in one.studies}
    return [_limit(study, results) for study in results.facts.studies if study.name not in asked]


def examples(results: Results) -> tuple[MeasurementResult, ...]:
    """Measurements that the page shows one by one: those of no study, and the first replicate of every level."""
    hidden = {
        one.id
        for study in results.facts.studies
        for one in study.members
        if one.replicate != min(other.replicate for other in study.members)
    }
    return tuple(one for one in results.measurements if one.id not in hidden)


def without_studies(results: Results) -> tuple[MeasurementResult, ...]:
    """Measurements that are in no study."""
    made = {one.id for study in results.facts.studies for one in study.members}
    return tuple(one for one in results.measurements if one.id not in made)


def _limit(study: Study, results: Results) -> Limit:
    """Limit of one study."""
    by_id = {one.id: one for one in results.measurements}
    tag, truth = study.tag, _stated(study)
    if study.whole:
        whole = by_id.get(study.whole)
        if whole is None or not whole.candidates:
            return Limit(study, "", (), f"the whole spectrum {study.whole} was not analysed")
        tag, truth = whole.best.tag, _from_whole(study, whole.best)
    levels = []
    for value in sorted({one.level for one in study.members}):
        members = [by_id[one.id] for one in study.members if one.level == value and one.id in by_id]
        levels.append(_level(value, members, tag, truth))
    return Limit(study, tag, tuple(levels))


def _stated(study: Study) -> Truth:
    """Truth of a simulated study, in the units of a measurement of a level."""

    def truth(row: Row, level: float) -> float:
        value = study.truth.get((row.name, row.index or 1), math.nan)
        grows = study.column == "exposure" and row.name in study.linear.get(study.tag, ())
        return value * level if grows else value

    return truth


def _from_whole(study: Study, best: Candidate) -> Truth:
    """Posterior means of the whole spectrum in place of the truth."""
    means = {(row.name, row.index): row.mean for row in best.parameters}

    def truth(row: Row, level: float) -> float:
        value = means.get((row.name, row.index))
        grows = row.name in study.linear.get(best.tag, ())
        return math.nan if value is None else value * (level / study.exposure if grows else 1.0)

    return truth


def _level(value: float, members: Sequence[MeasurementResult], tag: str, truth: Truth) -> Level:
    """Counts at one level."""
    analysed = [one for one in members if one.candidates]
    selected = sum(one.best.tag == tag for one in analysed)
    true_ones = [found for one in analysed for found in one.candidates if found.tag == tag]
    odds = [one.model_probability for one in true_ones if one.model_probability is not None]
    return Level(
        value,
        len(members),
        Share(selected, len(analysed)),
        float(np.mean(odds)) if odds else math.nan,
        sum(wording.judged(one)[0] == wording.BAD for one in analysed),
        _precisions(true_ones, truth, value),
    )


def _precisions(candidates: Sequence[Candidate], truth: Truth, level: float) -> tuple[Precision, ...]:
    """Every free parameter of the true model."""
    rows: dict[tuple[str, int | None], list[Row]] = {}
    for one in candidates:
        for row in renumbered(one, lambda row: truth(row, level)):
            if row.kind == "parameter" and row.sd and known(row.sd):
                rows.setdefault((row.name, row.index), []).append(row)
    places = {name: place for place, name in enumerate(dict.fromkeys(name for name, _ in rows))}
    rows = dict(sorted(rows.items(), key=lambda item: (places[item[0][0]], item[0][1] or 0)))
    return tuple(_precision(found, truth(found[0], level)) for found in rows.values())


def _precision(rows: Sequence[Row], truth: float) -> Precision:
    """One parameter over its replicates."""
    sd = np.array([row.sd for row in rows], dtype=float)
    low, middle, high = (float(one) for one in np.quantile(sd, [0.16, 0.5, 0.84]))
    ends = [(row.q025, row.q975) for row in rows] if known(truth) else []
    pairs = [(low, high) for low, high in ends if low is not None and high is not None]
    covered = Share(sum(low <= truth <= high for low, high in pairs), len(pairs))
    return Precision(rows[0].name, rows[0].index, rows[0].label, rows[0].unit, truth, middle, low, high, covered)
