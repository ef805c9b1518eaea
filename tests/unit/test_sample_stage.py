"""Sampling of batches: what the file holds, what is sampled again and what is not, refusals, an interrupted job."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.errors import SamplingError, StoreError
from bayesbeam.io.samples import Record, read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.sampling.memory import Sizes, device_mib
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages import parts, resources
from bayesbeam.stages import sample as stage
from bayesbeam.stages.memory import groups_at_once
from bayesbeam.stages.resources import choose_device, planned_device, settings_of
from bayesbeam.stages.sample import sample_batch
from short_runs import shorten
from stage_fixture import FLAT, HASTY, PEAKS, QUICK, Lab, make_lab, no_news, peak

COSTS = {"wall_seconds", "cpu_seconds", "peak_memory_mb", "predicted_memory_mb"}
BAD = "0 1\n1 nan\n" + "".join(f"{i} 1\n" for i in range(2, 60))
GROUP = "  - {group: pair, measurements: [a, b], candidate: peaks, shared: [peak.position]}\n"


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be short: these tests ask about files, not about numbers."""
    shorten(monkeypatch.setattr)


def content(record: Record) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Bytes of the arrays, and the facts that are no cost."""
    facts = {key: value for key, value in record.facts.items() if key not in COSTS}
    return {key: values.tobytes() for key, values in record.arrays.items()}, facts


def refuse_to_sample(*_: object) -> NoReturn:
    raise AssertionError("the sampler was called")


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that the sampler was asked for."""
    names: list[str] = []

    def watched(target: Any, groups: list[GroupName], *rest: Any) -> Any:
        names.extend(group.name for group in groups)
        return replica_exchange(target, groups, *rest)

    monkeypatch.setattr(stage, "replica_exchange", watched)
    return names


def lab_of(folder: Path, seeds: Mapping[str, int], candidates: str = FLAT, **others: Any) -> Lab:
    others = {"sampling": HASTY} | others
    lab = make_lab(folder, {name: peak(seed) for name, seed in seeds.items()}, candidates, **others)
    lab.preprocess()
    return lab


def test_layout_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1}, PEAKS, sampling=QUICK)
    found = read_records(lab.sample("peaks-k2"))
    said = re.search(r"peaks-k2: peak memory (\d+) MiB, predicted (\d+) MiB, \d+ MiB for", capsys.readouterr().err)
    assert said is not None
    assert float(said[2]) == pytest.approx(found["a"].facts["predicted_memory_mb"], abs=0.6)
    assert list(found) == ["a", "b"]
    for name, record in found.items():
        arrays, facts = record.arrays, record.facts
        steps = facts["sweeps"] - facts["burn_in"]
        assert arrays["log_likelihood"].shape == (steps, 4, 8)
        draws, members, chains, slots = arrays["theta"].shape
        assert (members, chains, slots) == (1, 4, 6)
        assert 0 < draws <= 2 * 100
        assert arrays["beta"].shape == (8,)
        assert arrays["exchange_rate"].shape == (7,)
        assert arrays["effective_draws"].shape == arrays["rhat"].shape == (7,)
        assert (arrays["beta"][0], arrays["beta"][-1]) == (0.0, 1.0)
        assert all(np.isfinite(values).all() for values in arrays.values())
        assert facts["members"] == [name]
        assert (facts["seed"], facts["device"], facts["settings"]["max_sweeps"]) == (7, "cpu", 300)
        assert set(facts["estimators"]) == {"bar", "bridge", "smc", "stepping_stone_forward", "stepping_stone_backward"}
        assert set(facts["free_energy"]) == set(facts["estimators"]["bar"])
        assert facts["free_energy"] not in facts["estimators"].values(), "it is made of all draws at once"
        assert facts["verdict"] == ("not reliable" if facts["reasons"] else "reliable")
        assert facts["wall_seconds"] > 0
        assert facts["peak_memory_mb"] > 100
        assert 300 < facts["predicted_memory_mb"] < 600
        assert set(facts["versions"]) == {"bayesbeam", "torch", "numpy"}


def test_unchanged_means_no_sampling_and_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1})
    out = lab.sample("flat")
    before = out.read_bytes()
    lab.preprocess()
    monkeypatch.setattr(stage, "replica_exchange", refuse_to_sample)
    lab.sample("flat")
    assert out.read_bytes() == before


def test_words_that_change_no_number_sample_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = lab_of(tmp_path, {"a": 0}).sample("flat").read_bytes()
    titled = FLAT.replace("    parts", "    title: another title\n    parts")
    lab = lab_of(tmp_path, {"a": 0}, titled + PEAKS)
    monkeypatch.setattr(stage, "replica_exchange", refuse_to_sample)
    assert lab.sample("flat").read_bytes() == before


