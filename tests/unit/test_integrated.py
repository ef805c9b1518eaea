"""Linear parameters integrated out by the compiled loops: what the eager engine does, and the closed form."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests import operator_cases
from tests.marginal_cases import CASES, exact, made, out_of, states

from bayesbeam import priors
from bayesbeam.errors import SamplingError
from bayesbeam.sampling.checkpoint import Interrupted, MemoryKeeper
from bayesbeam.sampling.engines.choose import Choice, choose
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets import marginal_linear
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.marginalise import marginalised
from bayesbeam.targets.parts import SlotPrior

pytest.importorskip("numba")
# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.sampling.engines.fused import FusedEngine
from bayesbeam.sampling.engines.reduction import LARGEST
from both_engines import assert_equal_runs, run_both, tuned_for
from short_runs import shorten


@pytest.mark.parametrize("case", CASES)
def test_moves_are_those_of_the_eager_engine(case: str) -> None:
    assert_equal_runs(out_of(CASES[case]()))


@pytest.mark.parametrize("case", ["shirley", "gaussian", "shirley of lorentzian"])
def test_heights_under_a_background_of_peaks_and_a_response_are_integrated_out(case: str) -> None:
    """The columns are then whole curves of peak and background through the response."""
    whole = operator_cases.made(operator_cases.parts_of(case))
    heights = [j for j, slot in enumerate(whole.slots) if slot.parameter == "amplitude"]
    values = {name: torch.full((2, 1, 1, 1), 2.0, dtype=torch.float64) for name in ("mean", "sd")}
    normal = SlotPrior(priors.get("normal"), values)
    own = tuple(normal if j in heights else prior for j, prior in enumerate(whole.priors))
    target = marginalised(replace(whole, priors=own), heights)
    assert target.lifted == (False,)
    theta = states(target, 1, 2)
    for engine in (FusedEngine(target), EagerEngine(target)):
        found = engine.start(theta).log_likelihood
        for g, d, c, r in np.ndindex(*found.shape):
            assert float(found[g, d, c, r]) == pytest.approx(exact(target, theta[g, d, c, r], g, d), rel=1e-9)


def test_steps_and_tables_of_every_rung_move_as_in_the_eager_engine() -> None:
    target = out_of(CASES["estimated level"]())
    assert_equal_runs(target, tuned_for(target, every_rung=True), levels=4)


def test_a_planted_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case that these comparisons must catch: a determinant that is a thousandth too small."""
    right = marginal_linear.log_diagonal
    monkeypatch.setattr(marginal_linear, "log_diagonal", lambda factor: 0.999 * right(factor))
    with pytest.raises(AssertionError):
        assert_equal_runs(out_of(CASES["background"]()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", ["peaks about means", "estimated level", "not all linear"])
def test_likelihood_is_that_of_the_closed_form(case: str, dtype: torch.dtype) -> None:
    target = out_of(replace(CASES[case](), dtype=dtype))
    theta = states(target)
    found = FusedEngine(target).start(theta).log_likelihood
    for g, d, c, r in np.ndindex(*found.shape):
        # Single rows are off by 1e-7 of curves of up to ten standard deviations.
        bound = {"rel": 1e-11} if dtype == torch.float64 else {"abs": 1e-3}
        assert float(found[g, d, c, r]) == pytest.approx(exact(target, theta[g, d, c, r], g, d), **bound)


def test_hardly_any_noise_loses_no_digits() -> None:
    """A sum of squares of 1e13 comes down to some dozens where the curve is right."""
    target = out_of(CASES["peaks about means"]())
    theta = states(target)
    whole = target.whole
    state = torch.zeros(2, 1, 1, 1, len(whole.slots), dtype=torch.float64)
    state[..., list(target.kept)] = theta[:, :, :1, :1]
    state[..., list(target.linear)] = 0.8
    curve = whole.rows(state).sum(0)
    noise = 1e-6 * torch.randn(curve.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight = whole.data.weight
    sd = torch.full_like(whole.data.y, 1e-6)
    data = whole.noise.prepare(torch.where(weight > 0, curve + noise, 0.0), sd, weight)
    target = replace(target, whole=replace(whole, data=data))
    for engine in (FusedEngine(target), EagerEngine(target)):
        found = engine.start(theta).log_likelihood
        for g in range(2):
            expected = exact(target, theta[g, 0, 0, 0], g, 0)
            assert expected > 400.0
            assert float(found[g, 0, 0, 0]) == pytest.approx(expected, abs=1e-6)


def test_the_number_of_threads_and_the_batch_change_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    target = out_of(CASES["peaks about means"]())
    _, (one_state, one) = run_both(target)
    _, (many_state, many) = run_both(target, lambda target: FusedEngine(target, 3))
    assert torch.equal(one_state.theta, many_state.theta)
    assert torch.equal(one.log_likelihood, many.log_likelihood)
    shorten(monkeypatch.setattr)
    names = [GroupName(f"group {k}", (f"member {k}",)) for k in range(2)]
    for engine in ("cpu", "eager"):
        settings = Settings(seed=5, chains=3, max_sweeps=10, engine=engine)
        both = replica_exchange(target, names, settings)
        for k in (1, 0):
            (alone,) = replica_exchange(target.select(torch.tensor([k])), [names[k]], settings)
            for field in ("theta", "log_likelihood", "beta", "effective_draws", "rhat"):
                assert getattr(alone, field).tobytes() == getattr(both[k], field).tobytes(), (engine, field)


@pytest.mark.parametrize("engine", ["cpu", "eager"])
def test_a_run_gone_on_with_has_the_same_draws(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are restored too."""
    shorten(monkeypatch.setattr)
    target = out_of(CASES["estimated level"]())
    names = [GroupName(f"group {k}", (f"member {k}",)) for k in range(2)]
    settings = Settings(seed=5, chains=3, max_sweeps=10, engine=engine)
    expected = replica_exchange(target, names, settings)
    keeper = MemoryKeeper(4)
    with pytest.raises(Interrupted):
        replica_exchange(target, names, settings, keeper=keeper)
    again = MemoryKeeper()
    again.last = keeper.last
    for one, other in zip(replica_exchange(target, names, settings, keeper=again), expected, strict=True):
        assert one.theta.shape[-1] == len(target.whole.slots)
        assert one.theta.tobytes() == other.theta.tobytes()
        assert one.free_energy == other.free_energy


def test_means_of_one_measurement_change_no_byte_of_another() -> None:
    """Of the first group all means are 0, of the second none: what is left out for the one is computed for both."""

    def mixed(groups: list[int]) -> MarginalTarget:
        target = out_of(made({"lines": ("gaussian", 2), "cubic": ("cubic", 1)}, mean=0.7))
        for j in target.linear:
            target.whole.priors[j].values["mean"][0] = 0.0
        return target.select(torch.tensor(groups))

    theta = states(mixed([0, 1]))
    together, alone = (FusedEngine(mixed(g)).start(theta[g]).log_likelihood for g in ([0, 1], [0]))
    assert torch.equal(together[:1], alone)


def test_the_cases_are_written_out_and_not() -> None:
    counts = {case: len(out_of(made_by()).linear) for case, made_by in CASES.items()}
    assert counts["many"] <= LARGEST < counts["more than are written out"]


def test_it_is_run_by_the_compiled_loops_where_formulas_allow() -> None:
    target = out_of(CASES["peaks"]())
    assert choose(target) == Choice("cpu", "")
    with pytest.raises(SamplingError, match="cuda, but linear parameters are integrated out"):
        choose(target, "cuda")
