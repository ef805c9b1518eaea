"""A campaign folder as checked, frozen data; all mistakes at once.

Decides the order of the checks and what a campaign offers to the stages. Importing this file imports no torch;
checking a campaign does, since priors and components are torch code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bayesbeam.config.checks import Context, applies, check_campaign
from bayesbeam.config.grouping import GroupModel, group_models, mapped_models
from bayesbeam.config.outline import CampaignOutline, read, ready
from bayesbeam.config.places import Problems
from bayesbeam.config.specs import Expanded
from bayesbeam.errors import ConfigErrors

if TYPE_CHECKING:
    from bayesbeam.config.truth import Truth


@dataclass(frozen=True)
class LoadedCampaign(CampaignOutline):
    """A campaign without mistakes, its sheet, and its candidates with nothing left open."""

    models: dict[str, tuple[Expanded, ...]]
    truths: dict[str, Truth] = field(default_factory=dict)

    def expanded(self, candidate: str | Mapping[str, str]) -> tuple[Expanded, ...]:
        """Models of a candidate, one a count; of several, by patterns of measurements, one a combination."""
        return self.models[candidate] if isinstance(candidate, str) else mapped_models(candidate, self.models)

    def all_expanded(self) -> tuple[Expanded, ...]:
        """Models of all candidates."""
        return tuple(model for models in self.models.values() for model in models)

    def by_tag(self, tag: str) -> Expanded:
        """Model of a tag, of several candidates too; ``KeyError`` is our own mistake."""
        groups = [self.expanded(one.candidate) for one in self.campaign.integration]
        known = {model.tag: model for models in groups for model in models}
        return (known | {model.tag: model for model in self.all_expanded()})[tag]

    def group_models(self, group: str) -> tuple[GroupModel, ...]:
        """Models of a group."""
        return group_models(self.group(group), self.models)

    def candidates_of(self, measurement: str) -> tuple[Expanded, ...]:
        """Models of a measurement."""
        names = self._candidates[measurement]
        return tuple(model for name in names for model in self.models[name])


def load_campaign(path: Path | str, arrivals: Path | None = None) -> LoadedCampaign:
    """Campaign of a folder or of a campaign.yaml.

    Parameters
    ----------
    path : Path or str
        The folder, or the file in it.
    arrivals : Path or None
        Folder of all results: of files that arrive, those count that a run has accepted. Without, all that are there.

    Raises
    ------
    ConfigErrors
        With all mistakes, the fatal ones first; each says where it stands, what was found and expected, and what to
        do next.
    """
    reading = read(path, arrivals)
    problems, context = reading.problems, reading.context
    models = _check(context, reading.file.parent, problems)
    truths = _truths(context, models, problems)
    if problems.found:
        raise ConfigErrors(problems.found)
    campaign, rows = ready(context)
    return LoadedCampaign(reading.file.resolve().parent, campaign, rows, models, truths, aside=reading.aside)


def _truths(context: Context, models: dict[str, tuple[Expanded, ...]], problems: Problems) -> dict[str, Truth]:
    """Return what is true in the simulated studies."""
    from bayesbeam.config.truth import resolve_truths

    truths = resolve_truths(context.campaign, models, context.declared, problems)
    if context.campaign.distinguish:
        from bayesbeam.config.told_apart import check_distinguish

        members = applies(context.campaign, [row.id for row in context.rows])
        check_distinguish(context.campaign, members, models, truths, problems)
    return truths


def _check(context: Context, folder: Path, problems: Problems) -> dict[str, tuple[Expanded, ...]]:
    """Return the models of all candidates, noting what is wrong with them and between them."""
    from bayesbeam.config.axis_units import check_axis_units
    from bayesbeam.config.dictionary import check_sparse
    from bayesbeam.config.exposures import check_exposures
    from bayesbeam.config.groups import check_groups
    from bayesbeam.config.own import own_components
    from bayesbeam.config.phase_candidates import check_phases
    from bayesbeam.config.resolve import resolve_candidate
    from bayesbeam.config.series import check_next_points, check_series
    from bayesbeam.config.splitting_checks import check_splitting
    from bayesbeam.config.truth_fixed import check_thinned

    campaign = context.campaign
    components = own_components(folder.resolve(), campaign.components, context.cut_below("components"), problems)
    models: dict[str, Sequence[Expanded]] = {}
    for name, candidate in campaign.candidates.items():
        whole = not context.cut_below("candidates", name)
        models[name] = resolve_candidate(name, candidate, problems, components, whole)
    check_campaign(context, problems)
    members = applies(campaign, [row.id for row in context.rows])
    check_groups(context, members, models, problems)
    check_sparse(context, models, problems)
    check_phases(context, members, models, problems)
    check_exposures(campaign, members, context.rows, models, problems)
    check_thinned(members, context.rows, models, problems)
    check_axis_units(members, context.rows, models, problems)
    check_series(context, models, problems)
    check_next_points(context, models, problems)
    check_splitting(context, folder, members, models, problems)
    return {name: tuple(found) for name, found in models.items()}