def test_changed_data_of_one_of_two(tmp_path: Path, sampled: list[str]) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1})
    before = read_records(lab.sample("flat"))
    sampled.clear()
    lab = lab_of(tmp_path, {"a": 0, "b": 5})
    after = read_records(lab.sample("flat"))
    assert sampled == ["b/flat"]
    assert content(after["a"]) == content(before["a"])
    assert after["a"].facts == before["a"].facts
    assert after["b"].facts["key"] != before["b"].facts["key"]
    assert after["b"].facts["free_energy"] != before["b"].facts["free_energy"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("sigma: 0.1", "sigma: 0.2"), ("uniform(-3, 3)", "uniform(-3, 4)"), ("sigma: 0.1", "sigma: estimate")],
)
def test_a_changed_question_is_asked_anew(tmp_path: Path, sampled: list[str], old: str, new: str) -> None:
    lab_of(tmp_path, {"a": 0}).sample("flat")
    lab_of(tmp_path, {"a": 0}, FLAT.replace(old, new)).sample("flat")
    assert sampled == ["a/flat", "a/flat"]


def test_a_measurement_more_or_less_leaves_the_others(tmp_path: Path, sampled: list[str]) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1, "c": 2})
    first = read_records(lab.sample("flat", ["b"]))
    second = read_records(lab.sample("flat", ["a", "b", "c"]))
    third = read_records(lab.sample("flat", ["a", "c"]))
    assert sampled == ["b/flat", "a/flat", "c/flat"]
    assert (set(second), set(third)) == ({"a", "b", "c"}, {"a", "c"})
    assert content(second["b"]) == content(first["b"])
    assert content(third["c"]) == content(second["c"])


# The last is long sums of odd lengths, where the order in which torch adds depends on the shape of a batch.
@pytest.mark.parametrize(
    ("count", "points", "sampling"),
    [(1, (60, 60, 45, 60), HASTY), (6, (59, 59), HASTY.replace("replicas: 8", "replicas: 7"))],
)
def test_alone_or_in_a_batch_gives_the_same_bytes(
    tmp_path: Path, count: int, points: tuple[int, ...], sampling: str
) -> None:
    data = {f"m{k}": peak(k, points=n) for k, n in enumerate(points)}
    lab = make_lab(tmp_path, data, PEAKS.replace("1..2", str(count)), sampling=sampling)
    lab.preprocess()
    together = read_records(lab.sample("peaks"))
    for name in list(data)[1:3]:
        alone = read_records(lab.sample("peaks", [name], batch=f"only-{name}"))
        assert content(alone[name]) == content(together[name])


def test_a_refused_measurement_is_passed_over(tmp_path: Path) -> None:
    lab = make_lab(tmp_path, {"a": peak(0), "bad": BAD}, FLAT, sampling=HASTY)
    lab.preprocess()
    assert read_measurement(lab.measurements / "bad.h5").refused
    assert set(read_records(lab.sample("flat"))) == {"a"}


def test_a_batch_of_refused_measurements_gives_an_empty_file(tmp_path: Path) -> None:
    lab = make_lab(tmp_path, {"bad": BAD}, FLAT, sampling=HASTY)
    lab.preprocess()
    assert read_records(lab.sample("flat")) == {}
    assert read_records(lab.sample("flat", [])) == {}


def test_a_misfit_is_recorded_with_its_reason_and_the_others_sampled(tmp_path: Path, sampled: list[str]) -> None:
    nine = PEAKS.replace("1..2", "3")
    lab = make_lab(tmp_path, {"few": peak(1, points=8), "a": peak(0)}, nine, sampling=HASTY)
    lab.preprocess()
    found = read_records(lab.sample("peaks"))
    assert sampled == ["a/peaks"]
    assert found["few"].facts["refused"].startswith("measurement few: it has 8 points for 9 parameters; expected")
    assert found["few"].arrays == {}
    assert "refused" not in found["a"].facts


def test_counts_that_are_declared_later_are_looked_at_again(tmp_path: Path) -> None:
    text = FLAT.replace("{family: normal, sigma: 0.1}", "{family: poisson}").replace("(-3, 3)", "(1, 9)")
    data = {"a": "".join(f"{i} {3 + i % 4}\n" for i in range(30))}
    lab = make_lab(tmp_path, data, text, treatment="{signal: {counts: true}}", sampling=HASTY)
    lab.preprocess()
    record = read_records(lab.sample("flat"))["a"]
    m = read_measurement(lab.measurements / "a.h5")
    spec = lab.campaign.candidates_of("a")[0]
    undeclared = type(m)(**{**vars(m), "counts": False})
    assert record.facts["key"] == stage.member_key(lab.campaign, spec, [m])
    assert record.facts["key"] != stage.member_key(lab.campaign, spec, [undeclared])


