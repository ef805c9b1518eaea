"""Counting noise of a known exposure: Poisson with the prediction, a rate, times the exposure as its mean.

The base of a point is the rate that one count stands for: 1 / exposure.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.noise import poisson
from bayesbeam.noise.base import NoiseData, NoiseModel


def log_likelihood(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Sum of the log Poisson probabilities; ``-inf`` for a negative rate, or none where there are counts."""
    return poisson.log_likelihood(data, prediction * data.inverse_sd, phi)


def point(m: MathSpace, y: Value, f: Value, inverse_sd: Value, inverse_y: Value, weight: Value) -> Value:
    """Distance from a perfect prediction at one point; ``-inf`` where the rate is impossible."""
    return poisson.point(m, y, f * inverse_sd, inverse_sd, inverse_y, weight)


def sample(prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Counts, as floating-point numbers; none where the rate is negative."""
    return poisson.sample(prediction / base_sd, base_sd, phi, generator)


def standard_deviation(prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
    """Square root of the mean number of counts."""
    return poisson.standard_deviation(prediction / base_sd, base_sd, phi)


def score(y: Tensor, prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Normal numbers of counts, as those of counting noise."""
    return poisson.score(y, prediction / base_sd, base_sd, phi, generator)


noise = NoiseModel(
    "poisson_exposure",
    "counting noise of a known exposure",
    (),
    log_likelihood,
    sample,
    standard_deviation,
    counts=True,
    rates=True,
    point=point,
    total=poisson.total,
    score=score,
)
