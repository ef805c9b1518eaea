"""Free energies of a grid of counts of two kinds of peaks, each with its own part of the axis, against quadrature.

Both kinds are of one component and their priors overlap, so that only the priors tell them apart. Positions alone are
free, and free energies are integrals over a square or a cube. A run is held to the quantile of 1e-4 of Student's t: a
false alarm of 5e-4 for the file on a new seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logsumexp

from bayesbeam import noise, priors
from bayesbeam.evidence.model_posterior import model_posterior
from bayesbeam.models import registry
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.sum import Part, SumTarget, sum_target

Array = NDArray[np.float64]
X = np.linspace(0.0, 3.0, 31)
NOISE_SD, WIDTH = 0.35, 0.15
DOMAINS = {"low": (0.0, 1.7), "high": (1.3, 3.0)}
TRUE = (0.6, 1.1, 2.2)
COUNTS = [(0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
CELLS = 170
SETTINGS = Settings(seed=31, target_standard_error=0.05, max_sweeps=400)


def data() -> Array:
    rng = np.random.default_rng(12)
    return peaks(np.array(TRUE)).sum(0) + NOISE_SD * rng.standard_normal(X.size)


def peaks(position: Array) -> Array:
    """Curves (n, N) of peaks of height 1."""
    return np.exp(-0.5 * ((X - position[:, None]) / WIDTH) ** 2)


def target(counts: Sequence[int]) -> SumTarget:
    given = {"amplitude": priors.make_prior("fixed", value=1.0), "sd": priors.make_prior("fixed", value=WIDTH)}
    gaussian, parts = registry.get("gaussian"), []
    for (name, (low, high)), count in zip(DOMAINS.items(), counts, strict=True):
        own = {**given, "position": priors.make_prior("uniform", low=low, high=high)}
        if count:
            parts.append(Part(name, gaussian, count, {word: [[own[word]]] for word in gaussian.parameter_names}))
    x, y = (torch.from_numpy(column).reshape(1, 1, -1) for column in (X, data()))
    return sum_target(x, y, torch.full_like(x, NOISE_SD), torch.ones_like(x), parts, noise.get("normal"), {})


def quadrature(counts: Sequence[int]) -> float:
    """Free energy by the midpoint rule; halving the cells moves it by less than 1e-3 nats (checked below)."""
    return -_log_evidence(counts, CELLS)


def _log_evidence(counts: Sequence[int], cells: int) -> float:
    grids = []
    for (low, high), count in zip(DOMAINS.values(), counts, strict=True):
        grids += [low + (high - low) * (np.arange(cells) + 0.5) / cells] * count
    y, curves = data(), [peaks(grid) for grid in grids]
    fit = np.full((1,) * len(grids), -0.5 * float(y @ y))
    for k, one in enumerate(curves):
        fit = fit + _along(one @ y - 0.5 * (one**2).sum(1), k, len(grids))
        for j in range(k):
            cross = (curves[j] @ one.T).reshape([cells if place in (j, k) else 1 for place in range(len(grids))])
            fit = fit - cross
    normaliser = -0.5 * X.size * math.log(2.0 * math.pi * NOISE_SD**2)
    return float(logsumexp(fit / NOISE_SD**2)) - len(grids) * math.log(cells) + normaliser


def _along(values: Array, place: int, axes: int) -> Array:
    return values.reshape([-1 if k == place else 1 for k in range(axes)])


@pytest.fixture(scope="module")
def found() -> dict[tuple[int, int], tuple[float, float, int]]:
    """Free energy, standard error and degrees of freedom of every model."""
    answers = {}
    for counts in COUNTS:
        (run,) = replica_exchange(target(counts), [GroupName(f"grid {counts}", ("a",))], SETTINGS)
        free = run.free_energy
        answers[counts] = (free.value, free.standard_error, free.degrees_of_freedom)
    return answers


@pytest.mark.parametrize("counts", COUNTS)
def test_the_rule_of_the_quadrature_is_fine_enough(counts: tuple[int, int]) -> None:
    assert _log_evidence(counts, CELLS) == pytest.approx(_log_evidence(counts, CELLS // 2), abs=1e-3)


@pytest.mark.parametrize("counts", COUNTS)
def test_every_model_of_the_grid_has_its_free_energy(
    found: dict[tuple[int, int], tuple[float, float, int]], counts: tuple[int, int]
) -> None:
    value, error, freedom = found[counts]
    assert error < 0.15
    assert abs(value - quadrature(counts)) < stats.t(freedom).ppf(1 - 0.5e-4) * error


def test_orders_of_one_kind_are_counted_once_and_kinds_are_not_exchanged(
    found: dict[tuple[int, int], tuple[float, float, int]],
) -> None:
    """A symmetric posterior counted one order at a time, or orders across the kinds, would be off by ln 2 and ln 3."""
    value, error, freedom = found[2, 1]
    bound = stats.t(freedom).ppf(1 - 0.5e-4) * error
    for mistake in (math.log(2.0), -math.log(2.0), math.log(3.0), -math.log(3.0)):
        assert abs(value + mistake - quadrature((2, 1))) > bound


def test_the_posterior_over_the_grid_is_that_of_the_integrals(
    found: dict[tuple[int, int], tuple[float, float, int]],
) -> None:
    exact = model_posterior(np.array([quadrature(counts) for counts in COUNTS]), np.zeros(len(COUNTS)))
    values, errors, _ = map(np.array, zip(*found.values(), strict=True))
    sampled = model_posterior(values, errors)
    assert np.all(np.abs(sampled.probability - exact.probability) <= 6 * sampled.standard_error + 1e-6)
    assert COUNTS[int(np.argmax(exact.probability))] == (2, 1)
