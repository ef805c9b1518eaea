"""The reference engine: caches that equal a fresh computation, impossible states, and nan."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.errors import ModelError
from bayesbeam.models import registry
from bayesbeam.models.base import REAL, Component, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.rng import stream_key
from bayesbeam.sampling import run as run_module
from bayesbeam.sampling.engines.base import State, random_block, redraw_turns
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.linear_gaussian import LEVEL, linear_gaussian, linear_target
from bayesbeam.testsystems.one_peak import nagata_target

SHORT = Settings(seed=1, chains=4, max_sweeps=40)
NAMES = [GroupName("group", ("member",))]


def advance(target: SumTarget, sweeps: int, beta: float = 1.0, chains: int = 3, replicas: int = 4) -> State:
    """State after some sweeps from prior draws, caches never rebuilt."""
    shape = (len(target.slots), target.groups, target.members, chains, replicas)
    u = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).clamp(min=1e-9)
    engine = EagerEngine(target)
    state = engine.start(target.from_uniform(u))
    member_keys = torch.tensor([[stream_key(1, f"{g}", f"{d}") for d in range(shape[2])] for g in range(shape[1])])
    group_keys = torch.tensor([stream_key(1, f"{g}") for g in range(shape[1])])
    random = random_block(target, member_keys, group_keys, chains, replicas, 0, sweeps)
    at = torch.full((shape[1], 1, chains, replicas), beta, dtype=torch.float64)
    scale = torch.full(shape, 0.1, dtype=torch.float64)
    for b in range(sweeps):
        accepted = engine.sweep(state, at, scale, random.of_sweep(b), b)
        assert bool(((accepted >= 0) & (accepted <= 1)).all())
    return state


@pytest.mark.parametrize("kind", ["own", "shared", "peaks"])
def test_caches_equal_a_fresh_computation(kind: str) -> None:
    shared = frozenset({LEVEL}) if kind == "shared" else frozenset()
    system = linear_gaussian(torch.Generator().manual_seed(1), members=2, positions=(-0.4, 0.5), shared=shared)
    target = nagata_target(3) if kind == "peaks" else linear_target([system])
    state = advance(target, 30)
    fresh = EagerEngine(target).start(state.theta)
    # 30 sweeps of additions and subtractions on curves of order 10: 1e-15 each.
    torch.testing.assert_close(state.rows, fresh.rows, rtol=0.0, atol=0.0)
    torch.testing.assert_close(state.prediction, fresh.prediction, rtol=0.0, atol=1e-11)
    torch.testing.assert_close(state.log_likelihood, fresh.log_likelihood, rtol=1e-9, atol=1e-8)
    torch.testing.assert_close(state.log_prior, fresh.log_prior, rtol=0.0, atol=0.0)


def test_fixed_slots_never_move() -> None:
    target = linear_target([linear_gaussian(torch.Generator().manual_seed(1))])
    state = advance(target, 10)
    assert torch.equal(state.theta[..., 2], torch.zeros_like(state.theta[..., 2]))
    assert torch.equal(state.theta[..., 4], torch.full_like(state.theta[..., 4], 0.5))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_redraws_visit_every_block_and_every_slot_alike(count: int) -> None:
    """One to three peaks: numbers of blocks and of slots have common factors, which must hide no slot."""
    target = nagata_target(count)
    sweeps = 2 * len(target.blocks) * len(target.moving)
    turns = Counter(slots for number in range(sweeps) for slots in redraw_turns(target, number))
    assert set(turns) == {*target.blocks, *((j,) for j in target.moving)}
    assert len({turns[block] for block in target.blocks}) == 1
    assert len({turns[(j,)] for j in target.moving}) == 1
    for number in range(sweeps):
        slots = [j for redrawn in redraw_turns(target, number) for j in redrawn]
        assert len(slots) == len(set(slots)), "a slot has one random number a sweep"


def poisson_target(low: float = -3.0) -> SumTarget:
    """Counts on a constant level whose prior allows levels below zero: impossible for counts above zero."""
    y = torch.tensor([[[3.0, 4.0, 2.0, 5.0]]], dtype=torch.float64)
    part = Part("flat", registry.get("constant"), 1, {"level": [[priors.make_prior("uniform", low=low, high=9.0)]]})
    ones = torch.ones_like(y)
    return sum_target(ones, y, ones, ones, [part], noise.get("poisson"), {})


def test_an_impossible_state_is_left_and_never_entered() -> None:
    target = poisson_target()
    state = advance(target, 1, chains=20)
    warm = advance(target, 80, chains=20)
    assert bool(torch.isneginf(state.log_likelihood).any())
    assert not bool(torch.isneginf(warm.log_likelihood).any())
    assert not bool(torch.isnan(warm.log_likelihood).any())


def test_impossible_states_at_beta_zero_are_as_good_as_any() -> None:
    """Of the prior's 12 units 3 are impossible: a quarter of 200 independent replicas, within 4.5 binomial errors."""
    cold = advance(poisson_target(), 60, beta=0.0, chains=50)
    share = float(torch.isneginf(cold.log_likelihood).double().mean())
    assert abs(share - 0.25) < 4.5 * math.sqrt(0.25 * 0.75 / 200)


