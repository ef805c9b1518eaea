"""The decision to integrate against the closed form for two straight lines."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bayesbeam.integration.decide import Decision, decide, decision_words
from bayesbeam.testsystems.linear_gaussian import LEVEL, SLOPE, LinearGaussian

NOISE = (0.5, 1.0)


def pair(shift: float, prior_sd: float = 10.0) -> tuple[LinearGaussian, list[LinearGaussian]]:
    """Two straight lines of levels 0.3 and 0.3 + shift, sharing everything; and each by itself."""
    generator = torch.Generator().manual_seed(11)
    x = torch.linspace(-1.7, 1.7, 20, dtype=torch.float64).expand(2, -1).clone()
    sd = torch.tensor(NOISE, dtype=torch.float64)[:, None].expand_as(x).clone()
    level = torch.tensor([0.3, 0.3 + shift], dtype=torch.float64)[:, None]
    y = 0.8 * x + level + sd * torch.randn(x.shape, dtype=torch.float64, generator=generator)
    joint = LinearGaussian(x, y, sd, prior_sd=prior_sd, shared=frozenset({LEVEL, SLOPE}))
    alone = [LinearGaussian(x[d : d + 1], y[d : d + 1], sd[d : d + 1], prior_sd=prior_sd) for d in range(2)]
    return joint, alone


def closed_form(joint: LinearGaussian, log_prior: float) -> float:
    """F_int - sum F_sep of science.md section 3 in the limit of a wide prior whose log density is ``log_prior``."""
    x, n = joint.x[0], joint.x.shape[1]
    square = float((x * x).mean())
    slopes = (joint.x * joint.y).mean(1) / square
    levels = joint.y.mean(1)
    s_a = sum(s * s / (n * square) for s in NOISE)
    s_b = sum(s * s / n for s in NOISE)
    gap = float((slopes[0] - slopes[1]) ** 2 / (2 * s_a) + (levels[0] - levels[1]) ** 2 / (2 * s_b))
    return gap + 2 * log_prior + 0.5 * math.log(2 * math.pi * s_a) + 0.5 * math.log(2 * math.pi * s_b)


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_gain_is_the_closed_form_in_the_limit_of_a_wide_prior(shift: float) -> None:
    joint, alone = pair(shift, prior_sd=1e4)
    found = decide(joint.free_energy(), 0.0, [system.free_energy() for system in alone], [0.0, 0.0])
    flat = -0.5 * math.log(2 * math.pi * 1e8)
    # A normal prior of sd 1e4 is flat to (estimate / 1e4)^2 = 1e-8 over the data; solving loses 1e-8 more.
    assert -found.gain == pytest.approx(closed_form(joint, flat), abs=1e-5)


def test_same_truth_is_integrated_and_different_truth_is_not() -> None:
    for shift, verb in ((0.0, "Integrate:"), (4.0, "Do not integrate:")):
        joint, alone = pair(shift)
        found = decide(joint.free_energy(), 0.05, [system.free_energy() for system in alone], [0.05, 0.05])
        assert (found.gain > 0) == (shift == 0.0)
        assert decision_words(found, reliable=True).startswith(verb)


def test_errors_of_independent_runs_add_in_quadrature() -> None:
    found = decide(10.0, 0.12, [4.0, 7.0], [0.03, 0.04])
    assert found.separate_free_energy == 11.0
    assert found.separate_standard_error == pytest.approx(0.05, rel=1e-14)
    assert found.gain == 1.0
    assert found.gain_standard_error == pytest.approx(0.13, rel=1e-14)
    assert found.probability == pytest.approx(1 / (1 + math.exp(-1.0)), rel=1e-13)
    p = found.probability
    # 4000 draws know a spread to 1.1 %; the logistic curve bends by (0.13)^2 over that range.
    assert found.probability_error == pytest.approx(p * (1 - p) * 0.13, rel=0.06)


@pytest.mark.parametrize(
    ("gain", "error", "reliable", "words"),
    [
        (10.0, 0.1, True, "Integrate"),
        (-10.0, 0.1, True, "Do not integrate"),
        (1.0, 0.1, True, "Undecided"),
        (10.0, 9.0, True, "Undecided"),
        (10.0, 0.1, False, "No decision"),
    ],
)
def test_words_of_a_decision(gain: float, error: float, reliable: bool, words: str) -> None:
    decision: Decision = decide(-gain, error, [0.0], [0.0])
    text = decision_words(decision, reliable)
    assert text.startswith(words)
    assert f"{-gain:.2f}" in text
    assert np.isfinite(decision.probability_error)
