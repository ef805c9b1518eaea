"""Which law a fitted quantity follows in time, by free energies that quadrature confirms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bayesbeam.errors import DataError, ModelError
from bayesbeam.kinetics import kinetics_of

T = np.linspace(0.0, 60.0, 31)
SD = np.full(31, 2e-4)


def edge(seed: int) -> np.ndarray:
    """An edge (angstrom) that relaxes with a rate of 0.1 from 8.40 to 8.41."""
    return 8.40 + 0.01 * (1.0 - np.exp(-0.1 * T)) + 2e-4 * np.random.default_rng(seed).standard_normal(31)


def test_an_exponential_is_told_from_a_line_and_from_nothing() -> None:
    y = edge(1)
    found = kinetics_of(T, y, SD, seed=1, laws=("constant", "linear", "exponential", "sigmoid"))
    assert found.laws[0].name == "exponential"
    assert found.probability[0] > 0.99
    mean, sd = found.laws[0].parameters["law.rate"]
    assert abs(mean - 0.1) < 4.0 * sd
    assert sd < 0.01
    # F of the exponential by quadrature over the logarithm of its rate; level and change in closed form.
    span, low, high = float(np.ptp(y)), 0.1 / 60.0, 0.5
    centred, logs = y - 0.5 * (y.max() + y.min()), []
    for rate in np.geomspace(low, high, 4001):
        basis = span * np.array([np.ones(31), -np.expm1(-rate * T)])
        covariance = basis.T @ basis + np.diag(SD**2)
        size = np.linalg.slogdet(2.0 * math.pi * covariance)[1]
        logs.append(-0.5 * float(centred @ np.linalg.solve(covariance, centred) + size))
    exact = -float(np.logaddexp.reduce(logs)) + math.log(len(logs))
    law = found.laws[0]
    assert abs(law.free_energy - exact) < 3.5 * law.standard_error + 0.01


def test_what_does_not_change_is_constant() -> None:
    y = 8.4 + 2e-4 * np.random.default_rng(2).standard_normal(31)
    found = kinetics_of(T[::-1], y, SD, seed=1, laws=("constant", "linear", "exponential"))
    assert found.laws[0].name == "constant"


def quadrature(y: np.ndarray, curves: list[np.ndarray], factors: np.ndarray) -> float:
    """F of values by sums over curves (each with a level and its change) and over factors of the deviations."""
    span, centred = float(np.ptp(y)), y - 0.5 * (y.max() + y.min())
    logs = []
    for curve in curves:
        basis = span * np.array([np.ones(len(y)), curve])
        for factor in factors:
            covariance = basis.T @ basis + np.diag((factor * SD) ** 2)
            size = np.linalg.slogdet(2.0 * math.pi * covariance)[1]
            logs.append(-0.5 * float(centred @ np.linalg.solve(covariance, centred) + size))
    return -float(np.logaddexp.reduce(logs)) + math.log(len(logs))


def middles(low: float, high: float, count: int) -> np.ndarray:
    """Middles of intervals that are even in the logarithm."""
    edges = np.geomspace(low, high, count + 1)
    return np.asarray(np.sqrt(edges[1:] * edges[:-1]))


def test_deviations_may_be_off_by_a_factor() -> None:
    """An edge that scatters three times as much as it is told to, by quadrature over the factor and the rate."""
    y = 8.40 + 0.01 * (1.0 - np.exp(-0.1 * T)) + 6e-4 * np.random.default_rng(4).standard_normal(31)
    curve = kinetics_of(T, y, SD, seed=5, laws=("exponential",), scaled=True).laws[0]
    exact = quadrature(y, [-np.expm1(-rate * T) for rate in middles(0.1 / 60.0, 0.5, 150)], middles(0.1, 10.0, 100))
    assert abs(curve.free_energy - exact) < 3.5 * curve.standard_error + 0.01
    mean, sd = curve.parameters["noise.scale"]
    assert abs(mean - 3.0) < 3.0 * sd
    assert sd < 0.6


def test_a_line_of_unknown_scatter_is_that_of_least_squares() -> None:
    y = 8.40 + 1e-4 * T + 6e-4 * np.random.default_rng(6).standard_normal(31)
    line = kinetics_of(T, y, SD, seed=5, laws=("linear",), scaled=True).laws[0]
    assert line.free_energy == pytest.approx(quadrature(y, [T / 30.0 - 1.0], middles(0.1, 10.0, 1000)), abs=1e-4)
    trusting = kinetics_of(T, y, SD, seed=5, laws=("linear",)).laws[0]
    assert trusting.free_energy > line.free_energy + 50.0
    # With priors as wide as the span the posterior is that of least squares, up to a few per cent.
    slope, error = line.parameters["law.slope"]
    (fitted, _), covariance = np.polyfit(T, y, 1, cov=True)
    assert slope == pytest.approx(fitted, abs=0.1 * error)
    assert error == pytest.approx(np.sqrt(covariance[0, 0]), rel=0.1)
    assert line.parameters["level"][0] == pytest.approx(y.mean(), abs=0.1 * line.parameters["level"][1])


@pytest.mark.nightly
def test_all_laws_are_weighed() -> None:
    found = kinetics_of(T, edge(3), SD, seed=3)
    assert len(found.laws) == 7
    assert found.laws[0].name in ("exponential", "stretched", "avrami")
    assert {one.name for one in found.laws[-2:]} == {"constant", "linear"}


def test_series_and_laws_that_are_none_are_refused() -> None:
    with pytest.raises(DataError, match="5 times"):
        kinetics_of(T[:5], T[:5], SD[:5], seed=1)
    with pytest.raises(DataError, match="a deviation of 0"):
        kinetics_of(T, T, 0.0 * T, seed=1)
    with pytest.raises(ModelError, match="the unknown law 'exponentiel'"):
        kinetics_of(T, T, SD, seed=1, laws=("exponentiel",))
