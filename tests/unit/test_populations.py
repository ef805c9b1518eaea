"""Steps of populations from the prior to the posterior: next beta, resampling, tables, and what ladders take over."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from bayesbeam.rng import stream_key
from bayesbeam.sampling import cloud as cloud_module
from bayesbeam.sampling import populations
from bayesbeam.sampling.cloud import cloud_edges, ladder_of, rejections, scales_on, stage_below, states_on
from bayesbeam.sampling.engines.base import Block, State, Tuned
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.sampling.groups import GroupName, all_groups
from bayesbeam.sampling.jumps import prior_edges
from bayesbeam.sampling.populations import Climb
from bayesbeam.sampling.resampling import forgotten, next_betas, resampled
from bayesbeam.sampling.settings import FEWEST_REPLICAS, Settings
from bayesbeam.sampling.tuning import kinds_of
from bayesbeam.testsystems.linear_gaussian import linear_gaussian, linear_target
from bayesbeam.testsystems.one_peak import nagata_target


def next_beta(values: np.ndarray, beta: float) -> float:
    """Next inverse temperature of one group, which others in its batch do not change."""
    alone = next_betas(torch.from_numpy(values)[None], torch.tensor([beta], dtype=torch.float64))
    others = torch.stack([torch.from_numpy(values), torch.zeros(values.shape, dtype=torch.float64)])
    both = next_betas(others, torch.tensor([beta, 0.3], dtype=torch.float64))
    assert both.tolist() == [float(alone[0]), 1.0]
    return float(alone[0])


def choose_by_weight(values: np.ndarray, step: float, uniform: np.ndarray, count: int) -> np.ndarray:
    """Systematic choice in the populations of one group."""
    step_of = torch.tensor([step], dtype=torch.float64)
    return resampled(torch.from_numpy(values)[None], step_of, torch.from_numpy(uniform)[None], count)[0].numpy()


Resampler = Callable[[np.ndarray, float, np.ndarray, int], np.ndarray]


def effective_part(values: np.ndarray, step: float) -> float:
    """Effective part of the possible states after a step in beta."""
    values = values[np.isfinite(values)]
    weight = np.exp(step * (values - values.max()))
    return float(weight.sum() ** 2 / (weight**2).sum() / values.size)


@pytest.mark.parametrize("lost", [0.0, 0.3, 0.98])
@pytest.mark.parametrize("size", [20.0, 1e4, 1e9])
@pytest.mark.parametrize("shape", ["normal", "chi-square", "steep", "two levels", "tail", "long tail"])
def test_the_next_beta_leaves_half_of_the_possible_states_effective(
    shape: str, size: float, lost: float, numpy_rng: np.random.Generator
) -> None:
    """Within 1 % of half, where the search ends."""
    made = {
        "normal": numpy_rng.standard_normal((4, 500)),
        "chi-square": -(numpy_rng.standard_normal((4, 500)) ** 2),
        "steep": -np.exp(4.0 * numpy_rng.standard_normal((4, 500))),
        "two levels": np.where(np.arange(2000).reshape(4, 500) % 10 < 3, 0.0, -1.0),
        "tail": numpy_rng.standard_normal((4, 500)) - 1e6 * (numpy_rng.random((4, 500)) < 0.3),
        "long tail": numpy_rng.standard_normal((4, 500)) - 1e20 * (numpy_rng.random((4, 500)) < 0.1),
    }
    values = size * made[shape]
    values[numpy_rng.random(values.shape) < lost] = -np.inf
    for beta in (0.0, 1e-3):
        step = next_beta(values, beta) - beta
        assert 0 < step < 1 - beta
        # The difference of two betas has 1e-16 of the larger one.
        assert effective_part(values, step) == pytest.approx(0.5, rel=0.011 + 1e-15 / step)


def test_the_next_beta_is_one_where_that_is_near_enough_or_nothing_is_possible() -> None:
    values = np.random.default_rng(1).standard_normal((3, 100))
    assert next_beta(0.1 * values, 0.0) == 1.0
    assert next_beta(100.0 * values, 1.0 - 1e-4) == 1.0
    assert next_beta(100.0 * values, 1.0) == 1.0
    assert next_beta(np.zeros((3, 100)), 0.3) == 1.0
    assert next_beta(np.full((3, 100), -np.inf), 0.0) == 1.0
    assert next_beta(np.where(values == values.max(), 0.0, -np.inf), 0.0) == 1.0


def test_beta_rises_whatever_the_states() -> None:
    values = np.array([[0.0, -1e300, -1e305, -1e308, -5.0]])
    for beta in (0.0, 1e-300, 0.5, 1.0 - 2.0**-53):
        assert beta < next_beta(values, beta) <= 1.0


def excess(choose: Resampler) -> float:
    """Largest distance of the number of copies of a state from what its weight asks for: (mean over u, of any u)."""
    rng = np.random.default_rng(3)
    values = 3.0 * rng.standard_normal((2, 40))
    values[1, ::3] = -np.inf
    weight = np.exp(0.7 * (values - values.max(axis=1, keepdims=True)))
    expected = 16 * weight / weight.sum(axis=1, keepdims=True)
    grid = (np.arange(1000) + 0.5) / 1000
    counts = np.zeros((len(grid), 80))
    for k, u in enumerate(grid):
        found = choose(values, 0.7, np.array([u, 1.0 - u]), 16)
        assert (found // 40 == np.arange(2)[:, None]).all(), "its own population's states"
        counts[k] = np.bincount(found.ravel(), minlength=80)
    gap = counts - expected.ravel()
    assert np.abs(gap).max() < 1.0, "systematic: the whole numbers next to what the weight asks for"
    return float(np.abs(gap.mean(axis=0)).max())


def test_resampling_is_unbiased_and_systematic() -> None:
    """Over a grid of 1000 values of u a state's mean number is right to its two jumps, 1/1000 each."""
    assert excess(choose_by_weight) < 2.1e-3


