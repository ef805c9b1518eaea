"""Tables of a target that loops and kernels read: arguments and supports of priors, constants of the noise."""

from __future__ import annotations

import torch
from torch import Tensor

from bayesbeam.targets.sum import SumTarget

MOST_ARGUMENTS = 5


def prior_arguments(target: SumTarget) -> Tensor:
    """Arguments of the priors, (G, D, P, 5), float64, filled up with 0."""
    shape = target.groups, target.members
    table = torch.zeros(*shape, len(target.slots), MOST_ARGUMENTS, dtype=torch.float64, device=target.device)
    for j, prior in enumerate(target.priors):
        for a, name in enumerate(prior.family.parameters):
            table[:, :, j, a] = prior.values[name].reshape(shape)
    return table


def prior_supports(target: SumTarget) -> Tensor:
    """Ends of the supports of the priors of moving slots, (G, D, P, 2), float64."""
    shape = target.groups, target.members
    table = torch.zeros(*shape, len(target.slots), 2, dtype=torch.float64, device=target.device)
    for j in target.moving:
        ends = target.priors[j].family.support(**target.priors[j].values)
        for e, end in enumerate(ends):
            table[:, :, j, e] = end.expand(*shape, 1, 1)[:, :, 0, 0]
    return table


def noise_constants(target: SumTarget) -> Tensor:
    """Constant of the log-likelihood of each member, (G, D), float64."""
    constant = target.data.count_constant if target.noise.counts else target.data.gaussian_constant
    return constant.reshape(target.groups, target.members).double().contiguous()
