"""Kernels for a GPU do what the eager engine does; here Triton's interpreter runs them, on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bayesbeam import noise
from bayesbeam.errors import ModelError, SamplingError
from bayesbeam.models import registry
from bayesbeam.models.base import REAL, Component, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.sampling.engines.base import Block, State, Tuned
from bayesbeam.sampling.engines.choose import Choice, choose, engine_for
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.targets.sum import SumTarget

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import triton
import triton.language as tl

from bayesbeam.sampling.engines import cuda, cuda_math, cuda_probe, cuda_source, cuda_tables
from both_engines import CHAINS, LADDER, assert_equal_runs, possible_or_not, run_both, target_of, tuned_for
from interpreted import CudaEngine

# Of doublets two, one with its own widths: the interpreter is slow, and a doublet's source is twice that of its line.
COMPONENTS = [c for c in registry.all_components() if "(" not in c.name or c.name.startswith("doublet(gaussian,")]
SWEEPS = 2


def assert_equal_moves(target: SumTarget, tuned: Tuned | None = None, levels: int = 1) -> None:
    """Few sweeps, for each takes the interpreter a second."""
    assert_equal_runs(target, tuned, levels, CudaEngine, SWEEPS)


# Those whose moves take the interpreter twenty seconds; their rows are compared below.
SLOW = ("moessbauer_voigt_sextet", "spline")


@pytest.mark.parametrize(
    "component",
    [pytest.param(one, id=one.name, marks=pytest.mark.nightly if one.name in SLOW else ()) for one in COMPONENTS],
)
def test_every_component_moves_as_in_the_eager_engine(component: Component) -> None:
    assert_equal_moves(target_of([component, registry.get("constant")]))


@pytest.mark.parametrize("model", noise.names())
def test_every_noise_model_moves_as_in_the_eager_engine(model: str) -> None:
    assert_equal_moves(target_of([registry.get("constant"), registry.get("gaussian")], model))


def test_shared_parameters_move_as_in_the_eager_engine() -> None:
    target = target_of([registry.get("gaussian"), registry.get("linear")], "normal_relative", shared=True)
    assert_equal_moves(target, tuned_for(target, every_rung=True), levels=len(LADDER))


@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_rungs_of_one_beta_move_as_in_the_eager_engine_and_always_exchange(beta: float) -> None:
    """Impossible states hinder no exchange."""
    target = possible_or_not()
    tuned = tuned_for(target, torch.full((4,), beta, dtype=torch.float64))
    assert_equal_moves(target, tuned, levels=2)
    _, (_, block) = run_both(target, CudaEngine, tuned, 4, SWEEPS)
    assert torch.equal(block.swap, torch.ones_like(block.swap))
    assert bool(torch.isneginf(block.log_likelihood).any()) == (beta == 0.0)


@pytest.mark.parametrize("planted", ["step", "uniform", "table", "exchange"])
def test_a_planted_difference_is_seen(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases that these comparisons must catch: other steps, random numbers, tables of jumps or ladders."""
    original = EagerEngine.advance

    def otherwise(
        self: EagerEngine, state: State, tuned: Tuned, keys: Any, first: int, sweeps: int, levels: int
    ) -> Block:
        changed = {
            "step": replace(tuned, scale=1.001 * tuned.scale),
            "table": replace(tuned, edges=tuned.edges + 1e-6),
            "exchange": replace(tuned, beta=1.2 * tuned.beta),
        }
        return original(self, state, changed.get(planted, tuned), keys, first + (planted == "uniform"), sweeps, levels)

    monkeypatch.setattr(EagerEngine, "advance", otherwise)
    with pytest.raises(AssertionError):
        assert_equal_moves(target_of([registry.get("gaussian")]))


def test_two_tiles_hold_a_curve_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """67 points in 64 and 32, or in 128; and a curve of 301 in 256 and 64."""
    target = target_of([registry.get("lorentzian")], axis=torch.linspace(-5.0, 5.0, 67, dtype=torch.float64))
    assert cuda.layout_of(67) == (64, 32, 1)
    assert_equal_moves(target)
    monkeypatch.setattr(cuda, "layout_of", lambda points: cuda_tables.Layout(128, 0, 1))
    assert_equal_moves(target)


