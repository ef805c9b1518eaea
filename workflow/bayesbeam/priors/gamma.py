"""Gamma density by shape and rate (mean shape/rate)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, outside, positive

# Table of quantiles: normal numbers up to 6.4, beyond those of 32 random bits, 256 to a unit; and shapes it serves.
REACH, STEP = 6.5, 1.0 / 256.0
LEAST_SHAPE, LARGEST_SHAPE = 0.3, 1e4


def density(x: Tensor, shape: Tensor, rate: Tensor) -> Tensor:
    """Log of rate^shape x^(shape-1) exp(-rate x) / Gamma(shape), for x > 0."""
    inside = (x > 0) & (x < math.inf)
    safe = torch.where(inside, x, 1.0)
    scaled = rate * safe
    # written with log(rate x) so that nothing overflows when x and rate are far from 1
    log_density = shape * torch.log(scaled) - torch.log(safe) - scaled - torch.lgamma(shape)
    return outside(inside & (scaled > 0), torch.where(scaled > 0, log_density, 0.0))


def quantile(u: Tensor, shape: Tensor, rate: Tensor) -> Tensor:
    """Inverse of the regularised incomplete gamma function over rate: by a table for many numbers of one shape.

    scipy takes half a microsecond a number, on the host: as long as all that is done to draws of many priors.
    """
    values = torch.unique(shape).tolist()
    if len(values) == 1:
        # Not broadcast_shapes, which takes most of a second and 35 MiB to import.
        standard: Tensor = torch.broadcast_tensors(_of_one_shape(u, values[0]), shape)[0]
        return standard / rate
    wide, given = torch.broadcast_tensors(u.double(), shape)
    found = torch.empty_like(wide)
    for value in values:
        own = given == value
        found[own] = _of_one_shape(wide[own], value)
    return found / rate


def _of_one_shape(u: Tensor, shape: float) -> Tensor:
    """Quantiles at rate 1."""
    if LEAST_SHAPE <= shape <= LARGEST_SHAPE:
        return _tabulated(u, shape)
    return _exact(u, torch.full_like(u, shape, dtype=torch.float64))


def _exact(u: Tensor, shape: Tensor) -> Tensor:
    """Inverse of the regularised incomplete gamma function (scipy)."""
    standard = special.gammaincinv(shape.cpu().numpy(), u.cpu().numpy())
    return torch.as_tensor(standard, dtype=torch.float64, device=u.device)


def _tabulated(u: Tensor, shape: float) -> Tensor:
    """The same by cubic interpolation, to a part in 1e12.

    Notes
    -----
    The logarithm is interpolated over the normal number of the same probability, of which it is a smooth function.
    Beyond the table every number is made exactly.
    """
    value, slope = (column.to(u.device) for column in _table(shape))
    place = (torch.special.ndtri(u) + REACH) / STEP
    beyond = ~((place >= 0.0) & (place < len(value) - 1))
    place = torch.where(beyond, 0.0, place)
    left = place.to(torch.int64)
    t = place - left
    y0, y1, d0, d1 = value[left], value[left + 1], slope[left], slope[left + 1]
    rise = y1 - y0
    logarithm = y0 + t * (d0 + t * (3.0 * rise - 2.0 * d0 - d1 + t * (d0 + d1 - 2.0 * rise)))
    found = torch.exp(logarithm)
    if bool(beyond.any()):
        found = torch.where(beyond, _exact(u, torch.full_like(u, shape, dtype=torch.float64)), found)
    return found


@lru_cache(maxsize=64)
def _table(shape: float) -> tuple[Tensor, Tensor]:
    """Logarithms of quantiles at normal numbers from -REACH to REACH, and how they rise from one to the next."""
    z = np.arange(-round(REACH / STEP), round(REACH / STEP) + 1) * STEP
    # Of the nearer end, which keeps all digits.
    x = np.where(
        z < 0.0,
        special.gammaincinv(shape, special.ndtr(np.minimum(z, 0.0))),
        special.gammainccinv(shape, special.ndtr(-np.maximum(z, 0.0))),
    )
    log_density = (shape - 1.0) * np.log(x) - x - special.gammaln(shape)
    rise = np.exp(-0.5 * z * z - 0.5 * math.log(2.0 * math.pi) - log_density) / x
    return torch.from_numpy(np.log(x)), torch.from_numpy(STEP * rise)


def interval(shape: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positive half line."""
    low = torch.zeros_like(shape + rate)
    return low, low + math.inf


def problems(shape: float, rate: float) -> list[ArgumentProblem]:
    """Arguments that are not positive."""
    return positive(shape=shape, rate=rate)


def kernel(m: Any, x: Any, shape: Any, rate: Any) -> Any:
    """Log of x^(shape-1) exp(-rate x)."""
    return (shape - 1.0) * m.log(x) - rate * x


family = Family(
    "gamma",
    ("shape", "rate"),
    density,
    quantile,
    interval,
    problems,
    log_coordinate=True,
    kernel=kernel,
    examples=({"shape": 5.0, "rate": 0.04}, {"shape": 0.5, "rate": 3.0}, {"shape": 400.0, "rate": 2.0}),
)
