"""Mistakes in questions before there are data: named before anything runs, with place and remedy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from campaign_problems import problems_of

CAMPAIGN = """\
campaign: test
treatments: {{default: {{uncertainty: {{from: value, value: 1}}}}}}
candidates:
  line:
    measurements: ["{mine}"]
    parts: [{{name: line, component: linear}}]
    noise: {{family: normal, sigma: column}}
  flat:
    measurements: ["{other}"]
    parts: [{{component: constant}}]
    noise: {{family: normal, sigma: column}}
distinguish:
  name: {name}
  candidate: {candidate}
  truth: {truth}
  against: {against}
  axis: {axis}
  points: {points}
  {levels}
  probability: {probability}
"""
GOOD = {
    "mine": "*", "other": "*", "name": "q", "candidate": "line", "truth": "{line.level: 1, line.slope: 2}",
    "against": "flat", "axis": "{start: 0, stop: 3}", "points": "[10, 30]", "levels": "noise_levels: [1]",
    "probability": "0.9",
}  # fmt: skip


def problems(folder: Path, **changes: str) -> list[str]:
    return problems_of(folder, CAMPAIGN.format(**{**GOOD, **changes}), "id\tfile\nrun1\ta.csv\n")


def test_the_question_is_good_as_it_stands(tmp_path: Path) -> None:
    assert problems(tmp_path) == []
    assert problems(tmp_path, against="''") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"candidate": "lime"}, ("distinguish[0].candidate", "unknown candidate 'lime'", "line")),
        ({"against": "flatt"}, ("distinguish[0].against", "unknown model 'flatt'", "flat")),
        ({"against": "line"}, ("distinguish[0].against", "line, where line is true", "another model")),
        ({"other": "run*"}, ("distinguish[0].against", "another model of the simulated measurements")),
        ({"other": "run*", "against": "''"}, ("distinguish[0].against", "line, the only model")),
        ({"mine": "run*"}, ("distinguish[0].candidate", "whose measurements are run*", "Add q_* to its measurements")),
        ({"truth": "{line.level: 1}"}, ("distinguish[0].truth", "no value of line.slope")),
        ({"truth": "{line.level: 1, line.slope: 2, line.width: 1}"}, ("distinguish[0].truth", "line.width")),
        ({"axis": "{start: 3, stop: 0}"}, ("distinguish.axis", "start below stop")),
        ({"axis": "{start: 0, stop: 3, points: 4}"}, ("distinguish.axis.points", "unknown key")),
        ({"points": "[]"}, ("distinguish.points",)),
        ({"points": "[2, 10]"}, ("distinguish.points[0]", "3")),
        ({"points": "[10, 10]"}, ("distinguish[0]", "10 twice in points")),
        ({"points": "[10.5]"}, ("distinguish.points[0]", "whole number")),
        ({"levels": "noise_levels: [1, 1]"}, ("distinguish[0]", "1 twice in noise_levels")),
        ({"levels": "seed: 1"}, ("distinguish[0]", "neither exposures nor noise_levels")),
        ({"levels": "exposures: [10]"}, ("distinguish[0].exposures", "poisson noise")),
        ({"probability": "1"}, ("distinguish.probability", "below 1")),
        ({"probability": "0.4"}, ("distinguish.probability", "above 0.5")),
        ({"name": "no/slash"}, ("distinguish.name",)),
    ],
)
def test_mistakes_are_named(tmp_path: Path, changes: dict[str, str], words: tuple[str, ...]) -> None:
    found = problems(tmp_path, **changes)
    many = 5 if changes.get("levels") == "exposures: [10]" else 1  # sigma: column too, then
    assert len(found) <= many, found
    text = "\n".join(found)
    for word in words:
        assert word in text, text
