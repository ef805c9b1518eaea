"""Nagata, Sugita, Okada (2012): free energies, model choice and posterior of the shipped campaign.

One peak is compared with quadrature done here; the rest with independent tempered sequential Monte Carlo (5 runs of
8000 particles), standard errors as stated there.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.fields import CountRange
from bayesbeam.config.load import load_campaign
from stage_fixture import Lab

# Free energy without the Gaussian normaliser and its standard error; quadrature for one peak.
TABLE = {1: (367.2867, 0.0), 2: (268.914, 0.007), 3: (172.275, 0.009), 4: (172.492, 0.009), 5: (174.332, 0.016)}
# Mean and sd of each peak, ordered by position.
POSTERIOR = {
    "peaks.amplitude": ((0.628, 0.031), (1.511, 0.059), (1.201, 0.034)),
    "peaks.position": ((1.2096, 0.0163), (1.4564, 0.0040), (1.6988, 0.0039)),
    "peaks.precision": ((81.8, 18.7), (158.9, 20.6), (181.3, 17.7)),
}
SIGMA = 0.1


def analyse(root: Path, results: Path, most: int, **sampling: Any) -> dict[int, dict[str, Any]]:
    """Records of the shipped campaign by count, up to the most that is asked for."""
    campaign = load_campaign(root / "config" / "campaigns" / "nagata2012")
    asked = campaign.campaign.sampling.model_copy(update={"device": "cpu", **sampling})
    peaks = campaign.campaign.candidates["peaks"]
    parts = [peaks.parts[0].model_copy(update={"count": CountRange(1, most)}), *peaks.parts[1:]]
    fewer = {"peaks": peaks.model_copy(update={"parts": parts})}
    words = campaign.campaign.model_copy(update={"sampling": asked, "candidates": fewer})
    lab = Lab(replace(campaign, campaign=words, models={"peaks": campaign.models["peaks"][:most]}), results)
    content = json.loads(lab.separate().read_text(encoding="utf-8"))
    assert content["refused"] == []
    return {one["count"]: one for one in content["records"]}


def quadrature(root: Path) -> float:
    """Free energy of one peak without the normaliser; 1e-4 nats, from twice and half as fine a grid.

    Gauss-Legendre in the amplitude about its conditional mean, equidistant in position and log precision.
    """
    data = root / "config" / "campaigns" / "nagata2012" / "data" / "nagata2012.csv"
    x, y = np.loadtxt(data, delimiter=",", skiprows=1).T
    position, log_precision = np.linspace(-0.5, 3.5, 801), np.linspace(math.log(0.5), math.log(1000.0), 200)
    precision = np.exp(log_precision)
    node, weight = np.polynomial.legendre.leggauss(48)
    log_integral = []
    for mu in position:
        curve = np.exp(-0.5 * precision[:, None] * (x - mu) ** 2)
        cross, square = curve @ y, (curve**2).sum(1)
        centre, sd = cross / square, SIGMA / np.sqrt(square)
        low, high = np.maximum(0.0, centre - 12 * sd), np.maximum(0.0, centre) + 12 * sd
        amplitude = (low + high)[:, None] / 2 + (high - low)[:, None] / 2 * node
        misfit = y @ y - 2 * amplitude * cross[:, None] + amplitude**2 * square[:, None]
        log_density = stats.gamma(5, scale=1 / 5).logpdf(amplitude) - misfit / (2 * SIGMA**2)
        log_integral.append(logsumexp(log_density, b=weight * (high - low)[:, None] / 2, axis=1))
    log_prior = stats.norm(1.5, 5**-0.5).logpdf(position)[:, None] + stats.gamma(5, scale=25).logpdf(precision)
    cell = math.log(position[1] - position[0]) + math.log(log_precision[1] - log_precision[0])
    return -float(logsumexp(np.array(log_integral) + log_prior + log_precision) + cell)


def test_one_peak_against_quadrature(root: Path, tmp_path: Path) -> None:
    exact = quadrature(root)
    assert exact == pytest.approx(TABLE[1][0], abs=1e-3)
    record = analyse(root, tmp_path, 1, target_standard_error=0.2)[1]
    assert record["verdict"] == "reliable", record["reasons"]
    assert record["standard_error"] <= 0.2
    # 3.5 standard errors of a t distribution with 9 degrees of freedom: false alarm 0.7 %, and the seed is set
    assert abs(record["free_energy_excess"] - exact) < 3.5 * record["standard_error"]
    offset = 301 / 2 * math.log(2 * math.pi * SIGMA**2)
    assert record["free_energy"] - record["free_energy_excess"] == pytest.approx(offset, abs=1e-9)


@pytest.fixture(scope="module")
def records(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    return analyse(root, tmp_path_factory.mktemp("nagata2012"), 5, target_standard_error=0.1)


@pytest.mark.nightly
@pytest.mark.figures
@pytest.mark.parametrize("count", TABLE)
def test_free_energies(records: dict[int, dict[str, Any]], count: int, root: Path) -> None:
    record = records[count]
    value, error = (quadrature(root), 0.0) if count == 1 else TABLE[count]
    print(f"K={count}: {record['free_energy_excess']:.3f} +- {record['standard_error']:.3f}, reference {value:.3f}")
    assert record["verdict"] == "reliable", record["reasons"]
    assert record["standard_error"] <= 0.1
    assert abs(record["free_energy_excess"] - value) < 3 * math.hypot(record["standard_error"], error)


@pytest.mark.nightly
@pytest.mark.figures
def test_the_drop_from_two_to_three_peaks(records: dict[int, dict[str, Any]]) -> None:
    drop = records[2]["free_energy"] - records[3]["free_energy"]
    print(f"drop {drop:.3f}")
    assert drop == pytest.approx(96.64, abs=0.3)
    # K = 3 and 4 differ by 0.22 nats only, so neither is certain: 0.52, 0.42 and 0.07 by the table
    for count, expected in ((3, 0.519), (4, 0.418), (5, 0.066)):
        error = records[count]["probability_error"]
        print(f"p(K={count}) {records[count]['model_probability']:.3f} +- {error:.3f}")
        assert abs(records[count]["model_probability"] - expected) < 3.5 * error + 0.01


@pytest.mark.nightly
@pytest.mark.figures
def test_the_posterior_of_three_peaks(records: dict[int, dict[str, Any]]) -> None:
    rows = {(row["parameter"], row["index"]): row for row in records[3]["parameters"]}
    for name, peaks in POSTERIOR.items():
        for index, (mean, sd) in enumerate(peaks, start=1):
            found = rows[name, index]
            print(f"{name}[{index}] {found['mean']:.4f} ({found['sd']:.4f}), reference {mean} ({sd})")
            assert abs(found["mean"] - mean) < 0.2 * sd
            # sd of a sample of ess draws is known to 1 / sqrt(2 ess): 5 % at 200; the table's own digits add some
            assert found["sd"] == pytest.approx(sd, rel=0.2)
