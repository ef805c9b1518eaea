"""Types of what the measurements of a group have in common: parameters that are equal, or tied to one another.

Decides keys and defaults; whether parameters, columns and priors exist is checked in ``shared_checks``.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from bayesbeam.config.candidate import Common
from bayesbeam.config.fields import CandidateName, FormulaText, Identifier, PartName, PriorText, Section, refuse, shown

KINDS = ("offset", "scale", "formula")


def _words(value: Any) -> Any:
    """One word stands for a list of one."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not items or not all(isinstance(item, str) for item in items):
        refuse(shown(value), "part.parameter, or a list of such", "Write e.g. line.position.")
    return items


def _numbers(value: Any) -> Any:
    """A prior stands for a number without a unit."""
    if not isinstance(value, dict):
        return value
    return {name: {"prior": one} if isinstance(one, str) else one for name, one in value.items()}


class Shared(Section):
    """A parameter that the measurements of a group have in common; a word `part.parameter` says that it is equal.

    At most one of offset, scale and formula says how it differs from one measurement to the next.
    """

    parameter: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        (),
        description="part.parameter, or several that have one offset or factor, or follow one formula, together.",
        examples=["line.position", "[first.position, second.position]"],
        validate_default=False,
    )
    parameters: dict[CandidateName, str] = Field(
        default_factory=dict,
        description="In a group of several candidates, what the one parameter is called in each of them.",
        examples=["{peaks: line.position, edge: step.position}"],
    )
    offset: PriorText | None = Field(
        None,
        description="Prior of what each measurement adds to it: equal up to an offset of its own.",
        examples=["normal(mean=0, sd=0.1)"],
    )
    scale: PriorText | None = Field(
        None,
        description="Prior of what each measurement multiplies it with: equal up to a factor of its own.",
        examples=["log_uniform(low=0.5, high=2)"],
    )
    reference: Identifier | None = Field(
        None,
        description="With offset or scale, the measurement that has none: the parameter is as this one has it.",
        examples=["run1"],
    )
    formula: FormulaText | None = Field(
        None,
        description="What it is in each measurement, as a formula of columns of the sheet, of common numbers, and of "
        "itself, which is then what they have in common.",
        examples=[
            '"common.start + common.slope * temperature"',
            '"line.position + common.slope * (temperature - 300)"',
        ],
    )
    common: Annotated[dict[PartName, Common], BeforeValidator(_numbers)] = Field(
        default_factory=dict,
        description="Numbers that the formula names, the same in all measurements, each with its prior, or with prior "
        "and unit.",
        examples=["{slope: {prior: 'normal(mean=0, sd=0.01)', unit: x}}"],
    )

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        """A word stands for a parameter that is equal."""
        if isinstance(value, str):
            return {"parameter": [value]}
        if not isinstance(value, dict | Shared):
            refuse(shown(value), "part.parameter, or a section with the key parameter", "Write e.g. line.position.")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.parameter) == bool(self.parameters):
            both = "parameter and parameters" if self.parameter else "neither parameter nor parameters"
            refuse(both, "one of the two", "Write parameter: line.position.")
        given = [name for name in KINDS if getattr(self, name) is not None]
        if len(given) > 1:
            refuse(" and ".join(given), "at most one of offset, scale and formula", "A formula can hold them all.")
        if self.reference is not None and self.kind not in ("offset", "scale"):
            refuse(f"reference with {self.kind or 'neither'}", "offset or scale", "Remove reference.")
        if self.common and self.formula is None:
            refuse("common without formula", "a formula that names these numbers", "Add formula, or remove common.")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Schema of a section, or of a word."""
        word = {"type": "string", "description": "part.parameter that is equal"}
        return {"anyOf": [word, handler.resolve_ref_schema(handler(core))]}

    @property
    def kind(self) -> str:
        """How it differs from one measurement to the next: offset, scale, formula, or empty where it does not."""
        return next((name for name in KINDS if getattr(self, name) is not None), "")

    def of(self, candidate: str) -> Shared:
        """The same with the parameters of one candidate."""
        if not self.parameters:
            return self
        words = (self.parameters[candidate],) if candidate in self.parameters else ()
        return self.model_copy(update={"parameter": words, "parameters": {}})

    def __str__(self) -> str:
        """Return what is shared in words: names of what is equal alone."""
        names = " and ".join(self.parameter) or " = ".join(dict.fromkeys(self.parameters.values()))
        if self.formula is not None:
            return f"{names} as {self.formula}"
        own = {"offset": " up to an offset of each measurement", "scale": " up to a factor of each measurement"}
        return names + own.get(self.kind, "")

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler) -> Any:
        """A word again, where that says all."""
        if not self.kind and len(self.parameter) == 1:
            return self.parameter[0]
        return {name: value for name, value in handler(self).items() if value not in (None, {}, ())}


__all__ = ["KINDS", "Shared"]
