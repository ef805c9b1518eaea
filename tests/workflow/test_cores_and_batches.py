"""The whole workflow gives the same bytes on any number of cores and threads, and with any size of batch."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from bayesbeam.io.samples import read_records

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflow.conftest import Lab

# What tells of a run how, not what.
APART = {"cpu_seconds", "wall_seconds", "peak_memory_mb", "predicted_memory_mb", "batch"}
# Settings of the campaign, and the words that run it.
FIRST = ("batch: 2", ("--cores", "2"))
OTHERS = [
    ("batch: 1", ("--cores", "1")),
    ("batch: 3", ("--cores", "2", "--set-threads", "sample=2", "sample_group=2")),
]


def text_of(value: Any) -> str:
    """JSON of facts without those that tell how a run was made."""

    def of(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: of(one) for key, one in value.items() if key not in APART}
        return [of(one) for one in value] if isinstance(value, list) else value

    return json.dumps(of(value), sort_keys=True)


def content(results: Path) -> dict[str, str | bytes]:
    """Everything that a run has found, by measurement or group, whatever the batches."""
    found: dict[str, str | bytes] = {}
    for path in results.glob("free_energy/*.json"):
        for record in json.loads(path.read_text())["records"]:
            found[f"numbers of {record['measurement']} {record['tag']}"] = text_of(record)
    for path in results.glob("integration/*.json"):
        found[f"numbers of {path.stem}"] = text_of(json.loads(path.read_text()))
    for folder in ("samples", "free_energy", "integration"):
        for path in results.glob(f"{folder}/**/*.h5"):
            tag = "" if path.parent.name == "free_energy" else path.stem
            for name, record in read_records(path).items():
                where = f"{folder} {tag} {name}"
                assert where not in found
                found[where] = text_of(dict(record.facts))
                found |= {f"{where} {key}": values.tobytes() for key, values in record.arrays.items()}
    report = results / "report"
    tables = [path for path in report.glob("tables/*.csv") if path.stem != "runtime"]
    for path in [*tables, *report.glob("draws/*.nc"), *report.glob("figures/**/*.svg")]:
        found[str(path.relative_to(report))] = path.read_bytes()
    return found


def differences(one: dict[str, str | bytes], other: dict[str, str | bytes]) -> list[str]:
    """Names of what is not the same."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def run(lab: Lab, batch: str, words: tuple[str, ...]) -> tuple[int, dict[str, str | bytes]]:
    """Run the campaign from nothing; return the number of its batches, and what it found."""
    shutil.rmtree(lab.workdir / "results", ignore_errors=True)
    lab.replace(FIRST[0], batch)
    done = lab.snakemake(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    lab.replace(batch, FIRST[0])
    return len(list(lab.results.glob("free_energy/*.json"))), content(lab.results)


@pytest.mark.nightly
def test_cores_threads_and_batches_change_nothing(lab: Lab) -> None:
    lab.data("e", seed=9)
    lab.sheet("a", "b", "c", "d", "e")
    batches, first = run(lab, *FIRST)
    assert batches == 3
    kinds = ("numbers of", "samples", "free_energy", "integration", "tables", "draws", "figures")
    assert all(any(name.startswith(kind) for name in first) for kind in kinds)
    for (batch, words), expected in zip(OTHERS, (5, 2), strict=True):
        batches, found = run(lab, batch, words)
        assert differences(found, first) == [], (batch, words)
        assert batches == expected
    lab.replace("seed: 1", "seed: 2")
    _, found = run(lab, FIRST[0], ("--cores", "2", "--until", "sample"))
    assert {f"samples flat {name} theta" for name in "abcde"} <= set(differences(found, first))
