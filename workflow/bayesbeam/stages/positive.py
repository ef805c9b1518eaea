"""Whether a curve can be above zero wherever counts were measured, as Poisson noise needs.

Refuses a candidate on a measurement by name, the point and the parts; what only some of the prior excludes is left to
the sampler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.errors import ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]

# Draws of the prior, as many at a time, and numbers in memory at a time.
DRAWS, AT_ONCE, MOST_NUMBERS = 2000, 32, 4_000_000
# Share of a curve's greatest value that is as good as none: the far tail of a peak.
NOTHING = 1e-12
# By how much a peak may be wider than the widest that was drawn.
SPARE = 1.5


def check_positive(target: SumTarget, members: Sequence[Sequence[Measurement]]) -> None:
    """Refuse candidates under which counts were measured where none can be.

    Parameters
    ----------
    target : SumTarget
        Of all groups; with noise other than counts nothing is checked.
    members : nested sequence of Measurement, [G][D]

    Raises
    ------
    ModelError
        If at some point with counts the curve is at or below zero in all of the prior, or if its parts vanish away
        from their places and are too few to reach all points with counts.
    """
    if not target.noise.counts:
        return
    for g, group in enumerate(members):
        one = replace(target.select(torch.tensor([g], device=target.x.device)), dtype=torch.float64)
        for d, m in enumerate(group):
            counted = np.flatnonzero(m.y > 0)
            if counted.size:
                _check(one, d, m, counted)


def _check(target: SumTarget, d: int, m: Measurement, counted: NDArray[np.int64]) -> None:
    """Refuse one measurement."""
    generator = torch.Generator().manual_seed(1)
    greatest, reach = np.full(m.x.size, -np.inf), np.zeros(len(target.shown))
    each = max(1, min(AT_ONCE, MOST_NUMBERS // max(1, m.x.size * len(target.shown))))
    for _ in range(0, DRAWS, each):
        curves = _draw(target, d, m.x.size, each, generator)
        greatest = np.fmax(greatest, curves.sum(0).max(0))
        reach = np.fmax(reach, _reach(curves, m.x))
        if (greatest[counted] > 0).all() and _windows(m.x[counted], SPARE * reach.max()) <= (reach > 0).sum():
            return
    place = counted[int(np.argmin(greatest[counted]))]
    above = [one for one, length in zip(target.shown, reach, strict=True) if length > 0]
    nowhere = greatest[place] <= 0
    names = ", ".join(
        dict.fromkeys(f"{one.part} ({one.component.name})" for one in (target.shown if nowhere else above))
    )
    where, expected = f"measurement {m.id}: {names}", "a curve above 0 wherever there are counts, for Poisson noise"
    if nowhere:
        found = f"a curve of {greatest[place]:.3g} at most, at {m.x[place]:.6g} {m.x_unit}".rstrip()
        remedy = "Correct the priors of what is negative there, or add a positive background, such as constant."
        raise ModelError.at(where, f"{found}, where {m.y[place]:g} counts were measured", expected, remedy)
    many = f"the {len(above)} of them vanish" if len(above) > 1 else "it vanishes"
    found = f"{many} {0.5 * reach.max():.3g} {m.x_unit} from the middle".replace("  ", " ")
    found += f" at most, and counts were measured from {m.x[counted[0]]:.6g} to {m.x[counted[-1]]:.6g}"
    raise ModelError.at(where, found, expected, "Add a strictly positive background, such as constant.")


def _draw(target: SumTarget, d: int, points: int, count: int, generator: torch.Generator) -> FloatArray:
    """Curves of all instances of one member of the only group, (I, n, N), for draws of the prior."""
    shape = (len(target.slots), 1, target.members, count, 1)
    u = torch.rand(shape, generator=generator, dtype=torch.float64).clamp(min=1e-9)
    curves = target.curves(target.from_uniform(u.to(target.x.device)))[:, 0, d, :, 0, :points]
    found: FloatArray = curves.double().cpu().numpy()
    return found


def _reach(curves: FloatArray, x: FloatArray) -> FloatArray:
    """Longest stretch of the axis, (I,), on which each instance is more than nothing."""
    there = curves > NOTHING * np.abs(curves.sum(0)).max(-1)[:, None]
    low = np.where(there, x, np.inf).min(-1)
    high = np.where(there, x, -np.inf).max(-1)
    found: FloatArray = np.where(there.any(-1), high - low, 0.0).max(-1)
    return found


def _windows(x: FloatArray, length: float) -> int:
    """Fewest stretches of a length that hold all places, which ascend."""
    count, end = 0, -np.inf
    for place in np.sort(x):
        if place > end:
            count, end = count + 1, place + length
    return count
