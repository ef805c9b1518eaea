"""Normal noise of estimated level with a relative model error added in squares."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bayesbeam.models.base import Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.noise.base import NoiseData, NoiseModel, row_sum
from bayesbeam.noise.normal import standard_normal
from bayesbeam.noise.normal_scaled import SCALE

RELATIVE = Parameter(
    "relative",
    "1",
    "log_uniform(low=1e-4, high=0.3)",
    (0.0, math.inf),
    "standard deviation of the model error over the prediction",
    (0.01, 0.2),
)


def log_likelihood(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Sum of the log normal densities of variance (scale base_sd)^2 + (relative prediction)^2.

    With q = (relative prediction / (scale base_sd))^2 the variance is (scale base_sd)^2 (1 + q), so that padded
    points, whose prediction counts as zero, add nothing. ``-inf`` for scale <= 0 or relative < 0.
    """
    given, relative = phi[..., :1], phi[..., 1:2]
    possible = (given > 0) & (relative >= 0)
    scale = torch.where(possible, given, 1.0)
    inverse_scale = (1.0 / scale).to(prediction.dtype)
    excess = prediction * data.inverse_sd * (relative / scale).to(prediction.dtype)
    q = excess * excess
    z = (data.y - prediction) * data.inverse_sd * inverse_scale
    rows = row_sum(z * z / (1.0 + q) + torch.log1p(q))
    level = data.n_effective * torch.log(scale[..., 0].double())
    return torch.where(possible[..., 0], data.gaussian_constant - level - 0.5 * rows, -math.inf)


def point(
    m: MathSpace, y: Value, f: Value, inverse_sd: Value, inverse_y: Value, weight: Value, scale: Value, relative: Value
) -> Value:
    """Squared residual over the whole variance, and the log of that variance over the given one."""
    possible = (scale > 0.0) & (relative >= 0.0)
    safe = m.where(possible, scale, 1.0)
    q = m.square(f * inverse_sd * (relative / safe))
    z = (y - f) * inverse_sd * (1.0 / safe)
    return m.square(z) / (1.0 + q) + m.log1p(q)


def total(m: MathSpace, s: Value, constant: Value, count: Value, scale: Value, relative: Value) -> Value:
    """Sum of the log normal densities; ``-inf`` for scale <= 0 or relative < 0."""
    possible = (scale > 0.0) & (relative >= 0.0)
    return m.where(possible, constant - count * m.log(m.where(possible, scale, 1.0)) - 0.5 * s, -math.inf)


def sample(prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Prediction plus normal noise."""
    sd = standard_deviation(prediction, base_sd, phi)
    return prediction + sd * standard_normal(sd, generator)


def standard_deviation(prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
    """Both parts added in squares."""
    return torch.hypot((phi[..., :1] * base_sd).to(prediction.dtype), phi[..., 1:2].to(prediction.dtype) * prediction)


noise = NoiseModel(
    "normal_relative",
    "normal noise of estimated level and a relative model error",
    (SCALE, RELATIVE),
    log_likelihood,
    sample,
    standard_deviation,
    point=point,
    total=total,
)
