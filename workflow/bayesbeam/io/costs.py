"""What results took, in a file beside each: seconds and memory differ from run to run, and results shall not.

Decides which facts are costs and where they lie. A file of costs that is missing, damaged or of other results only
means that the costs are not known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMES = frozenset({"cpu_seconds", "wall_seconds", "seconds", "peak_memory_mb", "predicted_memory_mb"})
_PLAIN = (float, int, str, bool, type(None))
Costs = dict[str, Any]


def costs_path(path: Path) -> Path:
    """Return where the costs of a results file lie."""
    return path.with_name(f"{path.name}.costs")


def divided(value: Any, here: str = "") -> tuple[Any, Costs]:
    """Return a value that JSON can hold without its costs, and the costs by their places in it.

    Places are words and numbers joined by slashes, as in JSON pointers (RFC 6901); names of facts have no slash.
    """
    if type(value) in _PLAIN:  # nearly all of what there is: numbers and words
        return value, {}
    if isinstance(value, Mapping):
        if value.keys().isdisjoint(NAMES) and all(type(one) in _PLAIN for one in value.values()):
            return dict(value), {}
        kept, costs = {}, {f"{here}/{key}": one for key, one in value.items() if key in NAMES}
        for key, one in value.items():
            if key not in NAMES:
                kept[key], inner = divided(one, f"{here}/{key}")
                costs |= inner
        return kept, costs
    if isinstance(value, list | tuple):
        if all(type(one) in _PLAIN for one in value):
            return list(value), {}
        found = [divided(one, f"{here}/{index}") for index, one in enumerate(value)]
        return [one for one, _ in found], {place: cost for _, inner in found for place, cost in inner.items()}
    return value, {}


def merged(value: Any, costs: Mapping[str, Any]) -> Any:
    """Put costs back into a value that ``divided`` has returned; places that it does not have are passed over."""
    for place, cost in costs.items():
        *way, name = place.split("/")[1:]
        inside = value
        try:
            for word in way:
                inside = inside[int(word) if isinstance(inside, list) else word]
            inside[name] = cost
        except (KeyError, IndexError, ValueError, TypeError):
            continue
    return value


def read_costs(path: Path) -> dict[str, Any]:
    """Return what the file of costs of a results file holds; nothing where there is none of use."""
    try:
        found = json.loads(costs_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
