"""BlackJAX: adaptive tempered SMC whose random walk moves one peak at a time.

What an expert adds to the library: coordinates log a, mu, log b; a covariance for each place in the order of positions
(the covariance of all states mixes the K! labellings and proposes nonsense), learned from the particles at every
temperature; a random factor on the step, because the posterior of a spare peak is wide and narrow at once. The
proposal depends on the place of the peak, so the Hastings ratio is paid. Everything is one compiled call in float32.
Carrying each particle's curves, so that a move costs one peak, was tried: it saved nothing under XLA.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

from bench import problem
from bench.outcome import Outcome

PACKAGES = ("blackjax", "jax", "jaxlib")
PARTICLES = 2000
SWEEPS = 10
TARGET_ESS = 0.75
STEP, STEP_SPREAD = 0.7, 0.7


class Walk(NamedTuple):
    """State of one particle while it moves."""

    position: jax.Array
    logdensity: jax.Array


def log_likelihood(z: jax.Array) -> jax.Array:
    """Log-likelihood of one state (K, 3) in log coordinates."""
    return problem.log_likelihood(problem.from_log(z, jnp), jnp)


def log_prior(z: jax.Array) -> jax.Array:
    """Log prior of one state (K, 3) in log coordinates."""
    return problem.log_prior_in_log(z, jnp)


def start_walk(position: jax.Array, log_density: Callable[[jax.Array], jax.Array]) -> Walk:
    """Walk at a particle."""
    return Walk(position, log_density(position))


def sweep(
    key: jax.Array, walk: Walk, log_density: Callable[[jax.Array], jax.Array], factors: jax.Array
) -> tuple[Walk, jax.Array]:
    """One Metropolis-Hastings move of every peak in turn; returns the accepted fraction too."""

    def move(walk: Walk, given: tuple[jax.Array, jax.Array]) -> tuple[Walk, jax.Array]:
        key, k = given
        of_step, of_choice = jax.random.split(key)
        normal = jax.random.normal(of_step, (4,))
        scale = STEP * jnp.exp(STEP_SPREAD * normal[3])
        z = walk.position
        here = factors[_place(z, k)]
        step = here @ normal[:3]
        new = z.at[k].add(scale * step)
        there = factors[_place(new, k)]
        back = _solve(there, step)
        hastings = 0.5 * (normal[:3] @ normal[:3] - back @ back) + _log_det(here) - _log_det(there)
        density = log_density(new)
        accept = jnp.log(jax.random.uniform(of_choice)) < density - walk.logdensity + hastings
        moved = Walk(jnp.where(accept, new, z), jnp.where(accept, density, walk.logdensity))
        return moved, accept

    count = walk.position.shape[0]
    walk, accepted = jax.lax.scan(move, walk, (jax.random.split(key, count), jnp.arange(count)))
    return walk, accepted.mean()


def _place(z: jax.Array, k: jax.Array) -> jax.Array:
    """Place of peak k in the order of positions."""
    return jnp.sum(z[:, 1] < z[k, 1])


def _log_det(factor: jax.Array) -> jax.Array:
    return jnp.log(factor[0, 0] * factor[1, 1] * factor[2, 2])


def _solve(factor: jax.Array, vector: jax.Array) -> jax.Array:
    """Solve the lower triangular system of three: written out, for a library call a particle is slow."""
    first = vector[0] / factor[0, 0]
    second = (vector[1] - factor[1, 0] * first) / factor[1, 1]
    third = (vector[2] - factor[2, 0] * first - factor[2, 1] * second) / factor[2, 2]
    return jnp.stack([first, second, third])


def factors_of(particles: jax.Array, weights: jax.Array) -> dict[str, jax.Array]:
    """Cholesky factors (1, K, 3, 3) of the covariance of the first, second, ... peak; the leading 1 means shared."""
    order = jnp.argsort(particles[..., 1], axis=1)
    ordered = jnp.take_along_axis(particles, order[..., None], axis=1)
    centred = ordered - jnp.einsum("n,nkj->kj", weights, ordered)
    covariance = jnp.einsum("n,nki,nkj->kij", weights, centred, centred)
    return {"factors": jnp.linalg.cholesky(covariance + 1e-10 * jnp.eye(3))[None]}


def sample(key: jax.Array, particles: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Log evidence, number of temperatures and mean acceptance from prior draws (particles, K, 3)."""
    size = particles.shape[0]
    start = factors_of(particles, jnp.full(size, 1.0 / size))
    algorithm = blackjax.inner_kernel_tuning(
        smc_algorithm=blackjax.adaptive_tempered_smc,
        logprior_fn=log_prior,
        loglikelihood_fn=log_likelihood,
        mcmc_step_fn=sweep,
        mcmc_init_fn=start_walk,
        resampling_fn=blackjax.smc.resampling.systematic,
        mcmc_parameter_update_fn=lambda _key, state, _info: factors_of(state.particles, state.weights),
        initial_parameter_value=start,
        num_mcmc_steps=SWEEPS,
        target_ess=TARGET_ESS,
    )

    def temperature(carry: Any) -> Any:
        state, key, log_evidence, steps, accepted = carry
        key, of_step = jax.random.split(key)
        state, info = algorithm.step(of_step, state)
        rate = info.update_info.mean()
        return state, key, log_evidence + info.log_likelihood_increment, steps + 1, accepted + rate

    state = algorithm.init(particles)
    tempering = state.sampler_state._replace(tempering_param=jnp.float32(0))
    carry = (state._replace(sampler_state=tempering), key, jnp.float32(0), 0, jnp.float32(0))
    carry = jax.lax.while_loop(lambda c: c[0].sampler_state.tempering_param < 1.0, temperature, carry)
    return carry[2], carry[3], carry[4] / carry[3]


@cache
def compiled(count: int) -> tuple[Callable[..., Any], float]:
    """Compiled sampler for a number of peaks, and the CPU seconds that took."""
    began = time.process_time()
    shape = jax.ShapeDtypeStruct((PARTICLES, count, 3), jnp.float32)
    function = jax.jit(sample).lower(jax.random.key(0), shape).compile()
    return function, time.process_time() - began


def run(count: int, seed: int) -> Outcome:
    """Free energy of ``count`` peaks from one population."""
    function, compile_seconds = compiled(count)
    began = time.process_time()
    draws = problem.to_log(problem.prior_draws(count, PARTICLES, np.random.default_rng(seed)))
    log_evidence, steps, rate = function(jax.random.key(seed), draws.astype(np.float32))
    value = -float(log_evidence)
    return Outcome(
        free_energy_exc=value,
        stated_standard_error=None,
        cpu_seconds=time.process_time() - began,
        compile_seconds=compile_seconds,
        # A move computes the whole spectrum; each temperature adds one for the weights and one for the step in beta.
        likelihood_evaluations=int(steps) * PARTICLES * (SWEEPS * count + 3),
        notes=f"{PARTICLES} particles, {int(steps)} temperatures, {SWEEPS} sweeps, accepted {float(rate):.2f}",
    )
