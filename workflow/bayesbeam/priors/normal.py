"""Normal density."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, outside, positive

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def density(x: Tensor, mean: Tensor, sd: Tensor) -> Tensor:
    """Log of the normal density."""
    known = torch.isfinite(x)
    z = (torch.where(known, x, mean) - mean) / sd
    return outside(known, -0.5 * z * z - torch.log(sd) - HALF_LOG_TWO_PI)


def quantile(u: Tensor, mean: Tensor, sd: Tensor) -> Tensor:
    """Mean plus a standard normal quantile."""
    standard: Tensor = torch.special.ndtri(u)
    return mean + sd * standard


def interval(mean: Tensor, sd: Tensor) -> tuple[Tensor, Tensor]:
    """Return the whole line."""
    end = torch.full_like(mean + sd, math.inf)
    return -end, end


def problems(mean: float, sd: float) -> list[ArgumentProblem]:
    """Return the standard deviation if it is not positive."""
    return positive(sd=sd)


def kernel(m: Any, x: Any, mean: Any, sd: Any) -> Any:
    """Half the squared distance from the mean, in units of sd."""
    return -0.5 * m.square((x - mean) / sd)


family = Family(
    "normal",
    ("mean", "sd"),
    density,
    quantile,
    interval,
    problems,
    kernel=kernel,
    examples=({"mean": 1.5, "sd": 0.4472}, {"mean": 284.8, "sd": 0.01}),
)
