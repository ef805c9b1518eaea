"""Types of the sections ``simulate`` and ``thin``: measurements that nobody made, to ask how long one must measure.

Decides keys and defaults; which rows they stand for is said in ``studies``, what is true in them in ``truth``.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bayesbeam.config.fields import Identifier, Real, Section, StartValue, refuse, shown

MOST_LEVELS, MOST_REPLICATES = 100, 10_000


def levels_of(value: Any) -> Any:
    """One number stands for a list of one."""
    if isinstance(value, bool | dict | str) or value is None:
        refuse(shown(value), "numbers in brackets", "Write e.g. [1, 3, 10, 30, 100].")
    return value if isinstance(value, list | tuple) else [value]


Levels = Annotated[tuple[Annotated[Real, Field(gt=0)], ...], BeforeValidator(levels_of)]
Replicates = Annotated[int, Field(ge=1, le=MOST_REPLICATES)]


class Span(Section):
    """Range over which points are spread equally, however many."""

    start: Real = Field(description="First x.")
    stop: Real = Field(description="Last x.")
    quantity: str = Field("x", max_length=80, description="Name of x on axes.", examples=["binding energy"])
    unit: str = Field("", max_length=40, description="Unit of x.", examples=["eV"])

    @model_validator(mode="after")
    def _upwards(self) -> Self:
        if not self.start < self.stop:
            refuse(f"start {self.start:g} and stop {self.stop:g}", "start below stop", "Exchange the two.")
        return self


class Grid(Span):
    """Points at which a simulated spectrum is measured, equally spaced."""

    points: int = Field(ge=3, le=100_000, description="Number of points.", examples=[101])


class Simulation(Section):
    """Measurements made from a model, many at each exposure or noise level, to see how often it is found again.

    Every one is a measurement named `<name>_T<exposure>_<replicate>` (or `<name>_sd<noise level>_<replicate>`), with
    the columns `exposure` (or `noise_level`) and `replicate`. More replicates, or more exposures, add measurements and
    leave those that are there as they are.
    """

    name: Identifier = Field(description="Name of the study, first part of the ids.", examples=["three_peaks"])
    candidate: str = Field(
        description="Candidate that is true; its formula and noise make the data.", examples=["peaks"]
    )
    truth: dict[str, StartValue] = Field(
        min_length=1,
        description="True value of every free parameter, as part.parameter, in a list for several peaks; the length of "
        "the lists is the true number of peaks. With exposures: of the signal in one unit of exposure.",
        examples=["{peaks.position: [1.2, 1.45], peaks.sd: 0.1}"],
    )
    axis: Grid = Field(description="Where is measured.")
    exposures: Levels = Field(
        (),
        description="With noise poisson: times T; the counts are drawn with the mean T x signal.",
        examples=["[1, 10]"],
    )
    noise_levels: Levels = Field(
        (), description="With noise normal: standard deviations of a point.", examples=["[0.3, 0.1, 0.03]"]
    )
    replicates: Replicates = Field(20, description="Measurements at each exposure or noise level.")
    seed: int = Field(2019, ge=0, lt=2**63, description="Seed of the data; that of the sampling is another.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.exposures) == bool(self.noise_levels):
            found = "both exposures and noise_levels" if self.exposures else "neither exposures nor noise_levels"
            refuse(found, "one of the two", "Write exposures with noise poisson, noise_levels with noise normal.")
        check_levels("exposures" if self.exposures else "noise_levels", self.levels)
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """Exposures or noise levels."""
        return self.exposures or self.noise_levels


class Thinning(Section):
    """A measured spectrum of counts, thinned to shorter times, to see how long would have been enough.

    Every count is kept with the probability shorter time / measured time, which gives exactly what a shorter
    measurement would have given, as long as counts are Poisson and the sample did not change.
    """

    name: Identifier = Field(description="Name of the study, first part of the ids.", examples=["shorter"])
    measurement: Identifier = Field(description="Id of the measured spectrum in the sheet.", examples=["run1"])
    exposure: Real | None = Field(
        None,
        gt=0,
        description="Its measuring time, in any unit; the column exposure of the sheet if left out.",
        examples=[1800],
    )
    exposures: Levels = Field(min_length=1, description="Shorter times, in the same unit.", examples=["[60, 300, 900]"])
    replicates: Replicates = Field(20, description="Thinned spectra at each time.")
    seed: int = Field(2019, ge=0, lt=2**63, description="Seed of the thinning.")

    @field_validator("exposures", mode="after")
    @classmethod
    def _check(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        check_levels("exposures", levels)
        return levels

    @property
    def levels(self) -> tuple[float, ...]:
        """Shorter times."""
        return self.exposures


def level_text(level: float) -> str:
    """Return an exposure or noise level as it stands in ids."""
    return f"{level:.6g}".replace("+", "")


def check_levels(word: str, levels: tuple[float, ...]) -> None:
    """Refuse levels that are too many or that ids do not tell apart."""
    if len(levels) > MOST_LEVELS:
        refuse(f"{len(levels)} {word}", f"at most {MOST_LEVELS}")
    words = [level_text(level) for level in levels]
    twice = sorted({one for one in words if words.count(one) > 1})
    if twice:
        refuse(f"{twice[0]} twice in {word}", "every one once", "More measurements of one kind are set by replicates.")
