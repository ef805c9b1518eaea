"""Integration of straight lines: probability and distribution of F_int - F_sep against simulated data, and coverage.

Tests of Kolmogorov and Smirnov alarm at p < 0.01 and are of three seeds; each is seen to fail on a planted mistake.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from bayesbeam.errors import ModelError
from bayesbeam.evidence import mesoscopic_lines, mesoscopic_pairs
from bayesbeam.evidence.closed_form import known_noise_in_a_box
from bayesbeam.evidence.mesoscopic_lines import (
    Box,
    Line,
    Summary,
    draw_variables,
    free_energy,
    least_free_energy,
    summary_of_variables,
)
from bayesbeam.evidence.mesoscopic_pairs import (
    draw_integration,
    integration,
    integration_cdf,
    integration_difference,
)
from bayesbeam.evidence.mesoscopic_selection import places, simulate

Array = NDArray[np.float64]
MANY = 100_000
WIDE = Box(10.0, 10.0, wide=True)
SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
SAME = [Line(10, 1.0, 0.3, 0.5), Line(20, 1.0, 0.3, 1.0)]
OTHER = [Line(10, 1.0, 0.3, 0.5), Line(20, 2.0, 0.0, 1.0)]
FEW = [Line(6, 1.0, 0.3, 0.5), Line(7, 1.9, 0.3, 0.5)]


def simulated(lines: Sequence[Line], count: int, seed: int) -> list[Summary]:
    rng = np.random.default_rng(seed)
    return [simulate(one, places(one.points, one.mean_square), count, rng) for one in lines]


def levels(lines: Sequence[Line]) -> list[float]:
    return [one.sigma for one in lines]


def test_check_value() -> None:
    """The same truth, N = 10 and 20, sigma = 0.5 and 1: 1 - exp(-c / 2) = 0.998822."""
    spread = 0.25 / 10 + 1.0 / 20
    c = 2.0 * math.log(400.0) - 2.0 * math.log(2.0 * math.pi * spread)
    assert abs(1.0 - math.exp(-c / 2.0) - 0.998822) < 5e-7
    assert abs(float(integration(SAME, WIDE).cdf("known")) - (1.0 - math.exp(-c / 2.0))) < 1e-14
    # Another truth: the noncentral chi-square distribution of 2 degrees, at c.
    theory = float(integration(OTHER, WIDE).cdf("known"))
    assert abs(theory - stats.ncx2.cdf(c, 2, (1.0 + 0.09) / spread)) < 1e-12


@SEEDS
def test_unequal_truths_are_refused_as_often_as_the_theory_says(seed: int) -> None:
    for lines in (SAME, OTHER):
        share = np.mean(integration_difference(simulated(lines, MANY, seed), WIDE, levels(lines)) < 0.0)
        expected = float(integration(lines, WIDE).cdf("known"))
        assert abs(share - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / MANY)
    assert 0.1 < expected < 0.9


@SEEDS
@pytest.mark.parametrize("lines", [SAME, OTHER, [*OTHER, Line(5, 1.0, 0.3, 2.0, 3.0)]])
def test_distribution_at_known_noise(lines: list[Line], seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = integration_difference(simulated(lines, MANY, seed), WIDE, levels(lines))
    theory = integration(lines, WIDE)
    assert stats.kstest(found, lambda d: theory.cdf("known", d)).pvalue > 0.01
    monkeypatch.setattr(mesoscopic_pairs, "math", _WithoutLogarithm)
    wrong = integration(lines, WIDE)
    assert stats.kstest(found, lambda d: wrong.cdf("known", d)).pvalue < 1e-4


class _WithoutLogarithm:
    """A planted mistake: the widths of the priors forgotten."""

    nan = math.nan

    @staticmethod
    def log(value: float) -> float:
        return 0.0 if value == 20.0 else math.log(value)


@SEEDS
@pytest.mark.parametrize("lines", [SAME, FEW])
def test_distribution_at_estimated_noise(lines: list[Line], seed: int) -> None:
    """Of 1e5 simulated data sets against quadrature at 12 places, and 1e5 draws of the variables against both."""
    found = integration_difference(simulated(lines, MANY, seed), WIDE)
    drawn = draw_integration(lines, WIDE, MANY, np.random.default_rng(seed + 100))
    assert stats.ks_2samp(found, drawn).pvalue > 0.01
    at = np.quantile(drawn, [0.02, 0.2, 0.4, 0.6, 0.8, 0.98])
    theory = integration_cdf(lines, WIDE, at)
    for one in (found, drawn):
        assert distance(one, theory, at) > 0.01


def distance(found: Array, cdf: Array, at: Array) -> float:
    """P value of Kolmogorov and Smirnov of the largest distance at some places."""
    empirical = np.searchsorted(np.sort(found), at, side="right") / len(found)
    return float(stats.kstwobign.sf(np.abs(empirical - cdf).max() * math.sqrt(len(found))))


def test_a_point_more_or_levels_that_are_not_the_best_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    found = integration_difference(simulated(FEW, 20_000, 1), WIDE)
    at = np.quantile(found, [0.2, 0.5, 0.8])
    assert distance(found, integration_cdf(FEW, WIDE, at), at) > 0.01
    more = [Line(one.points + 1, one.slope, one.intercept, one.sigma) for one in FEW]
    assert distance(found, integration_cdf(more, WIDE, at), at) < 1e-4
    monkeypatch.setattr(mesoscopic_lines, "_CLOSE", 1e9)  # levels of each data set by itself, not those of all
    assert distance(found, integration_cdf(FEW, WIDE, at), at) < 1e-4


@pytest.mark.parametrize("box", [WIDE, Box(10.0, 10.0), Box(1.5, 0.4), Box(1.5, None)])
def test_least_free_energy_is_that_of_a_general_minimiser(box: Box) -> None:
    """Lines that agree and such that do not, of which some have two minima; at the least, sigma^2 = 2 <E>."""
    rng = np.random.default_rng(4)
    data = [summary_of_variables(one, draw_variables(one.points, 12, rng)) for one in FEW]
    found = least_free_energy(data, box)
    for i in range(12):
        one = [
            Summary(s.points, s.mean_square, s.slope[i : i + 1], s.intercept[i : i + 1], s.squares[i : i + 1])
            for s in data
        ]

        def at(log_sigma: Array, one: list[Summary] = one) -> float:
            return float(free_energy(one, np.exp(log_sigma), box)[0])

        starts = [(a, b) for a in (-1.5, 0.0) for b in (-1.5, 0.0)]
        best = min(
            (optimize.minimize(at, start, method="Nelder-Mead",
                               options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000}) for start in starts),
            key=lambda result: float(result.fun),
        )  # fmt: skip
        assert abs(best.fun - found.free_energy[i]) < 1e-8
        np.testing.assert_allclose(np.exp(2.0 * best.x), found.variances[:, i], rtol=1e-3)


def test_free_energy_of_a_shared_line_is_that_of_regression() -> None:
    """Two data sets of their own noise in one box that cuts: the design of both, one under the other."""
    rng, box = np.random.default_rng(8), Box(1.2, 0.4)
    x = [places(6), places(5, 2.0)]
    y = [x[0] + 0.3 + 0.5 * rng.standard_normal(6), x[1] + 0.3 + rng.standard_normal(5)]
    data = [
        Summary(len(a), float(np.mean(a * a)), np.array([b @ a / (a @ a)]), np.array([b.mean()]),
                np.array([np.square(b - b @ a / (a @ a) * a - b.mean()).sum()]))
        for a, b in zip(x, y, strict=True)
    ]  # fmt: skip
    design = np.stack([np.concatenate(x), np.ones(11)], 1)
    sd = np.repeat([0.5, 1.0], [6, 5])
    # Together x is not centred for the weighted sum, but every data set is, so that a and b stay independent.
    expected = known_noise_in_a_box(design, np.concatenate(y), sd, [-1.2, -0.4], [1.2, 0.4]).free_energy
    assert abs(float(free_energy(data, [0.5, 1.0], box)[0]) - expected) < 1e-10
    apart = sum(known_noise_in_a_box(np.stack([a, np.ones(len(a))], 1), b, s, [-1.2, -0.4], [1.2, 0.4]).free_energy
                for a, b, s in zip(x, y, (0.5, 1.0), strict=True))  # fmt: skip
    found = integration_difference(data, box, [0.5, 1.0])
    assert abs(float(found[0]) - (expected - apart)) < 1e-10


@SEEDS
def test_with_equal_truths_the_integrated_interval_covers_and_is_narrower(seed: int) -> None:
    """95 % of 1e5, within four standard errors; narrower than the best single one by sqrt(w / sum of w)."""
    data = simulated(SAME, MANY, seed)
    for place, (word, truth) in enumerate((("slope", 1.0), ("intercept", 0.3))):
        weight = np.array([1.0 / one.variances[place] for one in SAME])
        values = np.stack([getattr(one, word) for one in data])
        mean, sd = weight @ values / weight.sum(), 1.0 / math.sqrt(weight.sum())
        covered = float(np.mean(np.abs(mean - truth) < stats.norm.isf(0.025) * sd))
        assert abs(covered - 0.95) < 4.0 * math.sqrt(0.95 * 0.05 / MANY)
        # What is claimed is what is seen: scatter of the estimates of both, and of the better one alone.
        factor = math.sqrt(weight.max() / weight.sum())
        seen = float(mean.std() / values[int(weight.argmax())].std())
        assert abs(seen / factor - 1.0) < 4.0 / math.sqrt(MANY)


def test_sharing_one_of_two_coefficients() -> None:
    """The slope is the same and the intercept is not: only sharing the slope is chosen, as often as the theory says."""
    lines = [Line(20, 1.0, 0.0, 0.5), Line(30, 1.0, 2.0, 1.0)]
    data = simulated(lines, 20_000, 3)
    for shared, least, most in (
        (("slope",), 0.99, 1.0),
        (("intercept",), 0.0, 0.01),
        (("slope", "intercept"), 0, 0.01),
    ):
        expected = float(integration(lines, WIDE, shared).cdf("known"))
        assert least <= expected <= most
        squared = sum(
            np.square(getattr(data[0], word) - getattr(data[1], word)) / sum(one.variances[place] for one in lines)
            for place, word in enumerate(("slope", "intercept"))
            if word in shared
        )
        share = float(np.mean(integration(lines, WIDE, shared).difference("known", squared) < 0.0))
        assert abs(share - expected) < 4.0 * math.sqrt(max(expected * (1.0 - expected), 1e-4) / 20_000)


def test_mistakes_are_named() -> None:
    with pytest.raises(ModelError, match="two or more"):
        integration(SAME[:1], WIDE)
    with pytest.raises(ModelError, match="slope, intercept or both"):
        integration(SAME, WIDE, ("height",))
    with pytest.raises(ModelError, match="Use draws"):
        integration_cdf([SAME[0], Line(20, 1.0, 0.3, 1.0, 2.0)], WIDE)
    with pytest.raises(ModelError, match="points: 2; expected more than 2"):
        draw_integration([Line(2), Line(9)], WIDE, 10, np.random.default_rng(1))


def test_levels_that_do_not_settle_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesoscopic_lines, "_STEPS", 1)
    with pytest.raises(ModelError, match="still move after 1 steps"):
        draw_integration(FEW, WIDE, 10, np.random.default_rng(1))
