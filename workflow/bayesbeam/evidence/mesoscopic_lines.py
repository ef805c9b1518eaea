"""Straight lines y = a x + b of centred x: what data say about them in few numbers, and free energies of these.

Of one data set or several that share a and b, with flat priors on boxes, for any number of data at once. The boxes may
be taken as they are, or as so wide that they cut nothing off. The level of every data set is known or that of least F.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesbeam.errors import ModelError
from bayesbeam.evidence.mesoscopic import LOG_2PI, Nested
from bayesbeam.evidence.normal_box import truncated

FloatArray = NDArray[np.float64]
_STEPS, _CLOSE, _FAR, _BLOCK = 5000, 1e-7, 20.0, 2048


@dataclass(frozen=True)
class Line:
    """What is true of a data set, and what it is like: ``points`` of mean square ``mean_square`` about x = 0."""

    points: int
    slope: float = 1.0
    intercept: float = 0.0
    sigma: float = 1.0
    mean_square: float = 1.0

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ModelError.at("points", f"{self.points}", "at least 2", "")
        for name in ("sigma", "mean_square"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise ModelError.at(name, f"{value!r}", "a number above 0", "")

    @property
    def variances(self) -> tuple[float, float]:
        """Variances of the estimates of slope and intercept."""
        return self.sigma**2 / (self.points * self.mean_square), self.sigma**2 / self.points

    def nested(self, half_intercept: float) -> Nested:
        """Choice of a x + b against a x, b from a flat prior between plus and minus ``half_intercept``."""
        _, variance = self.variances
        return Nested(self.points, 1, 1, -math.log(variance), math.log(2.0 * half_intercept),
                      self.intercept**2 / variance)  # fmt: skip


@dataclass(frozen=True)
class Variables:
    """Mesoscopic variables of data sets, arrays: standard normal, standard normal, chi-square of N - 2 degrees."""

    tau_1: FloatArray
    tau_2: FloatArray
    upsilon: FloatArray


@dataclass(frozen=True)
class Summary:
    """All that data sets of N points say about straight lines: estimates and the least sum of squares, arrays."""

    points: int
    mean_square: float
    slope: FloatArray
    intercept: FloatArray
    squares: FloatArray

    @property
    def through_origin(self) -> Summary:
        """The same for lines with b = 0: what b took of the squares is left."""
        rest = self.squares + self.points * np.square(self.intercept)
        return replace(self, intercept=np.zeros_like(self.intercept), squares=rest)


def draw_variables(points: int, count: int, generator: np.random.Generator) -> Variables:
    """Mesoscopic variables of ``count`` data sets, as they are distributed."""
    tau = generator.standard_normal((2, count))
    return Variables(tau[0], tau[1], generator.chisquare(points - 2, count) if points > 2 else np.zeros(count))


def variables_of(x: ArrayLike, noise: ArrayLike, sigma: float) -> Variables:
    """Mesoscopic variables of data sets by their noise (..., N) at centred x (N,).

    Source
    ------
    Katakami et al., arXiv 2406.02869.
    """
    place, error = _centred(x), np.asarray(noise, dtype=np.float64) / sigma
    tau_1 = error @ place / math.sqrt(float(place @ place))
    tau_2 = error.sum(-1) / math.sqrt(len(place))
    return Variables(tau_1, tau_2, np.square(error).sum(-1) - np.square(tau_1) - np.square(tau_2))


def summary_of_variables(line: Line, variables: Variables) -> Summary:
    """What data sets say, by their mesoscopic variables."""
    sd_a, sd_b = (math.sqrt(one) for one in line.variances)
    slope, intercept = line.slope + sd_a * variables.tau_1, line.intercept + sd_b * variables.tau_2
    return Summary(line.points, line.mean_square, slope, intercept, line.sigma**2 * variables.upsilon)


def summary_of_data(x: ArrayLike, y: ArrayLike) -> Summary:
    """What data sets y (..., N) at centred x (N,) say."""
    place, value = _centred(x), np.asarray(y, dtype=np.float64)
    slope, intercept = value @ place / float(place @ place), value.mean(-1)
    rest = value - slope[..., None] * place - intercept[..., None]
    return Summary(len(place), float(np.mean(place * place)), slope, intercept, np.square(rest).sum(-1))


@dataclass(frozen=True)
class Box:
    """Flat priors between plus and minus these; ``wide``: as if they cut nothing off. No ``half_intercept``: b = 0."""

    half_slope: float = 10.0
    half_intercept: float | None = 10.0
    wide: bool = False

    @property
    def halves(self) -> tuple[float, ...]:
        """Half widths of the coefficients that are open."""
        return (self.half_slope,) if self.half_intercept is None else (self.half_slope, self.half_intercept)

    @property
    def through_origin(self) -> Box:
        """The same where b = 0."""
        return replace(self, half_intercept=None)


@dataclass(frozen=True)
class Least:
    """Free energies (...) and the variances (M, ...) of the noise at which they are least."""

    free_energy: FloatArray
    variances: FloatArray


@dataclass(frozen=True)
class _Shared:
    """Data sets (M, ...) of one line, put together at some variances of their noise."""

    points: FloatArray
    information: tuple[FloatArray, ...]
    estimates: tuple[FloatArray, ...]
    squares: FloatArray
    box: Box = field(default_factory=Box)

    def of(self, chosen: NDArray[np.int64]) -> _Shared:
        """Some of them, (M, K)."""
        flat = tuple(one.reshape(len(one), -1)[:, chosen] for one in (*self.estimates, self.squares))
        columns = tuple(one.reshape(-1, 1) for one in (self.points, *self.information))
        return _Shared(columns[0], columns[1:], flat[:-1], flat[-1], self.box)

    def at(self, variances: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Free energies (...), and variances (M, ...) by the posterior that they give: those of lower free energy."""
        total = 0.5 * (self.points * (LOG_2PI + np.log(variances)) + self.squares / variances).sum(0)
        expected = self.squares.copy()
        for weight, estimate, half in zip(self.information, self.estimates, self.box.halves, strict=True):
            precision = weight / variances
            sum_ = precision.sum(0)
            mean, sd = (precision * estimate).sum(0) / sum_, 1.0 / np.sqrt(sum_)
            total += 0.5 * (precision * np.square(estimate - mean)).sum(0)
            total += math.log(2.0 * half) - 0.5 * LOG_2PI - np.log(sd)
            if not self.box.wide:
                inside, mean, sd = _in_box(mean, sd, half)
                total -= inside
            expected += weight * (np.square(estimate - mean) + np.square(sd))
        return total, expected / self.points


