"""Coordinates without bounds for all free numbers of a group: logarithm or logit where a prior ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.targets.parts import Slot, SlotPrior

FloatArray = NDArray[np.float64]
Groups = int | NDArray[np.int64]

# Nearest distance to a bound, as a part of the range or in units of the parameter.
_NEAREST = 1e-300


@dataclass(frozen=True)
class Coordinates:
    """Free numbers of the groups of a target: moving slots of each member, shared ones once.

    Attributes
    ----------
    member, slot : array (d,)
        Where each number is in a state (D, P).
    low, high : array (G, d)
        Bounds of its prior, which may be infinite.
    shared : array (P,)
        Slots that are equal in all members.
    """

    member: NDArray[np.int64]
    slot: NDArray[np.int64]
    low: FloatArray
    high: FloatArray
    shared: NDArray[np.int64]

    @property
    def dimensions(self) -> int:
        """How many free numbers there are."""
        return len(self.slot)

    def free(self, groups: Groups, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coordinates of states, and the logarithm of the volume in states of a unit volume in coordinates.

        Parameters
        ----------
        groups : int or array (B,)
            Group of all states, or of those in each place of the first axis.
        theta : array (n, D, P) or (B, n, D, P)

        Returns
        -------
        x : array (n, d) or (B, n, d)
        log_volume : array (n,) or (B, n)
        """
        value = np.ascontiguousarray(theta[..., self.member, self.slot])
        low, high, bounded_below, bounded_above = self._bounds(groups)
        above = np.log(np.maximum(np.where(bounded_below, value - low, 1.0), _NEAREST))
        below = np.log(np.maximum(np.where(bounded_above, high - value, 1.0), _NEAREST))
        x = np.where(bounded_below | bounded_above, above - below, value)
        width = _log_width(low, high, bounded_below & bounded_above)
        return x, (above + below - width).sum(-1)

    def states(self, groups: Groups, x: FloatArray, like: FloatArray) -> FloatArray:
        """States (n, D, P) with coordinates x (n, d), and slots that do not move as in a state (D, P).

        With an array of groups (B,): states (B, n, D, P) with coordinates (B, n, d), as in states (B, D, P).
        """
        low, high, bounded_below, bounded_above = self._bounds(groups)
        both = bounded_below & bounded_above
        with np.errstate(over="ignore"):  # infinite numbers are refused by their density
            part = 1.0 / (1.0 + np.exp(-x))
            value = np.where(bounded_below, low + np.exp(x), np.where(bounded_above, high - np.exp(-x), x))
        value = np.where(both, low + np.where(both, high - low, 1.0) * part, value)
        theta = np.repeat(like[..., None, :, :], x.shape[-2], axis=-3)
        theta[..., self.member, self.slot] = value
        theta[..., self.shared] = theta[..., :1, self.shared]
        return theta

    def _bounds(self, groups: Groups) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], NDArray[np.bool_]]:
        """Bounds (1, d) or (B, 1, d) with 0 for infinite ones, and which are finite."""
        low, high = self.low[groups][..., None, :], self.high[groups][..., None, :]
        below, above = np.isfinite(low), np.isfinite(high)
        return np.where(below, low, 0.0), np.where(above, high, 0.0), below, above


def coordinates_of(
    slots: Sequence[Slot], priors: Sequence[SlotPrior], moving: Sequence[int], groups: int, members: int
) -> Coordinates:
    """Coordinates of all groups of a target with some moving slots."""
    shared = np.array([slot.shared for slot in slots], dtype=bool)
    places = [(d, j) for d in range(members) for j in moving if d == 0 or not shared[j]]
    ends = {j: _ends(priors[j], groups, members) for j in moving}
    low, high = (np.array([ends[j][e][:, d] for d, j in places]).reshape(-1, groups).T for e in range(2))
    member, slot = np.array(places, dtype=np.int64).reshape(-1, 2).T
    return Coordinates(member, slot, low, high, np.flatnonzero(shared))


def _ends(prior: SlotPrior, groups: int, members: int) -> list[FloatArray]:
    """Lower and upper end of the support of a slot's prior, (G, D) each."""
    ends = prior.family.support(**prior.values)
    whole = [torch.broadcast_to(end.double(), (groups, members, 1, 1))[:, :, 0, 0] for end in ends]
    return [np.array(end.cpu().numpy(), dtype=np.float64) for end in whole]


def _log_width(low: FloatArray, high: FloatArray, both: NDArray[np.bool_]) -> FloatArray:
    """Logarithm of the range of a prior with two bounds; 0 with one or none."""
    return np.where(both, np.log(np.where(both, high - low, 1.0)), 0.0)
