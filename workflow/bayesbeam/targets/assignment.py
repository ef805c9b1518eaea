"""Labels of exchangeable instances by optimal assignment, for draws that order by position would mix up.

Of two peaks that cross, order by position makes two mixtures of both. Each draw is therefore assigned to running means
and spreads of the labels, and what is left of doubt is stated as an overlap of every two labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations

import numpy as np

from bayesbeam.targets.base import Target
from bayesbeam.targets.exchangeable import FloatArray, IntArray, ordered_parts, positions, rearrange, relabel
from bayesbeam.targets.parts import Instance

MIXED = 0.05
"""Overlap from which two labels are said not to be told apart."""
# Assignment is taken where it leaves at most this share of the overlap that order has, summed over pairs.
GAIN = 0.6
MOST_ROUNDS = 30
# Draws by which the means and spreads of labels are found.
MOST_DRAWS = 500
# Numbers that are held at once when draws are assigned.
MOST_COSTS = 2_000_000
# Up to so many instances all orders are tried at once, which is faster than one assignment after the other.
FEW = 4


@dataclass(frozen=True)
class Labels:
    """How the instances of one part got their numbers, and how well these can be told apart.

    Attributes
    ----------
    part : str
    by : str
        "order" (of positions) or "assignment".
    overlap : array (k, k)
        For each two labels, twice the probability that a draw has them the other way round, were each label a normal
        distribution: 0 for peaks that are apart. The diagonal is 0.
    """

    part: str
    by: str
    overlap: FloatArray

    @property
    def assigned(self) -> bool:
        """Whether the numbers are those of an assignment."""
        return self.by == "assignment"

    @property
    def doubtful(self) -> list[tuple[int, int, float]]:
        """Labels, counted from 1, that cannot be told apart, with their overlap."""
        pairs = combinations(range(len(self.overlap)), 2)
        return [(a + 1, b + 1, float(self.overlap[a, b])) for a, b in pairs if self.overlap[a, b] >= MIXED]


def label(target: Target, theta: FloatArray) -> tuple[FloatArray, tuple[Labels, ...]]:
    """Draws with the instances of each exchangeable part numbered alike in all draws, and how that was done.

    Parameters
    ----------
    target : Target
    theta : array (..., D, P)
        Draws of all members of one group.

    Returns
    -------
    array (..., D, P) and tuple of Labels
        Numbers rise with the position, in each draw where they are by order, on average where they are by assignment.

    Notes
    -----
    Labels are normal distributions of the free parameters (of logarithms where walks are made in these), independent
    of each other; means and spreads are those of the draws they have, and draws are assigned to them in turn until
    none changes. That is begun from the order by each parameter, and the likeliest end is taken, so that the answer
    depends on nothing but the draws as sets of instances. Order by position is kept unless it mixes instances
    (an overlap of 0.05) and assignment leaves at most 0.6 of the overlap, summed over pairs.

    Source
    ------
    M. Stephens, J. R. Stat. Soc. B 62 (2000) 795 (assignment to running estimates); normal labels as in
    G. Celeux, COMPSTAT 1998, 227.
    """
    ordered = relabel(target, theta)
    flat = ordered.reshape(-1, *ordered.shape[-2:])
    found = []
    for instances in ordered_parts(target):
        features = _features(target, flat, instances)
        if not features.shape[2]:
            continue
        order, labels = _labelled(instances[0].part, features, positions(flat, instances))
        if order is not None:
            flat = rearrange(flat, instances, order)
        found.append(labels)
    return flat.reshape(ordered.shape), tuple(found)


def _labelled(part: str, features: FloatArray, places: FloatArray) -> tuple[IntArray | None, Labels]:
    """Order of instances (n, k), None for that of positions, which they have; and what is said of it."""
    natural = np.broadcast_to(np.arange(features.shape[1]), features.shape[:2])
    some = slice(None, None, -(-len(features) // MOST_DRAWS))
    mean, spread = _moments(features[some], natural[some])
    before = _overlap(_costs(features[some], mean, spread))
    if before.max() < MIXED:
        return None, Labels(part, "order", before)
    mean, spread = _settled(features[some])
    # Labels by the mean of the position.
    order = _assigned(features, mean, spread)
    by_place = np.argsort(np.take_along_axis(places, order, 1).mean(0), kind="stable")
    order, mean, spread = order[:, by_place], mean[by_place], spread[by_place]
    costs = _costs(np.take_along_axis(features[some], order[some][..., None], 1), mean, spread)
    after = _overlap(costs)
    if after.sum() > GAIN * before.sum():
        return None, Labels(part, "order", before)
    return order, Labels(part, "assignment", after)


def _features(target: Target, theta: FloatArray, instances: list[Instance]) -> FloatArray:
    """Free parameters of each instance (n, k, f) of draws (n, D, P), those of all members one after the other."""
    columns = []
    for slots in zip(*(one.slots for one in instances), strict=True):
        if slots[0] not in target.moving:
            continue
        values = theta[:, :, list(slots)]
        if target.slots[slots[0]].shared:
            values = values[:, :1]
        logs = target.priors[slots[0]].family.log_coordinate and bool((values > 0).all())
        columns.append(np.log(values) if logs else values)
    if not columns:
        return np.empty((len(theta), len(instances), 0))
    found = np.concatenate(columns, axis=1).swapaxes(1, 2)
    scale = found.std(axis=(0, 1))
    return np.asarray((found - found.mean(axis=(0, 1)))[..., scale > 0] / scale[scale > 0])


def _settled(features: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means and spreads (k, f) of labels to which no draw is assigned anew, the likeliest of all starts."""
    best, found = np.inf, None
    for f in range(features.shape[2]):
        order = np.argsort(features[..., f], axis=1, kind="stable")
        for _ in range(MOST_ROUNDS):
            mean, spread = _moments(features, order)
            costs = _costs(features, mean, spread)
            new = _best(costs)
            if np.array_equal(new, order):
                break
            order = new
        cost = _mean_cost(costs, order)
        if found is None or cost < best - 1e-9:
            best, found = cost, (mean, spread)
    assert found is not None
    return found


