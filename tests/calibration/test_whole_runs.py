"""Free energies of whole runs are as far from the truth as their stated errors say; stopping at a target included.

z = (F - truth) / error of independent runs, mapped through Student's t with the stated degrees of freedom to a standard
normal number. Bounds of 1200 runs, 400 on each of three seeds: mean within 0.15, spread 0.90 to 1.11, coverage of 95 %
intervals 0.917 to 0.983, 5 of their own errors. Of 400 runs, where they are 3 errors wide, one seed in six would be
beyond that of the mean: it is about -0.1 on systems of which F is known to 0.004 nats. Of 60 runs, at 3.9 of their
errors: mean within 0.50, spread 0.64 to 1.36, at least 50 within: 4e-4 a system. Tried on seed 1.

Every system, for the quoted F and for every estimator: |z| below 3, mapped in the same way, or the verdict "not
reliable": 2.7e-3 a number. Of ten runs of each system the nightly form asks that there be no more beyond 3 than chance
allows: at most one of ten, 3e-4 a number, 5 estimates of 20 systems: 3 %. Only ``smc`` may be without an error, where
it lags: by chance 3 % of runs, so at most three of ten (1.5e-4 a system), but on the funnel, where it does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bayesbeam import testsystems
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.sampling import judgement, ladders
from bayesbeam.sampling.judgement import Assessment, assess
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.base import Target
from bayesbeam.testsystems.one_peak import nagata_target, one_peak

FloatArray = NDArray[np.float64]

SETTINGS = Settings(seed=1, target_standard_error=0.15, engine="auto")
ONE_PEAK = "2012, one peak"
# One that is linear, one of the problem of 2012, one of counts; then mirror modes and far modes.
JUDGED = ["linear_gaussian_2", ONE_PEAK, "poisson_gamma", "two_peaks", "two_modes_10"]
LONG, SHORT = 1200, 60
SEEDS = (1, 2, 3)


def system(name: str, runs: int) -> tuple[Target, float]:
    """Target of so many runs, and the free energy of each."""
    if name == ONE_PEAK:
        return nagata_target(1, runs), one_peak().free_energy
    known = testsystems.get(name)
    return known.target(runs), known.free_energy()


def whole_runs(name: str, runs: int, settings: Settings = SETTINGS) -> tuple[list[Run], float]:
    """Independent runs of a system, and its free energy."""
    target, truth = system(name, runs)
    return replica_exchange(target, [GroupName(f"run {k}", ("data",)) for k in range(runs)], settings), truth


def normal_score(found: FreeEnergy, truth: float) -> float:
    """Distance to the truth in stated errors, as a standard normal number."""
    law = stats.t(found.degrees_of_freedom)
    z = (found.value - truth) / found.standard_error
    # The smaller tail, for the larger one is 1 to rounding where z is far.
    return float(np.sign(z) * stats.norm.isf(law.sf(abs(z))))


def scores(name: str, runs: int, settings: Settings = SETTINGS) -> FloatArray:
    """Scores of the quoted F of independent runs that are called reliable: here that is all of them."""
    made, truth = whole_runs(name, runs, settings)
    assert all(run.verdict.reliable for run in made)
    return np.array([normal_score(run.free_energy, truth) for run in made])


def calibrated(score: FloatArray) -> bool:
    """Whether mean, spread and coverage are within the bounds for that many runs."""
    mean, spread, within = abs(score.mean()), score.std(ddof=1), int((abs(score) < stats.norm.ppf(0.975)).sum())
    if len(score) == LONG:
        return bool(mean <= 0.15 and 0.90 <= spread <= 1.11 and 0.917 <= within / LONG <= 0.983)
    return bool(mean <= 0.50 and 0.64 <= spread <= 1.36 and within >= 50)


@pytest.mark.parametrize("name", ["linear_gaussian_2", "poisson_gamma", "two_peaks"])
def test_errors_of_sixty_whole_runs_are_calibrated(name: str) -> None:
    assert calibrated(scores(name, SHORT))


@pytest.mark.nightly
@pytest.mark.parametrize("name", JUDGED)
def test_errors_of_many_whole_runs_are_calibrated(name: str) -> None:
    parts = [scores(name, LONG // len(SEEDS), replace(SETTINGS, seed=seed)) for seed in SEEDS]
    assert calibrated(np.concatenate(parts))


def wrong(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors as if each chain counted for more, or values that are off by less than one error."""

    def changed(*arguments: object) -> Assessment:
        found = assess(*arguments)  # type: ignore[arg-type]
        old = found.free_energy
        if mistake == "error":
            return replace(found, free_energy=replace(old, standard_error=0.6 * old.standard_error))
        return replace(found, free_energy=replace(old, value=old.value + 0.95 * old.standard_error))

    monkeypatch.setattr(ladders, "assess", changed)


@pytest.mark.parametrize("mistake", ["error", "value"])
def test_wrong_errors_and_wrong_values_are_caught(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(mistake, monkeypatch)
    assert not calibrated(scores("linear_gaussian_2", SHORT))


def beyond(name: str, runs: int) -> dict[str, int]:
    """Runs called reliable that are beyond 3, for the quoted F and for every estimator; ``no error`` of ``smc``."""
    made, truth = whole_runs(name, runs, replace(SETTINGS, max_sweeps=3000))
    found = dict.fromkeys(["quoted", *made[0].estimators, "no error"], 0)
    for run in made:
        for key, one in {"quoted": run.free_energy, **run.estimators}.items():
            if key == "smc" and np.isnan(one.standard_error):
                found["no error"] += 1
            else:
                found[key] += run.verdict.reliable and not abs(normal_score(one, truth)) <= 3.0
    return found


@pytest.mark.parametrize("name", ["gaussian_shells", "eggbox"])
def test_every_estimate_of_a_few_systems(name: str) -> None:
    assert set(beyond(name, 1).values()) == {0}


# Narrow spikes have limits that test_spike_and_slab states.
WITHIN_LIMITS = [name for name in testsystems.names() if name not in {f"spike_and_slab_1e-{k}" for k in (4, 5, 6)}]


@pytest.mark.nightly
@pytest.mark.parametrize("name", WITHIN_LIMITS)
def test_every_estimate_of_every_system(name: str) -> None:
    found = beyond(name, 10)
    assert found.pop("no error") <= (10 if name == "funnel" else 3)
    assert max(found.values()) <= 1


@pytest.mark.nightly
def test_an_error_of_populations_that_lag_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing were known of the lag: 4 of 60 runs are beyond 3, where none is of those with an error."""
    monkeypatch.setattr(judgement, "lagging", lambda smc, exchange: False)
    assert beyond("funnel", 60)["smc"] >= 2
