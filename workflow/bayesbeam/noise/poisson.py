"""Counting noise: Poisson with the prediction as its mean."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.noise.base import NoiseData, NoiseModel, row_sum


def log_likelihood(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Sum of the log Poisson probabilities.

    Written as the distance from a perfect prediction, y log(f/y) - (f - y), whose rounding error stays small in
    single precision however large the counts. ``-inf`` for a negative prediction, or none where there are counts.
    """
    excess = (prediction - data.y) * data.weight
    possible = prediction * data.weight >= 0
    rows = data.y * torch.log1p(torch.clamp(excess * data.inverse_y, min=-1.0)) - excess
    # nan stays nan: it is the caller's error, not a rejection
    return data.count_constant + row_sum(torch.where(possible | torch.isnan(rows), rows, -math.inf))


def point(m: MathSpace, y: Value, f: Value, inverse_sd: Value, inverse_y: Value, weight: Value) -> Value:
    """Distance from a perfect prediction at one point; ``-inf`` where the prediction is impossible."""
    excess = (f - y) * weight
    value = y * m.log1p(m.maximum(excess * inverse_y, -1.0)) - excess
    return m.where(f * weight < 0.0, -math.inf, value)


def total(m: MathSpace, s: Value, constant: Value, count: Value) -> Value:
    """Sum of the log Poisson probabilities."""
    return constant + s


def sample(prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Counts, as floating-point numbers; none where the prediction is negative."""
    return torch.poisson(prediction.clamp(min=0.0), generator=generator)


def standard_deviation(prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
    """Square root of the prediction."""
    return torch.sqrt(prediction.clamp(min=0.0))


noise = NoiseModel(
    "poisson", "counting noise", (), log_likelihood, sample, standard_deviation, counts=True, point=point, total=total
)
