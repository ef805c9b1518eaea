"""Sweeps and exchanges along a ladder leave exact tempered draws exact on every rung.

Every rung starts from its exact posterior; after some sweeps and exchanges each must still be standard normal in its
own whitened coordinates, with no correlation between neighbouring rungs. Thresholds of 1e-5 a question, 11 questions:
false alarm on a new seed about 1e-4. Tried on seeds 1, 2, 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from types import ModuleType

import pytest
import torch
from scipy import stats

from bayesbeam.rng import stream_key
from bayesbeam.sampling import exchange, ladders
from bayesbeam.sampling.engines import base, eager
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.sampling.groups import Groups
from bayesbeam.sampling.jumps import prior_edges
from bayesbeam.sampling.record import Trace
from bayesbeam.sampling.reference import Reference
from bayesbeam.sampling.tuning import StepSizes, kinds_of
from bayesbeam.testsystems.linear_gaussian import LinearGaussian, linear_gaussian, linear_target

GROUPS = 4000
SWEEPS = 12
LADDER = (0.0, 0.15, 0.5, 1.0)
THRESHOLD = 1e-5


def system() -> LinearGaussian:
    return linear_gaussian(torch.Generator().manual_seed(7), points=5, positions=(), noise_sd=1.0)


def exact_ladders(seed: int) -> tuple[LinearGaussian, EagerEngine, ladders.Ladders]:
    """Independent ladders whose rungs all start from their exact posteriors."""
    exact = system()
    target = linear_target([exact] * GROUPS)
    generator = torch.Generator().manual_seed(seed)
    draws = [exact.states(exact.draws(beta, (GROUPS,), generator)) for beta in LADDER]
    theta = torch.stack(draws, dim=2)[:, :, None]
    engine = EagerEngine(target)
    beta = torch.tensor(LADDER, dtype=torch.float64).expand(GROUPS, -1).clone()
    scale = torch.full((len(target.slots), GROUPS, 1, len(LADDER)), math.log(0.8), dtype=torch.float64)
    steps = StepSizes(scale, scale[..., :1], kinds_of(target))
    member_keys = torch.tensor([[stream_key(seed, f"{g}", "m")] for g in range(GROUPS)])
    group_keys = torch.tensor([stream_key(seed, f"{g}") for g in range(GROUPS)])
    groups = Groups(torch.arange(GROUPS), member_keys, group_keys)
    trips = exchange.RoundTrips.begin(GROUPS, 1, len(LADDER), torch.device("cpu"))
    state, edges = engine.start(theta), prior_edges(target)
    none: list[Reference | None] = [None] * GROUPS
    return exact, engine, ladders.Ladders(groups, [], beta, state, steps, edges, none, trips, Trace(1), tuning=0)


def smallest_p(seed: int) -> float:
    """Smallest p-value of all rungs and coordinates, and of the correlations between neighbouring rungs."""
    exact, engine, found_ladders = exact_ladders(seed)
    ladders._advance(found_ladders, engine, SWEEPS)
    state = found_ladders.state
    slots = [slot for _, slot in exact.places]
    found, whitened = [], []
    for rung, beta in enumerate(LADDER):
        mean, covariance = exact.posterior(beta)
        replica = state.replica_on_rung[:, 0, rung]
        theta = state.theta[torch.arange(GROUPS), 0, 0, replica][:, slots]
        z = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), (theta - mean).T, upper=False)
        whitened.append(z)
        found += [float(stats.kstest(row.numpy(), stats.norm.cdf).pvalue) for row in z]
    for low, high in pairwise(whitened):
        found.append(float(stats.pearsonr(low[0].numpy(), high[0].numpy()).pvalue))
    return min(found)


def test_sweeps_and_exchanges_leave_every_rung_exact() -> None:
    assert smallest_p(1) > THRESHOLD


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 12))
def test_sweeps_and_exchanges_leave_every_rung_exact_on_more_seeds(seed: int) -> None:
    assert smallest_p(seed) > THRESHOLD


Plant = Callable[[ModuleType, str, str], ModuleType]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("lower - upper)", "upper - lower)"), ("gap * gain", "0.5 * gap * gain"), ("gap * gain", "0.0 * gain")],
    ids=["swapped sign", "half the gap", "always accepted"],
)
def test_a_planted_mistake_in_the_decision_is_caught(
    right: str, wrong: str, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eager, "swap_probability", plant(exchange, right, wrong).swap_probability)
    assert smallest_p(1) < THRESHOLD


def test_a_likelihood_of_the_wrong_replica_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log-likelihoods that stay in the order of the replicas while the rungs move."""
    wrong = plant(base, "return value.gather(3, index)", "return value")
    monkeypatch.setattr(base.State, "on_rungs", wrong.State.on_rungs)
    assert smallest_p(1) < THRESHOLD


def test_rungs_that_are_not_the_inverse_of_replicas_are_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep at the beta of another replica's rung."""
    wrong = plant(base, "scatter_(-1, self.replica_on_rung, ranks)", "copy_(self.replica_on_rung)")
    monkeypatch.setattr(base.State, "reorder", wrong.State.reorder)
    assert smallest_p(1) < THRESHOLD


def test_exchanges_that_trade_both_ways_at_once_are_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parities in one round: a replica may be asked for by two rungs."""
    wrong = plant(exchange, "accept[..., (1 - parity) :: 2] = False", "pass")
    monkeypatch.setattr(eager, "swap_order", wrong.swap_order)
    with pytest.raises((RuntimeError, AssertionError)):
        assert smallest_p(1) > THRESHOLD
