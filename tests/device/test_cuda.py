"""Sampling on a CUDA device: the same moves as the eager engine, and the same answers as on the CPU within errors.

Run by ``make test-gpu``; needs PyTorch, NumPy, SciPy, pytest and, for kernels, Triton, but not the workflow.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.models.base import Component
from bayesbeam.sampling.engines.choose import choose
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems import linear_gaussian, poisson_gamma, two_peaks
from bayesbeam.testsystems.one_peak import nagata_target, one_peak

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from both_engines import LADDER, assert_equal_runs, on, run_both, target_of, tuned_for
from operator_cases import CASES, made, parts_of

SETTINGS = Settings(seed=3, chains=8, target_standard_error=0.2, max_sweeps=400)


def one_peak_run(device: str, engine: str = "auto") -> Run:
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
    return replica_exchange(target, [GroupName("one", ("one",))], replace(SETTINGS, engine=engine))[0]


def kernels(target: SumTarget) -> Any:
    """The engine of kernels."""
    from bayesbeam.sampling.engines.cuda import CudaEngine

    return CudaEngine(target)


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ["auto", "eager"])
def test_free_energy_on_a_gpu_is_that_of_the_cpu(engine: str) -> None:
    cpu, gpu = one_peak_run("cpu", "eager").free_energy, one_peak_run("cuda", engine).free_energy
    assert abs(cpu.value - gpu.value) < 4.5 * math.hypot(cpu.standard_error, gpu.standard_error)


@pytest.mark.gpu
def test_a_gpu_with_triton_runs_kernels() -> None:
    target = on(nagata_target(2), "cuda")
    assert choose(target) == ("cuda", "")


@pytest.mark.gpu
@pytest.mark.parametrize("component", registry.all_components(), ids=lambda component: component.name)
def test_every_component_moves_as_in_the_eager_engine(component: Component) -> None:
    assert_equal_runs(on(target_of([component, registry.get("constant")]), "cuda"), other=kernels)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES)
def test_backgrounds_and_responses_move_as_in_the_eager_engine(case: str) -> None:
    axis = torch.linspace(7.0, 17.0, 67, dtype=torch.float64)
    assert_equal_runs(on(made(parts_of(case), axis=axis), "cuda"), other=kernels)


@pytest.mark.gpu
@pytest.mark.parametrize("model", noise.names())
@pytest.mark.parametrize("shared", [False, True])
def test_every_noise_model_moves_as_in_the_eager_engine(model: str, shared: bool) -> None:
    target = on(target_of([registry.get("constant"), registry.get("gaussian")], model, shared=shared), "cuda")
    assert_equal_runs(target, tuned_for(target, every_rung=True), len(LADDER), kernels)


@pytest.mark.gpu
@pytest.mark.parametrize("points", [67, 301, 1000, 4000, 8192])
def test_curves_of_any_length_move_as_in_the_eager_engine(points: int) -> None:
    """One warp, several warps, one tile and two."""
    axis = torch.linspace(-5.0, 5.0, points, dtype=torch.float64)
    target = on(target_of([registry.get("gaussian"), registry.get("linear")], axis=axis), "cuda")
    assert_equal_runs(target, other=kernels)


@pytest.mark.gpu
def test_single_precision_decides_as_the_eager_engine() -> None:
    """But where rounding decides: fewer than one state in a hundred is another after 24 sweeps."""
    target = on(target_of([registry.get("gaussian"), registry.get("linear")], dtype=torch.float32), "cuda")
    (eager, _), (state, _) = run_both(target, kernels)
    differ = ((eager.theta - state.theta).abs() > 1e-6).any(-1)
    print(f"{int(differ.sum())} of {differ.numel()} states differ")
    assert float(differ.double().mean()) < 0.01


@pytest.mark.gpu
def test_runs_on_a_gpu_do_not_depend_on_the_batch() -> None:
    many = on(nagata_target(1, copies=5), "cuda")
    names = [GroupName(f"run {k}", ("one",)) for k in range(5)]
    together = replica_exchange(many, names, SETTINGS)
    alone = replica_exchange(on(nagata_target(1), "cuda"), names[3:4], SETTINGS)[0]
    assert np.array_equal(together[3].theta, alone.theta)
    assert together[3].free_energy == alone.free_energy


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["linear_gaussian_2", "linear_gaussian_12", "poisson_gamma", "two_peaks", "one_peak"])
def test_free_energies_on_a_gpu_are_exact(name: str) -> None:
    """Four runs each: none beyond 6.6 standard errors (1e-4 of t with 9 degrees of freedom), their mean within 3."""
    if name == "one_peak":
        target, exact = nagata_target(1, copies=4), one_peak().free_energy
    else:
        every = [*linear_gaussian.systems(), *poisson_gamma.systems(), *two_peaks.systems()]
        system = next(one for one in every if one.name == name)
        made = system.target(4)
        assert isinstance(made, SumTarget)
        target, exact = made, system.free_energy()
    names = [GroupName(f"run {k}", ("one",)) for k in range(4)]
    runs = replica_exchange(on(target, "cuda"), names, Settings(seed=4, engine="cuda"))
    z = np.array([(run.free_energy.value - exact) / run.free_energy.standard_error for run in runs])
    print(f"{name}: z {np.round(z, 2)}")
    assert np.abs(z).max() < 6.6
    assert abs(z.mean()) * 2.0 < 3.0


@pytest.mark.gpu
def test_a_campaign_on_a_gpu_agrees_with_one_on_the_cpu(tmp_path: Path) -> None:
    """Where the workflow is installed: free energies of one measurement within their errors."""
    pytest.importorskip("snakemake")
    from bayesbeam.io.samples import read_records
    from stage_fixture import PEAKS, QUICK, make_lab, peak

    found = {}
    for device in ("cpu", "cuda"):
        sampling = QUICK.replace("device: cpu", f"device: {device}")
        lab = make_lab(tmp_path / device, {"a": peak(0)}, PEAKS, sampling=sampling)
        lab.preprocess()
        found[device] = read_records(lab.sample("peaks-k1"))["a"].facts
    assert found["cuda"]["engine"] == "cuda"
    cpu, gpu = (found[device]["free_energy"] for device in ("cpu", "cuda"))
    assert abs(cpu["value"] - gpu["value"]) < 4.5 * math.hypot(cpu["standard_error"], gpu["standard_error"])


def test_a_run_on_the_cpu_repeats_to_the_last_bit() -> None:
    first, second = one_peak_run("cpu", "eager"), one_peak_run("cpu", "eager")
    assert first.theta.tobytes() == second.theta.tobytes()
    assert first.free_energy == second.free_energy
