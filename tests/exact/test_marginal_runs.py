"""Runs in which linear parameters are integrated out, against quadrature and against runs that sample everything.

Bounds as in test_sampler.py: three runs of one system under three names, each to the quantile of 1e-4, their mean to
3.5 standard errors; posterior means and standard deviations to 5 of their errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from bayesbeam import noise, priors
from bayesbeam.evidence.closed_form import known_noise
from bayesbeam.models import registry
from bayesbeam.sampling.known import known_runs
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets import marginal_linear
from bayesbeam.targets.exchangeable import relabel
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.marginalise import marginalised
from bayesbeam.targets.sum import Part, SlotPrior, SumTarget, sum_target
from bayesbeam.testsystems.one_peak import nagata_target

FloatArray = NDArray[np.float64]
COPIES = 3
SETTINGS = Settings(seed=21, target_standard_error=0.15, max_sweeps=260, engine="auto")
NAMES = [GroupName(f"run {k}", ("data",)) for k in range(COPIES)]
X = np.linspace(0.0, 3.0, 50)
LOW, HIGH, WIDTH, SD = 0.3, 2.7, 0.25, 0.2
AMPLITUDE, LEVEL = (0.8, 1.0), (0.0, 2.0)


def data() -> FloatArray:
    """A peak on a level, two standard deviations of the noise high: its place is not known well."""
    curve = 0.5 * np.exp(-0.5 * ((X - 1.3) / WIDTH) ** 2) + 0.3
    return curve + SD * np.random.default_rng(8).standard_normal(len(X))


def nested(family: str, **arguments: float) -> list[list[priors.Prior]]:
    return [[priors.make_prior(family, **arguments)]] * COPIES


def target_of(position: list[list[priors.Prior]], width: list[list[priors.Prior]], count: int, model: str) -> SumTarget:
    """Peaks on a level, heights and level with normal priors."""
    columns = [torch.from_numpy(one).expand(COPIES, 1, -1).clone() for one in (X, data(), np.full_like(X, SD))]
    height = nested("normal", mean=AMPLITUDE[0], sd=AMPLITUDE[1])
    level = nested("normal", mean=LEVEL[0], sd=LEVEL[1])
    parts = [
        Part("peak", registry.get("gaussian"), count, {"amplitude": height, "position": position, "sd": width}),
        Part("flat", registry.get("constant"), 1, {"level": level}),
    ]
    phi = {p.name: nested("log_uniform", low=0.5, high=2.0) for p in noise.get(model).parameters}
    return sum_target(columns[0], columns[1], columns[2], torch.ones_like(columns[0]), parts, noise.get(model), phi)


def peak_target(model: str = "normal") -> SumTarget:
    """One peak of known width."""
    return target_of(nested("uniform", low=LOW, high=HIGH), nested("fixed", value=WIDTH), 1, model)


def out_of(target: SumTarget, *names: str) -> MarginalTarget:
    return marginalised(target, [j for j, slot in enumerate(target.slots) if slot.parameter in names])


def quadrature(levels: Sequence[float]) -> tuple[float, FloatArray, FloatArray]:
    """F, and means and sds of amplitude, position, level and noise, by the midpoint rule over position and noise."""
    grid = LOW + (HIGH - LOW) * (np.arange(400) + 0.5) / 400
    mean, sd = np.array([AMPLITUDE[0], LEVEL[0]]), np.array([AMPLITUDE[1], LEVEL[1]])
    y, rows = data(), []
    for level in levels:
        for place in grid:
            design = np.stack([np.exp(-0.5 * ((X - place) / WIDTH) ** 2), np.ones_like(X)], -1)
            found = known_noise(design, y, SD * level, mean, sd)
            (a, b), (va, vb) = found.posterior.mean, found.posterior.sd**2
            rows.append((-found.free_energy, a, place, b, level, va, 0.0, vb, 0.0))
    table = np.array(rows)
    top = table[:, 0].max()
    weight = np.exp(table[:, 0] - top)
    free_energy = -(top + math.log(weight.mean()))
    weight /= weight.sum()
    centre = weight @ table[:, 1:5]
    return free_energy, centre, np.sqrt(weight @ (table[:, 5:] + (table[:, 1:5] - centre) ** 2))


def surprises(runs: list[Run], truth: float) -> float:
    """Largest ratio of an error of F to its bound."""
    worst = 0.0
    for run in runs:
        for one in (run.free_energy, run.estimators["stepping_stone_forward"]):
            bound = one.standard_error * float(stats.t(one.degrees_of_freedom).ppf(1 - 0.5e-4))
            worst = max(worst, abs(one.value - truth) / bound)
    error = math.sqrt(sum(run.free_energy.standard_error**2 for run in runs)) / len(runs)
    return max(worst, abs(float(np.mean([run.free_energy.value for run in runs])) - truth) / (3.5 * error))


def check_moments(runs: list[Run], slot: int, mean: float, sd: float) -> None:
    draws = np.concatenate([run.theta[:, 0, :, slot].ravel() for run in runs])
    effective = min(sum(float(np.nanmin(run.effective_draws)) for run in runs), draws.size)
    assert abs(draws.mean() - mean) < 5 * sd / math.sqrt(effective)
    assert abs(draws.std() - sd) < 5 * sd / math.sqrt(effective)


@pytest.mark.parametrize("model", ["normal", "normal_scaled"])
def test_free_energy_and_posterior_are_those_of_quadrature(model: str) -> None:
    levels = [1.0] if model == "normal" else 0.5 * 4.0 ** ((np.arange(30) + 0.5) / 30)
    truth, mean, sd = quadrature(levels)
    target = out_of(peak_target(model), "amplitude", "level")
    assert [slot.name for slot in target.slots if slot.part != "noise"] == ["peak.position", "peak.sd"]
    runs = replica_exchange(target, NAMES, SETTINGS)
    assert surprises(runs, truth) < 1.0
    slots = [0, 1, 3] + ([4] if model == "normal_scaled" else [])
    for k, slot in enumerate(slots):
        check_moments(runs, slot, float(mean[k]), float(sd[k]))


def test_a_missing_determinant_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = quadrature([1.0])[0]
    monkeypatch.setattr(marginal_linear, "log_diagonal", lambda factor: torch.zeros_like(factor[..., 0, 0]))
    settings = Settings(seed=21, target_standard_error=0.15, max_sweeps=100, engine="eager")
    runs = replica_exchange(out_of(peak_target(), "amplitude", "level"), NAMES, settings)
    assert surprises(runs, truth) > 3.0


def test_nothing_left_to_sample_is_the_closed_form() -> None:
    known = target_of(nested("fixed", value=1.3), nested("fixed", value=WIDTH), 1, "normal")
    target = out_of(known, "amplitude", "level")
    assert not target.moving
    design = np.stack([np.exp(-0.5 * ((X - 1.3) / WIDTH) ** 2), np.ones_like(X)], -1)
    exact = known_noise(design, data(), SD, [AMPLITUDE[0], LEVEL[0]], [AMPLITUDE[1], LEVEL[1]])
    run = known_runs(target, NAMES, SETTINGS)[0]
    assert run.free_energy.value == pytest.approx(exact.free_energy, rel=1e-12)
    draws = run.theta[:, 0].reshape(-1, 4)[:, [0, 3]]
    scores = (draws - exact.posterior.mean) @ np.linalg.inv(np.linalg.cholesky(exact.posterior.covariance)).T
    # 400 draws of two numbers: mean squares to 5 of their errors.
    assert abs((scores**2).mean() - 1.0) < 5 * math.sqrt(2.0 / scores.size)
    assert abs(scores.mean()) < 5 / math.sqrt(scores.size)


def spectrum_of_2012(count: int) -> SumTarget:
    """Peaks on the data of 2012, their heights with a normal prior."""
    target = nagata_target(count, COPIES, torch.float32)
    shape = (COPIES, 1, 1, 1)
    values = {n: torch.full(shape, v, dtype=torch.float64) for n, v in (("mean", 1.0), ("sd", 0.45))}
    height = SlotPrior(priors.get("normal"), values)
    own = zip(target.slots, target.priors, strict=True)
    return replace(target, priors=tuple(height if slot.parameter == "amplitude" else prior for slot, prior in own))


def faint_peaks() -> SumTarget:
    """Two exchangeable peaks on a level, of which one is hardly seen."""
    width = nested("log_uniform", low=0.1, high=0.5)
    return target_of(nested("uniform", low=LOW, high=HIGH), width, 2, "normal")


@pytest.mark.parametrize(
    "made", [faint_peaks, *(partial(spectrum_of_2012, count) for count in (1, 2, 3))], ids=["faint", "1", "2", "3"]
)
def test_exchangeable_peaks_have_the_free_energy_and_moments_of_sampling_everything(
    made: Callable[[], SumTarget],
) -> None:
    """Means and standard deviations of all parameters after relabelling, to 5 errors of their difference."""
    target = made()
    sampled, left = (replica_exchange(one, NAMES, SETTINGS) for one in (target, out_of(target, "amplitude", "level")))
    value = [[run.free_energy for run in runs] for runs in (sampled, left)]
    mean = [np.mean([one.value for one in some]) for some in value]
    error = math.sqrt(sum(one.standard_error**2 for some in value for one in some)) / COPIES
    assert abs(mean[0] - mean[1]) < 3.5 * error
    draws = [
        np.concatenate(
            [relabel(target, run.theta.transpose(0, 2, 1, 3)).reshape(-1, len(target.slots)) for run in runs]
        )
        for runs in (sampled, left)
    ]
    effective = [sum(float(np.nanmin(run.effective_draws)) for run in runs) for runs in (sampled, left)]
    for slot in target.moving:
        one, other = (some[:, slot] for some in draws)
        spread = math.sqrt(sum(some[:, slot].var() / n for some, n in zip(draws, effective, strict=True)))
        assert abs(one.mean() - other.mean()) < 5 * spread
        assert abs(one.std() - other.std()) < 5 * spread
