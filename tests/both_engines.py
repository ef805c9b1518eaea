"""The same sweeps by the eager engine and a fused one, and what is asked of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.models.base import Component
from bayesbeam.noise.base import NoiseData
from bayesbeam.rng import stream_key
from bayesbeam.sampling.engines.base import Block, Engine, State, Tuned
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.sampling.jumps import prior_edges
from bayesbeam.targets.sum import Part, SlotPrior, SumTarget, sum_target

CHAINS, SWEEPS = 2, 12
LADDER = torch.tensor([0.0, 0.1, 0.4, 1.0], dtype=torch.float64)


def target_of(
    components: list[Component],
    model: str = "normal",
    dtype: torch.dtype = torch.float64,
    shared: bool = False,
    axis: torch.Tensor | None = None,
) -> SumTarget:
    """Two groups (of two members where something is shared) with three points more than a vector of the processor."""
    axis = torch.linspace(-5.0, 5.0, 67, dtype=torch.float64) if axis is None else axis
    groups, members, points = 2, 1 + shared, len(axis)
    generator = torch.Generator().manual_seed(5)
    x = axis.expand(groups, members, points).contiguous()
    y = torch.poisson(torch.full_like(x, 6.0), generator=generator)
    parts = [
        Part(f"part{n}", component, 1, typical_priors(component, groups, members))
        for n, component in enumerate(components)
    ]
    names = (
        frozenset(f"part0.{parameter.name}" for parameter in components[0].parameters[:2]) if shared else frozenset()
    )
    model_ = noise.get(model)
    low_high = {
        p.name: [[priors.make_prior("log_uniform", low=0.01, high=2.0)] * members] * groups for p in model_.parameters
    }
    weight = torch.ones_like(x)
    weight[:, :, -4:] = 0.0
    return sum_target(x, y, torch.full_like(x, 2.0), weight, parts, model_, low_high, names, dtype)


def possible_or_not() -> SumTarget:
    """Poisson counts of a level that may be negative, which makes them impossible."""
    flat = registry.get("constant")
    return target_of([replace(flat, parameters=(replace(flat.parameters[0], typical=(-3.0, 9.0)),))], "poisson")


def on(target: SumTarget, device: str) -> SumTarget:
    """The same target on another device."""
    data = {field.name: getattr(target.data, field.name).to(device) for field in fields(target.data)}
    priors_ = tuple(
        SlotPrior(prior.family, {name: value.to(device) for name, value in prior.values.items()})
        for prior in target.priors
    )
    moved = {"x": target.x.to(device), "origin": target.origin.to(device), "data": NoiseData(**data)}
    return replace(target, priors=priors_, **moved)


def typical_priors(component: Component, groups: int, members: int) -> dict[str, list[list[priors.Prior]]]:
    """Uniform priors over the typical range of each parameter."""
    made = {p.name: priors.make_prior("uniform", low=p.typical[0], high=p.typical[1]) for p in component.parameters}
    return {name: [[prior] * members] * groups for name, prior in made.items()}


def tuned_for(target: SumTarget, ladder: torch.Tensor = LADDER, every_rung: bool = False) -> Tuned:
    """Ladder, step sizes and tables; on every rung others (tables on every chain too), or the same on all."""
    shape = (len(target.slots), target.groups, target.members)
    scale, edges = torch.full((*shape, 1), 0.2, dtype=torch.float64), prior_edges(target)
    if every_rung:
        part = torch.linspace(0.0, 0.3, len(ladder), dtype=torch.float64).to(edges.device)
        even = torch.linspace(0.0, 1.0, edges.shape[-1], dtype=torch.float64).to(edges.device)
        chain = torch.linspace(0.0, 0.2, CHAINS, dtype=torch.float64).to(edges.device)[:, None, None]
        edges = torch.lerp(edges, torch.lerp(edges[..., :1], edges[..., -1:], even), part[:, None] + chain)
        scale = scale * (1.0 + part.cpu())
    return Tuned(ladder.to(edges.device).expand(target.groups, -1), scale.to(edges.device), edges)


def fused(target: SumTarget) -> Engine:
    """Compiled loops on one thread."""
    from bayesbeam.sampling.engines.fused import FusedEngine

    return FusedEngine(target)


def run_both(
    target: SumTarget,
    other: Callable[[SumTarget], Engine] = fused,
    tuned: Tuned | None = None,
    levels: int = 1,
    sweeps: int = SWEEPS,
) -> tuple[tuple[State, Block], tuple[State, Block]]:
    """The same sweeps by both engines, in two blocks; caches are rebuilt in one of them."""
    tuned = tuned_for(target) if tuned is None else tuned
    shape = (len(target.slots), target.groups, target.members, CHAINS, len(LADDER))
    u = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).clamp(1e-9, 1 - 1e-9)
    tied, u = target.tied.reshape(-1, 1, 1, 1, 1), u.to(target.device)
    theta = target.from_uniform(torch.where(tied, u[:, :, :1], u))
    keys = (
        torch.tensor([[stream_key(1, f"{g}", f"{d}") for d in range(shape[2])] for g in range(shape[1])]),
        torch.tensor([stream_key(1, f"{g}") for g in range(shape[1])]),
    )
    keys = keys[0].to(target.device), keys[1].to(target.device)
    results = []
    engines: tuple[Engine, ...] = (EagerEngine(target), other(target))
    for engine in engines:
        state = engine.start(theta)
        first = 51 - sweeps // 2
        engine.advance(state, tuned, keys, first - sweeps, sweeps, levels)
        results.append((state, engine.advance(state, tuned, keys, first, sweeps, levels)))
    return results[0], results[1]


def assert_equal_runs(
    target: SumTarget,
    tuned: Tuned | None = None,
    levels: int = 1,
    other: Callable[[SumTarget], Engine] = fused,
    sweeps: int = SWEEPS,
) -> None:
    """In double precision all decisions are the same, and values differ by rounding: 1e-9 of sums of order 1e3."""
    (eager_state, eager), (other_state, block) = run_both(target, other, tuned, levels, sweeps)
    assert torch.equal(eager.places, block.places)
    torch.testing.assert_close(block.top, eager.top, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(block.log_likelihood, eager.log_likelihood, rtol=1e-9, atol=1e-7)
    torch.testing.assert_close(block.acceptance, eager.acceptance, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(block.swap, eager.swap, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(other_state.theta, eager_state.theta, rtol=1e-9, atol=1e-9)
    assert float((other_state.theta - other_state.theta[:, :, :1]).abs().max()) > 0.1
