"""Draws of tempered posteriors as weights on a few hundred values of the log-likelihood, chain by chain.

All that a multi-rung estimate asks of a draw is its log-likelihood, and it asks smoothly: sums over draws become sums
over nodes, at a hundredth of the cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.evidence.estimate import FloatArray

# Distance of nodes in units of that over which the shares of rungs change.
SPACING = 0.05
# Where all rungs but the lowest share less than e^-30, a draw says nothing about them.
_NEGLIGIBLE = 30.0
# Points between which the density of nodes is interpolated: of the sample, and of the tail below it.
_POINTS = 512
_TAIL = 33
# Longest way between two points, in units as above.
_LONGEST = 2.5
# Cells of the table a factor of e in the distance from the top.
_CELLS = 1024
# Draws for which the work of one step stays in the cache of a core.
_BLOCK = 32768


@dataclass(frozen=True)
class Nodes:
    """Values of the log-likelihood (B,), rising, and the table that finds the nearest one.

    The table is regular in the logarithm of the distance from the top, for tempered draws spread over decades of it.
    """

    value: FloatArray
    table: NDArray[np.int64]
    scale: float

    def deposit(self, log_likelihood: FloatArray, slot: NDArray[np.int64]) -> FloatArray:
        """Weights on nodes (slots, B) that stand for draws.

        Parameters
        ----------
        log_likelihood : array (rows, n)
        slot : array (rows,)
            Where the draws of a row are counted.

        Notes
        -----
        Each draw is spread over the nearest node and its two neighbours such that its zeroth, first and second moments
        are kept: Lagrange interpolation of the second order, read backwards. A sum over draws of a function is then
        right to h^3/16 of its largest third derivative, h the distance of nodes. Draws below the lowest node count as
        on it.
        """
        nodes, rows = len(self.value), max(_BLOCK // log_likelihood.shape[1], 1)
        size = nodes * (int(slot.max()) + 1)
        moments = np.zeros((3, size))
        for start in range(0, len(slot), rows):
            block = np.maximum(log_likelihood[start : start + rows], self.value[0])
            nearest = self._nearest(block)
            offset = (block - self.value[nearest]).ravel()
            place = (nearest + nodes * slot[start : start + rows, None]).ravel()
            moments[0] += np.bincount(place, minlength=size)
            moments[1] += np.bincount(place, offset, size)
            moments[2] += np.bincount(place, offset * offset, size)
        return self._spread(*moments.reshape(3, -1, nodes))

    def _nearest(self, log_likelihood: FloatArray) -> NDArray[np.int64]:
        """Index of the node, never the first or last, that is nearest to each value."""
        cell = np.subtract(self.value[-1] + self.scale, log_likelihood)
        np.log(cell, out=cell)
        cell -= math.log(self.scale)
        cell *= _CELLS
        nearest: NDArray[np.int64] = self.table[np.maximum(cell, 0.0, out=cell).astype(np.int64)]
        return nearest

    def _spread(self, count: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
        """Weights on nodes from moments (slots, B) about them."""
        step = np.diff(self.value)
        below, above = step[:-1], step[1:]
        first, second = first[:, 1:-1], second[:, 1:-1]
        down = (second - first * above) / (below * (below + above))
        up = (second + first * below) / (above * (below + above))
        weight = count.copy()
        weight[:, 1:-1] -= down + up
        weight[:, :-2] += down
        weight[:, 2:] += up
        return weight


def place_nodes(beta: FloatArray, count: FloatArray, start: FloatArray, sample: FloatArray, top: float) -> Nodes:
    """Nodes that are fine enough for the shares of rungs.

    Parameters
    ----------
    beta, count, start : array (K,)
        Inverse temperatures, numbers of draws, free energies known to a nat or so.
    sample : array (n,)
        Some of the draws of all rungs.
    top : float
        Largest log-likelihood of all.

    Notes
    -----
    The share of rung k at log-likelihood L changes with L at the rate ``beta_k - <beta>_L``; its third derivative,
    which makes the error, goes with the third moment of beta among the rungs that share L.

    With SPACING = 0.05 the free energy is within 1e-5 nats of the sums over draws on every test system (tested), where
    its standard errors are above 0.01 nats.
    """
    log_weight = (np.log(count) + start)[:, None]
    gap = beta[1:] - beta[0]
    floor = float(((log_weight[0] - log_weight[1:, 0] - _NEGLIGIBLE) / gap).min())
    floor = min(floor, top - _NEGLIGIBLE / float(gap[-1]))
    body = np.unique(np.clip(sample, floor, top))
    body = body[:: len(body) // _POINTS + 1]
    point = np.unique(np.concatenate([np.linspace(floor, body[0], _TAIL), body, [top]]))
    rate = _third_moment(log_weight + beta[:, None] * point, beta)
    way = np.minimum(0.5 * (rate[1:] + rate[:-1]) * np.diff(point), _LONGEST)
    # A little more than nothing, so that the way always rises.
    length = np.concatenate([[0.0], np.cumsum(way + 1e-9)])
    number = math.ceil(length[-1] / SPACING) + 3
    return _with_table(np.interp(np.linspace(0.0, length[-1], number), length, point))


def _third_moment(log_share: FloatArray, beta: FloatArray) -> FloatArray:
    """Cube root of the third absolute central moment of beta over rungs of given shares (K, n): (n,)."""
    share = np.exp(log_share - log_share.max(0))
    share /= share.sum(0)
    departure = np.abs(beta[:, None] - (beta[:, None] * share).sum(0))
    moment: FloatArray = np.cbrt((departure * departure * departure * share).sum(0))
    return moment


def _with_table(value: FloatArray) -> Nodes:
    """Nodes with the table of the nearest one."""
    scale = float(value[-1] - value[-2])
    cells = int(math.log((value[-1] - value[0]) / scale + 1.0) * _CELLS) + 2
    centre = value[-1] + scale - scale * np.exp((np.arange(cells) + 0.5) / _CELLS)
    nearest = np.searchsorted(0.5 * (value[1:] + value[:-1]), centre)
    return Nodes(value, np.clip(nearest, 1, len(value) - 2), scale)
