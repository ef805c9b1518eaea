"""Results as the report sees them, in frozen records: what each has, and what may be absent (shown as a dash)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bayesbeam.io.store import Measurement
from bayesbeam.report.rows import Row as Row
from bayesbeam.report.studied import Distinguished, Study

RELIABLE = "reliable"


@dataclass(frozen=True)
class Followed:
    """What the campaign wants to see along a column: see ``report.series`` of a campaign."""

    quantity: str
    against: str
    candidate: str = ""
    count: int | Mapping[str, int] | None = None
    study: str = ""
    laws: tuple[str, ...] = ()
    start: float | None = None

    def allows(self, one: Candidate) -> bool:
        """Whether it is this model that is to be followed, or one of those."""
        if self.candidate not in ("", one.candidate):
            return False
        if isinstance(self.count, Mapping):
            return all(one.counts.get(name) == number for name, number in self.count.items())
        return self.count in (None, one.count)


@dataclass(frozen=True)
class Facts:
    """What the report takes from the campaign: its names and their order, and its studies."""

    campaign: str
    title: str
    measurements: tuple[str, ...]
    groups: tuple[str, ...] = ()
    studies: tuple[Study, ...] = ()
    series: tuple[Followed, ...] = ()
    distinguished: tuple[Distinguished, ...] = ()
    splittings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Averaged:
    """A quantity over all candidates, or counts of a group; ``error`` is that of the mean by the errors of F."""

    name: str
    measurement: str | None = None
    unit: str = "1"
    kind: str = "parameter"
    mean: float | None = None
    sd: float | None = None
    q025: float | None = None
    median: float | None = None
    q975: float | None = None
    error: float | None = None
    candidates: int | None = None


@dataclass(frozen=True)
class Marginal:
    """Probability of one count of a part, among the models of a candidate with several ranges of counts."""

    candidate: str
    part: str
    count: int
    probability: float | None = None
    error: float | None = None


@dataclass(frozen=True)
class Advised:
    """Where to measure next, or the ``reason`` why that is not said; ``points`` in the order of measurement.

    Of each point: x, curve_sd, noise_sd, and with those before it information and sd_after (of ``about``, now
    ``sd_before``); ``even``: these two for points spread evenly; ``share``: probability of candidates that have it.
    """

    about: str = ""
    criterion: str = ""
    unit: str = "1"
    sd_before: float | None = None
    candidates: int | None = None
    share: float | None = None
    points: tuple[Mapping[str, float], ...] = ()
    even: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Candidate:
    """One candidate model of one measurement: free energy, diagnostics, posterior summary."""

    measurement: str
    candidate: str
    tag: str
    count: int | tuple[int, ...] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    title: str = ""
    free_energy: float | None = None
    standard_error: float | None = None
    free_energy_excess: float | None = None
    estimators: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    model_probability: float | None = None
    probability_error: float | None = None
    verdict: str = "not reliable"
    reasons: tuple[str, ...] = ()
    barrier: float | None = None
    exchange_rate_min: float | None = None
    exchange_rate_mean: float | None = None
    round_trips: float | None = None
    ess_min: float | None = None
    rhat_max: float | None = None
    chains: int | None = None
    replicas: int | None = None
    sweeps: int | None = None
    burn_in: int | None = None
    noise: Mapping[str, Any] = field(default_factory=dict)
    noise_curve: Mapping[str, Any] | None = None
    predictive_p: float | None = None
    checks: Mapping[str, Any] | None = None
    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    peak_memory_mb: float | None = None
    predicted_memory_mb: float | None = None
    likelihood_rows: float | None = None
    engine: str = ""
    device: str = ""
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    priors: tuple[Mapping[str, str], ...] = ()
    parameters: tuple[Row, ...] = ()
    parts: str = ""
    numbering: tuple[Mapping[str, Any], ...] = ()
    sparse: Mapping[str, Any] | None = None
    phases: Mapping[str, Any] | None = None
    exact: Mapping[str, Any] | None = None
    not_solved: str = ""

    @property
    def reliable(self) -> bool:
        """Whether the diagnostics carry the numbers."""
        return self.verdict == RELIABLE


@dataclass(frozen=True)
class MeasurementResult:
    """All candidates of one measurement, or why there are none."""

    id: str
    name: str
    measurement: Measurement | None
    candidates: tuple[Candidate, ...] = ()
    refusal: str = ""
    arrays: Path | None = None
    about: str = ""
    averaged: tuple[Averaged, ...] = ()
    counts: tuple[Marginal, ...] = ()
    advised: Advised | None = None
    left_out: tuple[tuple[str, str], ...] = ()  # tag and reason of candidates that could not be sampled

    @cached_property
    def ranked(self) -> tuple[Candidate, ...]:
        """Candidates, the most probable first."""
        return tuple(sorted(self.candidates, key=lambda one: -(one.model_probability or 0.0)))

    @property
    def best(self) -> Candidate:
        """Most probable candidate."""
        return self.ranked[0]


@dataclass(frozen=True)
class GroupRow:
    """Integrated against separate, for one candidate of a group."""

    tag: str
    count: int | tuple[int, ...] | None = None
    free_energy: float | None = None
    standard_error: float | None = None
    separate_free_energy: float | None = None
    separate_standard_error: float | None = None
    gain: float | None = None
    gain_standard_error: float | None = None
    probability: float | None = None
    probability_error: float | None = None
    model_probability: float | None = None
    verdict: str = "not reliable"
    reasons: tuple[str, ...] = ()
    parameters: tuple[Row, ...] = ()
    numbering: tuple[Mapping[str, Any], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    phases: tuple[Mapping[str, Any], ...] = ()  # those that were sought in all measurements together


@dataclass(frozen=True)
class GroupResult:
    """One question of integration, or why it has no answer."""

    id: str
    candidate: str = ""
    measurements: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    rows: tuple[GroupRow, ...] = ()
    best: Mapping[str, Any] = field(default_factory=dict)
    decision: str = ""
    averaged: tuple[Averaged, ...] = ()
    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    peak_memory_mb: float | None = None
    likelihood_rows: float | None = None
    device: str = ""
    seed: int | None = None
    key: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    arrays: Path | None = None
    common: tuple[str, ...] = ()
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sharing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def best_row(self) -> GroupRow | None:
        """Row of the integrated candidate that the comparison rests on."""
        tag = self.best.get("tag_integrated")
        return next((row for row in self.rows if row.tag == tag), self.rows[0] if self.rows else None)


@dataclass(frozen=True, eq=False)
class Results:
    """Everything the report shows; equal only to itself, so that what is found in it once can be kept."""

    facts: Facts
    measurements: tuple[MeasurementResult, ...]
    groups: tuple[GroupResult, ...]
    laws: tuple[Mapping[str, Any], ...] = ()  # of quantities along series, see stages/laws.py
    splittings: tuple[Mapping[str, Any], ...] = ()  # questions about edges, see stages/splitting.py

    def measurement(self, name: str) -> MeasurementResult | None:
        """Result of a measurement by its id."""
        return next((one for one in self.measurements if one.id == name), None)
