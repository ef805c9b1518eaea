"""Relabelling of exchangeable components: the posterior is symmetric, summaries are made after putting it in order."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bayesbeam.targets.base import Target
from bayesbeam.targets.parts import Term

FloatArray = NDArray[np.float64]


def relabel(target: Target, theta: FloatArray) -> FloatArray:
    """Draws with the instances of each exchangeable part in order.

    Parameters
    ----------
    target : Target
    theta : array (..., D, P)
        Draws of all members of one group.

    Returns
    -------
    array (..., D, P)
        Instances sorted by the parameter that the component names in ``order_by`` (the position of a peak), averaged
        over members, for a relabelling must be one and the same in all members that share parameters.
    """
    out = np.array(theta, dtype=np.float64)
    given = np.ascontiguousarray(theta, dtype=np.float64)
    state = np.arange(0, given.size, given.shape[-1]).reshape(given.shape[:-1])
    for terms in _ordered_parts(target):
        width = len(terms[0].component.parameters)
        order = np.argsort(_positions(given, terms), axis=-1, kind="stable")
        starts = np.array([term.start for term in terms])
        # The first number of each block in its new order, one order for all members.
        first = state[..., None] + starts[order][..., None, :]
        for j in range(width):
            moved = given.reshape(-1).take(first + j)
            for k, start in enumerate(starts):
                out[..., start + j] = moved[..., k]
    return out


def out_of_order(target: Target, theta: FloatArray) -> NDArray[np.bool_]:
    """Whether :func:`relabel` would put states (..., D, P) into another order, (...)."""
    found = np.zeros(theta.shape[:-2], dtype=bool)
    for terms in _ordered_parts(target):
        place = _positions(theta, terms)
        found |= (place[..., 1:] < place[..., :-1]).any(-1)
    return found


def log_orders(target: Target) -> float:
    """Logarithm of the number of orders of instances among which :func:`relabel` chooses one."""
    parts = [terms for terms in _ordered_parts(target) if _order_slot(terms[0]) in target.moving]
    return sum(math.lgamma(len(terms) + 1) for terms in parts)


def _ordered_parts(target: Target) -> Iterator[list[Term]]:
    """Terms of each part with several instances and a parameter to order them by."""
    for part in dict.fromkeys(term.part for term in target.terms):
        terms = [term for term in target.terms if term.part == part]
        if len(terms) > 1 and terms[0].component.order_by is not None:
            yield terms


def _positions(theta: FloatArray, terms: list[Term]) -> FloatArray:
    """What orders the instances (..., k) in states (..., D, P): its mean over members."""
    places = np.stack([theta[..., _order_slot(term)] for term in terms], -1)
    found: FloatArray = places[..., 0, :] if theta.shape[-2] == 1 else places.mean(axis=-2)
    return found


def _order_slot(term: Term) -> int:
    """Slot of the parameter that orders the instances."""
    names = [parameter.name for parameter in term.component.parameters]
    return term.start + names.index(str(term.component.order_by))
