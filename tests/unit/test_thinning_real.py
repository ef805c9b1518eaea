"""Thinned spectra against really shorter exposures: snapshots of one Moessbauer measurement, whose counts accumulate.

Given the counts N of the whole, those of a shorter time are Binomial(N, p) in every channel, so the mean of
(y - p N)^2 / (N p (1 - p)) over channels is 1. Over all 72 pairs of whole neighbouring snapshots it is 0.956 +- 0.005:
this counter scatters a little less than Poisson, as one with a dead time does; hence the bound of 15%.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bayesbeam.config import load_campaign
from bayesbeam.stages.preprocess import preprocess_rows

FOLDER = Path(__file__).parents[1] / "data" / "ferrihydrite_5K"
CAMPAIGN = """\
campaign: snapshots
treatments:
  default: {read: {x: channel, points: 1023}, signal: {counts: true}}
  raw: {read: {x: null, points: 1023}, signal: {counts: true}}
candidates: {flat: {parts: [{component: constant}], noise: {family: poisson}}}
thin: {name: t, measurement: s79, exposure: 19140181, exposures: [277738, 1014021, 2386284, 9528379], replicates: 3}
"""
TRUNCATED = {"01": 448, "12": 480, "35": 832, "38": 576, "74": 864}
SHORT = {"s2": 277738, "s5": 1014021, "s11": 2386284, "s40": 9528379}
BOUND = 0.15


@pytest.fixture(scope="module")
def spectra(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Counts of all snapshots and thinned spectra by their ids, None for a refused one."""
    folder = tmp_path_factory.mktemp("snapshots")
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    rows = "".join(f"{name}\t{FOLDER}/snapshots.tsv\tdefault\t{name}\n" for name in [*SHORT, "s79"])
    rows += "".join(f"cut{name}\t{FOLDER}/snapshot_{name}.dat\traw\t\n" for name in TRUNCATED)
    (folder / "measurements.tsv").write_text(f"id\tfile\ttreatment\ty\n{rows}")
    campaign = load_campaign(folder)
    done = preprocess_rows(campaign, campaign.ids, folder / "m")
    refused = {one.id: one.reason for one in done if one.status != "ok"}
    assert list(refused) == [f"cut{name}" for name in TRUNCATED]
    for name, points in TRUNCATED.items():
        expected = f"snapshot_{name}.dat: {points} points; expected 1023, as read.points says. The file is truncated"
        assert expected in refused[f"cut{name}"]
    return {one.id: one.y for one in done if one.status == "ok"}


def scatter(y: np.ndarray, whole: np.ndarray) -> float:
    """Mean square distance from the whole, in units of what the binomial distribution allows."""
    p = y.sum() / whole.sum()
    return float(((y - p * whole) ** 2 / (whole * p * (1 - p))).sum() / (whole.size - 1))


@pytest.mark.parametrize("name", list(SHORT))
def test_thinned_counts_scatter_like_a_real_shorter_exposure(spectra: dict[str, np.ndarray], name: str) -> None:
    whole = spectra["s79"]
    real = scatter(spectra[name], whole)
    made = [spectra[f"t_T{SHORT[name]:.6g}_{i:03d}".replace("+", "")] for i in (1, 2, 3)]
    assert abs(real - 1.0) < BOUND
    for one in made:
        assert abs(one.sum() / SHORT[name] - 1.0) < 4 / np.sqrt(SHORT[name])
        assert abs(scatter(one, whole) - 1.0) < BOUND
    assert abs(np.mean([scatter(one, whole) for one in made]) - real) < BOUND


def test_what_is_no_thinning_is_told_apart(spectra: dict[str, np.ndarray]) -> None:
    """Scaled counts scatter too little, new Poisson counts about the scaled ones too much."""
    whole, p = spectra["s79"], SHORT["s40"] / 19140181
    assert scatter(np.round(whole * p), whole) < 1.0 - 2 * BOUND
    assert scatter(np.random.default_rng(1).poisson(whole * p).astype(float), whole) > 1.0 + 2 * BOUND
