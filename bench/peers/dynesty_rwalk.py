"""dynesty: static nested sampling, several ellipsoids, random walks inside them.

Chosen among its samplers by cost at equal error (rwalk, rslice, slice). One point at a time is all it takes, so the
likelihood is numpy on 301 points; positions rise, so that the K! labellings are one.
"""

from __future__ import annotations

import math
import time

import dynesty
import numpy as np

from bench import problem
from bench.outcome import Outcome
from bench.peers.unit_cube import states_of
from bench.problem import FloatArray

PACKAGES = ("dynesty", "numpy")
LIVE = 250
SAMPLE = "rwalk"
REMAINDER = 0.01


def log_likelihood(theta: FloatArray) -> float:
    """Log-likelihood of one state, flat."""
    return float(problem.log_likelihood(theta.reshape(-1, 3)))


def prior_transform(u: FloatArray) -> FloatArray:
    """Flat state of one point of the unit cube."""
    return states_of(u).reshape(-1)


def run(count: int, seed: int) -> Outcome:
    """Free energy of ``count`` peaks from one nested sampling run."""
    began = time.process_time()
    sampler = dynesty.NestedSampler(
        log_likelihood,
        prior_transform,
        3 * count,
        nlive=LIVE,
        bound="multi",
        sample=SAMPLE,
        rstate=np.random.default_rng(seed),
    )
    sampler.run_nested(dlogz=math.log1p(REMAINDER), print_progress=False)
    found = sampler.results
    return Outcome(
        free_energy_exc=-float(found.logz[-1]),
        stated_standard_error=float(found.logzerr[-1]),
        cpu_seconds=time.process_time() - began,
        compile_seconds=0.0,
        likelihood_evaluations=int(found.ncall.sum()),
        notes=f"{LIVE} live points, {SAMPLE}",
    )
