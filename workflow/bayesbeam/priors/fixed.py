"""A parameter held at one value: a point mass, against which there is nothing to sample."""

from __future__ import annotations

import torch
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, outside


def density(x: Tensor, value: Tensor) -> Tensor:
    """Zero at the value (the log of the point's probability), also after rounding to single precision."""
    same = (x == value) | (x == value.float().double())
    return outside(same, torch.zeros_like(x + value))


def quantile(u: Tensor, value: Tensor) -> Tensor:
    """Return the value, whatever the probability."""
    return value + torch.zeros_like(u)


def interval(value: Tensor) -> tuple[Tensor, Tensor]:
    """Return the value twice."""
    return value, value


def problems(value: float) -> list[ArgumentProblem]:
    """Return nothing: any finite value will do."""
    return []


family = Family(
    "fixed",
    ("value",),
    density,
    quantile,
    interval,
    problems,
    is_point=True,
    examples=({"value": 0.0}, {"value": 0.1}),
)
