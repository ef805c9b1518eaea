"""A sampling job that was stopped keeps what it has finished, and its next start does the rest, with equal numbers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.load import load_campaign
from bayesbeam.errors import ModelError
from bayesbeam.io.checkpoint import checkpoint_path, finished_path
from bayesbeam.io.samples import read_records
from bayesbeam.sampling.checkpoint import Interrupted, Saved
from bayesbeam.stages import sample as stage
from bayesbeam.stages.keep import FileKeeper, Running
from bayesbeam.stages.sample import sample_batch
from stage_fixture import FLAT, HASTY, Lab, content, make_lab, no_news, peak

EAGER = HASTY.replace("device: cpu", "device: cpu, engine: eager")
Sampler = Callable[..., Any]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Return three measurements that are sampled in two calls: one is shorter than the others."""
    data = {"a": peak(0), "short": peak(1, points=45), "b": peak(2)}
    lab = make_lab(tmp_path, data, FLAT, sampling=EAGER)
    lab.preprocess()
    return lab


class Calls:
    """Stands before the sampler, notes what it is asked for, and may stop it at one of its calls."""

    def __init__(self, sampler: Sampler, stop_at: int | None = None, error: Exception | None = None) -> None:
        self._sampler, self._stop_at, self._error = sampler, stop_at, error or Interrupted()
        self.names: list[list[str]] = []
        self.loaded: list[Saved | None] = []
        self.finished = 0

    def __call__(self, target: Any, job: Any, keeper: FileKeeper, *rest: Any) -> Any:
        self.names.append([group.name for group in job.names])
        self.loaded.append(keeper.load())
        if len(self.names) == self._stop_at:
            keeper.save(Saved({}, {"names": self.names[-1]}))
            raise self._error
        # What was saved above is no state of a sampler.
        keeper.remove()
        found = self._sampler(target, job, keeper, *rest)
        self.finished += 1
        return found


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Calls]:
    """Return what puts such a stand-in before the sampler."""
    sampler = stage._run

    def put(**options: Any) -> Calls:
        made = Calls(sampler, **options)
        monkeypatch.setattr(stage, "_run", made)
        return made

    return put


def run(lab: Lab, out: Path, running: Running = stage.ALONE) -> None:
    sample_batch(lab.campaign, ["a", "short", "b"], "flat", lab.measurements, out, no_news, running)


def test_the_first_of_two_calls_is_not_repeated(lab: Lab, tmp_path: Path, calls: Callable[..., Calls]) -> None:
    out = tmp_path / "draws" / "flat.h5"
    stopped = calls(stop_at=2)
    with pytest.raises(Interrupted):
        run(lab, out)
    assert stopped.names == [["a/flat", "b/flat"], ["short/flat"]]
    assert not out.exists()
    assert set(read_records(finished_path(out))) == {"a", "b"}
    assert checkpoint_path(out).exists()

    resumed = calls()
    run(lab, out)
    assert resumed.names == [["short/flat"]]
    (state,) = resumed.loaded
    assert state is not None
    assert state.facts == {"names": ["short/flat"]}
    assert sorted(file.name for file in out.parent.iterdir()) == ["flat.h5", "flat.h5.costs"]

    calls()
    run(lab, tmp_path / "undisturbed.h5")
    found, expected = read_records(out), read_records(tmp_path / "undisturbed.h5")
    assert list(found) == list(expected) == ["a", "b", "short"]
    assert all(content(found[name]) == content(expected[name]) for name in expected)


def test_other_settings_use_nothing_of_a_stopped_job(
    lab: Lab, tmp_path: Path, calls: Callable[..., Calls], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "draws" / "flat.h5"
    calls(stop_at=2)
    with pytest.raises(Interrupted):
        run(lab, out)
    text = (lab.campaign.folder / "campaign.yaml").read_text()
    (lab.campaign.folder / "campaign.yaml").write_text(text.replace("seed: 7", "seed: 8"))
    other = Lab(load_campaign(lab.campaign.folder), lab.results)
    again = calls()
    capsys.readouterr()
    run(other, out)
    assert again.names == [["a/flat", "b/flat"], ["short/flat"]]
    assert again.loaded == [None, None]
    said = capsys.readouterr().err
    assert "other data, another model, other settings" in said
    assert len([line for line in said.splitlines() if not re.search("peak memory|: engine", line)]) == 1
    assert sorted(file.name for file in out.parent.iterdir()) == ["flat.h5", "flat.h5.costs"]


def test_no_new_call_is_begun_when_asked_to_stop(lab: Lab, tmp_path: Path, calls: Callable[..., Calls]) -> None:
    out = tmp_path / "draws" / "flat.h5"
    made = calls()
    with pytest.raises(Interrupted):
        run(lab, out, Running(stop=lambda: made.finished == 1))
    assert made.names == [["a/flat", "b/flat"]]
    assert set(read_records(finished_path(out))) == {"a", "b"}
    made = calls()
    run(lab, out, Running(stop=lambda: made.finished == 1))
    assert made.names == [["short/flat"]]
    assert set(read_records(out)) == {"a", "b", "short"}


def test_a_mistake_leaves_no_checkpoint(lab: Lab, tmp_path: Path, calls: Callable[..., Calls]) -> None:
    out = tmp_path / "draws" / "flat.h5"
    calls(stop_at=2, error=ModelError("nan"))
    run(lab, out)
    found = read_records(out)
    assert found["short"].facts["refused"] == "candidate flat: nan"
    assert not any("refused" in found[name].facts for name in ("a", "b"))
    assert sorted(file.name for file in out.parent.iterdir()) == ["flat.h5", "flat.h5.costs"]


def test_a_damaged_file_of_finished_ones_is_as_none(lab: Lab, tmp_path: Path, calls: Callable[..., Calls]) -> None:
    out = tmp_path / "draws" / "flat.h5"
    calls(stop_at=2)
    with pytest.raises(Interrupted):
        run(lab, out)
    path = finished_path(out)
    path.write_bytes(path.read_bytes()[:-50])
    made = calls()
    run(lab, out)
    assert made.names == [["a/flat", "b/flat"], ["short/flat"]]


def test_a_batch_that_has_become_empty_leaves_nothing_of_a_stopped_job(
    lab: Lab, tmp_path: Path, calls: Callable[..., Calls]
) -> None:
    out = tmp_path / "draws" / "flat.h5"
    calls(stop_at=2)
    with pytest.raises(Interrupted):
        run(lab, out)
    sample_batch(lab.campaign, [], "flat", lab.measurements, out, no_news)
    assert read_records(out) == {}
    assert sorted(file.name for file in out.parent.iterdir()) == ["flat.h5"]
