"""BlackJAX: nested slice sampling whose slices move one peak at a time.

What an expert adds to the library: peaks kept in the order of their positions (one labelling stands for all, so the
live points have covariances that mean something) and slices along the covariance of one peak, chosen at random.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

from bench import problem
from bench.outcome import Outcome
from bench.peers.blackjax_smc import factors_of

PACKAGES = ("blackjax", "jax", "jaxlib")
LIVE = 500
DELETE = 100
SLICES_A_PEAK = 5
CHUNK = 10
REMAINDER = 1e-3


def log_likelihood(z: jax.Array) -> jax.Array:
    """Log-likelihood of one state (K, 3) in log coordinates."""
    return problem.log_likelihood(problem.from_log(z, jnp), jnp)


def log_prior(z: jax.Array) -> jax.Array:
    """Log prior of one state in log coordinates whose positions rise; K! labellings are one."""
    rising = jnp.all(z[1:, 1] >= z[:-1, 1])
    return jnp.where(rising, problem.log_prior_in_log(z, jnp) + math.lgamma(z.shape[0] + 1), -jnp.inf)


def live_factors(_key: Any, state: Any, _info: Any, _params: Any = None) -> dict[str, jax.Array]:
    """Cholesky factors (K, 3, 3) of the covariance of each peak over the live points."""
    particles = state.particles.position
    size = particles.shape[0]
    return {"factors": factors_of(particles, jnp.full(size, 1.0 / size))["factors"][0]}


def one_peak(init_state_fn: Callable[..., Any], loglikelihood_0: jax.Array, factors: jax.Array) -> Callable[..., Any]:
    """Line through a state along which one peak moves, of Mahalanobis length 2 as in the library's own proposal."""

    def generator(key: jax.Array, z: jax.Array, _log_density: Any) -> Callable[[jax.Array], Any]:
        of_peak, of_direction = jax.random.split(key)
        k = jax.random.randint(of_peak, (), 0, z.shape[0])
        normal = jax.random.normal(of_direction, (3,))
        direction = 2.0 * (factors[k] @ normal) / jnp.linalg.norm(normal)

        def at(t: jax.Array) -> Any:
            state = init_state_fn(z.at[k].add(t * direction), loglikelihood_birth=loglikelihood_0)
            return state, state.loglikelihood > loglikelihood_0

        return at

    return generator


@cache
def compiled(count: int) -> tuple[Callable[..., Any], Callable[..., Any], float]:
    """Compiled start and chunk of steps for a number of peaks, and the CPU seconds that took."""
    began = time.process_time()
    algorithm = blackjax.nss(
        logprior_fn=log_prior,
        loglikelihood_fn=log_likelihood,
        num_inner_steps=SLICES_A_PEAK * count,
        num_delete=DELETE,
        proposal=one_peak,
        inner_kernel_params=live_factors,
    )

    def chunk(key: jax.Array, state: Any) -> Any:
        def step(state: Any, key: jax.Array) -> Any:
            state, info = algorithm.step(key, state)
            calls = info.update_info.num_expansions.sum() + info.update_info.num_shrink.sum()
            return state, (info.particles.loglikelihood, calls + 2 * info.update_info.num_shrink.size)

        return jax.lax.scan(step, state, jax.random.split(key, CHUNK))

    shape = jax.ShapeDtypeStruct((LIVE, count, 3), jnp.float32)
    start = jax.jit(partial(algorithm.init, rng_key=jax.random.key(0)))
    begin = start.lower(shape).compile()
    steps = jax.jit(chunk).lower(jax.random.key(0), jax.eval_shape(start, shape)).compile()
    return begin, steps, time.process_time() - began


def run(count: int, seed: int) -> Outcome:
    """Free energy of ``count`` peaks from one nested sampling run."""
    begin, steps, compile_seconds = compiled(count)
    began = time.process_time()
    draws = problem.to_log(problem.prior_draws(count, LIVE, np.random.default_rng(seed)))
    draws = np.take_along_axis(draws, np.argsort(draws[..., 1], axis=1)[..., None], axis=1)
    state = begin(draws.astype(np.float32))
    keys = iter(jax.random.split(jax.random.key(seed), 10_000))
    dead, calls = [], LIVE
    while float(state.integrator.logZ_live - state.integrator.logZ) > math.log(REMAINDER):
        state, (gone, counted) = steps(next(keys), state)
        dead.append(np.sort(np.asarray(gone, np.float64), axis=-1).reshape(-1))
        calls += int(counted.sum())
    last = np.sort(np.asarray(state.particles.loglikelihood, np.float64))
    log_evidence, information = integrate(np.concatenate(dead), last)
    return Outcome(
        free_energy_exc=-log_evidence,
        stated_standard_error=math.sqrt(information / LIVE),
        cpu_seconds=time.process_time() - began,
        compile_seconds=compile_seconds,
        likelihood_evaluations=calls,
        notes=f"{LIVE} live points, {DELETE} replaced at a time, {SLICES_A_PEAK} slices a peak, H {information:.1f}",
    )


def integrate(dead: problem.FloatArray, live: problem.FloatArray) -> tuple[float, float]:
    """Log evidence and information (nats) of deaths in batches and the remaining live points, both sorted.

    Source: Skilling, Bayesian Anal. 1, 833 (2006); a batch of d deaths shrinks by n, n-1, ..., n-d+1 live points.
    """
    alive = np.tile(np.arange(LIVE, LIVE - DELETE, -1), len(dead) // DELETE)
    after = np.cumsum(-1.0 / alive)
    before = np.concatenate([[0.0], after[:-1]])
    log_weight = np.concatenate([before + np.log(-np.expm1(-1.0 / alive)), np.full(LIVE, after[-1] - math.log(LIVE))])
    likelihood = np.concatenate([dead, live])
    term = log_weight + likelihood
    log_evidence = term.max() + math.log(np.exp(term - term.max()).sum())
    return float(log_evidence), float(np.exp(term - log_evidence) @ likelihood - log_evidence)
