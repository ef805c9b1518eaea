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


def score(y: Tensor, prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Normal numbers at the probability of fewer counts plus a random share of that of as many.

    Dunn and Smyth, J. Comput. Graph. Stat. 5, 236 (1996). Checked against: scipy's Poisson distribution.
    """
    mean = prediction.double().clamp(min=1e-300)
    counts = y.double().expand_as(mean)
    share = torch.rand(mean.shape, generator=generator, dtype=torch.float64, device=mean.device)
    as_many = torch.exp(torch.xlogy(counts, mean) - mean - torch.lgamma(counts + 1.0))
    # From the nearer end: the other one rounds to 1 where a count is far from its mean.
    fewer = torch.where(counts > 0, torch.special.gammaincc(counts.clamp(min=1.0), mean), 0.0)
    more = torch.special.gammainc(counts + 1.0, mean)
    below = fewer + share * as_many
    above = more + (1.0 - share) * as_many
    low = torch.special.ndtri(torch.where(below <= above, below, above).clamp(min=1e-300))
    return torch.where(below <= above, low, -low)


noise = NoiseModel(
    "poisson",
    "counting noise",
    (),
    log_likelihood,
    sample,
    standard_deviation,
    counts=True,
    point=point,
    total=total,
    score=score,
)
