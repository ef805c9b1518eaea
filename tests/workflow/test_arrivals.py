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
from bayesbeam.launch.arrivals_watch import Watch, watch
from bayesbeam.launch.live_pages import LivePages
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
    land(landing, 3)
    take(landing)
    jobs = landing.planned()
    assert {job for job in jobs if not job.startswith("preprocess batch ")} == {
        "plan batches of measurements", "sample flat for r3", "free energies of r3", REPORT
    }  # fmt: skip
    assert len(jobs) == 5
    for number in (1, 3):
        (landing.campaign.parent / "landing" / f"run_{number}.txt").unlink()
    land(landing, 2, seed=90, ago_s=1)
    batch = next(iter(take(landing).batches))
    chain = {f"preprocess batch {batch}", "sample flat for r2", "free energies of r2", REPORT}
    assert landing.planned() == chain


class Runs:
    """Stands in for runs of Snakemake: remembers which measurements each was about, and ends with a code."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.about: list[tuple[str, ...]] = []

    def __call__(self, lock: object, order: Order, book: Rulebook) -> int:
        self.about.append(book.campaign.ids)
        return self.code


class Lock:
    """Stands in for the lock of a results folder."""

    def record(self, pid: int) -> None:
        assert pid == os.getpid()


def watching(lab: Lab, runs: Runs) -> Watch:
    """Return the state of a watch whose runs do nothing."""
    where = place(str(lab.workdir / "results"), ROOT)
    order = Order(ROOT, lab.campaign, where, 2)
    book = Rulebook(lab.campaign, where.results, where.workdir)
    return Watch(order, book, runs, LivePages(order, book, 1.0))


def test_a_watch_runs_when_something_new_is_complete_and_not_otherwise(landing: Lab) -> None:
    runs, lock = Runs(), Lock()
    state = watching(landing, runs)
    assert state.round(lock), "the first look is one"
    assert runs.about == [], "nothing has arrived, and nothing is run"
    assert not state.round(lock)
    land(landing, 1, 2)
    land(landing, 3, ago_s=-60)
    assert state.round(lock)
    assert not state.round(lock)
    assert runs.about == [("r1", "r2")], "the third one may still be written"
    time.sleep(0.25)
    assert state.round(lock)
    assert runs.about[1:] == [("r1", "r2", "r3")]
    land(landing, 2, seed=7, ago_s=50)
    assert state.round(lock), "a file that was replaced"
    (landing.campaign.parent / "landing" / "run_1.txt").unlink()
    assert state.round(lock), "a file that was removed"
    assert runs.about[3:] == [("r2", "r3")]
    landing.replace("seed: 1", "seed: 2")
    assert state.round(lock), "what is asked has changed"
    landing.replace("seed: 2", "seed: -2")
    assert not state.round(lock)
    assert "sampling.seed: -2; expected" in state.pages.trouble
    assert not state.round(lock)
    landing.replace("seed: -2", "seed: 3")
    assert state.round(lock)
    (landing.campaign.parent / "landing").rename(landing.campaign.parent / "away")
    assert not state.round(lock)
    assert "no such folder" in state.pages.trouble
    (landing.campaign.parent / "away").rename(landing.campaign.parent / "landing")
    assert not state.round(lock)
    assert len(runs.about) == 6


def test_a_watch_of_a_sheet_runs_when_a_row_is_added_or_a_data_file_replaced(lab: Lab) -> None:
    runs, lock = Runs(), Lock()
    state = watching(lab, runs)
    assert state.round(lock)
    assert not state.round(lock)
    lab.sheet("a", "b", "c", "d")
    assert state.round(lock)
    lab.data("d", seed=44)
    assert state.round(lock)
    assert not state.round(lock)
    assert runs.about == [("a", "b", "c"), ("a", "b", "c", "d"), ("a", "b", "c", "d")]
    assert not (lab.results / "arrivals.tsv").exists()


def test_a_failed_run_is_tried_again_later_or_with_the_next_file(landing: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, lock = Runs(code=1), Lock()
    state = watching(landing, runs)
    land(landing, 1)
    assert state.round(lock)
    assert not state.round(lock)
    assert "The last run did not finish" in state.pages.trouble
    monkeypatch.setattr("bayesbeam.launch.arrivals_watch.RETRY_S", 0.0)
    assert state.round(lock)
    runs.code = 0
    land(landing, 2)
    assert state.round(lock)
    assert state.pages.trouble == ""
    assert not state.round(lock)
    assert runs.about == [("r1",), ("r1",), ("r1", "r2")]


def test_a_night_goes_on_when_the_disk_is_full_or_the_page_cannot_be_made(
    landing: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    land(landing, 1)
    state, lock = watching(landing, Runs()), Lock()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    def broken(*_: object) -> str:
        raise IndexError("73 is out of bounds")

    state.run = full
    assert state.round(lock)
    assert "No space left on device" in state.pages.trouble
    monkeypatch.setattr("bayesbeam.launch.live_pages.live_page", broken)
    state.pages.make()
    state.pages.make()
    assert capsys.readouterr().out.count("The live page cannot be made: IndexError: 73 is out of bounds") == 1
    monkeypatch.undo()
    state.pages.make()
    assert "No space left on device" in state.pages.path.read_text()
    state.run = Runs()
    land(landing, 2)
    assert state.round(lock)
    assert (state.code, state.pages.trouble) == (0, "")


def test_a_watch_analyses_what_lands_and_shows_it(landing: Lab) -> None:
    land(landing, 1, 2)
    folder = landing.campaign.parent / "landing"
    (folder / "run_7.txt").write_text("x\ny\n")
    (folder / "<b>.txt").write_text("no data")
    os.utime(folder / "run_7.txt", (1e9, 1e9))
    done = landing.cli("watch", "--cores", "2", "--every", "0.2", "--until-idle", "0.5")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Nothing new: the watch ends." in done.stdout
    assert done.stdout.count("left out landing/<b>.txt: a name that does not fit") == 1
    page = (landing.results / "live" / "index.html").read_text()
    assert "2 analysed, 0 not finished, 1 refused, 1 left out." in page
    assert "landing/run_7.txt: a header but no rows of numbers" in page
    assert "landing/&lt;b&gt;.txt" in page
    assert "<script" not in page
    assert 'http-equiv="refresh"' not in page, "nobody makes it any more"
    assert (landing.results / "report" / "index.html").is_file()


def test_ctrl_c_ends_a_watch_with_the_page_as_it_is(
    landing: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    land(landing, 1)
    looks = iter([None, None, KeyboardInterrupt()])

    def sleep(seconds: float) -> None:
        look = next(looks)
        if look is not None:
            raise look

    monkeypatch.setattr("bayesbeam.launch.arrivals_watch.time.sleep", sleep)
    state, runs = watching(landing, Runs()), Runs()
    assert watch(Lock(), state.order, state.book, runs, 1.0, None) == 0
    assert runs.about == [("r1",)]
    assert "The watch ends. Started again, it goes on from here." in capsys.readouterr().out
    page = (landing.results / "live" / "index.html").read_text()
    assert "Nobody looks for new files any more." in page
    assert "r1" in page
