"""One member of a batch that fails is refused with the reason; the others have the bytes that they have without it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.errors import ConfigError, ModelError, SamplingError
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.stages import free_energy, members, preprocess
from bayesbeam.stages import sample as stage
from bayesbeam.stages.quarantine import free_mib, out_of_memory
from short_runs import shorten
from stage_fixture import Lab, content, lab_of, make_lab, peak, strict

SEEDS = {name: seed for seed, name in enumerate("abcde")}


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be short: these tests ask about files, not about numbers."""
    shorten(monkeypatch.setattr)


def fails_with(monkeypatch: pytest.MonkeyPatch, problem: Exception, *names: str) -> list[int]:
    """Let the sampler fail where one of these measurements is in a call; return the sizes of all calls."""
    sizes: list[int] = []

    def sampler(target: Any, groups: list[GroupName], *rest: Any) -> Any:
        sizes.append(len(groups))
        if any(member in names for group in groups for member in group.members):
            raise problem
        return replica_exchange(target, groups, *rest)

    monkeypatch.setattr(stage, "replica_exchange", sampler)
    return sizes


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the contents of all records of a batch that nothing fails for."""
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch.setattr)
        out = lab_of(tmp_path_factory.mktemp("undisturbed"), SEEDS).sample("flat")
    return {name: content(record) for name, record in read_records(out).items()}


@pytest.mark.parametrize("problem", [ModelError("nan at level = 2"), ZeroDivisionError("division by zero")])
def test_one_of_five_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any], problem: Exception
) -> None:
    sizes = fails_with(monkeypatch, problem, "c")
    lab = lab_of(tmp_path, SEEDS)
    out = lab.sample("flat")
    found = read_records(out)
    assert list(found) == list(SEEDS)
    reason = found["c"].facts["refused"]
    assert str(problem) in reason
    assert ("measurement c: candidate flat: it cannot be computed (Zero" in reason) != isinstance(problem, ModelError)
    assert {name: content(found[name]) for name in "abde"} == {name: undisturbed[name] for name in "abde"}
    assert sizes == [5, 2, 3, 1, 2], "taken apart until it is alone"
    assert sorted(file.name for file in out.parent.iterdir()) == ["flat.h5", "flat.h5.costs"]

    monkeypatch.setattr(stage, "replica_exchange", None)
    before = out.read_bytes()
    lab.sample("flat")
    assert out.read_bytes() == before, "it is not tried again"
    (refused,) = strict(lab.summarise())["refused"]
    assert refused == {"measurement": "c", "tag": "flat", "reason": reason}


def test_what_fails_for_all_is_no_matter_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, ZeroDivisionError("division by zero"), *SEEDS)
    with pytest.raises(ZeroDivisionError):
        lab_of(tmp_path / "1", SEEDS).sample("flat")
    fails_with(monkeypatch, ConfigError("sampling: no"), "c")
    with pytest.raises(SamplingError, match="sampling: no"):
        lab_of(tmp_path / "2", {"c": 0}).sample("flat")


def test_a_model_that_fails_for_all_is_refused_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, ModelError("nan"), *SEEDS)
    found = read_records(lab_of(tmp_path, SEEDS).sample("flat"))
    assert {record.facts["refused"] for record in found.values()} == {"candidate flat: nan"}


def test_a_question_that_fails_sets_one_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fails(spec: object, tried: list[Measurement]) -> None:
        asked.append("".join(m.id for m in tried))
        assert 1 // ("b" not in asked[-1])

    monkeypatch.setattr(members, "_try", fails)
    found = read_records(lab_of(tmp_path, SEEDS).sample("flat"))
    assert asked == ["abcde", *"abcde"], "each by itself only where all together fail"
    assert "ZeroDivisionError" in found["b"].facts["refused"]
    assert not any("refused" in found[name].facts for name in "acde")


def test_a_group_whose_model_fails_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = "  - {group: pair, measurements: [a, b], candidate: flat, shared: [constant.level], method: joint}\n"
    lab = make_lab(tmp_path, {"a": peak(0), "b": peak(1)}, integration=group, candidates=FLAT_OF_GROUPS)
    lab.separate()
    fails_with(monkeypatch, ModelError("nan"), "a", "b")
    lab.join("pair")
    assert "candidate flat: nan" in strict(lab.integrate("pair"))["decision"]


FLAT_OF_GROUPS = """\
  flat:
    solve: sample
    parts: [{component: constant, priors: {level: "uniform(-3, 3)"}}]
    noise: {family: normal, sigma: 0.1}
