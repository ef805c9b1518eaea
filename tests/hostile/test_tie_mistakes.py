"""Mistakes in ties, common numbers and derived quantities: each named with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesbeam.config import load_campaign
from bayesbeam.config.keys import candidate_key, words_key
from bayesbeam.config.specs import CandidateSpec
from bayesbeam.errors import ConfigErrors

GOOD: dict[str, str] = {
    "head": "campaign: test\ntreatments: {default: {}}\ncandidates:\n  lines:\n    parts:",
    "first": "      - {name: a, component: gaussian}",
    "second": "      - {name: b, component: gaussian, tied: {position: a.position + common.gap, sd: a.sd}}",
    "several": "      - {name: p, component: gaussian, count: 1..3, tied: {sd: common.width}}",
    "common": "    common: {gap: {prior: 'uniform(0, 2)', unit: x}, width: {prior: 'uniform(0.1, 1)', unit: x}}",
    "derived": "    derived: {ratio: {formula: b.area / a.area}, third: {formula: 'p[3].area / p[1].area'}}",
    "rest": "integration:\n  - {group: g, measurements: [m, n], candidate: lines, shared: [common.width]}",
}
SHEET = "id\tfile\nm\tm.csv\nn\tn.csv\n"
B, P = "candidates.lines.parts[1].tied", "candidates.lines.parts[2].tied"
COMMON, DERIVED = "candidates.lines.common", "candidates.lines.derived"


def spec_of(folder: Path, **lines: str) -> CandidateSpec:
    (folder / "campaign.yaml").write_text("\n".join({**GOOD, **lines}.values()) + "\n", encoding="utf-8")
    (folder / "measurements.tsv").write_text(SHEET, encoding="utf-8")
    return load_campaign(folder).expanded("lines")[-1].spec


def second(tied: str, rest: str = "") -> str:
    return f"      - {{name: b, component: gaussian, tied: {{{tied}}}{rest}}}"


def several(tied: str) -> str:
    return f"      - {{name: p, component: gaussian, count: 1..3, tied: {{sd: common.width, {tied}}}}}"


GAP = "position: a.position + common.gap"
MISTAKES: list[tuple[str, str, str, list[str]]] = [
    # names that are not there
    ("second", second(f"{GAP}, sd: c.sd"), f"{B}.sd", ["c.sd, but there is no part 'c'", "a part of this candidate"]),
    ("second", second(f"{GAP}, sd: a.sdd"), f"{B}.sd", ["a.sdd, which a does not have", "Did you mean sd?"]),
    ("second", second(f"{GAP}, sd: common.widht"), f"{B}.sd", ["common.widht", "Did you mean width?"]),
    ("second", second(f"{GAP}, sdd: a.sd"), f"{B}.sdd", ["the unknown parameter 'sdd'", "Did you mean sd?"]),
    ("second", second(f"{GAP}, sd: noise.scale"), f"{B}.sd", ["noise.scale, of the noise", "no part in the curve"]),
    ("second", second(f"{GAP}, sd: a.area"), f"{B}.sd", ["a.area, which is no parameter"]),
    # names that mean no single number
    ("second", second(f"{GAP}, sd: p.sd"), f"{B}.sd", ["p.sd, of which there are up to 3", "tie both to it"]),
    ("second", second(f"{GAP}, sd: 'p[1].sd'"), f"{B}.sd", ["p[1].sd, one of several that cannot be told apart"]),
    ("several", several("position: a.position"), f"{P}.position", ["a tie of the position of several peaks"]),
    # circles
    ("second", second(f"{GAP}, sd: b.sd"), f"{B}.sd", ["leads back to itself: b.sd -> b.sd"]),
    (
        "second",
        second("position: a.position + common.gap, sd: b.amplitude, amplitude: 2 * b.sd"),
        f"{B}.sd",
        ["leads back to itself: b.sd -> b.amplitude -> b.sd", "Give one of them a prior instead."],
    ),
    # twice, or no tie at all
    ("second", second(f"{GAP}, sd: a.sd", ", fixed: {sd: 1}"), f"{B}.sd", ["sd under tied and under fixed"]),
    (
        "second",
        second(f"{GAP}, sd: a.sd", ", priors: {sd: 'uniform(1, 2)'}"),
        f"{B}.sd",
        ["sd under tied and under priors"],
    ),
    ("second", second(f"{GAP}, sd: 2 * 3"), f"{B}.sd", ["no parameter in the formula", "fixed: 2 * 3"]),
    ("second", second(f"{GAP}, sd: 2"), f"{B}.sd", ["the number 2", "write it under fixed"]),
    # text that is no formula
    ("second", second(f"{GAP}, sd: a.sd ^ 2"), f"{B}.sd", ["'^ 2'", "There are no powers; write x * x."]),
    ("second", second(f"{GAP}, sd: sqr(a.sd)"), f"{B}.sd", ["the word 'sqr'", "Did you mean sqrt?"]),
    ("second", second(f"{GAP}, sd: __import__.os"), f"{B}.sd", ["there is no part '__import__'"]),
    # common numbers
    ("second", second("sd: a.sd"), f"{COMMON}.gap", ["common.gap, which nothing is tied to"]),
    (
        "common",
        "    common: {gap: {prior: 'flat(0, 2)', unit: x}, width: {prior: 'uniform(0.1, 1)', unit: x}}",
        f"{COMMON}.gap.prior",
        ["flat"],
    ),
    (
        "common",
        "    common: {gap: {unit: x}, width: {prior: 'uniform(0.1, 1)', unit: x}}",
        f"{COMMON}.gap.prior",
        ["the key prior"],
    ),
    (
        "first",
        "      - {name: common, component: gaussian}",
        "candidates.lines.parts[0].name",
        ["the part name 'common'"],
    ),
    # derived quantities
    ("derived", "    derived: {r: {formula: c.area}}", f"{DERIVED}.r.formula", ["there is no part 'c'"]),
    ("derived", "    derived: {r: {formula: a.aera}}", f"{DERIVED}.r.formula", ["Did you mean area?"]),
    (
        "derived",
        "    derived: {r: {formula: p.area}}",
        f"{DERIVED}.r.formula",
        ["of which there are up to 3", "p[1].area"],
    ),
    ("derived", "    derived: {r: {formula: 'p[4].area'}}", f"{DERIVED}.r.formula", ["but there are 3 at most"]),
    ("derived", "    derived: {r: {formula: 'a.area /'}}", f"{DERIVED}.r.formula", ["the end"]),
    # groups
    (
        "rest",
        "integration:\n  - {group: g, measurements: [m, n], candidate: lines, shared: [b.sd]}",
        "integration[0].shared[0]",
        ["'b.sd', which is tied: a.sd", "Share what it follows from: a.sd."],
    ),
]


def test_the_campaign_that_the_tests_spoil_is_good(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    assert [name for name, _ in spec.part("b").ties] == ["position", "sd"]
    assert [parameter.name for parameter in spec.part("b").parameters] == ["amplitude"]
    assert [one.unit for one in spec.common] == ["x", "x"]


@pytest.mark.parametrize(("line", "text", "place", "words"), MISTAKES, ids=[f"{m[0]} {m[3][0]}" for m in MISTAKES])
def test_every_mistake_is_named(tmp_path: Path, line: str, text: str, place: str, words: list[str]) -> None:
    with pytest.raises(ConfigErrors) as caught:
        spec_of(tmp_path, **{line: text})
    messages = [str(problem) for problem in caught.value.problems]
    assert any(f": {place}: " in message and all(word in message for word in words) for message in messages), messages
    assert len(messages) == 1, messages


def test_a_chain_of_ties_ends_at_what_is_free(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, second=second(f"{GAP}, sd: 2 * b.amplitude, amplitude: a.amplitude - 1"))
    assert {name: str(formula) for name, formula in spec.part("b").ties} == {
        "amplitude": "a.amplitude - 1",
        "position": "a.position + common.gap",
        "sd": "2 * (a.amplitude - 1)",
    }


def test_ties_are_part_of_the_question_and_derived_quantities_are_not(tmp_path: Path) -> None:
    good = spec_of(tmp_path)
    other = spec_of(tmp_path, second=second(f"{GAP}, sd: 2 * a.sd"))
    wider = spec_of(tmp_path, common=GOOD["common"].replace("uniform(0, 2)", "uniform(0, 3)"))
    shown = spec_of(tmp_path, derived="    derived: {ratio: {formula: a.area / b.area}}")
    keys = [candidate_key(spec, 3) for spec in (good, other, wider, shown)]
    assert len(set(keys)) == 3
    assert keys[0] == keys[3]
    assert words_key(good) != words_key(shown)
