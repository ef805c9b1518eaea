"""Where a quantity changes along a series: polynomials in pieces, with 0, 1 or 2 changes, by closed free energies.

Pieces are constant, straight or parabolic; at a change they jump, or go on with another slope. Also where one of two
models takes over from the other. How values came about, and their standard deviations, is decided elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import DataError

FloatArray = NDArray[np.float64]

_ONE, _PAIRS = 400, 60
"""Places at which a single change, and each of two, is looked for."""
_SCATTER = np.geomspace(0.1, 10.0, 33)
"""Factors of the standard deviations, all alike before the data; the values may scatter by more or less than told."""
_FEWEST, _PIECE = 4, 2
_ONE_MORE = 0.5
"""Prior odds of one more change."""
FORMS = (
    ("constant", 0, 0, False),
    ("straight", 1, 0, False),
    ("parabolic", 2, 0, False),
    ("one jump", 0, 1, True),
    ("two jumps", 0, 2, True),
    ("straight, one jump", 1, 1, True),
    ("straight, two jumps", 1, 2, True),
    ("straight, one kink", 1, 1, False),
    ("straight, two kinks", 1, 2, False),
    ("parabolic, one kink", 2, 1, False),
    ("parabolic, two kinks", 2, 2, False),
)
"""Name, degree, number of changes, and whether pieces jump."""


@dataclass(frozen=True)
class Form:
    """One form of a curve: its free energy (nats), and where its changes are.

    ``places`` (G, K) are positions of K changes with weights (G,) that add up to 1.
    """

    name: str
    changes: int
    free_energy: float
    places: FloatArray
    weights: FloatArray

    def interval(self, change: int, level: float = 0.95) -> tuple[float, float, float]:
        """Median of the position of a change, with the ends of an interval of equal tails."""
        order = np.argsort(self.places[:, change], kind="stable")
        cumulated = np.cumsum(self.weights[order])
        at = self.places[order, change]
        found = [float(at[min(int(np.searchsorted(cumulated, share)), len(at) - 1)])
                 for share in (0.5, 0.5 - 0.5 * level, 0.5 + 0.5 * level)]  # fmt: skip
        return found[0], found[1], found[2]


@dataclass(frozen=True)
class Changes:
    """Forms of a curve, the most probable first, with their probabilities among each other.

    Before the data, those with one more change are half as probable.
    """

    forms: tuple[Form, ...]
    probability: FloatArray

    @property
    def number(self) -> FloatArray:
        """Probability of 0, 1 and 2 changes."""
        found = np.zeros(3)
        for form, share in zip(self.forms, self.probability, strict=True):
            found[form.changes] += share
        return found


def changes_along(t: FloatArray, values: FloatArray, sd: FloatArray) -> Changes:
    """Forms of a curve through values with standard deviations, (N,) each, along ``t``, in any order.

    Raises
    ------
    DataError
        If there are fewer than four places, lengths differ, or a number is not finite or a deviation not above 0.

    Notes
    -----
    Values are normal around a polynomial in pieces, of which every coefficient (on an axis from -1 to 1; of a change:
    of a step, or of a power of the distance from it) has a normal prior of the span of the values. Positions of changes
    are even over the range, two places of the series or more in each piece, and a factor of all standard deviations is
    log-uniform from 0.1 to 10. Integrals over coefficients are exact; those over positions and the factor are sums.
    """
    if not len(t) == len(values) == len(sd) or len(np.unique(t)) < _FEWEST:
        raise DataError.at("series", f"{len(t)} places, {len(values)} values", f"{_FEWEST} places or more", "")
    if not (np.isfinite(t).all() and np.isfinite(values).all() and np.isfinite(sd).all() and (sd > 0.0).all()):
        raise DataError.at("series", "numbers that are none, or a deviation of 0", "finite values with deviations", "")
    x = (2.0 * t - t.min() - t.max()) / (t.max() - t.min())
    span = float(values.max() - values.min()) or float(sd.max())
    y = (values - 0.5 * (values.max() + values.min())) / span
    forms = [made for of in FORMS if (made := _form(x, y, sd / span, *of)) is not None]
    middle, half = 0.5 * (t.max() + t.min()), 0.5 * (t.max() - t.min())
    # In the units of the data the density of values is lower by the span.
    scale = len(t) * math.log(span)
    told = [Form(one.name, one.changes, one.free_energy + scale, middle + half * one.places, one.weights)
            for one in sorted(forms, key=lambda one: one.free_energy)]  # fmt: skip
    weight = np.exp(told[0].free_energy - np.array([one.free_energy for one in told]))
    weight *= _ONE_MORE ** np.array([one.changes for one in told])
    order = np.argsort(-weight, kind="stable")
    return Changes(tuple(told[k] for k in order), weight[order] / weight.sum())


def _form(
    x: FloatArray, y: FloatArray, sd: FloatArray, name: str, degree: int, changes: int, jumps: bool
) -> Form | None:
    """One form, summed over the positions of its changes; None if there is no room for them."""
    edges = np.linspace(-1.0, 1.0, {0: 2, 1: _ONE + 1, 2: _PAIRS + 1}[changes])
    middles = 0.5 * (edges[1:] + edges[:-1])
    if changes == 0:
        places = np.zeros((1, 0))
    elif changes == 1:
        places = middles[:, None]
    else:
        first, second = np.triu_indices(len(middles), 1)
        places = np.column_stack([middles[first], middles[second]])
    places = places[_apart(x, places)]
    if not len(places):
        return None
    powers = range(degree + 1)
    columns = [np.broadcast_to(x**k, (len(places), len(x))) for k in powers]
    for j in range(changes):
        beyond = x - places[:, j : j + 1]
        after = beyond > 0.0
        columns.extend(np.where(after, beyond, 0.0) ** k if k else after.astype(np.float64)
                       for k in (powers if jumps else powers[1:]))  # fmt: skip
    value = -_log_evidence(np.stack(columns, axis=1), y, sd)
    lowest = float(value.min())
    weight = np.exp(lowest - value)
    return Form(name, changes, lowest - math.log(float(weight.mean())), places, weight / weight.sum())


def _apart(x: FloatArray, places: FloatArray) -> NDArray[np.bool_]:
    """Which positions (G, K) leave every piece so many places of the series as make a piece."""
    below = np.searchsorted(np.unique(x), places)
    ends = np.column_stack([np.zeros(len(places)), below, np.full(len(places), len(np.unique(x)))])
    return np.asarray((np.diff(ends, axis=1) >= _PIECE).all(1))


def _log_evidence(columns: FloatArray, y: FloatArray, sd: FloatArray) -> FloatArray:
    """Log evidence (G,) of columns (G, P, N) whose coefficients have unit normal priors, over the factor of ``sd``."""
    white, target = columns / sd, y / sd
    root, turn = np.linalg.eigh(white @ white.transpose(0, 2, 1))
    along = np.einsum("gpq,gp->gq", turn, white @ target)
    root = np.maximum(root, 0.0)
    square = np.square(_SCATTER)[:, None, None]
    left = float(target @ target) / square[..., 0] - (np.square(along) / square / (root + square)).sum(-1)
    log_size = np.log1p(root / square).sum(-1)
    normal = len(y) * np.log(2.0 * math.pi * square[..., 0]) + 2.0 * float(np.log(sd).sum())
    found = -0.5 * (left + log_size + normal)
    top = found.max(0)
    return np.asarray(top + np.log(np.exp(found - top).mean(0)))


@dataclass(frozen=True)
class Switch:
    """Which of two models holds where along a series.

    ``probability`` has the four ``CASES``: one of them all along, or one below a place and the other above. ``gaps``
    (G, 2) are those between measurements, and ``weights`` (G,) how probable the place is in each, if there is one.
    """

    probability: dict[str, float]
    gaps: FloatArray
    weights: FloatArray

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Ends of the gaps that an interval of equal tails touches."""
        cumulated = np.cumsum(self.weights)
        low, high = (int(np.searchsorted(cumulated, share)) for share in (0.5 - 0.5 * level, 0.5 + 0.5 * level))
        return float(self.gaps[low, 0]), float(self.gaps[min(high, len(self.gaps) - 1), 1])


