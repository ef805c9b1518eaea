"""Jumps under a table leave the prior as it is, whatever the table; tables hold what they say."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.rng import stream_key
from bayesbeam.sampling.engines import eager
from bayesbeam.sampling.engines.base import Engine, Tuned, table_slots
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.sampling.jumps import jump, prior_edges
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.one_peak import nagata_target

CHAINS = 3000
SWEEPS = 32
THRESHOLD = 1e-5
LAWS = {
    "amplitude": ("gamma", {"shape": 2.0, "rate": 1.0}, stats.gamma(2.0)),
    "position": ("normal", {"mean": 0.5, "sd": 2.0}, stats.norm(0.5, 2.0)),
    "sd": ("log_uniform", {"low": 0.2, "high": 2.0}, stats.loguniform(0.2, 2.0)),
}


def peak_target(members: int = 1, shared: frozenset[str] = frozenset()) -> SumTarget:
    """A peak whose parameters have three kinds of priors."""
    x = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64).expand(1, members, 5).contiguous()
    laws = {name: [[priors.make_prior(family, **values)] * members] for name, (family, values, _) in LAWS.items()}
    part = Part("peak", registry.get("gaussian"), 1, laws)
    ones = torch.ones_like(x)
    return sum_target(x, 0.0 * x, ones, ones, [part], noise.get("normal"), {}, shared)


def table(target: SumTarget) -> torch.Tensor:
    """Tables (P, G, D, C, 2, B+1): bins of the prior of unequal probability, and bins of equal width; none alike."""
    edges = prior_edges(target, 13)
    even = torch.lerp(edges[..., :1], edges[..., -1:], torch.linspace(0.0, 1.0, 14, dtype=torch.float64))
    # From chain to chain a little different.
    part = torch.linspace(0.0, 0.1, CHAINS, dtype=torch.float64)[:, None] + torch.tensor([0.1, 0.8])
    return torch.lerp(edges, even, part[..., None])


def smallest_p(engine: Engine, seed: int) -> float:
    """Smallest p-value of the parameters after jumps at beta = 0 alone, all replicas starting from one state."""
    target = engine.target
    assert isinstance(target, SumTarget)
    theta = target.from_uniform(torch.full((3, 1, target.members, CHAINS, 2), 0.3, dtype=torch.float64))
    state = engine.start(theta)
    keys = torch.tensor([[stream_key(seed, f"{d}") for d in range(target.members)]]), torch.tensor([stream_key(seed)])
    beta, still = torch.zeros(1, 2).double(), torch.zeros(3, 1, target.members, 1).double()
    block = engine.advance(state, Tuned(beta, still, table(target)), keys, 0, SWEEPS, levels=2)
    found = []
    for j, (_, _, law) in enumerate(LAWS.values()):
        for level in range(2):
            values = block.top[-1, 0, 0, :, level, j].numpy()
            found.append(float(stats.kstest(values, law.cdf).pvalue))
    return min(found)


@pytest.mark.parametrize("name", ["eager", "cpu"])
@pytest.mark.parametrize("shared", [frozenset(), frozenset({"peak.amplitude", "peak.sd"})], ids=["own", "shared"])
def test_jumps_sample_the_prior_from_any_table(name: str, shared: frozenset[str]) -> None:
    """Six questions at 1e-5: false alarm on a new seed < 1e-4. Tried on seeds 1, 2, 3."""
    assert smallest_p(engine_for(peak_target(1 + bool(shared), shared), name), 1) > THRESHOLD


def test_a_forgotten_width_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(*given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        new, gain = jump(*given)
        return new, torch.where(torch.isinf(gain), gain, 0.0)

    monkeypatch.setattr(eager, "jump", forgetful)
    assert smallest_p(engine_for(peak_target(), "eager"), 1) < THRESHOLD


def test_bins_of_the_prior_are_equally_probable_and_rise() -> None:
    edges = prior_edges(peak_target(), 8)
    for j, (_, _, law) in enumerate(LAWS.values()):
        expected = torch.tensor([1e-9, *(k / 8 for k in range(1, 8)), 1 - 1e-9], dtype=torch.float64)
        found = torch.from_numpy(law.cdf(edges[j, 0, 0, 0, 0].numpy()))
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-12)
    tiny = priors.make_prior("gamma", shape=0.01, rate=1.0)
    x = torch.zeros(1, 1, 3, dtype=torch.float64)
    part = Part("flat", registry.get("constant"), 1, {"level": [[tiny]]})
    target = sum_target(x, x, x + 1.0, x + 1.0, [part], noise.get("normal"), {})
    assert bool((torch.diff(prior_edges(target)) > 0).all()), "quantiles that underflow still rise"


def test_a_jump_follows_its_formula_and_none_leads_back_from_outside() -> None:
    edges = torch.tensor([0.0, 1.0, 3.0, 7.0], dtype=torch.float64).reshape(1, 1, 1, 1, 4)
    order = torch.arange(4).reshape(1, 1, 4)
    u = torch.tensor([0.5, 0.5, 0.9, 0.1], dtype=torch.float64).reshape(1, 1, 1, 4)
    old = torch.tensor([1.0, 6.0, 7.5, -0.1], dtype=torch.float64).reshape(1, 1, 1, 4)
    new, gain = jump(edges, order, order, u, old)
    torch.testing.assert_close(new.flatten(), torch.tensor([2.0, 2.0, 5.8, 0.3], dtype=torch.float64))
    expected = torch.tensor([0.0, math.log(0.5), -math.inf, -math.inf], dtype=torch.float64)
    torch.testing.assert_close(gain.flatten(), expected)


def test_chains_take_tables_in_turn() -> None:
    """Two tables for five chains: those of even number have the first, the others the second."""
    generator = torch.Generator().manual_seed(6)
    u, old = torch.rand((2, 2, 1, 5, 3), generator=generator, dtype=torch.float64).clamp(1e-6, 1.0 - 1e-6)
    few = torch.sort(torch.rand((2, 1, 2, 3, 9), generator=generator, dtype=torch.float64), dim=-1).values
    few[..., 0], few[..., -1] = 0.0, 1.0
    rung = torch.tensor([2, 0, 1]).expand(2, 5, 3).contiguous()
    found = jump(few, rung, torch.argsort(rung, dim=-1), u, old)
    own = jump(few[:, :, [0, 1, 0, 1, 0]], rung, torch.argsort(rung, dim=-1), u, old)
    swapped = jump(few[:, :, [1, 0, 1, 0, 1]], rung, torch.argsort(rung, dim=-1), u, old)
    assert all(torch.equal(one, other) for one, other in zip(found, own, strict=True))
    assert not torch.equal(found[0], swapped[0])


def test_instances_of_one_part_share_a_table() -> None:
    assert table_slots(nagata_target(3)) == [0, 1, 2] * 3
