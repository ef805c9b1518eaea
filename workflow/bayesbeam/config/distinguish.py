"""Type of the section ``distinguish``: how many points, or what noise, tell one model from another.

Decides keys and defaults, and which simulated studies an entry stands for, one for each number of points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from bayesbeam.config.fields import Identifier, Real, Section, StartValue, refuse
from bayesbeam.config.virtual import Grid, Levels, Replicates, Simulation, Span, check_levels, levels_of
from bayesbeam.config.yaml_text import KeyPath

MOST_NUMBERS = 30

Numbers = Annotated[
    tuple[Annotated[int, Field(ge=3, le=10_000)], ...], BeforeValidator(levels_of), Field(min_length=1)
]  # fmt: skip


class Distinguish(Section):
    """A question before there are data: how many points, and what noise, tell a model that is true from others.

    Measurements `<name>_N<points>_sd<noise level>_<replicate>` (or `_T<exposure>_`) are simulated and analysed. Where
    the models are linear, with normal noise, the answer is exact beside that, for every number of points.
    """

    name: Identifier = Field(description="Name of the question, first part of the ids.", examples=["offset"])
    candidate: str = Field(
        description="Candidate that is true; its formula and noise make the data.", examples=["line"]
    )
    truth: dict[str, StartValue] = Field(
        min_length=1,
        description="True value of every free parameter, as under simulate.",
        examples=["{line.slope: 1, line.level: 0.3}"],
    )
    against: str = Field(
        "",
        description="What it is told from: another candidate, or one model of a range of counts as results call it; "
        "all other models where left out.",
        examples=["origin", "peaks-k2"],
    )
    axis: Span = Field(description="Where is measured.")
    points: Numbers = Field(description="Numbers of points to simulate.", examples=["[10, 30, 100]"])
    noise_levels: Levels = Field(
        (), description="With noise normal: standard deviations of a point.", examples=["[1, 0.5]"]
    )
    exposures: Levels = Field((), description="With noise poisson: times.", examples=["[10, 100]"])
    probability: Real = Field(
        0.95, gt=0.5, lt=1, description="Probability with which the true model is to be the better one."
    )
    replicates: Replicates = Field(20, description="Simulated measurements of each number of points and each level.")
    seed: int = Field(2019, ge=0, lt=2**63, description="Seed of the data.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.exposures) == bool(self.noise_levels):
            found = "both exposures and noise_levels" if self.exposures else "neither exposures nor noise_levels"
            refuse(found, "one of the two", "Write exposures with noise poisson, noise_levels with noise normal.")
        check_levels("exposures" if self.exposures else "noise_levels", self.levels)
        if len(self.points) > MOST_NUMBERS:
            refuse(f"{len(self.points)} numbers of points", f"at most {MOST_NUMBERS}")
        twice = [one for one in self.points if self.points.count(one) > 1]
        if twice:
            refuse(f"{twice[0]} twice in points", "every one once", "More measurements are set by replicates.")
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """Exposures or noise levels."""
        return self.exposures or self.noise_levels

    def study(self, points: int) -> Simulation:
        """Simulated study of one number of points."""
        rest: dict[str, Any] = self.model_dump(include={"candidate", "truth", "replicates", "seed"})
        levels = {"exposures": self.exposures} if self.exposures else {"noise_levels": self.noise_levels}
        return Simulation(
            name=f"{self.name}_N{points}", axis=Grid(**self.axis.model_dump(), points=points), **levels, **rest
        )


def studies_of(
    stated: Sequence[Simulation], asked: Sequence[Distinguish]
) -> tuple[tuple[KeyPath, Simulation], ...]:  # fmt: skip
    """All simulated studies with their places in the campaign, those of ``simulate`` first."""
    found: list[tuple[KeyPath, Simulation]] = [(("simulate", index), study) for index, study in enumerate(stated)]
    for index, one in enumerate(asked):
        found += [(("distinguish", index), one.study(points)) for points in one.points]
    return tuple(found)
