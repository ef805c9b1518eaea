"""Modes of posteriors beside their means: where exactly the density is highest, and how narrow it is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.targets.mode import find_mode
from bayesbeam.targets.quantities import Asked, Quantity, tabulate
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]


def mode_columns(
    target: SumTarget, draws: FloatArray, quantities: Sequence[Quantity], asked: Sequence[Asked]
) -> list[dict[str, Any]]:
    """Mode of every quantity, and standard deviations of those that are sampled; nothing where there is no mode.

    Parameters
    ----------
    target : SumTarget
        Of one group.
    draws : array (n, D, P)
        Relabelled draws; the search begins from the best of them.
    quantities : sequence of Quantity
        As :func:`tabulate` gives them.

    Returns
    -------
    list of dict, one a quantity
        ``mode``, ``laplace_sd``, ``information_sd``, see :class:`bayesbeam.targets.mode.Mode`; all nan where the
        density rises up to the end of a prior, the model cannot be differentiated, or nothing moves.
    """
    nothing = {"mode": math.nan, "laplace_sd": math.nan, "information_sd": math.nan}
    if not target.moving:
        return [dict(nothing) for _ in quantities]
    try:
        found = find_mode(target, draws)
    except RuntimeError:  # torch cannot differentiate a formula that leaves it
        return [dict(nothing) for _ in quantities]
    if not found.converged:
        return [dict(nothing) for _ in quantities]
    values = tabulate(target, found.theta[None], asked)[1][0]
    sds = {
        (slot.name, slot.index, None if slot.shared else d): (found.laplace_sd[d, j], found.information_sd[d, j])
        for j, slot in enumerate(target.slots)
        for d in range(target.members)
    }
    columns = []
    for quantity, value in zip(quantities, values, strict=True):
        name = quantity.name, quantity.index, quantity.member
        laplace, information = sds.get(name, (math.nan, math.nan)) if quantity.kind != "derived" else (math.nan,) * 2
        columns.append({"mode": float(value), "laplace_sd": float(laplace), "information_sd": float(information)})
    return columns
