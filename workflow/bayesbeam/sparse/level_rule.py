"""At which noise levels to look, and with what weights: rules of quadrature over the logarithm of a level.

Each look is a search over supports, so that few are made: equal steps where the integrand falls off before the ends of
the prior, Gauss' rule in panels where an end cuts it off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bayesbeam.errors import SamplingError
from bayesbeam.sparse.problem import FloatArray

# Levels of which the integrand is this many nats below its greatest add nothing that rounding would keep.
NEGLIGIBLE = 40.0
# Spacing of levels, over the least width that the posterior of a logarithm can have: the trapezoidal rule is then right
# to 1e-8 for what falls off like a normal density.
SPACING = 0.8
COARSEST = 0.35
FEWEST_LEVELS, MOST_LEVELS = 32, 400
# Steps in a panel of Gauss' rule and nodes in it: right to 1e-9 for a normal density and for one that falls by 80 nats.
_STEPS, _NODES = 8, 16
# Panels at an end of the prior, each half as long as the one before.
_HALVINGS = 16


@dataclass(frozen=True)
class Rule:
    """Nodes of a rule, as logarithms of levels (G,), and the logarithms of their weights (G,).

    ``stretches`` (n, 2): between these logarithms of levels the integrand is not negligible.
    """

    log_level: FloatArray
    log_weight: FloatArray
    stretches: FloatArray


def adaptive_rule(value: Callable[[float], float], low: float, high: float, points: int) -> Rule:
    """Rule for the integral of ``exp(value)`` from ``low`` to ``high``, which looks only where that may matter.

    Parameters
    ----------
    value : callable
        Logarithm of the integrand at a logarithm of a level; the same number again must cost nothing.
    points : int
        Of the data, which bound how narrow the integrand can be.

    Raises
    ------
    SamplingError
        If more levels matter than can be looked at.
    """
    steps, halvings = _steps(low, high, points)
    whole = steps << halvings
    seen: dict[int, float] = {}

    def at(place: int) -> float:
        return low + (high - low) * place / whole

    def look(place: int) -> None:
        if place not in seen:
            seen[place] = value(at(place))
            _check_number(len(seen))

    for place in range(0, whole + 1, 1 << halvings):
        look(place)
    for halving in range(halvings, 0, -1):
        _refine(seen, 1 << halving, look, points, (high - low) / whole)
    top = max(seen.values())
    kept = sorted(place for place, one in seen.items() if one > top - NEGLIGIBLE)
    if kept[0] > 0 and kept[-1] < whole:
        logs = np.array([at(place) for place in kept])
        return Rule(logs, np.full(len(kept), math.log((high - low) / whole)), logs[None, [0, -1]])
    stretches = []
    for run in np.split(kept, np.flatnonzero(np.diff(kept) > 1) + 1):
        first, last = int(run[0]), int(run[-1])
        a, b = at(max(first - 1, 0)), at(min(last + 1, whole))
        if first == last == 0:
            b = _narrowed(value, a, b, top - NEGLIGIBLE)
        if first == last == whole:
            a = _narrowed(value, b, a, top - NEGLIGIBLE)
        stretches.append((a, b))
    rule = _in_panels([_edges(a, b, (high - low) / whole) for a, b in stretches])
    _check_number(len(seen) + len(rule.log_level))
    return rule


def whole_rule(low: float, high: float, points: int) -> Rule:
    """Rule for any such integral, wherever it has its weight; ever narrower panels lead to the ends."""
    steps, halvings = _steps(low, high, points)
    edges = _edges(low, high, (high - low) / (steps << halvings))
    nearer = 0.5 ** np.arange(_HALVINGS, 0.0, -1.0)
    first, last = edges[0] + (edges[1] - edges[0]) * nearer, edges[-1] - (edges[-1] - edges[-2]) * nearer[::-1]
    return _in_panels([np.concatenate([edges[:1], first, edges[1:-1], last, edges[-1:]])])


def _steps(low: float, high: float, points: int) -> tuple[int, int]:
    """Number of coarse steps between two ends, and how often they are halved to be as fine as the data need."""
    steps = max(2, math.ceil((high - low) / COARSEST))
    # A prior that is narrower than that is told by its ends.
    least = min(SPACING / math.sqrt(2.0 * points), (high - low) / FEWEST_LEVELS)
    return steps, max(0, math.ceil(math.log2((high - low) / steps / least)))


def _check_number(levels: int) -> None:
    """Refuse to look at more levels than that."""
    if levels > MOST_LEVELS:
        found, expected = f"more than {MOST_LEVELS} levels that matter", f"{MOST_LEVELS} at most"
        raise SamplingError.at("noise level", found, expected, "State a narrower prior of the level, or a level.")


def _refine(seen: dict[int, float], stride: int, look: Callable[[int], None], points: int, unit: float) -> None:
    """Look between neighbours unless the integrand cannot matter there: its logarithm bends by 2 N at most or so."""
    top = max(seen.values())
    slack = 2.0 * points * (0.5 * stride * unit) ** 2
    for one, other in pairwise(sorted(seen)):
        if other - one == stride and max(seen[one], seen[other]) + slack > top - NEGLIGIBLE:
            look(one + stride // 2)


def _narrowed(value: Callable[[float], float], end: float, far: float, least: float) -> float:
    """Nearest to an end of the prior that halving finds the integrand to be negligible."""
    while value(middle := 0.5 * (end + far)) < least:
        far = middle
    return far


def _edges(low: float, high: float, step: float) -> FloatArray:
    """Edges of panels of equal length, two or more."""
    return np.linspace(low, high, max(2, math.ceil((high - low) / (_STEPS * step))) + 1)


def _in_panels(edges: Sequence[FloatArray]) -> Rule:
    """Gauss' rule in the panels of some stretches."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = np.concatenate([0.5 * np.diff(one) for one in edges])[:, None]
    middle = np.concatenate([0.5 * (one[1:] + one[:-1]) for one in edges])[:, None]
    log_level, log_weight = (middle + half * nodes).ravel(), np.log(half * weights).ravel()
    return Rule(log_level, log_weight, np.array([(one[0], one[-1]) for one in edges]))
