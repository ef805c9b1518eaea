"""Normal density of mean zero folded onto the positive side."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, outside, positive

HALF_LOG_TWO_OVER_PI = 0.5 * math.log(2.0 / math.pi)


def density(x: Tensor, sd: Tensor) -> Tensor:
    """Log of twice the normal density, for x >= 0."""
    inside = (x >= 0) & (x < math.inf)
    z = torch.where(inside, x, 0.0) / sd
    return outside(inside, HALF_LOG_TWO_OVER_PI - torch.log(sd) - 0.5 * z * z)


def quantile(u: Tensor, sd: Tensor) -> Tensor:
    """Return sd sqrt(2) erfinv(u), accurate for small u as well."""
    return sd * math.sqrt(2.0) * torch.erfinv(u)


def interval(sd: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positive half line."""
    return torch.zeros_like(sd), torch.full_like(sd, math.inf)


def problems(sd: float) -> list[ArgumentProblem]:
    """Return the standard deviation if it is not positive."""
    return positive(sd=sd)


def kernel(m: Any, x: Any, sd: Any) -> Any:
    """Half the squared value, in units of sd."""
    return -0.5 * m.square(x / sd)


family = Family(
    "half_normal",
    ("sd",),
    density,
    quantile,
    interval,
    problems,
    kernel=kernel,
    examples=({"sd": 1.0}, {"sd": 2e4}),
)
