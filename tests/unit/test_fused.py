"""The compiled loops do what the eager engine does: same moves, same random numbers, same decisions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.errors import SamplingError
from bayesbeam.models import registry
from bayesbeam.models.base import REAL, Component, Parameter
from bayesbeam.models.mathspace import TORCH, MathSpace, Value
from bayesbeam.models.trace import NotScalar, trace
from bayesbeam.rng import stream_key
from bayesbeam.sampling.engines import source
from bayesbeam.sampling.engines.base import Block, State
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.one_peak import nagata_target

pytest.importorskip("numba")
from bayesbeam.sampling.engines.fused import FusedEngine
from bayesbeam.sampling.engines.scalars import exp_f32, exp_f64

COMPONENTS = registry.all_components()
CHAINS, SWEEPS = 2, 12
LADDER = torch.tensor([0.0, 0.1, 0.4, 1.0], dtype=torch.float64)


def target_of(
    components: list[Component], model: str = "normal", dtype: torch.dtype = torch.float64, shared: bool = False
) -> SumTarget:
    """Two groups (of two members where something is shared) with three points more than a vector of the processor."""
    groups, members, points = 2, 1 + shared, 67
    generator = torch.Generator().manual_seed(5)
    x = torch.linspace(-5.0, 5.0, points, dtype=torch.float64).expand(groups, members, points).contiguous()
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


def typical_priors(component: Component, groups: int, members: int) -> dict[str, list[list[priors.Prior]]]:
    """Uniform priors over the typical range of each parameter."""
    made = {p.name: priors.make_prior("uniform", low=p.typical[0], high=p.typical[1]) for p in component.parameters}
    return {name: [[prior] * members] * groups for name, prior in made.items()}


def run_both(target: SumTarget, threads: int = 1) -> tuple[tuple[State, Block], tuple[State, Block]]:
    """The same sweeps by both engines, in two blocks."""
    shape = (len(target.slots), target.groups, target.members, CHAINS, len(LADDER))
    u = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).clamp(1e-9, 1 - 1e-9)
    tied = target.tied.reshape(-1, 1, 1, 1, 1)
    theta = target.from_uniform(torch.where(tied, u[:, :, :1], u))
    keys = (
        torch.tensor([[stream_key(1, f"{g}", f"{d}") for d in range(shape[2])] for g in range(shape[1])]),
        torch.tensor([stream_key(1, f"{g}") for g in range(shape[1])]),
    )
    scale = torch.full((*shape[:3], len(LADDER)), 0.2, dtype=torch.float64)
    results = []
    for engine in (EagerEngine(target), FusedEngine(target, threads)):
        state = engine.start(theta)
        beta = LADDER.expand(target.groups, -1)
        engine.advance(state, beta, scale, keys, 45, SWEEPS)
        results.append((state, engine.advance(state, beta, scale, keys, 45 + SWEEPS, SWEEPS)))
    return results[0], results[1]


def assert_equal_runs(target: SumTarget) -> None:
    """In double precision all decisions are the same, and values differ by rounding: 1e-9 of sums of order 1e3."""
    (eager_state, eager), (fused_state, fused) = run_both(target)
    assert torch.equal(eager.places, fused.places)
    torch.testing.assert_close(fused.top, eager.top, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(fused.log_likelihood, eager.log_likelihood, rtol=1e-9, atol=1e-7)
    torch.testing.assert_close(fused.acceptance, eager.acceptance, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(fused.swap, eager.swap, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(fused_state.theta, eager_state.theta, rtol=1e-9, atol=1e-9)
    assert float((fused_state.theta - fused_state.theta[:, :, :1]).abs().max()) > 0.1


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_every_component_moves_as_in_the_eager_engine(component: Component) -> None:
    assert_equal_runs(target_of([component, registry.get("constant")]))


@pytest.mark.parametrize("model", noise.names())
def test_every_noise_model_moves_as_in_the_eager_engine(model: str) -> None:
    assert_equal_runs(target_of([registry.get("constant"), registry.get("gaussian")], model))


@pytest.mark.parametrize("model", ["normal", "normal_relative"])
def test_shared_parameters_move_as_in_the_eager_engine(model: str) -> None:
    assert_equal_runs(target_of([registry.get("gaussian"), registry.get("linear")], model, shared=True))


def test_a_planted_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case that these comparisons must catch: a step with another spread."""
    original = EagerEngine.advance

    def wider(self: EagerEngine, state: State, beta: torch.Tensor, scale: torch.Tensor, *rest: object) -> Block:
        return original(self, state, beta, 1.001 * scale, *rest)

    monkeypatch.setattr(EagerEngine, "advance", wider)
    with pytest.raises(AssertionError):
        assert_equal_runs(target_of([registry.get("gaussian")]))


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_single_precision_stays_close_to_double(component: Component) -> None:
    """Log-likelihoods of prior draws, sums of 63 terms: relative error of rows 1e-6, of sums below 1e-5."""
    single, double = (target_of([component], dtype=dtype) for dtype in (torch.float32, torch.float64))
    shape = (len(double.slots), 2, 1, CHAINS, len(LADDER))
    u = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4)).clamp(1e-9, 1 - 1e-9)
    theta = double.from_uniform(u)
    found, expected = (FusedEngine(target).start(theta).log_likelihood for target in (single, double))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_the_number_of_threads_changes_no_byte(threads: int) -> None:
    target = nagata_target(3)
    _, (one_state, one) = run_both(target, 1)
    _, (many_state, many) = run_both(target, threads)
    assert torch.equal(one_state.theta, many_state.theta)
    assert torch.equal(one.log_likelihood, many.log_likelihood)


