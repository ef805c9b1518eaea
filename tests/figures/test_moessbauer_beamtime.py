"""A night of Moessbauer spectra: snapshots of one measurement as it is counted, then sixteen temperatures."""

from __future__ import annotations

import math
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.config.outline import outline_campaign

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]
NAME = "moessbauer_beamtime"
CUT_OFF = [f"snapshot_{second}s" for second in ("0003", "0244", "0769", "0838", "1661")]


def night(root: Path, folder: Path) -> Path:
    """Return a copy of the campaign in whose folder all files of the night have landed."""
    campaigns = root / "config" / "campaigns"
    (folder / NAME / "incoming").mkdir(parents=True)
    shutil.copy(campaigns / NAME / "campaign.yaml", folder / NAME)
    (folder / "ferrihydrite_moessbauer").symlink_to(campaigns / "ferrihydrite_moessbauer")
    arrive = runpy.run_path(str(campaigns / NAME / "arrive.py"))
    files = arrive["night"]()
    assert [second for second, _ in files] == sorted(second for second, _ in files)
    for _, path in files:
        arrive["land"](path, folder / NAME / "incoming")
    return folder / NAME


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    folder = tmp_path_factory.mktemp("night")
    return analyse(night(root, folder), folder / "results", CUT_OFF)


def test_what_landed_is_79_snapshots_and_16_temperatures(root: Path, tmp_path: Path) -> None:
    campaign = outline_campaign(night(root, tmp_path))
    assert not campaign.aside
    snapshots = [one for one in campaign.ids if one.startswith("snapshot")]
    assert len(snapshots) == 79
    assert [snapshots.index(one) + 1 for one in CUT_OFF] == [1, 12, 35, 38, 74], "as PROVENANCE.md says"
    kelvins = [campaign.row(one).metadata["temperature_K"] for one in campaign.ids if one.startswith("fh_")]
    assert kelvins == [5, 15, 25, 35, 45, 55, 65, 75, 77, 85, 95, 105, 105, 115, 125, 135]


def test_five_are_refused_and_all_others_are_reliable(results: Shipped) -> None:
    """That exactly the five are refused is asserted where the results are made."""
    assert len({one for one, _ in results.records}) == 79 - 5 + 16
    print(results.doubtful())
    assert results.doubtful() == {}


def test_half_a_minute_tells_the_model_and_longer_ones_the_field(results: Shipped) -> None:
    """Snapshots are one measurement at growing times: nothing here takes them for independent."""
    times, errors = [], []
    for (name, tag), record in results.records.items():
        if name.startswith("snapshot") and tag == "spread_sextet":
            assert results.best(name)["tag"] == "spread_sextet"
            times.append(float(results.metadata[name]["counted_s"]))
            errors.append(parameter(record, "iron.field")["sd"])
    first, last = (f"snapshot_{second}s" for second in ("0026", "1776"))
    for name in (first, last):
        print(name, results.gap(name, "sextet", "spread_sextet"), results.gap(name, "spread_doublet", "spread_sextet"))
        print({word: (row["mean"], row["sd"]) for word in ("field", "isomer_shift", "field_sd")
               if (row := parameter(results.records[name, "spread_sextet"], f"iron.{word}"))})  # fmt: skip
    assert results.gap(first, "sextet", "spread_sextet")[0] > 50
    assert results.gap(first, "spread_doublet", "spread_sextet")[0] > 500
    early, late = (parameter(results.records[name, "spread_sextet"], "iron.field") for name in (first, last))
    assert early["q025"] < late["mean"] < early["q975"]
    # Errors of counting fall with the square root of the time.
    slope = np.polyfit(np.log(times), np.log(errors), 1)[0]
    print("slope", slope)
    assert slope == pytest.approx(-0.5, abs=0.05)


def test_the_field_falls_and_the_sextet_gives_way_to_a_doublet(results: Shipped) -> None:
    """47 to 50 T, 0.47 to 0.50 mm/s at 5 K, 0.45 mm/s in the doublet: literature, as PROVENANCE.md has it."""
    kelvin = {name: float(row["temperature_K"]) for name, row in results.metadata.items() if name.startswith("fh_")}
    for name, temperature in kelvin.items():
        gap, _ = results.gap(name, "spread_doublet", "spread_sextet")
        print(name, results.best(name)["tag"], round(gap, 1), results.best(name)["checks"]["together"])
        assert (gap > 0) == (temperature < 70), name
        assert abs(gap) > 50
    cold = ["fh_5K", "fh_15K", "fh_25K", "fh_35K", "fh_45K", "fh_55K"]
    fields = [parameter(results.records[name, "spread_sextet"], "iron.field") for name in cold]
    print([(round(row["mean"], 2), round(row["sd"], 3)) for row in fields])
    assert 47.0 < fields[0]["mean"] < 50.0
    assert [row["mean"] for row in fields] == sorted((row["mean"] for row in fields), reverse=True)
    assert parameter(results.records["fh_5K", "spread_sextet"], "iron.isomer_shift")["mean"] == pytest.approx(
        0.485, abs=0.035
    )
    warm = results.records["fh_77K", "spread_doublet"]
    assert parameter(warm, "iron.isomer_shift")["mean"] == pytest.approx(0.45, abs=0.03)


def test_one_temperature_measured_twice_gives_the_same(results: Shipped) -> None:
    """105 K for 30 and for 31 minutes, which are independent counts: each within what both say of themselves."""
    rows = [
        parameter(results.records[name, "spread_doublet"], f"iron.{word}")
        for word in ("isomer_shift", "quadrupole_splitting")
        for name in ("fh_105K", "fh_105K_again")
    ]
    for one, other in (rows[:2], rows[2:]):
        z = (one["mean"] - other["mean"]) / math.hypot(one["sd"], other["sd"])
        print(one["parameter"], one["mean"], other["mean"], "z", z)
        assert abs(z) < 4