@pytest.mark.parametrize("points", [1, 2, 31, 32, 33, 64, 67, 301, 512, 513, 1000, 1025, 2000, 4000, 5000, 8192])
def test_tiles_hold_all_points_and_few_others(points: int) -> None:
    layout = cuda.layout_of(points)
    assert layout.points >= points
    assert layout.points <= max(1.34 * points, 96)
    assert layout.left & (layout.left - 1) == 0
    assert layout.right & (layout.right - 1) == 0
    assert layout.left / (32 * layout.warps) <= (8 if layout.warps < 8 else 16)


def by_area(m: MathSpace, x: Value, position: Value, area: Value, sd: Value) -> Value:
    """Peak whose width is part of its height too, and whose height stands last."""
    return m.exp(-0.5 * m.square((x - position) / sd)) * (area / sd)


def test_a_move_of_the_size_alone_makes_the_curve_once(monkeypatch: pytest.MonkeyPatch) -> None:
    typical = {"position": (-2.0, 2.0), "area": (1.0, 9.0), "sd": (0.5, 2.0)}
    parameters = tuple(Parameter(n, "1", "normal(mean=0, sd=1)", REAL, n, ends) for n, ends in typical.items())
    component = Component("by_area", "peak by its area", parameters, by_area, False)
    assert "if (which & -3) == 0:" in cuda._source_of(target_of([component]))
    assert_equal_moves(target_of([component, registry.get("gaussian")]))
    monkeypatch.setattr(cuda_source, "only_size", lambda component: (False, True, True))
    with pytest.raises(AssertionError):
        assert_equal_moves(target_of([component]))


def growth(m: MathSpace, x: Value, level: Value) -> Value:
    """Curve that overflows for large levels."""
    return m.exp(level * x)


def test_after_an_infinite_sum_all_curves_are_added_anew() -> None:
    """At beta = 0 states become impossible and possible again."""
    level = Parameter("level", "y", "normal(mean=0, sd=1)", REAL, "height", (-200.0, 200.0))
    target = target_of([Component("growth", "growth", (level,), growth, False), registry.get("constant")])
    target = replace(target, x=target.x.abs() + 1.0)
    tuned = tuned_for(target, torch.zeros(len(LADDER), dtype=torch.float64))
    engine = CudaEngine(target)
    state = engine.start(target.from_uniform(torch.full((2, 2, 1, CHAINS, 4), 0.9, dtype=torch.float64)))
    assert bool(torch.isneginf(state.log_likelihood).all())
    keys = torch.ones(2, 1, 2, dtype=torch.int64), torch.arange(4).reshape(2, 2)
    block = engine.advance(state, replace(tuned, scale=500.0 * tuned.scale), keys, 0, 6)
    assert 0.1 < float(torch.isneginf(block.log_likelihood).double().mean()) < 0.9
    again = engine.start(state.theta)
    # Of what is small beside the largest finite curves rounding has left no digit.
    assert torch.equal(torch.isneginf(state.log_likelihood), torch.isneginf(again.log_likelihood))


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_rows_in_single_precision_are_those_of_the_eager_engine(component: Component) -> None:
    """Sums of curves to 1e-5 of the largest curve, log-likelihoods of 63 terms alike."""
    target = target_of([component], dtype=torch.float32)
    u = torch.rand(
        (len(target.slots), 2, 1, CHAINS, len(LADDER)),
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(4),
    ).clamp(1e-9, 1 - 1e-9)
    theta = target.from_uniform(u)
    engine = CudaEngine(target)
    state = engine.start(theta)
    pred = engine._room(state)
    engine._rebuild(state, pred)
    expected = EagerEngine(target).start(theta)
    rows = pred[..., : target.points]
    scale = expected.prediction.abs().amax(-1, keepdim=True)
    assert float(((rows - expected.prediction).abs() / scale).max()) < 1e-5
    torch.testing.assert_close(state.log_likelihood, expected.log_likelihood, rtol=1e-5, atol=1e-4)


