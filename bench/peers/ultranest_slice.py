"""UltraNest: reactive nested sampling with its vectorised slice sampler, directions from pairs of live points.

The likelihood is numpy on a whole population; positions rise, so that the K! labellings are one.
"""

from __future__ import annotations

import logging
import time

import numpy as np
import ultranest
import ultranest.popstepsampler as populations

from bench import problem
from bench.outcome import Outcome
from bench.peers.unit_cube import states_of
from bench.problem import FloatArray

PACKAGES = ("ultranest", "numpy")
LIVE = 200
POPULATION = 40
STEPS_A_PEAK = 10
REMAINDER = 0.01


def log_likelihood(theta: FloatArray) -> FloatArray:
    """Log-likelihood (n,) of flat states (n, 3 K)."""
    return problem.log_likelihood(theta.reshape(len(theta), -1, 3))


def prior_transform(u: FloatArray) -> FloatArray:
    """Flat states (n, 3 K) of points of the unit cube."""
    return states_of(u).reshape(u.shape)


def run(count: int, seed: int) -> Outcome:
    """Free energy of ``count`` peaks from one nested sampling run."""
    logging.getLogger("ultranest").setLevel(logging.ERROR)
    np.random.seed(seed)  # noqa: NPY002 (the library draws from numpy's global generator)
    began = time.process_time()
    names = [f"{name}{k}" for k in range(count) for name in ("a", "mu", "b")]
    sampler = ultranest.ReactiveNestedSampler(names, log_likelihood, prior_transform, vectorized=True)
    sampler.stepsampler = populations.PopulationSimpleSliceSampler(
        popsize=POPULATION,
        nsteps=STEPS_A_PEAK * count,
        generate_direction=populations.generate_mixture_random_direction,
    )
    found = sampler.run(
        min_num_live_points=LIVE,
        frac_remain=REMAINDER,
        max_num_improvement_loops=0,
        min_ess=0,
        show_status=False,
        viz_callback=None,
    )
    return Outcome(
        free_energy_exc=-float(found["logz"]),
        stated_standard_error=float(found["logzerr"]),
        cpu_seconds=time.process_time() - began,
        compile_seconds=0.0,
        likelihood_evaluations=int(found["ncall"]),
        notes=f"{LIVE} live points, {POPULATION} walkers, {STEPS_A_PEAK * count} steps",
    )
