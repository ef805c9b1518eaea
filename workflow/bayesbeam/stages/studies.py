"""Studies of a campaign as the report needs them: their measurements, and what is true in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayesbeam.report.studied import Member, Study

if TYPE_CHECKING:
    from bayesbeam.config.load import LoadedCampaign
    from bayesbeam.config.outline import CampaignOutline


def studies_of(campaign: CampaignOutline) -> tuple[Study, ...]:
    """Studies in the order of the campaign; one that has any must have been loaded with its models."""
    if not campaign.has_studies:
        return ()
    from bayesbeam.config.load import LoadedCampaign
    from bayesbeam.config.truth_fixed import linear_names

    assert isinstance(campaign, LoadedCampaign)
    linear = {model.tag: linear_names(model.spec) for model in campaign.all_expanded()}
    found = []
    for _, study in campaign.campaign.simulations:
        truth = campaign.truths[study.name]
        values = {
            (f"{part}.{name}", place): value
            for (part, name), instances in truth.values.items()
            for place, value in enumerate(instances, start=1)
        }
        column = "exposure" if study.exposures else "noise_level"
        members = _members(campaign, study.name)
        found.append(Study(study.name, column, members, linear, truth.expanded.tag, values))
    for thinning in campaign.campaign.thin:
        members = _members(campaign, thinning.name)
        made = campaign.row(members[0].id).made
        assert made is not None
        whole, exposure = thinning.measurement, made.level / made.share
        found.append(Study(thinning.name, "exposure", members, linear, whole=whole, exposure=exposure))
    return tuple(found)


def _members(campaign: LoadedCampaign, name: str) -> tuple[Member, ...]:
    """Measurements of a study."""
    made = [(row.id, row.made) for row in campaign.sheet if row.made is not None and row.made.study == name]
    return tuple(Member(identifier, one.level, one.replicate) for identifier, one in made)
