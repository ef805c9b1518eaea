"""Beta density, stretched between two ends."""

from __future__ import annotations

from typing import Any

import torch
from scipy import special
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, increasing, outside, positive


def density(x: Tensor, a: Tensor, b: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log of t^(a-1) (1-t)^(b-1) / B(a, b) / (high - low), with t = (x - low)/(high - low)."""
    inside = (x > low) & (x < high)
    width = high - low
    safe = torch.where(inside, x, 0.5 * (low + high))
    left, right = torch.log((safe - low) / width), torch.log((high - safe) / width)
    log_beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    return outside(inside, (a - 1.0) * left + (b - 1.0) * right - log_beta - torch.log(width))


def quantile(u: Tensor, a: Tensor, b: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Inverse of the regularised incomplete beta function (scipy), stretched."""
    t = special.betaincinv(a.cpu().numpy(), b.cpu().numpy(), u.cpu().numpy())
    return low + torch.as_tensor(t, dtype=torch.float64, device=u.device) * (high - low)


def interval(a: Tensor, b: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ends themselves."""
    nothing = torch.zeros_like(a + b)
    return low + nothing, high + nothing


def problems(a: float, b: float, low: float, high: float) -> list[ArgumentProblem]:
    """Shapes not positive, or ends upside down."""
    return positive(a=a, b=b) or increasing(low, high)


def kernel(m: Any, x: Any, a: Any, b: Any, low: Any, high: Any) -> Any:
    """Log of t^(a-1) (1-t)^(b-1), with t = (x - low)/(high - low)."""
    return (a - 1.0) * m.log((x - low) / (high - low)) + (b - 1.0) * m.log((high - x) / (high - low))


family = Family(
    "beta",
    ("a", "b", "low", "high"),
    density,
    quantile,
    interval,
    problems,
    defaults={"low": 0.0, "high": 1.0},
    kernel=kernel,
    examples=({"a": 2.0, "b": 5.0}, {"a": 0.6, "b": 0.7, "low": -1.0, "high": 4.0}),
)
