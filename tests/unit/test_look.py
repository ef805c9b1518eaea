"""When F of a group is worked out: where its chains have enough draws and agree, or when long silent."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bayesbeam.sampling import ladders
from bayesbeam.sampling.judgement import Look
from bayesbeam.sampling.settings import Settings

SETTINGS = Settings(seed=1, max_sweeps=1000)
GOOD = Look(np.zeros((10, 2, 3)), 1, np.zeros((9, 1, 2, 1)), np.array([150.0, math.nan]), np.array([1.02, math.nan]))


def test_chains_with_enough_draws_that_agree_are_enough() -> None:
    assert GOOD.enough(SETTINGS)
    assert GOOD.lack(SETTINGS) == pytest.approx(100 / 150)
    assert GOOD.log_likelihood.shape == (9, 2, 3)


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        ({"effective_draws": np.array([150.0, 99.0])}, SETTINGS),
        ({"rhat": np.array([1.02, 1.11])}, SETTINGS),
        ({"rhat": np.array([1.02, math.inf])}, SETTINGS),
        ({}, replace(SETTINGS, effective_draws=151.0)),
        ({}, replace(SETTINGS, rhat=1.01)),
        ({}, replace(SETTINGS, effective_draws=10.0, rhat=1.01)),
        ({"effective_draws": np.array([99.0])}, replace(SETTINGS, effective_draws=10.0)),
    ],
)
def test_chains_that_the_verdict_or_the_settings_would_refuse_are_not(change: Any, settings: Settings) -> None:
    assert not replace(GOOD, **change).enough(settings)


def test_a_state_of_constants_lacks_nothing() -> None:
    constants = replace(GOOD, effective_draws=np.array([math.nan]), rhat=np.array([math.nan]))
    assert constants.enough(SETTINGS)
    assert constants.lack(SETTINGS) == 0.0


class Trace:
    """As many sweeps and round trips as are told."""

    def __init__(self, sweeps: int, trips: float) -> None:
        self.sweeps, self.trips = sweeps, trips

    def round_trips_of(self, group: int) -> float:
        return self.trips


def checked(monkeypatch: pytest.MonkeyPatch, sweeps: int, trips: float, look: Look, assessed: int = 0) -> list[str]:
    """What is worked out at a check."""
    done: list[str] = []

    def look_at(*arguments: object) -> Look:
        done.append("look")
        return look

    def assess(*arguments: object) -> SimpleNamespace:
        done.append("F")
        return SimpleNamespace(lack=0.5, met=True)

    def fit_again(*arguments: object) -> None:
        done.append("fit")

    monkeypatch.setattr(ladders, "look_at", look_at)
    monkeypatch.setattr(ladders, "assess", assess)
    monkeypatch.setattr(ladders, "_fit_again", fit_again)
    found: Any = SimpleNamespace(
        trace=Trace(sweeps, trips), beta=torch.zeros(1, 3), climbs=[None], references=[None], checks=[[]],
        assessed=[assessed], due=[0], again=[ladders.FIT_AGAIN],
    )  # fmt: skip
    one = ladders._check(found, 0, None, SETTINGS)  # type: ignore[arg-type]
    assert (one is not None) == ("F" in done)
    assert found.assessed == [sweeps if "F" in done else assessed]
    return done


FEW = replace(GOOD, effective_draws=np.array([30.0]))


@pytest.mark.parametrize(
    ("sweeps", "trips", "look", "assessed", "done"),
    [
        (100, 4.5, GOOD, 0, []),
        (100, 5.0, GOOD, 0, ["look", "F"]),
        (100, 5.0, FEW, 0, ["look", "fit"]),
        (399, 4.5, FEW, 0, []),
        (400, 4.5, FEW, 0, ["look", "F"]),
        (999, 4.5, FEW, 400, []),
        (1000, 4.5, FEW, 400, ["look", "F"]),
    ],
    ids=["few trips", "all is well", "few draws", "quiet", "quiet for long", "quiet again", "the end"],
)
def test_f_is_worked_out_when_it_may_be_the_last_time_or_when_nothing_was_heard_for_long(
    sweeps: int, trips: float, look: Look, assessed: int, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checked(monkeypatch, sweeps, trips, look, assessed) == done
