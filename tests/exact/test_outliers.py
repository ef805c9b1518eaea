"""Which noise holds is chosen by the free energy: outliers in the data ask for Student's t, clean data do not.

Free energies against quadrature over level, width and degrees of freedom with the densities of scipy; within 4.5
standard errors, as elsewhere.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from bayesbeam import curve_target, sample
from bayesbeam.evidence.estimate import FreeEnergy

N, SD = 60, 0.3
LEVELS, WIDTHS = np.linspace(0.0, 2.0, 121), np.exp(np.linspace(math.log(0.02), math.log(20.0), 81))
DOFS = np.exp(np.linspace(math.log(0.05), math.log(250.0), 41))
PRIORS = {"constant.level": "normal(mean=1, sd=1)", "noise.scale": "log_uniform(low=0.02, high=20)"}


def data(outliers: int) -> np.ndarray:
    """A level of 1 with normal noise, some points of which are eight times as far off."""
    random = np.random.default_rng(8)
    n = SD * random.standard_normal(N)
    n[:outliers] *= 8.0
    return 1.0 + n


def quadrature(y: np.ndarray, student: bool) -> float:
    """Free energy by the trapezoidal rule, to 1e-4: the posterior is far narrower than levels and widths reach."""
    z = (y[:, None, None] - LEVELS[:, None]) / WIDTHS
    log_level = stats.norm(1.0, 1.0).logpdf(LEVELS) + math.log(LEVELS[1] - LEVELS[0])
    ends = np.log(np.r_[0.5, np.ones(len(WIDTHS) - 2), 0.5] / (len(WIDTHS) - 1))
    log_prior = log_level[:, None] + ends
    if not student:
        return float(-logsumexp((stats.norm.logpdf(z) - np.log(WIDTHS)).sum(0) + log_prior))
    log_dof = stats.gamma(2.0, scale=10.0).logpdf(DOFS) + np.log(DOFS * math.log(DOFS[1] / DOFS[0]))
    each = [logsumexp((stats.t(nu).logpdf(z) - np.log(WIDTHS)).sum(0) + log_prior) for nu in DOFS]
    return float(-logsumexp(np.array(each) + log_dof))


def sampled(y: np.ndarray, noise: str) -> FreeEnergy:
    """Free energy of a level with that noise."""
    priors = PRIORS | ({"noise.dof": "gamma(shape=2, rate=0.1)"} if noise == "student_t" else {})
    target = curve_target(np.arange(float(N)), y, {"constant": "constant"}, priors, noise=noise)
    return sample(target, seed=3, target_standard_error=0.03).free_energy


@pytest.mark.parametrize(("outliers", "chosen"), [(5, "student_t"), (0, "normal_scaled")])
def test_outliers_choose_students_t_and_clean_data_do_not(outliers: int, chosen: str) -> None:
    y = data(outliers)
    found = {}
    for noise in ("normal_scaled", "student_t"):
        one, exact = sampled(y, noise), quadrature(y, noise == "student_t")
        assert abs(one.value - exact) < 4.5 * one.standard_error + 1e-3
        assert one.standard_error < 0.1
        found[noise] = one
    other = next(name for name in found if name != chosen)
    gain = found[other].value - found[chosen].value
    assert gain > 4.5 * math.hypot(*(one.standard_error for one in found.values()))
    # eight standard deviations cost normal noise far more than Student's t
    assert gain > 8.0 if outliers else 0.3 < gain < 3.0
