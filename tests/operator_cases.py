"""Candidates with backgrounds of peaks and responses of instruments, for tests of every engine."""

from __future__ import annotations

import torch
from torch import Tensor

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.models.base import Component
from bayesbeam.models.operators import registry as operators
from bayesbeam.targets.parts import Part, Tie
from bayesbeam.targets.sum import SumTarget, sum_target

X = torch.linspace(7.0, 17.0, 81, dtype=torch.float64)
PEAK, LINEAR, SPLIT = (registry.get(name) for name in ("gaussian", "linear", "split_gaussian"))
ENDS = {
    "amplitude": (1.0, 8.0), "position": (9.0, 15.0), "sd": (0.3, 1.0), "fwhm": (0.5, 1.5), "mixing": (0.0, 1.0),
    "level": (0.0, 1.0), "slope": (-0.2, 0.2), "pivot": (11.0, 13.0), "strength": (0.02, 0.3),
    "gaussian_fwhm": (0.3, 1.0), "lorentzian_fwhm": (0.3, 1.0), "sd_low": (0.3, 1.0), "sd_high": (0.3, 1.0),
    "stretch": (0.5, 1.5),
}  # fmt: skip


def uniform(low: float, high: float, groups: int) -> list[list[priors.Prior]]:
    return [[priors.make_prior("uniform", low=low, high=high)]] * groups


def point(value: float, groups: int) -> list[list[priors.Prior]]:
    return [[priors.make_prior("fixed", value=value)]] * groups


def part(
    name: str, component: Component, acts_on: tuple[str, ...] = (), count: int = 1, groups: int = 2,
    ties: dict[str, Tie] | None = None, fixed: dict[str, float] | None = None,
) -> Part:  # fmt: skip
    ties, fixed = ties or {}, {"side": 1.0, "centre": 400.0, **(fixed or {})}
    own = {
        n: point(fixed[n], groups) if n in fixed else uniform(*ENDS[n], groups)
        for n in component.parameter_names
        if n not in ties
    }
    return Part(name, component, count, own, ties, acts_on)


def made(
    parts: list[Part], groups: int = 2, axis: Tensor = X, dtype: torch.dtype = torch.float64
) -> SumTarget:  # fmt: skip
    """Spectra of a peak on a step, each with its own noise."""
    curve = PEAK.forward(axis, torch.tensor([5.0, 12.0, 0.8], dtype=torch.float64))
    scatter = torch.randn(groups, 1, len(axis), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    x, ones = axis.expand_as(scatter).contiguous(), torch.ones_like(scatter)
    return sum_target(x, curve + 0.3 + 0.3 * scatter, 0.3 * ones, ones, parts, noise.get("normal"), {}, dtype=dtype)


TRIANGLE = tuple((0.25 * k, 1.0 - abs(0.25 * k)) for k in range(-4, 5))
CASES = (
    "shirley", "tougaard", "gaussian", "measured", "lorentzian", "voigt", "shirley of lorentzian",
    "tougaard of measured",
)  # fmt: skip
"""Operators of each kind alone, and backgrounds of peaks that are seen through a response; none in closed form."""


def parts_of(case: str) -> list[Part]:
    """Parts of a candidate of one of ``CASES``, for two groups."""
    background, _, response = case.rpartition(" of ")
    if response in ("shirley", "tougaard"):
        background, response = response, ""
    found = [part("line", SPLIT)]
    if response:
        one = operators.get(f"{response}_response", TRIANGLE if response == "measured" else ())
        found.append(part("blur", one, ("line",)))
    if background:
        found.append(part("loss", operators.get(background), ("line",)))
    return found
