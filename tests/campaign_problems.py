"""A campaign written to a folder and loaded, and what is said of its mistakes; for tests of what users get wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bayesbeam.config import load_campaign
from bayesbeam.errors import ConfigErrors


def write_campaign(folder: Path, campaign: str, sheet: str | None) -> None:
    """Write a campaign file and its sheet, if it has one."""
    (folder / "campaign.yaml").write_text(campaign, encoding="utf-8")
    if sheet is not None:
        (folder / "measurements.tsv").write_text(sheet, encoding="utf-8")


def problems_of(folder: Path, campaign: str, sheet: str | None) -> list[str]:
    """Messages of a campaign, each of which says what was expected; empty where it loads."""
    write_campaign(folder, campaign, sheet)
    try:
        load_campaign(folder)
    except ConfigErrors as error:
        found = [str(problem) for problem in error.problems]
        complete = all("; expected " in message for message in found)
        assert complete, found
        return found
    return []


def assert_said(found: Sequence[str], place: str, words: Sequence[str]) -> list[str]:
    """Return the messages of a place, which hold all of the words between them."""
    said = [message for message in found if f": {place}: " in message]
    assert said, found
    assert all(any(word in message for message in said) for word in words), said
    return said
