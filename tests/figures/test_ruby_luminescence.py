"""R lines of ruby under pressure: two lines, their distance, and a shape that is nearly Lorentzian."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "ruby_luminescence", tmp_path_factory.mktemp("ruby"))


def test_every_result_is_reliable(results: Shipped) -> None:
    assert results.doubtful() == {}


def test_the_splitting_is_that_of_ruby_whatever_the_shape(results: Shipped) -> None:
    for tag in ("lorentz", "voigt", "skewed"):
        row = parameter(results.records["ruby", tag], "lines.splitting")
        print(f"{tag}: {row['mean']:.4f} +- {row['sd']:.4f} nm")
        assert row["mean"] == pytest.approx(1.43, abs=0.04)  # 29 to 30 1/cm, and up to 1.4 (textbook)
        assert row["sd"] < 0.01


def test_r1_is_the_stronger_line_and_has_moved_up(results: Shipped) -> None:
    best = results.best("ruby")
    r2, splitting = (parameter(best, f"lines.{name}")["mean"] for name in ("position", "splitting"))
    assert parameter(best, "lines.ratio")["q025"] > 1
    print(f"R1 {r2 + splitting:.3f} nm")
    assert 694.3 < r2 + splitting < 695.5  # above the place without pressure


def test_lines_are_nearly_lorentzian(results: Shipped) -> None:
    assert results.gap("ruby", "gauss", "lorentz")[0] > 100
    assert parameter(results.records["ruby", "voigt"], "lines.mixing")["q025"] > 0.7
    assert results.best("ruby")["tag"] == "skewed"
