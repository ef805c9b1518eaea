"""Columns for people: names, indices, units, derived quantities against their formulas, shared ones once."""

from __future__ import annotations

import math

import numpy as np
import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.targets.quantities import Quantity, tabulate
from bayesbeam.targets.sum import Part, SumTarget, sum_target


def target(members: int = 1, count: int = 2, shared: frozenset[str] = frozenset()) -> SumTarget:
    """Gaussian peaks, of a fixed width each, on a constant, with estimated noise."""
    ones = torch.ones(1, members, 5, dtype=torch.float64)
    free = [[priors.make_prior("log_uniform", low=0.1, high=10.0)] * members]
    fixed = [[priors.make_prior("fixed", value=0.5)] * members]
    peak = {"amplitude": free, "position": free, "sd": fixed}
    parts = [
        Part("peaks", registry.get("gaussian"), count, peak),
        Part("flat", registry.get("constant"), 1, {"level": free}),
    ]
    return sum_target(ones, ones, ones, ones, parts, noise.get("normal_scaled"), {"scale": free}, shared)


def draws(members: int = 1, slots: int = 8) -> np.ndarray:
    values = np.random.default_rng(1).uniform(0.2, 5.0, size=(30, 4, members, slots))
    values[..., 2] = values[..., 5] = 0.5
    return values


def named(columns: list[Quantity], name: str, index: int | None = None, member: int | None = 0) -> int:
    (found,) = [k for k, q in enumerate(columns) if (q.name, q.index, q.member) == (name, index, member)]
    return found


def test_columns_are_the_moving_slots_what_is_derived_and_the_noise() -> None:
    columns, values = tabulate(target(), draws())
    assert values.shape == (30, 4, len(columns))
    parameters = [(q.name, q.index) for q in columns if q.kind == "parameter"]
    assert parameters == [
        ("peaks.amplitude", 1),
        ("peaks.position", 1),
        ("peaks.amplitude", 2),
        ("peaks.position", 2),
        ("flat.level", None),
    ]
    assert [(q.name, q.index, q.unit) for q in columns if q.kind == "noise"] == [("noise.scale", None, "1")]
    assert len({(q.name, q.index, q.member) for q in columns}) == len(columns)


def test_values_are_the_slots_and_the_formulas() -> None:
    theta = draws()
    columns, values = tabulate(target(), theta)
    assert np.array_equal(values[..., named(columns, "peaks.position", 2)], theta[..., 0, 4])
    assert np.array_equal(values[..., named(columns, "noise.scale")], theta[..., 0, 7])
    area = theta[..., 0, 3] * 0.5 * math.sqrt(2 * math.pi)
    np.testing.assert_allclose(values[..., named(columns, "peaks.area", 2)], area, rtol=1e-14)
    assert columns[named(columns, "peaks.area", 2)].unit == "x*y"
    assert columns[named(columns, "peaks.area", 2)].kind == "derived"


def test_fractions_of_the_area_sum_to_one_and_a_single_peak_has_none() -> None:
    theta = draws()
    columns, values = tabulate(target(), theta)
    fractions = [values[..., named(columns, "peaks.area_fraction", k)] for k in (1, 2)]
    np.testing.assert_allclose(sum(fractions), 1.0, rtol=1e-14)
    # Equal widths: the fraction of the area is that of the height.
    np.testing.assert_allclose(fractions[0], theta[..., 0, 0] / (theta[..., 0, 0] + theta[..., 0, 3]), rtol=1e-13)
    alone, _ = tabulate(target(count=1), draws(slots=6)[..., [0, 1, 2, 3, 4]])
    assert not [q for q in alone if q.name == "peaks.area_fraction"]


def test_peaks_without_any_area_have_fractions_that_are_no_numbers_and_no_warning() -> None:
    theta = draws()
    theta[0, 0, 0, 0] = theta[0, 0, 0, 3] = 0.0
    columns, values = tabulate(target(), theta)
    fraction = values[..., named(columns, "peaks.area_fraction", 1)]
    assert np.isnan(fraction[0, 0])
    assert np.isfinite(fraction).sum() == fraction.size - 1


def test_shared_quantities_come_first_and_once() -> None:
    shared = frozenset({"peaks.position"})
    theta = draws(members=2)
    theta[..., 1, [1, 4]] = theta[..., 0, [1, 4]]
    columns, values = tabulate(target(2, shared=shared), theta)
    assert [(q.name, q.index) for q in columns if q.member is None] == [("peaks.position", 1), ("peaks.position", 2)]
    assert [q.member for q in columns] == [None] * 2 + [0] * (len(columns) // 2 - 1) + [1] * (len(columns) // 2 - 1)
    for member in (0, 1):
        where = named(columns, "peaks.amplitude", 2, member)
        assert np.array_equal(values[..., where], theta[..., member, 3])
