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
        ("student_t", (0.8, 4.0), stats.t(4.0, F, 0.8 * SD).logpdf(Y).sum()),
        ("student_t", (1.3, 0.7), stats.t(0.7, F, 1.3 * SD).logpdf(Y).sum()),
        ("poisson", (), stats.poisson(F).logpmf(Y).sum()),
        ("poisson_exposure", (), stats.poisson(F / SD).logpmf(Y).sum()),
    ],
)
def test_likelihood_agrees_with_scipy(name: str, phi: tuple[float, ...], expected: float) -> None:
    # four terms of order 1 to 10, each from another formula
    assert log_likelihood(name, phi) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dof", [1e-3, 0.2, 1.0, 2.0, 3.5, 10.0, 49.0, 300.0, 1e5, 1e8])
def test_students_t_agrees_with_scipy_at_all_degrees_of_freedom(dof: float) -> None:
    y = F + SD * np.array([-2.5, 0.01, 1.0, 1e4])
    # scipy takes the difference of two logarithms of Gamma, whose rounding is 2e-16 of dof ln dof
    bound = 1e-10 + 1e-15 * dof * max(1.0, math.log(dof))
    expected = stats.t(dof, F, 1.3 * SD).logpdf(y)[:3].sum()
    assert log_likelihood("student_t", (1.3, dof), y[:3], F[:3]) == pytest.approx(expected, abs=bound, rel=0.0)
    assert log_likelihood("student_t", (1.3, dof), y[3:], F[3:]) < -8.0


def test_students_t_of_many_degrees_of_freedom_is_normal() -> None:
    # ln t - ln normal is (z^4 - 2 z^2 - 1) / (4 dof) to first order: below 1e-7 at dof = 1e8
    assert log_likelihood("student_t", (1.7, 1e8)) == pytest.approx(log_likelihood("normal_scaled", (1.7,)), abs=1e-6)


@pytest.mark.parametrize("phi", [(0.0, 4.0), (-1.0, 4.0), (1.0, 0.0), (1.0, -2.0)])
def test_impossible_width_or_degrees_of_freedom_are_a_rejection(phi: tuple[float, float]) -> None:
    assert log_likelihood("student_t", phi) == -math.inf


@pytest.mark.parametrize("dof", [0.8, 2.0, 3.0, 30.0])
def test_draws_of_students_t_follow_its_distribution(dof: float) -> None:
    model, phi = noise.get("student_t"), torch.tensor([1.5, dof], dtype=torch.float64)
    f, sd = torch.full((20000,), 7.0, dtype=torch.float64), torch.full((20000,), 0.5, dtype=torch.float64)
    y = model.sample(f, sd, phi, torch.Generator().manual_seed(4)).numpy()
    # four tests on one seed, one false alarm in 1e4 seeds each
    assert stats.kstest(y, stats.t(dof, 7.0, 0.75).cdf).pvalue > 1e-4
    # and twice as many would be seen, where that changes anything
    assert stats.kstest(y, stats.t(2.0 * dof, 7.0, 0.75).cdf).pvalue < 1e-4 or dof == 30.0


@pytest.mark.parametrize("dof", [0.8, 2.0, 5.0, 40.0])
def test_width_of_students_t_is_that_of_normal_noise_which_tells_as_much(dof: float) -> None:
    """Its inverse square is Fisher's information about the curve, here by quadrature of scipy's density."""
    law, step = stats.t(dof, 0.0, 1.5), 1e-4
    z = np.sinh(np.linspace(-30.0, 30.0, 20001))
    slope = (law.logpdf(z + step) - law.logpdf(z - step)) / (2.0 * step)
    information = np.trapezoid(law.pdf(z) * slope**2, z)
    phi = torch.tensor([1.5, dof], dtype=torch.float64)
    found = noise.get("student_t").width(torch.zeros(1), torch.ones(1, dtype=torch.float64), phi)
    # central differences of step 1e-4
    assert float(found) == pytest.approx(information**-0.5, rel=1e-5)


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


@pytest.mark.parametrize("dof", [0.5, 2.0, 2.5, 30.0])
def test_outliers_of_few_degrees_of_freedom_have_no_standard_deviation(dof: float) -> None:
    phi = torch.tensor([[1.5, dof]], dtype=torch.float64)
    found = noise.get("student_t").standard_deviation(torch.zeros(1), 2.0 * torch.ones(1, dtype=torch.float64), phi)
    expected = 3.0 * stats.t(dof).std() if dof > 2 else math.inf
    assert float(found) == pytest.approx(expected, rel=1e-6)
