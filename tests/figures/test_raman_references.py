"""Reference materials on two Raman spectrometers: silicon and calcite within what polystyrene says of the axis."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]

INSTRUMENTS = ("bw532", "ho785_op01", "ho785_op02", "ho785_op03")
# Lines whose top is missing (clipped) or as high as the ripple of the detector: their position depends on the shape
# that is assumed, and the difference between the two candidates is added to the bound.
ODD = ("calcite_n_bw532_1086", "calcite_s_bw532_1086", "calcite_n_ho785_op02_712")


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "raman_references", tmp_path_factory.mktemp("raman"))


def position(results: Shipped, measurement: str) -> tuple[float, float]:
    """Place of a line in its best candidate, and the standard deviation."""
    best = results.best(measurement)
    row = parameter(best, "pair.position" if measurement.endswith("1001") else "line.position")
    return row["mean"], row["sd"]


def offset(results: Shipped, measurement: str) -> float:
    """Found minus known place of a line."""
    return position(results, measurement)[0] - float(results.metadata[measurement]["reference"])


def calibration_error(results: Shipped, instrument: str) -> float:
    """Largest offset of the lines of polystyrene, and the uncertainty of their reference (0.7)."""
    return max(abs(offset(results, f"polystyrene_{instrument}_{line}")) for line in (621, 1001)) + 0.7


def too_far(results: Shipped, shift: float = 0.0) -> list[str]:
    """Lines of silicon and calcite farther from their reference than the calibration error of the instrument."""
    found = []
    for name, columns in results.metadata.items():
        if columns["material"] == "polystyrene":
            continue
        shapes = [parameter(results.records[name, tag], "line.position")["mean"] for tag in ("line", "skewed")]
        bound = calibration_error(results, str(columns["instrument"])) + float(columns["reference_uncertainty"])
        bound += 2 * position(results, name)[1] + (abs(shapes[0] - shapes[1]) if name in ODD else 0)
        print(f"{name}: {offset(results, name):+.2f}, bound {bound:.2f}")
        found += [name] if abs(offset(results, name) + shift) > bound else []
    return found


def test_every_result_is_reliable(results: Shipped) -> None:
    assert results.doubtful() == {}


def test_silicon_and_calcite_lie_within_the_calibration_error(results: Shipped) -> None:
    assert too_far(results) == []
    assert len(too_far(results, shift=5.0)) > 7  # an axis that is off by two pixels is seen


def test_polystyrene_tells_a_shifted_axis(results: Shipped) -> None:
    shifts = {one: offset(results, f"polystyrene_{one}_1001") for one in INSTRUMENTS}
    print(shifts)
    assert abs(shifts["bw532"]) < 1.5  # half a pixel
    assert shifts["ho785_op03"] > 4  # the third path is off, by the eye too
    assert shifts["ho785_op02"] > 2


def test_a_shift_leaves_the_distance_of_two_lines(results: Shipped) -> None:
    rows = results.groups["polystyrene"]["rows"][0]["parameters"]
    joint = next(row for row in rows if (row["parameter"], row["measurement"]) == ("pair.splitting", None))
    print(joint["mean"], joint["sd"], results.groups["polystyrene"]["decision"])
    # 1031.8(4) - 1001.4(5)
    assert abs(joint["mean"] - 30.4) < 2 * (0.64**2 + joint["sd"] ** 2) ** 0.5
    assert results.groups["polystyrene"]["best"]["gain"] > 0
    for one in INSTRUMENTS:
        alone = parameter(results.records[f"polystyrene_{one}_1001", "skewed_pair"], "pair.splitting")
        assert joint["sd"] < alone["sd"]


def test_the_532_nm_instrument_skews_every_line(results: Shipped) -> None:
    for name, columns in results.metadata.items():
        if columns["instrument"] == "bw532" and columns["material"] != "polystyrene":
            assert results.gap(name, "line", "skewed")[0] > 3
            assert parameter(results.records[name, "skewed"], "line.skew")["q975"] < 0
