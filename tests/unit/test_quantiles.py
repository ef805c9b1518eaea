"""Quantiles by sorting are those of numpy, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bayesbeam.targets.quantiles import quantiles

LEVELS = (0.025, 0.16, 0.5, 0.84, 0.975)
FLOATS = st.floats(-1e300, 1e300) | st.sampled_from([0.0, -0.0, 1.0])


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=1, max_dims=3, max_side=9), elements=FLOATS), st.data())
def test_the_same_bits_as_numpy(values: np.ndarray, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, values.ndim - 1))
    with np.errstate(over="ignore", invalid="ignore"):
        found, wanted = quantiles(values, LEVELS, axis), np.quantile(values, LEVELS, axis=axis)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("shape", [(10, 1021), (400, 5, 301), (4000,), (7,), (1,)])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_the_same_bits_for_draws(shape: tuple[int, ...], kind: type) -> None:
    values = np.random.default_rng(1).standard_normal(shape).astype(kind)
    for axis in (0, -1):
        found, wanted = quantiles(values, LEVELS, axis), np.quantile(values, LEVELS, axis=axis)
        assert found.dtype == wanted.dtype
        assert found.tobytes() == wanted.tobytes()


def test_a_value_that_is_none_spoils_its_row_alone() -> None:
    values = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(quantiles(values, (0.5,), 1), [[np.nan, 2.0]])