def test_decisions_in_single_precision_are_those_of_the_eager_engine() -> None:
    """But where the log ratio is within rounding of the random number, which is counted: none in 768 decisions."""
    target = target_of([registry.get("gaussian"), registry.get("constant")], dtype=torch.float32)
    (eager_state, eager), (state, block) = run_both(target, CudaEngine, None, 1, 4)
    moved = eager_state.theta != state.theta
    assert int(((eager_state.theta - state.theta).abs() > 1e-6).sum()) == 0, f"{int(moved.sum())} differ at all"
    assert torch.equal(eager.places, block.places)
    torch.testing.assert_close(block.log_likelihood, eager.log_likelihood, rtol=1e-5, atol=1e-3)


def test_a_likelihood_that_is_no_number_is_an_error() -> None:
    def broken(m: MathSpace, x: Value, level: Value) -> Value:
        return m.sqrt(level) + 0.0 * x

    level = Parameter("level", "y", "normal(mean=0, sd=1)", REAL, "height", (0.001, 1.0))
    component = Component("broken", "broken", (level,), broken, False)
    target = target_of([replace(component, parameters=(replace(level, typical=(-1.0, 1.0)),))])
    theta = target.from_uniform(torch.full((1, 2, 1, CHAINS, 4), 0.52, dtype=torch.float64))
    engine = CudaEngine(target)
    keys = torch.ones(2, 1, 2, dtype=torch.int64), torch.ones(2, 2, dtype=torch.int64)
    with pytest.raises(ModelError, match="became nan while sampling"):
        engine.advance(engine.start(theta), tuned_for(target), keys, 0, 3)
    with pytest.raises(ModelError, match="is not a number"):
        engine.start(-theta)


# ---------------------------------------------------------------- functions
def applied(name: str, x: np.ndarray) -> np.ndarray:
    """A function of cuda_math on an array, in its own precision."""
    source = torch.from_numpy(x.copy())
    out = torch.empty_like(source)
    _apply[(1,)](source, out, x.size, getattr(cuda_math, name), triton.next_power_of_2(x.size))
    return out.numpy()


@triton.jit
def _apply(x, out, n, function: tl.constexpr, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    at = tl.arange(0, BLOCK)[None, :]
    value = tl.load(x + at, mask=at < n, other=1.0)
    tl.store(out + at, function(value), mask=at < n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("log", 1e-30, 1e30),
        ("log1p", -0.999, 50.0),
        ("expm1", -30.0, 30.0),
        ("tanh", -30.0, 30.0),
        ("atan", -50.0, 50.0),
    ],
)
def test_functions_are_those_of_numpy(name: str, low: float, high: float, dtype: type) -> None:
    """To 4 units in the last place, near zero too."""
    rng = np.random.default_rng(3)
    spread = rng.uniform(low, high, 600)
    small = rng.uniform(-1.0, 1.0, 200) * 10.0 ** rng.uniform(-8.0, 0.0, 200) * 0.9
    near = 1.0 + small if name == "log" else small
    x = np.concatenate([spread, near]).astype(dtype)
    expected = getattr(np, {"atan": "arctan"}.get(name, name))(x.astype(np.float64))
    found = applied(name, x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps, atol=0.0)


