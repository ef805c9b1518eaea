"""Theory of selection between nested linear models: published check values, simulated data, and other programs.

Tests of Kolmogorov and Smirnov are of 1e5 data sets, of three seeds each, and alarm at p < 0.01: one in a hundred would
if the seeds were not fixed. Each is seen to fail on a planted mistake.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, optimize, stats

from bayesbeam.errors import ModelError
from bayesbeam.evidence import mesoscopic
from bayesbeam.evidence.closed_form import known_noise_in_a_box
from bayesbeam.evidence.mesoscopic import Nested, chi_square_above, chi_square_density, nested
from bayesbeam.evidence.mesoscopic_lines import (
    Box,
    Line,
    Summary,
    draw_variables,
    least_free_energy,
    summary_of_variables,
    variables_of,
)
from bayesbeam.evidence.mesoscopic_selection import (
    draw_selection,
    places,
    selection_cdf_in_box,
    selection_difference,
    simulate,
)

Array = NDArray[np.float64]
WIDE = Box(10.0, 10.0, wide=True)
MANY = 100_000
SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])
# b0, N, P(select ax+b) with known and with estimated noise; 2e5 draws.
CHECKS = [
    (0.3, 10, 0.0559, 0.0510), (0.3, 50, 0.236, 0.222), (0.3, 100, 0.516, 0.499), (1.0, 5, 0.435, 0.297),
    (1.0, 10, 0.733, 0.616), (1.0, 20, 0.964, 0.936), (0.0, 5, 0.0164, 0.0254), (0.0, 100, 0.0031, 0.0032),
]  # fmt: skip


@pytest.mark.parametrize(("b0", "points", "known", "least"), CHECKS)
def test_check_values(b0: float, points: int, known: float, least: float) -> None:
    """Of the formula and of the quadrature, within four standard errors of 2e5 draws and the last digit printed."""
    theory = Line(points, intercept=b0).nested(10.0)
    for noise, expected in (("known", known), ("least", least)):
        room = 4.0 * math.sqrt(expected * (1.0 - expected) / 200_000) + (0.0005 if expected > 0.1 else 0.00005)
        assert abs(float(theory.sf(noise)) - expected) < room  # type: ignore[arg-type]


def ks_known(seed: int, line: Line) -> float:
    data = simulate(line, places(line.points), MANY, np.random.default_rng(seed))
    theory = line.nested(10.0)
    return float(stats.kstest(selection_difference(data, WIDE, line.sigma), lambda d: theory.cdf("known", d)).pvalue)


def ks_on_a_grid(found: Array, cdf: Array, at: Array) -> float:
    """P value of the largest distance at some places, at least that of all places."""
    empirical = np.searchsorted(np.sort(found), at, side="right") / len(found)
    return float(stats.kstwobign.sf(np.abs(empirical - cdf).max() * math.sqrt(len(found))))


def ks_least(seed: int, line: Line) -> float:
    data = simulate(line, places(line.points), MANY, np.random.default_rng(seed))
    found = selection_difference(data, WIDE)
    at = np.quantile(found, np.linspace(0.0, 1.0, 400))
    return ks_on_a_grid(found, line.nested(10.0).cdf("least", at), at)


LINES = [Line(8, 1.0, 0.6, 0.8), Line(40, -2.0, 0.0, 2.0)]


@SEEDS
@pytest.mark.parametrize("line", LINES)
def test_distribution_of_the_difference_at_known_noise(line: Line, seed: int) -> None:
    assert ks_known(seed, line) > 0.01


@SEEDS
@pytest.mark.parametrize("line", LINES)
def test_distribution_of_the_difference_at_estimated_noise(line: Line, seed: int) -> None:
    assert ks_least(seed, line) > 0.01


@pytest.mark.parametrize("line", LINES)
def test_one_point_more_or_a_logarithm_less_is_seen(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Nested.freedom.fget
    assert right is not None
    if line.points < 10:  # of forty points one hardly counts
        monkeypatch.setattr(Nested, "freedom", property(lambda self: right(self) + 1.0))
        assert ks_least(1, line) < 1e-4
        monkeypatch.undo()
    monkeypatch.setattr(mesoscopic, "LOG_2PI", 0.0)
    assert ks_known(1, line) < 1e-4
    assert ks_least(1, line) < 1e-4


@SEEDS
def test_distribution_in_a_box_that_cuts_off(seed: int) -> None:
    """The box of b is a standard deviation of its estimate; that of a cuts too, and does not matter."""
    line, box = Line(8, 1.0, 0.25, 0.8), Box(1.2, 0.3)
    found = selection_difference(simulate(line, places(8), MANY, np.random.default_rng(seed)), box, line.sigma)
    at = np.quantile(found, np.linspace(0.0, 1.0, 400))
    assert ks_on_a_grid(found, selection_cdf_in_box(line, 0.3, at), at) > 0.01
    assert ks_on_a_grid(found, line.nested(0.3).cdf("known", at), at) < 1e-4


@SEEDS
def test_variables_stand_for_data_where_boxes_cut_and_noise_is_estimated(seed: int) -> None:
    line, box = Line(6, 1.0, 0.25, 0.8), Box(1.2, 0.4)
    rng = np.random.default_rng(seed)
    data = selection_difference(simulate(line, places(6), 20_000, rng), box)
    drawn = draw_selection(line, box, 20_000, rng)
    assert stats.ks_2samp(data, drawn).pvalue > 0.01
    assert stats.ks_2samp(data, draw_selection(line, WIDE, 20_000, rng)).pvalue < 1e-4


@SEEDS
def test_variables_are_normal_and_chi_square_and_independent(seed: int) -> None:
    noise = 0.7 * np.random.default_rng(seed).standard_normal((MANY, 6))
    found = variables_of(places(6, 2.0), noise, 0.7)
    assert stats.kstest(found.tau_1, "norm").pvalue > 0.01
    assert stats.kstest(found.tau_2, "norm").pvalue > 0.01
    assert stats.kstest(found.upsilon, stats.chi2(4).cdf).pvalue > 0.01
    assert stats.kstest(found.upsilon, stats.chi2(5).cdf).pvalue < 1e-4
    for one, other in ((found.tau_1, found.tau_2), (found.tau_1**2, found.upsilon), (found.tau_2**2, found.upsilon)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4.0 / math.sqrt(MANY)


@pytest.mark.parametrize("box", [Box(10.0, 10.0), Box(1.1, 0.3)])
def test_differences_are_those_of_the_closed_form(box: Box) -> None:
    """Data by data, against regression in a box, which knows nothing of centred lines."""
    line, rng = Line(7, 1.0, 0.4, 0.6, 1.7), np.random.default_rng(5)
    x, drawn = places(7, 1.7), draw_variables(7, 1, rng)
    noise = 0.6 * rng.standard_normal((20, 7))
    summary = summary_of_variables(line, variables_of(x, noise, 0.6))
    found = selection_difference(summary, box, line.sigma)
    assert drawn.upsilon.shape == (1,)
    assert box.half_intercept is not None
    for one, difference in zip(x + 0.4 + noise, found, strict=True):
        both = known_noise_in_a_box(np.stack([x, np.ones(7)], 1), one, 0.6, *ends(box.half_slope, box.half_intercept))
        alone = known_noise_in_a_box(x[:, None], one, 0.6, *ends(box.half_slope))
        assert abs(alone.free_energy - both.free_energy - difference) < 1e-9


def ends(*halves: float) -> tuple[list[float], list[float]]:
    return [-half for half in halves], list(halves)


def test_any_nested_designs() -> None:
    """Two columns and three more that depend on them, noise that differs: against regression and its least squares."""
    rng = np.random.default_rng(7)
    kept, sd = rng.standard_normal((12, 2)), rng.uniform(0.5, 2.0, 12)
    added = rng.standard_normal((12, 3)) + kept @ rng.standard_normal((2, 3))
    truth, widths = np.array([0.3, -0.2, 0.5]), np.array([40.0, 60.0, 50.0])
    theory = nested(kept, added, truth, sd, widths)
    whole = np.hstack([kept, added])
    noise = sd * rng.standard_normal((4000, 12))
    y = kept @ [1.0, -1.0] + added @ truth + noise
    small, large = (
        np.square((y / sd).T - m @ np.linalg.lstsq(m, (y / sd).T, rcond=None)[0]).sum(0)
        for m in (kept / sd[:, None], whole / sd[:, None])
    )
    upsilon, wald = large, small - large
    assert stats.kstest(upsilon, stats.chi2(7).cdf).pvalue > 0.01
    assert stats.kstest(wald, stats.ncx2(3, theory.noncentrality).cdf).pvalue > 0.01
    found = theory.difference("known", wald, upsilon)
    assert stats.kstest(found, lambda d: theory.cdf("known", d)).pvalue > 0.01
    low, high = -0.5 * widths, 0.5 * widths
    for place in range(5):
        outer = np.array([1e3, 1e3])
        with_more = _free_energy_wide(whole, y[place], sd, np.concatenate([2.0 * outer, high - low]))
        without = _free_energy_wide(kept, y[place], sd, 2.0 * outer)
        assert abs(without - with_more - found[place]) < 1e-8
    for noise_word in ("least", "integrated"):
        drawn = theory.difference(noise_word, wald, upsilon)  # type: ignore[arg-type]
        at = np.quantile(drawn, np.linspace(0, 1, 100))
        assert ks_on_a_grid(drawn, theory.cdf(noise_word, at), at) > 0.01  # type: ignore[arg-type]


def _free_energy_wide(design: Array, y: Array, sd: Array, widths: Array) -> float:
    """Free energy with flat priors that cut nothing off, by normal equations."""
    matrix, value = design / sd[:, None], y / sd
    information = matrix.T @ matrix
    rest = value - matrix @ np.linalg.solve(information, matrix.T @ value)
    constant = len(y) * math.log(2 * math.pi) / 2 + np.log(sd).sum() + np.log(widths).sum()
    return float(constant + rest @ rest / 2 + np.linalg.slogdet(information / (2 * math.pi))[1] / 2)


def test_noise_that_is_integrated_out_is_so_by_quadrature() -> None:
    """Log-uniform level: both free energies of one data set by quadrature over it; its range is in both."""
    theory = nested(np.ones((6, 1)), np.arange(6.0)[:, None], 0.1, 1.0, 30.0)
    rng = np.random.default_rng(2)
    x, y = np.arange(6.0), 0.1 * np.arange(6.0) + rng.standard_normal(6)
    designs = [np.ones((6, 1)), np.stack([np.ones(6), x], 1)]
    squares = [float(np.linalg.lstsq(one, y, rcond=None)[1][0]) for one in designs]

    def minus_log(design: Array, widths: Array) -> float:
        def integrand(log_level: float) -> float:
            level = np.full(6, math.exp(log_level))
            return math.exp(-_free_energy_wide(design, y, level, widths))

        return -math.log(integrate.quad(integrand, -6.0, 8.0, epsabs=0.0, epsrel=1e-11, limit=400)[0])

    difference = minus_log(designs[0], np.array([40.0])) - minus_log(designs[1], np.array([40.0, 30.0]))
    found = theory.difference("integrated", squares[0] - squares[1], squares[1])
    assert abs(float(found) - difference) < 1e-6


@pytest.mark.parametrize("noise", ["known", "least", "integrated"])
@pytest.mark.parametrize("added", [1, 3])
@pytest.mark.parametrize("shift", [0.0, 4.0])
def test_density_adds_up_to_the_distribution(noise: mesoscopic.Noise, added: int, shift: float) -> None:
    theory = Nested(9, 2, added, math.log(9.0), math.log(20.0), shift)
    drawn = theory.draw(noise, 20_000, np.random.default_rng(3))
    low, middle, high = np.quantile(drawn, [0.3, 0.6, 0.97])
    for a, b in ((low, middle), (middle, high)):
        area = integrate.quad(lambda d: float(theory.density(noise, d)), a, b, epsabs=1e-11)[0]
        assert abs(area - float(theory.cdf(noise, b) - theory.cdf(noise, a))) < 1e-8
    assert ks_on_a_grid(drawn, theory.cdf(noise, at := np.quantile(drawn, np.linspace(0, 1, 100))), at) > 0.01


@pytest.mark.parametrize(
    ("points", "kept", "added", "information", "shift"),
    [(4, 1, 1, 2.0, 0.5), (5, 1, 2, -3.0, 30.0), (300, 2, 1, 5.0, 9.0), (3, 1, 1, 4.0, 0.0), (60, 0, 4, 20.0, 3.0)],
)
def test_quadrature_is_that_of_scipy(points: int, kept: int, added: int, information: float, shift: float) -> None:
    """Adaptive, in the logarithm of upsilon, cut where the threshold of the estimate comes to 0."""
    theory = Nested(points, kept, added, information, math.log(20.0), shift)
    after = points - kept - added
    for value in (-2.0, 0.0, 3.0):

        def threshold(log_u: float, value: float = value) -> float:
            return float(theory.wald_at("least", value, math.exp(log_u)))

        def weighed(log_u: float, threshold: Callable[[float], float] = threshold) -> float:
            above = float(chi_square_above(threshold(log_u), added, shift))
            return above * math.exp(stats.chi2.logpdf(math.exp(log_u), after) + log_u)

        ends = [*np.log(stats.chi2.ppf([1e-14, 1e-6, 0.01, 0.1, 0.5, 0.9, 0.99, 1 - 1e-13], after))]
        if threshold(ends[0]) > 0 > threshold(ends[-1]):
            ends = sorted([*ends, optimize.brentq(threshold, ends[0], ends[-1], xtol=1e-14)])
        slow = sum(integrate.quad(weighed, a, b, limit=500, epsabs=1e-12)[0] for a, b in pairwise(ends))
        assert abs(float(theory.sf("least", value)) - slow) < 1e-9


def test_arrays_of_settings_are_single_ones() -> None:
    points, sigma = np.array([[5], [20], [80]]), np.array([0.3, 1.0, 2.0, 4.0])
    theory = Nested(points, 1, 1, np.log(points / sigma**2), math.log(20.0), points * 0.09 / sigma**2)
    for noise in ("known", "least", "integrated"):
        found, density = theory.sf(noise), theory.density(noise, 0.5)  # type: ignore[arg-type]
        drawn = theory.draw(noise, 10, np.random.default_rng(1))  # type: ignore[arg-type]
        assert found.shape == density.shape == (3, 4)
        assert drawn.shape == (3, 4, 10)
        for i, n in enumerate((5, 20, 80)):
            for j, s in enumerate(sigma):
                alone = Line(n, 1.0, 0.3, float(s)).nested(10.0)
                assert abs(found[i, j] - float(alone.sf(noise))) < 1e-12  # type: ignore[arg-type]
                assert abs(density[i, j] - float(alone.density(noise, 0.5))) < 1e-12  # type: ignore[arg-type]


@SEEDS
def test_aic_and_bic_are_those_of_simulated_data(seed: int) -> None:
    line = Line(7, 1.0, 0.5, 0.8)
    x = places(7)
    y = x + 0.5 + 0.8 * np.random.default_rng(seed).standard_normal((20_000, 7))
    small = np.square(y.T - np.outer(x, (y @ x) / (x @ x))).sum(0)
    design = np.stack([x, np.ones(7)], 1)
    large = np.square(y.T - design @ np.linalg.lstsq(design, y.T, rcond=None)[0]).sum(0)
    theory = line.nested(10.0)
    for penalty in (2.0, math.log(7.0)):
        known = np.mean((small - large) / 0.64 > penalty)
        unknown = np.mean(7.0 * np.log(small / large) > penalty)
        for noise, share in (("known", known), ("least", unknown)):
            expected = float(theory.criterion(noise, penalty))  # type: ignore[arg-type]
            assert abs(share - expected) < 4.0 * math.sqrt(expected * (1 - expected) / 20_000)
    # Where b is 0 the noncentral distribution is the central one.
    null, nearly = Line(7).nested(10.0), Line(7, intercept=1e-6).nested(10.0)
    assert abs(float(null.criterion("least", 2.0)) - float(nearly.criterion("least", 2.0))) < 1e-9


def test_aic_at_estimated_noise_is_the_noncentral_f_distribution() -> None:
    for points, kept, added, shift in ((4, 1, 1, 0.7), (9, 2, 3, 6.0), (200, 1, 1, 3.0)):
        theory = Nested(points, kept, added, 1.0, 3.0, shift)
        after = points - kept - added
        for penalty in (2.0, math.log(points)):
            ratio = math.expm1(added * penalty / points) * after / added
            assert abs(float(theory.criterion("least", penalty)) - stats.ncf.sf(ratio, added, after, shift)) < 1e-8
    # Far from the central one, where SciPy gives no number.
    far = Nested(1000, 1, 1, 1.0, 3.0, np.array([2e3, 2e5, 2e7]))
    np.testing.assert_allclose(far.criterion("least", 2.0), 1.0, atol=1e-12)


def test_tails_of_chi_square() -> None:
    for freedom in (1, 2, 5):
        for shift in (0.0, 3.0):
            rule = stats.ncx2(freedom, shift) if shift else stats.chi2(freedom)
            for value in (0.1, 2.0, 30.0):
                assert abs(float(chi_square_above(value, freedom, shift)) / rule.sf(value) - 1.0) < 1e-9
                assert abs(float(chi_square_density(value, freedom, shift)) / rule.pdf(value) - 1.0) < 1e-9
    assert chi_square_above(-1.0, 1, 0.0) == 1.0
    assert chi_square_density(-1.0, 1, 0.0) == 0.0


def test_two_points_of_known_noise_are_enough() -> None:
    theory = Line(2, intercept=0.8).nested(10.0)
    drawn, expected = theory.draw("known", MANY, np.random.default_rng(1)), float(theory.sf("known"))
    assert abs(np.mean(drawn > 0.0) - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / MANY)


def test_mistakes_are_named() -> None:
    with pytest.raises(ModelError, match=r"points.*at least 3"):
        Line(2).nested(10.0).sf("least")
    few = Line(2).nested(10.0)
    for asked in (lambda: few.criterion("least", 2.0), lambda: few.draw("integrated", 3, np.random.default_rng(1))):
        with pytest.raises(ModelError, match=r"points: 2; expected at least 3.* state the noise"):
            asked()
    with pytest.raises(ModelError, match="a line fits exactly"):
        least_free_energy(Summary(5, 1.0, np.ones(1), np.zeros(1), np.zeros(1)), WIDE)
    with pytest.raises(ModelError, match=r"noise.*known, least, integrated"):
        Line(9).nested(10.0).sf("unknown")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"column 2.*made up of column 1"):
        nested(np.ones((5, 1)), 2.0 * np.ones((5, 1)), 1.0, 1.0, 10.0)
    with pytest.raises(ModelError, match="sd: -1; expected numbers above 0"):
        nested(np.ones((5, 1)), np.arange(5.0)[:, None], 1.0, -1.0, 10.0)
    with pytest.raises(ModelError, match=r"sigma.*above 0"):
        Line(5, sigma=0.0)
    with pytest.raises(ModelError, match="centred"):
        variables_of(np.arange(5.0), np.ones(5), 1.0)
    with pytest.raises(ModelError, match="x: 5 places of mean square"):
        simulate(Line(6), places(5), 2, np.random.default_rng(1))
