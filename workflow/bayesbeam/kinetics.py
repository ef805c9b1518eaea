"""Kinetics of any fitted quantity along time: which law goes with it, by free energies.

Laws that are linear in all that is free are integrated in closed form; the others are sampled, with everything linear
integrated out. Where values and their standard deviations come from does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesbeam.errors import DataError, ModelError, nearest

FloatArray = NDArray[np.float64]

LAWS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "constant": ("", 0, ()),
    "linear": ("", 0, ()),
    "exponential": ("relaxation", 1, ("rate",)),
    "two exponentials": ("relaxation", 2, ("rate",)),
    "stretched": ("stretched_relaxation", 1, ("rate", "stretch")),
    "avrami": ("avrami", 1, ("rate", "order")),
    "sigmoid": ("sigmoid", 1, ("position", "time")),
}
"""Component, how many of it, and what is sampled of it."""
_FEWEST = 6


@dataclass(frozen=True)
class Law:
    """One law: F (nats) with its standard error, and means and standard deviations of its parameters, if sampled."""

    name: str
    free_energy: float
    standard_error: float
    parameters: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Kinetics:
    """Laws, the most probable first, with their probabilities, all alike before the data."""

    laws: tuple[Law, ...]
    probability: FloatArray


def kinetics_of(
    time: ArrayLike, values: ArrayLike, sd: ArrayLike, *, seed: int, laws: Sequence[str] = tuple(LAWS),
    start: float | None = None, target_standard_error: float = 0.2,
) -> Kinetics:  # fmt: skip
    """Laws of a quantity along time.

    Parameters
    ----------
    time, values, sd : arrays (N,)
        Times in any order, the quantity, and its standard deviations, which are trusted.
    laws : sequence of str
        Of ``LAWS``; all by default.
    start : float
        When it begins; the first time by default.

    Notes
    -----
    Levels and changes have normal priors of the span of the values, rates are log-uniform from 0.1 over the whole time
    to 1 over its smallest step, stretching from 0.2 to 1, Avrami's order from 1 to 4; the middle of a sigmoid is even
    over the time, its width log-uniform from a quarter of the smallest step to the whole.

    Raises
    ------
    DataError
        If there are fewer than six times, or numbers that are none.
    ModelError
        If a law is unknown.
    """
    t, y, spread = (np.asarray(one, dtype=np.float64) for one in (time, values, sd))
    if not t.shape == y.shape == spread.shape or t.ndim != 1 or len(np.unique(t)) < _FEWEST:
        raise DataError.at("kinetics", f"{t.size} times, {y.size} values", f"{_FEWEST} or more, as many of each", "")
    if not (np.isfinite(t).all() and np.isfinite(y).all() and np.isfinite(spread).all() and (spread > 0.0).all()):
        raise DataError.at("kinetics", "numbers that are none, or a deviation of 0", "finite values", "")
    for name in laws:
        if name not in LAWS:
            raise ModelError.at("kinetics", f"the unknown law {name!r}", ", ".join(LAWS), nearest(name, tuple(LAWS)))
    order = np.argsort(t, kind="stable")
    t, y, spread = t[order], y[order], spread[order]
    middle, span = 0.5 * float(y.max() + y.min()), float(y.max() - y.min()) or float(spread.max())
    y = y - middle
    begin = float(t[0]) if start is None else start
    made = [_linear(name, t, y, spread, span) if not LAWS[name][0]
            else _sampled(name, t, y, spread, span, begin, seed, target_standard_error) for name in laws]  # fmt: skip
    made.sort(key=lambda one: one.free_energy)
    weight = np.exp(made[0].free_energy - np.array([one.free_energy for one in made]))
    return Kinetics(tuple(made), weight / weight.sum())


def _linear(name: str, t: FloatArray, y: FloatArray, sd: FloatArray, span: float) -> Law:
    """A constant or a straight line, in closed form."""
    columns = [np.ones(len(t))]
    if name == "linear":
        columns.append((2.0 * t - t[0] - t[-1]) / (t[-1] - t[0]))
    basis = span * np.array(columns)
    covariance = basis.T @ basis + np.diag(np.square(sd))
    size = float(np.linalg.slogdet(2.0 * math.pi * covariance)[1])
    return Law(name, 0.5 * float(y @ np.linalg.solve(covariance, y)) + 0.5 * size, 0.0, {})


def _sampled(
    name: str, t: FloatArray, y: FloatArray, sd: FloatArray, span: float, start: float, seed: int, error: float
) -> Law:  # fmt: skip
    """A law that is sampled, its level and changes integrated out."""
    from bayesbeam.library import curve_target, sample

    component, count, free = LAWS[name]
    whole, step = float(t[-1] - t[0]), float(np.diff(np.unique(t)).min())
    amplitude = f"normal(mean=0, sd={span!r})"
    given: dict[str, str | float] = {"level.level": amplitude, "law.change": amplitude}
    choices = {
        "rate": f"log_uniform(low={0.1 / whole!r}, high={1.0 / step!r})",
        "stretch": "uniform(low=0.2, high=1)",
        "order": "uniform(low=1, high=4)",
        "position": f"uniform(low={float(t[0])!r}, high={float(t[-1])!r})",
        "time": f"log_uniform(low={0.25 * step!r}, high={whole!r})",
    }
    given |= {f"law.{word}": choices[word] for word in free}
    if name != "sigmoid":
        given["law.start"] = start
    target = curve_target(t, y, {"law": (component, count), "level": "constant"}, given, sd=sd,
                          integrate_out=["law.change", "level.level"])  # fmt: skip
    result = sample(target, seed=seed, target_standard_error=error, name=f"kinetics {name}")
    told = {name: values.reshape(len(values), -1) for name, values in result.draws.items() if name.startswith("law.")}
    parameters = {f"{name}[{k + 1}]" if values.shape[1] > 1 else name: (float(column.mean()), float(column.std(ddof=1)))
                  for name, values in told.items() for k, column in enumerate(values.T)}  # fmt: skip
    return Law(name, result.free_energy.value, result.free_energy.standard_error, parameters)
