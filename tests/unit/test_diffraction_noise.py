"""Noise with a correlated misfit against dense matrices; backgrounds; a pattern made ready."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from bayesbeam.diffraction.background import chebyshev, lower_envelope
from bayesbeam.diffraction.gram import frame_of
from bayesbeam.diffraction.law import Tolerance, law_of
from bayesbeam.diffraction.noise import Misfit, Noise, in_widths, log_density, noise
from bayesbeam.diffraction.powder import gain_of, powder
from bayesbeam.diffraction.shapes import common_start
from bayesbeam.errors import DataError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import WIDTH, mixture, phases

RNG = np.random.default_rng(3)
COUNTS = RNG.uniform(20.0, 200.0, 80)
PLACE = in_widths(np.linspace(20.0, 24.0, 80), np.linspace(0.1, 0.2, 80))
MISFITS = [Misfit(RNG.uniform(0.0, 40.0, 80), 4.0), Misfit(np.full(80, 9.0), 1.5)]


def dense() -> np.ndarray:
    found = np.diag(COUNTS)
    for one in MISFITS:
        for i in range(80):
            for j in range(80):
                r = min(abs(PLACE[i] - PLACE[j]) / one.reach, 1.0)
                found[i, j] += (1.0 - r) ** 4 * (4.0 * r + 1.0) * one.sd[i] * one.sd[j]
    return found


@pytest.mark.parametrize("reach", [0, 1, 3, 4, 5, 8, 30, 38])
def test_few_columns_and_many_are_whitened_as_the_dense_factor_does_it(reach: int) -> None:
    """Four values at once or one after the other: short factors, long ones, and columns that begin with nothing."""
    factor = np.random.default_rng(reach).uniform(-0.1, 0.1, (40, reach + 1))
    factor[:, 0] += 1.0
    whole = sum(np.diag(factor[: 40 - d, d], -d) for d in range(reach + 1))
    columns = np.random.default_rng(1).standard_normal((40, 3))
    columns[:13, 1] = 0.0
    columns[:, 2] = np.arange(40) == 39
    for many in (columns, np.tile(columns, 20)):
        found = Noise(factor, factor).whitened(many)
        assert found == pytest.approx(np.linalg.solve(whole, many), abs=1e-12)


def test_the_density_is_that_of_the_dense_matrix() -> None:
    law = noise(COUNTS, MISFITS, PLACE)
    residual = RNG.normal(0.0, 15.0, 80)
    exact = multivariate_normal(np.zeros(80), dense()).logpdf(residual)
    assert log_density(residual, law) == pytest.approx(exact, abs=1e-8)
    assert law.log_determinant == pytest.approx(np.linalg.slogdet(dense())[1], abs=1e-9)


def test_white_columns_have_the_scalar_products_of_the_inverse() -> None:
    law = noise(COUNTS, MISFITS, PLACE)
    columns = RNG.normal(size=(80, 5))
    white = law.whitened(columns)
    assert white.T @ white == pytest.approx(columns.T @ np.linalg.solve(dense(), columns), rel=1e-9, abs=1e-12)
    single = law.whitened(columns.astype(np.float32))
    assert single.dtype == np.float32
    assert np.abs(single - white).max() < 1e-5 * np.abs(white).max()


@pytest.mark.parametrize("misfits", [MISFITS, MISFITS[1:], []])
def test_few_columns_and_many_and_sums_of_two_are_those_of_the_dense_matrix(misfits: list[Misfit]) -> None:
    law = noise(COUNTS, misfits, PLACE)
    columns = RNG.normal(size=(80, 40))
    one_by_one = np.column_stack([law.whitened(column) for column in columns.T])
    np.testing.assert_allclose(law.whitened(columns), one_by_one, atol=1e-13)
    for dtype in (np.float32, np.float64):
        typed = RNG.normal(size=(80, 301)).astype(dtype)
        assert all(law.whitened(typed, n).tobytes() == law.whitened(typed).tobytes() for n in (2, 3, 7))
    factor = np.linalg.inv(law.whitened(np.eye(80)))
    together = np.kron(np.eye(40), np.ones((1, 2)))
    summed = np.linalg.inv(law.in_pairs().whitened(np.eye(40)))
    np.testing.assert_allclose(summed @ summed.T, together @ factor @ factor.T @ together.T, rtol=1e-10, atol=1e-9)


def test_without_misfit_it_is_counting() -> None:
    law = noise(COUNTS, [], PLACE)
    assert law.whitened(COUNTS) == pytest.approx(np.sqrt(COUNTS))


def test_a_frame_is_blind_to_its_background() -> None:
    x = np.linspace(10.0, 20.0, 80)
    law, columns = noise(COUNTS, MISFITS, PLACE), chebyshev(x, 5)
    y = columns @ np.array([50.0, -3.0, 2.0, 1.0, 4.0]) + 5.0 * np.sin(3.0 * x)
    frame, without = frame_of(law, columns, y), frame_of(law, columns, 5.0 * np.sin(3.0 * x))
    assert frame.target == pytest.approx(without.target, abs=1e-9)
    exact = y @ np.linalg.solve(dense(), y)
    shared = columns.T @ np.linalg.solve(dense(), np.column_stack([columns, y]))
    exact -= shared[:, -1] @ np.linalg.solve(shared[:, :-1], shared[:, -1])
    assert frame.misfit == pytest.approx(0.5 * exact)
    assert frame.coefficients(frame.white) == pytest.approx(np.linalg.solve(shared[:, :-1], shared[:, -1]))


def test_the_envelope_stays_below_lines() -> None:
    x, y = mixture({0: 0.6, 1: 0.4}, 1, phases(2))
    smooth = 60.0 + 40.0 * np.exp(-(x - 15.0) / 20.0)
    # Counting noise of single points is 8 to 10; the envelope is a curve through 2000 of them.
    assert np.percentile(np.abs(lower_envelope(x, y, 14) - smooth), 90) < 8.0


def cost_of_the_strongest_line(counts: float, *, explained: bool) -> float:
    """Nats that a pattern of two phases loses by its strongest line, missing and unknown or missing where explained."""
    x, y = mixture({0: 0.6, 1: 0.4}, 1, phases(2), counts=counts)
    data, common = powder(x, y), common_start(WIDTH)
    law = law_of(data, common, Tolerance(), data.y if explained else data.envelope, data.envelope)
    top = int(data.y.argmax())
    line = np.where(np.abs(data.x - data.x[top]) < 0.3, data.y - data.envelope, 0.0)
    return 0.5 * float(np.square(law.whitened(line)).sum())


@pytest.mark.parametrize("gain", [1e-9, 0.25, 4096.0])
def test_the_background_at_first_sight_has_the_units_of_the_data(gain: float) -> None:
    x = np.linspace(10.0, 60.0, 1500)
    y = np.random.default_rng(3).poisson(40.0 + 500.0 * np.exp(-0.5 * ((x - 30.0) / 0.2) ** 2)).astype(float)
    assert lower_envelope(x, gain * y, 14, gain) == pytest.approx(gain * lower_envelope(x, y, 14), rel=1e-9)
    assert gain_of(gain * y, gain**2 * np.maximum(y, 1.0)) == pytest.approx(gain, rel=1e-12)
    # The mistake to be seen: in units of counts, what is not counts lies above or below all lines.
    assert lower_envelope(x, 1e-3 * y, 14).max() > 1.2e-3 * lower_envelope(x, y, 14).max()


def test_unknown_lines_are_borne_whatever_their_height() -> None:
    weak, strong = (cost_of_the_strongest_line(counts, explained=False) for counts in (2e4, 2e5))
    # By counting alone it would be ten times as much; with lines that are as wide as thought, about the same.
    assert strong < 4.0 * weak
    assert cost_of_the_strongest_line(2e4, explained=True) > 1.5 * weak


def test_a_line_that_the_data_do_not_show_costs_what_counting_says() -> None:
    x, y = mixture({0: 1.0}, 1, phases(2))
    data = powder(x, y)
    law = law_of(data, common_start(WIDTH), Tolerance(), data.envelope, data.envelope)
    shown = np.convolve(np.maximum(data.y - data.envelope, 0.0), np.ones(25), "same")
    empty = int(shown.argmin())
    line = 60.0 * np.exp(-0.5 * np.square((data.x - data.x[empty]) / 0.07))
    by_counting = 0.5 * float(np.square(line / np.sqrt(data.variance)).sum())
    assert 0.5 * float(np.square(law.whitened(line)).sum()) > 0.7 * by_counting > 20.0


def test_neighbours_are_added_up_where_lines_are_wide() -> None:
    x, y = mixture({0: 0.6, 1: 0.4}, 1, phases(2))
    # Eight points for one, of an eighth of the counts: no point of these is clear of the noise by itself.
    fine, left = np.repeat(x, 8) + np.tile(np.arange(8) * 0.03 / 8.0, 2000), np.repeat(y / 8.0, 8)
    made, plain = powder(fine, left), powder(x, y)
    assert plain.width == pytest.approx(WIDTH, rel=0.4)
    assert len(made.x) <= 2 * len(plain.x)
    assert made.y.sum() == pytest.approx(y.sum(), rel=0.01)
    assert made.net / made.step == pytest.approx(plain.net / plain.step, rel=0.1)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.arange(20.0), np.ones(20), "20 points"),
        (np.r_[np.arange(60.0), 3.0], np.ones(61), "growing"),
        (np.linspace(10.0, 60.0, 900), np.full(900, 100.0), "no line clear"),
    ],
)
def test_patterns_without_a_line_or_order_are_refused(x: np.ndarray, y: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        powder(x, y)
