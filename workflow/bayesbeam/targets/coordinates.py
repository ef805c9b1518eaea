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

    def values(self, groups: Groups, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Free numbers (..., d, n) with coordinates in columns (..., d, n), and volumes (..., n) as of :meth:`free`.

        With an array of groups (B,), that is the first axis. Numbers too large are infinite.
        """
        value, log_volume = columns.copy(), np.zeros((*columns.shape[:-2], columns.shape[-1]))
        low, high = self.low[groups], self.high[groups]
        below, above = np.isfinite(low), np.isfinite(high)
        whole = (*low.shape[:-1], *[1] * (columns.ndim - low.ndim - 1), -1, 1)
        for kind, change in ((below & ~above, _above), (above & ~below, _beneath), (below & above, _between)):
            places = np.flatnonzero(kind.reshape(-1, kind.shape[-1]).any(0))
            if len(places):
                own, ends = kind[..., places].reshape(whole), [end[..., places].reshape(whole) for end in (low, high)]
                changed, part = change(columns[..., places, :], *(np.where(own, end, 0.0) for end in ends))
                value[..., places, :] = np.where(own, changed, value[..., places, :])
                log_volume += np.where(own, part, 0.0).sum(-2)
        return value, log_volume

    def placed(self, value: FloatArray, like: FloatArray) -> FloatArray:
        """States (..., n, D, P) with some free numbers (..., d, n), the other slots as in states (..., D, P)."""
        shape = (*value.shape[:-2], value.shape[-1], *like.shape[-2:])
        theta = np.broadcast_to(like[..., None, :, :], shape).copy()
        for k, (member, slot) in enumerate(zip(self.member, self.slot, strict=True)):
            theta[..., member, slot] = value[..., k, :]
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


def _above(x: FloatArray, low: FloatArray, _: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Numbers above a bound, and the logarithm of their volume."""
    with np.errstate(over="ignore"):
        return low + np.exp(x), x


def _beneath(x: FloatArray, _: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Numbers below a bound, and the logarithm of their volume."""
    with np.errstate(over="ignore"):
        return high - np.exp(-x), -x


def _between(x: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Numbers between two bounds, and the logarithm of their volume."""
    width, away = high - low, np.exp(-np.abs(x))
    with np.errstate(over="ignore", divide="ignore"):  # no width where a group has other bounds
        value = low + width * (1.0 / (1.0 + np.exp(-x)))
        return value, np.log(width) - np.abs(x) - 2.0 * np.log1p(away)


def _log_width(low: FloatArray, high: FloatArray, both: NDArray[np.bool_]) -> FloatArray:
    """Logarithm of the range of a prior with two bounds; 0 with one or none."""
    return np.where(both, np.log(np.where(both, high - low, 1.0)), 0.0)
