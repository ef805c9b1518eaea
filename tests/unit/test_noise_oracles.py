"""Noise likelihoods against scipy.stats, and the edges of each."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from bayesbeam import noise
from bayesbeam.errors import ModelError

Y = np.array([0.0, 3.0, 17.0, 950.0])
F = np.array([0.4, 2.5, 20.0, 1000.0])
SD = np.array([0.5, 1.5, 4.0, 31.0])


def log_likelihood(name: str, phi: tuple[float, ...], y: np.ndarray = Y, f: np.ndarray = F) -> float:
    """Log-likelihood of one row."""
    model = noise.get(name)
    data = model.prepare(torch.tensor(y), torch.tensor(SD[: len(y)]))
    return float(model.log_likelihood(data, torch.tensor(f), torch.tensor(phi, dtype=torch.float64)))


@pytest.mark.parametrize(
    ("name", "phi", "expected"),
    [
        ("normal", (), stats.norm(F, SD).logpdf(Y).sum()),
        ("normal_scaled", (1.7,), stats.norm(F, 1.7 * SD).logpdf(Y).sum()),
        ("normal_relative", (0.8, 0.05), stats.norm(F, np.hypot(0.8 * SD, 0.05 * F)).logpdf(Y).sum()),
        ("normal_relative", (1.0, 0.0), stats.norm(F, SD).logpdf(Y).sum()),
        ("normal_counts", (0.8, 0.6), stats.norm(F, np.sqrt((0.8 * SD) ** 2 + 0.6 * F)).logpdf(Y).sum()),
        ("normal_counts", (1.0, 0.0), stats.norm(F, SD).logpdf(Y).sum()),
        ("poisson", (), stats.poisson(F).logpmf(Y).sum()),
    ],
)
def test_likelihood_agrees_with_scipy(name: str, phi: tuple[float, ...], expected: float) -> None:
    # four terms of order 1 to 10, each from another formula
    assert log_likelihood(name, phi) == pytest.approx(expected, rel=1e-12)


def test_poisson_at_its_edges() -> None:
    def counted(y: float, f: float) -> float:
        return log_likelihood("poisson", (), np.array([y]), np.array([f]))

    assert counted(0.0, 0.0) == 0.0
    assert counted(3.0, 0.0) == -math.inf
    assert counted(3.0, -1.0) == -math.inf
    assert counted(0.0, -1.0) == -math.inf
    assert counted(0.0, 700.0) == -700.0


def test_poisson_in_single_precision_keeps_its_digits_at_a_million_counts() -> None:
    model, generator = noise.get("poisson"), torch.Generator().manual_seed(8)
    truth = torch.full((400,), 1e6, dtype=torch.float64)
    y = model.sample(truth, truth, truth[:0], generator)
    double = model.log_likelihood(model.prepare(y), truth, truth[:0])
    single = model.log_likelihood(model.prepare(y, dtype=torch.float32), truth.float(), truth[:0])
    # y log f - f would be off by eps y = 0.06 a point, 20 in all; the deviance by eps |f - y| = 6e-5 a point
    assert abs(float(single - double)) < 0.02


@pytest.mark.parametrize(("name", "phi"), [("normal_scaled", (0.0,)), ("normal_scaled", (-1.0,))])
def test_impossible_scale_is_a_rejection(name: str, phi: tuple[float, ...]) -> None:
    assert log_likelihood(name, phi) == -math.inf


@pytest.mark.parametrize("phi", [(0.0, 0.1), (-1.0, 0.1), (1.0, -0.1)])
def test_impossible_relative_error_is_a_rejection(phi: tuple[float, float]) -> None:
    assert log_likelihood("normal_relative", phi) == -math.inf


@pytest.mark.parametrize("phi", [(0.0, 0.1), (-1.0, 0.1), (1.0, -0.1)])
def test_impossible_gain_is_a_rejection(phi: tuple[float, float]) -> None:
    assert log_likelihood("normal_counts", phi) == -math.inf


def test_a_variance_in_proportion_rejects_a_negative_curve_and_takes_zero() -> None:
    """Zero leaves the level alone; beside a negative point the other points count for nothing."""

    def found(*f: float) -> float:
        return log_likelihood("normal_counts", (1.0, 0.6), np.full(len(f), 2.0), np.array(f))

    assert found(3.0, -1e-9) == -math.inf
    assert found(3.0, -1e9) == -math.inf
    assert math.isfinite(found(3.0, 0.0))
    assert found(3.0, 0.0) == pytest.approx(found(3.0, 1e-12), abs=1e-9)


def test_excess_offset_of_nagata_2012() -> None:
    model = noise.get("normal")
    data = model.prepare(torch.zeros(301), torch.full((301,), 0.1, dtype=torch.float64))
    # F - F_exc = N/2 ln(2 pi sigma^2) with N = 301
    offset = model.excess_offset(data)
    assert offset is not None
    assert float(offset) == pytest.approx(150.5 * math.log(2 * math.pi * 0.01), rel=1e-14)


def test_noise_of_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"unknown family 'poison'; .* Did you mean poisson\?"):
        noise.get("poison")
