"""Gamma density by shape and rate (mean shape/rate)."""

from __future__ import annotations

import math
from typing import Any

import torch
from scipy import special
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, outside, positive


def density(x: Tensor, shape: Tensor, rate: Tensor) -> Tensor:
    """Log of rate^shape x^(shape-1) exp(-rate x) / Gamma(shape), for x > 0."""
    inside = (x > 0) & (x < math.inf)
    safe = torch.where(inside, x, 1.0)
    scaled = rate * safe
    # written with log(rate x) so that nothing overflows when x and rate are far from 1
    log_density = shape * torch.log(scaled) - torch.log(safe) - scaled - torch.lgamma(shape)
    return outside(inside & (scaled > 0), torch.where(scaled > 0, log_density, 0.0))


def quantile(u: Tensor, shape: Tensor, rate: Tensor) -> Tensor:
    """Inverse of the regularised incomplete gamma function (scipy), over rate."""
    standard = special.gammaincinv(shape.cpu().numpy(), u.cpu().numpy())
    return torch.as_tensor(standard, dtype=torch.float64, device=u.device) / rate


def interval(shape: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positive half line."""
    low = torch.zeros_like(shape + rate)
    return low, low + math.inf


def problems(shape: float, rate: float) -> list[ArgumentProblem]:
    """Arguments that are not positive."""
    return positive(shape=shape, rate=rate)


def kernel(m: Any, x: Any, shape: Any, rate: Any) -> Any:
    """Log of x^(shape-1) exp(-rate x)."""
    return (shape - 1.0) * m.log(x) - rate * x


family = Family(
    "gamma",
    ("shape", "rate"),
    density,
    quantile,
    interval,
    problems,
    log_coordinate=True,
    kernel=kernel,
    examples=({"shape": 5.0, "rate": 0.04}, {"shape": 0.5, "rate": 3.0}, {"shape": 400.0, "rate": 2.0}),
)
