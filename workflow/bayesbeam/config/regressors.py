"""Columns of the data and powers of x as parts of a candidate: what they need, and where they cannot stand.

Decides what is a mistake in these alone; whether a power can be taken of the data is seen when a target is built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bayesbeam.config.fields import CountRange
from bayesbeam.config.places import Problems
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest

if TYPE_CHECKING:
    from bayesbeam.config.candidate import Part
    from bayesbeam.config.checks import Context
    from bayesbeam.config.sheet import MeasurementRow
    from bayesbeam.config.specs import CandidateSpec
    from bayesbeam.models.base import Component

KEYS = {"column": "column", "power": "exponent"}
"""Key that a component needs and no other may have."""


def as_term(part: Part, component: Component, problems: Problems, here: KeyPath) -> Component:
    """Component with the column or the exponent that the campaign states; mistakes are noted."""
    from bayesbeam.models.regressors import has_default_prior, of_column, of_power

    for owner, key in KEYS.items():
        given = getattr(part, key)
        if given is not None and part.component != owner:
            found, remedy = f"{key} with component {part.component}", f"Remove it, or write component: {owner}."
            problems.add((*here, key), found, f"component: {owner}", remedy)
        if given is None and part.component == owner:
            what = "a column of the treatment's read.columns" if owner == "column" else "the power of x"
            problems.add(here, f"component: {owner} without {key}", f"{key}: {what}", f"Add {key}:.")
    if part.component not in KEYS or getattr(part, KEYS[part.component]) is None:
        return component
    if part.tied:
        remedy = "Give it a prior, or keep it at a value under fixed."
        problems.add((*here, "tied"), f"a tie of a {part.component}", "a prior or a fixed value", remedy)
    exponent = part.exponent or 0.0
    made = of_power(exponent) if part.column is None else of_column(part.column)
    told = part.column is None and has_default_prior(exponent)
    (word,) = made.parameter_names
    if not told and word not in {*part.priors, *part.fixed, *part.tied}:
        unit = f"its unit is that of y over that of {part.column or f'x^{exponent:g}'}"
        remedy = f"Write e.g. priors: {{{word}: normal(mean=0, sd=10)}}."
        problems.add((*here, "priors"), f"no prior of {word}", f"one, for {unit}", remedy)
    return made


def check_alone(spec: CandidateSpec, problems: Problems, here: KeyPath) -> None:
    """Note columns of the data among what ties name and operators act on, which are computed from x."""
    columns = {part.name for part in spec.parts if part.column}
    for index, part in enumerate(spec.parts):
        named = {name.split(".")[0] for _, formula in part.ties for name in formula.names}
        for name in sorted(columns & named):
            path, found = (*here, "parts", index, "tied"), f"{name}, a column of the data"
            problems.add(path, found, "parameters of parts that are computed from x", "Give it a prior instead.")
        for name in sorted(columns & set(part.acts_on)):
            path, found = (*here, "parts", index, "acts_on"), f"{name!r}, a column of the data"
            problems.add(path, found, "parts that are computed from x", "Take it out of acts_on.")


def check_columns(context: Context, members: Mapping[str, Sequence[str]], problems: Problems) -> None:
    """Note columns that a treatment does not read for measurements of the candidate."""
    rows = {row.id: row for row in context.rows}
    for name, candidate in context.campaign.candidates.items():
        if context.cut_below("candidates", name):
            continue
        for place, part in zip(candidate.part_places(), candidate.parts, strict=True):
            if part.column is not None and not isinstance(part.count, CountRange):
                lacking = [rows[i] for i in members[name] if part.column not in rows[i].treatment.read.columns]
                if lacking:
                    _note(
                        part.column,
                        lacking,
                        problems,
                        ("candidates", name, *place, *(["column"] if place[0] == "parts" else [])),
                    )


def _note(word: str, lacking: Sequence[MeasurementRow], problems: Problems, path: KeyPath) -> None:
    """Note one column that some measurements lack."""
    first = lacking[0]
    read = list(first.treatment.read.columns)
    found = f"the column {word!r}, which {first.id} does not have"
    if first.made is not None:
        problems.add(path, found, "measurements from files", "Leave simulated measurements out of this candidate.")
        return
    near = nearest(word, read) if read else f"Write read: {{columns: [{word}]}} there."
    problems.add(path, found, f"a column that treatments.{first.treatment_name} reads", near)


__all__ = ["KEYS", "as_term", "check_alone", "check_columns"]
