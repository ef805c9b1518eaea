"""Files that arrive in a folder: when one is complete, what a run takes, and what each change plans."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from tests.workflow.conftest import ROOT, spectrum

from bayesbeam.config.incoming import Incoming
from bayesbeam.config.incoming_rows import Arrived, read_ledger
from bayesbeam.errors import ConfigError
from bayesbeam.launch.arrivals import Observer, take_complete
from bayesbeam.launch.places import place
from bayesbeam.launch.snakemake import Order
from bayesbeam.stages.rulebook import Rulebook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflow.conftest import Lab

CAMPAIGN = """\
campaign: tiny
incoming:
  folder: landing
  name: 'run_(?P<number>[0-9]+)[.]txt'
  id: "r{number}"
  unchanged_s: 0.2
candidates:
  flat:
    solve: sample
    parts: [{component: constant}]
    noise: {family: normal, sigma: 0.1}
sampling: {target_standard_error: 10, seed: 1, max_sweeps: 200, chains: 4, replicas: 8, draws: 100, batch: 4}
"""
REPORT = "write the report"


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def land(lab: Lab, *numbers: int, seed: int = 0, ago_s: float = 60.0) -> None:
    """Let files of the tiny campaign arrive, some time ago."""
    for number in numbers:
        path = lab.campaign.parent / "landing" / f"run_{number}.txt"
        path.write_text(spectrum(seed + number))
        then = time.time() - ago_s
        os.utime(path, (then, then))


def take(lab: Lab) -> Rulebook:
    """Take what is complete, as a run does at its start."""
    where = place(str(lab.workdir / "results"), ROOT)
    book = Rulebook(lab.campaign, where.results, where.workdir)
    return take_complete(Order(ROOT, lab.campaign, where, 2), book)


@pytest.fixture
def landing(lab: Lab) -> Lab:
    """Return a campaign whose files arrive, none of them yet."""
    lab.campaign.write_text(CAMPAIGN)
    (lab.campaign.parent / "measurements.tsv").unlink()
    (lab.campaign.parent / "landing").mkdir()
    return lab


def test_a_file_is_complete_when_it_has_not_changed_for_long_enough(tmp_path: Path) -> None:
    (incoming,) = [Incoming(folder="here", name="(?P<id>.*)", unchanged_s=10)]
    path = tmp_path / "here" / "a"
    path.parent.mkdir()
    clock, now = Clock(500.0), Clock(1_000_000.0)
    observer = Observer([incoming], tmp_path, clock, now)
    file = Arrived("here", "a")

    def changed(seconds: float) -> None:
        os.utime(path, (seconds, seconds))

    path.write_text("1")
    changed(now.now - 9)
    assert observer.look().waiting == (file,)
    now.now += 2
    assert observer.look().complete == (file,), "by its own time"
    # A file server whose clock is an hour ahead: only what is seen here counts.
    path.write_text("1\n2")
    changed(now.now + 3600)
    assert observer.look().waiting == (file,)
    clock.now += 9
    assert observer.look().waiting == (file,)
    path.write_text("1\n2\n3")
    changed(now.now + 3609)
    clock.now += 9
    assert observer.look().waiting == (file,), "it has grown meanwhile"
    clock.now += 10
    assert observer.look().complete == (file,)
    path.unlink()
    assert observer.look().complete == ()


def test_what_a_run_takes_stays_what_it_is_until_the_next(landing: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="landing: no measurement yet; expected at least one complete file"):
        take(landing)
    land(landing, 10, 2)
    (landing.campaign.parent / "landing" / "strange.txt").write_text("no data")
    first = take(landing)
    assert first.campaign.ids == ("r2", "r10")
    said = capsys.readouterr().out
    assert said.count("left out landing/strange.txt: a name that does not fit") == 1
    land(landing, 1)
    assert Rulebook(landing.campaign, landing.workdir / "results", landing.workdir).batches == first.batches
    second = take(landing)
    assert second.campaign.ids == ("r1", "r2", "r10")
    ledger = read_ledger(landing.results / "arrivals.tsv")
    assert [one.name for one in ledger] == ["run_2.txt", "run_10.txt", "strange.txt", "run_1.txt"]
    # A file that is written again stays a measurement; one that is new and not complete is none yet.
    land(landing, 2, 3, ago_s=-60)
    assert take(landing).campaign.ids == ("r1", "r2", "r3", "r10"), "seen unchanged while the run waited once"
    (landing.campaign.parent / "landing" / "run_10.txt").unlink()
    assert take(landing).campaign.ids == ("r1", "r2", "r3")


def test_only_what_is_new_replaced_or_removed_is_done_again(landing: Lab) -> None:
    land(landing, 1, 2)
    take(landing)
    landing.run()
    assert landing.planned() == set()
    land(landing, 3)
    assert landing.planned() == set(), "snakemake by hand takes what a run has accepted"
    take(landing)
    new = {"plan batches of measurements", "preprocess r3", "sample flat for r3", "free energies of r3", REPORT}
    assert landing.planned() == new
    (landing.campaign.parent / "landing" / "run_3.txt").unlink()
    land(landing, 2, seed=90, ago_s=1)
    take(landing)
    assert landing.planned() == {"preprocess r2", "sample flat for r1, r2", "free energies of r1, r2", REPORT}
    (landing.campaign.parent / "landing" / "run_1.txt").unlink()
    take(landing)
    again = landing.planned()
    assert "preprocess r1" not in again
    assert again >= {"preprocess r2", REPORT}
