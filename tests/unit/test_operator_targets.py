"""Candidates with backgrounds of peaks and responses: one target, on every engine that can, with curves told apart."""

from __future__ import annotations

import math
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bayesbeam import noise
from bayesbeam.config import load_campaign
from bayesbeam.models import registry
from bayesbeam.models.mathspace import TORCH
from bayesbeam.models.operators import registry as operators
from bayesbeam.noise.base import NoiseData
from bayesbeam.sampling.engines import source
from bayesbeam.sampling.engines.choose import choose, engine_for
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.parts import Tie
from bayesbeam.targets.predictive import predict
from bayesbeam.targets.sum import SumTarget, sum_target

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from both_engines import assert_equal_runs
from operator_cases import CASES, LINEAR, PEAK, SPLIT, X, made, part, parts_of


def stepped(groups: int = 2, ties: dict[str, Tie] | None = None) -> SumTarget:
    """Two exchangeable peaks, a straight line, and Shirley's background of the peaks."""
    return made(
        [
            part("line", PEAK, count=2, groups=groups, ties=ties),
            part("level", LINEAR, groups=groups),
            part("step", operators.get("shirley"), ("line",), groups=groups),
        ],
        groups,
    )


def draws(target: SumTarget, count: int = 30) -> Tensor:
    shape = (len(target.slots), target.groups, target.members, count, 1)
    return target.from_uniform(torch.rand(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64))


def test_peaks_and_their_background_are_one_term_and_all_else_terms_of_their_own() -> None:
    target = stepped()
    assert [(t.part, t.component.locations) for t in target.terms] == [
        ("line + step", ("position_1", "position_4")),
        ("level", ("pivot",)),
    ]
    assert [(s.name, s.index) for s in target.slots][:7] == [
        ("line.amplitude", 1), ("line.position", 1), ("line.sd", 1),
        ("line.amplitude", 2), ("line.position", 2), ("line.sd", 2), ("step.strength", None),
    ]  # fmt: skip


def test_curves_are_told_apart_and_add_up() -> None:
    target = stepped()
    theta = draws(target)
    curves = target.curves(theta)
    assert [one.part for one in target.shown] == ["line", "line", "level", "step"]
    torch.testing.assert_close(curves.sum(0), target.rows(theta).sum(0), rtol=1e-12, atol=1e-12)
    state = theta[0, 0, 3, 0]

    def peaks(x: Tensor) -> Tensor:
        return PEAK.forward(x, state[:3]) + PEAK.forward(x, state[3:6])

    torch.testing.assert_close(curves[0, 0, 0, 3, 0], PEAK.forward(X, state[:3]), rtol=1e-9, atol=1e-12)
    step = operators.get("shirley").formula(TORCH, X, X, peaks, state[6:7], state[7:8])
    torch.testing.assert_close(curves[3, 0, 0, 3, 0], step, rtol=1e-9, atol=1e-12)


def test_curves_without_a_place_on_the_axis_are_where_the_axis_is() -> None:
    """Beside what is computed about the middle of the axis; a factor of 1/x would be another curve there."""
    inverse = registry.get("inverse_x")
    target = made([
        part("line", PEAK), part("far", inverse, fixed={"level": 0.1, "inverse": 3.0}),
        part("step", operators.get("shirley"), ("line",)), part("blur", operators.get("gaussian_response"), ("far",)),
    ])  # fmt: skip
    theta = draws(target, 3)
    curves = target.curves(theta)
    torch.testing.assert_close(curves.sum(0), target.rows(theta).sum(0), rtol=1e-10, atol=1e-10)
    alone = made(
        [part("far", inverse, fixed={"level": 0.1, "inverse": 3.0}), part("step", operators.get("shirley"), ("far",))]
    )
    expected = inverse.forward(X, torch.tensor([0.1, 3.0], dtype=torch.float64))
    torch.testing.assert_close(alone.curves(draws(alone, 3))[0, 0, 0, 0, 0], expected, rtol=1e-12, atol=0.0)