def test_functions_at_the_ends_of_their_ranges() -> None:
    x = np.array([0.0, -1.0, np.inf, np.nan, -2.0], dtype=np.float32)
    np.testing.assert_array_equal(applied("log", x), [-np.inf, np.nan, np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(applied("log1p", x), [0.0, -np.inf, np.inf, np.nan, np.nan])
    assert np.isnan(applied("tanh", x)[3])


# ---------------------------------------------------------------- where kernels do not run
GPU = torch.device("cuda")


class OnGpu:
    """What a target on a GPU says of its place."""

    device = GPU


def test_why_a_target_does_not_run_in_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    target = target_of([registry.get("gaussian")])
    assert cuda.why_not(target) == ""
    assert cuda.why_not(object()) == "the log-likelihood is not a sum of components"
    long = target_of([registry.get("gaussian")], axis=torch.linspace(0.0, 1.0, 8193, dtype=torch.float64))
    assert cuda.why_not(long) == "8193 points are more than the 8192 that a kernel holds"
    silent = replace(noise.get("normal"), point=None)
    assert cuda.why_not(replace(target, noise=silent)) == "noise normal has no scalar formula"

    def foreign(m: MathSpace, x: Value, level: Value) -> Value:
        return level * torch.sigmoid(x)

    level = Parameter("level", "y", "normal(mean=0, sd=1)", REAL, "height", (0.5, 1.5))
    odd = target_of([Component("odd", "odd", (level,), foreign, False)])
    assert "scalar operations" in cuda.why_not(odd) or "sigmoid" in cuda.why_not(odd)
    monkeypatch.setattr(cuda, "interpreted", lambda: False)
    assert cuda.why_not(target) == "the data are not on a GPU"
    with pytest.raises(SamplingError, match="cuda, but the data are not on a GPU"):
        engine_for(target, "cuda")


@pytest.fixture(autouse=True)
def probed_anew() -> Iterator[None]:
    """Forget what was found of a device."""
    cuda_probe.why_no_launch.cache_clear()
    yield
    cuda_probe.why_no_launch.cache_clear()


@pytest.mark.parametrize(("capability", "reason"), [((7, 0), "compute capability 7.0, below 7.5"), ((7, 5), "")])
def test_an_old_gpu_runs_batched_torch(
    capability: tuple[int, int], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda, "interpreted", lambda: False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(cuda_probe, "why_no_launch", lambda device: "")
    assert cuda.why_no_kernels(GPU).endswith(reason)
    assert bool(cuda.why_no_kernels(GPU)) == bool(reason)


def test_a_kernel_that_cannot_be_launched_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a C compiler, a kernel that does nothing, a folder that cannot be written."""

    class Broken:
        def __getitem__(self, grid: tuple[int, ...]) -> Any:
            def launch(out: torch.Tensor) -> None:
                raise RuntimeError("Failed to find C compiler. Please specify via CC environment variable.\nMore")

            return launch

    monkeypatch.setattr(cuda, "interpreted", lambda: False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    here = torch.device("cpu")
    assert cuda_probe.why_no_launch(here) == "", "the interpreter launches it"
    cuda_probe.why_no_launch.cache_clear()
    monkeypatch.setattr(cuda_probe, "_one", Broken())
    assert cuda_probe.why_no_launch(here).startswith("Triton cannot launch a kernel: Failed to find C compiler")
    cuda_probe.why_no_launch.cache_clear()
    monkeypatch.setattr(cuda_probe, "_one", {(1,): lambda out: None})
    assert cuda_probe.why_no_launch(here) == "a kernel on the GPU writes nothing"
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setattr(triton.knobs.cache, "dir", str(blocked / "cache"))
    cuda_probe._keep_compiled()
    assert Path(triton.knobs.cache.dir).is_dir()


def test_without_triton_a_gpu_runs_batched_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cuda.importlib.util.find_spec
    monkeypatch.setattr(cuda.importlib.util, "find_spec", lambda name: None if name == "triton" else found(name))
    target = target_of([registry.get("gaussian")])
    monkeypatch.setattr(SumTarget, "device", property(lambda self: GPU))
    assert choose(target) == Choice("eager", "triton is not installed")
    assert engine_for(target).name == "eager"


def test_a_triton_that_does_not_load_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> bool:
        raise ImportError("libtriton.so: undefined symbol\nMore")

    monkeypatch.setattr(cuda, "interpreted", broken)
    assert cuda.why_no_kernels(GPU) == "triton does not load: libtriton.so: undefined symbol"


def test_the_choice_follows_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    target = target_of([registry.get("gaussian")])
    assert choose(target, "cuda") == Choice("cuda", "")
    assert engine_for(target, "cuda").name == "cuda"
    assert choose(target).engine == ("cpu" if choose(target).reason == "" else "eager")
    assert choose(target, "eager") == Choice("eager", "it was asked for")
    monkeypatch.setattr(SumTarget, "device", property(lambda self: GPU))
    assert choose(target) == Choice("cuda", "")
