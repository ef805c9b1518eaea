"""The target: values against plain formulas, padding, batches that equal loops, sharing, and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.errors import ModelError
from bayesbeam.models import registry
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.linear_gaussian import LEVEL, linear_gaussian, linear_target
from bayesbeam.testsystems.one_peak import PRIORS, nagata_data, nagata_target


def prior_draws(target: SumTarget, chains: int = 2, replicas: int = 3, seed: int = 1) -> torch.Tensor:
    shape = (len(target.slots), target.groups, target.members, chains, replicas)
    u = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return target.from_uniform(u.clamp(min=1e-12))


def test_log_likelihood_is_that_of_the_plain_formula() -> None:
    target = nagata_target(2)
    theta = prior_draws(target)
    x, y = nagata_data()
    value = target.log_likelihood(target.rows(theta).sum(0), theta)
    for c in range(2):
        for r in range(3):
            a1, m1, b1, a2, m2, b2 = theta[0, 0, c, r].numpy()
            curve = a1 * np.exp(-b1 * (x - m1) ** 2 / 2) + a2 * np.exp(-b2 * (x - m2) ** 2 / 2)
            plain = -0.5 * np.sum(((y - curve) / 0.1) ** 2) - 301 / 2 * math.log(2 * math.pi * 0.01)
            # Sums of 301 terms up to 1e4 in another order.
            assert float(value[0, 0, c, r]) == pytest.approx(plain, rel=1e-11)


def test_log_prior_is_the_sum_over_slots() -> None:
    target = nagata_target(2)
    theta = prior_draws(target)
    plain = sum(PRIORS[slot.parameter].log_prob(theta[..., j]) for j, slot in enumerate(target.slots))
    torch.testing.assert_close(target.log_prior(theta), plain[:, 0], rtol=1e-14, atol=1e-14)


def test_matching_target_of_a_linear_system_has_its_likelihood() -> None:
    shared = frozenset({LEVEL})
    system = linear_gaussian(torch.Generator().manual_seed(1), members=3, positions=(-0.3, 0.4), shared=shared)
    theta = system.draws(0.3, (4, 5), torch.Generator().manual_seed(2))
    states = system.states(theta).permute(2, 0, 1, 3)[None]
    target = linear_target([system])
    value = target.log_likelihood(target.rows(states).sum(0), states).sum(1)[0]
    torch.testing.assert_close(value, system.log_likelihood(theta), rtol=1e-12, atol=1e-11)
    prior = line()[0].log_prob(theta).sum(-1)
    torch.testing.assert_close(target.log_prior(states)[0], prior, rtol=1e-13, atol=1e-13)


def test_exact_free_energy_of_a_linear_system_is_that_of_quadrature() -> None:
    """The judge is judged: two coefficients on a grid, at three betas; trapezoidal rule of a Gaussian, to 1e-9."""
    system = linear_gaussian(torch.Generator().manual_seed(1), points=6, positions=())
    axis = torch.linspace(-14.0, 14.0, 2801, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1)
    likelihood = system.log_likelihood(grid)
    prior = line()[0].log_prob(grid).sum(-1)
    for beta in (0.0, 0.3, 1.0):
        log_z = torch.logsumexp((prior + beta * likelihood).flatten(), 0) + 2 * math.log(0.01)
        assert system.free_energy(beta) == pytest.approx(-float(log_z), abs=1e-9)


def test_a_batch_equals_its_groups_one_by_one_bit_for_bit() -> None:
    systems = [linear_gaussian(torch.Generator().manual_seed(k), members=2) for k in range(3)]
    target = linear_target(systems)
    theta = prior_draws(target)
    rows = target.rows(theta)
    value, density = target.log_likelihood(rows.sum(0), theta), target.log_prior(theta)
    for g, system in enumerate(systems):
        one = linear_target([system])
        for part in (one, target.select(torch.tensor([g]))):
            alone = part.rows(theta[g : g + 1])
            assert torch.equal(alone, rows[:, g : g + 1])
            assert torch.equal(part.log_likelihood(alone.sum(0), theta[g : g + 1]), value[g : g + 1])
            assert torch.equal(part.log_prior(theta[g : g + 1]), density[g : g + 1])


def test_padded_points_do_not_count() -> None:
    system = linear_gaussian(torch.Generator().manual_seed(1), points=10)
    target = linear_target([system])
    longer = [
        torch.cat([v, torch.full((1, 4), 7.0, dtype=torch.float64)], 1)[None] for v in (system.x, system.y, system.sd)
    ]
    weight = torch.cat([torch.ones(1, 1, 10), torch.zeros(1, 1, 4)], -1).double()
    parts = [
        Part(
            "line",
            registry.get("linear"),
            1,
            {n: [[p]] for n, p in zip(("level", "slope", "pivot"), line(), strict=True)},
        )
    ]
    padded = sum_target(*longer, weight, parts, noise.get("normal"), {})
    plain = sum_target(
        system.x[None], system.y[None], system.sd[None], weight[..., :10], parts, noise.get("normal"), {}
    )
    theta = prior_draws(plain)
    a = plain.log_likelihood(plain.rows(theta).sum(0), theta)
    b = padded.log_likelihood(padded.rows(theta).sum(0), theta)
    torch.testing.assert_close(a, b, rtol=1e-14, atol=0.0)
    assert target.groups == 1


def line() -> tuple[priors.Prior, ...]:
    normal = priors.make_prior("normal", mean=0.0, sd=2.0)
    return normal, normal, priors.make_prior("fixed", value=0.0)


def test_rows_in_single_precision_agree_with_double_and_sums_stay_double() -> None:
    """301 points of relative rounding 6e-8, misfits up to 1e5: relative error of lnL about 1e-6."""
    double, single = nagata_target(2), nagata_target(2, dtype=torch.float32)
    theta = prior_draws(double)
    rows = single.rows(theta)
    assert rows.dtype == torch.float32
    value = single.log_likelihood(rows.sum(0), theta)
    assert value.dtype == torch.float64
    torch.testing.assert_close(value, double.log_likelihood(double.rows(theta).sum(0), theta), rtol=1e-5, atol=1e-3)


def test_slots_say_what_they_are() -> None:
    target = nagata_target(2)
    assert [(s.name, s.index, s.unit, s.kind) for s in target.slots][:4] == [
        ("peaks.amplitude", 1, "y", "parameter"),
        ("peaks.position", 1, "x", "parameter"),
        ("peaks.precision", 1, "1/x^2", "parameter"),
        ("peaks.amplitude", 2, "y", "parameter"),
    ]
    assert linear_target([linear_gaussian(torch.Generator().manual_seed(1))]).slots[0].index is None


def test_shared_slots_start_equal_form_blocks_of_their_own_and_count_once() -> None:
    system = linear_gaussian(torch.Generator().manual_seed(1), members=3, shared=frozenset({LEVEL}))
    target = linear_target([system])
    theta = prior_draws(target)
    assert torch.equal(theta[:, 0, ..., 0], theta[:, 2, ..., 0])
    assert not torch.equal(theta[:, 0, ..., 1], theta[:, 2, ..., 1])
    assert target.blocks == ((1,), (0,), (3,))
    assert target.tied.tolist() == [True, False, False, False, False, False]
    density = [target.priors[j].log_prob(theta[..., j]) for j in (0, 1, 3)]
    plain = density[0][:, 0] + density[1].sum(1) + density[2].sum(1)
    torch.testing.assert_close(target.log_prior(theta), plain, rtol=1e-14, atol=1e-14)


def flat(nested: list[list[priors.Prior]], shared: frozenset[str] = frozenset()) -> SumTarget:
    ones = torch.ones(len(nested), len(nested[0]), 4, dtype=torch.float64)
    return sum_target(
        ones,
        ones,
        ones,
        ones,
        [Part("flat", registry.get("constant"), 1, {"level": nested})],
        noise.get("normal"),
        {},
        shared,
    )


def test_a_shared_parameter_with_two_priors_is_refused() -> None:
    two = [[priors.make_prior("normal", mean=0.0, sd=1.0), priors.make_prior("normal", mean=0.0, sd=2.0)]]
    assert flat(two).members == 2
    with pytest.raises(ModelError, match=r"flat\.level: a shared parameter with different priors"):
        flat(two, frozenset({"flat.level"}))


def test_families_that_differ_in_a_batch_are_refused() -> None:
    mixed = [[priors.make_prior("normal", mean=0.0, sd=1.0)], [priors.make_prior("uniform", low=0.0, high=1.0)]]
    with pytest.raises(ModelError, match=r"flat\.level: priors of different families"):
        flat(mixed)
