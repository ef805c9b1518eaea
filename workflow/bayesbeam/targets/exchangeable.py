"""Relabelling of exchangeable components: the posterior is symmetric, summaries are made after putting it in order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayesbeam.targets.base import Target

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
    for part in dict.fromkeys(term.part for term in target.terms):
        terms = [term for term in target.terms if term.part == part]
        component = terms[0].component
        if len(terms) < 2 or component.order_by is None:
            continue
        names = [parameter.name for parameter in component.parameters]
        places = [term.start + names.index(component.order_by) for term in terms]
        order = np.argsort(theta[..., places].mean(axis=-2), axis=-1, kind="stable")
        width = len(names)
        blocks = np.stack([theta[..., term.start : term.start + width] for term in terms], axis=-2)
        index = np.broadcast_to(order[..., None, :, None], blocks.shape)
        ordered = np.take_along_axis(blocks, index, axis=-2)
        for k, term in enumerate(terms):
            out[..., term.start : term.start + width] = ordered[..., k, :]
    return out
