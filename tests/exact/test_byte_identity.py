"""Results do not depend on company: the same bytes alone, in any batch and order, and on any number of threads.

Bit for bit, on the CPU, for measurements of equal length. Tiny settings: nothing is asked of the numbers themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.sampling import ladders, offers
from bayesbeam.sampling.judgement import Assessment, assess
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from short_runs import shorten

TINY = Settings(seed=5, chains=10, max_sweeps=20)
POINTS = 37


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)


def peaks_target(which: Sequence[int], members: int, model: str, shared: frozenset[str] = frozenset()) -> SumTarget:
    """Two peaks of every kind of prior on a constant, for the chosen groups of simulated measurements."""
    x = torch.linspace(-2.0, 2.0, POINTS, dtype=torch.float64).expand(len(which), members, -1).clone()
    y = torch.empty_like(x)
    for row, number in enumerate(which):
        rng = np.random.default_rng(number)
        signal = np.exp(-0.5 * ((x[row].numpy() - 0.3 * number) / 0.3) ** 2) * (1.0 + number)
        y[row] = torch.from_numpy(
            rng.poisson(20.0 * signal + 5.0) if noise.get(model).counts else signal + rng.normal(0, 0.1, signal.shape)
        )
    size = 20.0 if noise.get(model).counts else 1.0

    def nested(family: str, **arguments: float) -> list[list[priors.Prior]]:
        return [[priors.make_prior(family, **arguments)] * members for _ in which]

    peak = {
        "amplitude": nested("gamma", shape=2.0, rate=2.0 / size),
        "position": nested("normal", mean=0.0, sd=1.0),
        "fwhm": nested("log_uniform", low=0.1, high=3.0),
        "mixing": nested("uniform", low=0.0, high=1.0),
    }
    parts = [
        Part("peaks", registry.get("pseudo_voigt"), 2, peak),
        Part("flat", registry.get("constant"), 1, {"level": nested("half_normal", sd=size)}),
    ]
    phi = {p.name: nested("log_uniform", low=0.1, high=10.0) for p in noise.get(model).parameters}
    base_sd = torch.full_like(x, 0.1)
    return sum_target(x, y, base_sd, torch.ones_like(x), parts, noise.get(model), phi, shared)


def sample(
    which: Sequence[int], settings: Settings = TINY, members: int = 1, model: str = "normal", **rest: frozenset[str]
) -> list[Run]:
    target = peaks_target(which, members, model, **rest)
    groups = [GroupName(f"group {number}", tuple(f"{number}/{d}" for d in range(members))) for number in which]
    return replica_exchange(target, groups, settings)


def assert_same(a: Run, b: Run) -> None:
    """Every number of two runs, to the last bit."""
    assert a.name == b.name
    for field in ("beta", "theta", "log_likelihood", "exchange_rate", "effective_draws", "rhat"):
        assert getattr(a, field).tobytes() == getattr(b, field).tobytes(), field
    assert (a.free_energy, a.estimators) == (b.free_energy, b.estimators)
    assert (a.sweeps, a.burn_in, a.round_trips, a.likelihood_rows) == (
        b.sweeps,
        b.burn_in,
        b.round_trips,
        b.likelihood_rows,
    )
    assert a.verdict == b.verdict


@pytest.mark.parametrize("model", noise.names())
def test_a_measurement_does_not_feel_its_batch_nor_its_place_in_it(model: str) -> None:
    alone = sample([1], model=model)[0]
    first, *_ = sample([1, 2, 3, 4], model=model)
    *_, last = sample([3, 2, 1], model=model)
    assert_same(alone, first)
    assert_same(alone, last)


@pytest.mark.parametrize("engine", ["eager", "cpu"])
def test_a_measurement_does_not_feel_its_batch_in_runs_of_full_size(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    full = replace(TINY, engine=engine, chains=4, max_sweeps=160)
    assert_same(sample([1], full)[0], sample([3, 2, 1], full)[-1])


def test_offers_do_not_depend_on_how_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    full = replace(TINY, chains=4, max_sweeps=60)
    many = sample([1, 2], full)
    monkeypatch.setattr(offers, "TOGETHER", 1)
    for one, other in zip(sample([1, 2], full), many, strict=True):
        assert_same(one, other)


def test_a_group_with_shared_parameters_does_not_feel_its_batch() -> None:
    shared = frozenset({"peaks.position", "peaks.fwhm"})
    alone = sample([2], members=2, shared=shared)[0]
    assert_same(alone, sample([1, 2], members=2, shared=shared)[1])


def test_a_group_does_not_feel_that_others_finish_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups stop by the error of their ladder alone, which some reach sooner; their ladders differ in length too."""

    def by_error_alone(target: SumTarget, settings: Settings, *rest: Any) -> Assessment:
        found = assess(target, settings, *rest)
        return replace(found, met=found.estimators["bar"].standard_error <= settings.target_standard_error)

    monkeypatch.setattr(ladders, "assess", by_error_alone)
    loose = replace(TINY, chains=6, max_sweeps=80, target_standard_error=0.5)
    together = sample([0, 1, 2, 3], loose)
    assert len({run.sweeps for run in together}) > 1
    assert len({len(run.beta) for run in together}) > 1
    for number in (0, 1, 2, 3):
        assert_same(sample([number], loose)[0], together[number])


def test_other_names_and_other_seeds_give_other_numbers() -> None:
    """The case that the comparison must detect."""
    one = sample([1])[0]
    other = sample([1], replace(TINY, seed=6))[0]
    assert one.theta.tobytes() != other.theta.tobytes()
    renamed = replica_exchange(peaks_target([1], 1, "normal"), [GroupName("group 1", ("another",))], TINY)[0]
    assert one.theta.tobytes() != renamed.theta.tobytes()
    with pytest.raises(AssertionError):
        assert_same(one, other)


def test_shared_parameters_stay_equal_in_all_members_to_the_last_bit() -> None:
    shared = frozenset({"peaks.position", "flat.level"})
    run = sample([1], members=3, shared=shared)[0]
    for slot in (1, 5, 8):
        assert np.array_equal(run.theta[:, 0, :, slot], run.theta[:, 1, :, slot])
        assert np.array_equal(run.theta[:, 0, :, slot], run.theta[:, 2, :, slot])
    assert not np.array_equal(run.theta[:, 0, :, 0], run.theta[:, 1, :, 0])


THREADS = """
import hashlib, sys, torch
torch.set_num_threads(int(sys.argv[1]))
from dataclasses import replace
sys.path.insert(0, sys.argv[2])
from test_byte_identity import TINY, sample, shorten
shorten()
run = sample([1, 2, 3, 4], replace(TINY, chains=12, max_sweeps=8))[2]
parts = [run.theta, run.log_likelihood, run.beta, run.exchange_rate, run.effective_draws, run.rhat]
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest(), run.free_energy)
"""


def test_the_number_of_threads_changes_nothing() -> None:
    """Chains enough that torch splits the work: its grain is 32768 numbers, the curves of one term have 35520."""
    folder = __file__.rpartition("/")[0]
    patient = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    answers = set()
    for threads in ("1", "2"):
        command = [sys.executable, "-c", THREADS, threads, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=patient)
        answers.add(done.stdout)
    assert len(answers) == 1
