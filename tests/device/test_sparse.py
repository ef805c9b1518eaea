"""Sparse regression on a CUDA device: the numbers of the CPU."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from bayesbeam.rng import stream_key
from bayesbeam.sparse.chains import engine_for
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.problem import Regression, reduced, regression
from bayesbeam.sparse.search import Search
from bayesbeam.sparse.sizes import equal_sizes
from bayesbeam.sparse.walkers import first_walkers, steps_of

pytestmark = pytest.mark.gpu


def problem(shape: float) -> Regression:
    """Three of twenty columns."""
    generator = np.random.default_rng(3)
    design = generator.standard_normal((60, 20))
    y = design[:, [1, 5, 9]] @ [0.8, 0.5, -0.3] + 0.4 * generator.standard_normal(60)
    return regression(design, y, 0.4, 1.0, shape=shape, scale=shape)


@pytest.mark.parametrize("shape", [0.0, 2.0])
def test_every_support_has_the_free_energy_it_has_on_the_cpu(shape: float) -> None:
    """1e-9 relative: sums are in another order. Both on torch, for a machine with a GPU may lack the compiler."""
    given = problem(shape)
    host, device = (search_all(given, 4, device=name, compiled=False, bins=40) for name in ("cpu", "cuda"))
    for field in fields(Search):
        if field.name not in ("best", "rounding", "parts"):
            np.testing.assert_allclose(getattr(device, field.name), getattr(host, field.name), rtol=1e-9, atol=1e-15)
    assert np.array_equal(device.best[:, :10], host.best[:, :10])


def test_walkers_go_the_way_they_go_on_the_cpu() -> None:
    """No decision of these numbers hangs on the last digits."""
    given, log_size = problem(0.0), equal_sizes(20, 4)
    sums, key, beta = reduced(given), stream_key(1, "device"), np.array([0.0, 0.01, 0.1, 1.0])
    found = []
    for device in ("cpu", "cuda"):
        walkers = first_walkers(key, 20, log_size, 6, len(beta))
        engine = engine_for(sums, steps_of(sums, log_size), key, 4, 10, 1, device, False)
        engine.begin(walkers)
        engine.advance(walkers, beta, 0, 30)
        found.append(walkers)
    assert np.array_equal(found[0].support, found[1].support)
    assert np.array_equal(found[0].halves, found[1].halves)
    np.testing.assert_allclose(found[0].value, found[1].value, rtol=1e-9)
