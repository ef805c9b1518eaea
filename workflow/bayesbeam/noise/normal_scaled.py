"""Normal noise whose standard deviation is an estimated multiple of the given one."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bayesbeam.models.base import POSITIVE, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.noise.base import NoiseData, NoiseModel, row_sum
from bayesbeam.noise.normal import standard_normal

SCALE = Parameter(
    "scale",
    "1",
    "log_uniform(low=0.1, high=10)",
    POSITIVE,
    "true standard deviation of the noise over the given one",
    (0.5, 2.0),
)


def log_likelihood(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Sum of the log normal densities of standard deviation scale * base_sd; ``-inf`` for scale <= 0."""
    given = phi[..., 0].double()
    possible = given > 0
    scale = torch.where(possible, given, 1.0)
    z = (data.y - prediction) * data.inverse_sd
    result = data.gaussian_constant - data.n_effective * torch.log(scale) - 0.5 * row_sum(z * z) / (scale * scale)
    return torch.where(possible, result, -math.inf)


def total(m: MathSpace, s: Value, constant: Value, count: Value, scale: Value) -> Value:
    """Sum of the log normal densities from that of squared residuals; ``-inf`` for scale <= 0."""
    possible = scale > 0.0
    safe = m.where(possible, scale, 1.0)
    return m.where(possible, constant - count * m.log(safe) - 0.5 * s / m.square(safe), -math.inf)


def point(m: MathSpace, y: Value, f: Value, inverse_sd: Value, inverse_y: Value, weight: Value, scale: Value) -> Value:
    """Squared residual over the given standard deviation."""
    return m.square((y - f) * inverse_sd)


def sample(prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Prediction plus normal noise."""
    sd = standard_deviation(prediction, base_sd, phi)
    return prediction + sd * standard_normal(sd, generator)


def standard_deviation(prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
    """Scale times the given standard deviation."""
    return (phi[..., :1] * base_sd).to(prediction.dtype) + torch.zeros_like(prediction)


noise = NoiseModel(
    "normal_scaled",
    "normal noise of estimated level",
    (SCALE,),
    log_likelihood,
    sample,
    standard_deviation,
    point=point,
    total=total,
)
