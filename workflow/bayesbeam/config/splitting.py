"""Type of the section ``splitting``: whether edges of a cell are equal or split, along a series."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from bayesbeam.config.fields import Identifier, Section, refuse, shown
from bayesbeam.config.phases import Places

FEWEST = 4
"""Different values of the column."""


def _edges(value: Any) -> Any:
    """Return two different edges."""
    if not isinstance(value, list | tuple) or len(value) != 2 or value[0] == value[1] or not set(value) <= set("abc"):
        refuse(shown(value), "two of the edges a, b and c", "Write e.g. [b, c].")
    return tuple(value)


_EDGES = {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "maxItems": 2}
Edge = Literal["a", "b", "c"]
Edges = Annotated[tuple[Edge, ...], BeforeValidator(_edges), WithJsonSchema(_EDGES)]


class Splitting(Section):
    """Whether two edges of a cell are equal or different along a column of the sheet, and where that turns."""

    name: Identifier = Field(description="Name of the question.", examples=["spinel"])
    along: str = Field(
        min_length=1, max_length=200, description="Column of numbers in the sheet.", examples=["temperature_K"]
    )
    structure: str = Field(
        min_length=1, max_length=500,
        description="CIF of the structure, relative to the campaign's folder (or absolute), of a symmetry that leaves "
        "both edges free, if only nearly different.",
        examples=["structures/CuCr2O4-orthorhombic.cif"],
    )  # fmt: skip
    edges: Edges = Field(description="The two edges.", examples=["[b, c]"])
    beside: Places | None = Field(
        None,
        description="CIFs of what else is in the powder, such as what a search has found; all are taken to be there.",
        examples=["[../../libraries/inorganic/CuO-Tenorite.cif]"],
    )
    candidate: str = Field(
        "",
        description="Candidate with phases of which the measurements are looked at, under its errors of the model and "
        "its changes of cells; needed where there are several.",
        examples=["spinel_and_oxides"],
    )

    @property
    def places(self) -> tuple[str, ...]:
        """CIFs, that of the structure first."""
        return (self.structure, *(self.beside or ()))


VALUE_WORDS = {_edges: "two of a, b, c"}