def test_a_damaged_old_file_is_made_anew(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0})
    out = lab.sample("flat")
    before = content(read_records(out)["a"])
    out.write_bytes(out.read_bytes()[:-200])
    with pytest.raises(StoreError):
        read_records(out)
    assert content(read_records(lab.sample("flat"))["a"]) == before


def test_an_exception_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0})
    out = lab.sample("flat")
    before = out.read_bytes()
    lab = lab_of(tmp_path, {"a": 9})

    def interrupt(done: float, *_: Any, **__: Any) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample_batch(lab.campaign, ["a"], "flat", lab.measurements, out, interrupt)
    assert out.read_bytes() == before
    assert [file.name for file in out.parent.iterdir()] == ["flat.h5"]


KILLED = """
import os, signal, sys
from pathlib import Path
from bayesbeam.config.load import load_campaign
from bayesbeam.stages.sample import sample_batch

def kill(done, *_, **__):
    if done > 0:
        os.kill(os.getpid(), signal.SIGKILL)

home, measurements, out = map(Path, sys.argv[1:])
sample_batch(load_campaign(home), ["a", "b"], "flat", measurements, out, kill)
"""


def test_kill_9_in_the_middle_leaves_the_old_file_and_the_next_run_finishes(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1})
    out = lab.sample("flat")
    old = out.read_bytes()
    lab = lab_of(tmp_path, {"a": 0, "b": 5})
    words = [sys.executable, "-c", KILLED, str(lab.campaign.folder), str(lab.measurements), str(out)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert out.read_bytes() == old
    undisturbed = lab.sample("flat", batch="other")
    resumed, expected = read_records(lab.sample("flat")), read_records(undisturbed)
    assert {name: content(record) for name, record in resumed.items()} == {
        name: content(record) for name, record in expected.items()
    }


def test_a_tag_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0}, PEAKS)
    with pytest.raises(
        SamplingError, match=r"measurement a: no candidate peaks-k9; expected one of peaks-k1, peaks-k2"
    ):
        sample_batch(lab.campaign, ["a"], "peaks-k9", lab.measurements, tmp_path / "x.h5", no_news)
    assert not (tmp_path / "x.h5").exists()


def test_a_measurement_file_that_is_damaged_stops_with_a_store_error(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0})
    file = lab.measurements / "a.h5"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(StoreError, match=r"a\.h5"):
        lab.sample("flat")


def test_news_reach_the_watcher(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0})
    news: list[tuple[Any, ...]] = []

    def watch(
        done: float, total: float, free_energy: float | None = None, standard_error: float | None = None, text: str = ""
    ) -> None:
        news.append((done, total, free_energy, standard_error, text))

    sample_batch(lab.campaign, ["a"], "flat", lab.measurements, tmp_path / "x.h5", watch)
    assert news[0][0] == 0
    assert news[0][2:4] == (None, None)
    assert news[0][4].startswith("from the prior to the posterior, beta ")
    assert "tuning" in [text for *_, text in news]
    assert news[-1][4] == "sampling"
    facts = read_records(tmp_path / "x.h5")["a"].facts
    assert news[-1][:2] == (facts["sweeps"], 100)
    assert news[-1][2] == facts["free_energy"]["value"]


def test_a_group_of_draws_has_shared_values_in_every_member(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1}, PEAKS.replace("1..2", "1"), integration=GROUP)
    lab.join("pair")
    record = read_records(lab.results / "integration" / "pair" / "peaks.h5")["pair"]
    theta = record.arrays["theta"]
    assert theta.shape[1:] == (2, 2, 3)
    assert record.facts["members"] == ["a", "b"]
    np.testing.assert_array_equal(theta[:, 0, :, 1], theta[:, 1, :, 1])
    assert (theta[:, 0, :, 0] != theta[:, 1, :, 0]).mean() > 0.9


def test_an_unchanged_group_is_not_sampled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1}, PEAKS.replace("1..2", "1"), integration=GROUP)
    lab.join("pair")
    out = lab.results / "integration" / "pair" / "peaks.h5"
    before = out.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(stage, "replica_exchange", refuse_to_sample)
        lab.join("pair")
    assert out.read_bytes() == before
    other = lab_of(tmp_path, {"a": 0, "b": 7}, PEAKS.replace("1..2", "1"), integration=GROUP)
    other.join("pair")
    assert out.read_bytes() != before


