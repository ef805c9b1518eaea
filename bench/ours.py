"""The sampler of this project on the problem of the benchmark, as a campaign would run it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from bayesbeam import noise
from bayesbeam.models import registry
from bayesbeam.priors import Prior, make_prior
from bayesbeam.sampling.engines.base import Engine, State, Tuned
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.sampling.jumps import prior_edges
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bench import problem
from bench.outcome import Outcome

PACKAGES = ("torch", "numba", "numpy")
TARGET = 0.1
# What the package's free energies hold and those of the benchmark leave out.
NORMALISER = problem.POINTS * math.log(problem.SIGMA * math.sqrt(2.0 * math.pi))


@cache
def priors() -> dict[str, Prior]:
    """Priors of the paper."""
    return {
        "amplitude": make_prior("gamma", shape=problem.SHAPE, rate=problem.RATE_A),
        "position": make_prior("normal", mean=problem.MEAN, sd=problem.PRECISION**-0.5),
        "precision": make_prior("gamma", shape=problem.SHAPE, rate=problem.RATE_B),
    }


def target_of(
    count: int, spectra: Sequence[int] = (0,), dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> SumTarget:
    """Target of ``count`` peaks, one group a spectrum; single precision is what campaigns choose for such data."""
    made = {number: problem.spectrum(number) for number in set(spectra)}
    y = torch.from_numpy(np.stack([made[number] for number in spectra]))[:, None].to(device)
    x = torch.from_numpy(problem.X).to(device).expand_as(y).clone()
    each = {name: [[prior]] * len(spectra) for name, prior in priors().items()}
    peaks = Part("peaks", registry.get("gaussian_precision"), count, each)
    sd, weight = torch.full_like(y, problem.SIGMA), torch.ones_like(y)
    return sum_target(x, y, sd, weight, [peaks], noise.get("normal"), {}, dtype=dtype)


def begin(engine: Engine, chains: int, replicas: int, seed: int = 1) -> tuple[State, Tuned]:
    """Prior draws (G, 1, chains, replicas, P) in an engine, and what a block of sweeps needs: a plain ladder."""
    target = engine.target
    groups, slots = target.groups, len(target.slots)
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand((slots, groups, 1, chains, replicas), generator=generator, dtype=torch.float64)
    state = engine.start(target.from_uniform(u.clamp(1e-6, 1.0 - 1e-6).to(target.device)))
    beta = torch.linspace(0.0, 1.0, replicas, dtype=torch.float64, device=target.device) ** 5
    scale = torch.full((slots, groups, 1, 1), 0.1, dtype=torch.float64, device=target.device)
    return state, Tuned(beta.expand(groups, replicas).contiguous(), scale, prior_edges(target))


def keys_of(groups: int, device: torch.device | str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Stream keys of members and groups for a block of sweeps."""
    numbers = torch.arange(2 * groups, dtype=torch.int64, device=device).reshape(groups, 2)
    return numbers[:, None].clone(), numbers


@cache
def compiled(count: int) -> float:
    """CPU seconds from a target to the end of a first, tiny block of sweeps: compiling, or reading what was kept."""
    began = time.process_time()
    torch.set_num_threads(1)
    engine = engine_for(target_of(count), "auto")
    state, tuned = begin(engine, 2, 2)
    engine.advance(state, tuned, keys_of(1), 0, 1)
    return time.process_time() - began


def run(count: int, seed: int) -> Outcome:
    """Free energy of ``count`` peaks from one run that stops by itself."""
    compile_seconds = compiled(count)
    began = time.process_time()
    settings = Settings(seed=seed, engine="auto", target_standard_error=TARGET)
    found = replica_exchange(target_of(count), [GroupName("nagata2012", ("nagata2012",))], settings)[0]
    return Outcome(
        free_energy_exc=found.free_energy.value - NORMALISER,
        stated_standard_error=found.free_energy.standard_error,
        cpu_seconds=time.process_time() - began,
        compile_seconds=compile_seconds,
        likelihood_evaluations=found.likelihood_rows,
        notes=f"engine {found.engine}, {settings.chains} chains, {len(found.beta)} rungs, {found.sweeps} sweeps",
        reliable=found.verdict.reliable,
    )
