"""Parameters that follow from others: the same curves, draws and quantities as a model written without ties."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.models.base import REAL, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.exchangeable import log_orders, relabel
from bayesbeam.targets.parts import Common, Part, Tie
from bayesbeam.targets.predictive import predict
from bayesbeam.targets.quantities import Asked, tabulate
from bayesbeam.targets.sum import SumTarget, sum_target

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from both_engines import assert_equal_runs

GAUSSIAN, LINEAR = registry.get("gaussian"), registry.get("linear")
X = torch.linspace(700.0, 710.0, 67, dtype=torch.float64)
PRIORS = {"amplitude": (1.0, 8.0), "position": (702.0, 706.0), "sd": (0.3, 2.0), "gap": (1.0, 4.0), "ratio": (0.2, 1.5)}
BACKGROUND = {"level": (0.0, 1.0), "slope": (-0.2, 0.2), "pivot": (704.0, 706.0)}


def uniform(low: float, high: float, members: int = 1) -> list[list[priors.Prior]]:
    return [[priors.make_prior("uniform", low=low, high=high)] * members]


def common(name: str, unit: str, members: int = 1) -> Common:
    return Common(Parameter(name, unit, "", REAL, name), uniform(*PRIORS[name], members))


def tie(formula: Callable[..., Value], *names: str) -> Tie:
    words = [name.split(".") for name in names]
    return Tie(tuple((part, parameter) for part, parameter in words), formula)


LINES = {
    "position": tie(lambda m, a, gap: a + gap, "a.position", "common.gap"),
    "amplitude": tie(lambda m, a, ratio: a * ratio, "a.amplitude", "common.ratio"),
    "sd": tie(lambda m, a: a, "a.sd"),
}


def made(parts: list[Part], free: list[Common], shared: frozenset[str] = frozenset(), members: int = 1) -> SumTarget:
    """Two groups of data in which two lines can be seen."""
    curve = GAUSSIAN.forward(X, torch.tensor([5.0, 704.0, 0.8])) + GAUSSIAN.forward(X, torch.tensor([3.0, 706.0, 0.8]))
    scatter = torch.randn(2, members, len(X), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    parts = [replace(p, priors={name: nested * 2 for name, nested in p.priors.items()}) for p in parts]
    free = [replace(one, priors=list(one.priors) * 2) for one in free]
    x = X.expand_as(scatter).contiguous()
    ones = torch.ones_like(scatter)
    normal = noise.get("normal")
    return sum_target(
        x, curve + 0.3 * scatter, 0.3 * ones, ones, parts, normal, {}, shared,
        torch.float64, free,
    )  # fmt: skip


def peak(name: str, count: int = 1, members: int = 1, ties: dict[str, Tie] | None = None) -> Part:
    ties = ties or {}
    own = {n: uniform(*PRIORS[n], members) for n in GAUSSIAN.parameter_names if n not in ties}
    return Part(name, GAUSSIAN, count, own, ties)


def two_lines(ties: dict[str, Tie] | None = None, shared: frozenset[str] = frozenset(), members: int = 1) -> SumTarget:
    background = Part("background", LINEAR, 1, {n: uniform(*ends, members) for n, ends in BACKGROUND.items()})
    free = [common("gap", "x", members), common("ratio", "1", members)]
    second = peak("b", members=members, ties=LINES if ties is None else ties)
    return made([peak("a", members=members), background, second], free, shared, members)


def doublet() -> SumTarget:
    component = registry.get("doublet", of="gaussian")
    ends = {**PRIORS, "splitting": PRIORS["gap"]}
    one = Part("a", component, 1, {n: uniform(*ends[n]) for n in component.parameter_names})
    return made([one, Part("background", LINEAR, 1, {n: uniform(*e) for n, e in BACKGROUND.items()})], [])


def draws(target: SumTarget, count: int = 50) -> torch.Tensor:
    shape = (len(target.slots), target.groups, target.members, count, 1)
    u = torch.rand(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return target.from_uniform(torch.where(target.tied.reshape(-1, 1, 1, 1, 1), u[:, :, :1], u))


def test_two_tied_lines_are_a_doublet() -> None:
    tied, whole = two_lines(), doublet()
    assert [slot.name for slot in tied.slots] == [
        "a.amplitude", "a.position", "a.sd", "common.gap", "common.ratio",
        "background.level", "background.slope", "background.pivot",
    ]  # fmt: skip
    theta = draws(tied)
    one, other = (t.log_likelihood(t.rows(theta).sum(0), theta) for t in (tied, whole))
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-9)


def test_curves_are_told_apart_though_one_term_holds_them() -> None:
    target = two_lines()
    theta = draws(target)
    curves = target.curves(theta)
    assert len(target.terms) == 2
    assert [one.part for one in target.instances] == ["a", "background", "b"]
    torch.testing.assert_close(curves.sum(0), target.rows(theta).sum(0), rtol=1e-12, atol=1e-12)
    state = theta[0, 0, 0, 0]
    second = GAUSSIAN.forward(X, torch.stack([state[0] * state[4], state[1] + state[3], state[2]]))
    torch.testing.assert_close(curves[2, 0, 0, 0, 0], second, rtol=1e-9, atol=1e-12)
    one = predict(target.select(torch.tensor([0])), theta[0, 0, :, 0][:, None].numpy(), 0, torch.Generator())
    assert one.components.shape == (3, 3, len(X))


def test_places_on_the_axis_are_found_through_the_formulas() -> None:
    def locations(**ties: Tie) -> list[str]:
        term = next(t for t in two_lines({**LINES, **ties}).terms if t.part != "background")
        return [name.rsplit("_", 1)[0] for name in term.component.locations]

    assert locations() == ["position"]
    middle = tie(lambda m, a, gap: 2.0 * gap - a, "a.position", "common.gap")
    assert locations(position=middle) == ["position", "gap"]
    assert locations(position=tie(lambda m, a: 1.1 * a, "a.position")) == []
    assert locations(sd=tie(lambda m, a: 0.001 * a, "a.position")) == []


@pytest.mark.parametrize("shift", [True, False], ids=["on the axis", "not on the axis"])
def test_compiled_loops_move_tied_lines_as_the_eager_engine(shift: bool) -> None:
    pytest.importorskip("numba")
    other = {} if shift else {"sd": tie(lambda m, a: 0.001 * a, "a.position")}
    assert_equal_runs(two_lines({**LINES, **other}))


def test_compiled_loops_move_tied_lines_of_several_measurements() -> None:
    pytest.importorskip("numba")
    assert_equal_runs(two_lines(shared=frozenset({"common.gap", "a.sd"}), members=2))


def test_kernels_move_tied_lines_as_the_eager_engine() -> None:
    pytest.importorskip("triton")
    from interpreted import CudaEngine

    assert_equal_runs(two_lines(), other=CudaEngine, sweeps=2)


def test_a_tie_to_the_wrong_parameter_is_seen() -> None:
    theta = draws(two_lines())
    wrong = two_lines({**LINES, "sd": tie(lambda m, a: a, "common.ratio")})
    assert wrong.slots == two_lines().slots
    found = [t.log_likelihood(t.rows(theta).sum(0), theta) for t in (two_lines(), wrong)]
    assert not torch.allclose(*found)


def test_peaks_of_one_common_width_are_relabelled_with_what_is_their_own() -> None:
    width = {"sd": tie(lambda m, gap: 0.2 * gap, "common.gap")}
    target = made([peak("peaks", 3, ties=width)], [common("gap", "x")])
    assert [slot.name for slot in target.slots][:6] == ["peaks.amplitude", "peaks.position"] * 3
    assert target.slots[6].name == "common.gap"
    assert target.blocks == ((0, 1), (2, 3), (4, 5), (6,))
    assert log_orders(target) == pytest.approx(np.log(6.0))
    theta = np.array([[1.0, 705.0, 2.0, 703.0, 3.0, 704.0, 1.7]])
    assert relabel(target, theta)[0].tolist() == [2.0, 703.0, 3.0, 704.0, 1.0, 705.0, 1.7]
    names, values = tabulate(target, relabel(target, theta)[None])
    found = {(q.name, q.index): value for q, value in zip(names, values[0], strict=True)}
    assert found["peaks.sd", 2] == pytest.approx(0.34)
    assert found["peaks.area", 1] == pytest.approx(2.0 * 0.34 * np.sqrt(2.0 * np.pi))


def test_a_tie_to_a_parameter_of_the_same_instance() -> None:
    own = {"sd": tie(lambda m, a: 0.1 * a, "peaks.amplitude")}
    target = made([peak("peaks", 2, ties=own)], [])
    assert [slot.name for slot in target.slots] == ["peaks.amplitude", "peaks.position"] * 2
    assert len(target.terms) == 2
    theta = torch.tensor([4.0, 703.0, 6.0, 705.0], dtype=torch.float64)
    assert [one.parameters(theta)[2].item() for one in target.instances] == pytest.approx([0.4, 0.6])


def test_quantities_that_a_campaign_defines() -> None:
    def ratio(m: MathSpace, b: Value, a: Value) -> Value:
        return b / a

    target = two_lines()
    theta = draws(target)[0, 0, :, 0][:, None].numpy()
    asked = [
        Asked("ratio", "1", (("b.area", None), ("a.area", 1)), ratio),
        Asked("missing", "1", (("a.area", 2),), lambda m, a: a),
    ]
    names, values = tabulate(target, theta, asked)
    found = {(q.name, q.index): values[..., k] for k, q in enumerate(names)}
    np.testing.assert_allclose(found["ratio", None], theta[:, 0, 4], rtol=1e-12)
    assert ("missing", None) not in found
    assert next(q for q in names if q.name == "b.position").kind == "derived"


def test_free_energy_of_tied_lines_is_that_of_the_doublet() -> None:
    names = [GroupName(f"m{g}", (f"m{g}",)) for g in range(2)]
    settings = Settings(seed=3, target_standard_error=0.05)
    tied, whole = (replica_exchange(target, names, settings) for target in (two_lines(), doublet()))
    for one, other in zip(tied, whole, strict=True):
        error = np.hypot(one.free_energy.standard_error, other.free_energy.standard_error)
        assert abs(one.free_energy.value - other.free_energy.value) < 3.0 * error
        assert one.free_energy.standard_error <= 0.05
