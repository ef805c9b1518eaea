"""Draws that campaigns share: what makes two records the same, damaged entries, a campaign that samples nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.load import load_campaign
from bayesbeam.errors import StoreError
from bayesbeam.io.samples import Record, read_records
from bayesbeam.io.shelf import Shelf
from bayesbeam.launch.places import share_draws
from bayesbeam.stages import reuse, sample
from bayesbeam.stages.keep import CACHE_VARIABLE, Running
from bayesbeam.stages.preprocess import preprocess_rows
from bayesbeam.stages.sample import sample_batch, sample_group

CAMPAIGN = """\
campaign: shared
candidates:
  flat: &same
    parts: [{component: constant, priors: {level: "uniform(-1, 3)"}}]
    noise: {family: normal, sigma: 0.1}
    solve: sample
  level: *same
sampling: {target_standard_error: 10, seed: 1, max_sweeps: 200, chains: 4, replicas: 8, draws: 100}
"""
GROUP = """\
integration: [{group: pair, measurements: [a, b], candidate: flat, shared: [constant.level]}]
"""


class Place:
    """A campaign in a folder, and how many records were sampled for it."""

    def __init__(self, folder: Path, shelf: Path, ids: str, patch: pytest.MonkeyPatch, text: str = CAMPAIGN) -> None:
        self.folder, self.shelf, self.ids = folder, shelf, tuple(ids)
        folder.mkdir()
        (folder / "campaign.yaml").write_text(text + (GROUP if "b" in ids else ""))
        (folder / "measurements.tsv").write_text("id\tfile\n" + "".join(f"{name}\t{name}.txt\n" for name in ids))
        for name in ids:
            self.data(name, ord(name))
        self._monkeypatch = patch

    def data(self, name: str, seed: int) -> None:
        y = 1 + 0.1 * torch.randn(21, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        (self.folder / f"{name}.txt").write_text("".join(f"{k} {float(v):.6f}\n" for k, v in enumerate(y)))

    def run(self, tag: str = "flat", group: str = "") -> tuple[bytes, list[str]]:
        """Sample; return the bytes of the file and the names that were sampled, not copied."""
        campaign = load_campaign(self.folder)
        preprocess_rows(campaign, self.ids, self.folder / "measurements")
        out = self.folder / "results" / "samples" / "b0" / f"{group}{tag}.h5"
        sampled: list[str] = []
        true_sampling = sample.sample_job

        def counted(job: sample.Job, *others: Any) -> list[Record]:
            sampled.extend(one.name for one in job.names)
            return true_sampling(job, *others)

        with self._monkeypatch.context() as patch:
            patch.setattr(sample, "sample_job", counted)
            arguments = (self.folder / "measurements", out, lambda *_: None, Running(cache=self.shelf))
            if group:
                sample_group(campaign, group, tag, *arguments)
            else:
                sample_batch(campaign, self.ids, tag, *arguments)
        return out.read_bytes(), sampled


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a maker of campaigns that share a shelf."""
    return lambda name, ids, text=CAMPAIGN: Place(tmp_path / name, tmp_path / "shelf", ids, monkeypatch, text)


def entries(folder: Path) -> list[Path]:
    """Return all entries of the shelf."""
    return sorted(folder.glob("*/*.h5"))


def test_a_second_campaign_samples_only_what_the_first_has_not(place: Any) -> None:
    first, second = place("one", "abc"), place("two", "cbad", CAMPAIGN.replace("campaign: shared", "campaign: other"))
    content, sampled = first.run()
    assert sampled == ["a/flat", "b/flat", "c/flat"]
    _, sampled = second.run()
    assert sampled == ["d/flat"]
    again, sampled = place("three", "abc").run()
    assert sampled == []
    assert again == content, "copied, with the same bytes"
    alone = Place(first.folder.parent / "four", first.shelf.parent / "other", "abc", first._monkeypatch)
    assert alone.run()[0] == content, "sampled elsewhere, the same bytes"
    joint, sampled = first.run(group="pair")
    assert sampled == ["pair/flat"]
    again, sampled = second.run(group="pair")
    assert (again, sampled) == (joint, [])


def test_another_seed_prior_point_name_or_amount_is_sampled_anew(place: Any) -> None:
    first = place("one", "a")
    first.run()
    assert first.run("level")[1] == ["a/level"], "random numbers come from the name of the candidate, too"
    for number, (old, new) in enumerate(
        [("seed: 1", "seed: 2"), ("uniform(-1, 3)", "uniform(-2, 3)"), ("draws: 100", "draws: 101"),
         ("chains: 4", "chains: 5"), ("draws: 100", "draws: 100, store: summary")]
    ):  # fmt: skip
        assert place(f"other{number}", "a", CAMPAIGN.replace(old, new)).run()[1] == ["a/flat"]
    changed = place("changed", "a")
    changed.data("a", 9)
    assert changed.run()[1] == ["a/flat"]
    assert place("same", "a", CAMPAIGN.replace("sampling", "report: {title: Other}\nsampling")).run()[1] == []


def test_a_damaged_entry_is_sampled_anew_with_the_same_bytes(place: Any) -> None:
    first = place("one", "ab")
    content, _ = first.run()
    one, other = entries(first.shelf)
    good = one.read_bytes()
    broken = bytearray(good)
    broken[len(broken) // 2] ^= 1
    one.write_bytes(bytes(broken))
    other.write_bytes(other.read_bytes()[:100])
    again, sampled = place("two", "ab").run()
    assert sorted(sampled) == ["a/flat", "b/flat"]
    assert again == content
    assert one.read_bytes() == good, "and the entries are whole again"
    assert place("three", "ab").run() == (content, [])


def test_the_key_holds_programs_device_and_processor(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = place("one", "a")
    campaign = load_campaign(made.folder)
    expanded = campaign.candidates_of("a")[0]
    job = sample.Job(campaign, expanded, [[]], [sample.GroupName("a/flat", ("a",))], ["k"], 1)
    settings = sample.settings_of(campaign, 1, 1)
    job.__dict__["settings"], job.__dict__["device"] = settings, "cpu"
    key = reuse.record_key(job, 0)
    threads = replace(job)
    threads.__dict__["settings"], threads.__dict__["device"] = replace(settings, threads=2), "cpu"
    assert reuse.record_key(threads, 0) == key, "threads change no number"
    for change in ("version_of", "device_words", "platform.machine", "binding.get_host_cpu_name"):
        with monkeypatch.context() as patch:
            patch.setattr(f"bayesbeam.stages.reuse.{change}", lambda *_: "other")
            assert reuse.record_key(job, 0) != key, change
    monkeypatch.setattr("bayesbeam.stages.reuse.program_versions", lambda: {"torch": "other"})
    assert reuse.record_key(job, 0) != key


def test_the_folder_is_named_by_the_command_line_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    share_draws(None)
    assert reuse.cache_folder() is None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, "shelf")
    share_draws(None)
    assert reuse.cache_folder() == tmp_path / "shelf", "jobs work elsewhere"
    share_draws("other")
    assert reuse.cache_folder() == tmp_path / "other"
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file: cannot be written .*; expected a folder for results"):
        share_draws("file")


def test_a_shelf_that_cannot_be_written_does_not_end_a_run(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = place("one", "a")

    def full(*_: object) -> None:
        raise StoreError.at("shelf", "cannot be written (No space left on device)", "space", "Free some.")

    monkeypatch.setattr(Shelf, "put", full)
    content, sampled = made.run()
    assert sampled == ["a/flat"]
    assert content
    assert read_records(made.folder / "results" / "samples" / "b0" / "flat.h5").keys() == {"a"}
