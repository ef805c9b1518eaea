"""A campaign without its models: the same measurements and tags as the whole one, and nothing of its models is run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bayesbeam.config import load_campaign, outline_campaign
from bayesbeam.errors import ConfigErrors

CAMPAIGN = """\
campaign: outlined
components: [own.py]
candidates:
  lines:
    measurements: ["a*"]
    parts: [{component: gaussian, count: 2..4}, {component: constant}]
  one: {parts: [{component: own}]}
integration:
  - {group: both, measurements: [a1, a2], candidate: lines, shared: [gaussian.position]}
"""


def write(folder: Path, text: str = CAMPAIGN, ids: str = "a1 a2 b") -> Path:
    (folder / "campaign.yaml").write_text(text)
    (folder / "measurements.tsv").write_text("id\tfile\n" + "".join(f"{name}\t{name}.txt\n" for name in ids.split()))
    (folder / "own.py").write_text("raise SystemExit(9)\n")
    return folder


@pytest.mark.parametrize("name", ["first_look", "nagata2012"])
def test_an_outline_is_the_campaign_without_its_models(root: Path, name: str) -> None:
    whole, outline = (read(root / "config" / "campaigns" / name) for read in (load_campaign, outline_campaign))
    assert (outline.folder, outline.campaign, outline.sheet) == (whole.folder, whole.campaign, whole.sheet)
    for identifier in outline.ids:
        assert list(outline.tags(identifier)) == [model.tag for model in whole.candidates_of(identifier)]


def test_tags_and_groups_are_known_without_running_a_component_file(tmp_path: Path) -> None:
    outline = outline_campaign(write(tmp_path))
    assert outline.tags("a1") == ("lines-k2", "lines-k3", "lines-k4", "one")
    assert outline.tags("b") == ("one",)
    assert (outline.applies("lines"), outline.row("b").file.name) == (("a1", "a2"), "b.txt")
    assert outline.group("both").candidate == "lines"
    with pytest.raises(ConfigErrors, match="SystemExit: 9"):
        load_campaign(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2..4", "4..2", "upside down"),
        ("campaign: outlined", "campaign: ../outlined", "campaign.yaml line 1: campaign: "),
        ('["a*"]', '["c*"]', "candidates.lines.measurements"),
    ],
)
def test_mistakes_of_form_are_reported(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert CAMPAIGN.count(old) == 1
    with pytest.raises(ConfigErrors) as caught:
        outline_campaign(write(tmp_path, CAMPAIGN.replace(old, new)))
    assert any(words in str(problem) for problem in caught.value.problems)


def test_mistakes_of_the_sheet_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match=r"measurements\.tsv line 3 column id: "):
        outline_campaign(write(tmp_path, ids="a1 a1 a2"))


@pytest.mark.parametrize("name", ["plan", "preprocess", "report"])
def test_scripts_that_need_no_model_import_no_torch(root: Path, tmp_path: Path, name: str) -> None:
    """Torch takes longer to import than their work; the last line shows that the check can fail."""
    code = (
        "import runpy, sys\n"
        "from bayesbeam.config import outline_campaign\n"
        f"outline_campaign({str(write(tmp_path))!r})\n"
        f"runpy.run_path({str(root / 'scripts' / name)!r} + '.py', run_name='imported')\n"
        "assert 'torch' not in sys.modules\n"
        "import bayesbeam.priors\n"
        "assert 'torch' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