@pytest.mark.parametrize("family", [priors.get(name) for name in priors.names()], ids=lambda family: family.name)
def test_the_kernel_of_a_prior_is_its_density_up_to_a_constant(family: priors.Family) -> None:
    if family.is_point:
        assert family.kernel is None
        return
    for example in family.examples:
        values = {**family.defaults, **example}
        x = family.icdf(torch.linspace(0.05, 0.95, 19, dtype=torch.float64), **example)
        assert family.kernel is not None
        gap = family.kernel(TORCH, x, *(values[name] for name in family.parameters)) - family.log_prob(x, **example)
        # logarithms of order 1e3 at most, each right to 1e-15
        torch.testing.assert_close(gap, gap[:1].expand_as(gap), rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize(
    ("function", "dtype", "low", "high"), [(exp_f32, np.float32, -79, 87), (exp_f64, np.float64, -690, 700)]
)
def test_exponentials_are_right_to_two_units_in_the_last_place(
    function: object, dtype: type, low: int, high: int
) -> None:
    x = np.concatenate([np.linspace(low, high, 4001), np.linspace(-1, 1, 2001)]).astype(dtype)
    exact = np.exp(x.astype(np.longdouble))
    found = np.array([function(value) for value in x], dtype=np.longdouble)  # type: ignore[operator]
    assert float(np.max(np.abs(found / exact - 1))) < 2 * np.finfo(dtype).eps


def branching(m: MathSpace, x: Value, level: Value) -> Value:
    """Branch on a value."""
    return level + 0.0 * x if level > 0 else level - 0.0 * x


def foreign(m: MathSpace, x: Value, level: Value) -> Value:
    """Use of another library."""
    return level * torch.sigmoid(x)


@pytest.mark.parametrize("formula", [branching, foreign])
def test_a_formula_that_is_not_scalar_runs_on_batched_torch(formula: object) -> None:
    with pytest.raises(NotScalar):
        trace(formula, ["x"], ["level"])  # type: ignore[arg-type]
    level = Parameter("level", "y", "normal(mean=0, sd=1)", REAL, "height", (0.5, 1.5))
    component = Component("odd", "odd", (level,), foreign, False)
    assert engine_for(target_of([component])).name == "eager"
    with pytest.raises(SamplingError, match="expected a model of scalar formulas"):
        engine_for(target_of([component]), "cpu")


def test_what_does_not_depend_on_the_axis_is_computed_once_a_row() -> None:
    text = source.component_source(registry.get("pseudo_voigt"), noise.get("normal"), True)
    loop = text.split("for i in range(n):")[1].split("return")[0]
    assert "math.log" not in loop
    assert "math.log" not in text.split("for i in range(n):")[0].split("def move")[0]


CHILD = """
import torch
from bayesbeam.sampling.engines import library
from bayesbeam.sampling.engines.fused import FusedEngine
from bayesbeam.testsystems.one_peak import nagata_target
target = nagata_target(1)
theta = target.from_uniform(torch.full((3, 1, 1, 1, 1), 0.3, dtype=torch.float64))
print(library.folder(), float(FusedEngine(target).start(theta).log_likelihood.flatten()[0]))
"""


def child(home: Path, **more: str) -> tuple[Path, float]:
    """Folder of the compiled loops and a log-likelihood, from a new process with another home."""
    surroundings = {**os.environ, "HOME": str(home), "TMPDIR": str(home.parent), **more}
    done = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, env=surroundings, timeout=300, check=True
    )
    place, value = done.stdout.rsplit(maxsplit=1)
    return Path(place), float(value)


@pytest.mark.slow
def test_the_cache_survives_damage_another_processor_and_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    place, value = child(home)
    assert home in place.parents
    for file in place.rglob("*.nb?"):
        file.write_bytes(file.read_bytes()[:100])
    assert child(home) == (place, value)
    _, other = child(home, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert other == pytest.approx(value, rel=1e-12)
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    elsewhere, same = child(blocked)
    assert blocked not in elsewhere.parents
    assert same == value
