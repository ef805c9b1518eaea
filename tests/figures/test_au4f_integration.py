"""Au 4f in seven channels: all partial sharings and all divisions compared, multiplied and sampled together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from bayesbeam.io.samples import read_records
from bayesbeam.stages.apart import apart, joint_gain
from bayesbeam.stages.sample import sample_group, usable
from shipped_results import Shipped, analyse, parameter
from stage_fixture import no_news

pytestmark = [pytest.mark.nightly, pytest.mark.figures]

CHANNELS = tuple(f"ch{k}" for k in (2, 3, 4, 5, 6, 8, 9))
ALL = "doublet.splitting+doublet.ratio+doublet.fwhm+doublet.position"
SAMPLED = ("splitting", "splitting-ratio", "ratio-fwhm-position")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("au4f")


@pytest.fixture(scope="module")
def results(root: Path, folder: Path) -> Shipped:
    return analyse(root / "config" / "campaigns" / "au4f_integration", folder)


@pytest.fixture(scope="module")
def rows(results: Shipped) -> dict[str, dict[str, Any]]:
    return {row["sharing"]: row for row in results.groups["channels"]["sharing"]["rows"]}


def test_every_result_is_reliable(results: Shipped, rows: dict[str, dict[str, Any]]) -> None:
    assert results.doubtful() == {}
    assert {row["verdict"] for row in rows.values()} == {"reliable"}


def test_all_is_shared_by_all(results: Shipped, rows: dict[str, dict[str, Any]]) -> None:
    sharing = results.groups["channels"]["sharing"]
    assert sharing["compared"] == 1 + 1 + 14 + 875
    assert sharing["best"] == ALL
    assert rows[ALL]["probability"] > 0.99
    assert rows[ALL]["method"] == "joint"
    assert rows[ALL]["gain"] == pytest.approx(90.7, abs=1.0)
    # each of the four parameters is better shared, whatever else is
    for name in ALL.split("+"):
        without = "+".join(one for one in ALL.split("+") if one != name)
        assert rows[without]["gain"] < rows[ALL]["gain"] - 8


def test_the_whole_is_narrower_by_the_expected_factor(results: Shipped) -> None:
    shared = {row["parameter"]: row for row in results.groups["channels"]["rows"][0]["parameters"]}
    for name in ALL.split("+"):
        sds = [parameter(results.records[channel, "voigt"], name)["sd"] for channel in CHANNELS]
        expected = sum(sd**-2 for sd in sds) ** -0.5
        assert shared[name]["sd"] == pytest.approx(expected, rel=0.1)


def test_no_channel_disagrees(results: Shipped) -> None:
    conflict = results.groups["channels"]["sharing"]["conflict"]
    assert min(one["p_value"] for one in conflict) > 0.005
    assert max(abs(one["tension"]) for one in conflict) < 3
    assert max(one["gain"] for one in conflict) < -5


@pytest.mark.parametrize("pattern", SAMPLED)
def test_multiplied_posteriors_agree_with_sampling_together(
    results: Shipped, rows: dict[str, dict[str, Any]], root: Path, folder: Path, tmp_path: Path, pattern: str
) -> None:
    campaign = load_campaign(root / "config" / "campaigns" / "au4f_integration")
    out = tmp_path / "joint.h5"
    sample_group(campaign, "channels", "voigt", folder / "measurements", out, no_news, pattern=pattern)
    present = usable(CHANNELS, folder / "measurements")
    alone = apart(campaign, campaign.group_models("channels")[0], present, folder)
    joint = joint_gain(alone, read_records(out)["channels"])
    row = rows["+".join(f"doublet.{name}" for name in pattern.split("-"))]
    error = (joint.standard_error**2 + row["gain_standard_error"] ** 2) ** 0.5
    print(f"{pattern}: {row['gain']:.2f} multiplied, {joint.value:.2f} sampled, +- {error:.2f}")
    assert abs(row["gain"] - joint.value) < 4 * error
