"""The reference engine: caches that equal a fresh computation, impossible states, and nan."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.errors import ModelError
from bayesbeam.models import registry
from bayesbeam.models.base import REAL, Component, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.rng import stream_key
from bayesbeam.sampling import groups, populations
from bayesbeam.sampling.engines.base import BLOCK_EVERY, State, Tuned, jump_turns, random_block
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.sampling.jumps import prior_edges
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
    ladder = torch.full((shape[1], replicas), beta, dtype=torch.float64)
    tuned = Tuned(ladder, torch.full((*shape[:3], 1), 0.1, dtype=torch.float64), prior_edges(target))
    for b in range(sweeps):
        accepted = engine.sweep(state, tuned, random.of_sweep(b), b)
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


@pytest.mark.parametrize("peaks", [1, 2, 3, 6])
@pytest.mark.parametrize("kind", ["nagata", "linear"])
def test_jumps_visit_every_block_alike_and_hide_no_slot(kind: str, peaks: int) -> None:
    """Numbers of sweeps to a block, of blocks and of slots have common factors.

    A slot whose turn meets that of its block is passed over: it has half of the turns of another at worst.
    """
    system = linear_gaussian(torch.Generator().manual_seed(1), positions=tuple(0.1 * k for k in range(peaks)))
    target = nagata_target(peaks) if kind == "nagata" else linear_target([system])
    sweeps = BLOCK_EVERY * len(target.blocks) * len(target.moving)
    turns = Counter(slots for number in range(sweeps) for slots in jump_turns(target, number))
    blocks = [block for block in target.blocks if len(block) > 1]
    assert set(turns) == {*blocks, *((j,) for j in target.moving)}
    assert {turns[block] for block in blocks} == {len(target.moving)}
    alone = [turns[(j,)] for j in target.moving]
    assert 2 * min(alone) >= max(alone)
    assert sum(alone) > 0.2 * sweeps * len(target.moving)
    for number in range(sweeps):
        slots = [j for together in jump_turns(target, number) for j in together]
        assert len(slots) == len(set(slots)), "a slot has one random number a sweep"


def climbed(target: SumTarget, stages: int) -> populations.Populations:
    """Populations after some stages."""
    engine = EagerEngine(target)
    found = populations.begin(target, groups.all_groups(NAMES, 1, torch.device("cpu")), engine, SHORT)
    for _ in range(stages):
        populations.climb(engine, found)
    return found


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
    found = climbed(poisson_target(), 0)
    assert bool(np.isneginf(found.climbs[0].log_likelihood[0]).any())
    found = climbed(poisson_target(), 3)
    assert bool(torch.isfinite(found.steps.log_scale).all())
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
    tuned = Tuned(torch.ones(1, 2).double(), torch.ones(1, 1, 1, 1).double(), prior_edges(target))

    def sweeps() -> None:
        for b in range(20):
            engine.sweep(state, tuned, random.of_sweep(b), b)

    with pytest.raises(ModelError, match="the log-likelihood became nan while sampling"):
        sweeps()


def test_a_nan_outside_the_prior_is_a_rejection_and_spoils_no_step_size() -> None:
    target = root_target(0.0, 1.0)
    found = climbed(target, 3)
    assert bool(torch.isfinite(found.steps.log_scale).all())
    assert all(bool((cloud > 0).all()) for cloud in found.climbs[0].cloud)


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
    top = state.on_top(2)
    for chain in range(3):
        for place, rung in enumerate((2, 3)):
            replica = int(state.replica_on_rung[0, chain, rung])
            assert int(state.rung[0, chain, replica]) == rung
            assert torch.equal(top[0, 0, chain, place], state.theta[0, 0, chain, replica])
