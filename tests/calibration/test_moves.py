"""Every move leaves the tempered posterior as it is: exact joint draws of parameters and data stay exact.

Parameters are drawn from the prior and data from the parameters, so that (parameters, data) is an exact joint draw;
after any number of sweeps the parameters must still follow the prior, and the misfit a chi-square law (Geweke, JASA
99, 799, 2004). Tempering a normal likelihood by beta is dividing its variance by beta, so every beta can be tested.

Each of the 5 + 6 + 3 tests of a number below has a threshold of 1e-5: false alarm of the file on new seeds < 5e-4.
Tried on seeds 1, 2, 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType

import pytest
import torch
from scipy import stats

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.rng import stream_key
from bayesbeam.sampling import jumps
from bayesbeam.sampling.engines import base, eager
from bayesbeam.targets.sum import Part, SumTarget, sum_target

GROUPS = 6000
SWEEPS = 24
POINTS = 5
NOISE_SD = 0.5
THRESHOLD = 1e-5

PRIORS = {
    "line.level": ("normal", {"mean": 0.0, "sd": 1.0}, stats.norm(0.0, 1.0)),
    "line.slope": ("normal", {"mean": 0.5, "sd": 0.7}, stats.norm(0.5, 0.7)),
    "line.pivot": ("fixed", {"value": 0.2}, None),
    "peak.amplitude": ("gamma", {"shape": 2.0, "rate": 1.0}, stats.gamma(2.0)),
    "peak.position": ("uniform", {"low": -1.0, "high": 1.0}, stats.uniform(-1.0, 2.0)),
    "peak.sd": ("log_uniform", {"low": 0.2, "high": 2.0}, stats.loguniform(0.2, 2.0)),
    "noise.scale": ("log_uniform", {"low": 0.3, "high": 3.0}, stats.loguniform(0.3, 3.0)),
}
STEP = 0.8


@dataclass(frozen=True)
class Case:
    """What is sampled: members of a group, what they share, whether the noise is estimated, and at which betas."""

    members: int = 1
    shared: frozenset[str] = frozenset()
    noise: str = "normal"
    betas: tuple[float, ...] = (0.0, 0.2, 1.0)


OWN = Case()
WARM, COLD = Case(betas=(0.2,)), Case(betas=(1.0,))
SHARED = Case(2, frozenset({"line.level", "peak.amplitude", "peak.sd"}))
NOISE = Case(2, noise="normal_scaled", betas=(1.0,))


def prior_of(name: str) -> list[list[priors.Prior]]:
    family, arguments, _ = PRIORS[name]
    return [[priors.make_prior(family, **arguments)] * 2] * GROUPS


def make_target(case: Case, y: torch.Tensor) -> SumTarget:
    x = torch.linspace(-1.0, 1.0, POINTS, dtype=torch.float64).expand_as(y).clone()
    parts = []
    for part, component in (("line", registry.get("linear")), ("peak", registry.get("gaussian"))):
        nested = {p: [g[: case.members] for g in prior_of(f"{part}.{p}")] for p in component.parameter_names}
        parts.append(Part(part, component, 1, nested))
    model = noise.get(case.noise)
    phi = {p.name: [g[: case.members] for g in prior_of(f"noise.{p.name}")] for p in model.parameters}
    base_sd = torch.full_like(y, NOISE_SD)
    return sum_target(x, y, base_sd, torch.ones_like(y), parts, model, phi, case.shared)


def joint_draw(case: Case, seed: int) -> tuple[SumTarget, torch.Tensor, torch.Tensor]:
    """Target, exact parameters (G, D, 1, 1, P) and beta (G, 1, 1, 1) of G simulated experiments."""
    generator = torch.Generator().manual_seed(seed)
    target = make_target(case, torch.zeros(GROUPS, case.members, POINTS, dtype=torch.float64))
    shape = (len(target.slots), GROUPS, case.members, 1, 1)
    theta = target.from_uniform(torch.rand(shape, generator=generator, dtype=torch.float64).clamp(min=1e-12))
    beta = torch.tensor(case.betas, dtype=torch.float64).repeat(GROUPS // len(case.betas) + 1)[:GROUPS]
    beta = beta.reshape(-1, 1, 1, 1)
    curve = target.rows(theta).sum(0)
    phi = theta[..., target.noise_start :]
    scale = phi if phi.shape[-1] else torch.ones_like(curve[..., :1])
    spread = NOISE_SD * scale / torch.sqrt(beta.clamp(min=0.05))[..., None]
    y = curve + spread * torch.randn(curve.shape, generator=generator, dtype=torch.float64)
    data = target.noise.prepare(y, torch.full_like(y, NOISE_SD))
    return replace(target, data=data), theta, beta


def smallest_p(case: Case, seed: int, engines: ModuleType = eager, randoms: ModuleType = base) -> float:
    """Smallest p-value of all questions asked after some sweeps from exact joint draws."""
    target, theta, beta = joint_draw(case, seed)
    engine = engines.EagerEngine(target)
    state = engine.start(theta)
    group_keys = torch.tensor([stream_key(seed, f"{g}") for g in range(GROUPS)])
    member_keys = torch.tensor([[stream_key(seed, f"{g}", f"{d}") for d in range(case.members)] for g in range(GROUPS)])
    scale = torch.full((len(target.slots), GROUPS, case.members, 1), STEP, dtype=torch.float64)
    edges = jumps.prior_edges(target)
    even = torch.linspace(0.0, 1.0, edges.shape[-1], dtype=torch.float64)
    # Bins that are not equally probable, as after tuning.
    edges = torch.lerp(edges, torch.lerp(edges[..., :1], edges[..., -1:], even), 0.2)
    tuned = base.Tuned(beta[:, 0, 0], scale, edges)
    for first in range(0, SWEEPS, 8):
        block = randoms.random_block(target, member_keys, group_keys, 1, 1, first, 8)
        for b in range(8):
            engine.sweep(state, tuned, block.of_sweep(b), first + b)
    return min([*prior_p(target, state), misfit_p(target, state, beta)])


def prior_p(target: SumTarget, state: base.State) -> list[float]:
    """Parameters still follow the prior."""
    found = []
    for j in target.moving:
        slot = target.slots[j]
        members = 1 if slot.shared else target.members
        values = state.theta[:, :members, 0, 0, j].flatten().numpy()
        found.append(float(stats.kstest(values, PRIORS[slot.name][2].cdf).pvalue))
    return found


def misfit_p(target: SumTarget, state: base.State, beta: torch.Tensor) -> float:
    """Misfit of the parameters to the data they were started from still follows chi-square."""
    warm = beta.flatten() > 0
    curve = target.rows(state.theta).sum(0)[..., 0, 0, :]
    phi = state.theta[:, :, 0, 0, target.noise_start :]
    scale = phi if phi.shape[-1] else 1.0
    z = (target.data.y[:, :, 0, 0] - curve) / (NOISE_SD * scale)
    chi_square = (beta.flatten() * z.square().sum((1, 2)))[warm].numpy()
    return float(stats.kstest(chi_square, stats.chi2(POINTS * target.members).cdf).pvalue)


@pytest.mark.parametrize("case", [OWN, SHARED, NOISE], ids=["own", "shared", "noise"])
def test_moves_leave_exact_draws_exact(case: Case) -> None:
    assert smallest_p(case, 1) > THRESHOLD


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 12))
@pytest.mark.parametrize("case", [OWN, SHARED, NOISE], ids=["own", "shared", "noise"])
def test_moves_leave_exact_draws_exact_on_more_seeds(case: Case, seed: int) -> None:
    assert smallest_p(case, seed) > THRESHOLD


MOVES: dict[str, tuple[Case, str, str]] = {
    "walk in log without its Jacobian": (OWN, "old * torch.exp(step), step", "old * torch.exp(step), 0.0 * step"),
    "walk that prefers one direction": (COLD, "old + step, torch", "old + step.abs(), torch"),
    "beta on the prior": (WARM, "else heat + gain", "else heat + gain * torch.where(beta > 0, beta, 1.0)"),
    "likelihood not updated": (
        OWN,
        "state.log_likelihood = torch.where(accept, likelihood, state.log_likelihood)",
        "pass",
    ),
    "curve not updated": (OWN, "_copy_where(accept, row, state.rows[term])", "pass"),
    "prior forgotten in a walk": (OWN, "gain = density - state.log_prior[..., j] + jacobian", "gain = 0.0 * jacobian"),
    "prior forgotten in a jump": (WARM, "(density - state.log_prior[..., j] + more)", "more"),
    "widths of bins forgotten in a jump": (WARM, "state.log_prior[..., j] + more)", "state.log_prior[..., j])"),
    "prior not updated by a jump": (WARM, "densities.append(density)", "densities.append(state.log_prior[..., j])"),
    "shared move decided by one member": (SHARED, "heat.sum(1, keepdim=True)", "heat[:, :1]"),
    "shared prior counted once a member": (SHARED, "+ gain[:, :1]", "+ gain.sum(1, keepdim=True)"),
    "noise moved without its prior": (NOISE, "gain = density - state.log_prior[..., j] + jacobian", "gain = jacobian"),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_planted_mistake_in_a_move_is_caught(name: str, plant: Callable[..., ModuleType]) -> None:
    case, right, wrong = MOVES[name]
    assert smallest_p(case, 1, engines=plant(eager, right, wrong)) < THRESHOLD


RANDOMS: dict[str, tuple[Case, str, str]] = {
    "jumps not of the table": (OWN, "jump[0],", "jump[0] ** 1.3,"),
    "walks accepted too often": (WARM, "torch.log(walk[0])", "torch.log(walk[0]) - 0.5"),
    "walks up twice as far as down": (COLD, "width - HUMP)", "0.5 * (width - HUMP))"),
    "jumps accepted too often": (WARM, "torch.log(jump[1])", "torch.log(jump[1]) - 0.5"),
}


@pytest.mark.parametrize("name", RANDOMS)
def test_a_planted_mistake_in_the_random_numbers_is_caught(name: str, plant: Callable[..., ModuleType]) -> None:
    case, right, wrong = RANDOMS[name]
    assert smallest_p(case, 1, randoms=plant(base, right, wrong)) < THRESHOLD
