"""Mistakes in what a campaign asks of edges along a series: named before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.reference_series import EXAMPLE_SPLITTING
from campaign_problems import problems_of

CAMPAIGN = """\
campaign: test
candidates:
  which: {measurements: ["m*"], phases: {library: cifs}}
  edge: {measurements: [e], parts: [{component: arctan_step}]}
splitting: SPLITTING
"""
GOOD = "{name: s, along: t, structure: cifs/one.cif, edges: [b, c], beside: cifs/two.cif}"
SHEET = "id\tfile\tt\tsame\n" + "".join(f"m{k}\ta.csv\t{k}\t1\n" for k in range(4)) + "e\te.csv\t9\t2\n"


def problems(folder: Path, splitting: str, campaign: str = CAMPAIGN) -> list[str]:
    (folder / "cifs").mkdir(exist_ok=True)
    for name in ("one", "two"):
        (folder / "cifs" / f"{name}.cif").write_text("data_x\n")
    return problems_of(folder, campaign.replace("SPLITTING", splitting), SHEET)


def test_what_may_be_asked(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []
    assert problems(tmp_path, f"[{GOOD}, {GOOD.replace('name: s', 'name: other, candidate: which')}]") == []


def test_the_example_of_the_reference_may_be_asked(tmp_path: Path) -> None:
    home = tmp_path / "campaigns" / "mine"
    for file in ("structures/CuCr2O4-orthorhombic.cif", "../../libraries/inorganic/CuO-Tenorite.cif"):
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text("data_x\n")
    campaign = f"campaign: test\ncandidates: {{which: {{phases: {{library: structures}}}}}}\n{EXAMPLE_SPLITTING}"
    sheet = "id\tfile\ttemperature_K\n" + "".join(f"m{k}\ta.csv\t{k}\n" for k in range(4))
    assert problems_of(home, campaign, sheet) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[b, c]", "[b, b]", ("edges", "two of the edges a, b and c")),
        ("[b, c]", "[b, d]", ("edges", "two of the edges a, b and c")),
        ("[b, c]", "b", ("edges", "Write e.g. [b, c].")),
        ("cifs/one.cif", "cifs/eins.cif", ("splitting[0].structure", "cifs/eins.cif, which is no file")),
        ("cifs/two.cif", "cifs", ("splitting[0].beside", "which is no file")),
        ("along: t", "along: tt", ("splitting[0].along", "the column 'tt' with 0 different numbers")),
        ("along: t", "along: same", ("splitting[0].along", "with 1 different numbers; expected")),
        ("name: s", "name: s, candidate: edge", ("splitting[0].candidate", "'edge', which has no phases")),
        ("name: s", "name: s, candidate: whic", ("is none of this campaign", "Did you mean which?")),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    (message,) = problems(tmp_path, f"[{GOOD.replace(old, new)}]")
    assert all(word in message for word in words), message


def test_one_name_is_one_question(tmp_path: Path) -> None:
    (message,) = problems(tmp_path, f"[{GOOD}, {GOOD}]")
    assert "splitting[1].name: 's' once more" in message


def test_which_candidate_is_said_where_there_are_several_or_none(tmp_path: Path) -> None:
    more = '  more: {measurements: ["m*"], phases: {library: cifs, most: 3}}\n  edge:'
    several = CAMPAIGN.replace("  edge:", more)
    (message,) = problems(tmp_path, GOOD, several)
    assert "2 candidates with phases; expected one that is meant. Name one of which, more." in message
    none = CAMPAIGN.replace("{library: cifs}", "{library: cifs, most: -1}")
    assert not any("splitting" in one for one in problems(tmp_path, GOOD, none))
