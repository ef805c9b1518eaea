"""What the entries of ``distinguish`` tell apart: tags of the true model and of those that it is told from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bayesbeam.config.distinguish import Distinguish
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Campaign
from bayesbeam.config.specs import Expanded
from bayesbeam.config.truth import Truth
from bayesbeam.errors import nearest


def others(one: Distinguish, models: Mapping[str, Sequence[Expanded]], true: str) -> tuple[str, ...]:
    """Tags of the models that the true one is told from.

    Parameters
    ----------
    one : Distinguish
    models : mapping
        Models of every candidate that describes the measurements.
    true : str
        Tag of the true model.
    """
    tags = [(name, model.tag) for name, found in models.items() for model in found if model.tag != true]
    return tuple(tag for name, tag in tags if one.against in ("", name, tag))


def check_distinguish(
    campaign: Campaign,
    members: Mapping[str, Sequence[str]],
    models: Mapping[str, Sequence[Expanded]],
    truths: Mapping[str, Truth],
    problems: Problems,
) -> None:
    """Note entries whose models are none, or do not describe the measurements that are simulated.

    Parameters
    ----------
    campaign : Campaign
    members : mapping
        Measurements of every candidate.
    models : mapping
        Models of every candidate.
    truths : mapping
        Truth of every study without mistakes.
    problems : Problems
        Where mistakes are noted.
    """
    for index, one in enumerate(campaign.distinguish):
        truth = truths.get(one.study(one.points[0]).name)
        if truth is None:
            continue
        here, true = ("distinguish", index), truth.expanded.tag
        first = f"{one.study(one.points[0]).name}_"
        there = {name: found for name, found in models.items() if any(row.startswith(first) for row in members[name])}
        every = [model.tag for found in models.values() for model in found]
        chosen = [*models, *every]
        if one.candidate not in there:
            found = (
                f"{one.candidate}, whose measurements are {', '.join(campaign.candidates[one.candidate].measurements)}"
            )
            remedy = f"Add {one.name}_* to its measurements."
            problems.add((*here, "candidate"), found, "a candidate of the simulated measurements", remedy)
        elif one.against and one.against not in chosen:
            found, expected = f"the unknown model {one.against[:60]!r}", "a candidate, or a model of a range of counts"
            problems.add((*here, "against"), found, expected, nearest(one.against, chosen))
        elif not others(one, there, true):
            found = f"{one.against}, where {true} is true" if one.against else f"{true}, the only model"
            remedy = "Name another, or let its measurements be those of the question too."
            problems.add((*here, "against"), found, "another model of the simulated measurements", remedy)
