"""Mistakes in what a group shares: each is named with its place, what was expected and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from campaign_problems import assert_said, problems_of, write_campaign

CAMPAIGN = """\
campaign: test
treatments: {{ev: {{axis: {{unit: eV}}}}, nm: {{axis: {{unit: nm}}}}}}
components: []
candidates:
  rest: {{measurements: other, parts: [{{component: constant}}]}}
  peaks:
    measurements: ["run*"]
    parts:
      - {{name: line, component: gaussian, count: 1..2,
         priors: {{position: "uniform(1, 2)", sd: "log_uniform(0.1, 2)"}}}}
      - {{name: side, component: gaussian, priors: {{position: "uniform(1, 2)"}}, fixed: {{amplitude: 1}},
         tied: {{sd: common.width * common.known}}}}
      - {{name: back, component: shirley, priors: {{strength: "uniform(0, 1)"}}}}
    common: {{width: {{prior: "uniform(0.1, 2)", unit: x}}, known: {{prior: "fixed(1)"}}}}
integration:
  - {{group: g, measurements: [{members}], candidate: peaks, shared: [{shared}]}}
"""
SHEET = """\
id\tfile\ttreatment\ttemperature\tnote\tholes\tnoise
run1\ta\tev\t10\tcold\t1\t1
run2\tb\tev\t300\twarm\t\t2
other\tc\tnm\t300\twarm\t2\t2
"""
OFFSET = '"normal(0, 1)"'


def problems(folder: Path, shared: str, members: str = "run1, run2") -> list[str]:
    """Messages of a campaign; empty where it loads."""
    return problems_of(folder, CAMPAIGN.format(shared=shared, members=members), SHEET)


GOOD = [
    "line.sd",
    "line.sd, common.width",
    f"{{parameter: line.position, offset: {OFFSET}}}",
    f"{{parameter: [line.position, side.position], offset: {OFFSET}, reference: run2}}",
    '{parameter: line.amplitude, scale: "log_uniform(0.5, 2)"}, line.sd',
    '{parameter: side.position, formula: "common.a + common.b * log(temperature)", '
    'common: {a: "normal(0, 1)", b: {prior: "normal(0, 1)", unit: x}}}',
    '{parameter: line.position, formula: "line.position + common.b * (temperature - 10)", common: {b: "normal(0, 1)"}}',
    '{parameter: line.sd, formula: "common.b * temperature", common: {b: "uniform(0, 1)"}}, '
    '{parameter: side.position, formula: "common.b + temperature / 300"}',
    f"{{parameter: common.width, offset: {OFFSET}}}",
    "{parameter: [line.sd, line.position]}",
]


@pytest.mark.parametrize("shared", GOOD)
def test_what_may_be_shared(tmp_path: Path, shared: str) -> None:
    assert problems(tmp_path, shared.replace("line.amplitude", "line.position")) == []


@pytest.mark.parametrize("members", ['"run*"', "'run?'", 'run2, "*1"'])
def test_measurements_may_be_patterns(tmp_path: Path, members: str) -> None:
    assert problems(tmp_path, "line.sd", members) == []
    ids = load_campaign(tmp_path).group_members("g")
    assert ids == (("run2", "run1") if "run2" in members else ("run1", "run2"))


FORMULA = '{{parameter: side.position, formula: "{}", common: {{a: "normal(0, 1)"}}}}'
MISTAKES = [
    # what is shared
    ("line.height", "shared[0]", ["'line.height', which is not in peaks", "part.parameter of the candidate"]),
    (f"{{parameter: side.amplitude, offset: {OFFSET}}}", "shared[0]", ["which is fixed", "a free parameter"]),
    ("common.known", "shared[0]", ["'common.known', which is fixed", "free it in peaks"]),
    (f"{{parameter: side.sd, offset: {OFFSET}}}", "shared[0]", ["which is tied", "Share what it follows from"]),
    (f"{{parameter: noise.scale, offset: {OFFSET}}}", "shared[0]", ["the noise parameter"]),
    (f"line.sd, {{parameter: line.sd, offset: {OFFSET}}}", "shared[1]", ["'line.sd' a second time", "once"]),
    (f"{{parameter: [line.sd, line.sd], offset: {OFFSET}}}", "shared[0]", ["a second time"]),
    (
        f"{{parameter: back.strength, offset: {OFFSET}}}",
        "shared[0]",
        ["of shirley, which is computed from other parts"],
    ),
    (f"{{parameter: line.amplitude, offset: {OFFSET}}}", "shared[0]", ["which differs between measurements"]),
    ("5", "shared[0]", ["5; expected part.parameter, or a section with the key parameter"]),
    ("{offset: 'normal(0, 1)'}", "shared[0]", ["neither parameter nor parameters; expected one of the two"]),
    ("{parameter: {a: 1}}", "shared[0].parameter", ["part.parameter, or a list of such"]),
    ("{parameter: line.sd, ofset: 'normal(0, 1)'}", "shared[0].ofset", ["the unknown key 'ofset'", "offset?"]),
    # offsets and factors
    (
        "{parameter: line.sd, offset: 'normal(0, 1)', scale: 'normal(1, 1)'}",
        "shared[0]",
        ["offset and scale; expected at most one"],
    ),
    ("{parameter: line.sd, offset: 'normal(0)'}", "shared[0].offset", ["sd"]),
    ("{parameter: line.sd, offset: 'fixed(1)'}", "shared[0].offset", ["a prior with a width"]),
    ("{parameter: line.sd, offset: 0.1}", "shared[0].offset", ["a prior in words"]),
    (f"{{parameter: line.sd, offset: {OFFSET}, reference: run3}}", "shared[0].reference", ["'run3'", "of this group"]),
    ("{parameter: line.sd, reference: run1}", "shared[0]", ["reference with neither; expected offset or scale"]),
    # formulas
    (FORMULA.format("common.a * temprature"), "shared[0].formula", ["temprature, which the sheet", "temperature?"]),
    (FORMULA.format("common.a * note"), "shared[0].formula", ["cold in the column note for run1 (and 1 more"]),
    (FORMULA.format("common.a * holes"), "shared[0].formula", ["nothing in the column holes for run2"]),
    (FORMULA.format("common.a * noise"), "shared[0].formula", ["a word for the data", "Rename the column"]),
    (FORMULA.format("common.a * file"), "shared[0].formula", ["meaning of their own"]),
    (FORMULA.format("common.b * temperature"), "shared[0].formula", ["common.b, which is none of what it may name"]),
    (FORMULA.format("common.b * temperature"), "shared[0].common.a", ["common.a, which no formula names"]),
    (FORMULA.format("common.a + line.position"), "shared[0].formula", ["line.position, which is none of what"]),
    (FORMULA.format("common.a * sin(temperature)"), "shared[0].formula", ["'sin'"]),
    (
        FORMULA.format("common.a *"),
        "shared[0].formula",
        ["the end; expected a number, part.parameter or a column of the sheet"],
    ),
    ('{parameter: side.position, formula: "temperature"}', "shared[0].formula", ["in which nothing is free"]),
    (FORMULA.format("common.width * common.a"), "shared[0].formula", ["common.width, which is none"]),
    (
        '{parameter: side.position, formula: "common.width", common: {width: "normal(0, 1)"}}',
        "shared[0].common.width",
        ["which candidate peaks has already"],
    ),
    (
        f"{FORMULA.format('common.a')}, {FORMULA.format('common.a').replace('side', 'line')}",
        "shared[1].common.a",
        ["which shared[0] states already"],
    ),
    (
        '{parameter: side.position, formula: "common.a", common: {a: "normal(0, x_span)"}}',
        "shared[0].common.a.prior",
        ["which differs between measurements"],
    ),
    (
        '{parameter: line.position, formula: "common.a", common: {a: "normal(0, 1)"}}',
        "shared[0].formula",
        ["one position for up to 2 peaks", "Name it in the formula, e.g. line.position + ..."],
    ),
    (
        '{parameter: common.width, formula: "common.a", common: {a: "normal(0, 1)"}}',
        "shared[0].formula",
        ["'common.width', which stands for others"],
    ),
    (
        '{parameter: [line.position, side.position], formula: "line.position + common.a", common: {a: "normal(0, 1)"}}',
        "shared[0].formula",
        ["in a formula of 2 parameters", "Write an entry for each"],
    ),
    ('{parameter: line.sd, common: {a: "normal(0, 1)"}}', "shared[0]", ["common without formula"]),
]


@pytest.mark.parametrize(("shared", "where", "words"), MISTAKES)
def test_mistakes(tmp_path: Path, shared: str, where: str, words: list[str]) -> None:
    assert_said(problems(tmp_path, shared), f"integration[0].{where}", words)


MEMBERS = [
    ('"other", run1', "shared[0]", ["'line.sd' with x in eV and nm; expected one unit of x"]),
    ('"run1"', "measurements", ["1 measurement(s); expected at least 2"]),
    ('"run1*"', "measurements", ["1 measurement(s); expected at least 2"]),
    ('run1, run2, "x*"', "measurements[2]", ["the pattern 'x*', which matches nothing"]),
    ('"*"', "candidate", ["'peaks', which does not apply to other", "Widen candidates.peaks.measurements"]),
]


@pytest.mark.parametrize(("members", "where", "words"), MEMBERS)
def test_mistakes_in_members(tmp_path: Path, members: str, where: str, words: list[str]) -> None:
    assert_said(problems(tmp_path, "line.sd", members), f"integration[0].{where}", words)


def test_a_column_of_another_group_is_not_asked_for(tmp_path: Path) -> None:
    """A hole in the sheet for a measurement outside the group is no mistake."""
    shared = FORMULA.format("common.a * holes")
    sheet = SHEET + "run3\td\tev\t1\twarm\t3\t2\n"
    write_campaign(tmp_path, CAMPAIGN.format(shared=shared, members="run1, run3"), sheet)
    assert load_campaign(tmp_path).group_members("g") == ("run1", "run3")