def free_energy(data: Summary | Sequence[Summary], sigma: ArrayLike, box: Box) -> FloatArray:
    """Free energies, nats, of a line that one or several data sets share, of noise of known level.

    Parameters
    ----------
    data : Summary, or several of which every one holds as many data sets
    sigma : number, or one of each
    box : Box
    """
    shared = _shared([data] if isinstance(data, Summary) else data, box)
    level = np.broadcast_to(np.asarray(sigma, dtype=np.float64).reshape(-1), (len(shared.points),))
    value, _ = shared.at(np.square(level).reshape((-1, *([1] * (shared.points.ndim - 1)))))
    return value


def least_free_energy(data: Summary | Sequence[Summary], box: Box) -> Least:
    """Least free energies over the levels of the noise, one of each data set.

    Notes
    -----
    Levels of one data set with wide priors have a closed form. Others are stepped to by expectation and maximisation,
    which never raises F, from the levels of each data set by itself, and from those at which one of them
    disagrees for its noise; what is lowest counts. At the end every level is ``sigma_m^2 = 2 <E_m>``.
    """
    several = [data] if isinstance(data, Summary) else list(data)
    shared = _shared(several, box)
    free = len(box.halves)
    if (shared.points <= free).any():
        raise ModelError.at(
            "points", f"{int(shared.points.min())}", f"more than {free}, for a level that is not known",
            "Measure more points, or state the noise.",
        )  # fmt: skip
    if not (shared.squares > 0.0).all():
        words = "data that a line fits exactly", "some scatter about it"
        raise ModelError.at("noise level", *words, "State the noise of exact data.")
    own = shared.squares / (shared.points - free)
    if len(several) == 1 and box.wide:
        return Least(shared.at(own)[0], own)
    best = _step(shared, own)
    for place in range(len(several) if len(several) > 1 else 0):
        start = own.copy()
        for weight, estimate in zip(shared.information, shared.estimates, strict=True):
            apart = estimate[place] - estimate[0 if place else 1]
            start[place] += weight[place] * np.square(apart) / shared.points[place]
        other = _step(shared, start)
        lower = other.free_energy < best.free_energy
        best = Least(*(np.where(lower, new, old) for new, old in (
            (other.free_energy, best.free_energy), (other.variances, best.variances))))  # fmt: skip
    return best


