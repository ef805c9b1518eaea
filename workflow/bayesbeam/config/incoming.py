"""The section ``incoming``: a folder in which data files arrive, and how their names become rows of the sheet.

Decides the form of the section; which files there are is for ``incoming_rows``, when one is complete for ``launch``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from bayesbeam.config.fields import Identifier, Real, Section, refuse, shown
from bayesbeam.config.sheet import OVERRIDES

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_Word = Annotated[str, Field(min_length=1, max_length=200)]


class Incoming(Section):
    """A folder in which data files arrive while it is measured; each becomes a measurement as a row of the sheet would.

    Named groups of `name`, such as `(?P<temperature_K>[0-9.]+)`, are columns of the sheet: `treatment`, `x`, `y`,
    `uncertainty` and `dataset` mean what they mean there, others are metadata, numbers where they are numbers. Groups
    that begin with `_` are for `id` and `order` only.
    """

    folder: _Word = Field(
        "incoming", description="The folder, relative to the campaign's (or absolute).", examples=["/data/run7"]
    )
    files: _Word = Field(
        "*", description="Files that are meant, with `*` and `?`; names that begin with a dot never are.",
        examples=['"*.dat"', '"*/scan_*.h5"'],
    )  # fmt: skip
    name: _Word = Field(
        description="Regular expression for the whole name of a file (with its folders below the folder, if `files` "
        "has any); names that do not fit are left out and told.",
        examples=["'fh_(?P<temperature_K>[0-9.]+)K[.]dat'"],
    )
    id: _Word = Field(
        "{id}", description="Id of the measurement, of named groups in braces.", examples=['"fh_{temperature_K}K"']
    )
    treatment: Identifier | None = Field(None, description="One of the campaign's treatments, as in the sheet.")
    columns: dict[Identifier, float | str] = Field(
        default_factory=dict, description="Columns that are the same for all of its files.", examples=["{sample: FeOx}"]
    )
    order: tuple[str, ...] = Field(
        (),
        description="Named groups that the rows are sorted by; left out, the names of the files. Numbers within words "
        "count as numbers. Rows stand behind those of the sheet, and a new one moves no other.",
        examples=["[_time]"],
    )
    unchanged_s: Real = Field(
        10.0, ge=0, le=86_400, description="A file is complete when it has not changed for so long, seconds."
    )

    @field_validator("name", mode="after")
    @classmethod
    def _expression(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as problem:
            refuse(shown(value), "a regular expression", f"Python says: {problem}.")
        if not groups:
            refuse(shown(value), "at least one named group", "Write e.g. (?P<id>.*)[.]dat: the id is what it holds.")
        if "file" in groups:
            refuse("a group named file", "other names", "The file is the one whose name this is.")
        return value

    @field_validator("order", mode="before")
    @classmethod
    def _one_for_several(cls, value: Any) -> Any:
        """One group stands for a list of one."""
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _groups(self) -> Self:
        known = re.compile(self.name).groupindex
        wanted = PLACEHOLDER.findall(self.id)
        for word in (*wanted, *self.order):
            if word not in known:
                where = "id" if word in wanted else "order"
                remedy = f"name has {', '.join(known)}; add (?P<{word}>...) there, or change {where}."
                refuse(f"{word!r} in {where}, which is no named group of name", "one of its groups", remedy)
        if not wanted:
            refuse(f"the id {self.id!r} without a group", "ids that differ", "Write e.g. id: 'run_{number}'.")
        twice = [word for word in self.columns if word in known or word in ("id", "file", "treatment", *OVERRIDES)]
        if twice:
            refuse(f"{twice[0]!r} under columns", "columns that have no value yet", "Remove it, or rename the group.")
        if self.treatment is not None and "treatment" in known:
            refuse("treatment beside a group of that name", "one of the two", "Remove one.")
        return self
