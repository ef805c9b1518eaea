"""Every reason not to believe a run is found, in words; a good run has none."""

from __future__ import annotations

import numpy as np
import pytest

from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.sampling.record import Verdict
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.verdict import judge

SETTINGS = Settings(seed=1, target_standard_error=0.1, chains=10)
GOOD = FreeEnergy(100.0, 0.05, 9)


def verdict(
    free_energy: FreeEnergy = GOOD,
    other: FreeEnergy = GOOD,
    lowest_rate: float = 0.5,
    round_trips: float = 100.0,
    effective: float = 1000.0,
    rhat: float = 1.0,
) -> Verdict:
    rates = np.array([0.6, lowest_rate, 0.7])
    estimators = {"bar": free_energy, "stepping_stone_backward": other}
    constants = np.array([np.nan, 1.0])
    return judge(
        SETTINGS, free_energy, estimators, rates, round_trips, constants * effective, np.array([np.nan, 1.0]) * rhat
    )


def test_a_good_run_is_reliable() -> None:
    found = verdict()
    assert found.reliable
    assert found.reasons == ()
    assert found.word == "reliable"


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"free_energy": FreeEnergy(100.0, 0.3, 9)}, "standard error of F is 0.3"),
        ({"free_energy": FreeEnergy(100.0, float("nan"), 9)}, "standard error of F is nan"),
        ({"free_energy": FreeEnergy(float("inf"), 0.1, 9)}, "not finite"),
        ({"free_energy": FreeEnergy(float("nan"), 0.1, 9)}, "not finite"),
        ({"other": FreeEnergy(103.0, 0.1, 9)}, "stepping stone backward differs from the quoted F by 3"),
        ({"other": FreeEnergy(float("nan"), 0.1, 9)}, "stepping stone backward differs"),
        ({"other": FreeEnergy(100.0, float("nan"), 9)}, "stepping stone backward cannot be compared"),
        ({"lowest_rate": 0.001}, "exchange rate of rungs 2 and 3 is only 0.00"),
        ({"round_trips": 0.0}, "only 0 round trips in 10 chains"),
        ({"rhat": 1.8}, "R-hat is 1.80"),
        ({"effective": 7.0}, "only 7 effective draws"),
    ],
)
def test_each_trouble_is_told_in_words(trouble: dict[str, FreeEnergy], words: str) -> None:
    found = verdict(**trouble)
    assert not found.reliable
    assert found.word == "not reliable"
    assert any(words in reason for reason in found.reasons), found.reasons


def test_all_troubles_are_told_at_once() -> None:
    found = verdict(FreeEnergy(100.0, 0.3, 9), lowest_rate=0.0, round_trips=0.0, effective=3.0, rhat=3.0)
    assert len(found.reasons) >= 5
