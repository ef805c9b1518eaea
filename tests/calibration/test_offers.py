"""Offers from a fitted density leave the posterior as it is, however bad the density: exact joint draws stay exact.

As in test_moves.py, at beta = 1 and with offers alone: parameters drawn from the prior and data from the parameters,
then offers from densities that lie beside the prior and are not alike for even and odd chains. Threshold of each of the
5 + 8 + 6 numbers: 1e-5, false alarm of the file on new seeds < 2e-4. Tried on seeds 1, 2, 3.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

# The joint draws of the moves.
sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_moves as moves

from bayesbeam.rng import stream_key
from bayesbeam.sampling import offers
from bayesbeam.sampling.engines.base import start_state
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.sampling.groups import Groups
from bayesbeam.sampling.mixture import Mixture
from bayesbeam.targets.sum import SumTarget

GROUPS = 1500
OFFERS, OFFERED = 2, 200
OWN = moves.Case(betas=(1.0,))
SHARED = replace(moves.SHARED, betas=(1.0,))


@pytest.fixture(autouse=True)
def _fewer_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "GROUPS", GROUPS)


def densities(target: SumTarget) -> tuple[Mixture, Mixture]:
    """Densities of two components beside the prior, for even and for odd chains."""
    generator = torch.Generator().manual_seed(7)
    shape = (len(target.slots), GROUPS, target.members, 1, 1)
    theta = target.from_uniform(torch.rand(shape, generator=generator, dtype=torch.float64).clamp(min=1e-12))
    x, _ = target.coordinates.free(0, theta[:, :, 0, 0].numpy())
    middle, spread = x.mean(0), x.std(0)
    found = []
    for shift in (0.4, -0.3):
        mean = np.stack([middle + shift * spread, middle - 0.5 * shift * spread])
        factor = np.stack([np.diag(0.9 * spread), np.diag(1.3 * spread)])
        factor[:, 1, 0] = 0.4 * spread[1]
        found.append(Mixture(np.array([0.4, 0.6]), mean, factor))
    return found[0], found[1]


def smallest_p(case: moves.Case, seed: int, module: ModuleType = offers) -> float:
    """Smallest p-value of all questions asked of both chains after some offers to exact joint draws."""
    module.OFFERED = OFFERED  # type: ignore[attr-defined]
    target, theta, beta = moves.joint_draw(case, seed)
    state = start_state(theta.expand(-1, -1, 2, -1, -1))
    names = [f"{g}" for g in range(GROUPS)]
    keys = torch.tensor([stream_key(seed, name) for name in names])
    groups = Groups(torch.arange(GROUPS), torch.zeros(GROUPS, case.members, 2, dtype=torch.int64), keys)
    own = densities(target)
    references = [module.Reference(*own) for _ in names]
    engine = EagerEngine(target)
    for offered in module.offers_at(references, engine, groups, state, range(OFFERS)):
        module.offer(references, engine, state, offered)
    moved = (state.theta != theta)[..., target.moving[0]].double().mean()
    assert module is not offers or 0.05 < float(moved) < 1.0
    found = []
    for chain in range(2):
        one = replace(state, theta=state.theta[:, :, chain : chain + 1])
        found += [*moves.prior_p(target, one), moves.misfit_p(target, one, beta)]
    return min(found)


@pytest.fixture(autouse=True)
def _offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "OFFERED", OFFERED)


@pytest.mark.parametrize("case", [OWN, SHARED, moves.NOISE], ids=["own", "shared", "noise"])
def test_offers_leave_exact_draws_exact(case: moves.Case) -> None:
    assert smallest_p(case, 1) > moves.THRESHOLD


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("case", [OWN, SHARED, moves.NOISE], ids=["own", "shared", "noise"])
def test_offers_leave_exact_draws_exact_on_more_seeds(case: moves.Case, seed: int) -> None:
    assert smallest_p(case, seed) > moves.THRESHOLD


MISTAKES: dict[str, tuple[moves.Case, str, str]] = {
    "no Jacobian": (OWN, "log_density_of(x) - log_volume)", "log_density_of(x))"),
    "no prior": (OWN, ".log_likelihood.sum(1) + engine.target.log_prior(theta)", ".log_likelihood.sum(1)"),
    "likelihood of one member": (
        SHARED,
        "engine.start(theta).log_likelihood.sum(1)",
        "engine.start(theta).log_likelihood[:, 0]",
    ),
    "wrong weights": (OWN, "np.exp(log_weight - top)", "np.exp(0.7 * (log_weight - top))"),
    "present state forgotten": (OWN, "* total[..., -1:]).sum(-1)", "* total[..., -1:]).sum(-1).clip(1)"),
    "tails too heavy": (OWN, "torch.log(u[:, :, -2]).sum(0)", "torch.log(u[:1, :, -2]).sum(0)"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_in_an_offer_is_caught(name: str, plant: Callable[..., ModuleType]) -> None:
    case, right, wrong = MISTAKES[name]
    assert smallest_p(case, 1, plant(offers, right, wrong)) < moves.THRESHOLD
