"""How the peaks of a candidate got their numbers, in words, and which of them cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bayesbeam.report.text import listed

MOST_PAIRS = 4


def numbering_notes(numbering: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences, one a part, of what a reader must know of the numbers of its peaks; none where they are in order."""
    return [words for one in numbering if (words := " ".join(_said(one)))]


def doubts(numbering: Sequence[Mapping[str, Any]]) -> list[str]:
    """Remarks on peaks that cannot be told apart, one a part that has any."""
    return [_pairs(one) for one in numbering if one.get("doubtful")]


def _said(one: Mapping[str, Any]) -> Iterator[str]:
    """What is said of one part."""
    if one.get("by") == "assignment":
        yield (
            f"{one.get('part')}: their positions cross, so every draw is assigned to the peaks that it resembles most; "
            "numbers follow the mean position."
        )
    if one.get("doubtful"):
        words = _pairs(one)
        yield f"{words[:1].upper()}{words[1:]}: what is said of each alone holds for a label, not a peak."


def _pairs(one: Mapping[str, Any]) -> str:
    """Peaks of a part that cannot be told apart, the most alike first."""
    pairs = sorted(one["doubtful"], key=lambda pair: -float(pair["overlap"]))
    words = [
        f"{pair['first']} and {pair['second']} (overlap {100 * float(pair['overlap']):.0f} %)"
        for pair in pairs[:MOST_PAIRS]
    ]
    rest = len(pairs) - MOST_PAIRS
    more = f" and {rest} more pair{'' if rest == 1 else 's'}" if rest > 0 else ""
    return f"{one.get('part')} {listed(words)}{more} cannot be told apart"