def test_settings_come_from_the_campaign(tmp_path: Path) -> None:
    campaign = make_lab(tmp_path, {"a": peak(0)}, FLAT).campaign
    found = settings_of(campaign)
    assert (found.seed, found.chains, found.replicas, found.max_sweeps, found.draws) == (7, 4, 8, 300, 100)
    assert found.target_standard_error == 5


@pytest.fixture
def anew() -> Iterator[None]:
    """Ask for a GPU anew, for the answer is kept."""
    resources.why_no_gpu.cache_clear()
    yield
    resources.why_no_gpu.cache_clear()


@pytest.mark.usefixtures("anew")
def test_a_gpu_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == planned_device("auto") == "cpu"
    assert planned_device("cuda") == "cuda", "another machine may have one"
    with pytest.raises(
        SamplingError, match=r"sampling\.device: cuda, but torch sees no GPU here; expected .*device: auto"
    ):
        choose_device("cuda")


OLD_DRIVER = (
    "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040). Please update.\nMore"
)


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize("how", ["warns", "fails at once", "fails at the first number"])
def test_a_broken_driver_is_one_line(how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A CPU is taken where that is allowed, and the log says why."""

    def asked() -> bool:
        if how == "warns":
            warnings.warn(OLD_DRIVER, stacklevel=2)
        if how == "fails at once":
            raise RuntimeError(OLD_DRIVER)
        return how == "fails at the first number"

    original = torch.zeros

    def zeros(*size: Any, **options: Any) -> Any:
        if options.get("device") == "cuda":
            raise RuntimeError(OLD_DRIVER)
        return original(*size, **options)

    monkeypatch.setattr("torch.cuda.is_available", asked)
    monkeypatch.setattr("torch.zeros", zeros)
    assert choose_device("auto") == "cpu"
    with pytest.raises(SamplingError) as caught:
        choose_device("cuda")
    assert "cuda, but the GPU does not work: CUDA initialization: The NVIDIA driver on your system is too old" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("anew")
def test_the_log_names_engine_and_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = lab_of(tmp_path, {"a": 0}, sampling=HASTY.replace("device: cpu", "device: auto"))
    monkeypatch.setattr(parts, "why_no_gpu", lambda: "the GPU does not work: its driver is too old")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    lab.sample("flat")
    assert "flat: engine cpu; on the CPU, for the GPU does not work: its driver is too old" in capsys.readouterr().err


def test_a_batch_that_a_gpu_does_not_hold_is_halved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until it fits, and with the same results; where one alone is too much, that is said."""
    seeds = {name: seed for seed, name in enumerate("abcde")}
    whole = {
        name: content(record) for name, record in read_records(lab_of(tmp_path / "1", seeds).sample("flat")).items()
    }
    most = 2

    def small(target: Any, groups: list[GroupName], *rest: Any) -> Any:
        if len(groups) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.\nMore")
        return replica_exchange(target, groups, *rest)

    monkeypatch.setattr(stage, "replica_exchange", small)
    found = read_records(lab_of(tmp_path / "2", seeds).sample("flat"))
    assert list(found) == list(seeds)
    assert {name: content(record) for name, record in found.items()} == whole
    said = capsys.readouterr().err
    assert "flat: the memory of the GPU does not hold 5 measurements at once; going on with 2" in said
    most = 0
    with pytest.raises(SamplingError, match=r"the memory of the GPU holds \(CUDA out of memory.*device: cpu"):
        lab_of(tmp_path / "3", {"a": 0}).sample("flat")


def test_a_batch_is_no_larger_than_a_gpu_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory in proportion to the groups, with a margin, and never none."""
    sizes = Sizes(1000, 1, 301, 12, 12, 4, 4, 32)
    settings = Settings(seed=1, engine="auto")
    one = device_mib(replace(sizes, groups=1), settings, "cuda")
    assert 1.0 < one < 30.0
    assert device_mib(sizes, settings, "cuda") == pytest.approx(1000 * one, rel=0.15)
    assert device_mib(sizes, settings, "eager") > 2 * device_mib(sizes, settings, "cuda")
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (int(100 * one * 2**20), 0))
    assert groups_at_once(sizes, settings, "cuda") == 70
    assert groups_at_once(replace(sizes, groups=3), settings, "cuda") == 3
    assert groups_at_once(sizes, settings, "cpu") == 1000
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (0, 0))
    assert groups_at_once(sizes, settings, "cuda") == 1
