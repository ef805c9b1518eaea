"""Chemical formulas: numbers of atoms by element, and whether the content of a cell is a multiple of one."""

from __future__ import annotations

import re
from collections.abc import Mapping

HYDROGEN = "H"  # often left out of structures
SAME = 0.05  # relative: what vacancies and rounded occupancies take
_PART = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d*)?|\.\d+)?", re.ASCII)


def formula_of(text: str) -> dict[str, float]:
    """Number of atoms by element of ``Ba2 Cu3 O6.9 Y``, deuterium as hydrogen; empty where it cannot be read."""
    joined = re.sub(r"[\s,'\"]", "", text)
    if not joined or re.fullmatch(rf"(?:{_PART.pattern})+", joined) is None:
        return {}
    numbers: dict[str, float] = {}
    for element, number in _PART.findall(joined):
        symbol = "H" if element == "D" else element
        numbers[symbol] = numbers.get(symbol, 0.0) + (float(number) if number else 1.0)
    return {element: number for element, number in numbers.items() if number > 0.0}


def written(content: Mapping[str, float]) -> str:
    """Content of a cell in words: ``B8 N4``."""
    return " ".join(f"{element}{number:.4g}" for element, number in sorted(content.items()))


def reduced(content: Mapping[str, float]) -> dict[str, float]:
    """Shares of the elements without hydrogen, which sum to one."""
    kept = {element: number for element, number in content.items() if element != HYDROGEN and number > 0.0}
    total = sum(kept.values())
    return {element: number / total for element, number in kept.items()} if total else {}


def agree(first: Mapping[str, float], second: Mapping[str, float], tolerance: float = SAME) -> bool:
    """Whether two contents are multiples of each other, hydrogen left out, to a relative ``tolerance``."""
    shares, others = reduced(first), reduced(second)
    if shares.keys() != others.keys():
        return False
    return all(abs(shares[element] - others[element]) <= tolerance * others[element] for element in shares)