def _mean_cost(costs: FloatArray, order: IntArray) -> float:
    """Cost of an order (n, k), a draw."""
    return float(np.take_along_axis(costs, order[:, None, :], 1)[:, 0].sum(1).mean())


def _moments(features: FloatArray, order: IntArray) -> tuple[FloatArray, FloatArray]:
    """Means and standard deviations (k, f) of labels."""
    labelled = np.take_along_axis(features, order[..., None], 1)
    return labelled.mean(0), np.maximum(labelled.std(0), 1e-9)


def _costs(features: FloatArray, mean: FloatArray, spread: FloatArray) -> FloatArray:
    """Minus log density of each instance under each label, (n, instance, label)."""
    z = (features[:, :, None] - mean) / spread
    return np.asarray(0.5 * (z * z).sum(-1) + np.log(spread).sum(-1))


def _assigned(features: FloatArray, mean: FloatArray, spread: FloatArray) -> IntArray:
    """Instance of each label (n, k) in all draws, in blocks that fit any memory."""
    rows = max(1, MOST_COSTS // (features.shape[1] ** 2 * features.shape[2]))
    blocks = [features[start : start + rows] for start in range(0, len(features), rows)]
    return np.concatenate([_best(_costs(block, mean, spread)) for block in blocks])


def _best(costs: FloatArray) -> IntArray:
    """Instance of each label (n, k) by the assignment of least cost, of equal ones that of no change."""
    n, k = costs.shape[:2]
    order = np.tile(np.arange(k), (n, 1))
    # Each instance is cheapest where it is: nothing is better.
    open_rows = np.flatnonzero((costs.argmin(2) != np.arange(k)).any(1))
    if k <= FEW:
        orders = _orders(k)
        total = sum(costs[open_rows][:, orders[:, a], a] for a in range(k))
        order[open_rows] = orders[np.argmin(total, axis=1)]
        return order
    # Imported where it is used: it takes a sixth of a second, which most jobs need not spend.
    from scipy.optimize import linear_sum_assignment

    for row in open_rows:
        order[row] = linear_sum_assignment(costs[row].T)[1]
    return order


@cache
def _orders(k: int) -> IntArray:
    """All orders of k, that of no change first."""
    return np.array(list(permutations(range(k))))


def _overlap(costs: FloatArray) -> FloatArray:
    """Overlap of every two labels (k, k) from costs (n, k, k) of instances that are in the order of their labels."""
    own = np.diagonal(costs, axis1=1, axis2=2)
    gain = own[:, :, None] + own[:, None, :] - costs - costs.swapaxes(1, 2)
    found = np.minimum(2.0 * (1.0 / (1.0 + np.exp(np.clip(-gain, -700, 700)))).mean(0), 1.0)
    np.fill_diagonal(found, 0.0)
    return np.asarray(found)
