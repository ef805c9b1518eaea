"""Mistakes in the sheet of measurements: named with line and column, nothing written, nothing guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesbeam.config import load_campaign
from bayesbeam.errors import ConfigErrors

CAMPAIGN = """\
campaign: test
treatments: {counted: {signal: {counts: true}}, plain: {}}
candidates:
  peaks: {measurements: [run1, run2, run9], parts: [{component: gaussian, priors: {sd: "log_uniform(0.1, 2)"}}]}
integration: [{group: both, measurements: [run1, run8], candidate: peaks, shared: [gaussian.sd]}]
"""
SHEET = "id\tfile\ttreatment\nrun1\ta.csv\tcounted\nrun2\tb.csv\tplain\n"


def problems(folder: Path, sheet: str | bytes | None) -> list[str]:
    """Messages of a campaign with this sheet; the campaign's own mistakes need a good sheet to be seen."""
    (folder / "campaign.yaml").write_text(CAMPAIGN, encoding="utf-8")
    if sheet is not None:
        (folder / "measurements.tsv").write_bytes(sheet.encode() if isinstance(sheet, str) else sheet)
    before = sorted(folder.rglob("*"))
    with pytest.raises(ConfigErrors) as caught:
        load_campaign(folder)
    assert sorted(folder.rglob("*")) == before
    return [str(problem) for problem in caught.value.problems]


def test_with_a_good_sheet_the_campaign_is_compared_with_it(tmp_path: Path) -> None:
    found = "\n".join(problems(tmp_path, SHEET))
    assert "the id 'run9', which no measurement has" in found
    assert "integration[0].measurements[1]: the unknown measurement 'run8'" in found


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        (None, ["measurements.tsv: no such file; expected the sheet of measurements"]),
        ("", ["measurements.tsv: an empty file; expected a header line with id and file"]),
        ("# nothing\n\n", ["measurements.tsv: an empty file"]),
        ("id\tfile\n", ["measurements.tsv: no measurement; expected at least one row below the header"]),
        ("name\tfile\nrun1\ta\n", ["measurements.tsv line 1: no column 'id'", "Columns found: name, file"]),
        ("ID\tfilename\nrun1\ta\n", ["no column 'id'", "Rename 'ID' to id.", "Rename 'filename' to file."]),
        ("id,file\nrun1,a\n", ["columns not separated by tabs in 'id,file'", "Save it as text (tab delimited)."]),
        ("id file\nrun1 a\n", ["columns not separated by tabs"]),
        ("id\tfile\tid\nrun1\ta\tb\n", ["line 1 column id: the column a second time"]),
        (SHEET + "run1\tc\tplain\n", ["line 4 column id: the id 'run1' a second time (first on line 2)", "Rename it"]),
        (
            SHEET + "RUN1\tc\tplain\n",
            ["the id 'RUN1' beside 'run1', from which only the case differs"],
        ),
        (SHEET + "a/b\tc\tplain\n", ["line 4 column id: the id 'a/b'", "write e.g. a_b"]),
        (SHEET + "..\tc\tplain\n", ["line 4 column id: the id '..'", "hold no '..'"]),
        (SHEET + "a..b\tc\tplain\n", ["the id 'a..b'"]),
        (SHEET + "$HOME\tc\tplain\n", ["the id '$HOME'"]),
        (SHEET + "a;rm\tc\tplain\n", ["the id 'a;rm'"]),
        (SHEET + "a b\tc\tplain\n", ["the id 'a b'"]),
        (SHEET + "`ls`\tc\tplain\n", ["the id '`ls`'"]),
        (SHEET + f"{'a' * 65}\tc\tplain\n", ["1 to 64 of the characters"]),
        (SHEET + "\u0440un\tc\tplain\n", ["the id '\u0440un'"]),
        (SHEET + "run4\t\tplain\n", ["line 4 column file: an empty cell; expected data file"]),
        (SHEET + "\tc\tplain\n", ["line 4 column id: an empty cell"]),
        (SHEET + "run4\tc\tplian\n", ["line 4 column treatment: the unknown treatment 'plian'", "Did you mean plain?"]),
        (SHEET + "run4\tc\t\n", ["line 4 column treatment: an empty cell", "Choose one of: counted, plain"]),
        (SHEET + "run4\tc\tplain\textra\n", ["line 4: 4 cells; expected 3 as in the header", "Remove the extra tab."]),
        (SHEET + "run4\tc\x07d\tplain\n", ["column file: 'c\\x07d'; expected a path without control characters"]),
        (SHEET.encode() + b"run4\t\xff\tplain\n", ["not UTF-8", "Save it as text (tab delimited), UTF-8."]),
        ("id\tfile\n\0".encode("utf-16"), ["not UTF-8"]),
        (b"\0" * 100, ["bytes that are not text"]),
    ],
)
def test_sheets(tmp_path: Path, sheet: str | bytes | None, words: list[str]) -> None:
    found = "\n".join(problems(tmp_path, sheet))
    for word in words:
        assert word in found
    assert "measurements.tsv" in found
    assert "integration" not in found  # nothing is said about what cannot be known


def test_a_huge_sheet_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "measurements.tsv").open("wb") as file:
        file.truncate(33 << 20)
    assert "more than 32 MiB; expected a sheet" in problems(tmp_path, None)[0]