def _step(shared: _Shared, start: FloatArray) -> Least:
    """Expectation and maximisation of each until its levels move no more.

    Two steps and one as far beyond them as their lengths say, where F is not higher there: Varadhan and Roland,
    Scandinavian Journal of Statistics 35 (2008) 335, scheme S3.
    """
    logs = np.log(start.reshape(len(start), -1))
    value = np.empty(logs.shape[1])
    for first in range(0, logs.shape[1], _BLOCK):
        open_ = np.arange(first, min(first + _BLOCK, logs.shape[1]))
        for _ in range(_STEPS):
            few, here = shared.of(open_), logs[:, open_]
            value[open_], once = _logs_at(few, here)
            second, twice = _logs_at(few, once)
            step, bend = once - here, twice - 2.0 * once + here
            length = np.maximum(np.sqrt(np.square(step).sum(0) / np.maximum(np.square(bend).sum(0), 1e-300)), 1.0)
            far = here + 2.0 * length * step + np.square(length) * bend
            third, _ = _logs_at(few, np.clip(far, here - _FAR, here + _FAR))
            logs[:, open_] = np.where(third <= second, np.clip(far, here - _FAR, here + _FAR), twice)
            open_ = open_[np.abs(step).max(0) > _CLOSE]
            if not len(open_):
                break
        else:
            found = f"{len(open_)} data sets whose levels still move after {_STEPS} steps"
            raise ModelError.at("noise level", found, "levels at the least free energy", "State the noise.")
    return Least(value.reshape(start.shape[1:]), np.exp(logs).reshape(start.shape))


def _logs_at(shared: _Shared, logs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Free energies at logarithms of variances, and those that follow."""
    value, variances = shared.at(np.exp(logs))
    return value, np.log(variances)


def _shared(data: Sequence[Summary], box: Box) -> _Shared:
    """Numbers of data sets as arrays (M, ...)."""
    slope, squares = (np.stack([getattr(one, name) for one in data]) for name in ("slope", "squares"))
    shape = (-1, *([1] * (slope.ndim - 1)))
    points = np.array([float(one.points) for one in data]).reshape(shape)
    square = np.array([one.mean_square for one in data]).reshape(shape)
    information, estimates = [points * square], [slope]
    if box.half_intercept is None:
        squares = squares + points * np.square(np.stack([one.intercept for one in data]))
    else:
        information.append(points)
        estimates.append(np.stack([one.intercept for one in data]))
    return _Shared(points, tuple(information), tuple(estimates), squares, box)


def _in_box(mean: FloatArray, sd: FloatArray, half: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log probability within a box, and mean and standard deviation there."""
    inside, centre, variance = truncated((-half - mean) / sd, (half - mean) / sd)
    return inside, mean + sd * centre, sd * np.sqrt(variance)


def _centred(x: ArrayLike) -> FloatArray:
    """Places whose mean is zero, for which slope and intercept are independent."""
    place = np.asarray(x, dtype=np.float64)
    if place.ndim != 1 or len(place) < 2 or not np.isfinite(place).all() or not np.ptp(place) > 0.0:
        raise ModelError.at("x", f"an array {place.shape}", "finite numbers (N,), not all the same", "")
    if abs(place.mean()) > 1e-9 * np.abs(place).max():
        raise ModelError.at("x", f"a mean of {place.mean():.3g}", "centred numbers", "Subtract the mean.")
    return place
