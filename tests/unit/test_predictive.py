"""Posterior prediction: curves and bands against the closed form, and a p-value that means what it says."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import stats

from bayesbeam.targets.predictive import predict
from bayesbeam.testsystems.linear_gaussian import LinearGaussian, linear_gaussian, linear_target


def posterior_draws(system: LinearGaussian, count: int = 4000) -> np.ndarray:
    """States (n, D, P) of exact posterior draws."""
    return system.states(system.draws(1.0, (count,), torch.Generator().manual_seed(2))).numpy()


def test_curve_and_bands_are_those_of_the_exact_posterior(generator: torch.Generator) -> None:
    """Quantiles within 4.5 of their errors, sqrt(q (1 - q)/4000)/density for 4000 draws of a normal law."""
    system = linear_gaussian(torch.Generator().manual_seed(1))
    found = predict(linear_target([system]), posterior_draws(system), 0, generator)
    mean, covariance = system.posterior()
    centre = (system.design @ mean).numpy()
    sd = torch.einsum("nq,qr,nr->n", system.design, covariance, system.design).sqrt().numpy()
    for row, level in zip(found.curve, (0.025, 0.16, 0.5, 0.84, 0.975), strict=True):
        z = stats.norm.ppf(level)
        error = math.sqrt(level * (1 - level) / 4000) / stats.norm.pdf(z)
        assert np.all(np.abs((row - centre) / sd - z) < 4.5 * error)
    wide = np.hypot(sd, 0.5)
    for row, level in zip(found.data, (0.025, 0.16, 0.84, 0.975), strict=True):
        z = stats.norm.ppf(level)
        error = math.sqrt(level * (1 - level) / 4000) / stats.norm.pdf(z)
        assert np.all(np.abs((row - centre) / wide - z) < 4.5 * error)
    # means of 4000 draws, and their spread, which they know to a part in sqrt(8000)
    assert np.all(np.abs((found.mean - centre) / sd) < 4.5 / math.sqrt(4000))
    np.testing.assert_allclose(found.spread, sd, rtol=4.5 / math.sqrt(8000))
    np.testing.assert_allclose(found.sd, 0.5, rtol=1e-15)
    np.testing.assert_allclose(found.residuals, (system.y[0].numpy() - found.curve[2]) / 0.5, rtol=1e-12)
    assert found.components.shape == (2, 3, 20)
    peak = found.components[1, 1] / np.exp(-0.5 * ((system.x[0].numpy() - 0.5) / 0.3) ** 2)
    np.testing.assert_allclose(peak, peak[0], rtol=1e-9)


def test_each_member_is_predicted_by_its_own_data(generator: torch.Generator) -> None:
    system = linear_gaussian(torch.Generator().manual_seed(1), members=2)
    theta = posterior_draws(system, 500)
    target = linear_target([system])
    for member in (0, 1):
        found = predict(target, theta, member, generator)
        np.testing.assert_allclose(
            found.residuals * 0.5 + found.curve[2], system.y[member].numpy(), rtol=1e-9, atol=1e-12
        )


def p_values(mistake: float, experiments: int = 150) -> np.ndarray:
    """p-values of data simulated from the model, with a parabola of the given height added that it does not know."""
    generator = torch.Generator().manual_seed(3)
    found = []
    for _ in range(experiments):
        system = linear_gaussian(generator, points=40, positions=())
        bent = LinearGaussian(system.x, system.y + mistake * system.x**2, system.sd)
        found.append(predict(linear_target([bent]), posterior_draws(bent, 400), 0, generator).p_value)
    return np.array(found)


def test_p_values_of_right_models_are_spread_out_and_those_of_wrong_ones_small() -> None:
    """Mean 0.5 within 4.5 of its errors, every tenth of the range met.

    A little narrower than uniform, for the data are used twice: 2 parameters of 40 points.
    """
    right = p_values(0.0)
    assert abs(right.mean() - 0.5) < 4.5 * 0.29 / math.sqrt(150)
    assert 0.2 < right.std() < 0.32
    assert np.histogram(right, bins=10, range=(0, 1))[0].min() > 0
    assert np.median(p_values(3.0, 30)) < 0.01


def test_noise_taken_too_large_gives_a_p_value_near_one(generator: torch.Generator) -> None:
    system = linear_gaussian(torch.Generator().manual_seed(1), points=40)
    timid = LinearGaussian(system.x, system.y, 3.0 * system.sd, system.positions)
    assert predict(linear_target([timid]), posterior_draws(timid, 500), 0, generator).p_value > 0.99
