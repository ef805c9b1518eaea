"""Checks of the section ``splitting``, and what a question of it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bayesbeam.config.checks import Context
from bayesbeam.config.library_files import content_of
from bayesbeam.config.places import Problems, shown_path
from bayesbeam.config.specs import Expanded, PhasesSpec
from bayesbeam.config.splitting import FEWEST, Splitting
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest

if TYPE_CHECKING:
    from bayesbeam.config.load import LoadedCampaign


def candidate_of(one: Splitting, models: Mapping[str, Sequence[Expanded]]) -> str:
    """Name of the candidate of a splitting: that which it names, or the only one with phases; empty for none."""
    with_phases = [name for name, found in models.items() if found and found[0].spec.phases is not None]
    return one.candidate or (with_phases[0] if len(with_phases) == 1 else "")


def splitting_of(campaign: LoadedCampaign, name: str) -> tuple[Splitting, PhasesSpec, tuple[str, ...]]:
    """What is asked under a name, how phases are looked at, and the measurements; ``KeyError`` is our own mistake."""
    asked = {one.name: one for one in campaign.campaign.splitting}[name]
    candidate = candidate_of(asked, campaign.models)
    own = campaign.models[candidate][0].spec.phases
    assert own is not None
    places = [campaign.folder / place for place in asked.places]
    spec = replace(own, library=tuple(map(str, places)), content=content_of(places), elements=None, sheet="")
    ids = [one for one in campaign.applies(candidate) if isinstance(campaign.row(one).metadata.get(asked.along), float)]
    return asked, spec, tuple(ids)


def check_splitting(
    context: Context, folder: Path, members: Mapping[str, Sequence[str]], models: Mapping[str, Sequence[Expanded]],
    problems: Problems,
) -> None:  # fmt: skip
    """Note everything wrong with what is asked of edges of cells.

    Parameters
    ----------
    folder : Path
        That of the campaign.
    members : mapping of str to sequence of str
        Measurements of each candidate.
    models : mapping of str to sequence of Expanded
        Models of each candidate; empty for one with mistakes.
    """
    seen: set[str] = set()
    for index, one in enumerate(context.campaign.splitting):
        here: KeyPath = ("splitting", index)
        if one.name in seen:
            problems.add((*here, "name"), f"{one.name!r} once more", "a name of its own", "Choose another.")
        seen.add(one.name)
        for key, places in (("structure", (one.structure,)), ("beside", one.beside or ())):
            for place in places:
                if not (folder / place).is_file():
                    found = f"{shown_path(folder / place)}, which is no file"
                    problems.add((*here, key), found, "a CIF", "Correct the path.")
        name = _candidate(one, models, here, problems)
        if name and context.sheet_is_whole:
            _check_column(context, one, members[name], (*here, "along"), problems)


def _candidate(
    one: Splitting, models: Mapping[str, Sequence[Expanded]], here: KeyPath, problems: Problems
) -> str:  # fmt: skip
    """Name of the candidate; empty where it is a mistake, which is noted."""
    with_phases = [name for name, found in models.items() if not found or found[0].spec.phases is not None]
    if one.candidate and one.candidate not in with_phases:
        what = "has no phases" if one.candidate in models else "is none of this campaign"
        remedy = nearest(one.candidate, with_phases) if with_phases else "Add one: its errors and measurements count."
        problems.add((*here, "candidate"), f"{one.candidate!r}, which {what}", "a candidate with phases", remedy)
        return ""
    name = candidate_of(one, models)
    if not name and not any(not found for found in models.values()):
        found = f"{len(with_phases)} candidates with phases"
        remedy = f"Name one of {', '.join(with_phases)}." if with_phases else "Add one: its errors count."
        problems.add((*here, "candidate"), found, "one that is meant", remedy)
    return name


def _check_column(
    context: Context, one: Splitting, ids: Sequence[str], path: KeyPath, problems: Problems
) -> None:  # fmt: skip
    """A column that is absent, or has too few different numbers."""
    rows = [row.metadata for row in context.rows if row.id in set(ids)]
    numbers = {value for row in rows if isinstance(value := row.get(one.along), float)}
    if len(numbers) < FEWEST:
        columns = sorted({key for row in rows for key, value in row.items() if isinstance(value, float)})
        found = f"the column {one.along!r} with {len(numbers)} different numbers"
        remedy = nearest(one.along, columns) if one.along not in columns else "Add measurements."
        problems.add(path, found, f"a column of the sheet with {FEWEST} or more", remedy)
