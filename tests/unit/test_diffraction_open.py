"""Sets of phases where any line may be of no candidate: free energies by quadrature, posteriors by all sets."""

from __future__ import annotations

import itertools
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bayesbeam.diffraction import open_lines
from bayesbeam.diffraction.law import Tolerance
from bayesbeam.diffraction.members import member_of
from bayesbeam.diffraction.open_lines import OpenSums, open_fit, open_sums, pieces_of
from bayesbeam.diffraction.open_sets import free_energy_of, open_sets
from bayesbeam.diffraction.powder import Powder, powder
from bayesbeam.diffraction.profile import Beam, pattern
from bayesbeam.diffraction.sets import SHARE_SD, log_prior_of_sets
from bayesbeam.diffraction.shapes import common_start

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import WIDTH, phases

FloatArray = NDArray[np.float64]
COUNT = 7
CANDIDATES = phases(COUNT)
COMMON = common_start(WIDTH)


def parts_of(data: Powder) -> FloatArray:
    """Patterns of all candidates, each of the area of the data above the background."""
    made = [member_of(one, data, Beam(), COMMON) for one in CANDIDATES]
    return np.array([one.part(data.x, Beam(), COMMON) for one in made if one is not None])


def counts(shares: dict[int, float], extra: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """A mixture whose cells are right and whose lines are off by 5 %, and a line of no phase of a height."""
    rng = np.random.default_rng(1)
    x = 15.0 + 0.03 * np.arange(2000)
    y = 80.0 + extra * np.exp(-0.5 * np.square((x - 47.3) / 0.07))
    for k, share in shares.items():
        one = CANDIDATES[k]
        off = replace(one, strength=one.strength * rng.normal(1.0, 0.05, len(one.strength)))
        curve = pattern(x, off, Beam(), COMMON, np.zeros(one.strains + 3))
        y = y + share * 4e4 * curve / curve.sum()
    return x, rng.poisson(y).astype(np.float64)


def sums(shares: dict[int, float], extra: float = 0.0) -> OpenSums:
    data = powder(*counts(shares, extra))
    return open_sums(data, COMMON, Tolerance(), data.envelope, parts_of(data))


@pytest.fixture(scope="module")
def two() -> OpenSums:
    return sums({0: 0.7, 3: 0.3})


def quadrature(given: OpenSums, j: int) -> float:
    """Free energy of one column by sums over its height; the background is integrated at each, lines as they are."""
    best = open_fit(given, (j,))
    own = [j, *range(given.candidates, given.rest.shape[0])]
    heights = best.heights[0] + best.sd[0] * np.linspace(-8.0, 8.0, 401)
    heights = heights[heights > 0.0]
    picked = np.ix_(own, own)
    told, wrong = given.told[:, picked[0], picked[1]], given.wrong[:, picked[0], picked[1]]
    weighted = given.rest[picked] + np.einsum("l,lij->ij", best.right, told)
    weighted += np.einsum("l,lij->ij", 1.0 - best.right, wrong)
    values = []
    for height in heights:
        inner = weighted[1:-1, 1:-1]
        ground = np.linalg.solve(inner, weighted[1:-1, -1] - height * weighted[1:-1, 0])
        left = np.array([-height, *(-ground), 1.0])
        each = [-0.5 * np.einsum("i,lij,j->l", left, g, left) - n
                for g, n in ((told, given.log_told), (wrong, given.log_wrong))]  # fmt: skip
        log_density = open_lines._mixed(*each)[0] - 0.5 * left @ given.rest[picked] @ left - given.log_rest
        prior = math.log(2.0 / SHARE_SD) - 0.5 * math.log(2.0 * math.pi) - 0.5 * (height / SHARE_SD) ** 2
        values.append(log_density + prior - 0.5 * np.linalg.slogdet(inner)[1])
    top = max(values)
    return -top - math.log(float(np.exp(np.array(values) - top).sum()) * (heights[1] - heights[0]))


def test_the_free_energy_of_a_column_is_nearly_that_of_quadrature(two: OpenSums) -> None:
    for j in (0, 3):
        value = open_fit(two, (j,)).free_energy
        assert value == pytest.approx(quadrature(two, j), abs=0.3)
        # A missing normaliser of lines that may be anything is seen.
        assert quadrature(replace(two, log_wrong=0.9 * two.log_wrong), j) < value - 3.0


def test_the_window_has_the_posterior_of_all_sets(two: OpenSums) -> None:
    cost, owner = np.full(COUNT, 4.0), np.arange(COUNT)
    log_prior = log_prior_of_sets(COUNT, 4)
    every = [one for n in range(5) for one in itertools.combinations(range(COUNT), n)]
    value = np.array([free_energy_of(two, cost, log_prior, one) for one in every])
    weight = np.exp(value.min() - value)
    weight /= weight.sum()
    exact = np.array([sum(w for one, w in zip(every, weight, strict=True) if j in one) for j in range(COUNT)])
    assert exact[[0, 3]].min() > 0.99
    for start in ((), (1, 2), (0, 3)):
        found = open_sets(two, cost, owner, log_prior, [start])
        assert found.inclusion(owner, COUNT) == pytest.approx(exact, abs=0.01)
        assert found.members[0] == every[int(value.argmin())]
    # With a prior that costs nothing sets are many, and still the same.
    flat = np.zeros(5)
    value = np.array([free_energy_of(two, 0.0 * cost, flat, one) for one in every])
    weight = np.exp(value.min() - value) / np.exp(value.min() - value).sum()
    exact = np.array([sum(w for one, w in zip(every, weight, strict=True) if j in one) for j in range(COUNT)])
    found = open_sets(two, 0.0 * cost, owner, flat, [()])
    assert found.inclusion(owner, COUNT) == pytest.approx(exact, abs=0.02)


def test_no_set_has_two_columns_of_one_phase(two: OpenSums) -> None:
    owner = np.array([0, 0, 1, 1, 2, 2, 3])
    found = open_sets(two, np.zeros(COUNT), owner, np.zeros(5), [()])
    assert all(len({int(owner[j]) for j in one}) == len(one) for one in found.members)


def bell(x: FloatArray) -> FloatArray:
    found: FloatArray = np.exp(-0.5 * np.square((x - 47.3) / 0.07))
    return found


def worth_of_one_line(height: float, tolerance: Tolerance) -> tuple[float, float]:
    """What a column of one line, which no phase has, gains in nats; the ratio of the phases' heights without it."""
    data = powder(*counts({0: 0.7, 3: 0.3}, height))
    columns = np.vstack([parts_of(data)[[0, 3]], 10.0 * height * bell(data.x)])
    given = open_sums(data, COMMON, tolerance, data.envelope, columns)
    without, with_it = open_fit(given, (0, 1)), open_fit(given, (0, 1, 2))
    return without.free_energy - with_it.free_energy, without.heights[0] / without.heights[1]


def test_a_line_of_no_phase_costs_a_few_nats_whatever_its_height() -> None:
    worth, ratio = np.array([worth_of_one_line(height, Tolerance()) for height in (2e3, 6e3, 2e4)]).T
    assert worth.max() < 20.0
    assert np.ptp(worth) < 8.0
    # Nor does it pull at the phases.
    assert ratio == pytest.approx(np.full(3, 0.7 / 0.3), rel=0.15)
    # Where no line may be anything and errors are small it is worth hundreds, and would be told by whatever has it.
    assert worth_of_one_line(2e4, Tolerance(0.02, 0.02, 0.02, 0.02))[0] > 100.0


def test_no_line_is_told_with_more_than_certainty() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        _, right = open_lines._mixed(rng.normal(0.0, 1.0, 30), np.full(30, -1e3))
        assert right.max() <= 1.0


def test_pieces_are_cut_between_lines() -> None:
    data = powder(*counts({2: 1.0}))
    pieces = pieces_of(data, data.envelope)
    assert pieces.first[0] == 0
    assert (np.diff(pieces.first) >= 2 * data.half_width).all()
    assert pieces.of_points(pieces.line.astype(float), len(data.x)).shape == data.x.shape
    above = data.y - data.envelope
    assert pieces.of_points(pieces.line.astype(float), len(data.x))[above.argmax()] == 1.0


def test_free_energies_of_sets_do_not_hang_on_how_the_background_is_written() -> None:
    data = powder(*counts({0: 0.7, 3: 0.3}))
    parts, terms = parts_of(data), data.background.shape[1]
    mixed = np.linalg.qr(np.random.default_rng(2).normal(size=(terms, terms)))[0]
    # Columns that are nearly sums of others: the normal equations of these alone have no digit that is right.
    near = replace(data, background=(data.background @ mixed * np.geomspace(1.0, 1e-8, terms)) @ mixed.T)
    plain, other = (open_sums(one, COMMON, Tolerance(), data.envelope, parts) for one in (data, near))
    for members in ((0,), (0, 3), (0, 3, 5)):
        one, two = open_fit(plain, members), open_fit(other, members)
        assert two.heights == pytest.approx(one.heights, abs=1e-4)
        assert two.free_energy == pytest.approx(one.free_energy, abs=0.01)
