"""Normal noise of a detector: a level that does not depend on the signal, and a variance in proportion to it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bayesbeam.models.base import Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.noise.base import NoiseData, NoiseModel, row_sum
from bayesbeam.noise.normal import standard_normal
from bayesbeam.noise.normal_scaled import SCALE

GAIN = Parameter(
    "gain",
    "y",
    "log_uniform(low=1e-3*noise*noise/y_span, high=100*noise*noise/y_span)",
    (0.0, math.inf),
    "variance that the signal adds over the prediction: signal that one event gives",
    (0.05, 2.0),
)


def log_likelihood(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Sum of the log normal densities of variance (scale base_sd)^2 + gain prediction.

    With q = gain prediction / (scale base_sd)^2 the variance is (scale base_sd)^2 (1 + q), so that padded points add
    nothing. ``-inf`` for scale <= 0, gain < 0, or a negative prediction.
    """
    given, gain = phi[..., :1], phi[..., 1:2]
    possible = (given > 0) & (gain >= 0)
    scale = torch.where(possible, given, 1.0)
    inverse_scale = (1.0 / scale).to(prediction.dtype)
    inverse = data.inverse_sd * inverse_scale
    # negative predictions are rejected below; here they must not bring a logarithm of less than 0
    negative = prediction * data.weight < 0
    q = torch.where(negative, 0.0, prediction) * inverse * inverse * torch.where(possible, gain, 0.0).to(inverse.dtype)
    z = (data.y - prediction) * inverse
    rows = row_sum(torch.where(negative, math.inf, z * z / (1.0 + q) + torch.log1p(q)))
    level = data.n_effective * torch.log(scale[..., 0].double())
    return torch.where(possible[..., 0], data.gaussian_constant - level - 0.5 * rows, -math.inf)


def point(
    m: MathSpace, y: Value, f: Value, inverse_sd: Value, inverse_y: Value, weight: Value, scale: Value, gain: Value
) -> Value:
    """Squared residual over the whole variance, and the log of that variance over the given one."""
    possible = (scale > 0.0) & (gain >= 0.0)
    inverse = inverse_sd * (1.0 / m.where(possible, scale, 1.0))
    negative = f * weight < 0.0
    q = m.where(negative, 0.0, f) * m.square(inverse) * m.where(possible, gain, 0.0)
    return m.where(negative, math.inf, m.square((y - f) * inverse) / (1.0 + q) + m.log1p(q))


def total(m: MathSpace, s: Value, constant: Value, count: Value, scale: Value, gain: Value) -> Value:
    """Sum of the log normal densities; ``-inf`` for scale <= 0 or gain < 0."""
    possible = (scale > 0.0) & (gain >= 0.0)
    return m.where(possible, constant - count * m.log(m.where(possible, scale, 1.0)) - 0.5 * s, -math.inf)


def sample(prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Prediction plus normal noise."""
    sd = standard_deviation(prediction, base_sd, phi)
    return prediction + sd * standard_normal(sd, generator)


def standard_deviation(prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
    """Both parts added in squares; a negative prediction adds nothing."""
    level, gain = (phi[..., :1] * base_sd).to(prediction.dtype), phi[..., 1:2].to(prediction.dtype)
    return torch.sqrt(level * level + gain * prediction.clamp(min=0.0))


noise = NoiseModel(
    "normal_counts",
    "normal noise of estimated level and a variance in proportion to the signal",
    (SCALE, GAIN),
    log_likelihood,
    sample,
    standard_deviation,
    point=point,
    total=total,
)
