"""Variational inference of phases on a CUDA device: the sets and bounds of the CPU, and how much faster."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from bayesbeam.diffraction.sets import Columns, log_prior_of_sets
from bayesbeam.diffraction.variational import variational_sets

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


def columns(count: int) -> Columns:
    """Non-negative columns of which five are in the data."""
    rng = np.random.default_rng(4)
    design = np.abs(rng.normal(size=(500, count))) ** 4
    design /= design.sum(0)
    data = design[:, :: count // 5] @ np.full(len(range(0, count, count // 5)), 0.2) + 1e-4 * rng.normal(size=500)
    scale = 1.0 / 1e-4**2
    return Columns(scale * design.T @ design, scale * design.T @ data, np.zeros(count), np.arange(count),
                   log_prior_of_sets(count, 12))  # fmt: skip


@pytest.mark.parametrize("count", [50, 1000])
def test_a_device_finds_what_the_processor_finds(count: int) -> None:
    given, found, seconds = columns(count), {}, {}
    for device in ("cpu", "cuda"):
        variational_sets(given, 200, device=device)
        began = time.perf_counter()
        found[device] = variational_sets(given, 200, device=device)
        seconds[device] = time.perf_counter() - began
    print(f"{count} columns, 200 starts: {seconds['cpu']:.3f} s on one thread of a processor, {seconds['cuda']:.3f} s")
    assert found["cuda"].members == found["cpu"].members == tuple(range(0, count, count // 5))
    # Sums in another order: the bound is a million nats or more, of which rounding leaves parts of 1e-12.
    assert found["cuda"].bound[0] == pytest.approx(found["cpu"].bound[0], rel=1e-9)
