"""Changes along series, in tables and on the page: a kink of a quantity, a candidate that takes over from another."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.io.store import Measurement
from bayesbeam.report.change_rows import change_sentences, trend_changes, turn_sentences, turns
from bayesbeam.report.records import Candidate, Facts, MeasurementResult, Results, Row
from bayesbeam.report.series_data import all_series
from bayesbeam.report.tables import write_tables

PLACES = np.linspace(10.0, 300.0, 17)
GRID = np.linspace(0.0, 1.0, 9)


def member(x: float, kink: float = 130.0, verdict: str = "reliable") -> MeasurementResult:
    """A measurement with an edge that grows above a kink; below it "low" is the better candidate by 5 nats."""
    edge = 7.7 + 1e-4 * max(x - kink, 0.0) + 1e-4 * float(np.sin(7.0 * x))
    row = Row("oxide.a", 1, "angstrom", mean=edge, sd=1e-4, q025=edge - 2e-4, q975=edge + 2e-4)
    energies = {"low": 100.0, "high": 105.0 if x < kink else 95.0}
    candidates = tuple(Candidate(f"at{x:g}", name, name, None, free_energy=value, parameters=(row,), verdict=verdict)
                       for name, value in energies.items())  # fmt: skip
    data = Measurement(id=f"at{x:g}", x=GRID, y=GRID, metadata={"temperature": float(x)})
    return MeasurementResult(f"at{x:g}", f"at{x:g}", data, candidates)


def results(*members: MeasurementResult) -> Results:
    return Results(Facts("c", "", ()), members, ())


def test_a_kink_and_a_turn_are_in_tables_and_sentences(tmp_path: Path) -> None:
    whole = results(*(member(float(x)) for x in PLACES))
    write_tables(whole, tmp_path)
    with (tmp_path / "changes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["parameter"] for row in rows} == {"oxide.a"}
    assert float(rows[0]["no_change"]) < 1e-3
    assert float(rows[0]["first_low"]) < 130.0 < float(rows[0]["first_high"])
    with (tmp_path / "turns.csv").open(encoding="utf-8") as file:
        (turn,) = csv.DictReader(file)
    assert (turn["first"], turn["second"], turn["points"]) == ("low", "high", "17")
    assert float(turn["first_below_second"]) > 0.99
    assert (float(turn["place_low"]), float(turn["place_high"])) == pytest.approx((118.75, 136.875))
    (series, *_) = all_series(whole)
    (said,) = change_sentences(series, 9)
    assert "changes along temperature: straight, one kink, at 13" in said
    (other,) = turn_sentences(turns(whole, "temperature", ""))
    assert other.startswith("low holds below and high above a place between 118.8 and 136.9")


def test_without_a_change_nothing_is_said(tmp_path: Path) -> None:
    whole = results(*(member(float(x), kink=1000.0) for x in PLACES))
    (series, *_) = all_series(whole)
    assert change_sentences(series, 9) == ()
    assert turn_sentences(turns(whole, "temperature", "")) == ()


def scattered(x: float, edge: float) -> MeasurementResult:
    """A measurement of an edge that only scatters."""
    one = member(x, kink=1000.0)
    (row,) = one.candidates[0].parameters
    moved = replace(row, mean=edge)
    return replace(one, candidates=tuple(replace(each, parameters=(moved,)) for each in one.candidates))


def test_where_no_change_is_most_probable_no_place_is_told() -> None:
    """Also where it has less than half of the probability, which of so many series of noise alone some have."""
    rng = np.random.default_rng(8)
    less = 0
    for _ in range(16):
        edges = 7.7 + 3e-4 * rng.standard_normal(17)
        whole = results(*(scattered(float(x), float(edge)) for x, edge in zip(PLACES, edges, strict=True)))
        series = all_series(whole)[0]
        found = trend_changes(series.trends[0])
        assert found is not None
        if found.number.argmax() == 0:
            less += int(found.number[0] < 0.5)
            assert change_sentences(series, 9) == ()
    assert less > 0


def test_what_is_not_reliable_or_too_short_has_no_changes(tmp_path: Path) -> None:
    short = results(*(member(float(x)) for x in PLACES[:5]))
    assert trend_changes(all_series(short)[0].trends[0]) is None
    doubtful = results(*(member(float(x), verdict="not reliable") for x in PLACES))
    assert turns(doubtful, "temperature", "") == []
    write_tables(doubtful, tmp_path)
    assert not (tmp_path / "changes.csv").exists()
    assert not (tmp_path / "turns.csv").exists()
