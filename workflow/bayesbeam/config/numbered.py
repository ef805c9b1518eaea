"""Numbered names in a campaign: ``c01..c60`` stands for sixty of them."""

from __future__ import annotations

import re

from bayesbeam.config.fields import refuse

MOST_NUMBERED = 1000


def numbered(text: str) -> list[str]:
    """Return the names that ``c01..c60`` stands for, or a name as it is.

    Parameters
    ----------
    text : str
        What the file holds.
    """
    match = re.fullmatch(r"\s*([A-Za-z_]\w*?)(\d+)\s*\.\.\s*([A-Za-z_]\w*?)?(\d+)\s*", text)
    if match is None:
        return [text]
    stem, low, other, high = match.groups()
    if other not in (None, stem) or int(low) > int(high) or int(high) - int(low) >= MOST_NUMBERED:
        refuse(repr(text), "a range of numbered names, the smaller number first", "Write e.g. c01..c60.")
    return [f"{stem}{value:0{len(low)}d}" for value in range(int(low), int(high) + 1)]
