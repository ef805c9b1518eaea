"""Mistakes in campaigns: each is named with its place, what was expected and what to do; all of them at once.

Every test also asks that nothing was written beside the campaign.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bayesbeam.config import load_campaign
from bayesbeam.errors import ConfigErrors

GOOD: dict[str, str] = {
    "head": "campaign: test",
    "measurements": "measurements: measurements.tsv",
    "treatments": "treatments: {counted: {signal: {counts: true}}, plain: {}}",
    "candidates": "candidates:",
    "peaks": "  peaks:",
    "title": "    title: peaks",
    "applies": '    measurements: ["*"]',
    "parts": "    parts:",
    "part": "      - {name: line, component: gaussian, count: 1..3, priors: {sd: 'log_uniform(0.1, 2)'}}",
    "background": "      - {component: linear}",
    "noise": "    noise: {family: normal, sigma: estimate}",
    "integration": "integration:",
    "group": "  - {group: both, measurements: [run1, run2], candidate: peaks, shared: [line.sd]}",
    "sampling": "sampling: {seed: 1}",
    "report": "report: {title: Report}",
}
SHEET = "id\tfile\ttreatment\nrun1\ta.csv\tcounted\nrun2\tb.csv\tplain\n"
LINE = {name: number for number, name in enumerate(GOOD, start=1)}


def problems(folder: Path, sheet: str = SHEET, **lines: str) -> list[str]:
    """Messages of a campaign with some of its lines replaced; empty where it loads."""
    text = "\n".join({**GOOD, **lines}.values()) + "\n"
    (folder / "campaign.yaml").write_text(text, encoding="utf-8")
    (folder / "measurements.tsv").write_text(sheet, encoding="utf-8")
    before = sorted(folder.rglob("*"))
    try:
        load_campaign(folder)
    except ConfigErrors as error:
        found = [str(problem) for problem in error.problems]
        complete = all("; expected " in message for message in found)
        assert complete
    else:
        found = []
    assert sorted(folder.rglob("*")) == before
    return found


def test_the_campaign_that_the_tests_spoil_is_good(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def entry(text: str) -> str:
    """Line of a part."""
    return f"      - {text}"


def counted(text: str) -> str:
    """Line of the treatments."""
    return f"treatments: {{counted: {text}, plain: {{}}}}"


def group(measurements: str, candidate: str = "peaks", shared: str = "line.sd") -> str:
    """Line of a group."""
    return f"  - {{group: b, measurements: [{measurements}], candidate: {candidate}, shared: [{shared}]}}"


PEAKS, COUNTED, GROUP = "candidates.peaks", "treatments.counted", "integration[0]"
FIRST, SECOND = f"{PEAKS}.parts[0]", f"{PEAKS}.parts[1]"
MISTAKES: list[tuple[str, str, str, list[str]]] = [
    # ids
    ("head", "campaign: a/b", "campaign", ["the id 'a/b'", "Ids become file names; write e.g. a_b."]),
    ("head", "campaign: ../etc", "campaign", ["the id '../etc'", "hold no '..'"]),
    ("head", "campaign: $(ls)", "campaign", ["the id '$(ls)'"]),
    ("head", "campaign: a;b", "campaign", ["the id 'a;b'"]),
    ("head", "campaign: a b", "campaign", ["the id 'a b'", "write e.g. a_b"]),
    ("head", "campaign: .hidden", "campaign", ["the id '.hidden'", "do not start with '.'"]),
    ("head", f"campaign: {'a' * 65}", "campaign", ["1 to 64 of the characters"]),
    ("head", 'campaign: "a\\nb"', "campaign", ["the id 'a\\nb'"]),
    ("head", "title: x", "campaign", ["nothing; expected the key campaign"]),
    ("peaks", "  pe-aks:", "candidates.pe-aks", ["the candidate name 'pe-aks'", "without '-'", "write pe_aks"]),
    # keys and values
    ("title", "    titel: peaks", f"{PEAKS}.titel", ["the unknown key 'titel'", "Did you mean title?"]),
    ("sampling", "samplng: {seed: 1}", "samplng", ["the unknown key 'samplng'", "Did you mean sampling?"]),
    ("sampling", "sampling: {seed: x}", "sampling.seed", ["'x'; expected a whole number"]),
    ("sampling", "sampling: {seed: -1}", "sampling.seed", ["-1; expected a number at least 0"]),
    (
        "sampling",
        "sampling: {device: cdua}",
        "sampling.device",
        ["one of 'auto', 'cpu' or 'cuda'", "Did you mean cuda?"],
    ),
    ("sampling", "sampling: {chains: many}", "sampling.chains", ["'many'; expected auto or a whole number"]),
    ("sampling", "sampling: {target_standard_error: '0,1'}", "sampling.target_standard_error", ["decimal point"]),
    ("sampling", "sampling: {target_standard_error: 0,1}", "sampling.1", ["the unknown key '1'"]),
    ("treatments", counted("{rnage: [1, 2]}"), f"{COUNTED}.rnage", ["mean range?"]),
    ("treatments", counted("{range: [1]}"), f"{COUNTED}.range", ["two numbers"]),
    ("treatments", counted("{range: [1, 1]}"), f"{COUNTED}.range", ["two different"]),
    ("treatments", counted("{mask: [1, 2]}"), f"{COUNTED}.mask[0]", ["two numbers"]),
    ("treatments", counted("{rebin: 0}"), f"{COUNTED}.rebin", ["at least 1"]),
    ("treatments", counted("{read: {x: -1}}"), f"{COUNTED}.read.x", ["from 0"]),
    (
        "treatments",
        counted("{uncertainty: {from: value}}"),
        f"{COUNTED}.uncertainty",
        ["from: value without a value", "Add the uncertainty as value"],
    ),
    ("treatments", "treatments: [1, 2]", "treatments", ["a list [1, 2]; expected a section with keys"]),
    # parts
    (
        "part",
        entry("{component: gausian}"),
        f"{FIRST}.component",
        ["the unknown component 'gausian'", "Did you mean gaussian?"],
    ),
    ("part", entry("{name: line}"), f"{FIRST}.component", ["nothing; expected the key component"]),
    (
        "part",
        entry("{component: gaussian, count: 3..1}"),
        f"{FIRST}.count",
        ["3..1, which is upside down", "Write 1..3"],
    ),
    ("part", entry("{component: gaussian, count: 0..0}"), f"{FIRST}.count", ["a count of 0; expected at least 1"]),
    ("part", entry("{component: gaussian, count: 1..999}"), f"{FIRST}.count", ["a count of 999; expected at most 64"]),
    ("part", entry("{component: gaussian, count: few}"), f"{FIRST}.count", ["the count 'few'", "Write e.g. 3 or 1..4"]),
    ("part", entry("{component: gaussian, count: 1.5}"), f"{FIRST}.count", ["the count 1.5"]),
    ("background", entry("{component: linear, count: 2}"), f"{SECOND}.count", ["cannot be told apart"]),
    ("background", entry("{component: gaussian, name: line}"), f"{SECOND}.name", ["'line' a second time"]),
    ("background", entry("{component: gaussian, name: a.b}"), f"{SECOND}.name", ["letters, digits and _"]),
    ("background", entry("{component: gaussian, name: noise}"), f"{SECOND}.name", ["the part name 'noise'"]),
    ("background", entry("{component: doublet}"), f"{SECOND}", ["a doublet without of", "pseudo_voigt"]),
    ("background", entry("{component: doublet, of: linear}"), f"{SECOND}.of", ["which is no peak"]),
    ("background", entry("{component: linear, of: gaussian}"), f"{SECOND}.of", ["component: doublet"]),
    ("background", entry("{component: linear, fixed: {slop: 0}}"), f"{SECOND}.fixed.slop", ["mean slope?"]),
    ("background", entry("{component: linear, fixed: {slope: a}}"), f"{SECOND}.fixed.slope", ["a number"]),
    ("background", entry("{component: linear, fixed: {slope: .inf}}"), f"{SECOND}.fixed.slope", ["finite"]),
    ("background", entry("{component: gaussian, fixed: {sd: -1}}"), f"{SECOND}.fixed.sd", ["between 0 and inf"]),
    (
        "background",
        entry("{component: linear, fixed: {slope: 0}, priors: {slope: 'normal(0, 1)'}}"),
        f"{SECOND}.fixed.slope",
        ["slope under fixed and under priors", "Remove one"],
    ),
    # noise
    ("noise", "    noise: {family: gauss}", f"{PEAKS}.noise.family", ["'normal_counts', 'student_t' or 'poisson'"]),
    (
        "noise",
        "    noise: {sigma: colum}",
        f"{PEAKS}.noise.sigma",
        ["the unknown word 'colum'", "Did you mean column?"],
    ),
    ("noise", "    noise: {sigma: 0}", f"{PEAKS}.noise.sigma", ["0; expected a number above 0"]),
    ("noise", "    noise: {sigma: 'normal(0, 1)'}", f"{PEAKS}.noise.sigma", ["between 0 and inf", "low=0"]),
    ("noise", "    noise: {family: poisson, sigma: 1}", f"{PEAKS}.noise", ["family: poisson alone"]),
    (
        "noise",
        "    noise: {level: 'uniform(1, 2)'}",
        f"{PEAKS}.noise",
        ["level with an unknown sigma", "a known sigma"],
    ),
    ("noise", "    noise: {sigma: 1, scale: 2, level: 'uniform(1, 2)'}", f"{PEAKS}.noise", ["level with scale"]),
    (
        "noise",
        "    noise: {family: student_t, sigma: 1, level: 'uniform(1, 2)'}",
        f"{PEAKS}.noise",
        ["level with family student_t; expected level with family: normal"],
    ),
    ("noise", "    noise: {sigma: 1, level: 'normal(1, 2)'}", f"{PEAKS}.noise.level", ["between 0 and inf"]),
    ("noise", "    noise: {sigma: 1, level: 2}", f"{PEAKS}.noise.level", ["expected"]),
    ("noise", "    noise: {sigma: 1, level: 'fixed(2)'}", f"{PEAKS}.noise.level", ["one level", "under sigma"]),
    (
        "noise",
        "    noise: {sigma: 1, level: 'uniform(0.5, 1.2)'}",
        f"{PEAKS}.noise.level",
        ["of which 29 % lies between 1 and 31.6", "surely too small"],
    ),
    ("noise", "    noise: {exposure: 3}", f"{PEAKS}.noise", ["exposure with family normal; expected family: poisson"]),
    ("noise", "    noise: {sigma: 1, dark: 3}", f"{PEAKS}.noise", ["dark with family normal", "remove dark"]),
    ("noise", "    noise: {family: poisson, exposure: 0}", f"{PEAKS}.noise.exposure", ["0; expected a number above 0"]),
    ("noise", "    noise: {family: poisson, exposure: .inf}", f"{PEAKS}.noise.exposure", ["a number above 0"]),
    ("noise", "    noise: {family: poisson, exposure: [1, 2]}", f"{PEAKS}.noise.exposure", ["a list", "a column"]),
    ("noise", "    noise: {family: poisson, exposure: 'gamma(2, 2)'}", f"{PEAKS}.noise.exposure", ["are known"]),
    ("noise", "    noise: {family: poisson, dark: -1}", f"{PEAKS}.noise.dark", ["-1; expected a number of at least 0"]),
    ("noise", "    noise: {family: poisson, dark: 'normal(2, 2)'}", f"{PEAKS}.noise.dark", ["between 0 and inf"]),
    ("noise", "    noise: {family: poisson, dark: 'gamma(2)'}", f"{PEAKS}.noise.dark", ["gamma"]),
    ("noise", "    noise: {family: poisson, dark: noise}", f"{PEAKS}.noise.dark", ["which is a data word", "Rename"]),
    ("noise", "    noise: {relative: 0.1}", f"{PEAKS}.noise", ["expected family: normal_relative"]),
    ("noise", "    noise: {gain: 2}", f"{PEAKS}.noise", ["gain with family normal; expected family: normal_counts"]),
    ("noise", "    noise: {family: normal_counts, relative: 2}", f"{PEAKS}.noise", ["family: normal_relative"]),
    ("noise", "    noise: {family: poisson, gain: 2}", f"{PEAKS}.noise", ["family: poisson alone"]),
    ("noise", "    noise: {dof: 4}", f"{PEAKS}.noise", ["dof with family normal; expected family: student_t"]),
    ("noise", "    noise: {family: student_t, dof: 0}", f"{PEAKS}.noise.dof", ["0"]),
    ("noise", "    noise: {family: student_t, dof: 'normal(4, 1)'}", f"{PEAKS}.noise.dof", ["between 0 and inf"]),
    ("noise", "    noise: {sigma: estimate, scale: 2}", f"{PEAKS}.noise", ["scale together with an unknown sigma"]),
    ("noise", "    noise: {family: poisson}", f"{PEAKS}.noise.family", ["poisson noise for run2", "counts: true"]),
    ("noise", "    noise: {sigma: column}", f"{PEAKS}.noise.sigma", ["sigma: column for run1, run2", "uncertainty:"]),
    # measurements of a candidate
    ("applies", "    measurements: [run1, run]", f"{PEAKS}.measurements[1]", ["the id 'run'", "Did you mean run"]),
    ("applies", '    measurements: [run1, "rum*"]', f"{PEAKS}.measurements[1]", ["the pattern 'rum*'"]),
    ("applies", "    measurements: 3.5.2", f"{PEAKS}.measurements[0]", ["which no measurement has"]),
    ("applies", "    measurements: {a: 1}", f"{PEAKS}.measurements", ["expected a list of ids or patterns"]),
    # groups
    (
        "group",
        group("run1, run3", "peaks", "line.sd"),
        f"{GROUP}.measurements[1]",
        ["the unknown measurement 'run3'", "Did you mean run2?"],
    ),
    ("group", group("run1", "peaks", "line.sd"), f"{GROUP}.measurements", ["1 measurement(s); expected at least 2"]),
    ("group", group("", "peaks", "line.sd"), f"{GROUP}.measurements", ["at least 2"]),
    ("group", group("run1, run2, run1", "peaks", "line.sd"), f"{GROUP}.measurements[2]", ["'run1' a second time"]),
    (
        "group",
        group("run1, run2", "peks", "line.sd"),
        f"{GROUP}.candidate",
        ["the unknown candidate 'peks'", "Did you mean peaks?"],
    ),
    (
        "group",
        group("run1, run2", "peaks", "line.s"),
        f"{GROUP}.shared[0]",
        ["'line.s', which is not in peaks", "Did you mean line.sd?"],
    ),
    ("group", group("run1, run2", "peaks", "sd"), f"{GROUP}.shared[0]", ["part.parameter"]),
    ("group", group("run1, run2", "peaks", ""), f"{GROUP}.shared", ["at least one"]),
    ("group", group("run1, run2", "peaks", "line.sd, line.sd"), f"{GROUP}.shared[1]", ["a second time"]),
    (
        "group",
        group("run1, run2", "peaks", "noise.scale"),
        f"{GROUP}.shared[0]",
        ["the noise parameter", "keeps its own noise"],
    ),
    ("group", group("run1, run2", "peaks", "linear.pivot"), f"{GROUP}.shared[0]", ["which is fixed"]),
    (
        "group",
        group("run1, run2", "peaks", "line.position"),
        f"{GROUP}.shared[0]",
        ["uniform(low=x_min, high=x_max), which differs", "with numbers"],
    ),
    ("group", GOOD["group"].replace("both", "b/c"), f"{GROUP}.group", ["the id 'b/c'"]),
]


@pytest.mark.parametrize(("name", "line", "where", "words"), MISTAKES, ids=[f"{m[0]}: {m[1]}"[:60] for m in MISTAKES])
def test_one_mistake(tmp_path: Path, name: str, line: str, where: str, words: list[str]) -> None:
    found = problems(tmp_path, **{name: line})
    mine = [message for message in found if f": {where}: " in message]
    assert len(mine) == 1, found
    assert mine[0].startswith(f"{tmp_path.name}/campaign.yaml")
    if name != "head" or "title" not in line:
        assert f" line {LINE[name]}: " in mine[0]
    for word in words:
        assert word in mine[0]


def test_a_candidate_without_measurements_and_measurements_without_candidate(tmp_path: Path) -> None:
    found = problems(tmp_path, applies="    measurements: [run1]")
    assert any("candidates: 1 without a candidate: run2" in message for message in found)
    assert any("integration[0].candidate: 'peaks', which does not apply to run2" in message for message in found)


def test_a_second_group_of_the_same_name(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, group=GOOD["group"] + "\n" + GOOD["group"])
    assert "integration[1].group: the group 'both' a second time (first in integration[0])" in found


def test_shared_parameters_need_one_unit(tmp_path: Path) -> None:
    treatments = "treatments: {counted: {axis: {unit: eV}}, plain: {axis: {unit: nm}}}"
    (found,) = problems(tmp_path, treatments=treatments)
    assert "integration[0].shared[0]: 'line.sd' with x in eV and nm; expected one unit of x in the group" in found
    assert problems(tmp_path, treatments=treatments.replace("unit: nm", "unit: nm, convert_to: eV")) == []


def test_nothing_to_sample(tmp_path: Path) -> None:
    part = "      - {name: line, component: constant, fixed: {level: 1}}"
    found = problems(tmp_path, part=part, background="", noise="    noise: {sigma: 0.1}", group="  []")
    assert any("candidates.peaks: no parameter that is free; expected at least one" in message for message in found)


COUNTED = "treatments: {counted: {signal: {counts: true}}, plain: {signal: {counts: true}}}"


@pytest.mark.parametrize(
    ("said", "cells", "place", "words"),
    [
        ("exposure: t", "", "noise.exposure", ["'t', which the sheet does not have", "a data file cannot be named"]),
        ("exposure: tume", "tim\t1\t2", "noise.exposure", ["'tume', which the sheet does not have", "mean tim?"]),
        ("exposure: tim", "time\t1\t2", "noise.exposure", ["'tim'", "Did you mean time?"]),
        ("exposure: file", "", "noise.exposure", ["'file'", "have a meaning of their own"]),
        ("exposure: t", "t\t1\t0", "noise.exposure", ["0 in the column t for run2", "above 0 for every measurement"]),
        ("exposure: t", "t\t-1\t-2", "noise.exposure", ["-1 in the column t for run1 (and 1 more of its kind)"]),
        ("exposure: t", "t\t1\t", "noise.exposure", ["nothing in the column t for run2"]),
        ("exposure: t", "t\t1\tlong", "noise.exposure", ["1 in the column t for run1"]),
        ("exposure: 2, dark: d", "t\t1\t1", "noise.dark", ["'d', which the sheet does not have"]),
        ("exposure: 2, dark: d", "d\t1\t-1", "noise.dark", ["-1 in the column d for run2", "of at least 0"]),
    ],
)
def test_exposures_that_the_sheet_does_not_have(
    tmp_path: Path, said: str, cells: str, place: str, words: list[str]
) -> None:
    lines = SHEET.splitlines()
    added = cells.split("\t") if cells else []
    sheet = "\n".join("\t".join([line, *added[k : k + 1]]) for k, line in enumerate(lines)) + "\n"
    noise = f"    noise: {{family: poisson, {said}}}"
    (found,) = problems(tmp_path, sheet, treatments=COUNTED, noise=noise)
    assert place in found
    assert "expected a number, or a column of the sheet" in found
    assert all(word in found for word in words), found


def test_a_prior_of_the_level_with_an_exposure_that_is_not_there(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, noise="    noise: {sigma: 1, level: 'uniform(1, 9 * exposure)'}")
    assert "a prior with the word exposure for run1 and 1 more, which has none" in found


def test_dark_counts_beside_a_part_of_that_name(tmp_path: Path) -> None:
    part = "      - {name: dark, component: constant}"
    (found,) = problems(tmp_path, treatments=COUNTED, part=part, noise="    noise: {family: poisson, dark: 2}")
    assert "noise.dark" in found
    assert "dark beside a part of that name; expected one of the two. Rename the part" in found


def test_normalised_counts_are_no_counts(tmp_path: Path) -> None:
    treatments = "treatments: {counted: {signal: {counts: true}, normalise: area}, plain: {signal: {counts: true}}}"
    (found,) = problems(tmp_path, treatments=treatments, noise="    noise: {family: poisson}")
    assert "poisson noise on normalised counts for run1; expected normalise: none" in found


def test_logarithms_of_counts_are_no_counts(tmp_path: Path) -> None:
    logged = "{signal: {counts: true, transform: log}}"
    treatments = f"treatments: {{counted: {logged}, plain: {{signal: {{counts: true}}}}}}"
    (found,) = problems(tmp_path, treatments=treatments, noise="    noise: {family: poisson}")
    assert "poisson noise on the logarithm of counts for run1; expected signal: {transform: none}" in found


def test_all_mistakes_at_once_and_the_fatal_ones_first(tmp_path: Path) -> None:
    sheet = SHEET + "run1\tc\tplain\n"
    group = "  - {group: b, measurements: [run1, run9], candidate: peeks, shared: [line.sd]}\nhead: 1\nhead: 2"
    changed: dict[str, Any] = {
        "head": "campaign: a b",
        "title": "    titel: x",
        "part": "      - {name: line, component: gausian, count: 3..1}",
        "noise": "    noise: {sigma: colum}",
        "group": group,
        "sampling": "sampling: {seed: x}",
    }
    found = problems(tmp_path, sheet, **changed)
    wanted = [
        "the key 'head' a second time",  # the text
        "the id 'a b'",  # the form
        "the unknown key 'titel'",
        "which is upside down",
        "sampling.seed",
        "the unknown key 'head'",
        "the id 'run1' a second time",  # the sheet
        "the unknown component 'gausian'",  # the models
        "the unknown word 'colum'",
        "the unknown candidate 'peeks'",  # what must fit together
    ]
    for word in wanted:
        assert sum(word in message for message in found) == 1, word
    assert len(found) == len(wanted)
    places = [next(i for i, message in enumerate(found) if word in message) for word in wanted]
    assert places[0] == 0
    assert max(places[1:6]) < places[6] < min(places[7:9]) < max(places[7:9]) < places[9]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "an empty file; expected a campaign"),
        ("# only a comment\n", "an empty file"),
        ("null", "no value; expected a mapping with the key campaign"),
        ("- a\n- b\n", "a list ['a', 'b']; expected a mapping"),
        ("just words", "'just words'; expected a mapping"),
        ("campaign: [", "Check indentation, brackets and quotes"),
        ("campaign:\n\tx: 1", "a tab at the start of the line"),
        ("campaign: x\ncandidates: {}\n", "candidates: a section {}; expected at least 1 entry"),
        ("campaign: x\n", "nothing; expected the key candidates"),
        ("campaign: x\ncandidates: [1]\n", "candidates: a list [1]; expected a section with keys"),
        ("campaign: x\ncandidates: {a: null}\n", "candidates.a: no value; expected a section with keys"),
        ("campaign: x\ncandidates: {a: {parts: [null]}}\n", "candidates.a.parts[0]: no value"),
        ("campaign: x\ncandidates: {a: {parts: {b: 1}}}\n", "candidates.a.parts: a section {'b': 1}; expected a list"),
        ("campaign: x\ncandidates: {a: {parts: []}}\n", "candidates.a.parts: a list []; expected at least 1 entry"),
    ],
)
def test_files_that_are_no_campaign(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "campaign.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "measurements.tsv").write_text(SHEET, encoding="utf-8")
    with pytest.raises(ConfigErrors) as caught:
        load_campaign(tmp_path)
    assert word in str(caught.value)
    assert all("; expected " in str(problem) for problem in caught.value.problems)