CASES = ("first", "second", "first below second", "second below first")


def switch_along(t: FloatArray, log_odds: FloatArray) -> Switch:
    """Where one model takes over from another, from the log of evidence of the first over the second at ``t`` (N,).

    Parameters
    ----------
    log_odds : array (N,) or (S, N)
        F of the second less F of the first, nats. Measurements are taken to be independent; of several rows, one is
        right for all of them, and any is as likely before.

    Notes
    -----
    The four cases are alike before, and so are places over the range.
    """
    rows = np.atleast_2d(log_odds)
    if len(t) != rows.shape[1] or len(np.unique(t)) < 2 or not np.isfinite(rows).all():
        raise DataError.at("series", f"{len(t)} places", "two or more, each with finite odds", "")
    order = np.argsort(t, kind="stable")
    at, odds = t[order], rows[:, order]
    sums = np.cumsum(odds, axis=1)
    with np.errstate(divide="ignore"):
        room = np.log(np.diff(at) / (at[-1] - at[0]))
    below, above = sums[:, :-1] + room, sums[:, -1:] - sums[:, :-1] + room
    whole = (sums[:, -1], np.zeros(len(rows)), below.ravel(), above.ravel())
    cases = [float(np.logaddexp.reduce(one)) for one in whole]
    top = max(cases)
    weight = np.exp(np.array(cases) - top)
    share = (np.exp(below - top) + np.exp(above - top)).sum(0)
    if share.sum() == 0.0:  # so much better are others that doubles end; where a turn would be can be said all the same
        most = max(float(below.max()), float(above.max()))
        share = (np.exp(below - most) + np.exp(above - most)).sum(0)
    ends = np.column_stack([at[:-1], at[1:]])
    probability = {name: float(one) for name, one in zip(CASES, weight / weight.sum(), strict=True)}
    return Switch(probability, ends, share / share.sum())
