"""Exchange Monte Carlo over supports, for dictionaries that are too large to look at all of them.

Tempered is the evidence of a support, not its prior: beta = 0 is the prior of supports, beta = 1 their posterior, and
the free energy of the whole candidate follows from all rungs. A run goes on until its errors are small enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.errors import SamplingError
from bayesbeam.evidence.combine import Estimates, combine
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.rng import stream_key
from bayesbeam.sampling.ladder import respace
from bayesbeam.sampling.record import Verdict
from bayesbeam.sparse.averages import Averages, averages
from bayesbeam.sparse.chains import Engine, engine_for
from bayesbeam.sparse.problem import (
    FloatArray,
    Reduced,
    Regression,
    check_rounding,
    free_energy_of,
    reduced,
    without_always,
)
from bayesbeam.sparse.search import SparsePosterior, histogram_edges, ranking
from bayesbeam.sparse.sizes import log_prior_of_one
from bayesbeam.sparse.states import States, density_of_states
from bayesbeam.sparse.trust import Travels, enough, judge
from bayesbeam.sparse.walkers import Block, IntArray, Walkers, best_of, first_walkers, steps_of

FIRST_RUNGS, FEWEST_RUNGS, MOST_RUNGS = 24, 6, 200
# Sweeps of the rounds of tuning, then those after which a run may first stop, and their part that is burn-in.
TUNING = (100, 200, 400, 400)
FIRST_CHECK, BURN_IN = 1000, 0.2


@dataclass(frozen=True)
class Walk:
    """What a run is asked for.

    Attributes
    ----------
    seed, name : int, str
        Fix every random number.
    target_standard_error, inclusion_error : float
        Standard errors at which a run may stop: of the free energy, nats, and of every probability that a column is in.
    chains : int
        Independent copies of the whole ladder.
    max_sweeps : int
        Most sweeps after tuning.
    moves : int or None
        Proposals of every state in a sweep; by default a quarter of the number of columns, 8 at least.
    ranked, bins : int
        Length of the list of the best supports; bins of the density of states.
    threads, device, compiled
        As for :func:`bayesbeam.sparse.exhaustive.search_all`; the number of threads changes no result.
    """

    seed: int = 0
    name: str = "sparse"
    target_standard_error: float = 0.1
    inclusion_error: float = 0.003
    chains: int = 10
    max_sweeps: int = 20000
    moves: int | None = None
    ranked: int = 100
    bins: int = 1000
    threads: int = 1
    device: str = "cpu"
    compiled: bool | None = None


@dataclass(frozen=True)
class Walked:
    """Result of exchange Monte Carlo over supports.

    ``posterior`` as of an exhaustive search; ``averages`` holds the errors of its probabilities; ``states`` the density
    of states from all rungs; ``log_likelihood`` (S, C, R) the log evidence of every draw on the ladder ``beta`` (R,).
    """

    posterior: SparsePosterior
    free_energy: FreeEnergy
    estimators: dict[str, FreeEnergy]
    averages: Averages
    states: States
    verdict: Verdict
    beta: FloatArray
    log_likelihood: FloatArray
    top: IntArray
    travels: Travels
    sweeps: int
    moves: int
    engine: str


def walk_supports(problem: Regression, log_size: FloatArray, asked: Walk) -> Walked:
    """Posterior over supports under a prior of sizes, given as log probabilities (K+1,).

    Raises
    ------
    SamplingError
        For fewer than two chains, or sweeps too few to judge by.
    ModelError
        If columns are so nearly made up of others that free energies are not known to 0.001 nats.
    """
    for name, number, fewest in (("chains", asked.chains, 2), ("max_sweeps", asked.max_sweeps, FIRST_CHECK)):
        if number < fewest:
            raise SamplingError.at(name, f"{number}", f"at least {fewest}", "")
    log_prior_of_one(log_size, problem.columns)
    whole = reduced(problem)
    sums = without_always(whole, problem.always)
    edges = histogram_edges(sums, len(log_size) - 1, asked.bins)  # refuses what no factor can be made of
    moves = asked.moves or max(8, -(-problem.columns // 4))
    key = stream_key(asked.seed, asked.name, "supports")
    engine = engine_for(sums, steps_of(sums, log_size), key, moves, asked.ranked, asked.threads, asked.device,
                        asked.compiled)  # fmt: skip
    walkers = first_walkers(key, problem.columns, log_size, asked.chains, FIRST_RUNGS)
    engine.begin(walkers)
    walkers, beta, sweep, best = _tuned(engine, walkers)
    record: list[Block] = []
    check = FIRST_CHECK
    while True:
        record.append(engine.advance(walkers, beta, sweep + _swept(record), FIRST_CHECK // 2))
        if (swept := _swept(record)) < check:
            continue
        check = 2 * swept if swept < 4 * FIRST_CHECK else swept + 4 * FIRST_CHECK
        looked = _look(problem, whole, record, beta, walkers)
        if enough(looked.estimates, looked.averages, looked.travels, asked) or swept >= asked.max_sweeps:
            return _result(problem, edges, log_size, asked, looked, [best, *record], moves, engine.name)


def _swept(record: list[Block]) -> int:
    """Sweeps so far."""
    return sum(len(block.value) for block in record)


def _tuned(engine: Engine, walkers: Walkers) -> tuple[Walkers, FloatArray, int, Block]:
    """Walkers on a ladder of equal barriers, the ladder, sweeps so far, and the block that holds the best of tuning."""
    spread = float(walkers.value.std())
    low = min(0.1, 0.3 / max(spread, 1e-300))
    beta = np.concatenate([[0.0], np.geomspace(low, 1.0, FIRST_RUNGS - 1)])
    sweep = 0
    for sweeps in TUNING:
        block = engine.advance(walkers, beta, sweep, sweeps)
        sweep += sweeps
        rejection = 1.0 - block.exchange[sweeps // 4 :].mean((0, 1))
        wanted = min(max(math.ceil(1.75 * float(rejection.sum())) + 3, FEWEST_RUNGS), MOST_RUNGS)
        new = respace(torch.from_numpy(beta)[None], torch.from_numpy(rejection)[None], wanted)[0].numpy()
        walkers, beta = _moved(walkers, beta, new), new
    return walkers, beta, sweep, block


def _moved(walkers: Walkers, old: FloatArray, new: FloatArray) -> Walkers:
    """States for the rungs of a new ladder: those of the nearest rungs of the old one."""
    near = np.abs(np.sqrt(new)[:, None] - np.sqrt(old)).argmin(1)
    chains, rungs = len(walkers.size), len(new)
    support, size = (np.ascontiguousarray(array[:, near]) for array in (walkers.support, walkers.size))
    value = np.ascontiguousarray(walkers.value[:, near])
    replica, last = np.tile(np.arange(rungs), (chains, 1)), np.zeros((chains, rungs), dtype=np.int64)
    return Walkers(support, size, value, replica, last, np.zeros(chains, dtype=np.int64))


@dataclass(frozen=True)
class _Look:
    """Draws after burn-in and what they say."""

    value: FloatArray
    size: NDArray[np.int16]
    top: IntArray
    beta: FloatArray
    estimates: Estimates
    averages: Averages
    travels: Travels


def _look(problem: Regression, whole: Reduced, record: list[Block], beta: FloatArray, walkers: Walkers) -> _Look:
    """Estimates and diagnostics of what was recorded so far."""
    first = int(BURN_IN * _swept(record))
    value = np.concatenate([block.value for block in record])[first:]
    size = np.concatenate([block.size for block in record])[first:]
    top = np.concatenate([block.top for block in record])[first:]
    rate = np.concatenate([block.exchange for block in record])[first:].mean((0, 1))
    found = averages(problem, whole, top, size[..., -1])
    travels = Travels.of(value[..., -1], size[..., -1], top, problem.columns, rate, float(walkers.halves.sum()) / 2.0)
    return _Look(value, size, top, beta, combine(value, beta), found, travels)


def _result(
    problem: Regression, edges: FloatArray, log_size: FloatArray, asked: Walk, look: _Look, record: list[Block],
    moves: int, engine: str,
) -> Walked:  # fmt: skip
    """Result of a run that has ended; ``record`` begins with the last block of tuning."""
    most = look.top.shape[2]
    supports = np.concatenate([block.best.reshape(-1, most) for block in record])
    costs = np.concatenate([block.cost.ravel() for block in record])
    finite = np.isfinite(costs)
    log_prior = log_prior_of_one(log_size, problem.columns)
    best, cost = best_of(supports[finite], costs[finite], asked.ranked)
    best_free_energy = cost + log_prior[(best >= 0).sum(1)]
    exact = np.array([free_energy_of(problem, row[row >= 0].tolist()) for row in best[np.isfinite(cost)]])
    check_rounding(float(np.abs(exact - best_free_energy[np.isfinite(cost)]).max(initial=0.0)))
    found = look.estimates.free_energy
    ranked = ranking(best, best_free_energy, log_prior, -found.value)
    mean, square = look.averages.mean, look.averages.square
    sd = np.sqrt(np.maximum(square - np.square(mean), 0.0))
    posterior = SparsePosterior(found.value, look.averages.size, look.averages.inclusion, mean, sd, ranked)
    states = density_of_states(look.value, look.size, look.beta, log_prior, edges)
    verdict = judge(look.estimates, look.averages, look.travels, ranked, log_prior, asked)
    return Walked(posterior, found, look.estimates.estimators, look.averages, states, verdict, look.beta, look.value,
                  look.top, look.travels, _swept(record[1:]), moves, engine)  # fmt: skip
