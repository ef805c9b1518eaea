"""How precise a parameter is after a shorter time: as thinned counts say, and as really shorter exposures say.

Five cumulative snapshots of one Moessbauer measurement at 5 K; the last is thinned to the counts of the others. What is
compared are the standard deviations of posteriors under one candidate, which need not describe the mineral to the last.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]

SHORT = {"s2": 277738, "s5": 1014021, "s11": 2386284, "s40": 9528379}
REPLICATES = 4
PARAMETERS = ("iron.field", "iron.isomer_shift", "iron.field_sd", "iron.depth")
CAMPAIGN = """\
campaign: shorter
treatments:
  default:
    read: {x: null, points: 1023}    # the table counts channels from 0, the velocities from 1
    axis: {unit: mm/s, calibration: velocity.csv}
    signal: {counts: true}
    rebin: 4
candidates:
  sextet:
    parts:
      - name: iron
        component: moessbauer_voigt_sextet
        priors:
          depth: half_normal(sd=0.5*y_max)
          isomer_shift: uniform(low=0, high=1)
          quadrupole_shift: normal(mean=0, sd=0.1)
          field: uniform(low=40, high=55)
          field_sd: log_uniform(low=0.2, high=10)
          fwhm: log_uniform(low=0.2, high=2)
      - name: baseline
        component: constant
        priors: {level: "normal(mean=y_max, sd=0.05*y_max)"}
    noise: {family: poisson}
thin: {name: t, measurement: s79, exposure: 19140181, exposures: [277738, 1014021, 2386284, 9528379], replicates: 4}
sampling: {target_standard_error: 0.3, seed: 5, chains: 8}
"""


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    folder = tmp_path_factory.mktemp("shorter")
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    rows = "".join(f"{name}\tsnapshots.tsv\t{name}\n" for name in [*SHORT, "s79"])
    (folder / "measurements.tsv").write_text(f"id\tfile\ty\n{rows}")
    shutil.copy(root / "tests/data/ferrihydrite_5K/snapshots.tsv", folder)
    shutil.copy(root / "config/campaigns/ferrihydrite_moessbauer/data/velocity.csv", folder)
    return analyse(folder, tmp_path_factory.mktemp("results"))


def ratios(results: Shipped, exposure: dict[str, int]) -> np.ndarray:
    """Standard deviation of each parameter at each real exposure over the mean of its thinned ones at another."""
    found = []
    for name in SHORT:
        made = [f"t_T{exposure[name]:.6g}_{i:03d}".replace("+", "") for i in range(1, REPLICATES + 1)]
        for word in PARAMETERS:
            real = parameter(results.records[name, "sextet"], word)["sd"]
            thinned = [parameter(results.records[one, "sextet"], word)["sd"] for one in made]
            found.append(real / np.mean(thinned))
            print(f"{name} {word}: {real:.4g}, thinned {np.mean(thinned):.4g} +- {np.std(thinned, ddof=1):.2g}")
    return np.array(found).reshape(len(SHORT), len(PARAMETERS))


def test_every_result_is_reliable(results: Shipped) -> None:
    assert results.doubtful() == {}


def test_thinned_spectra_are_as_precise_as_really_shorter_ones(results: Shipped) -> None:
    """One draw of the data each: at the shortest exposure, 1 % of the counts, sds scatter by up to 10 %."""
    found = ratios(results, SHORT)
    print(found.round(3))
    assert np.abs(np.log(found)).max() < 0.25
    assert abs(np.log(found).mean()) < 0.05


def test_a_wrong_exposure_is_seen(results: Shipped) -> None:
    """Against the exposure one step longer, real standard deviations are off by 1.4 and more: of places too large."""
    longer = dict(zip(list(SHORT)[:-1], list(SHORT.values())[1:], strict=True)) | {"s40": SHORT["s40"]}
    assert np.abs(np.log(ratios(results, longer)))[:-1].min() > 0.25


def test_precision_grows_as_the_square_root_of_the_counts(results: Shipped) -> None:
    """Over a factor of 69 in counts; the curve is the same, so only the counts matter once they are many."""
    long = {word: parameter(results.records["s79", "sextet"], word)["sd"] for word in PARAMETERS[:2]}
    for name, counts in SHORT.items():
        for word, sd in long.items():
            grown = parameter(results.records[name, "sextet"], word)["sd"] / sd / np.sqrt(19140181 / counts)
            assert grown == pytest.approx(1.0, abs=0.2)
