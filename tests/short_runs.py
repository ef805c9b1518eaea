"""Populations, tuning and checks of a few sweeps, for tests that ask nothing of the numbers themselves."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from bayesbeam.sampling import ladders, populations

SMALL: dict[ModuleType, dict[str, int]] = {
    populations: {"ANCESTORS": 8, "BLOCKS": 2, "BLOCK": 2, "SWEEPS": 4, "PRIOR_DRAWS": 32, "LAST_BLOCKS": 2},
    ladders: {"TUNING": 8, "LONGEST_TUNING": 16, "FIRST_CHECK": 10, "FIT_AGAIN": 10, "LATER": 2, "SILENCE": 0},
}


def shorten(put: Callable[[ModuleType, str, Any], None] = setattr) -> None:
    """Make runs short; ``put`` may be ``monkeypatch.setattr``, which brings the long ones back."""
    for module, values in SMALL.items():
        for name, value in values.items():
            assert hasattr(module, name), f"{module.__name__} has no {name} any more"
            put(module, name, value)
