"""Likelihood of a pattern in which any line may be of no candidate, or far from what its structure says.

The pattern is cut between lines. A piece with a line is told by a set of phases up to the errors of the model; or else,
with a probability that all lines share and that is integrated out, its line may be anything. So a line that nothing
explains costs some nats whatever its height, fewer the more of them there are, and a phase gains by each line that it
tells rightly. Where there is no line nothing is forgiven: what a phase has there is judged by counting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.law import Tolerance, places_of
from bayesbeam.diffraction.noise import Misfit, Noise, noise
from bayesbeam.diffraction.powder import Powder, smooth
from bayesbeam.diffraction.sets import SHARE_SD

FloatArray = NDArray[np.float64]
Flags = NDArray[np.bool_]

_CLEAR = 6.0
"""Standard deviations of counting by which a piece has a line."""
_APART = 100.0
"""Widths of lines between pieces, beyond the reach of any correlation."""
_OVER = 1.3
"""What a model may have of a line, as a share of what the data show, until its errors are those of the data."""
_FEW, _MANY, _MOST = 0.3, 6.0, 2.0 / 3.0
"""Beta prior of the share of lines that are told wrongly: most often few of them, and never more than two thirds, for
else a pattern of which most is unknown would best be told by nothing at all."""
_LOG_2PI = math.log(2.0 * math.pi)
_ROUNDS, _TOLERANCE, _LOOSE = 40, 0.005, 0.05
_ODDS = np.linspace(-9.0, math.log(_MOST / (1.0 - _MOST)), 21)[:, None]
_LOG_RIGHT, _LOG_WRONG = -np.logaddexp(0.0, _ODDS), -np.logaddexp(0.0, -_ODDS)
_LOG_WEIGHT = _FEW * _LOG_WRONG[:, 0] + _MANY * _LOG_RIGHT[:, 0]
_LOG_WEIGHT -= np.log(np.exp(_LOG_WEIGHT).sum())


@dataclass(frozen=True)
class Pieces:
    """A pattern cut between its lines: first points (B,) of pieces, and whether each has a line."""

    first: NDArray[np.int64]
    line: Flags

    def of_points(self, values: FloatArray, count: int) -> FloatArray:
        """Values (B,) of pieces, point by point (N,)."""
        return np.repeat(values, np.diff(np.append(self.first, count)))


@dataclass(frozen=True)
class OpenSums:
    """All that sets of columns need: scalar products within each piece with a line, and of all else together.

    Columns are those of candidates, then of the background, then the data.

    Attributes
    ----------
    told, wrong : arrays (L, D, D)
        White products by the errors of the model, and if a line may be anything.
    log_told, log_wrong : arrays (L,)
        Logarithms of the normalisers.
    rest : array (D, D)
        White products of pieces without a line.
    log_rest : float
        Logarithm of the normaliser of these, and what all points have.
    candidates : int
    """

    told: FloatArray
    wrong: FloatArray
    log_told: FloatArray
    log_wrong: FloatArray
    rest: FloatArray
    log_rest: float
    candidates: int


def pieces_of(data: Powder, background: FloatArray) -> Pieces:
    """Pieces of a pattern, cut at its valleys, none narrower than a line."""
    half = data.half_width
    smoothed = smooth(data.y, 2 * half)
    valley = np.flatnonzero((smoothed[1:-1] <= smoothed[:-2]) & (smoothed[1:-1] < smoothed[2:])) + 1
    first = [0]
    for i in valley:
        if i - first[-1] >= 2 * half and len(data.x) - i >= 2 * half:
            first.append(int(i))
    start = np.array(first, dtype=np.int64)
    height = smooth(data.y - background, half) / smoothed_counting(data)
    line: Flags = np.maximum.reduceat(height, start) > _CLEAR
    return Pieces(start, line)


def smoothed_counting(data: Powder) -> FloatArray:
    """Standard deviation (N,) by counting of the data averaged over a width."""
    bell = np.hanning(2 * data.half_width + 3)
    bell /= bell.sum()
    return np.asarray(np.sqrt(np.convolve(data.variance, np.square(bell), "same")))


def laws_of(
    data: Powder, common: FloatArray, tolerance: Tolerance, background: FloatArray, pieces: Pieces
) -> tuple[Noise, Noise]:  # fmt: skip
    """Noise of a line that is told up to errors, and of one that may be anything; pieces are independent."""
    shown = np.maximum(smooth(data.y - background, data.half_width), 0.0)
    place = places_of(data, common)
    place = place + _APART * pieces.of_points(np.arange(len(pieces.first), dtype=np.float64), len(place))
    usual = [Misfit(tolerance.line * shown, tolerance.reach), Misfit(tolerance.form * shown, tolerance.form_reach)]
    free = Misfit(tolerance.free * shown, tolerance.reach)
    return noise(data.variance, usual, place), noise(data.variance, [*usual, free], place)


def open_sums(
    data: Powder, common: FloatArray, tolerance: Tolerance, background: FloatArray, parts: FloatArray
) -> OpenSums:  # fmt: skip
    """Sums over the pieces of a pattern, for candidates' patterns (C, N) of unit height."""
    pieces = pieces_of(data, background)
    laws = laws_of(data, common, tolerance, background, pieces)
    # Columns that span the background's, but none nearly a sum of others, as 1/x and polynomials are on short ranges.
    columns = np.column_stack([parts.T, np.linalg.qr(data.background)[0], data.y])
    last = np.append(pieces.first[1:], len(data.x))
    pairs = list(zip(pieces.first, last, strict=True))
    told, wrong = (np.array([white[i:j].T @ white[i:j] for i, j in pairs])
                   for white in (law.whitened(columns) for law in laws))  # fmt: skip
    line = pieces.line
    log_told, log_wrong = (np.add.reduceat(np.log(law.band[:, 0]), pieces.first) for law in laws)
    # Coefficients of the background have priors so wide that they pull nothing, as elsewhere of density 1.
    log_rest = float(log_told[~line].sum()) + 0.5 * _LOG_2PI * (len(data.x) - data.background.shape[1])
    return OpenSums(told[line], wrong[line], log_told[line], log_wrong[line], told[~line].sum(0), log_rest,
                    len(parts))  # fmt: skip