"""
NO_MEMORY = RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried")


@pytest.mark.parametrize("problem", [MemoryError("Unable to allocate 3 GiB"), NO_MEMORY])
def test_a_batch_that_memory_does_not_hold_is_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any], problem: Exception,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def small(target: Any, groups: list[GroupName], *rest: Any) -> Any:
        if len(groups) > most:
            raise problem
        return replica_exchange(target, groups, *rest)

    most = 2
    monkeypatch.setattr(stage, "replica_exchange", small)
    found = read_records(lab_of(tmp_path / "1", SEEDS).sample("flat"))
    assert {name: content(record) for name, record in found.items()} == undisturbed
    assert (
        "flat: the memory of this job does not hold 5 measurements at once; going on with 2" in capsys.readouterr().err
    )
    most = 0
    words = r"candidate flat: more numbers than memory holds \(.*\); \d+ MiB are left to this job; expected memory that"
    with pytest.raises(SamplingError, match=words):
        lab_of(tmp_path / "2", {"a": 0}).sample("flat")


def test_what_is_taken_for_a_lack_of_memory() -> None:
    assert all(map(out_of_memory, (MemoryError(), NO_MEMORY, torch.OutOfMemoryError("CUDA out of memory"))))
    assert not any(map(out_of_memory, (RuntimeError("shapes differ"), ValueError("can't allocate memory"))))
    assert free_mib() > 1.0


def test_a_summary_that_fails_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1})
    lab.sample("flat")
    whole = strict(lab.summarise())["records"]
    original, bad = free_energy.summarise, {"a"}

    def summarise(spec: Any, members: Any, *rest: Any, **others: Any) -> Any:
        if members[0].id in bad:
            raise IndexError("no such draw")
        return original(spec, members, *rest, **others)

    monkeypatch.setattr(free_energy, "summarise", summarise)
    found = strict(lab.summarise())
    assert found["records"] == whole[1:]
    (refused,) = found["refused"]
    assert "measurement a: candidate flat: it cannot be computed (IndexError: no such draw)" in refused["reason"]
    bad.add("b")
    with pytest.raises(IndexError):
        lab.summarise()


def test_data_that_nobody_foresaw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = preprocess.treat

    def treat(raw: Any, steps: Any, unit: str, label: str) -> Any:
        if label == "b.txt":
            raise KeyError("column")
        return original(raw, steps, unit, label)

    lab = make_lab(tmp_path, {"a": peak(0), "b": peak(1), "c": peak(2)})
    lab.preprocess()
    whole = {path.name: path.read_bytes() for path in lab.measurements.iterdir()}
    monkeypatch.setattr(preprocess, "treat", treat)
    found = measured(lab)
    assert found["b"].startswith(
        "b.txt: it cannot be computed (KeyError: 'column'); expected data that the program can"
    )
    assert found["a"] == found["c"] == ""
    assert all((lab.measurements / name).read_bytes() == whole[name] for name in ("a.h5", "c.h5"))


def measured(lab: Lab) -> dict[str, str]:
    """Reasons by measurement, of a new start of the first stage."""
    return {m.id: m.reason for m in preprocess.preprocess_rows(lab.campaign, lab.campaign.ids, lab.measurements)}
