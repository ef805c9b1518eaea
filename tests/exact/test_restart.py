"""A run that is interrupted between any two blocks of sweeps, and gone on with, is the undisturbed run to the last bit.

Three groups whose ladders differ in length, of which some are tuned for longer and some stop later. What is saved goes
through JSON and contiguous copies, as through a file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.errors import BayesbeamError
from bayesbeam.sampling import ladders
from bayesbeam.sampling import run as run_module
from bayesbeam.sampling.checkpoint import Interrupted, MemoryKeeper, Saved
from bayesbeam.sampling.groups import GroupName
from bayesbeam.sampling.judgement import Assessment, assess
from bayesbeam.sampling.ladders import Ladders
from bayesbeam.sampling.plain import put_together, take_apart
from bayesbeam.sampling.populations import Populations
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import Work, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.sum import SumTarget
from bayesbeam.testsystems.linear_gaussian import linear_gaussian, linear_target
from short_runs import shorten

SETTINGS = Settings(seed=5, chains=4, max_sweeps=26, draws=8, target_standard_error=0.12)
NAMES = [GroupName(f"group {k}", (f"{k}",)) for k in range(3)]
SYSTEMS = [linear_gaussian(torch.Generator().manual_seed(k), points=6, noise_sd=sd) for k, sd in enumerate((9, 0.2, 2))]


def make_short(patch: pytest.MonkeyPatch) -> None:
    """Make runs short, with gaps in some of the ladders only, and with several blocks from check to check."""
    shorten(patch.setattr)
    patch.setattr(ladders, "LARGEST_REJECTION", 0.45)
    patch.setattr(ladders, "BLOCK", 4)
    patch.setattr(ladders, "assess", by_error_alone)


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    make_short(monkeypatch)


def by_error_alone(target: SumTarget, settings: Settings, *rest: Any) -> Assessment:
    found = assess(target, settings, *rest)
    return replace(found, met=found.estimators["bar"].standard_error <= settings.target_standard_error)


class StrictKeeper(MemoryKeeper):
    """Keeps what a file would keep, of every save."""

    def __init__(self, stop_after: int | None = None, last: Saved | None = None) -> None:
        super().__init__(stop_after)
        self.last = last
        self.all: list[Saved] = []

    def save(self, saved: Saved) -> None:
        arrays = {name: np.array(values, order="C") for name, values in saved.arrays.items()}
        super().save(Saved(arrays, json.loads(json.dumps(saved.facts))))
        assert self.last is not None
        self.all.append(self.last)


def sample(engine: str, keeper: MemoryKeeper | None = None) -> list[Run]:
    return replica_exchange(linear_target(SYSTEMS), NAMES, replace(SETTINGS, engine=engine), keeper=keeper)


def content(run: Run) -> list[tuple[str, Any]]:
    """All of a run, arrays as bytes."""
    values = ((field.name, getattr(run, field.name)) for field in fields(run))
    return [(name, value.tobytes() if isinstance(value, np.ndarray) else repr(value)) for name, value in values]


def assert_same(found: list[Run], expected: list[Run]) -> None:
    for one, other in zip(found, expected, strict=True):
        for (name, value), (_, wanted) in zip(content(one), content(other), strict=True):
            assert value == wanted, f"{one.name}: {name}"


Undisturbed = tuple[list[Run], list[Saved]]


def undisturbed(engine: str) -> Undisturbed:
    """Return a run that saves after every block, and all that it saved."""
    keeper = StrictKeeper()
    return sample(engine, keeper), keeper.all


@pytest.fixture(scope="module")
def saved_once() -> Undisturbed:
    """Return such a run of the compiled engine, made once."""
    with pytest.MonkeyPatch.context() as patch:
        make_short(patch)
        return undisturbed("cpu")


@pytest.mark.parametrize("engine", ["eager", "cpu"])
def test_a_run_stopped_after_every_block_is_the_undisturbed_run(engine: str) -> None:
    expected, saves = undisturbed(engine)
    assert_same(sample(engine), expected)
    last: Saved | None = None
    for number in range(len(saves) - 1):
        keeper = StrictKeeper(1, last)
        with pytest.raises(Interrupted):
            sample(engine, keeper)
        assert keeper.saves == 2, "one at its beginning, and one a block later"
        last = keeper.last
        assert last is not None
        assert last.facts == saves[number + 1].facts
    assert_same(sample(engine, StrictKeeper(None, last)), expected)


def test_a_run_gone_on_with_from_a_block_in_the_middle_is_the_undisturbed_run(saved_once: Undisturbed) -> None:
    expected, saves = saved_once
    for number in range(3, len(saves), 5):
        keeper = MemoryKeeper(number)
        with pytest.raises(Interrupted):
            sample("cpu", keeper)
        assert_same(sample("cpu", StrictKeeper(None, keeper.last)), expected)


def test_the_run_has_all_that_a_restart_may_break(saved_once: Undisturbed) -> None:
    expected, saves = saved_once
    states = [restored(saved) for saved in saves]
    assert len({len(run.beta) for run in expected}) > 1, "ladders of different lengths"
    assert len({run.sweeps for run in expected}) > 1, "groups that stop at different times"
    assert any(len(state.arrived) in (1, 2) for state in states), "some climb while others have arrived"
    assert any(one.tuning > ladders.TUNING for state in states for one in state.ladders), "a second round of tuning"
    assert any(one.trace.thin > 1 for state in states for one in state.ladders), "thinned draws"


def restored(saved: Saved) -> Work:
    work: Work = put_together(saved, run_module._KINDS)
    return work


def climbing(work: Work) -> Populations | None:
    """Populations on their way."""
    return work.populations


def tuning(work: Work) -> Ladders | None:
    """Ladders in their first round of tuning."""
    return next((one for one in work.ladders if one.tuning == ladders.TUNING), None)


def tuning_again(work: Work) -> Ladders | None:
    """Ladders in their second round of tuning."""
    return next((one for one in work.ladders if one.tuning > ladders.TUNING), None)


def sampling(work: Work) -> Ladders | None:
    """Ladders that are frozen."""
    return next((one for one in work.ladders if not one.tuning), None)


# What moves, and in which phase it is forgotten.
FORGOTTEN = [
    *((climbing, name) for name in ("block", "states", "beta", "edges", "steps", "climbs", "began", "blocks", "seen")),
    *((tuning, name) for name in ("state", "steps", "clock", "rates")),
    *((tuning_again, name) for name in ("state", "steps", "clock")),
    *(
        (sampling, name)
        for name in ("state", "references", "trips", "trace", "clock", "until", "checks", "due", "again")
    ),
]


@pytest.mark.parametrize(("phase", "name"), FORGOTTEN, ids=lambda value: getattr(value, "__name__", value))
def test_anything_forgotten_is_noticed(phase: Callable[[Work], Any], name: str, saved_once: Undisturbed) -> None:
    """Gone on with from a block of a phase, but with one thing as it was at its beginning: the runs differ."""
    expected, saves = saved_once
    works = [state for state in map(restored, saves) if phase(state)]
    last = phase(works[-1])
    works = [state for state in works if torch.equal(phase(state).groups.numbers, last.groups.numbers)]
    old = getattr(phase(works[0]), name)
    assert any(differs(work, phase(work), name, old, expected) for work in works[:0:-1])


def differs(work: Work, part: Any, name: str, old: Any, expected: list[Run]) -> bool:
    """Whether a run that goes on with an old value is another one, or cannot go on."""
    setattr(part, name, old)
    try:
        assert_same(sample("cpu", StrictKeeper(None, take_apart(work))), expected)
    except (AssertionError, RuntimeError, IndexError, ValueError, BayesbeamError):
        return True
    return False