def test_resampling_by_other_weights_or_by_independent_choices_is_caught() -> None:
    rng = np.random.default_rng(4)

    def hotter(values: np.ndarray, step: float, uniform: np.ndarray, count: int) -> np.ndarray:
        return choose_by_weight(values, 0.9 * step, uniform, count)

    def independent(values: np.ndarray, step: float, _: np.ndarray, count: int) -> np.ndarray:
        weight = np.exp(step * (values - values.max(axis=1, keepdims=True)))
        return np.stack([40 * c + rng.choice(40, count, p=w / w.sum()) for c, w in enumerate(weight)])

    for wrong in (hotter, independent):
        with pytest.raises(AssertionError):
            assert excess(wrong) < 2.1e-3


def test_a_population_without_a_possible_state_takes_those_of_others() -> None:
    values = np.full((3, 10), -np.inf)
    values[0, 4], values[2, 7] = -1.0, -1.0 + math.log(3.0)
    found = choose_by_weight(values, 1.0, np.array([0.3, 0.4, 0.5]), 8)
    assert set(found[0]) == {4}
    assert set(found[2]) == {27}
    assert sorted(found[1]) == [4] * 2 + [27] * 6


def test_where_nothing_is_possible_or_beta_stays_all_states_are_alike() -> None:
    for values in (np.full((2, 8), -np.inf), np.where(np.arange(16).reshape(2, 8) % 2, 0.0, -np.inf)):
        found = choose_by_weight(values, 0.0, np.array([0.2, 0.9]), 8)
        assert found.tolist() == [list(range(8)), list(range(8, 16))]


def test_groups_in_a_batch_choose_as_each_by_itself() -> None:
    """One of them without a possible state, one with a population without."""
    values = torch.from_numpy(np.random.default_rng(6).standard_normal((4, 3, 50)))
    values[1] = -math.inf
    values[2, 1] = -math.inf
    step, u = torch.tensor([0.0, 0.4, 2.0, 9.0], dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64)
    whole = resampled(values, step, u, 16)
    assert all(
        torch.equal(whole[g], resampled(values[g : g + 1], step[g : g + 1], u[g : g + 1], 16)[0]) for g in range(4)
    )


