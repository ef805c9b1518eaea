"""Kinetics of any fitted quantity along time: which law goes with it, by free energies.

Laws that are linear in all that is free are integrated in closed form; the others are sampled, with everything linear
integrated out. Where values and their standard deviations come from does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
FEWEST = 6
"""Different times that a law needs."""
SCATTER = (0.1, 10.0)
_LEVELS = 1001


@dataclass(frozen=True)
class Law:
    """One law: F (nats) with its standard error, and means and standard deviations of its parameters.

    ``level`` is that of a constant, of a straight line in the middle of the times, and of the other laws what their
    change is added to; ``law.slope`` is the change per unit of time, ``noise.scale`` the factor of all standard
    deviations.
    """

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
    start: float | None = None, target_standard_error: float = 0.2, scaled: bool = False,
) -> Kinetics:  # fmt: skip
    """Laws of a quantity along time.

    Parameters
    ----------
    time, values, sd : arrays (N,)
        Times in any order, the quantity, and its standard deviations.
    laws : sequence of str
        Of ``LAWS``; all by default.
    start : float
        When it begins; the first time by default.
    scaled : bool
        Whether all standard deviations may be off by one factor, log-uniform from 0.1 to 10, which is integrated over:
        values may have errors in common, or scatter by more than they were told to.

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
    if not t.shape == y.shape == spread.shape or t.ndim != 1 or len(np.unique(t)) < FEWEST:
        raise DataError.at("kinetics", f"{t.size} times, {y.size} values", f"{FEWEST} or more, as many of each", "")
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
    given = _Values(t, y, spread, span, scaled)
    made = [_linear(name, given) if not LAWS[name][0] else _sampled(name, given, begin, seed, target_standard_error)
            for name in laws]  # fmt: skip
    told = [replace(one, parameters=_lifted(one.parameters, middle)) for one in made]
    told.sort(key=lambda one: one.free_energy)
    weight = np.exp(told[0].free_energy - np.array([one.free_energy for one in told]))
    return Kinetics(tuple(told), weight / weight.sum())


@dataclass(frozen=True)
class _Values:
    """Times, values around the middle of their span, their deviations, the span, and whether these may be off."""

    t: FloatArray
    y: FloatArray
    sd: FloatArray
    span: float
    scaled: bool


def _lifted(parameters: Mapping[str, tuple[float, float]], middle: float) -> dict[str, tuple[float, float]]:
    """Parameters with the level as it is in the values."""
    return {name: (mean + middle, sd) if name == "level" else (mean, sd) for name, (mean, sd) in parameters.items()}


def _linear(name: str, given: _Values) -> Law:
    """A constant or a straight line, in closed form; the factor of the deviations is summed over."""
    t, length, count = given.t, float(given.t[-1] - given.t[0]), len(given.t)
    columns = [np.ones(count)]
    if name == "linear":
        columns.append((2.0 * t - t[0] - t[-1]) / length)
    basis, y = given.span * np.array(columns) / given.sd, given.y / given.sd
    factors = np.geomspace(*SCATTER, _LEVELS) if given.scaled else np.ones(1)
    # Log-uniform: the trapezium rule in the logarithm.
    share = np.full(len(factors), 1.0 / max(len(factors) - 1, 1))
    share[[0, -1]] *= 0.5 if given.scaled else 1.0
    energy, means, squares = np.zeros(len(factors)), [], []
    for place, factor in enumerate(factors):
        precision = np.eye(len(basis)) + basis @ basis.T / factor**2
        mean = np.linalg.solve(precision, basis @ y) / factor**2
        left = float(np.square(y - mean @ basis).sum()) / factor**2 + float(mean @ mean)
        sizes = float(np.log(given.sd).sum()) + count * math.log(factor * math.sqrt(2.0 * math.pi))
        energy[place] = 0.5 * left + sizes + 0.5 * float(np.linalg.slogdet(precision)[1])
        means.append(mean)
        squares.append(np.diag(np.linalg.inv(precision)))
    lowest = float(energy.min())
    weight = share * np.exp(lowest - energy)
    density = float(weight.sum())
    weight /= density
    middle = weight @ np.array(means)
    sd = np.sqrt(weight @ (np.array(squares) + np.square(np.array(means) - middle)))
    told = {"level": (given.span * float(middle[0]), given.span * float(sd[0]))}
    if name == "linear":
        per_time = 2.0 * given.span / length
        told["law.slope"] = (per_time * float(middle[1]), per_time * float(sd[1]))
    if given.scaled:
        scale = float(weight @ factors)
        told["noise.scale"] = (scale, math.sqrt(float(weight @ np.square(factors - scale))))
    return Law(name, lowest - math.log(density), 0.0, told)


def _sampled(name: str, given: _Values, start: float, seed: int, error: float) -> Law:
    """A law that is sampled, its level and changes integrated out."""
    from bayesbeam.library import curve_target, sample

    component, count, free = LAWS[name]
    t, whole, step = given.t, float(given.t[-1] - given.t[0]), float(np.diff(np.unique(given.t)).min())
    amplitude = f"normal(mean=0, sd={given.span!r})"
    priors: dict[str, str | float] = {"level.level": amplitude, "law.change": amplitude}
    choices = {
        "rate": f"log_uniform(low={0.1 / whole!r}, high={1.0 / step!r})",
        "stretch": "uniform(low=0.2, high=1)",
        "order": "uniform(low=1, high=4)",
        "position": f"uniform(low={float(t[0])!r}, high={float(t[-1])!r})",
        "time": f"log_uniform(low={0.25 * step!r}, high={whole!r})",
    }
    priors |= {f"law.{word}": choices[word] for word in free}
    if name != "sigmoid":
        priors["law.start"] = start
    if given.scaled:
        priors["noise.scale"] = f"log_uniform(low={SCATTER[0]!r}, high={SCATTER[1]!r})"
    target = curve_target(t, given.y, {"law": (component, count), "level": "constant"}, priors, sd=given.sd,
                          noise="normal_scaled" if given.scaled else "normal",
                          integrate_out=["law.change", "level.level"])  # fmt: skip
    result = sample(target, seed=seed, target_standard_error=error, name=f"kinetics {name}")
    told = {name.removeprefix("level."): values.reshape(len(values), -1) for name, values in result.draws.items()}
    parameters = {f"{name}[{k + 1}]" if values.shape[1] > 1 else name: (float(column.mean()), float(column.std(ddof=1)))
                  for name, values in told.items() for k, column in enumerate(values.T)}  # fmt: skip
    return Law(name, result.free_energy.value, result.free_energy.standard_error, parameters)
