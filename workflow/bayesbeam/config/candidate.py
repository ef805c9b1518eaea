"""Types of the section ``candidates``: the models that are compared.

Decides keys and defaults; whether components, parameters and priors exist is checked against the registries.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bayesbeam.config.fields import (
    Amount,
    Count,
    Dark,
    Exposure,
    FormulaText,
    PartName,
    PriorText,
    Real,
    Section,
    StartValue,
    refuse,
    shown,
)
from bayesbeam.config.phases import Phases
from bayesbeam.config.sparse import HIGHEST_POWER, Sparse


class Part(Section):
    """One term of the sum that makes the noise-free curve."""

    component: str = Field(description="Name of a component, see the table of components.", examples=["pseudo_voigt"])
    name: PartName = Field(
        "",
        description="Name of the part; the component's name if left out.",
        examples=["peaks"],
        validate_default=False,
    )
    of: str | None = Field(
        None, description="With component: doublet, the peak that is doubled.", examples=["gaussian"]
    )
    widths: Literal["shared", "own"] = Field(
        "shared", description="With component: doublet, one width for both lines or one each."
    )
    acts_on: tuple[PartName, ...] = Field(
        (),
        description="With a background of peaks or a response, the parts whose curves it is computed from; all peaks "
        "for a background, all parts with a place of their own on the axis (peaks, steps, edges) for a response, where "
        "left out.",
        examples=["[lines]"],
    )
    file: str | None = Field(
        None,
        max_length=200,
        description="With component: measured_response, a text file, relative to the campaign's folder (or "
        "absolute), with two columns: difference of place, and signal.",
        examples=["response.txt"],
    )
    column: PartName | None = Field(
        None,
        description="With component: column, the column, by its name under read.columns of the treatment.",
        examples=["load"],
    )
    exponent: Annotated[Real, Field(ge=-HIGHEST_POWER, le=HIGHEST_POWER)] | None = Field(
        None, description="With component: power, the power of x that the amplitude is multiplied with.", examples=[2]
    )
    count: Count = Field(
        1,
        description="How many of them; a range makes one model of each number, see the section on counts.",
        examples=["1..4"],
    )
    priors: dict[str, PriorText] = Field(
        default_factory=dict,
        description="Prior of each parameter; the component's default where left out.",
        examples=["{fwhm: log_uniform(0.3, 4)}"],
    )
    fixed: dict[str, Real] = Field(
        default_factory=dict, description="Parameters kept at a value.", examples=["{mixing: 0.5}"]
    )
    tied: dict[str, FormulaText] = Field(
        default_factory=dict,
        description="Parameters that follow from others, as formulas of `part.parameter`; see the section on ties.",
        examples=["{position: first.position + 3.67, fwhm: first.fwhm}"],
    )
    linear: Literal["sample", "marginalise"] | None = Field(
        None,
        description="With marginalise, parameters that enter linearly (amplitude, level, slope, coefficients) are "
        "integrated out in closed form; all of them need normal priors. Default that of the candidate.",
        examples=["marginalise"],
    )


class Noise(Section):
    """How the points scatter about the curve."""

    family: Literal["normal", "normal_relative", "normal_counts", "student_t", "poisson"] = Field(
        "normal",
        description="normal; normal_relative adds a standard deviation in proportion to the curve; normal_counts adds "
        "a variance in proportion to the curve; student_t has outliers; poisson.",
    )
    sigma: Amount | None = Field(
        None,
        description="Standard deviation of a point: a number; column (the measurement's own uncertainties, trusted); "
        "estimate (unknown level; the measurement's uncertainties, where it has them, are relative weights); or "
        "a prior in units of y. Default estimate; not with poisson.",
        examples=[0.1],
    )
    scale: Amount | None = Field(
        None,
        description="Factor on a known sigma: a number, estimate, or a prior. Default 1.",
        examples=["estimate"],
    )
    level: PriorText | None = Field(
        None,
        description="With a known sigma of normal noise, prior of the level in units of y (with column, of the factor "
        "on the uncertainties), under which the report integrates it out, from the stated level to 32 times it. "
        "Default log-uniform over these.",
        examples=["log_uniform(0.05, 0.5)"],
    )
    relative: Amount | None = Field(
        None,
        description="With normal_relative, standard deviation as a fraction of the curve: a number, estimate, or a "
        "prior. Default estimate.",
        examples=["log_uniform(0.001, 0.1)"],
    )
    gain: Amount | None = Field(
        None,
        description="With normal_counts, variance that the signal adds over the curve, in units of y (what one event "
        "adds to y): a number, estimate, or a prior. Default estimate.",
        examples=["log_uniform(0.1, 10)"],
    )
    dof: Amount | None = Field(
        None,
        description="With student_t, degrees of freedom, the fewer the more outliers: a number, estimate, or a prior. "
        "Default estimate. sigma is then the width that the noise has for many degrees of freedom.",
        examples=[4],
    )

    exposure: Exposure | None = Field(
        None,
        description="With poisson, what the curve is multiplied with, so that its parameters are rates in one unit of "
        "exposure: a number, or the name of a column of the sheet. Left out, the curve is in counts.",
        examples=["exposure"],
    )
    dark: Dark | None = Field(
        None,
        description="With poisson, counts that come without a signal, in one unit of exposure: a number, the name of a "
        "column of the sheet, or a prior; a part named dark, with the parameter level.",
        examples=["gamma(shape=13, rate=600)"],
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.family == "poisson" and any(
            amount is not None for amount in (self.sigma, self.scale, self.relative, self.gain, self.dof)
        ):
            found = "poisson noise with sigma, scale, relative, gain or dof"
            refuse(found, "family: poisson alone, or with exposure and dark", "Counts give their own noise.")
        for key, amount in (("exposure", self.exposure), ("dark", self.dark)):
            if amount is not None and self.family != "poisson":
                remedy = f"Change the family or remove {key}."
                refuse(f"{key} with family {self.family}", "family: poisson", remedy)
        for key, amount in (("relative", self.relative), ("gain", self.gain), ("dof", self.dof)):
            family = {"relative": "normal_relative", "gain": "normal_counts", "dof": "student_t"}[key]
            if amount is not None and self.family != family:
                remedy = f"Change the family or remove {key}."
                refuse(f"{key} with family {self.family}", f"family: {family}", remedy)
        level_is_free = self.sigma is None or (isinstance(self.sigma, str) and self.sigma != "column")
        if level_is_free and self.scale is not None:
            remedy = "With an unknown sigma its prior is written under sigma, e.g. sigma: log_uniform(0.01, 1)."
            refuse("scale together with an unknown sigma", "one of the two", remedy)
        if self.level is not None and (self.family != "normal" or level_is_free or self.scale is not None):
            found = f"level with {'scale' if self.scale is not None else f'family {self.family}'}"
            found = "level with an unknown sigma" if level_is_free and self.family == "normal" else found
            remedy = "State a sigma that is surely too small, or write the prior under sigma, to sample it."
            refuse(found, "level with family: normal, a known sigma and no scale", remedy)
        return self


class Common(Section):
    """A free number that belongs to no part; parameters are tied to it as `common.<name>`."""

    prior: PriorText = Field(description="Its prior.", examples=["uniform(0.2, 2)"])
    unit: str = Field(
        "1", max_length=60, description="Unit, in terms of those of x and y: x, y, y/x, 1/x^2 or 1.", examples=["x"]
    )


class Derived(Section):
    """A quantity that follows from others, shown with its posterior like a parameter."""

    formula: FormulaText = Field(
        description="Formula of `part.parameter`, of quantities derived for a part (areas, say) and of common numbers; "
        "with several peaks `part[2].parameter` is the second, by position as in the results.",
        examples=["second.area / first.area"],
    )
    unit: str = Field("1", max_length=60, description="Unit, in terms of those of x and y.", examples=["x*y"])


def _needs_parts(info: ValidationInfo) -> bool:
    """Whether nothing else says what a candidate is made of; a section with mistakes of its own may have said it."""
    return all(word in info.data and info.data[word] is None for word in ("sparse", "phases"))


_PARTS = "Terms of the sum, see below; beside sparse those that are always in, if any."


class Candidate(Section):
    """A model with its noise and priors; with a count range, a family of models."""

    title: str = Field("", max_length=200, description="Words for the report.", examples=["Gaussian peaks"])
    measurements: tuple[str, ...] = Field(
        ("*",), min_length=1, description="Ids it applies to, or patterns with * and ?.", examples=['["pet_*"]']
    )
    sparse: Sparse | None = Field(
        None, description="A dictionary of terms of which few are in, see below and the section on sparse regression."
    )
    phases: Phases | None = Field(
        None, description="Crystalline phases of a powder pattern, see below and the section on phases; without parts."
    )
    parts: tuple[Part, ...] = Field((), validate_default=True, description=_PARTS)
    noise: Noise = Field(default_factory=Noise, description="How the points scatter, see below.")
    solve: Literal["auto", "exact", "sample", "both"] = Field(
        "auto",
        description="auto solves exactly what is linear in all that is free, with normal noise and normal or flat "
        "priors, and samples all else; exact: nothing but that; sample: in any case; both: sampled, with the exact "
        "solution beside it.",
    )
    common: dict[PartName, Common] = Field(
        default_factory=dict,
        description="Free numbers of no part, to which parameters are tied: a width of all peaks, a distance, a ratio.",
    )
    derived: dict[PartName, Derived] = Field(
        default_factory=dict, description="Further quantities to report: ratios, splittings, sums."
    )
    starts: tuple[dict[str, StartValue], ...] = Field(
        (),
        max_length=100,
        description="Points near which the posterior may have a mode too narrow to be met by chance, each as values "
        "of part.parameter; see the section on starting points.",
        examples=["[{peaks.position: [1.2, 1.45], peaks.sd: 0.1}]"],
    )
    linear: Literal["sample", "marginalise"] = Field(
        "sample",
        description="With marginalise, in all parts, parameters that enter linearly and have normal priors are "
        "integrated out in closed form; see the section on linear parameters.",
        examples=["marginalise"],
    )

    @field_validator("measurements", mode="before")
    @classmethod
    def _list_of_words(cls, value: Any) -> Any:
        """One word stands for a list of one; ids that look like numbers are words."""
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or any(isinstance(i, dict | list | bool) or i is None for i in items):
            refuse(shown(value), "a list of ids or patterns", 'Write e.g. ["pet_*", au4f_ch1].')
        return [str(item) for item in items]

    @field_validator("parts", mode="before")
    @classmethod
    def _some(cls, value: Any, info: ValidationInfo) -> Any:
        """A list without an entry says nothing."""
        if isinstance(value, list) and not value and _needs_parts(info):
            refuse(shown(value), "at least 1 entry", f"Meaning: {_PARTS}")
        return value

    @field_validator("parts", mode="after")
    @classmethod
    def _complete_parts(cls, parts: tuple[Part, ...], info: ValidationInfo) -> tuple[Part, ...]:
        """Give parts without a name that of their component, numbered from the second on; add a dictionary's."""
        sparse = info.data.get("sparse")
        if not parts and _needs_parts(info):
            refuse("nothing", "the key parts", f"Meaning: {_PARTS}")
        taken = {part.name for part in parts if part.name}
        named = []
        for part in parts:
            name, number = part.name or part.component, 1
            while not part.name and name in taken:
                number += 1
                name = f"{part.component}_{number}"
            taken.add(name)
            named.append(part if part.name else part.model_copy(update={"name": name}))
        if sparse is not None:
            named += [Part(**one) for terms in sparse.written_out() for one in terms]
        return tuple(named)

    def part_places(self) -> list[tuple[str | int, ...]]:
        """Key path of every part within the candidate: under parts, or the entry of the dictionary that it is from."""
        lengths = [] if self.sparse is None else [len(terms) for terms in self.sparse.written_out()]
        stated: list[tuple[str | int, ...]] = [("parts", i) for i in range(len(self.parts) - sum(lengths))]
        return stated + [("sparse", "dictionary", i) for i, length in enumerate(lengths) for _ in range(length)]
