"""Where to measure next: what posterior draws of all candidates predict at points that were not measured.

Decides the possible points and their noise; ``bayesbeam.adaptive`` decides between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.adaptive import expected_gains, next_points
from bayesbeam.config.schema import NextPoints
from bayesbeam.config.specs import CandidateSpec
from bayesbeam.errors import BayesbeamError, DataError
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.report.curves import Column, Draws
from bayesbeam.report.followed import values_of
from bayesbeam.stages.build import base_deviation, build_target
from bayesbeam.stages.summary import asked_of, column_of
from bayesbeam.targets.quantities import tabulate
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]
# Candidates of less are passed over, for the work that they are.
NEGLIGIBLE = 1e-4
# Draws of all candidates together, at most about, that memory stays small, and of each at least.
MOST_DRAWS, LEAST_DRAWS = 2400, 50
# Noise at least so large as a share of what the curves differ by at most: counts may be expected to be none at all.
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Model:
    """One candidate on a measurement: its probability and relabelled draws (n, 1, P)."""

    spec: CandidateSpec
    probability: float
    states: FloatArray


@dataclass(frozen=True, eq=False)
class _Predicted:
    """Draws of one candidate at the possible points: curves and sd of the noise (n, N), and of what is wanted (n,)."""

    probability: float
    curves: FloatArray
    noise: FloatArray
    about: FloatArray | None
    unit: str


def advise(asked: NextPoints, m: Measurement, models: Sequence[Model]) -> tuple[dict[str, Any], Record | None]:
    """Where a measurement should be continued, and what that is expected to tell, beside as many points evenly spread.

    Parameters
    ----------
    models : sequence of Model
        Of all candidates that were sampled.

    Returns
    -------
    dict and Record
        For JSON: ``points`` in the order of measurement, each with ``information`` (nats, with those before it) and,
        where one quantity is wanted, its expected ``sd_after``; ``even``, the same of evenly spread points; ``reason``
        where there is no advice. Arrays by possible point: ``x``, ``mean``, ``spread``, ``noise``, ``gain``.
    """
    head = {"measurement": m.id, "about": asked.about, "criterion": asked.criterion}
    try:
        chosen = [one for one in models if one.probability >= NEGLIGIBLE]
        most = max(LEAST_DRAWS, MOST_DRAWS // max(len(chosen), 1))
        thinned = [replace(one, states=one.states[:: -(-len(one.states) // most)]) for one in chosen]
        return _advised(asked, m, thinned, head)
    except BayesbeamError as problem:
        return {**head, "points": [], "reason": str(problem)}, None


def _advised(
    asked: NextPoints, m: Measurement, models: Sequence[Model], head: dict[str, Any]
) -> tuple[dict[str, Any], Record]:
    """Advice, or an error that says why there is none."""
    low, high = (float(m.x[0]), float(m.x[-1])) if asked.range is None else asked.range
    x = np.linspace(low, high, asked.possible)
    found = [_predicted(asked, m, one, x) for one in models]
    found = [one for one in found if not asked.about or one.about is not None]
    if not found:
        expected = "one candidate of some probability that has it"
        raise DataError.at(f"measurement {m.id}: {asked.about}", "in no candidate that is in the running", expected)
    if asked.about and len({one.unit for one in found}) > 1:
        units = " and ".join(sorted({one.unit or "1" for one in found}))
        remedy = "Ask for a quantity that is the same in all, a position say."
        raise DataError.at(f"measurement {m.id}: {asked.about}", f"in {units}", "one unit in all candidates", remedy)
    odds = np.array([one.probability for one in found])
    weights = np.concatenate([np.full(len(one.curves), one.probability / len(one.curves)) for one in found])
    weights /= weights.sum()
    curves, noise = (np.concatenate([getattr(one, name) for one in found]) for name in ("curves", "noise"))
    sd = np.sqrt(weights @ np.square(noise))
    mean = weights @ curves
    spread = np.sqrt(weights @ np.square(curves - mean))
    sd = np.maximum(sd, max(_LEAST * max(float(sd.max()), float(spread.max())), 1e-300))
    about = [one.about for one in found if one.about is not None] if asked.about else None
    rows, kind = [one.curves for one in found], {"probabilities": odds, "about": about, "criterion": asked.criterion}
    advice = next_points(x, rows, sd, number=asked.number, **kind)  # type: ignore[arg-type]
    places = even_places(asked.number, asked.possible)
    even = expected_gains(rows, sd, places, **kind)  # type: ignore[arg-type]
    before = None if about is None else _deviation(weights, np.concatenate(about))
    points = [
        {"x": float(x[k]), "curve_sd": float(spread[k]), "noise_sd": float(sd[k]), **so_far}
        for k, so_far in zip(advice.places, _so_far(advice.told, before), strict=True)
    ]
    content = {
        **head, "unit": found[0].unit, "sd_before": before, "candidates": len(found), "share": float(odds.sum()),
        "points": points, "even": _so_far(even, before)[-1], "reason": "",
    }  # fmt: skip
    arrays = {"x": x, "mean": mean, "spread": spread, "noise": sd, "gain": advice.gain}
    return content, Record(arrays, {"possible": len(x)})


def even_places(number: int, possible: int) -> list[int]:
    """Places of evenly spread points: in the middle of as many equal stretches."""
    return [round((k + 0.5) / number * (possible - 1)) for k in range(number)]


def _so_far(told: FloatArray, before: float | None) -> list[dict[str, float]]:
    """Information after each of some measurements, and what is then expected to be left of a standard deviation."""
    totals = [float(total) for total in np.cumsum(told)]
    if before is None:
        return [{"information": total} for total in totals]
    return [{"information": total, "sd_after": float(before * np.exp(-total))} for total in totals]


def _deviation(weights: FloatArray, values: FloatArray) -> float:
    """Standard deviation of weighted draws."""
    return float(np.sqrt(weights @ np.square(values - weights @ values)))


def _predicted(asked: NextPoints, m: Measurement, model: Model, x: FloatArray) -> _Predicted:
    """Draws of one candidate at the possible points."""
    for part in model.spec.parts:
        if part.column:
            found = f"{part.name}, a column of the data, whose values elsewhere nobody knows"
            expected = "a candidate computed from x"
            raise DataError.at(f"measurement {m.id}: next_points", found, expected, "Leave report.next_points out.")
    target = build_target(model.spec, [[m]], precision="float64")
    states = torch.from_numpy(np.ascontiguousarray(model.states.transpose(1, 0, 2)))[None, :, :, None, :]
    grid, places = x, np.arange(len(x))
    if any(part.acts_on for part in model.spec.parts):
        # What is computed from the curve of other parts needs all of it, from the first measured point to the last.
        if x[0] < m.x[0] or x[-1] > m.x[-1]:
            raise DataError.at(
                f"measurement {m.id}: next_points", f"possible points from {x[0]:g} to {x[-1]:g}",
                f"points from {m.x[0]:g} to {m.x[-1]:g}, for what is computed from the curve of other parts",
                "Leave range out, or narrow it.",
            )  # fmt: skip
        grid = np.unique(np.concatenate([x, m.x]))
        places = np.searchsorted(grid, x)
    curves = _on_axis(target, grid).curves(states).sum(0)[0, 0, :, 0][:, places].double()
    base = torch.from_numpy(np.interp(x, m.x, base_deviation(model.spec, m)))
    noise = target.noise.width(curves, base, states[0, 0, :, 0, target.noise_start :]).expand_as(curves)
    curves = target.noise.expected(curves, base)
    about = _about(asked.about, model, target, m) if asked.about else None
    return _Predicted(model.probability, curves.numpy(), noise.double().numpy(), *(about or (None, "")))


def _on_axis(target: SumTarget, x: FloatArray) -> SumTarget:
    """The same sum on another axis, for its curves; its data stay those of the old one."""
    axis = torch.from_numpy(x)[None, None, None, None]
    return replace(target, x=axis, origin=0.5 * (axis.amin(-1, keepdim=True) + axis.amax(-1, keepdim=True)))


def _about(quantity: str, model: Model, target: SumTarget, m: Measurement) -> tuple[FloatArray, str] | None:
    """Draws of the quantity that is wanted and its unit, None where a candidate lacks it."""
    quantities, values = tabulate(target, model.states, [asked_of(one) for one in model.spec.derived])
    columns = [column_of(model.spec, q, [m]) for q in quantities]
    named = tuple(Column(one["name"], one["index"], one["unit"], one["kind"], one["measurement"]) for one in columns)
    return values_of(quantity, Draws(values, np.empty((0, len(named))), named))
