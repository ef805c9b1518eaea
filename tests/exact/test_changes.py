"""Changes along a series: free energies as by dense covariances, changes where they are planted, and no others."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bayesbeam.errors import DataError
from bayesbeam.report.changes import FORMS, changes_along, switch_along

T = np.linspace(0.0, 300.0, 17)


def test_forms_without_changes_have_the_evidence_of_a_dense_normal_density() -> None:
    """The factor of the deviations is summed over as there; the covariance of the values is made and inverted."""
    rng = np.random.default_rng(2)
    sd = rng.uniform(0.5, 1.5, len(T))
    values = 3.0 + 0.01 * T + sd * rng.standard_normal(len(T))
    found = {form.name: form.free_energy for form in changes_along(T, values, sd).forms}
    x, span = (T - 150.0) / 150.0, np.ptp(values)
    y = values - 0.5 * (values.max() + values.min())
    for degree, name in enumerate(("constant", "straight", "parabolic")):
        basis = np.array([x**k for k in range(degree + 1)])
        logs = []
        for factor in np.geomspace(0.1, 10.0, 33):
            covariance = span**2 * basis.T @ basis + np.diag(np.square(factor * sd))
            size = np.linalg.slogdet(2.0 * math.pi * covariance)[1]
            logs.append(-0.5 * float(y @ np.linalg.solve(covariance, y)) - 0.5 * float(size))
        expected = -float(np.logaddexp.reduce(logs)) + math.log(len(logs))
        assert found[name] == pytest.approx(expected, abs=1e-9)


def test_a_jump_has_the_mean_evidence_over_its_places() -> None:
    rng = np.random.default_rng(3)
    sd = np.full(len(T), 0.3)
    values = np.where(T > 120.0, 1.0, 0.0) + sd * rng.standard_normal(len(T))
    form = next(one for one in changes_along(T, values, sd).forms if one.name == "one jump")
    y, span = values - 0.5 * (values.max() + values.min()), np.ptp(values)
    total = []
    # Between two measurements it does not matter where: 16 gaps, all of one size, the first and the last left out.
    for gap in range(1, 15):
        basis = np.array([np.ones(17), np.arange(17) > gap])
        for factor in np.geomspace(0.1, 10.0, 33):
            covariance = span**2 * basis.T @ basis + np.diag(np.square(factor * sd))
            size = np.linalg.slogdet(2.0 * math.pi * covariance)[1]
            total.append(-0.5 * float(y @ np.linalg.solve(covariance, y)) - 0.5 * float(size))
    expected = -float(np.logaddexp.reduce(total)) + math.log(len(total))
    assert form.free_energy == pytest.approx(expected, abs=1e-9)


def made(form: str, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    place = rng.uniform(60.0, 240.0)
    beyond = np.maximum(T - place, 0.0)
    curves = {
        "constant": 0.0 * T,
        "straight": 0.01 * T,
        "one jump": 1.0 * (beyond > 0.0),
        "straight, one kink": 0.02 * beyond,
    }
    return curves[form] + 0.05 * rng.standard_normal(len(T)), place


@pytest.mark.parametrize(
    ("form", "changes"), [("constant", 0), ("straight", 0), ("one jump", 1), ("straight, one kink", 1)]
)
def test_planted_changes_are_found_and_no_others(form: str, changes: int) -> None:
    """Of 40 series each: the number of changes in 36 or more, places in intervals of 95 % in 34 or more.

    If intervals hold, fewer than 34 of 40 inside have a probability of 0.003.
    """
    rng = np.random.default_rng(11)
    right, inside = 0, 0
    for _ in range(40):
        values, place = made(form, rng)
        found = changes_along(T, values, np.full(len(T), 0.05))
        right += int(found.number.argmax() == changes)
        if changes:
            low, high = next(one for one in found.forms if one.name == form).interval(0)[1:]
            inside += int(low <= place <= high)
    assert right >= 36
    assert not changes or inside >= 34


def test_deviations_that_are_told_too_small_bring_no_change() -> None:
    """A line with a scatter three times as large as told; without the factor there would be two changes."""
    rng = np.random.default_rng(5)
    values = 0.01 * T + 0.15 * rng.standard_normal(len(T))
    assert changes_along(T, values, np.full(len(T), 0.05)).number.argmax() == 0


def test_units_move_free_energies_of_all_forms_alike() -> None:
    rng = np.random.default_rng(6)
    values, sd = rng.standard_normal(len(T)), np.full(len(T), 0.4)
    small = changes_along(T, values, sd)
    large = changes_along(2.0 * T + 5.0, 1000.0 * values - 3.0, 1000.0 * sd)
    assert [one.name for one in large.forms] == [one.name for one in small.forms]
    for one, other in zip(small.forms, large.forms, strict=True):
        assert other.free_energy - one.free_energy == pytest.approx(len(T) * math.log(1000.0), abs=1e-6)
        assert other.places == pytest.approx(2.0 * one.places + 5.0)
    assert len(small.forms) == len(FORMS)


def test_a_switch_is_where_the_sum_of_odds_says() -> None:
    odds = np.array([4.0, 3.0, 0.5, -2.0, -5.0])
    found = switch_along(np.array([10.0, 20.0, 30.0, 50.0, 60.0]), odds)
    # Sums of odds below each gap, with the gap's share of the range.
    weight = np.exp([4.0, 7.0, 7.5, 5.5]) * np.array([0.2, 0.2, 0.4, 0.2])
    other = np.exp(odds.sum() - np.array([4.0, 7.0, 7.5, 5.5])) * np.array([0.2, 0.2, 0.4, 0.2])
    whole = weight.sum() + other.sum() + np.exp(0.5) + 1.0
    assert found.probability["first below second"] == pytest.approx(weight.sum() / whole)
    assert found.probability["second below first"] == pytest.approx(other.sum() / whole)
    assert found.weights == pytest.approx((weight + other) / (weight + other).sum())
    assert found.interval(0.5) == (30.0, 50.0)
    assert found.interval(0.95) == (20.0, 60.0)


def test_one_model_all_along_is_no_switch() -> None:
    found = switch_along(T, np.full(len(T), 2.0))
    assert found.probability["first"] > 0.8
    assert max(found.probability, key=lambda name: found.probability[name]) == "first"


def test_series_that_are_none_are_refused() -> None:
    with pytest.raises(DataError, match="3 places"):
        changes_along(T[:3], T[:3], T[:3] + 1.0)
    with pytest.raises(DataError, match="a deviation of 0"):
        changes_along(T, T, 0.0 * T)
    with pytest.raises(DataError, match="two or more"):
        switch_along(T[:1], T[:1])


def test_a_place_that_no_double_can_weigh_is_told_all_the_same() -> None:
    """One model is better everywhere by thousands of nats: a turn would lie at an end, where it costs least.

    The first gap and the last are alike, and each other one costs a thousand nats more.
    """
    found = switch_along(np.arange(6.0), np.full(6, -1000.0))
    assert found.probability["second"] == pytest.approx(1.0)
    assert found.weights == pytest.approx([0.5, 0.0, 0.0, 0.0, 0.5])
    assert found.interval() == (0.0, 5.0)
