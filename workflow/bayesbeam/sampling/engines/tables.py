"""Tables of a target that loops and kernels read: arguments and supports of priors, constants of the noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.targets.base import Target
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.sum import SumTarget

MOST_ARGUMENTS = 5


def prior_arguments(target: Target) -> Tensor:
    """Arguments of the priors, (G, D, P, 5), float64, filled up with 0."""
    shape = target.groups, target.members
    table = torch.zeros(*shape, len(target.slots), MOST_ARGUMENTS, dtype=torch.float64, device=target.device)
    for j, prior in enumerate(target.priors):
        for a, name in enumerate(prior.family.parameters):
            table[:, :, j, a] = prior.values[name].reshape(shape)
    return table


def prior_supports(target: Target) -> Tensor:
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


def linear_arrays(target: MarginalTarget) -> dict[str, NDArray[Any]]:
    """What compiled loops read of parameters that are integrated out."""
    source = np.zeros(len(target.whole.slots), np.int64)
    source[list(target.kept)] = np.arange(len(target.kept))
    source[list(target.linear)] = -1 - np.arange(len(target.linear))
    first = np.cumsum([0, *(len(own) for own in target.linear_of)])
    mean, sd = (table[:, :, 0, 0].cpu().numpy() for table in (target.mean, target.sd))
    return {
        "source": source,
        "lifted": np.array(target.lifted, dtype=np.int64),
        "linear_first": np.ascontiguousarray(first, dtype=np.int64),
        "linear_ratio": np.ascontiguousarray(mean / sd),
        "linear_sd": np.ascontiguousarray(sd),
    }
