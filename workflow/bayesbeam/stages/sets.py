"""Posterior of a dictionary's terms in the form of a run: all sets, at one noise level or more, or sampled ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.priors.base import Prior
from bayesbeam.sampling.known import still_run
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.settings import Settings
from bayesbeam.sparse.draws import draw_coefficients, draw_supports, generator_of
from bayesbeam.sparse.exchange import Walk, Walked, walk_supports
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.levels import at_level, draw_levels, search_levels
from bayesbeam.sparse.problem import Regression
from bayesbeam.sparse.search import Search, SparsePosterior, posterior
from bayesbeam.sparse.sizes import supports_of_size
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]
# Posterior draws in all, supports that are listed, and bins of the density of states.
DRAWS, LISTED, BINS = 2000, 100, 400
# Share of the prior of a noise level that is left out on either side.
_TAIL = 1e-12


@dataclass(frozen=True)
class Found:
    """A run, and what it says of the terms: arrays and facts for the record of a measurement."""

    run: Run
    arrays: dict[str, FloatArray]
    facts: dict[str, Any]


def coefficients_of(target: SumTarget) -> list[int]:
    """Slots of the coefficients that are not fixed: all that moves but the noise."""
    return [j for j in target.moving if j < target.noise_start]


def looked_through(
    problem: Regression, log_size: FloatArray, target: SumTarget, name: str, settings: Settings, device: str
) -> Found:
    """All sets of terms."""
    search = search_all(problem, len(log_size) - 1, threads=settings.threads, device=device, ranked=LISTED, bins=BINS)
    found = posterior(search, log_size)
    generator = generator_of(settings.seed, name, "terms")
    length = -(-DRAWS // settings.chains)
    supports = draw_supports(problem, search, log_size, length * settings.chains, generator, device)
    theta = _theta(problem, supports, target, generator, (length, settings.chains))
    run = still_run(name, theta, found.free_energy, int(search.count.sum()), "all sets")
    return Found(run, _counts(search), _facts(problem, found, log_size, "exhaustive"))


def of_levels(
    problem: Regression, log_size: FloatArray, target: SumTarget, prior: Prior, name: str, settings: Settings,
    device: str,
) -> Found:  # fmt: skip
    """All sets of terms at some noise levels, and the integral over these."""

    def search(one: Regression) -> Search:
        most = len(log_size) - 1
        return search_all(
            one, most, threads=settings.threads, device=device, ranked=LISTED, bins=BINS, most_rounding=math.inf
        )

    def log_density(log_level: float) -> float:
        return float(prior.log_prob(torch.tensor(math.exp(log_level), dtype=torch.float64))) + log_level

    tails = prior.icdf(torch.tensor([_TAIL, 1.0 - _TAIL], dtype=torch.float64)).tolist()
    levelled = search_levels(problem, log_size, search, log_density, (tails[0], tails[1]))
    generator = generator_of(settings.seed, name, "terms")
    length = -(-DRAWS // settings.chains)
    share = np.exp(levelled.log_weight)
    counts = generator.multinomial(length * settings.chains, share / share.sum())
    drawn = [
        draw_supports(at_level(problem, level), one, log_size, int(count), generator, device)
        for level, one, count in zip(levelled.level, levelled.searches, counts, strict=True)
        if count
    ]
    supports = generator.permutation(np.concatenate(drawn), axis=0)
    level = draw_levels(problem, supports, levelled, log_density, generator)
    theta = _theta(problem, supports, target, generator, (length, settings.chains), level)
    found, best = levelled.posterior, levelled.searches[levelled.best]
    looked_at = int(best.count.sum()) * len(levelled.level)
    run = still_run(name, theta, found.free_energy, looked_at, "all sets")
    facts = _facts(problem, found, log_size, "exhaustive") | {"states_at": float(levelled.level[levelled.best])}
    return Found(run, _counts(best), facts)


def _counts(search: Search) -> dict[str, FloatArray]:
    """Density of states of a search, without errors."""
    return _arrays(search.edges, search.histogram.astype(np.float64), np.zeros(search.histogram.shape))


def sampled(
    problem: Regression, log_size: FloatArray, target: SumTarget, name: str, settings: Settings, device: str
) -> Found:
    """Sets of terms sampled by exchange Monte Carlo."""
    asked = Walk(
        seed=settings.seed, name=name, target_standard_error=settings.target_standard_error, chains=settings.chains,
        max_sweeps=max(settings.max_sweeps, 1000), ranked=LISTED, bins=BINS, threads=settings.threads, device=device,
    )  # fmt: skip
    walked = walk_supports(problem, log_size, asked)
    generator = generator_of(settings.seed, name, "terms")
    length = min(-(-DRAWS // settings.chains), len(walked.top))
    some = np.linspace(0, len(walked.top) - 1, length).astype(int)
    supports = walked.top[some].reshape(-1, walked.top.shape[2])
    supports = np.where(supports == problem.columns, -1, supports)
    theta = _theta(problem, supports, target, generator, (length, settings.chains))
    run = Run(
        name=name,
        theta=theta,
        log_likelihood=walked.log_likelihood,
        beta=walked.beta,
        exchange_rate=walked.travels.exchange_rate,
        round_trips=walked.travels.round_trips,
        free_energy=walked.free_energy,
        estimators=walked.estimators,
        effective_draws=walked.travels.effective_draws,
        rhat=walked.travels.rhat,
        verdict=walked.verdict,
        sweeps=walked.sweeps,
        burn_in=walked.sweeps - len(walked.log_likelihood),
        likelihood_rows=walked.sweeps * walked.moves * settings.chains * len(walked.beta),
        engine=f"sets of terms ({walked.engine})",
    )
    states = walked.states
    arrays = _arrays(states.edges, states.histogram, states.standard_error)
    return Found(run, arrays, _facts(problem, walked.posterior, log_size, "exchange", walked))


def _theta(
    problem: Regression, supports: NDArray[np.int64], target: SumTarget, generator: np.random.Generator,
    shape: tuple[int, int], level: FloatArray | None = None,
) -> FloatArray:  # fmt: skip
    """Draws (S, 1, C, P) of all parameters of a target, fixed ones included."""
    u = torch.full((len(target.slots), 1, 1, 1, 1), 0.5, dtype=torch.float64)
    fixed = target.from_uniform(u)[0, 0, 0, 0].numpy()
    theta = np.tile(fixed, (*shape, 1))
    theta[..., coefficients_of(target)] = draw_coefficients(problem, supports, generator, level).reshape(*shape, -1)
    if level is not None:
        theta[..., target.noise_start] = level.reshape(shape)
    return theta[:, None]


def _arrays(edges: FloatArray, histogram: FloatArray, error: FloatArray) -> dict[str, FloatArray]:
    """Density of states, cut to where there are any."""
    there = np.flatnonzero(histogram.sum(0) > 0)
    cut = slice(int(there[0]), int(there[-1]) + 1)
    return {
        "state_edges": edges[cut.start : cut.stop + 1],
        "state_counts": histogram[:, cut],
        "state_errors": error[:, cut],
    }


def _facts(
    problem: Regression, found: SparsePosterior, log_size: FloatArray, search: str, source: Walked | None = None
) -> dict[str, Any]:
    """What is known of the terms, as JSON can hold it."""
    error = np.zeros(len(problem.names)), np.zeros(len(log_size))
    if source is not None:
        error = source.averages.inclusion_error, source.averages.size_error
    names = problem.names[problem.always :]
    terms = [
        {
            "term": name, "inclusion": float(found.inclusion[j]), "inclusion_error": float(error[0][j]),
            "mean": float(found.mean[j]), "sd": float(found.sd[j]),
        }
        for j, name in enumerate(problem.names)
    ]  # fmt: skip
    return {
        "search": search,
        "sets": int(sum(supports_of_size(problem.columns, len(log_size) - 1))),
        "always": list(problem.names[: problem.always]),
        "sizes": [
            {"size": k, "prior": float(np.exp(log_size[k])), "probability": float(found.size[k]), "error": float(e)}
            for k, e in enumerate(error[1])
        ],
        "terms": terms,
        "ranking": [
            {
                "terms": [names[j] for j in one.support], "free_energy": one.free_energy,
                "probability": one.probability,
            }
            for one in found.ranking
        ],
    }  # fmt: skip