def test_what_is_forgotten_is_told_by_ranks() -> None:
    """Against Spearman's correlation by scipy, with ties; numbers that are all alike tell nothing."""
    rng = np.random.default_rng(7)
    before = np.round(rng.standard_normal((40, 3, 20)), 1)
    mix = np.linspace(0.0, 1.0, 40)[:, None, None]
    after = np.round(mix * before + (1.0 - mix) * rng.standard_normal(before.shape), 1)
    after[5] = -np.inf
    found = forgotten(torch.from_numpy(before), torch.from_numpy(after)).tolist()
    own = [k for k in range(40) if k != 5]
    expected = [bool(stats.spearmanr(before[k].ravel(), after[k].ravel()).statistic <= 0.3) for k in own]
    assert [found[k] for k in own] == expected
    assert found[5]
    assert 5 < sum(found) < 35


def clouds(seed: int, chains: int = 4) -> tuple[torch.Tensor, torch.Tensor, list[list[int]]]:
    """Tables of the priors, and a cloud of three peaks for two groups, much narrower than the prior."""
    target = nagata_target(3, 2)
    u = torch.rand(
        (len(target.slots), 2, 1, chains, 32), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    return prior_edges(target), target.from_uniform(0.4 + 0.02 * u), kinds_of(target)


def test_tables_of_a_cloud_rise_cover_the_prior_and_are_those_of_their_kind() -> None:
    prior, states, kinds = clouds(1)
    for cloud in (states, states[..., :1, :].expand_as(states), 1e6 * states, -states):
        edges = cloud_edges(prior, cloud, kinds)
        assert edges.shape == (9, 2, 1, 2, 1, prior.shape[-1])
        assert bool((torch.diff(edges) > 0).all())
        width = prior[..., -1] - prior[..., 0]
        assert torch.equal(edges[..., 0], prior[..., 0].expand_as(edges[..., 0]))
        assert bool((edges[..., -1] >= prior[..., -1]).all())
        assert bool((edges[..., -1] - prior[..., -1] < 1e-6 * width).all())
        for places in kinds:
            assert torch.equal(edges[places], edges[places[:1]].expand_as(edges[places]))


def test_four_in_five_jumps_go_to_the_cloud_and_one_anywhere() -> None:
    """Bins that lie within the cloud: 0.8 of 32 less those at its two ends."""
    prior, states, kinds = clouds(1)
    edges = cloud_edges(prior, states, kinds)[:, 0, 0, 0, 0]
    for j in range(9):
        low, high = (
            float(f(states[0, 0, :, :, [k for k in range(9) if k % 3 == j % 3]])) for f in (torch.min, torch.max)
        )
        inside = int(((edges[j, :-1] >= low) & (edges[j, 1:] <= high)).sum())
        assert 22 <= inside <= 27


def felt(edges_of: Callable[[torch.Tensor], torch.Tensor], chains: int) -> list[set[int]]:
    """Chains whose tables feel a change of the states of each chain."""
    _, states, _ = clouds(1, chains)
    before, found = edges_of(states), []
    for c in range(chains):
        other = states.clone()
        other[:, :, c] *= 1.01
        change = (edges_of(other) != before).flatten(4).any(-1).any(0).any(0).any(0)
        change = change[torch.arange(chains) % len(change)]
        found.append(set(torch.nonzero(change)[:, 0].tolist()))
    return found


@pytest.mark.parametrize("chains", [2, 3, 4, 5])
def test_even_chains_use_the_states_of_odd_ones_and_these_theirs(chains: int) -> None:
    prior, _, kinds = clouds(1)
    even, odd = set(range(0, chains, 2)), set(range(1, chains, 2))
    found = felt(lambda cloud: cloud_edges(prior, cloud, kinds), chains)
    assert found == [odd if c % 2 == 0 else even for c in range(chains)]


def test_tables_of_a_chains_own_states_are_caught() -> None:
    prior, _, kinds = clouds(1)

    def of_all(cloud: torch.Tensor) -> torch.Tensor:
        return cloud_edges(prior, cloud.flatten(2, 3)[:, :, None], kinds).expand(-1, -1, -1, 2, -1, -1)

    assert felt(of_all, 4) == [{0, 1, 2, 3}] * 4


BETA = [0.0, 0.01, 0.2, 1.0]
CHAINS, STATES = 3000, 6


def made_climb() -> Climb:
    """Record whose states say whose they are: 1000000 stage + 100 chain + place, and likelihoods one nat apart."""
    climb = Climb()
    for stage, beta in enumerate(BETA):
        number = torch.arange(CHAINS, dtype=torch.float64)[:, None] * 100 + torch.arange(STATES)
        likelihood = np.tile(-np.arange(STATES) / max(1e-3, beta), (CHAINS, 1))
        climb.beta.append(beta)
        climb.cloud.append((1e6 * stage + number)[None, ..., None].clone())
        climb.cloud_likelihood.append(likelihood)
        climb.log_likelihood.append(likelihood)
        climb.log_scale.append(torch.full((1, 1, 1), float(stage), dtype=torch.float64))
        climb.edges.append(torch.full((1, 1, CHAINS, 1, 3), float(stage), dtype=torch.float64))
    return climb


KEY = torch.tensor(stream_key(1, "group"))


def test_rungs_get_states_of_the_stage_below_of_their_own_chain_by_weight() -> None:
    """Chi-square of 3000 chains with 5 degrees of freedom on each of 5 rungs, p > 1e-5: false alarm below 1e-4."""
    climb, beta = made_climb(), np.array([0.0, 0.005, 0.01, 0.3, 1.0])
    assert stage_below(climb, beta) == [0, 0, 1, 2, 3]
    found = states_on(climb, beta, KEY)
    assert found.shape == (1, CHAINS, 5, 1)
    stage, rest = np.divmod(found[0, :, :, 0].numpy(), 1e6)
    chain, place = np.divmod(rest, 100)
    assert (stage == [0, 0, 1, 2, 3]).all()
    assert (chain == np.arange(CHAINS)[:, None]).all()
    for r, k in enumerate(stage_below(climb, beta)):
        weight = np.exp((beta[r] - BETA[k]) * climb.cloud_likelihood[k][0])
        counts = np.bincount(place[:, r].astype(int), minlength=STATES)
        assert stats.chisquare(counts, CHAINS * weight / weight.sum()).pvalue > 1e-5
        if beta[r] > BETA[k]:  # the case that this must detect: no weights
            assert stats.chisquare(counts, np.full(STATES, CHAINS / STATES)).pvalue < 1e-5


def test_an_impossible_state_is_taken_at_its_own_beta_only_or_where_there_is_no_other() -> None:
    climb = made_climb()
    for k in (0, 1):
        climb.cloud_likelihood[k] = np.zeros((CHAINS, STATES))
        climb.cloud_likelihood[k][:, 2:] = -np.inf
        climb.cloud_likelihood[k][0] = -np.inf
    place = states_on(climb, np.array([0.0, 0.005, 0.01, 0.1, 1.0]), KEY)[0, :, :, 0].numpy() % 100
    for r, possible in enumerate((False, True, False, True)):
        assert set(place[1:, r]) == set(range(2 if possible else STATES))
    keys = [torch.tensor(stream_key(1, f"{k}")) for k in range(40)]
    lost = {float(states_on(climb, np.array([0.005]), key)[0, 0, 0, 0]) for key in keys}
    assert lost == set(range(STATES))


def test_step_sizes_go_from_stages_to_rungs_along_the_root_of_beta() -> None:
    beta = np.array([0.0, 0.0025, 0.01, 0.2, 0.5, 1.0])
    root = np.sqrt(BETA)
    expected = np.interp(np.sqrt(beta), root, np.arange(4.0))
    # One interpolation each, of numbers of order 1.
    np.testing.assert_allclose(scales_on(made_climb(), beta)[0, 0], expected, atol=1e-14)


def test_rejections_and_the_ladder_they_ask_for() -> None:
    climb = Climb(beta=[0.0, 0.25, 1.0])
    climb.log_likelihood = [np.full((4, 50), value) for value in (-8.0, -4.0, -4.0)]
    # Better likelihoods above: exp(-0.25 * 4) of the exchanges; equal ones: all.
    np.testing.assert_allclose(rejections(climb), [1.0 - math.exp(-1.0), 0.0], atol=1e-15)
    climb.log_likelihood[0][:2] = -np.inf
    np.testing.assert_allclose(rejections(climb), [1.0 - 0.5 * math.exp(-1.0), 0.0], atol=1e-15)
    for replicas in (None, 7):
        beta = ladder_of(climb, replace(Settings(seed=1), replicas=replicas))
        assert len(beta) == (replicas or FEWEST_REPLICAS)
        assert (beta[0], beta[-1]) == (0.0, 1.0)
        assert (np.diff(beta) > 0).all()


LARGEST_T = float(stats.t(39).ppf(1 - 0.5e-4))


def largest_t(seed: int) -> float:
    """Largest t of means and variances of 40 populations at all stages, against the exact tempered posterior."""
    exact = linear_gaussian(torch.Generator().manual_seed(1), points=8, positions=())
    target = linear_target([exact])
    engine = EagerEngine(target)
    groups = all_groups([GroupName("group", ("member",))], seed, torch.device("cpu"))
    found = populations.begin(target, groups, engine, Settings(seed=seed, chains=40))
    while not populations.climb(engine, found):
        pass
    climb, worst = found.climbs[0], 0.0
    assert (climb.beta[0], climb.beta[-1]) == (0.0, 1.0)
    assert (np.diff(climb.beta) > 0).all()
    for k, beta in enumerate(climb.beta):
        mean, covariance = exact.posterior(beta)
        for q, (_, slot) in enumerate(exact.places):
            gap = climb.cloud[k][0, ..., slot].numpy() - float(mean[q])
            moments = np.stack([gap.mean(axis=1), (gap**2).mean(axis=1) - float(covariance[q, q])])
            worst = max(worst, float(np.abs(stats.ttest_1samp(moments, 0.0, axis=1).statistic).max()))
    return worst


def test_populations_are_where_their_tempered_posterior_is() -> None:
    """Student's t of 39 degrees of freedom: 1e-4 a question, some 20 questions; false alarm on a new seed 2e-3.

    Tried on seeds 1, 2, 3.
    """
    assert largest_t(1) < LARGEST_T


def test_populations_that_move_at_another_beta_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = EagerEngine.advance

    def warmer(self: EagerEngine, state: State, tuned: Tuned, *rest: Any, **more: Any) -> Block:
        return original(self, state, replace(tuned, beta=0.7 * tuned.beta), *rest, **more)

    monkeypatch.setattr(EagerEngine, "advance", warmer)
    assert largest_t(1) > LARGEST_T


def test_many_bins_of_a_table_are_apart_even_where_states_are_equal() -> None:
    """A cloud of one point: bins as narrow as 1e-9 of the prior, and none without a width."""
    prior, states, kinds = clouds(2)
    edges = cloud_module.cloud_edges(prior, torch.zeros_like(states) + states[:, :, :1, :1], kinds)
    smallest = torch.diff(edges).amin(-1)
    width = (prior[..., -1] - prior[..., 0]).expand_as(smallest)
    # The sum of an edge and 1e-9 of the width has rounding errors of 1e-16 of the edge.
    assert bool((smallest > 0.99e-9 * width).all())
