"""Normal noise of known standard deviation, one for all points or one a point."""

from __future__ import annotations

import torch
from torch import Tensor

from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.noise.base import NoiseData, NoiseModel, row_sum


def log_likelihood(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Sum of the log normal densities."""
    z = (data.y - prediction) * data.inverse_sd
    return data.gaussian_constant - 0.5 * row_sum(z * z)


def point(m: MathSpace, y: Value, f: Value, inverse_sd: Value, inverse_y: Value, weight: Value) -> Value:
    """Squared residual over the standard deviation."""
    return m.square((y - f) * inverse_sd)


def total(m: MathSpace, s: Value, constant: Value, count: Value) -> Value:
    """Sum of the log normal densities."""
    return constant - 0.5 * s


def sample(prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Prediction plus normal noise."""
    return prediction + base_sd.to(prediction.dtype) * standard_normal(prediction, generator)


def standard_deviation(prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
    """Known standard deviation, in the shape of the prediction."""
    return base_sd.to(prediction.dtype).expand_as(prediction)


def standard_normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Independent standard normal numbers in the shape of a tensor."""
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)


noise = NoiseModel(
    "normal",
    "normal noise of known level",
    (),
    log_likelihood,
    sample,
    standard_deviation,
    known_gaussian=True,
    point=point,
    total=total,
)
