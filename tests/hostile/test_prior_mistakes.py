"""Priors that are none: each is refused where it stands in the campaign, and explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesbeam.config import load_campaign
from bayesbeam.errors import ConfigErrors


def problems(folder: Path, part: str) -> list[str]:
    """Messages of a campaign with one part."""
    text = f"campaign: test\ncandidates:\n  peaks:\n    parts:\n      - {part}\n"
    (folder / "campaign.yaml").write_text(text, encoding="utf-8")
    (folder / "measurements.tsv").write_text("id\tfile\nrun1\ta.csv\n", encoding="utf-8")
    with pytest.raises(ConfigErrors) as caught:
        load_campaign(folder)
    return [str(problem) for problem in caught.value.problems]


IMPROPER: list[tuple[str, list[str]]] = [
    ("flat", ["the improper prior 'flat'", "F is an integral over the prior", "uniform(low=x_min, high=x_max)"]),
    ("improper()", ["the improper prior 'improper'"]),
    ("jeffreys", ["the improper prior 'jeffreys'"]),
    ("uniform(low=-inf, high=inf)", ["low = -inf", "a proper prior", "F is an integral over the prior"]),
    ("uniform(0, 1e999)", ["high = inf", "a proper prior"]),
    ("uniform(2, 1)", ["high = 1 with low = 2", "a proper prior: high > 2"]),
    ("uniform(1, 1)", ["a proper prior"]),
    ("uniform(x_max, x_min)", ["which is wrong whatever the data", "a proper prior: high > "]),
    ("normal(0, 0)", ["sd = 0", "a proper prior: sd > 0"]),
    ("normal(0, -1)", ["sd = -1", "sd > 0"]),
    ("normal(nan, 1)", ["mean = nan", "a finite number"]),
    ("normal(1 / 0, 1)", ["mean = nan"]),
    ("normal(0, x_min - x_min)", ["whatever the data", "sd > 0"]),
    ("half_normal(0)", ["sd = 0"]),
    ("gamma(shape=0, rate=1)", ["shape = 0", "shape > 0"]),
    ("gamma(shape=1, rate=0)", ["rate = 0", "rate > 0"]),
    ("log_uniform(0, 1)", ["low = 0", "low > 0"]),
    ("beta(0, 1)", ["a = 0", "a > 0"]),
    ("truncated_normal(0, 1, low=2, high=1)", ["high = 1 with low = 2"]),
    ("nromal(0, 1)", ["the unknown prior family 'nromal'", "Did you mean normal?"]),
    ("normal(0, xspan)", ["the unknown word 'xspan'", "Did you mean x_span?"]),
    ("normal(0)", ["normal without sd"]),
    ("__import__('os').system('ls')", ["expected a prior such as"]),
    ("normal(0, 1" + "+1" * 300 + ")", ["at most 500"]),
]


@pytest.mark.parametrize(("prior", "words"), IMPROPER, ids=[prior[:30] for prior, _ in IMPROPER])
def test_priors_that_are_none(tmp_path: Path, prior: str, words: list[str]) -> None:
    quoted = prior.replace("'", "''")
    found = problems(tmp_path, f"{{component: linear, priors: {{slope: '{quoted}'}}}}")
    place = "campaign.yaml line 5: candidates.peaks.parts[0].priors.slope: "
    assert len(found) == 1
    assert place in found[0]
    for word in words:
        assert word in found[0]


def test_a_prior_must_stay_where_its_parameter_means_something(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "{component: gaussian, priors: {sd: 'normal(1, 0.5)'}}")
    assert "normal(mean=1, sd=0.5), which reaches from -inf to inf; expected values between 0 and inf" in found
    assert "Write truncated_normal(mean=1, sd=0.5, low=0)." in found


def test_a_number_as_prior_is_sent_to_fixed(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "{component: linear, priors: {slope: 0.5}}")
    assert "To keep it at this value write it under fixed: 0.5." in found


def test_a_decimal_comma_in_braces_is_recognised(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "{component: linear, fixed: {slope: 0,5}}")
    assert "Write a decimal point, not a comma." in found
