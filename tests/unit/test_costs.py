"""What results took lies beside them: equal answers give equal bytes, and costs of other results are not taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesbeam.io.costs import costs_path, divided, merged
from bayesbeam.io.results import read_result, write_result
from bayesbeam.io.samples import Record, read_records, write_records


def facts(seconds: float, key: str = "k") -> dict[str, Any]:
    return {
        "key": key,
        "cpu_seconds": seconds,
        "predicted_memory_mb": None,
        "parts": [{"name": "a", "seconds": seconds}, {"name": "b"}],
        "phases": {"seconds": {"search": seconds}, "best": ["x"]},
    }


def test_costs_are_put_back_where_they_were() -> None:
    whole = facts(2.5)
    bare, costs = divided(whole)
    assert "seconds" not in json.dumps(bare)
    assert merged(bare, costs) == whole
    assert merged({"parts": []}, costs) == {"parts": [], "cpu_seconds": 2.5, "predicted_memory_mb": None}


def test_records_that_took_other_times_have_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "peaks.h5"
    found = []
    for seconds in (1.0, 2.0):
        write_records(path, {"m": Record({"theta": np.arange(3.0)}, facts(seconds))})
        assert read_records(path)["m"].facts == facts(seconds)
        found.append(path.read_bytes())
    assert found[0] == found[1]


def test_costs_of_another_key_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "peaks.h5"
    write_records(path, {"m": Record({}, facts(1.0))})
    of_old = costs_path(path).read_bytes()
    write_records(path, {"m": Record({}, facts(2.0, "another"))})
    costs_path(path).write_bytes(of_old)
    assert "cpu_seconds" not in read_records(path)["m"].facts


@pytest.mark.parametrize("damage", [b"", b"[1]", b"\xff{", b'{"m": 3}', b'{"m": {"key": "k", "costs": {"/a/b": 1}}}'])
def test_a_damaged_file_of_costs_means_that_they_are_not_known(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "peaks.h5"
    write_records(path, {"m": Record({}, facts(1.0))})
    costs_path(path).write_bytes(damage)
    assert "cpu_seconds" not in read_records(path)["m"].facts


def test_results_have_the_same_bytes_and_costs_of_their_own_only(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write_result(path, facts(1.0))
    first = path.read_bytes()
    write_result(path, facts(2.0))
    assert path.read_bytes() == first
    assert read_result(path) == facts(2.0)
    of_old = costs_path(path).read_bytes()
    write_result(path, {**facts(3.0), "best": "another"})
    costs_path(path).write_bytes(of_old)
    assert "cpu_seconds" not in read_result(path)
