"""A campaign folder as checked, frozen data; all mistakes at once.

Decides the order of the checks and what a campaign offers to the stages. Importing this file imports no torch;
checking a campaign does, since priors and components are torch code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bayesbeam.config.checks import Context, applies, check_campaign
from bayesbeam.config.places import Problems, shown_path
from bayesbeam.config.schema import Campaign, Integration
from bayesbeam.config.sheet import MeasurementRow, SheetReader
from bayesbeam.config.specs import Expanded
from bayesbeam.config.translate import read_campaign
from bayesbeam.config.yaml_text import read_yaml
from bayesbeam.errors import ConfigErrors, Problem

FILE_NAME = "campaign.yaml"


@dataclass(frozen=True)
class LoadedCampaign:
    """A campaign without mistakes, its sheet, and its candidates with nothing left open."""

    folder: Path
    campaign: Campaign
    sheet: tuple[MeasurementRow, ...]
    models: dict[str, tuple[Expanded, ...]]

    @cached_property
    def _rows(self) -> dict[str, MeasurementRow]:
        return {row.id: row for row in self.sheet}

    @cached_property
    def _applies(self) -> dict[str, tuple[str, ...]]:
        return applies(self.campaign, [row.id for row in self.sheet])

    @cached_property
    def _candidates(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {row.id: [] for row in self.sheet}
        for name, ids in self._applies.items():
            for identifier in ids:
                found[identifier].append(name)
        return found

    @cached_property
    def _groups(self) -> dict[str, Integration]:
        return {group.group: group for group in self.campaign.integration}

    @property
    def ids(self) -> tuple[str, ...]:
        """Measurement ids in the order of the sheet."""
        return tuple(row.id for row in self.sheet)

    def row(self, measurement: str) -> MeasurementRow:
        """Row of a measurement; ``KeyError`` is our own mistake."""
        return self._rows[measurement]

    def expanded(self, candidate: str) -> tuple[Expanded, ...]:
        """Models of a candidate, one a count."""
        return self.models[candidate]

    def all_expanded(self) -> tuple[Expanded, ...]:
        """Models of all candidates."""
        return tuple(model for models in self.models.values() for model in models)

    def by_tag(self, tag: str) -> Expanded:
        """Model of a tag; ``KeyError`` is our own mistake."""
        return {model.tag: model for model in self.all_expanded()}[tag]

    def applies(self, candidate: str) -> tuple[str, ...]:
        """Measurements that a candidate describes."""
        return self._applies[candidate]

    def candidates_of(self, measurement: str) -> tuple[Expanded, ...]:
        """Models of a measurement."""
        names = self._candidates[measurement]
        return tuple(model for name in names for model in self.models[name])

    def group(self, name: str) -> Integration:
        """Group of a name; ``KeyError`` is our own mistake."""
        return self._groups[name]

    def group_members(self, name: str) -> tuple[str, ...]:
        """Measurements of a group, in the order of the campaign."""
        return self._groups[name].measurements


def load_campaign(path: Path | str) -> LoadedCampaign:
    """Campaign of a folder or of a campaign.yaml.

    Parameters
    ----------
    path : Path or str
        The folder, or the file in it.

    Raises
    ------
    ConfigErrors
        With all mistakes, the fatal ones first; each says where it stands, what was found and expected, and what to
        do next.
    """
    file = Path(path)
    file = file / FILE_NAME if file.is_dir() else file
    shown = shown_path(file)
    if not file.is_file():
        remedy = f"Name a folder that holds {FILE_NAME}, or the file itself."
        raise ConfigErrors([Problem(shown, "no such file", "a campaign", remedy)])
    text = read_yaml(file, shown)
    problems = Problems(shown, text, list(text.problems))
    unreadable = text.value is None and bool(text.problems)
    campaign, cut = (None, frozenset[str]()) if unreadable else read_campaign(text.value, problems)
    if campaign is None:
        raise ConfigErrors(problems.found)
    reader = _sheet(file, campaign, cut, _names(text.value, "treatments"))
    rows = reader.rows() if reader is not None else ()
    problems.found.extend(reader.problems if reader is not None else ())
    whole = reader is not None and not reader.problems
    models = _check(Context(campaign, rows, cut, whole, _names(text.value, "candidates")), problems)
    if problems.found:
        raise ConfigErrors(problems.found)
    return LoadedCampaign(file.resolve().parent, campaign, rows, models)


def _names(value: Any, section: str) -> frozenset[str]:
    """Return the names that the file declares in a section, whatever they hold."""
    declared = value.get(section)
    return frozenset(declared) if isinstance(declared, dict) else frozenset()


def _sheet(file: Path, campaign: Campaign, cut: frozenset[str], treatments: frozenset[str]) -> SheetReader | None:
    """Return the reader of the sheet, None where its name is a mistake."""
    if "measurements" in cut:
        return None
    path = file.parent / campaign.measurements
    lost = treatments - set(campaign.treatments)
    return SheetReader(path, shown_path(path), campaign.treatments, lost)


def _check(context: Context, problems: Problems) -> dict[str, tuple[Expanded, ...]]:
    """Return the models of all candidates, noting what is wrong with them and between them."""
    from bayesbeam.config.groups import check_groups
    from bayesbeam.config.resolve import resolve_candidate

    campaign = context.campaign
    models: dict[str, Sequence[Expanded]] = {}
    for name, candidate in campaign.candidates.items():
        models[name] = resolve_candidate(name, candidate, problems)
    check_campaign(context, problems)
    check_groups(context, applies(campaign, [row.id for row in context.rows]), models, problems)
    return {name: tuple(found) for name, found in models.items()}