def test_a_response_has_no_curve_and_its_parts_are_seen_through_it() -> None:
    """The background of peaks that are seen through a response is that of the smeared ones."""
    response = operators.get("gaussian_response")
    parts = [
        part("line", PEAK), part("sharp", registry.get("lorentzian")), part("level", LINEAR),
        part("blur", response, ("line", "sharp")), part("step", operators.get("tougaard"), ("line", "sharp")),
    ]  # fmt: skip
    target = made(parts)
    theta = draws(target)
    curves = target.curves(theta)
    assert [one.part for one in target.shown] == ["line", "sharp", "level", "step"]
    torch.testing.assert_close(curves.sum(0), target.rows(theta).sum(0), rtol=1e-10, atol=1e-10)
    state = theta[1, 0, 5, 0]
    by_name = {slot.name: state[j : j + 1] for j, slot in enumerate(target.slots)}

    def smeared(x: Tensor) -> Tensor:
        sharp = registry.get("lorentzian")
        return response.formula(
            TORCH, x, x, lambda u: PEAK.forward(u, state[:3]) + sharp.forward(u, state[3:6]), by_name["blur.fwhm"]
        )

    own = [by_name[f"step.{name}"] for name in ("strength", "centre", "side")]
    exact = operators.get("tougaard").formula(TORCH, X, X, smeared, *own)
    torch.testing.assert_close(curves[3, 1, 0, 5, 0], exact, rtol=0, atol=3e-6 * float(exact.max()))
    one = predict(target.select(torch.tensor([0])), theta[0, 0, :, 0][:, None].numpy(), 0, torch.Generator())
    assert one.components.shape == (4, 3, len(X))


def test_rows_do_not_depend_on_what_else_is_in_the_batch() -> None:
    both, alone = stepped(2), stepped(1)
    theta = draws(both)
    first = both.select(torch.tensor([0]))
    assert torch.equal(both.rows(theta)[:, :1], first.rows(theta[:1]))
    assert torch.equal(first.rows(theta[:1]), alone.rows(theta[:1]))


def test_ties_reach_into_what_a_background_is_computed_from() -> None:
    narrow = Tie((("step", "strength"),), lambda m, k: 2.0 * k)
    target = stepped(ties={"sd": narrow})
    assert [slot.name for slot in target.slots][:5] == [
        "line.amplitude", "line.position", "line.amplitude", "line.position", "step.strength",
    ]  # fmt: skip
    theta = draws(target)
    torch.testing.assert_close(target.curves(theta).sum(0), target.rows(theta).sum(0), rtol=1e-12, atol=1e-12)


def test_engines_are_chosen_by_what_is_there() -> None:
    pytest.importorskip("numba")
    assert choose(stepped()).engine == "cpu"
    for case in CASES:
        assert choose(made(parts_of(case))) == ("cpu", "")
    own = replace(SPLIT, tensors_only=True, formula=lambda m, x, *theta: torch.relu(SPLIT.formula(m, x, *theta)))
    blurred = choose(made([part("line", own), part("blur", operators.get("gaussian_response"), ("line",))]))
    assert blurred.engine == "eager"
    assert "relu" in blurred.reason


@pytest.mark.parametrize("case", CASES)
def test_compiled_operators_move_as_the_eager_engine(case: str) -> None:
    """13 points, uneven, that are filled up to a whole block, on a falling axis."""
    pytest.importorskip("numba")
    axis = torch.cat([torch.linspace(17.0, 14.0, 5), torch.linspace(13.5, 7.0, 8)]).to(torch.float64)
    assert_equal_runs(made(parts_of(case), axis=axis))


