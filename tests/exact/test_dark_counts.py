"""Counts of a detector with dark counts: known from a dark measurement of its own exposure, against quadrature.

As keys of the noise, in rates, and as a constant part whose prior is what the dark measurement says, in counts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from bayesbeam import sample
from bayesbeam.config.load import load_campaign
from bayesbeam.io.store import Measurement
from bayesbeam.stages.build import build_target
from bayesbeam.targets.sum import SumTarget

EXPOSURE, RATE, DARK_COUNTS, DARK_TIME = 60.0, 0.05, 12, 600.0
CAMPAIGN = """\
campaign: dark
treatments: {t: {signal: {counts: true}}}
candidates:
  model:
    parts:
      - {component: constant, name: signal, priors: {level: "gamma(shape=2, rate=20 / exposure)"}}
      - {component: constant, name: dark, priors: {level: "gamma(shape=12 + 1, rate=600 / exposure)"}}
    noise: {family: poisson}
"""

KEYS = """\
campaign: dark
treatments: {t: {signal: {counts: true}}}
candidates:
  model:
    parts: [{component: constant, name: signal, priors: {level: "gamma(shape=2, rate=20)"}}]
    noise: {family: poisson, exposure: exposure, dark: "gamma(shape=12 + 1, rate=600)"}
"""


def counts() -> np.ndarray:
    """Thirty points of 0.05 counts a second, and 0.02 of them in the dark, over one minute."""
    return np.random.default_rng(4).poisson(EXPOSURE * (RATE + 0.02), 30).astype(float)


def target_of(folder: Path, exposure: float, text: str = CAMPAIGN) -> SumTarget:
    """Target as a campaign builds it, of a measurement whose sheet states an exposure."""
    y = counts()
    m = Measurement("a", np.arange(30.0), y, None, counts=True, noise_estimate=1.0, metadata={"exposure": exposure})
    folder.mkdir(exist_ok=True)
    (folder / "campaign.yaml").write_text(text, encoding="utf-8")
    (folder / "measurements.tsv").write_text(f"id\tfile\texposure\na\ta.txt\t{exposure:g}\n", encoding="utf-8")
    (folder / "a.txt").write_text("0 1\n", encoding="utf-8")
    return build_target(load_campaign(folder).by_tag("model").spec, [[m]])


def quadrature() -> tuple[float, float, float]:
    """Free energy, and posterior mean and sd of the signal in counts, with densities of scipy."""
    signal, dark = np.linspace(0.005, 14.0, 1400), np.linspace(0.005, 5.0, 500)
    total = signal[:, None] + dark
    log_joint = np.zeros_like(total)
    for y in counts():
        log_joint += stats.poisson(total).logpmf(y)
    # rates: 20 seconds of weight on one count each, and 12 dark counts in ten minutes under a flat prior
    log_joint += stats.gamma(2.0, scale=EXPOSURE / 20.0).logpdf(signal)[:, None]
    log_joint += stats.gamma(DARK_COUNTS + 1.0, scale=EXPOSURE / DARK_TIME).logpdf(dark)
    log_joint += np.log((signal[1] - signal[0]) * (dark[1] - dark[0]))
    weight = np.exp(log_joint - logsumexp(log_joint)).sum(1)
    mean = float(weight @ signal)
    return -float(logsumexp(log_joint)), mean, float(np.sqrt(weight @ (signal - mean) ** 2))


@pytest.mark.parametrize(("text", "unit"), [(CAMPAIGN, 1.0), (KEYS, EXPOSURE)])
def test_dark_counts_of_their_own_exposure_against_quadrature(tmp_path: Path, text: str, unit: float) -> None:
    found = sample(target_of(tmp_path, EXPOSURE, text), seed=5, target_standard_error=0.03)
    free_energy, mean, sd = quadrature()
    # 4.5 standard errors, and 1e-3 for the grid
    assert abs(found.free_energy.value - free_energy) < 4.5 * found.free_energy.standard_error + 1e-3
    assert found.free_energy.standard_error < 0.1
    signal = found.draws["signal.level"] * unit
    assert abs(signal.mean() - mean) < 0.2 * sd
    assert signal.std() == pytest.approx(sd, rel=0.2)
    assert abs(mean / EXPOSURE - RATE) < 3.0 * sd / EXPOSURE


def test_the_exposure_of_the_sheet_is_the_one_that_counts(tmp_path: Path) -> None:
    """Thirty times shorter, thirty times fewer dark counts."""
    right, wrong = (target_of(tmp_path / str(exposure), exposure) for exposure in (EXPOSURE, 2.0))
    means = []
    for target in (right, wrong):
        (dark,) = [j for j, slot in enumerate(target.slots) if slot.name == "dark.level"]
        values = {name: float(value) for name, value in target.priors[dark].values.items()}
        means.append(values["shape"] / values["rate"])
    assert means == [pytest.approx(1.3), pytest.approx(1.3 / 30.0)]
