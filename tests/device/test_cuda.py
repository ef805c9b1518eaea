"""The eager engine on a CUDA device: the same answer as on the CPU within errors. Run by ``make test-gpu``."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.sum import Part, sum_target

SETTINGS = Settings(seed=3, chains=8, target_standard_error=0.2, max_sweeps=400)


def one_peak_run(device: str) -> Run:
    """One Gaussian peak of known noise, sampled on a device."""
    x = np.linspace(0.0, 3.0, 60)
    y = 1.2 * np.exp(-0.5 * 30.0 * (x - 1.4) ** 2) + 0.1 * np.random.default_rng(5).standard_normal(60)
    column = {name: torch.tensor(v, device=device).reshape(1, 1, -1) for name, v in (("x", x), ("y", y))}
    one = torch.ones_like(column["x"])
    chosen = {
        "amplitude": priors.make_prior("gamma", shape=5.0, rate=5.0),
        "position": priors.make_prior("normal", mean=1.5, sd=0.45),
        "precision": priors.make_prior("gamma", shape=5.0, rate=0.1),
    }
    part = Part("peak", registry.get("gaussian_precision"), 1, {name: [[prior]] for name, prior in chosen.items()})
    target = sum_target(column["x"], column["y"], 0.1 * one, one, [part], noise.get("normal"), {})
    return replica_exchange(target, [GroupName("one", ("one",))], SETTINGS)[0]


@pytest.mark.gpu
def test_free_energy_on_a_gpu_is_that_of_the_cpu() -> None:
    cpu, gpu = one_peak_run("cpu").free_energy, one_peak_run("cuda").free_energy
    assert abs(cpu.value - gpu.value) < 4.5 * math.hypot(cpu.standard_error, gpu.standard_error)


def test_a_run_on_the_cpu_repeats_to_the_last_bit() -> None:
    first, second = one_peak_run("cpu"), one_peak_run("cpu")
    assert first.theta.tobytes() == second.theta.tobytes()
    assert first.free_energy == second.free_energy
