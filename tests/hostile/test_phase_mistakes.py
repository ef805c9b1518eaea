"""Mistakes in candidates with phases: each named with its place and what to do."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from bayesbeam.config.keys import candidate_key
from bayesbeam.config.reference_phases import EXAMPLE_PHASES
from bayesbeam.config.specs import PhasesSpec
from campaign_problems import assert_said, problems_of, write_campaign

HEAD = "campaign: test\ntreatments: {t: {axis: {quantity: 2theta, unit: degree}}}\n"
GOOD = "  which:\n    phases:\n      library: cifs\n"
SHEET = "id\tfile\tmade_of\nm\tm.xy\tZn O\nn\tn.xy\t\n"
HERE = "candidates.which"


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """Folder of a campaign with two CIFs."""
    (tmp_path / "cifs").mkdir()
    for name in ("ZnO-Zincite", "NiO-Bunsenite"):
        shutil.copy(root / f"config/libraries/inorganic/{name}.cif", tmp_path / "cifs")
    return tmp_path


def text_of(candidates: str = GOOD, rest: str = "") -> str:
    return f"{HEAD}candidates:\n{candidates}{rest}"


def spec_of(folder: Path, more: str = "", sheet: str = SHEET) -> PhasesSpec:
    write_campaign(folder, text_of(GOOD + more), sheet)
    spec = load_campaign(folder).expanded("which")[0].spec.phases
    assert spec is not None
    return spec


def key_of(folder: Path, more: str = "") -> str:
    write_campaign(folder, text_of(GOOD + more), SHEET)
    return candidate_key(load_campaign(folder).expanded("which")[0].spec, None)


def test_what_is_asked_and_what_cifs_hold_is_the_key_and_not_where_they_lie(folder: Path, tmp_path: Path) -> None:
    mores = (
        "", "      most: 3\n", "      expected: 2\n", "      elements: [Zn, O]\n", "      elements: made_of\n",
        "      cell: 0.01\n", "      texture: 0.3\n", "      width: 0.5\n", "      error: {line: 0.2}\n",
        "      structure: 0\n", "      grain_radius: 0\n", "      refine: winners\n",
        "      low_angle_loss: 0\n",
    )  # fmt: skip
    keys = [key_of(folder, more) for more in mores]
    assert len(set(keys)) == len(mores)
    assert key_of(folder, "      refine: none\n") == keys[0]
    moved = folder / "elsewhere"
    shutil.copytree(folder / "cifs", moved / "other")
    write_campaign(moved, text_of(GOOD.replace("cifs", "other")), SHEET)
    assert candidate_key(load_campaign(moved).expanded("which")[0].spec, None) == keys[0]
    file = folder / "cifs" / "ZnO-Zincite.cif"
    file.write_bytes(file.read_bytes() + b"\n# looked at\n")
    assert key_of(folder) != keys[0]


def test_folders_and_files_may_be_named_together(folder: Path) -> None:
    whole = spec_of(folder)
    write_campaign(folder, text_of("  which:\n    phases: {library: [cifs/ZnO-Zincite.cif, cifs]}\n"), SHEET)
    found = load_campaign(folder).expanded("which")[0].spec.phases
    assert found is not None
    assert found.content == whole.content


def test_the_example_of_the_reference_is_a_campaign(folder: Path) -> None:
    shutil.copytree(folder / "cifs", folder / "structures")
    (folder / "more").mkdir()
    shutil.copy(folder / "cifs" / "ZnO-Zincite.cif", folder / "more" / "ZnO.cif")
    write_campaign(folder, "campaign: test\n" + EXAMPLE_PHASES, SHEET)
    models = load_campaign(folder).all_expanded()
    assert [model.tag for model in models] == ["all_structures", "known_elements"]
    second = models[1].spec.phases
    assert second is not None
    assert (second.elements, second.expected, second.line) == (("Ti", "V", "Zn", "O"), 2.0, 0.2)


MISTAKES: list[tuple[str, str, list[str]]] = [
    (GOOD.replace("cifs", "cif"), f"{HERE}.phases.library", ["which is not there", "Correct the path."]),
    (GOOD.replace("cifs", "[cifs, none.cif]"), f"{HERE}.phases.library", ["none.cif, which is not there"]),
    (GOOD.replace("cifs", "[]"), f"{HERE}.phases.library", ["a folder of CIFs"]),
    (GOOD + "      elements: [Zn, Ox]\n", f"{HERE}.phases.elements", ["'Ox'; expected chemical symbols"]),
    (GOOD + "      elements: [zn]\n", f"{HERE}.phases.elements", ["Did you mean Zn?"]),
    (GOOD + "      elements: [1, O]\n", f"{HERE}.phases.elements", ["a list [1, 'O']", "Write e.g. [Ti, V, O]."]),
    (GOOD + "      elements: Zn, O\n", f"{HERE}.phases.elements", ["Write [Zn, O]."]),
    (GOOD + "      elements: made_off\n", f"{HERE}.phases.elements", ["'made_off', which the sheet does not have",
                                                                     "Did you mean made_of?"]),
    (GOOD + "      most: 41\n", f"{HERE}.phases.most", ["41; expected a number at most 40"]),
    (GOOD + "      expected: 0\n", f"{HERE}.phases.expected", ["0; expected a number above 0"]),
    (GOOD + "      error: {line: 0}\n", f"{HERE}.phases.error.line", ["0; expected a number above 0"]),
    (GOOD + "      cell: 0.1\n", f"{HERE}.phases.cell", ["0.1; expected a number at most 0.02"]),
    (GOOD + "    noise: {sigma: 1}\n", f"{HERE}.noise", ["noise beside phases"]),
    (GOOD + "    parts: [{component: constant}]\n", f"{HERE}.parts", ["parts beside phases"]),
    (GOOD + "    solve: exact\n", f"{HERE}.solve", ["Remove solve."]),
    ("  which:\n    title: none\n", f"{HERE}.parts", ["the key parts"]),
    (GOOD + "  other:\n    parts: [{component: constant}]\n", "candidates.other",
     ["other, a candidate with parts, and which, one with phases, for m"]),
]  # fmt: skip


@pytest.mark.parametrize(("candidates", "place", "words"), MISTAKES)
def test_a_mistake_is_named(folder: Path, candidates: str, place: str, words: list[str]) -> None:
    assert_said(problems_of(folder, text_of(candidates), SHEET), place, words)


def test_elements_of_the_sheet_are_checked_row_by_row(folder: Path) -> None:
    bad = SHEET.replace("Zn O", "Zn, 0")
    found = problems_of(folder, text_of(GOOD + "      elements: made_of\n"), bad)
    assert_said(found, f"{HERE}.phases.elements", ["'0' in the column made_of for m"])


GROUP = "integration:\n  - group: g\n    measurements: [m, n]\n    candidate: which\n"
BOTH = "    shared: [phases.share, phases.cell]\n"
REST: list[tuple[str, str, list[str]]] = [
    ("integration:\n  - {group: g, measurements: [m, n], candidate: which, shared: [a.b]}\n",
     "integration[0].shared", ["a.b; expected shares and cells", "Write shared: [phases.share, phases.cell]."]),
    (GROUP + "    shared: [phases.share]\n", "integration[0].shared", ["phases.share; expected shares and cells"]),
    (GROUP + "    shared: [phases.share, {parameter: phases.cell, scale: 'uniform(low=1, high=2)'}]\n",
     "integration[0].shared", ["phases.cell up to a factor"]),
    (GROUP + BOTH + "    method: two_stage\n", "integration[0].method", ["Remove method."]),
    (GROUP + BOTH + "    partitions: all\n", "integration[0].partitions", ["Remove partitions."]),
    (GROUP + BOTH + "    patterns: all\n", "integration[0].patterns", ["Remove patterns."]),
    ("report: {next_points: 3}\n", "report.next_points", ["Remove next_points."]),
]  # fmt: skip


@pytest.mark.parametrize(("rest", "place", "words"), REST)
def test_what_goes_with_parts_only_is_refused(folder: Path, rest: str, place: str, words: list[str]) -> None:
    assert_said(problems_of(folder, text_of(rest=rest), SHEET), place, words)


def test_a_group_has_one_candidate_with_phases(folder: Path) -> None:
    candidates = GOOD + GOOD.replace("which", "other")
    group = GROUP.replace("candidate: which", "candidate: {m: which, n: other}") + BOTH
    found = problems_of(folder, text_of(candidates, group), SHEET)
    assert_said(found, "integration[0].candidate", ["which and other, one of them with phases", "Choose one of them."])


def test_simulated_studies_are_refused(folder: Path) -> None:
    study = "simulate:\n  - {name: s, candidate: which, truth: {a.b: 1}, axis: {start: 0, stop: 1, points: 10},"
    found = problems_of(folder, text_of(rest=f"{study} noise_levels: [0.1], replicates: 2, seed: 1}}\n"), SHEET)
    assert_said(found, "simulate[0].candidate", ["a candidate with phases", "one with parts"])
