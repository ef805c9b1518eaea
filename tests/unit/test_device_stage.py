"""Devices of sampling jobs, none of which is here: broken drivers, batches that do not fit, what the log says."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.errors import SamplingError
from bayesbeam.io.samples import read_records
from bayesbeam.sampling.checkpoint import Saved
from bayesbeam.sampling.memory import Sizes, device_mib, peak_mib, usual_sweeps
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages import parts, resources
from bayesbeam.stages import sample as stage
from bayesbeam.stages.amount import FULL, SUMMARY
from bayesbeam.stages.memory import CPU_JOB_MIB, MOST_ON_CPU, STAGE_MIB, finished_mib, groups_at_once, planned_mb
from bayesbeam.stages.resources import choose_device, planned_device
from short_runs import shorten
from stage_fixture import HASTY, content, lab_of


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be short: these tests ask about devices, not about numbers."""
    shorten(monkeypatch.setattr)


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
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert planned_device("auto") == "cuda"
    assert planned_device("auto", "cpu") == choose_device("auto", "cpu") == "cpu", "compiled loops were asked for"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
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


def test_a_half_that_was_killed_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its checkpoint is found although the whole batch is tried first, and does not fit, once more."""
    lab = lab_of(tmp_path, {name: seed for seed, name in enumerate("abcd")})
    sizes: list[int] = []
    loaded: list[bool] = []
    killed = True

    def small(target: Any, groups: list[GroupName], settings: Settings, news: Any, keeper: Any, starts: Any) -> Any:
        sizes.append(len(groups))
        if len(groups) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        if killed:
            keeper.save(Saved({}, {"at": "half"}))
            raise KeyboardInterrupt
        loaded.append(keeper.load() is not None)
        return replica_exchange(target, groups, settings)

    monkeypatch.setattr(stage, "replica_exchange", small)
    with pytest.raises(KeyboardInterrupt):
        lab.sample("flat")
    killed = False
    assert list(read_records(lab.sample("flat"))) == list("abcd")
    assert sizes == [4, 2, 4, 2, 2]
    assert loaded == [True, False]


def test_a_job_on_a_cpu_stays_within_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many groups as fit, whatever the batch: what they are foretold to take is the bound and no less."""
    settings = Settings(seed=1, engine="auto")
    assert groups_at_once(Sizes(9999, 1, 100, 12, 12, 4), settings, "cpu", "cpu") == MOST_ON_CPU
    monkeypatch.setattr("bayesbeam.stages.memory.MOST_ON_CPU", 9999)
    for sizes, engine in ((Sizes(9999, 1, 301, 12, 12, 4), "eager"), (Sizes(9999, 1, 2000, 12, 12, 4), "cpu")):
        most = groups_at_once(sizes, settings, "cpu", engine)
        taken, more = (STAGE_MIB + peak_mib(replace(sizes, groups=n), settings, engine) for n in (most, most + 2))
        assert 0.85 * CPU_JOB_MIB < taken < 1.02 * CPU_JOB_MIB < 1.05 * more
        assert groups_at_once(replace(sizes, groups=3), settings, "cpu", engine) == 3
    assert groups_at_once(Sizes(50, 1, 900_000, 12, 12, 4), settings, "cpu", "eager") == 1


def test_what_a_job_has_finished_is_asked_for_too() -> None:
    """Of a long batch a part is sampled at once; draws and log-likelihoods of the others are held by then."""
    sizes, settings = Sizes(128, 1, 301, 12, 12, 4), Settings(seed=1, engine="auto", chains=4, replicas=10)
    sweeps = usual_sweeps(sizes, settings)
    whole = 8.0 * settings.chains * (sweeps * sizes.slots + sweeps * 10) / 2**20
    assert finished_mib(sizes, settings, 372, sweeps, FULL) == pytest.approx(372 * whole)
    few = finished_mib(sizes, settings, 372, sweeps, SUMMARY)
    assert 0 < few < 372 * whole / 2
    alone, beside = (planned_mb(sizes, settings, "cpu", "cpu", 1, finished) for finished in (0.0, 1000.0))
    assert beside > alone
    assert finished_mib(sizes, settings, 0, sweeps, FULL) == 0.0


def test_a_batch_is_no_larger_than_a_gpu_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory in proportion to the groups, with a margin, and never none."""
    sizes = Sizes(1000, 1, 301, 12, 12, 4, 4, 32)
    settings = Settings(seed=1, engine="auto")
    one = device_mib(replace(sizes, groups=1), settings, "cuda")
    assert 1.0 < one < 30.0
    assert device_mib(sizes, settings, "cuda") == pytest.approx(1000 * one, rel=0.15)
    assert device_mib(sizes, settings, "eager") > 2 * device_mib(sizes, settings, "cuda")
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (0, int(100 * one * 2**20)))
    assert groups_at_once(sizes, settings, "cuda", "cpu") == 70
    assert groups_at_once(replace(sizes, groups=3), settings, "cuda", "cpu") == 3
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (0, 0))
    assert groups_at_once(sizes, settings, "cuda", "cpu") == 1
