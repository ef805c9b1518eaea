"""A campaign folder without its models: what was asked of which measurements, in the form that the types allow.

Enough for stages that read data files, put measurements into batches or write the report; imports no torch, which
would take them longer than their work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bayesbeam.config.checks import Context, applies, check_campaign, matching
from bayesbeam.config.counts import counts_of
from bayesbeam.config.incoming_rows import LEDGER, Joined, check_incoming, files_in, join_rows, read_ledger
from bayesbeam.config.places import Problems, shown_path
from bayesbeam.config.schema import Campaign, Integration
from bayesbeam.config.sheet import MeasurementRow, SheetReader
from bayesbeam.config.specs import tag_of
from bayesbeam.config.studies import study_rows
from bayesbeam.config.translate import read_campaign
from bayesbeam.config.yaml_text import read_yaml
from bayesbeam.errors import ConfigErrors, Problem

FILE_NAME = "campaign.yaml"


@dataclass(frozen=True)
class CampaignOutline:
    """A campaign and its sheet, without mistakes of form; ``aside`` are files that arrived and make no row."""

    folder: Path
    campaign: Campaign
    sheet: tuple[MeasurementRow, ...]
    aside: tuple[Problem, ...] = field(default=(), kw_only=True)

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
        return {
            group.group: group.model_copy(update={"measurements": matching(group.measurements, self.ids)})
            for group in self.campaign.integration
        }

    @property
    def ids(self) -> tuple[str, ...]:
        """Measurement ids in the order of the sheet."""
        return tuple(row.id for row in self.sheet)

    @property
    def has_studies(self) -> bool:
        """Whether some measurements are simulated or thinned."""
        return bool(self.campaign.simulate or self.campaign.distinguish or self.campaign.thin)

    def row(self, measurement: str) -> MeasurementRow:
        """Row of a measurement; ``KeyError`` is our own mistake."""
        return self._rows[measurement]

    def applies(self, candidate: str) -> tuple[str, ...]:
        """Measurements that a candidate describes."""
        return self._applies[candidate]

    def tags(self, measurement: str) -> tuple[str, ...]:
        """Tags of the models of a measurement, one a candidate and count."""
        return tuple(tag for name in self._candidates[measurement] for tag in self._tags[name])

    def only_phases(self, measurement: str) -> bool:
        """Whether all candidates of a measurement are searches for phases."""
        found = [self.campaign.candidates[name] for name in self._candidates[measurement]]
        return bool(found) and all(one.phases is not None for one in found)

    @cached_property
    def _tags(self) -> dict[str, tuple[str, ...]]:
        found = {}
        for name, candidate in self.campaign.candidates.items():
            found[name] = tuple(tag_of(name, count) for count in counts_of(candidate))
        return found

    def group(self, name: str) -> Integration:
        """Group of a name, its measurements by their ids; ``KeyError`` is our own mistake."""
        return self._groups[name]

    def group_members(self, name: str) -> tuple[str, ...]:
        """Measurements of a group: those named, in their order, a pattern's in the order of the sheet."""
        return self._groups[name].measurements


@dataclass(frozen=True)
class Reading:
    """What was read of a campaign, and the mistakes found so far."""

    file: Path
    context: Context
    problems: Problems
    aside: tuple[Problem, ...] = ()


def outline_campaign(path: Path | str, arrivals: Path | None = None) -> CampaignOutline:
    """Campaign of a folder or of a campaign.yaml; its models are not looked at.

    Parameters
    ----------
    path : Path or str
        The folder, or the file in it.
    arrivals : Path or None
        Folder of all results, see ``read``.

    Raises
    ------
    ConfigErrors
        With all mistakes but those in models and groups.
    """
    reading = read(path, arrivals)
    check_campaign(reading.context, reading.problems)
    if reading.problems.found:
        raise ConfigErrors(reading.problems.found)
    campaign, rows = ready(reading.context)
    return CampaignOutline(reading.file.resolve().parent, campaign, rows, aside=reading.aside)


def ready(context: Context) -> tuple[Campaign, tuple[MeasurementRow, ...]]:
    """Campaign and rows as stages see them: of files that still arrive, groups join in when two members are there."""
    campaign, rows = context.campaign, tuple(context.rows)
    if campaign.incoming:
        ids = [row.id for row in rows]
        groups = tuple(one for one in campaign.integration if len(matching(one.measurements, ids)) > 1)
        campaign = campaign.model_copy(update={"integration": groups})
    return campaign, rows


def read(path: Path | str, arrivals: Path | None = None) -> Reading:
    """Text, form and sheet of a campaign, with the mistakes found there.

    Parameters
    ----------
    path : Path or str
        The folder, or the file in it.
    arrivals : Path or None
        Folder of all results: of files that arrive, those count that a run has accepted. Without, all that are there.

    Raises
    ------
    ConfigErrors
        If nothing useful could be read.
    StoreError
        If a folder of ``incoming`` is not there, or the list of accepted files is damaged.
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
    whole = (reader is not None and not reader.problems) or _needs_no_sheet(file, campaign, cut)
    # What no measurement has may still arrive.
    whole = whole and not _lost_studies(cut) and not campaign.incoming
    lost = _names(text.value, "treatments") - set(campaign.treatments)
    joined = _joined(file, campaign, rows, lost, arrivals, problems)
    rows += joined.rows
    rows += study_rows(campaign, rows, file.parent, problems, whole)
    context = Context(campaign, rows, cut, whole, _names(text.value, "candidates"))
    return Reading(file, context, problems, joined.aside)


def _joined(
    file: Path, campaign: Campaign, sheet: tuple[MeasurementRow, ...], lost: frozenset[str],
    arrivals: Path | None, problems: Problems,
) -> Joined:  # fmt: skip
    """Return the rows of files that arrived."""
    if campaign.incoming:
        check_incoming(campaign, lost, problems)
    if not campaign.incoming or problems.found:
        return Joined((), ())
    if arrivals is not None:
        files = read_ledger(arrivals / campaign.campaign / LEDGER)
    else:
        files = files_in(campaign.incoming, file.parent)
    return join_rows(campaign, sheet, file.parent, files, lost)


def _names(value: Any, section: str) -> frozenset[str]:
    """Return the names that the file declares in a section, whatever they hold."""
    declared = value.get(section)
    return frozenset(declared) if isinstance(declared, dict) else frozenset()


def _sheet(file: Path, campaign: Campaign, cut: frozenset[str], treatments: frozenset[str]) -> SheetReader | None:
    """Return the reader of the sheet, None where its name is a mistake."""
    if "measurements" in cut or _needs_no_sheet(file, campaign, cut):
        return None
    path = file.parent / campaign.measurements
    lost = treatments - set(campaign.treatments)
    return SheetReader(path, shown_path(path), campaign.treatments, lost)


def _needs_no_sheet(file: Path, campaign: Campaign, cut: frozenset[str]) -> bool:
    """Whether there need not be a sheet: measurements are simulated or arrive, sections with mistakes included."""
    unsaid = "measurements" not in campaign.model_fields_set
    others = bool(campaign.simulate or campaign.distinguish or campaign.incoming) or _lost_studies(cut)
    return others and unsaid and not (file.parent / campaign.measurements).exists()


def _lost_studies(cut: frozenset[str]) -> bool:
    """Whether studies were left out for their mistakes, and with them measurements that a campaign may name."""
    return any(key.startswith(("incoming", "simulate", "distinguish", "thin")) for key in cut)