@pytest.mark.parametrize(
    ("case", "line", "wrong"),
    [
        ("shirley", "/ 6.0", "/ 6.001"), ("tougaard", "row0[int(", "row1[int("), ("measured", "TABLE1[", "TABLE0["),
        ("lorentzian", "places = 1.0", "places = 2.0"),
    ],
)  # fmt: skip
def test_a_planted_mistake_in_what_is_computed_ahead_is_seen(
    case: str, line: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    target = made(parts_of(case), axis=torch.linspace(7.0, 17.0, 21, dtype=torch.float64))
    right = source.component_source(target.terms[0].component, target.noise, False)
    assert line in right
    monkeypatch.setattr(source, "component_source", lambda *_: right.replace(line, wrong))
    with pytest.raises(AssertionError):
        assert_equal_runs(target)


@pytest.mark.parametrize("case", CASES)
def test_compiled_operators_are_right_in_single_precision(case: str) -> None:
    """Against the eager engine in double precision; padded to whole blocks, and filled up to a longer neighbour."""
    pytest.importorskip("numba")
    target = made(parts_of(case), axis=torch.linspace(7.0, 17.0, 41, dtype=torch.float64))
    theta = draws(target, 6).reshape(2, 1, 6, 1, -1)
    exact = target.log_likelihood(target.rows(theta).sum(0), theta)
    found = engine_for(replace(target, dtype=torch.float32), "cpu").start(theta).log_likelihood
    torch.testing.assert_close(found, exact, rtol=2e-6, atol=2e-3)


@pytest.mark.parametrize("case", CASES)
def test_points_that_fill_up_a_batch_change_nothing(case: str) -> None:
    """Of two members of other lengths the shorter is filled up with its last place."""
    axis = torch.linspace(7.0, 17.0, 21, dtype=torch.float64)
    target = made(parts_of(case), axis=axis)
    longer = made(parts_of(case), axis=torch.cat([axis, axis[-1:].expand(9)]))
    theta = draws(target, 5)
    torch.testing.assert_close(longer.rows(theta)[..., :21], target.rows(theta), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("falling", [False, True], ids=["rising axis", "falling axis"])
def test_compiled_running_integrals_move_as_the_eager_engine(side: float, falling: bool) -> None:
    """On any axis, and through a response; 81 points are filled up to whole blocks."""
    pytest.importorskip("numba")
    parts = [
        part("line", PEAK), part("sharp", registry.get("lorentzian")), part("level", LINEAR),
        part("blur", operators.get("gaussian_response"), ("sharp",)),
        part("step", operators.get("shirley"), ("line", "sharp"), fixed={"side": side}),
        part("other", operators.get("shirley"), ("line",), fixed={"side": -side}),
    ]  # fmt: skip
    target = made(parts)
    if falling:
        turned = {f.name: getattr(target.data, f.name).flip(-1) for f in fields(target.data)}
        target = replace(target, x=target.x.flip(-1), data=NoiseData(**turned))
    assert_equal_runs(target)


def test_compiled_running_integrals_are_right_in_single_precision() -> None:
    """Against the eager engine in double precision: 2e-3 of a log-likelihood of some thousands."""
    pytest.importorskip("numba")
    target = stepped()
    theta = draws(target, 6).reshape(2, 1, 6, 1, -1)
    exact = target.log_likelihood(target.rows(theta).sum(0), theta)
    found = engine_for(replace(target, dtype=torch.float32), "cpu").start(theta).log_likelihood
    torch.testing.assert_close(found, exact, rtol=1e-6, atol=2e-3)
    padded = engine_for(target, "cpu").start(theta).log_likelihood
    torch.testing.assert_close(padded, exact, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("name", ["gaussian_response", "lorentzian_response", "voigt_response"])
def test_responses_in_closed_form_are_compiled(name: str) -> None:
    pytest.importorskip("numba")
    parts = [part("line", PEAK, count=2), part("level", LINEAR), part("blur", operators.get(name), ("line",))]
    target = made(parts)
    assert choose(target).engine == "cpu"
    assert_equal_runs(target)


def test_a_run_finds_peaks_and_background_that_data_were_made_from() -> None:
    """Noise 0.05, so z-scores of four parameters: beyond 4 once in 4000 runs; three seeds were run."""
    truth = {"line.amplitude": 6.0, "line.position": 11.3, "line.sd": 0.6, "step.strength": 0.12, "flat.level": 0.4}
    own = {name: torch.tensor([value], dtype=torch.float64) for name, value in truth.items()}
    clean = operators.get("shirley").formula(
        TORCH, X, X, lambda u: PEAK.formula(TORCH, u, own["line.amplitude"], own["line.position"], own["line.sd"]),
        own["step.strength"], torch.ones(1, dtype=torch.float64),
    )  # fmt: skip
    clean = clean + PEAK.formula(TORCH, X, own["line.amplitude"], own["line.position"], own["line.sd"]) + 0.4
    scatter = torch.randn(len(X), generator=torch.Generator().manual_seed(11), dtype=torch.float64)
    y = (clean + 0.05 * scatter).reshape(1, 1, -1)
    ones = torch.ones_like(y)
    parts = [
        part("line", PEAK, groups=1), part("flat", registry.get("constant"), groups=1),
        part("step", operators.get("shirley"), ("line",), groups=1),
    ]  # fmt: skip
    target = sum_target(X.reshape(1, 1, -1), y, 0.05 * ones, ones, parts, noise.get("normal"), {})
    settings = Settings(target_standard_error=0.3, chains=4, seed=5)
    (run,) = replica_exchange(target, [GroupName("m", "c")], settings)
    assert run.verdict.word == "reliable", run.verdict.reasons
    states = run.theta.reshape(-1, len(target.slots))
    for j, slot in enumerate(target.slots):
        if slot.name in truth:
            values = np.asarray(states[:, j])
            assert abs(values.mean() - truth[slot.name]) < 4.0 * values.std(), slot.name


SIMULATED = """\
campaign: sim
simulate:
  name: s
  candidate: c
  truth: {line.amplitude: [5, 3], line.position: [4.5, 6], line.sd: [0.5, 0.4], blur.fwhm: 0.6, level.level: 1,
          step.strength: 0.2}
  axis: {start: 0, stop: 10, points: 101}
  noise_levels: [0.1]
  replicates: 1
candidates:
  c:
    parts:
      - {name: line, component: gaussian, count: 1..2, priors: {amplitude: half_normal(5), position: 'uniform(3, 7)'}}
      - {name: level, component: constant, priors: {level: half_normal(1)}}
      - {name: step, component: shirley, acts_on: [line], priors: {strength: half_normal(0.3)}}
      - {name: blur, component: gaussian_response, acts_on: [line], priors: {fwhm: half_normal(1)}}
    noise: {sigma: 0.1}
"""


def test_spectra_are_simulated_with_backgrounds_and_responses(tmp_path: Path) -> None:
    (tmp_path / "campaign.yaml").write_text(SIMULATED, encoding="utf-8")
    (truth,) = load_campaign(tmp_path).truths.values()
    x = torch.linspace(0.0, 10.0, 101, dtype=torch.float64)
    blur = 0.6 / math.sqrt(8.0 * math.log(2.0))

    def peaks(u: Tensor) -> Tensor:
        total = torch.zeros_like(u)
        for a, p, s in ((5.0, 4.5, 0.5), (3.0, 6.0, 0.4)):
            wide = math.hypot(s, blur)
            total = total + a * s / wide * torch.exp(-0.5 * ((u - p) / wide) ** 2)
        return total

    side = torch.ones(1, dtype=torch.float64)
    exact = 1.0 + peaks(x) + operators.get("shirley").formula(TORCH, x, x, peaks, 0.2 * side, side)
    np.testing.assert_allclose(truth.curve(x.numpy()), exact.numpy(), rtol=1e-12)
