"""A campaign with one component file, the example of the documentation, for tests that spoil it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesbeam.config import load_campaign
from bayesbeam.config.reference_text import EXAMPLE_COMPONENT
from bayesbeam.errors import ConfigErrors

CAMPAIGN = """\
campaign: test
components: [edge.py]
candidates:
  steps:
    parts: [{component: edge, priors: {step: "normal(0, 1)"}}]
"""
FORMULA = "step * (0.5 + m.atan((x - position) / width) / m.pi)"
LAST = len(EXAMPLE_COMPONENT.splitlines())
DEFINED = LAST - 1


def write(folder: Path, component: str = EXAMPLE_COMPONENT, campaign: str = CAMPAIGN) -> Path:
    """Write a campaign with one component file."""
    folder.mkdir(exist_ok=True)
    (folder / "edge.py").write_text(component, encoding="utf-8")
    (folder / "campaign.yaml").write_text(campaign, encoding="utf-8")
    (folder / "measurements.tsv").write_text("id\tfile\nrun1\ta.csv\n", encoding="utf-8")
    return folder


def replaced(old: str, new: str) -> str:
    """Return the example with one piece replaced."""
    assert EXAMPLE_COMPONENT.count(old) == 1, old
    return EXAMPLE_COMPONENT.replace(old, new)


def problems(folder: Path) -> list[str]:
    """Messages of a campaign with mistakes; nothing may be written beside it."""
    before = sorted(folder.rglob("*"))
    with pytest.raises(ConfigErrors) as caught:
        load_campaign(folder)
    assert sorted(folder.rglob("*")) == before
    found = [str(problem) for problem in caught.value.problems]
    for message in found:
        what, _, remedy = message.partition("; expected ")
        assert what
        assert ". " in remedy, message
    return found
