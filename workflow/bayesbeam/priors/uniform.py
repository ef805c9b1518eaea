"""Uniform density between two ends."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, increasing, outside


def density(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log of 1/(high - low) between the ends."""
    return outside((x >= low) & (x <= high), -torch.log(high - low))


def quantile(u: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Linear interpolation between the ends."""
    return low + u * (high - low)


def interval(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ends themselves."""
    return low, high


def problems(low: float, high: float) -> list[ArgumentProblem]:
    """Ends upside down, or further apart than a double can hold."""
    if math.isinf(high - low):
        return [("high", f"a range from {low} to {high}", "a finite range")]
    return increasing(low, high)


def kernel(m: Any, x: Any, low: Any, high: Any) -> Any:
    """Nothing: the density is flat."""
    return 0.0 * x


family = Family(
    "uniform",
    ("low", "high"),
    density,
    quantile,
    interval,
    problems,
    kernel=kernel,
    examples=({"low": -1.0, "high": 3.0}, {"low": 283.0, "high": 283.25}),
)
