"""Polystyrene on four Raman axes: not at the same places, but at one place each up to a shift of every axis."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Row, Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]

LINES = {"ring": (620.9, 0.7), "breathing": (1001.4, 0.5), "bending": (1031.8, 0.4)}
"""Places of ASTM E1840 and their uncertainties, 1/cm."""
AXES = ("bw532", "ho785_op01", "ho785_op02", "ho785_op03")


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "raman_two_lasers", tmp_path_factory.mktemp("raman"))


def of_group(results: Shipped, group: str, name: str, measurement: str | None) -> Row:
    """Row of a parameter in the joint analysis of a group."""
    rows = results.groups[group]["rows"][0]["parameters"]
    (row,) = [row for row in rows if (row["parameter"], row["measurement"]) == (name, measurement)]
    return dict(row)


def test_every_result_is_reliable(results: Shipped) -> None:
    assert results.doubtful() == {}


def test_axes_differ_by_a_shift_or_a_factor(results: Shipped) -> None:
    gains = {name: group["rows"][0]["gain"] for name, group in results.groups.items()}
    print(gains)
    assert gains["same_places"] < -50
    assert gains["one_shift_each"] > 5
    assert gains["one_factor_each"] > 5
    # Three lines within 411/cm do not tell a shift of 4/cm from a factor of 1.004 with any certainty.
    assert abs(gains["one_shift_each"] - gains["one_factor_each"]) < 4


def test_shifts_are_what_the_strongest_line_says_alone(results: Shipped) -> None:
    alone = {one: parameter(results.records[one, "lines"], "breathing.position") for one in AXES}
    for one in AXES[1:]:
        row = of_group(results, "one_shift_each", "common.position_offset", one)
        expected = alone[one]["mean"] - alone["bw532"]["mean"]
        error = (alone[one]["sd"] ** 2 + alone["bw532"]["sd"] ** 2 + row["sd"] ** 2) ** 0.5
        print(one, row["mean"], row["q025"], row["q975"], expected)
        assert abs(row["mean"] - expected) < 3 * error
    assert of_group(results, "one_shift_each", "common.position_offset", "ho785_op03")["q025"] > 3


def test_lines_lie_where_the_standard_has_them_up_to_one_shift(results: Shipped) -> None:
    for one in AXES:
        found = {name: of_group(results, "one_shift_each", f"{name}.position", one) for name in LINES}
        errors = {name: found[name]["mean"] - place for name, (place, _) in LINES.items()}
        shift = sum(errors.values()) / 3
        print(one, errors)
        for name, (_, uncertainty) in LINES.items():
            assert abs(errors[name] - shift) < 2 * (uncertainty**2 + found[name]["sd"] ** 2) ** 0.5
    assert abs(sum(errors.values()) / 3) > 3  # the third path is off, by far more than the standard is uncertain


def test_the_weak_line_gains_most(results: Shipped) -> None:
    """On the 532 nm axis, where it is the narrowest of a few points, the others tell where it must be."""
    joint = of_group(results, "one_shift_each", "ring.position", None)
    alone = parameter(results.records["bw532", "lines"], "ring.position")
    print(joint["sd"], alone["sd"])
    assert joint["sd"] < 0.6 * alone["sd"]
    assert of_group(results, "one_shift_each", "ring.position", "bw532")["sd"] == pytest.approx(joint["sd"], rel=1e-9)


def test_the_first_paths_of_both_lasers_are_the_likeliest_to_be_one_axis(results: Shipped) -> None:
    """Of all fifteen divisions of the axes."""
    rows = {row["sharing"]: row for row in results.groups["same_places"]["sharing"]["rows"]}
    best = max(rows.values(), key=lambda row: float(row["probability"]))
    print({name: (row["gain"], row["probability"]) for name, row in rows.items()})
    assert ["bw532", "ho785_op01"] in best["blocks"]
    # The other two are two pixels away: nothing that takes them together with these has any weight.
    far = [row for row in rows.values() if any("ho785_op03" in one and "bw532" in one for one in row["blocks"])]
    assert sum(row["probability"] for row in far) < 1e-6
