"""Au 4f in seven channels: shape, splitting, and a ratio that is not that of the electrons."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]

CHANNELS = tuple(f"ch{k}" for k in (2, 3, 4, 5, 6, 8, 9))


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "au4f_channels", tmp_path_factory.mktemp("au4f"))


def test_every_result_is_reliable(results: Shipped) -> None:
    assert results.doubtful() == {}


def test_no_channel_takes_gaussian_or_lorentzian_lines(results: Shipped) -> None:
    for channel in CHANNELS:
        assert results.gap(channel, "gauss", "voigt")[0] > 100
        assert results.gap(channel, "lorentz", "voigt")[0] > 100


def test_the_channels_saw_one_splitting_ratio_and_width(results: Shipped) -> None:
    group = results.groups["channels"]
    print(group["decision"])
    assert group["best"]["gain"] > 10
    shared = {row["parameter"]: row for row in group["rows"][0]["parameters"] if row["measurement"] is None}
    splitting, ratio = shared["doublet.splitting"], shared["doublet.ratio"]
    print(f"{splitting['mean']:.4f} +- {splitting['sd']:.4f} eV, ratio {ratio['mean']:.4f} +- {ratio['sd']:.4f}")
    assert splitting["mean"] == pytest.approx(3.67, abs=0.02)
    for channel in CHANNELS:
        assert splitting["sd"] < parameter(results.records[channel, "voigt"], "doublet.splitting")["sd"] / 2
    # 7 % above 4 : 3, in every shape: see docs/results.md
    assert ratio["q025"] > 4 / 3
    assert ratio["mean"] == pytest.approx(1.42, abs=0.02)


def test_the_shape_does_not_make_the_ratio(results: Shipped) -> None:
    for channel in CHANNELS:
        assert parameter(results.records[channel, "voigt"], "doublet.ratio")["q025"] > 4 / 3
        assert parameter(results.records[channel, "stepped"], "doublet.ratio", None)["q025"] > 4 / 3