def test_a_run_that_starts_in_impossible_states_tunes_its_steps_and_finds_the_free_energy() -> None:
    """Integral of the Poisson likelihood over a uniform prior: a gamma function; F within 4.8 errors, t of 9: 1e-3."""
    batch = run_module._start(poisson_target(), NAMES, SHORT)
    assert bool(torch.isneginf(batch.state.log_likelihood).any())
    run_module._tune(batch, 20)
    assert bool(torch.isfinite(batch.steps.log_scale).all())
    settings = Settings(seed=3, max_sweeps=200, target_standard_error=0.05)
    run = replica_exchange(poisson_target(), NAMES, settings)[0]
    level = torch.linspace(0.0, 9.0, 20001, dtype=torch.float64)[1:]
    y = [3, 4, 2, 5]
    log_density = sum(k * torch.log(level) - level - math.lgamma(k + 1) for k in y)
    truth = -math.log(float(torch.exp(log_density).sum()) * 9.0 / 20000 / 12.0)
    assert abs(run.free_energy.value - truth) < 4.8 * run.free_energy.standard_error


def root_target(low: float, high: float) -> SumTarget:
    """Square root of a parameter: nan below zero."""

    def formula(m: MathSpace, x: Value, p: Value) -> Value:
        return m.sqrt(p) + 0.0 * x

    parameter = Parameter("depth", "y^2", "uniform(low=0, high=1)", REAL, "square of the level")
    component = Component("root", "square root", (parameter,), formula, False)
    x = torch.linspace(0.0, 1.0, 5, dtype=torch.float64).reshape(1, 1, 5)
    prior = [[priors.make_prior("uniform", low=low, high=high)]]
    ones = torch.ones_like(x)
    return sum_target(
        x, 0.5 * ones, 0.2 * ones, ones, [Part("root", component, 1, {"depth": prior})], noise.get("normal"), {}
    )


def test_a_nan_within_the_prior_is_refused_by_the_parameters_that_give_it() -> None:
    with pytest.raises(ModelError, match=r"candidate at root\.depth = -0\.\d+: the log-likelihood is not a number"):
        replica_exchange(root_target(-1.0, 1.0), NAMES, SHORT)


def test_a_nan_met_while_sampling_is_refused() -> None:
    """Started where all is well; the prior reaches where it is not."""
    target = root_target(-1.0, 1.0)
    engine = EagerEngine(target)
    state = engine.start(torch.full((1, 1, 2, 2, 1), 0.01, dtype=torch.float64))
    keys = torch.tensor([[stream_key(1, "a")]])
    random = random_block(target, keys, keys[:, 0], 2, 2, 0, 20)
    one = torch.ones(1, 1, 2, 2, dtype=torch.float64)

    def sweeps() -> None:
        for b in range(20):
            engine.sweep(state, one, one[None], random.of_sweep(b), b)

    with pytest.raises(ModelError, match="the log-likelihood became nan while sampling"):
        sweeps()


def test_a_nan_outside_the_prior_is_a_rejection_and_spoils_no_step_size() -> None:
    target = root_target(0.0, 1.0)
    batch = run_module._start(target, NAMES, SHORT)
    run_module._tune(batch, 30)
    assert bool(torch.isfinite(batch.steps.log_scale).all())
    assert bool((batch.state.theta > 0).all())


def test_a_state_of_chosen_groups_is_that_of_the_groups() -> None:
    system = linear_gaussian(torch.Generator().manual_seed(1))
    state = advance(linear_target([system] * 3), 4)
    part = state.select(torch.tensor([2, 0]))
    for name in ("theta", "log_prior", "prediction", "log_likelihood", "rung", "replica_on_rung"):
        assert torch.equal(getattr(part, name), getattr(state, name)[[2, 0]])
    assert torch.equal(part.rows, state.rows[:, [2, 0]])


def test_rungs_and_replicas_stay_inverse_through_exchanges() -> None:
    state = advance(linear_target([linear_gaussian(torch.Generator().manual_seed(1))]), 1)
    for order in ([1, 0, 3, 2], [0, 2, 1, 3], [1, 0, 2, 3]):
        state.reorder(torch.tensor(order).expand(1, 3, 4))
        assert torch.equal(state.rung.gather(-1, state.replica_on_rung), torch.arange(4).expand(1, 3, 4))
    top = state.at_beta_one()
    for chain in range(3):
        replica = int(state.replica_on_rung[0, chain, -1])
        assert int(state.rung[0, chain, replica]) == 3
        assert torch.equal(top[0, 0, chain], state.theta[0, 0, chain, replica])
