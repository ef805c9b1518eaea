"""Scaling of searches for phases: the table that is kept is what the docs say and the figure shows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# The benchmark lies beside the package, where no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench import phase_scaling, phase_scaling_figure
from bench.phase_scaling import COLUMNS, COUNTED, SIZES, grouped, keep, kept, right, told
from bench.phase_search import library
from bench.store import Store


def row(number: int, counted: float, size: int, exact: str = "name", cpu: float = 1.0) -> dict[str, Any]:
    return {
        "number": number, "phases": 2, "counted": counted, "size": size, "exact": exact, "stated": 0.75,
        "variational": "name", "same": exact == "name", "search_cpu": cpu, "columns_cpu": 0.25,
        "variational_cpu": 0.5, "search_wall": 2.0 * cpu, "load": 3.0,
    }  # fmt: skip


def test_a_set_is_right_by_name_or_but_for_look_alikes() -> None:
    first, second, *_ = library().families[0]
    other = next(one.name for one in library().lines if one.name not in library().families[0])
    assert told({first, other}, [other, first]) == "name"
    assert told({second, other}, [first, other]) == "family"
    assert told({first}, [first, other]) == "wrong"
    assert told({first, second}, [first]) == "wrong"


def test_only_mixtures_that_were_searched_at_all_sizes_count() -> None:
    """Sizes are compared on the same mixtures; one that was stopped on the way would be missing at the larger ones."""
    every = [row(n, c, s, cpu=s / 50) for n in range(3) for c in (2.0, 0.2) for s in (50, 100)]
    groups = grouped([*every, row(3, 2.0, 50, "wrong")])
    assert [(one[0]["counted"], one[0]["size"], len(one)) for one in groups] == [
        (2.0, 50, 3), (2.0, 100, 3), (0.2, 50, 3), (0.2, 100, 3)
    ]  # fmt: skip
    assert [right(one, "exact") for one in groups] == [3, 3, 3, 3]
    assert right([row(0, 2.0, 50, "wrong"), row(1, 2.0, 50, "family")], "exact") == 1


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    store = Store("scaling", tmp_path)
    outer = ("number", "counted", "size", "load")
    for one in (row(0, 2.0, 50), row(0, 0.2, 50, "wrong")):
        inner = {key: value for key, value in one.items() if key not in outer}
        store.add({key: one[key] for key in outer} | {"key": "a", "threads": 1, "machine": "m", "value": inner})
    keep(tmp_path, tmp_path / "table.tsv")
    head, rows = kept(tmp_path / "table.tsv")
    assert rows == [row(0, 2.0, 50), row(0, 0.2, 50, "wrong")]
    assert head.endswith("; m; load (processes that want a core, one being ours) 3 to 3")


def test_the_table_has_all_sizes_and_both_counting_times() -> None:
    head, rows = kept()
    assert set(rows[0]) == set(COLUMNS)
    groups = grouped(rows)
    assert [(one[0]["counted"], one[0]["size"]) for one in groups] == [(c, s) for c in COUNTED for s in SIZES]
    assert len({len(one) for one in groups}) == 1
    assert "cores" in head


def test_the_docs_say_what_the_table_says(root: Path) -> None:
    """Every row of the table in the docs, made anew from what is kept."""
    text = (root / "docs" / "diffraction.md").read_text(encoding="utf-8")
    for line in phase_scaling.words():
        assert line in text, line
    assert "images/phase_scaling.svg" in text


def test_the_figure_is_that_of_the_table(tmp_path: Path) -> None:
    """Versions of the plotting library may draw otherwise, so that what the figure holds is compared, not its bytes."""
    assert phase_scaling_figure.IMAGE.is_file()
    phase_scaling_figure.draw(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").read_bytes().startswith(b"<?xml")
    groups = grouped(kept()[1])
    left, other = phase_scaling_figure.figure(kept()[1]).axes
    middle = [np.median([one["search_cpu"] for one in found]) for found in groups if found[0]["counted"] == COUNTED[0]]
    assert left.lines[0].get_ydata() == pytest.approx(middle)
    share = [right(found, "exact") / len(found) for found in groups if found[0]["counted"] == COUNTED[0]]
    assert other.lines[0].get_ydata() == pytest.approx(share)


def test_a_small_search_is_measured() -> None:
    found = phase_scaling.measure(2, 50, 2.0, 1)  # lanthanum hexaboride alone
    assert (found["phases"], found["exact"], found["variational"], found["same"]) == (1, "name", "name", True)
    assert found["stated"] > 0.99
    assert 0.0 < found["search_cpu"]
    assert {"search_wall", "columns_cpu", "variational_cpu"} <= set(found)