def open_law(
    data: Powder, common: FloatArray, tolerance: Tolerance, model: FloatArray, background: FloatArray, right: FloatArray
) -> Noise:  # fmt: skip
    """Noise of a set of which each line (L,) is told rightly with some probability.

    Errors of a line that is told are shares of the model, for shares of the data would draw it below them; a model
    that is far above the data is not forgiven for it.
    """
    pieces = pieces_of(data, background)
    wrong = np.zeros(len(pieces.first))
    wrong[pieces.line] = 1.0 - right
    half = data.half_width
    shown = np.maximum(smooth(data.y - background, half), 0.0)
    told = np.minimum(np.maximum(smooth(model - background, half), 0.0), _OVER * shown)
    free = np.sqrt(pieces.of_points(wrong, len(data.x))) * tolerance.free * shown
    misfits = [Misfit(np.hypot(tolerance.line * told, free), tolerance.reach),
               Misfit(tolerance.form * told, tolerance.form_reach)]  # fmt: skip
    return noise(data.variance, misfits, places_of(data, common))


@dataclass(frozen=True)
class OpenFit:
    """Heights of a set at which it is most probable.

    Attributes
    ----------
    free_energy : float
        Nats, heights and background integrated out by Laplace.
    heights, sd : arrays (M,)
    right : array (L,)
        Probability that each line is told rightly.
    """

    free_energy: float
    heights: FloatArray
    sd: FloatArray
    right: FloatArray


def open_fit(
    sums: OpenSums, members: Sequence[int], right: FloatArray | None = None, bound: float = math.inf
) -> OpenFit:  # fmt: skip
    """Best heights and free energy of a set, its background fitted with it.

    Lines are told rightly or not: expectation and maximisation, from ``right`` (L,) of a set that is near, or else once
    from each end, and the better one of the two. What is above the bound need not be exact.
    """
    own = [*members, *range(sums.candidates, sums.rest.shape[0])]
    picked = np.ix_(own, own)
    part = OpenSums(sums.told[:, picked[0], picked[1]], sums.wrong[:, picked[0], picked[1]], sums.log_told,
                    sums.log_wrong, sums.rest[picked], sums.log_rest, len(members))  # fmt: skip
    lines = len(sums.told)
    starts = (np.zeros(lines), np.ones(lines)) if right is None else (right,)
    found = [_climbed(part, start, bound) for start in starts]
    return min(found, key=lambda one: one.free_energy)


def _climbed(sums: OpenSums, right: FloatArray, bound: float) -> OpenFit:
    """Best heights from a start, and what they are worth."""
    size, before = sums.candidates, math.inf
    told, wrong = (one.reshape(len(one), -1) for one in (sums.told, sums.wrong))
    for _ in range(_ROUNDS):
        gram = sums.rest + (right @ told + (1.0 - right) @ wrong).reshape(sums.rest.shape)
        hessian = gram[:-1, :-1].copy()
        hessian[np.arange(size), np.arange(size)] += 1.0 / SHARE_SD**2
        best = np.asarray(np.linalg.solve(hessian, gram[:-1, -1]), dtype=np.float64)
        residual = np.append(-best, 1.0)
        log_told = -0.5 * ((sums.told @ residual) @ residual) - sums.log_told
        log_wrong = -0.5 * ((sums.wrong @ residual) @ residual) - sums.log_wrong
        log_density, right = _mixed(log_told, log_wrong)
        value = 0.5 * float(residual @ sums.rest @ residual) + sums.log_rest - log_density
        value += 0.5 * float(best[:size] @ best[:size]) / SHARE_SD**2
        if abs(before - value) < max(_TOLERANCE, _LOOSE * (value - bound)):
            break
        before = value
    occam, sd = _integrated(hessian, best, size)
    return OpenFit(value + occam, best[:size], sd, right)


def _mixed(log_told: FloatArray, log_wrong: FloatArray) -> tuple[float, FloatArray]:
    """Log density of all lines, the share of wrong ones integrated out; probability that each is told rightly."""
    right, wrong = _LOG_RIGHT + log_told, _LOG_WRONG + log_wrong
    each = np.logaddexp(right, wrong)
    total = each.sum(1) + _LOG_WEIGHT
    top = float(total.max())
    posterior = np.exp(total - top)
    log_density = top + math.log(float(posterior.sum()))
    posterior /= posterior.sum()
    # Rounding may bring a sum of probabilities above 1.
    return log_density, np.minimum(posterior @ np.exp(right - each), 1.0)


def log_density_of_lines(log_told: FloatArray, log_wrong: FloatArray) -> float:
    """Log density of all lines, given that of each (L,) if it is told rightly, and if it may be anything."""
    return _mixed(log_told, log_wrong)[0]


def _integrated(hessian: FloatArray, best: FloatArray, size: int) -> tuple[float, FloatArray]:
    """Nats of the integral over heights, all of them above 0, and background; standard deviations of heights."""
    from scipy.special import log_ndtr

    sd = np.sqrt(np.diag(np.linalg.inv(hessian))[:size])
    occam = 0.5 * float(np.linalg.slogdet(hessian)[1]) + size * math.log(SHARE_SD / 2.0)
    return occam - float(log_ndtr(best[:size] / sd).sum()), sd
