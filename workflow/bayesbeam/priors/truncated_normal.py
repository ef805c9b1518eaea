"""Normal density cut at one or two ends, normalised also far in its tails."""

from __future__ import annotations

import math
from typing import Any

import torch
from scipy import special
from torch import Tensor

from bayesbeam.priors.base import ArgumentProblem, Family, increasing, outside, positive

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
NARROW = 0.05
POINTLIKE = 1e-6
FARTHEST_SD = 1e4


def log_mass(a: Tensor, b: Tensor) -> Tensor:
    """Log of the standard normal probability between ``a < b``, in the tail where it is most accurate.

    A narrow interval is taken by the midpoint rule with two more terms, of relative error below
    15 NARROW^6/322560 = 1e-12; there the difference of two nearly equal logarithms would lose digits.
    Checked against: mpmath quadrature, in the tests.
    """
    flip = a + b > 0
    low, high = torch.where(flip, -b, a), torch.where(flip, -a, b)
    upper = torch.special.log_ndtr(high)
    wide = upper + torch.log(-torch.expm1(torch.special.log_ndtr(low) - upper))
    width, middle = high - low, 0.5 * (low + high)
    square, area = middle * middle, width * width
    curvature = area * ((square - 1.0) / 24.0 + area * (square * (square - 6.0) + 3.0) / 1920.0)
    narrow = torch.log(width) - 0.5 * square - HALF_LOG_TWO_PI + torch.log1p(curvature)
    return torch.where(width * (1.0 + torch.abs(middle)) < NARROW, narrow, wide)


def density(x: Tensor, mean: Tensor, sd: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log of the normal density over the probability between the ends."""
    inside = (x >= low) & (x <= high) & torch.isfinite(x)
    z = (torch.where(inside, x, mean) - mean) / sd
    mass = log_mass((low - mean) / sd, (high - mean) / sd)
    return outside(inside, -0.5 * z * z - torch.log(sd) - HALF_LOG_TWO_PI - mass)


def quantile(u: Tensor, mean: Tensor, sd: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Inverse of the log distribution function in the accurate tail (scipy ``ndtri_exp``).

    Between ends so close that the density is flat to 1e-6 it is linear.
    """
    a, b = (low - mean) / sd, (high - mean) / sd
    flip = a + b > 0
    from_left = torch.where(flip, 1.0 - u, u)
    left, right = torch.where(flip, -b, a), torch.where(flip, -a, b)
    log_cdf = torch.logaddexp(
        torch.special.log_ndtr(left) + torch.log1p(-from_left), torch.special.log_ndtr(right) + torch.log(from_left)
    )
    z = torch.as_tensor(special.ndtri_exp(log_cdf.clamp(max=0.0).cpu().numpy()), dtype=torch.float64, device=u.device)
    z = torch.minimum(torch.maximum(z, left), right)
    pointlike = (b - a) * (1.0 + torch.abs(0.5 * (a + b))) < POINTLIKE
    return torch.where(pointlike, low + u * (high - low), mean + sd * torch.where(flip, -z, z))


def interval(mean: Tensor, sd: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ends themselves."""
    nothing = torch.zeros_like(mean + sd)
    return low + nothing, high + nothing


def problems(mean: float, sd: float, low: float, high: float) -> list[ArgumentProblem]:
    """Scale not positive, ends upside down, or ends where the normal has no probability left."""
    found = positive(sd=sd) or increasing(low, high)
    if not found and max((low - mean) / sd, (mean - high) / sd) > FARTHEST_SD:
        return [("low", f"ends {low} and {high} with mean {mean} and sd {sd}", "ends within 10000 sd of the mean")]
    return found


def kernel(m: Any, x: Any, mean: Any, sd: Any, low: Any, high: Any) -> Any:
    """Half the squared distance from the mean, in units of sd."""
    return -0.5 * m.square((x - mean) / sd)


family = Family(
    "truncated_normal",
    ("mean", "sd", "low", "high"),
    density,
    quantile,
    interval,
    problems,
    defaults={"low": -math.inf, "high": math.inf},
    unbounded=("low", "high"),
    kernel=kernel,
    examples=(
        {"mean": 0.5, "sd": 1.0, "low": 0.0, "high": 2.0},
        {"mean": 0.0, "sd": 1.0, "low": 30.0},
        {"mean": 3.0, "sd": 0.5, "high": -20.0},
        {"mean": 0.0, "sd": 1.0, "low": -8.0, "high": 3.0},
        {"mean": 1.0, "sd": 2.0},
        {"mean": 0.0, "sd": 1.0, "low": 5.0, "high": 5.001},
    ),
)
