"""Density uniform in the logarithm, between two positive ends."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, increasing, outside, positive


def log_span(low: Tensor, high: Tensor) -> Tensor:
    """Logarithm of high/low, exact also for ends close together."""
    return torch.log1p((high - low) / low)


def density(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log of 1/(x log(high/low)) between the ends."""
    inside = (x >= low) & (x <= high)
    return outside(inside, -torch.log(torch.where(inside, x, 1.0)) - torch.log(log_span(low, high)))


def quantile(u: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Geometric interpolation between the ends."""
    return low * torch.exp(u * log_span(low, high))


def interval(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ends themselves."""
    return low, high


def problems(low: float, high: float) -> list[ArgumentProblem]:
    """Ends not positive or upside down, or a ratio that a double cannot hold."""
    found = positive(low=low) or increasing(low, high)
    if not found and high / low == float("inf"):
        return [("low", f"low = {low} with high = {high}", "a ratio high/low below 1e308")]
    return found


def kernel(m: Any, x: Any, low: Any, high: Any) -> Any:
    """Log of 1/x."""
    return -m.log(x)


family = Family(
    "log_uniform",
    ("low", "high"),
    density,
    quantile,
    interval,
    problems,
    log_coordinate=True,
    kernel=kernel,
    examples=({"low": 0.02, "high": 5.0}, {"low": 1.0, "high": 1.001}),
)
