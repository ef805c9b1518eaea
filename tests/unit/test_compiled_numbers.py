"""What the compiled loops compute: functions, random numbers, densities, against numpy and the eager engine."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.models.mathspace import TORCH
from bayesbeam.rng import uniforms
from bayesbeam.sampling.engines import source
from bayesbeam.sampling.engines.base import walk_steps

pytest.importorskip("numba")
from bayesbeam.sampling.engines.angles import atan_f32, atan_f64, cos_f32, cos_f64, sin_f32, sin_f64
from bayesbeam.sampling.engines.draws import draw_jumps, draw_walks
from bayesbeam.sampling.engines.scalars import (
    cos_turns_f64,
    exp_f32,
    exp_f64,
    log1p_f32,
    log1p_f64,
    log_f32,
    log_f64,
    whole_log_f64,
)


@pytest.mark.parametrize(
    ("function", "dtype", "low", "high"), [(exp_f32, np.float32, -79, 87), (exp_f64, np.float64, -690, 700)]
)
def test_exponentials_are_right_to_two_units_in_the_last_place(
    function: object, dtype: type, low: int, high: int
) -> None:
    x = np.concatenate([np.linspace(low, high, 4001), np.linspace(-1, 1, 2001)]).astype(dtype)
    exact = np.exp(x.astype(np.longdouble))
    found = np.array([function(value) for value in x], dtype=np.longdouble)  # type: ignore[operator]
    assert float(np.max(np.abs(found / exact - 1))) < 2 * np.finfo(dtype).eps


def test_logarithms_and_cosines_are_right_to_rounding() -> None:
    generator = np.random.default_rng(1)
    edge = 2.0**-33 * np.arange(1, 100)
    u = np.concatenate([generator.random(4000), edge, 1.0 - edge])
    found = np.array([log_f64(value) for value in u], dtype=np.longdouble)
    assert float(np.max(np.abs(found / np.log(u.astype(np.longdouble)) - 1))) < np.finfo(float).eps
    cosine = np.cos(2 * np.longdouble("3.14159265358979323846264338327950288") * u.astype(np.longdouble))
    found = np.array([cos_turns_f64(value) for value in u], dtype=np.longdouble)
    assert float(np.max(np.abs(found - cosine))) < np.finfo(float).eps


LOGARITHMS = [
    (log_f32, np.float32, np.log, 0.0),
    (whole_log_f64, np.float64, np.log, 0.0),
    (log1p_f32, np.float32, np.log1p, -1.0),
    (log1p_f64, np.float64, np.log1p, -1.0),
]


@pytest.mark.parametrize(("function", "dtype", "reference", "pole"), LOGARITHMS)
def test_logarithms_of_any_number_are_right_to_three_units(
    function: object, dtype: type, reference: object, pole: float
) -> None:
    """Far from 1 and near it, at the pole, and where there is no number."""
    spread = np.logspace(-30, 30, 3001)
    x = np.concatenate([spread, 1.0 + np.linspace(-0.4, 0.4, 1001)])
    if pole == -1.0:
        x = np.concatenate([x, -np.linspace(1e-6, 0.999, 501)])
    x = x.astype(dtype)
    exact = reference(x.astype(np.longdouble))  # type: ignore[operator]
    found = np.array([function(value) for value in x], dtype=np.longdouble)  # type: ignore[operator]
    assert float(np.max(np.abs(found - exact) / np.maximum(np.abs(exact), 1e-30))) < 3 * np.finfo(dtype).eps
    assert function(dtype(pole)) == -np.inf  # type: ignore[operator]
    assert function(dtype(np.inf)) == np.inf  # type: ignore[operator]
    assert np.isnan(function(dtype(np.nan)))  # type: ignore[operator]


def test_random_words_are_those_of_the_tensors() -> None:
    """Place 5 * 65536 + 3 in sweep 7, slots 0 to 15; words are compared through the numbers they make."""
    where = (np.arange(16) << 32) | (5 * 65536 + 3)
    key = torch.tensor([4000000001, 17])
    words = uniforms(key, 6, 4, torch.tensor([7]), torch.arange(16))[:, 0, :, 5, 3].numpy()
    packed = np.full(16, (np.uint64(17) << np.uint64(32)) | np.uint64(4000000001)).view(np.int64)
    u, log_u, step = np.empty(16), np.empty(16), np.empty(16)
    draw_jumps(16, where, packed, 7, u, log_u)
    assert np.array_equal(u, words[0])
    np.testing.assert_allclose(log_u, np.log(words[1]), rtol=1e-15)
    draw_walks(16, where, packed, 7, np.full(16, 0.5), step, log_u)
    np.testing.assert_allclose(step, 0.5 * walk_steps(torch.from_numpy(words)).numpy(), rtol=1e-13)
    np.testing.assert_allclose(log_u, np.log(words[0]), rtol=1e-15)


@pytest.mark.parametrize("family", [priors.get(name) for name in priors.names()], ids=lambda family: family.name)
def test_the_kernel_of_a_prior_is_its_density_up_to_a_constant(family: priors.Family) -> None:
    if family.is_point:
        assert family.kernel is None
        return
    for example in family.examples:
        values = {**family.defaults, **example}
        x = family.icdf(torch.linspace(0.05, 0.95, 19, dtype=torch.float64), **example)
        assert family.kernel is not None
        gap = family.kernel(TORCH, x, *(values[name] for name in family.parameters)) - family.log_prob(x, **example)
        # logarithms of order 1e3 at most, each right to 1e-15
        torch.testing.assert_close(gap, gap[:1].expand_as(gap), rtol=1e-11, atol=1e-10)


def test_what_does_not_depend_on_the_axis_is_computed_once_a_row() -> None:
    text = source.component_source(registry.get("pseudo_voigt"), noise.get("normal"), True)
    before, loop, *_ = text.split("for i in range(")
    assert "math.log" not in before.split("def move")[1]
    assert "math.log" not in loop
    assert "4.0" in before
    assert "4.0" not in loop


@pytest.mark.parametrize(
    ("function", "reference", "dtype", "farthest", "units"),
    [
        (sin_f32, np.sin, np.float32, 1e4, 2), (cos_f32, np.cos, np.float32, 1e4, 2),
        (sin_f64, np.sin, np.float64, 1e5, 2), (cos_f64, np.cos, np.float64, 1e5, 2),
    ],
)  # fmt: skip
def test_sines_and_cosines_are_right_to_rounding(
    function: object, reference: object, dtype: type, farthest: float, units: int
) -> None:
    """Small and large angles, those near multiples of a right angle, and the ends; between -1 and 1 everywhere."""
    near = np.arange(-200, 201) * (np.pi / 2)
    wide = np.linspace(-farthest, farthest, 8001)
    x = np.concatenate([np.linspace(-7, 7, 4001), near, near + 1e-5, wide, np.logspace(-30, 0, 61)]).astype(dtype)
    exact = reference(x.astype(np.longdouble))  # type: ignore[operator]
    found = np.array([function(value) for value in x], dtype=np.longdouble)  # type: ignore[operator]
    assert float(np.max(np.abs(found - exact))) < units * np.finfo(dtype).eps
    for far in (1e6, 1e12, 1e30):
        assert abs(function(dtype(far))) <= 1.0 + np.finfo(dtype).eps  # type: ignore[operator]
    assert np.isnan(function(dtype(np.nan)))  # type: ignore[operator]


@pytest.mark.parametrize(("function", "dtype"), [(atan_f32, np.float32), (atan_f64, np.float64)])
def test_inverse_tangents_are_right_to_two_units(function: object, dtype: type) -> None:
    """Across the places where the reduction changes, near zero, and at both ends."""
    size = np.concatenate([np.linspace(0, 4, 8001), np.logspace(-30, 30, 2001)])
    x = np.concatenate([size, -size]).astype(dtype)
    exact = np.arctan(x.astype(np.longdouble))
    found = np.array([function(value) for value in x], dtype=np.longdouble)  # type: ignore[operator]
    scale = np.maximum(np.abs(exact), 1e-30)
    assert float(np.max(np.abs(found - exact) / scale)) < 2 * np.finfo(dtype).eps
    assert function(dtype(np.inf)) == pytest.approx(np.pi / 2, rel=float(np.finfo(dtype).eps))  # type: ignore[operator]
    assert function(dtype(-np.inf)) == pytest.approx(-np.pi / 2, rel=float(np.finfo(dtype).eps))  # type: ignore[operator]
    assert np.isnan(function(dtype(np.nan)))  # type: ignore[operator]
