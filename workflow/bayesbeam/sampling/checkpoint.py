"""What a sampler and whoever keeps its checkpoints say to each other; no files here.

A sampler asks between blocks of sweeps whether a save is due, and whether it should stop. What is saved must bring it
back to the same block with the same bits; how it is laid out is the sampler's own business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Interrupted(Exception):
    """The sampler has stopped as it was asked to, after a save; the same call later goes on from there."""


@dataclass(frozen=True, eq=False)
class Saved:
    """State of a run: arrays by name, and facts that JSON can hold."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


class Keeper(Protocol):
    """Keeps the state of one run."""

    def load(self) -> Saved | None:
        """Return the state that was saved last, bit for bit; None if there is none to go on from."""

    def due(self) -> bool:
        """Whether it is time to save again."""

    def save(self, saved: Saved) -> None:
        """Keep a state in place of the one before; returns when it cannot be lost any more."""

    def stop_asked(self) -> bool:
        """Whether the run should save its state and raise :class:`Interrupted`."""


class NoKeeper:
    """Keeps nothing: for runs that are short or are not worth going on with."""

    def load(self) -> Saved | None:
        """Return None."""
        return None

    def due(self) -> bool:
        """Return False."""
        return False

    def save(self, saved: Saved) -> None:
        """Do nothing."""

    def stop_asked(self) -> bool:
        """Return False."""
        return False


class MemoryKeeper:
    """Keeps copies in memory and can ask to stop after so many saves: for tests of what a sampler saves.

    Parameters
    ----------
    stop_after : int or None
        Number of saves after which it asks to stop; None never asks.
    """

    def __init__(self, stop_after: int | None = None) -> None:
        self.saves = 0
        self.last: Saved | None = None
        self._stop_after = stop_after

    def load(self) -> Saved | None:
        """Return the state that was saved last."""
        return self.last

    def due(self) -> bool:
        """Return True: every block may be the one after which a run is stopped."""
        return True

    def save(self, saved: Saved) -> None:
        """Keep a copy."""
        self.saves += 1
        self.last = Saved({name: np.array(values) for name, values in saved.arrays.items()}, dict(saved.facts))

    def stop_asked(self) -> bool:
        """Whether so many saves have been made."""
        return self._stop_after is not None and self.saves >= self._stop_after
