"""Velocities from simulated spectra of iron whose drive departs from a straight line as is known."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.stats import multivariate_normal

from bayesbeam.errors import DataError
from bayesbeam.techniques import velocity_scale as module
from bayesbeam.techniques.velocity_scale import VelocityScale, velocity_scale

CHANNELS, CENTRE, TOP = 1023, 511.7, 12.0
SPECTRA = 12


def truth(departure: float = 0.015) -> np.ndarray:
    """Velocity of every channel: falling, then rising, with a departure of some 0.01 mm/s that differs by branch."""
    channel = np.arange(1.0, CHANNELS + 1.0)
    first = channel <= CENTRE
    straight = TOP * np.where(first, 1.0 - channel / 256.0, (channel - CENTRE) / 256.0 - 1.0)
    return straight + departure * np.where(first, np.sin(0.6 * straight), np.cos(0.7 * straight))


def spectrum(velocity: np.ndarray, seed: int, level: float = 86000.0) -> np.ndarray:
    """Poisson counts of six lines of depths 3 : 2 : 1 at given velocities, the source nearer in one branch."""
    depths = 0.04 * np.array([3.0, 2.0, 1.0, 1.0, 2.0, 3.0])
    dips = sum(d / (1 + (2 * (velocity - v) / 0.235) ** 2) for d, v in zip(depths, module.LINES, strict=True))
    near = 0.0015 * (1 - (velocity / TOP) ** 2) * np.where(np.arange(CHANNELS) < CENTRE, 1.0, -1.0)
    counts: np.ndarray = np.random.default_rng(seed).poisson(level * (1 + near) * (1 - dips)).astype(float)
    return counts


def scatter(velocity: np.ndarray) -> tuple[float, float, list[VelocityScale]]:
    """Rms difference over the stated uncertainty between the outer lines, and beyond them, over many spectra."""
    scales = [velocity_scale(spectrum(velocity, seed), rising=False) for seed in range(SPECTRA)]
    z = np.array([(scale.velocity - velocity) / scale.uncertainty for scale in scales])
    inside = np.abs(velocity) < 5.3
    beyond = (np.abs(velocity) > 6.0) & (np.abs(velocity) < 9.0)
    return float(np.sqrt((z[:, inside] ** 2).mean())), float(np.sqrt((z[:, beyond] ** 2).mean())), scales


def test_velocities_are_right_within_their_uncertainty() -> None:
    """1 is expected; a Gaussian process knows little of one fixed sine, hence 0.5 to 1.5, and 2 where it guesses."""
    inside, beyond, scales = scatter(truth())
    assert 0.5 < inside < 1.5
    assert beyond < 2.0
    middle = np.abs(truth()) < 5.3
    assert np.mean([scale.uncertainty[middle].mean() for scale in scales]) < 0.005
    # Each has 1003 degrees of freedom: the mean of 12 scatters by 0.013
    assert np.mean([scale.chi_square / scale.degrees_of_freedom for scale in scales]) == pytest.approx(1.0, abs=0.052)
    assert np.mean([scale.centre for scale in scales]) == pytest.approx((256.0 + 256.0 + CENTRE) / 2.0, abs=0.1)


def test_a_straight_line_alone_would_be_too_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZES", np.array([1e-6]))
    assert scatter(truth())[0] > 2.5


def test_a_drive_without_a_departure_has_little() -> None:
    inside, beyond, scales = scatter(truth(0.0))
    assert inside < 1.5
    assert beyond < 1.5
    assert np.median([scale.departure for scale in scales]) < 0.005


def test_sizes_are_judged_by_what_no_straight_line_explains() -> None:
    """The restricted likelihood is that of contrasts free of a line, but for a number that all sizes share."""
    places = 100.0 + 20.0 * module.LINES + np.array([0.3, -0.1, 0.2, 0.0, -0.2, 0.4])
    noise = np.diag(np.array([1.0, 2.0, 3.0, 3.0, 2.0, 1.0]) * 1e-3) ** 2
    contrasts = null_space(np.column_stack([np.ones(6), places]).T)
    apart = []
    for size, reach in ((1e-3, 2.0), (1e-2, 3.0), (0.2, 6.0)):
        covariance = module._kernel(module.LINES, module.LINES, size, reach) + noise
        law = multivariate_normal(np.zeros(4), contrasts.T @ covariance @ contrasts)
        found = module._branch(places, module.LINES, noise, size, reach)[0]
        apart.append(found - law.logpdf(contrasts.T @ module.LINES))
    assert np.ptp(apart) < 1e-6


def test_velocities_are_not_surer_than_the_lines_of_iron_are_known() -> None:
    """Six lines at 0.001 mm/s each; of so many counts alone would come less than a tenth of that."""
    counts = np.round(spectrum(truth(0.0), 1, level=1e9))
    scale = velocity_scale(counts, rising=False)
    middle = np.abs(truth(0.0)) < 5.3
    sd = scale.position_sd * TOP / 256.0
    assert sd.max() < 1e-4
    assert scale.uncertainty[middle].min() > module.REFERENCE_SD / math.sqrt(6.0)


def test_the_sign_is_what_is_said() -> None:
    counts = spectrum(truth(), 1)
    np.testing.assert_allclose(
        velocity_scale(counts, rising=True).velocity, -velocity_scale(counts, rising=False).velocity, atol=1e-12
    )


def test_few_counts_still_find_the_lines() -> None:
    """3000 counts a channel, a thirtieth: the dips are twice as deep as the noise of a point and more."""
    velocity = truth()
    scale = velocity_scale(spectrum(velocity, 3, level=3000.0), rising=False)
    inside = np.abs(velocity) < 5.3
    assert np.abs((scale.velocity - velocity) / scale.uncertainty)[inside].max() < 4.5


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (np.full(100, 5.0), "100 channels; expected at least 128"),
        (np.full(512, 5.5), "5.5 in channel 1; expected whole numbers"),
        (np.full(512, -1.0), "-1 in channel 1"),
        (np.random.default_rng(1).poisson(900, 1023).astype(float), "no twelve lines"),
        (spectrum(truth(), 1)[:512], "expected the sextet of alpha-iron twice"),
    ],
)
def test_what_is_no_spectrum_of_iron_is_refused(counts: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        velocity_scale(counts, rising=True, label="a.dat")


def test_the_script_writes_a_table_for_a_campaign(tmp_path: Path, root: Path) -> None:
    counts = spectrum(truth(), 2)
    (tmp_path / "iron.dat").write_text("".join(f"{count:.0f}\n" for count in counts))
    call = [sys.executable, str(root / "scripts/velocity_scale.py"), "--input", "iron.dat", "--output", "v.csv"]
    done = subprocess.run(
        [*call, "--first-branch", "falling"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = np.loadtxt(tmp_path / "v.csv", delimiter=",", skiprows=5)
    scale = velocity_scale(counts, rising=False)
    np.testing.assert_array_equal(rows[:, 0], np.arange(1, CHANNELS + 1))
    np.testing.assert_allclose(rows[:, 1:], np.column_stack([scale.velocity, scale.uncertainty]), atol=6e-6)
    (tmp_path / "iron.dat").write_text("5\n6\n")
    done = subprocess.run(
        [*call, "--first-branch", "falling"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2, "iron.dat: 2 channels; expected at least 128. Give the raw spectrum, both branches.\n"
    )  # fmt: skip
