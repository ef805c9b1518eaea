"""Mistakes in dictionaries of sparse candidates: each named with its place and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from bayesbeam.config.keys import candidate_key
from bayesbeam.config.specs import CandidateSpec
from campaign_problems import assert_said, problems_of, write_campaign

GOOD: dict[str, str] = {
    "head": "campaign: test\ntreatments: {t: {read: {x: 0, y: 1, columns: {c1: 2, c2: 3, c3: 4}}}}",
    "candidates": "candidates:\n  few:",
    "parts": "    parts: [{component: constant, priors: {level: 'normal(mean=0, sd=5)'}}]",
    "sparse": "    sparse:",
    "dictionary": "      dictionary:\n        - {columns: [c1..c3]}",
    "peaks": "        - {component: gaussian, grid: [0, 1, 0.25], fixed: {sd: 0.1}, name: bell}",
    "powers": "        - {powers: 1..2}",
    "waves": "        - {fourier: [1, 2], period: 3}",
    "most": "      most: 3",
    "prior": "      prior: normal(mean=0, sd=1)",
    "noise": "    noise: {sigma: 0.5}",
}
SHEET = "id\tfile\nm\tm.csv\nn\tn.csv\n"
HERE = "candidates.few.sparse"


def text_of(**lines: str) -> str:
    return "\n".join({**GOOD, **lines}.values()) + "\n"


def spec_of(folder: Path, **lines: str) -> CandidateSpec:
    write_campaign(folder, text_of(**lines), SHEET)
    return load_campaign(folder).expanded("few")[0].spec


def test_a_dictionary_stands_for_its_parts(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    assert [part.name for part in spec.parts] == [
        "constant", "c1", "c2", "c3", "bell_1", "bell_2", "bell_3", "bell_4", "bell_5", "power_1", "power_2",
        "cos_1", "sin_1", "cos_2", "sin_2",
    ]  # fmt: skip
    assert spec.sparse is not None
    assert spec.sparse.terms == tuple(part.name for part in spec.parts[1:])
    assert (spec.sparse.most, spec.sparse.sizes, spec.sparse.search) == (3, ("equal", 0.0), "auto")
    bells = [part.parameter("position").prior.values({})["value"] for part in spec.parts[4:9]]
    assert bells == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert spec.part("sin_2").parameter("frequency").prior.values({})["value"] == pytest.approx(2.0 / 3.0)
    assert spec.part("bell_1").build().name == "gaussian"


def test_what_is_asked_of_a_dictionary_is_part_of_the_key(tmp_path: Path) -> None:
    keys = {
        candidate_key(spec_of(tmp_path, **lines), None)
        for lines in (
            {}, {"most": "      most: 2"}, {"prior": "      prior: normal(mean=0, sd=2)"},
            {"waves": "        - {fourier: [1, 2], period: 3}\n      sizes: each(0.1)"},
            {"waves": "        - {fourier: [1, 2], period: 3}\n      search: exchange"},
            {"parts": "    title: few"}, {"powers": "        - {powers: [1, 3]}"},
        )
    }  # fmt: skip
    assert len(keys) == 7


def test_parts_may_be_left_out_beside_a_dictionary_only(tmp_path: Path) -> None:
    assert len(spec_of(tmp_path, parts="    title: few").parts) == 14
    bare = text_of(**{name: "" for name in GOOD if name not in ("head", "candidates", "noise")})
    assert_said(problems_of(tmp_path, bare, SHEET), "candidates.few.parts", ["the key parts"])


SIXTY = "        - {component: gaussian, grid: [0, 99, 1], fixed: {sd: 0.1}, name: bell}"
MISTAKES: list[tuple[dict[str, str], str, list[str]]] = [
    ({"most": "      most: 15"}, f"{HERE}.most", ["most: 15 of 14 terms", "Lower most to 14"]),
    ({"most": "      most: 0"}, f"{HERE}.most", ["at least 1"]),
    ({"most": "      most: 9\n      search: exhaustive", "peaks": SIXTY}, f"{HERE}.search", ["search: exchange"]),
    ({"prior": "      prior: uniform(0, 1)"}, f"{HERE}.dictionary[0]", ["coefficient of c1", "a normal prior"]),
    ({"prior": "      prior: normal(mean=0, sd=-1)"}, f"{HERE}.dictionary[0].priors.coefficient", ["sd"]),
    ({"dictionary": "      dictionary:\n        - {columns: [c1..c9]}"}, f"{HERE}.dictionary[0]", ["'c4'", "m"]),
    ({"dictionary": "      dictionary:\n        - {columns: [c3..c1]}"}, f"{HERE}.dictionary[0].columns", ["c01..c60"]),
    ({"dictionary": "      dictionary:\n        - {columns: []}"}, f"{HERE}.dictionary[0].columns", ["names of"]),
    ({"powers": "        - {columns: [c1]}"}, f"{HERE}.dictionary[2].name", ["'c1' a second time"]),
    ({"powers": "        - {powers: 2..1}"}, f"{HERE}.dictionary[2].powers", ["upside down"]),
    ({"powers": "        - {powers: 60..65}"}, f"{HERE}.dictionary[2]", ["the power 65; expected 64 at most"]),
    ({"waves": "        - {fourier: 1..500, period: 1}"}, f"{HERE}.dictionary", ["1010 terms; expected 1000 at most"]),
    ({"dictionary": "      dictionary:\n        - {columns: [c1, 'c 2']}"}, f"{HERE}.dictionary[0].columns[1]",
     ["'c 2'; expected letters"]),
    ({"peaks": "        - {columns: [c1], name: z, place: sd}"}, f"{HERE}.dictionary[1]",
     ["place without a component"]),
    ({"peaks": "        - {component: gaussian, grid: [0, 1, 0.5], fixed: {sd: 1, position: 3}}"},
     f"{HERE}.dictionary[1]", ["position under fixed", "Remove fixed.position"]),
    ({"powers": "        - {powers: 1.5}"}, f"{HERE}.dictionary[2].powers", ["a range of whole numbers"]),
    ({"powers": "        - {powers: 1..2, columns: [c1]}"}, f"{HERE}.dictionary[2]", ["columns and powers"]),
    ({"powers": "        - {prior: 'normal(0, 1)'}"}, f"{HERE}.dictionary[2]", ["none of columns"]),
    ({"waves": "        - {fourier: 1..3}"}, f"{HERE}.dictionary[3]", ["fourier without period"]),
    ({"waves": "        - {fourier: 0..3, period: 1}"}, f"{HERE}.dictionary[3]", ["powers: 0"]),
    ({"peaks": "        - {component: gaussian, fixed: {sd: 0.1}}"}, f"{HERE}.dictionary[1]", ["grid"]),
    ({"peaks": "        - {component: gaussian, grid: [0, 1, 0], fixed: {sd: 0.1}}"}, f"{HERE}.dictionary[1].grid",
     ["a step above 0"]),
    ({"peaks": "        - {component: gaussian, grid: [0, 1, 0.5]}"}, f"{HERE}.dictionary[1]",
     ["sd of gaussian_1", "under fixed"]),
    ({"peaks": "        - {component: gausian, grid: [0, 1, 0.5]}"}, f"{HERE}.dictionary[1].component",
     ["Did you mean gaussian?"]),
    ({"peaks": "        - {component: gaussian, grid: [0, 1, 0.5], place: centre, fixed: {sd: 1}}"},
     f"{HERE}.dictionary[1].fixed.centre", ["the unknown parameter 'centre'"]),
    ({"prior": "      prior: normal(mean=0, sd=1)\n      sizes: some(3)"}, f"{HERE}.sizes", ["each(probability)"]),
    ({"prior": "      prior: normal(mean=0, sd=1)\n      sizes: each(1.5)"}, f"{HERE}.sizes", ["between 0 and 1"]),
    ({"most": "      most: 3\n      search: exchange", "noise": "    noise: {sigma: estimate}"}, f"{HERE}.search",
     ["noise level that is not known", "State sigma"]),
    ({"most": "      most: 9", "peaks": SIXTY, "noise": "    noise: {sigma: estimate}"}, f"{HERE}.most",
     ["noise level that is not known", "4e+08"]),
    ({"noise": "    noise: {family: student_t}"}, "candidates.few.noise", ["normal noise"]),
    ({"noise": "    noise: {sigma: 0.5, level: 'log_uniform(0.5, 5)'}"}, "candidates.few.noise", ["normal noise"]),
    ({"parts": "    parts: [{component: constant}]\n    linear: marginalise"}, "candidates.few.linear", ["Remove"]),
    ({"parts": "    parts: [{component: gaussian, fixed: {sd: 1}}]"}, "candidates.few.parts[0]",
     ["amplitude, position of gaussian", "under fixed"]),
    ({"parts": "    parts: [{component: gaussian, count: 1..2}]"}, "candidates.few.parts[0]", ["Remove count"]),
    ({"noise": "    noise: {sigma: 0.5}\nintegration:\n  - {group: g, measurements: [m, n], candidate: few, "
      "shared: [constant.level]}"}, "integration[0].candidate", ["a candidate with a dictionary"]),
    ({"dictionary": "      dictionary:", "peaks": "", "waves": "", "most": "      most: 2",
      "noise": "    noise: {sigma: 0.5}\ndistinguish: {name: q, candidate: few, "
      "truth: {constant.level: 1, power_1.amplitude: 1, power_2.amplitude: 0}, "
      "axis: {start: 0, stop: 1}, points: [10, 20], noise_levels: 1}"}, "distinguish[0].candidate",
     ["a candidate with a dictionary"]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "place", "words"), MISTAKES)
def test_each_mistake_is_named_with_its_place(
    lines: dict[str, str], place: str, words: list[str], tmp_path: Path
) -> None:
    assert_said(problems_of(tmp_path, text_of(**lines), SHEET), place, words)
