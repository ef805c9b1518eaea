"""Counts where a curve can be none: which candidates are refused, and which are left to the sampler."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.errors import ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.stages.build import build_target
from stage_fixture import make_lab, peak

X = np.linspace(0.0, 10.0, 201)
NARROW = 'priors: {amplitude: "gamma(2, 0.02)", position: "uniform(0, 10)", %s: "uniform(0.05, 0.1)"}'
PEAKS = f"{{component: gaussian, name: p, count: 3, {NARROW % 'sd'}}}"
LINES = f"{{component: lorentzian, name: p, count: 3, {NARROW % 'fwhm'}}}"


def counts(everywhere: bool) -> Measurement:
    """Three lines at 2, 5 and 8, on a background or on none."""
    rate = sum(200.0 * np.exp(-0.5 * ((X - place) / 0.07) ** 2) for place in (2.0, 5.0, 8.0))
    y = np.random.default_rng(2).poisson(rate + (4.0 if everywhere else 0.0)).astype(float)
    return Measurement("a", X, y, None, x_unit="eV", counts=True, noise_estimate=1.0)


def build(folder: Path, parts: str, m: Measurement) -> None:
    text = f"  c:\n    parts: [{parts}]\n    noise: {{family: poisson}}\n"
    lab = make_lab(folder, {"a": peak(0)}, text, treatment="{signal: {counts: true}}")
    build_target(lab.campaign.expanded("c")[0].spec, [[m]])


@pytest.mark.parametrize(
    ("parts", "background", "words"),
    [
        ('{component: constant, priors: {level: "uniform(-9, -8)"}}', True, r"constant .*a curve of -8.* at most, at "),
        (PEAKS, True, r"p \(gaussian\): the 3 of them vanish 0\.\d+ eV from the middle at most"),
        (PEAKS.replace("count: 3, ", ""), False, r"it vanishes 0\.\d+ eV from the middle at most, and counts"),
        (f"{PEAKS}, {{component: constant, fixed: {{level: 0}}}}", True, r"p \(gaussian\): the 3 of them"),
        (PEAKS + ', {component: constant, priors: {level: "uniform(-9, -8)"}}', True, r"p \(gaussian\): the 3 of them"),
    ],
)
def test_counts_where_none_can_be_are_refused(tmp_path: Path, parts: str, background: bool, words: str) -> None:
    pattern = rf"measurement a: .*{words}.*; expected a curve above 0 .*for Poisson noise.*background"
    with pytest.raises(ModelError, match=pattern):
        build(tmp_path, parts, counts(background))


@pytest.mark.parametrize(
    ("parts", "background"),
    [
        # Peaks alone where there is nothing else, though hardly a draw of the prior has all three in their places.
        (PEAKS, False),
        (LINES, True),
        (f"{PEAKS}, {{component: constant, priors: {{level: 'uniform(0, 9)'}}}}", True),
        # Negative in most of the prior, but not in all of it.
        (f"{PEAKS}, {{component: constant, priors: {{level: 'uniform(-90, 9)'}}}}", True),
        # Peaks as wide as the axis.
        (PEAKS.replace("uniform(0.05, 0.1)", "uniform(0.05, 9)"), True),
    ],
)
def test_what_some_of_the_prior_allows_is_left_to_the_sampler(tmp_path: Path, parts: str, background: bool) -> None:
    build(tmp_path, parts, counts(background))
