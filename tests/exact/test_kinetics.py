"""Kinetic components: special cases, half times, and which law is true, by free energies that quadrature confirms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import bayesbeam
from bayesbeam.models import registry

FloatArray = NDArray[np.float64]
TIMES = np.linspace(0.0, 30.0, 61)
NOISE = 0.02
X = torch.linspace(-1.0, 30.0, 401, dtype=torch.float64)


def curve(name: str, *theta: float) -> torch.Tensor:
    return registry.get(name).forward(X, torch.tensor(theta, dtype=torch.float64))


def test_an_exponent_of_one_is_a_plain_exponential() -> None:
    """To the rounding of exp(log(.)), which is 1e-15 times the largest exponent here."""
    plain = curve("relaxation", 1.5, 0.2, 0.5)
    torch.testing.assert_close(curve("avrami", 1.5, 0.2, 1.0, 0.5), plain, rtol=1e-13, atol=0.0)
    torch.testing.assert_close(curve("stretched_relaxation", 1.5, 0.2, 1.0, 0.5), plain, rtol=1e-13, atol=0.0)
    assert torch.equal(plain[X <= 0.5], torch.zeros(int((X <= 0.5).sum()), dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "theta"),
    [
        ("relaxation", (2.0, 0.2, 1.0)),
        ("stretched_relaxation", (2.0, 0.2, 0.5, 1.0)),
        ("avrami", (2.0, 0.2, 3.0, 1.0)),
    ],
)
def test_half_of_it_happens_in_the_half_time(name: str, theta: tuple[float, ...]) -> None:
    component = registry.get(name)
    values = torch.tensor(theta, dtype=torch.float64)
    half_time = component.derive(values)
    assert component.derived[0].name == "half_time"
    there = component.forward(values[-1:] + half_time, values)
    torch.testing.assert_close(there, torch.ones(1, dtype=torch.float64), rtol=1e-13, atol=0.0)


def test_rise_of_a_sigmoid_is_from_a_tenth_to_nine_tenths() -> None:
    component, values = registry.get("sigmoid"), torch.tensor([2.0, 10.0, 1.5], dtype=torch.float64)
    rise = component.derive(values)
    there = component.forward(values[1] + torch.cat([-0.5 * rise, 0.5 * rise]), values)
    torch.testing.assert_close(there, torch.tensor([0.2, 1.8], dtype=torch.float64), rtol=1e-13, atol=0.0)


# The law of each candidate on plain numpy, and the priors of what does not enter linearly.
LAWS: dict[str, tuple[Callable[[FloatArray, FloatArray], FloatArray], str, tuple[float, float]]] = {
    "stretched_relaxation": (lambda r, n: -np.expm1(-((r * TIMES) ** n)), "stretch", (0.2, 1.0)),
    "avrami": (lambda r, n: -np.expm1(-((r * TIMES) ** n)), "order", (1.0, 4.0)),
}
RATE = (0.01, 2.0)


def simulated(law: str, rate: float, exponent: float) -> FloatArray:
    noise = np.random.default_rng(5).standard_normal(TIMES.size)
    values: FloatArray = 0.3 + LAWS[law][0](np.array(rate), np.array(exponent)) + NOISE * noise
    return values


def log_density(law: str, y: FloatArray, rates: FloatArray, powers: FloatArray) -> FloatArray:
    """Log-likelihood (K,) with change and level, of normal priors of sd 1, integrated in closed form."""
    columns = np.stack([LAWS[law][0](rates[:, None], powers[:, None]), np.ones((rates.size, TIMES.size))], axis=-1)
    precision = columns.transpose(0, 2, 1) @ columns / NOISE**2 + np.eye(2)
    pull = (columns * y[:, None]).sum(1) / NOISE**2
    solved = np.linalg.solve(precision, pull[..., None])[..., 0]
    fit = -0.5 * (y @ y / NOISE**2 - (pull * solved).sum(-1) + np.linalg.slogdet(precision)[1])
    values: FloatArray = fit - TIMES.size * math.log(NOISE * math.sqrt(2.0 * math.pi))
    return values


def by_quadrature(law: str, y: FloatArray, points: int = 300) -> float:
    """Free energy by midpoints over ln rate and exponent, of the box beyond which the density is below exp(-40)."""
    whole = np.array([np.log(RATE), LAWS[law][2]])
    box, cell = whole.copy(), np.zeros(2)
    for _ in range(4):
        edges = [np.linspace(low, high, points + 1) for low, high in box]
        middles = np.meshgrid(*(0.5 * (edge[1:] + edge[:-1]) for edge in edges), indexing="ij")
        values = log_density(law, y, np.exp(middles[0].ravel()), middles[1].ravel()).reshape(points, points)
        cell = (box[:, 1] - box[:, 0]) / points
        kept = np.argwhere(values > values.max() - 40.0)
        least, most = kept.min(0), kept.max(0) + 1
        box = np.array([[edges[k][least[k]], edges[k][most[k]]] for k in range(2)])
    share = cell.prod() / (whole[:, 1] - whole[:, 0]).prod()
    return -float(values.max() + math.log(np.exp(values - values.max()).sum() * share))


def sampled(
    parts: Mapping[str, str | tuple[str, int]], y: FloatArray, more: Mapping[str, str | float]
) -> tuple[float, float]:
    """Free energy and its error, with everything linear integrated out."""
    given = {"law.change": "normal(mean=0, sd=1)", "flat.level": "normal(mean=0, sd=1)", **more}
    target = bayesbeam.curve_target(
        TIMES, y, {**parts, "flat": "constant"}, given, sd=NOISE, integrate_out=["law.change", "flat.level"]
    )
    result = bayesbeam.sample(target, seed=4, target_standard_error=0.1)
    assert result.verdict.word == "reliable", result.verdict.reasons
    return result.free_energy.value, result.free_energy.standard_error


def of_law(law: str, y: FloatArray) -> tuple[float, float]:
    _, name, (low, high) = LAWS[law]
    rate = f"log_uniform(low={RATE[0]}, high={RATE[1]})"
    return sampled(
        {"law": law}, y, {"law.rate": rate, f"law.{name}": f"uniform(low={low}, high={high})", "law.start": 0.0}
    )


@pytest.mark.parametrize(("law", "exponent"), [("stretched_relaxation", 0.5), ("avrami", 2.5)])
def test_the_law_that_is_true_has_the_least_free_energy(law: str, exponent: float) -> None:
    """Against the other law, one exponential, two of them and a sigmoid; F of both laws as by quadrature."""
    y = simulated(law, 0.15, exponent)
    found = {name: of_law(name, y) for name in LAWS}
    for name, (value, error) in found.items():
        exact = by_quadrature(name, y)
        assert abs(exact - by_quadrature(name, y, 200)) < 2e-3
        assert abs(value - exact) < 3.5 * error + 2e-3
    rate = f"log_uniform(low={RATE[0]}, high={RATE[1]})"
    for count in (1, 2):
        found[f"{count} exponentials"] = sampled(
            {"law": ("relaxation", count)}, y, {"law.rate": rate, "law.start": 0.0}
        )
    step = {"law.position": "uniform(low=0, high=30)", "law.time": "log_uniform(low=0.1, high=30)"}
    found["sigmoid"] = sampled({"law": "sigmoid"}, y, step)
    best = found.pop(law)
    for name, (value, error) in found.items():
        # one nat: a sigmoid on a free level is hard to tell from Avrami's law of such an exponent
        assert value - best[0] > 1.0 + 4.0 * math.hypot(error, best[1]), name
