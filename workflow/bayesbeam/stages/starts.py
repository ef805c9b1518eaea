"""From the starting points of a campaign to states of a target.

Decides what a parameter that a starting point does not name begins with.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bayesbeam.config.specs import CandidateSpec, StartSpec
from bayesbeam.errors import ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.targets.base import Target


def starting_points(
    spec: CandidateSpec, target: Target, members: Sequence[Sequence[Measurement]]
) -> list[Tensor] | None:
    """States to start from, in the order of the target's slots; None where the campaign names none.

    Parameters
    ----------
    spec : CandidateSpec
        With ``starts``.
    target : Target
        Built from this candidate and these measurements.
    members : nested sequence of Measurement, [G][D]

    Returns
    -------
    list of Tensor (S, D, P), float64, one a group
        Named parameters as stated, in all members; others at the median of their prior in that member, positions of
        K peaks at its quantiles (k - 1/2) / K.

    Raises
    ------
    ModelError
        If a value lies outside its prior in one of the measurements, which is named.
    """
    if not spec.starts:
        return None
    states = torch.stack([_state(start, spec, target, members) for start in spec.starts])
    return list(states.unbind(1))


def _state(start: StartSpec, spec: CandidateSpec, target: Target, members: Sequence[Sequence[Measurement]]) -> Tensor:
    """One starting point for all groups and members, (G, D, P)."""
    shape = (target.groups, target.members, 1, 1)
    counts = {part.name: part.count for part in spec.parts}
    places = {one.part: one.component.order_by for one in target.instances}
    columns = []
    for slot, prior in zip(target.slots, target.priors, strict=True):
        value = start.value(slot.part, slot.parameter, slot.index)
        if value is None:
            spread = slot.index is not None and slot.parameter == places.get(slot.part)
            u = (slot.index - 0.5) / counts[slot.part] if spread and slot.index is not None else 0.5
            column = prior.icdf(torch.full(shape, u, dtype=torch.float64, device=target.device))
        else:
            column = torch.full(shape, value, dtype=torch.float64, device=target.device)
            _check(slot.name, value, torch.isneginf(prior.log_prob(column)), members)
        columns.append(column.expand(shape)[..., 0, 0])
    return torch.stack(columns, -1)


def _check(name: str, value: float, outside: Tensor, members: Sequence[Sequence[Measurement]]) -> None:
    """Refuse a value outside its prior."""
    flags = outside.expand(len(members), len(members[0]), 1, 1)[..., 0, 0]
    for g, d in torch.nonzero(flags).tolist():
        raise ModelError.at(
            f"measurement {members[g][d].id}: a start of {name}", f"{value:g} lies outside its prior for these data",
            "a value inside it", "Correct the start, or give the candidate other measurements.",
        )  # fmt: skip
