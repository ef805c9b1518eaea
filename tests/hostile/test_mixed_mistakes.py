"""Mistakes in groups whose measurements have different candidates: each is named, and what to do about it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from campaign_problems import assert_said, problems_of

CAMPAIGN = """\
campaign: test
treatments: {{ev: {{axis: {{unit: eV}}, signal: {{unit: V}}}}, nm: {{axis: {{unit: nm}}, signal: {{unit: V}}}}}}
candidates:
  line:
    measurements: ["a*"]
    parts:
      - {{name: peak, component: gaussian, priors: {{amplitude: "normal(0, 1)", position: "uniform(1, 2)",
         sd: "uniform(0.1, 2)"}}}}
      - {{name: many, component: gaussian, count: 1..2, priors: {{amplitude: "normal(0, 1)", sd: "uniform(0.1, 2)"}}}}
  ramp:
    measurements: ["b*"]
    parts:
      - {{name: base, component: linear, priors: {{level: "normal(0, 1)", slope: "normal(0, 1)"}}, fixed: {{pivot: 0}}}}
      - {{name: peak, component: gaussian, priors: {{amplitude: "normal(0, 2)", position: "uniform(1, 2)",
         sd: "uniform(0.1, 2)"}}}}
integration:
  - {{group: g, measurements: ["*"], candidate: {candidate}, shared: [{shared}]}}
"""
SHEET = "id\tfile\ttreatment\ttemperature\na1\ta\tev\t1\na2\tb\tev\t2\nb1\tc\tnm\t3\n"
BOTH = '{"a*": line, "b*": ramp}'
EQUAL = "{parameters: {line: peak.amplitude, ramp: base.level}}"
LEVEL = "{parameters: {line: peak.amplitude, ramp: peak.amplitude}}"


def problems(folder: Path, candidate: str, shared: str) -> list[str]:
    """Messages of a campaign; empty where it loads."""
    return problems_of(folder, CAMPAIGN.format(candidate=candidate, shared=shared), SHEET)


@pytest.mark.parametrize(
    "shared",
    [
        EQUAL,
        f"{EQUAL[:-1]}, offset: 'normal(0, 1)', reference: b1}}",
        f"{EQUAL[:-1]}, formula: 'common.c * temperature', common: {{c: 'normal(0, 1)'}}}}",
        # priors are not used where a formula says all
        f"{LEVEL[:-1]}, formula: 'common.c * temperature', common: {{c: 'normal(0, 1)'}}}}",
    ],
)
def test_what_candidates_may_share(tmp_path: Path, shared: str) -> None:
    assert problems(tmp_path, BOTH, shared) == []
    loaded = load_campaign(tmp_path)
    assert [one.tag for one in loaded.group_models("g")] == ["line.ramp-k1", "line.ramp-k2"]
    assert [one.counts for one in loaded.group_models("g")] == [{"line.many": 1}, {"line.many": 2}]
    assert [loaded.group_models("g")[0].of(name).tag for name in ("a1", "b1")] == ["line-k1", "ramp"]


MISTAKES = [
    (
        BOTH,
        "peak.amplitude",
        "shared[0]",
        ["normal(mean=0, sd=1) of line and normal(mean=0, sd=2) of ramp", "same prior"],
    ),
    (BOTH, "peak.position", "shared[0]", ["peak.position of line in eV and peak.position of ramp in nm", "one unit"]),
    (BOTH, "base.level", "shared[0]", ["'base.level', which is not in line"]),
    (BOTH, "{parameters: {line: peak.amplitude}}", "shared[0].parameters", ["no parameter of ramp", "one of each"]),
    (
        BOTH,
        "{parameters: {line: peak.amplitude, ramp: base.level, lime: peak.sd}}",
        "shared[0].parameters.lime",
        ["'lime', which describes none of the group", "line?"],
    ),
    (BOTH, "{parameters: {line: peak.hight, ramp: base.level}}", "shared[0]", ["'peak.hight', which is not in line"]),
    (BOTH, "{parameters: {line: many.amplitude, ramp: base.level}}", "shared[0]", ["of one of several peaks"]),
    (BOTH, f"{EQUAL}, {EQUAL}", "shared[1]", ["'peak.amplitude' a second time"]),
    (BOTH, f"{EQUAL[:-1]}, parameter: peak.sd}}", "shared[0]", ["parameter and parameters; expected one of the two"]),
    (
        BOTH,
        f"{EQUAL[:-1]}, formula: 'common.c * tempereture', common: {{c: 'normal(0, 1)'}}}}",
        "shared[0].formula",
        ["tempereture, which the sheet does not have"],
    ),
    ("line", "peak.sd", "candidate", ["'line', which does not apply to b1", "name a candidate for each pattern"]),
    ('{"a*": line}', "peak.sd", "candidate", ["no candidate for b1", "one for each measurement"]),
    ('{"a*": line, "b*": ramp, "c*": ramp}', EQUAL, "candidate.c*", ["matches no measurement of the group"]),
    ('{"a*": line, "b*": ramp, a1: ramp}', EQUAL, "candidate.a1", ["all match an earlier pattern", "above the wider"]),
    ('{"a*": line, "b*": rump}', EQUAL, "candidate", ["the unknown candidate 'rump'", "Did you mean ramp?"]),
    ('{"a*": line, "*": line}', "peak.sd", "candidate", ["'line', which does not apply to b1"]),
    ("{}", "peak.sd", "candidate", ["the name of a candidate, or names by patterns"]),
    ('{"a*": [line]}', "peak.sd", "candidate", ["the name of a candidate, or names by patterns"]),
]


@pytest.mark.parametrize(("candidate", "shared", "where", "words"), MISTAKES)
def test_mistakes(tmp_path: Path, candidate: str, shared: str, where: str, words: list[str]) -> None:
    said = assert_said(problems(tmp_path, candidate, shared), f"integration[0].{where}", words)
    assert len(said) == len(set(said))
