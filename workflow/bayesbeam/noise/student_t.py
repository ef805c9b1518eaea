"""Noise with outliers: Student's t about the curve, wide tails for few degrees of freedom and normal for many."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.special import stdtr
from torch import Tensor

from bayesbeam.models.base import POSITIVE, Parameter
from bayesbeam.models.mathspace import TORCH, MathSpace, Value
from bayesbeam.models.numerics import log_gamma_half_step
from bayesbeam.noise.base import NoiseData, NoiseModel, row_sum

SCALE = Parameter(
    "scale",
    "1",
    "log_uniform(low=0.1, high=10)",
    POSITIVE,
    "width of the noise over the given standard deviation, which it is for many degrees of freedom",
    (0.5, 2.0),
)
DOF = Parameter(
    "dof",
    "1",
    "gamma(shape=2, rate=0.1)",
    POSITIVE,
    "degrees of freedom: few mean many outliers, above 30 the noise is all but normal",
    (5.0, 30.0),
)


def log_likelihood(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Sum of the log densities of Student's t of width scale * base_sd; ``-inf`` for scale <= 0 or dof <= 0."""
    given, dof = phi[..., 0].double(), phi[..., 1].double()
    possible = (given > 0) & (dof > 0)
    scale, nu = torch.where(possible, given, 1.0), torch.where(possible, dof, 1.0)
    inverse = (1.0 / (scale * torch.sqrt(nu))).to(prediction.dtype).unsqueeze(-1)
    z = (data.y - prediction) * data.inverse_sd * inverse
    each = _constant(TORCH, nu) - torch.log(scale)
    result = data.gaussian_constant + data.n_effective * each - 0.5 * (nu + 1.0) * row_sum(torch.log1p(z * z))
    return torch.where(possible, result, -math.inf)


def point(
    m: MathSpace, y: Value, f: Value, inverse_sd: Value, inverse_y: Value, weight: Value, scale: Value, dof: Value
) -> Value:
    """Logarithm by which the density falls with the residual, for one of the dof + 1 halves."""
    possible = (scale > 0.0) & (dof > 0.0)
    inverse = 1.0 / (m.where(possible, scale, 1.0) * m.sqrt(m.where(possible, dof, 1.0)))
    return m.log1p(m.square((y - f) * inverse_sd * inverse))


def total(m: MathSpace, s: Value, constant: Value, count: Value, scale: Value, dof: Value) -> Value:
    """Sum of the log densities; ``-inf`` for scale <= 0 or dof <= 0."""
    possible = (scale > 0.0) & (dof > 0.0)
    width, nu = m.where(possible, scale, 1.0), m.where(possible, dof, 1.0)
    whole = constant + count * (_constant(m, nu) - m.log(width)) - 0.5 * (nu + 1.0) * s
    return m.where(possible, whole, -math.inf)


def _constant(m: MathSpace, dof: Value) -> Value:
    """Logarithm of the normaliser over that of the normal density of the same width."""
    return log_gamma_half_step(m, 0.5 * dof) - 0.5 * m.log(0.5 * dof)


def sample(prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Prediction plus Student's t, of two uniform numbers a point.

    Source
    ------
    Bailey, Mathematics of Computation 62 (1994) 779, doi:10.1090/S0025-5718-1994-1219702-8.
    """
    width, dof = phi[..., :1] * base_sd, phi[..., 1:2].double()
    shape = (prediction + width).shape
    u, v = (torch.rand(shape, generator=generator, dtype=torch.float64, device=prediction.device) for _ in range(2))
    radius = torch.sqrt(dof * torch.expm1(-2.0 / dof * torch.log1p(-u)))
    return prediction + (width * radius * torch.cos(2.0 * math.pi * v)).to(prediction.dtype)


def standard_deviation(prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
    """Width times sqrt(dof / (dof - 2)); infinite up to two degrees of freedom."""
    dof = phi[..., 1:2].double()
    grown = torch.where(dof > 2.0, torch.sqrt(dof / (dof - 2.0).clamp(min=1e-300)), math.inf)
    return (phi[..., :1] * base_sd * grown).to(prediction.dtype) + torch.zeros_like(prediction)


def informative_sd(prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
    """Width times sqrt((dof + 3) / (dof + 1)): Fisher's information of Student's t about its centre is its inverse."""
    dof = phi[..., 1:2].double()
    grown = torch.sqrt((dof + 3.0) / (dof + 1.0))
    return (phi[..., :1] * base_sd * grown).to(prediction.dtype) + torch.zeros_like(prediction)


def score(y: Tensor, prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Normal number at the probability of a smaller one, from the nearer end."""
    z = ((y - prediction) / (phi[..., :1] * base_sd)).double()
    dof = phi[..., 1:2].double().expand_as(z)
    below = torch.from_numpy(np.asarray(stdtr(dof.cpu().numpy(), -z.abs().cpu().numpy()))).to(z.device)
    size: Tensor = torch.special.ndtri(below.clamp(min=1e-300))
    return -torch.sign(z) * size


noise = NoiseModel(
    "student_t",
    "noise with outliers, Student's t",
    (SCALE, DOF),
    log_likelihood,
    sample,
    standard_deviation,
    point=point,
    total=total,
    score=score,
    informative_sd=informative_sd,
)
