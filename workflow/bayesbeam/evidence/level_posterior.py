"""Posterior of one positive number, from its density at the nodes of Gauss' rule in panels of its logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
PANELS, NODES = 16, 16


@dataclass(frozen=True)
class Levels:
    """Posterior of the level: edges (PANELS + 1,) of panels in its logarithm, Legendre series of its density there."""

    edges: FloatArray
    density: FloatArray

    def quantile(self, share: FloatArray) -> FloatArray:
        """Levels (...) below which the shares (...) of the posterior lie."""
        legendre = np.polynomial.legendre
        half = 0.5 * np.diff(self.edges)
        running = legendre.legint(self.density, lbnd=-1.0, axis=0) * half
        at_end = np.cumsum(legendre.legval(1.0, running))
        wanted = np.asarray(share, dtype=np.float64) * at_end[-1]
        panel = np.minimum(np.searchsorted(at_end, wanted, side="right"), len(half) - 1)
        left = wanted - np.concatenate([[0.0], at_end])[panel]
        chosen = running[:, panel]
        low, high = np.full(wanted.shape, -1.0), np.ones(wanted.shape)
        for _ in range(50):
            middle = 0.5 * (low + high)
            below = legendre.legval(middle, chosen, tensor=False) < left
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found: FloatArray = np.exp(self.edges[panel] + half[panel] * (1.0 + 0.5 * (low + high)))
        return found


def levels_of(edges: FloatArray, weight: FloatArray) -> Levels:
    """Posterior of the level from the weights of the nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = 0.5 * (edges[1] - edges[0])
    values = (weight.reshape(PANELS, NODES) / (half * weights)).T
    return Levels(edges, np.linalg.solve(np.polynomial.legendre.legvander(nodes, NODES - 1), values))


__all__ = ["NODES", "PANELS", "Levels", "levels_of"]
