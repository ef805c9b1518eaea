"""Relabelling of exchangeable components: the posterior is symmetric, summaries are made after putting it in order."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bayesbeam.targets.base import Target
from bayesbeam.targets.parts import Instance

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


def relabel(target: Target, theta: FloatArray, but: frozenset[str] = frozenset()) -> FloatArray:
    """Draws with the instances of each exchangeable part in order.

    Parameters
    ----------
    target : Target
    theta : array (..., D, P)
        Draws of all members of one group.
    but : frozenset of str
        Parts whose instances are left as they are.

    Returns
    -------
    array (..., D, P)
        Instances sorted by the parameter that the component names in ``order_by`` (the position of a peak), averaged
        over members, for a relabelling must be one and the same in all members that share parameters.
    """
    out, given = _copies(theta)
    for instances in ordered_parts(target):
        if instances[0].part in but:
            continue
        _move(given, out, instances, np.argsort(positions(given, instances), axis=-1, kind="stable"))
    return out


def rearrange(theta: FloatArray, instances: list[Instance], order: IntArray) -> FloatArray:
    """States (..., D, P) with the instances of one part in another order (..., k), one for all members."""
    out, given = _copies(theta)
    _move(given, out, instances, order)
    return out


def _copies(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """States to be changed, and the same as they are, without gaps."""
    return np.array(theta, dtype=np.float64), np.ascontiguousarray(theta, dtype=np.float64)


def _move(given: FloatArray, out: FloatArray, instances: list[Instance], order: IntArray) -> None:
    """Put the instances of one part in another order (..., k)."""
    state = np.arange(0, given.size, given.shape[-1]).reshape(given.shape[:-1])
    slots = np.array([one.slots for one in instances])
    # The first number of each block in its new order, one order for all members.
    first = state[..., None] + slots[order, 0][..., None, :]
    for j in range(slots.shape[1]):
        moved = given.reshape(-1).take(first + (slots[0, j] - slots[0, 0]))
        for k, slot in enumerate(slots[:, j]):
            out[..., slot] = moved[..., k]


def out_of_order(target: Target, theta: FloatArray) -> NDArray[np.bool_]:
    """Whether :func:`relabel` would put states (..., D, P) into another order, (...)."""
    found = np.zeros(theta.shape[:-2], dtype=bool)
    for instances in ordered_parts(target):
        place = positions(theta, instances)
        found |= (place[..., 1:] < place[..., :-1]).any(-1)
    return found


def log_orders(target: Target) -> float:
    """Logarithm of the number of orders of instances among which :func:`relabel` chooses one."""
    parts = [found for found in ordered_parts(target) if found[0].order_slot in target.moving]
    return sum(math.lgamma(len(found) + 1) for found in parts)


def ordered_parts(target: Target) -> Iterator[list[Instance]]:
    """Instances of each part that has several and a parameter to order them by; their slots are laid out alike."""
    for part in dict.fromkeys(one.part for one in target.instances):
        found = [one for one in target.instances if one.part == part]
        if len(found) > 1 and found[0].order_slot is not None:
            yield found


def positions(theta: FloatArray, instances: list[Instance]) -> FloatArray:
    """What orders the instances (..., k) in states (..., D, P): its mean over members."""
    places = np.stack([theta[..., one.order_slot] for one in instances], -1)
    found: FloatArray = places[..., 0, :] if theta.shape[-2] == 1 else places.mean(axis=-2)
    return found
