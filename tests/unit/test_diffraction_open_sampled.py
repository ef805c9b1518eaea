"""What free energies of sets are off by: importance sampling against quadrature over a height and a background."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bayesbeam.diffraction.open_lines import OpenSums, log_density_of_lines, open_fit
from bayesbeam.diffraction.open_sampled import Correction, correction_of
from bayesbeam.diffraction.open_sets import open_sets, with_window_error
from bayesbeam.diffraction.sets import SHARE_SD

FloatArray = NDArray[np.float64]


def few_lines(seed: int, height: float, noise: float = 0.3) -> OpenSums:
    """Sums over two lines and the rest, for one candidate, a constant background and data of a height."""
    rng = np.random.default_rng(seed)
    pieces = [np.exp(-0.5 * np.square(np.linspace(-3.0, 3.0, 12) / width)) for width in (0.8, 1.2, 1e-3)]
    told, wrong, logs = [], [], []
    for curve in pieces:
        y = height * curve + 0.4 + noise * rng.standard_normal(12)
        columns = np.column_stack([curve, np.ones(12), y]) / noise
        told.append(columns.T @ columns)
        wrong.append(told[-1] / 4.0)
        logs.append((12 * math.log(noise), 12 * math.log(2.0 * noise)))
    log_told, log_wrong = np.array(logs).T
    log_rest = float(log_told[2]) + 0.5 * math.log(2.0 * math.pi) * (36 - 1)
    return OpenSums(np.array(told[:2]), np.array(wrong[:2]), log_told[:2], log_wrong[:2], told[2], log_rest, 1)


def quadrature(given: OpenSums, members: tuple[int, ...]) -> float:
    """Free energy of a set of one candidate or none, over a grid of its height and of the background."""
    ground, step = np.linspace(-0.1, 0.9, 41), 0.025  # half a standard deviation, and a seventh
    heights = step * (np.arange(88) + 0.5) if members else np.zeros(1)
    values = []
    for height in heights:
        residual = np.column_stack([np.full(len(ground), -height), -ground, np.ones(len(ground))])
        each = [-0.5 * np.einsum("si,lij,sj->sl", residual, g, residual) - n
                for g, n in ((given.told, given.log_told), (given.wrong, given.log_wrong))]  # fmt: skip
        lines = np.array([log_density_of_lines(*one) for one in zip(*each, strict=True)])
        log_density = lines - 0.5 * np.einsum("si,ij,sj->s", residual, given.rest, residual) - given.log_rest
        log_density -= 0.5 * math.log(2.0 * math.pi)  # of the background's coefficient, as in log_rest
        if members:
            log_density += math.log(2.0 / SHARE_SD) - 0.5 * math.log(2.0 * math.pi) - 0.5 * (height / SHARE_SD) ** 2
        values.append(log_density)
    whole = np.array(values)
    area = (ground[1] - ground[0]) * (step if members else 1.0)
    return -float(whole.max()) - math.log(float(np.exp(whole - whole.max()).sum()) * area)


@pytest.mark.parametrize(("members", "height"), [((), 0.0), ((0,), 1.0), ((0,), 0.1), ((0,), 0.0)])
def test_a_corrected_free_energy_is_that_of_quadrature(members: tuple[int, ...], height: float) -> None:
    """Each within 4 standard errors, and all together as errors say: 8 sums a case, chi square below 8 + 4 sd."""
    z = []
    for seed in range(8):
        given = few_lines(seed, height)
        found = correction_of(given, members, seed)
        exact = quadrature(given, members)
        z.append((open_fit(given, members).free_energy + found.value - exact) / found.standard_error)
        # What is told as the size of the error holds it, up to what sampling leaves open.
        assert abs(open_fit(given, members).free_energy - exact) < found.size + 4.0 * found.standard_error
    assert np.abs(z).max() < 4.0
    assert np.square(z).sum() < 8.0 + 4.0 * 4.0


def test_an_approximation_that_is_wrong_is_seen() -> None:
    """A height near 0, whose posterior is cut off, without the share of the normal density that is above it."""
    given = few_lines(3, 0.0)
    found = correction_of(given, (0,), 3)
    fit = open_fit(given, (0,))
    from scipy.special import log_ndtr

    cut = float(log_ndtr(fit.heights / fit.sd).sum())
    assert abs(found.value) < abs(found.value - cut) - 4.0 * found.standard_error
    # A normaliser that is forgotten is off by as much.
    wrong = replace(given, log_rest=given.log_rest + 1.0)
    moved = open_fit(given, (0,)).free_energy + found.value - quadrature(wrong, (0,))
    assert moved == pytest.approx(-1.0, abs=4.0 * found.standard_error)


def test_the_seed_fixes_every_number() -> None:
    given = few_lines(1, 1.0)
    assert correction_of(given, (0,), 5) == correction_of(given, (0,), 5)
    assert correction_of(given, (0,), 5) != correction_of(given, (0,), 6)
    assert (Correction(3.0, 0.3) + Correction(-2.0, 0.4)).size == pytest.approx(math.hypot(1.0, 0.5))


def test_sets_that_a_window_leaves_out_are_its_error() -> None:
    """Of two sets one nat apart the second is left out: its probability is what the first is wrong by."""
    given = few_lines(2, 1.0)
    owner, prior = np.array([0]), np.zeros(2)
    gain = open_fit(given, ()).free_energy - open_fit(given, (0,)).free_energy
    cost = np.array([gain + 1.0])
    whole = open_sets(given, cost, owner, prior, [()])
    assert with_window_error(whole, given, cost, owner, prior).error == 0.0
    short = replace(whole, members=whole.members[:1], free_energy=whole.free_energy[:1], probability=np.ones(1))
    told = with_window_error(short, given, cost, owner, prior)
    assert told.error == pytest.approx(1.0 / (1.0 + math.e), abs=0.02)
