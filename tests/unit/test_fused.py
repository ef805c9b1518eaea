"""The compiled loops do what the eager engine does: same moves, same random numbers, same decisions."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bayesbeam import noise
from bayesbeam.errors import SamplingError
from bayesbeam.models import registry
from bayesbeam.models.base import REAL, Component, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.trace import NotScalar, trace
from bayesbeam.sampling.engines import library, source, written
from bayesbeam.sampling.engines.base import Block, State, Tuned
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.testsystems.one_peak import nagata_target

pytest.importorskip("numba")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.sampling.engines import loops
from bayesbeam.sampling.engines.fused import FusedEngine
from both_engines import CHAINS, LADDER, assert_equal_runs, possible_or_not, run_both, target_of, tuned_for

COMPONENTS = registry.all_components()


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_every_component_moves_as_in_the_eager_engine(component: Component) -> None:
    assert_equal_runs(target_of([component, registry.get("constant")]))


def by_area(m: MathSpace, x: Value, position: Value, area: Value, sd: Value) -> Value:
    """Peak whose width is part of its height too, and whose height stands last."""
    return m.exp(-0.5 * m.square((x - position) / sd)) * (area / sd)


def test_a_move_of_the_size_alone_keeps_the_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    typical = {"position": (-2.0, 2.0), "area": (1.0, 9.0), "sd": (0.5, 2.0)}
    parameters = tuple(Parameter(n, "1", "normal(mean=0, sd=1)", REAL, n, ends) for n, ends in typical.items())
    component = Component("by_area", "peak by its area", parameters, by_area, False)
    assert source.only_size(component) == (False, True, False)
    assert source.only_size(registry.get("gaussian")) == (True, False, False)
    assert not any(source.only_size(registry.get("linear")))
    for shared in (False, True):
        assert_equal_runs(target_of([component, registry.get("gaussian")], shared=shared))
    monkeypatch.setattr(source, "only_size", lambda component: (False, True, True))
    with pytest.raises(AssertionError):
        assert_equal_runs(target_of([component]))


@pytest.mark.parametrize("model", noise.names())
def test_every_noise_model_moves_as_in_the_eager_engine(model: str) -> None:
    assert_equal_runs(target_of([registry.get("constant"), registry.get("gaussian")], model))


@pytest.mark.parametrize("model", ["normal", "normal_relative"])
def test_shared_parameters_move_as_in_the_eager_engine(model: str) -> None:
    assert_equal_runs(target_of([registry.get("gaussian"), registry.get("linear")], model, shared=True))


@pytest.mark.parametrize("shared", [False, True])
def test_tables_and_steps_of_every_chain_and_rung_move_as_in_the_eager_engine(shared: bool) -> None:
    target = target_of([registry.get("gaussian"), registry.get("linear")], shared=shared)
    assert_equal_runs(target, tuned_for(target, every_rung=True), levels=len(LADDER))


@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_rungs_of_one_beta_move_as_in_the_eager_engine_and_always_exchange(beta: float) -> None:
    """Impossible states hinder no exchange."""
    target = possible_or_not()
    tuned = tuned_for(target, torch.full((4,), beta, dtype=torch.float64))
    assert_equal_runs(target, tuned, levels=2)
    for _, block in run_both(target, tuned=tuned, levels=4):
        assert torch.equal(block.swap, torch.ones_like(block.swap))
        assert bool(torch.isneginf(block.log_likelihood).any()) == (beta == 0.0)


def test_a_planted_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case that these comparisons must catch: a step with another spread."""
    original = EagerEngine.advance

    def wider(self: EagerEngine, state: State, tuned: Tuned, *rest: Any) -> Block:
        return original(self, state, replace(tuned, scale=1.001 * tuned.scale), *rest)

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
    _, (one_state, one) = run_both(target)
    _, (many_state, many) = run_both(target, lambda target: FusedEngine(target, threads))
    assert torch.equal(one_state.theta, many_state.theta)
    assert torch.equal(one.log_likelihood, many.log_likelihood)


def growth(m: MathSpace, x: Value, level: Value) -> Value:
    """Curve that overflows for large levels: the state is then impossible, and no error."""
    return m.exp(level * x) * 1e200


def test_a_curve_that_overflows_is_an_impossible_state_also_where_rows_are_filled_up() -> None:
    level = Parameter("level", "y", "normal(mean=0, sd=1)", REAL, "height", (-100.0, 100.0))
    target = target_of([Component("growth", "growth", (level,), growth, False)])
    target = replace(target, x=target.x.abs() + 1.0)
    theta = torch.full((2, 1, 1, 1, 1), 90.0, dtype=torch.float64)
    assert bool(torch.isneginf(FusedEngine(target).start(theta).log_likelihood).all())


def test_a_recurrence_is_traced_in_a_time_of_its_length() -> None:
    """Each step takes the last two: compared step by step, sixty would take longer than there is."""

    def fibonacci(m: MathSpace, x: Value, level: Value) -> Value:
        last, one = level * x, level
        for _ in range(60):
            last, one = last + x * one, last
        return last

    assert trace(fibonacci, ["x"], ["level"]) is trace(fibonacci, ["x"], ["level"])
    component = Component("long", "long", (Parameter("level", "y", "normal(0, 1)", REAL, "level"),), fibonacci, False)
    assert source.only_size(component) == (False,)


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


def test_what_was_compiled_is_found_again() -> None:
    FusedEngine(nagata_target(1))
    module = library.compiled(source.component_source(registry.get("gaussian_precision"), noise.get("normal"), False))
    with library.cached_here():
        again = written.load(Path(str(module.__file__)))
    assert (again.move.cache_hits, again.row.cache_hits) == (1, 1)
    assert Path(loops.advance.stats.cache_path).is_relative_to(library.folder()), "keyed by all that is compiled"


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
