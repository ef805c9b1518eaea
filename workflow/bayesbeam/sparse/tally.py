"""Sums over supports while a search goes on, and how those of two parts of it are joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesbeam.sparse.problem import FloatArray, Regression
from bayesbeam.sparse.search import IntArray, Search

# Weights this much below the largest, in nats, times the number of supports, are lost in rounding.
LOST = 45.0


@dataclass
class Tally:
    """Weighted sums over supports by size, each relative to the least free energy of its size; changed in place."""

    edges: FloatArray
    reference: FloatArray
    weight: FloatArray
    inclusion: FloatArray
    mean: FloatArray
    square: FloatArray
    histogram: IntArray
    best: IntArray
    best_free_energy: FloatArray
    least: float = 1.0

    @classmethod
    def empty(cls, most: int, columns: int, ranked: int, edges: FloatArray) -> Tally:
        """Sums over no support yet."""
        sizes = most + 1
        inclusion, mean, square = (np.zeros((sizes, columns)) for _ in range(3))
        best, histogram = np.full((sizes, ranked, most), -1), np.zeros((sizes, len(edges) - 1), np.int64)
        return cls(edges, np.full(sizes, np.inf), np.zeros(sizes), inclusion, mean, square, histogram, best,
                   np.full((sizes, ranked), np.inf))  # fmt: skip

    def like(self) -> Tally:
        """Empty sums of the same sizes."""
        ranked, most = self.best.shape[1:]
        return Tally.empty(most, self.inclusion.shape[1], ranked, self.edges)

    def add(self, other: Tally) -> None:
        """Add the sums of other supports."""
        reference = np.minimum(self.reference, other.reference)
        with np.errstate(invalid="ignore"):  # infinity less infinity, of a size not seen yet
            own, its = (np.nan_to_num(np.exp(reference - one.reference), nan=0.0) for one in (self, other))
        self.reference = reference
        self.weight = own * self.weight + its * other.weight
        for name in ("inclusion", "mean", "square"):
            setattr(self, name, own[:, None] * getattr(self, name) + its[:, None] * getattr(other, name))
        self.histogram += other.histogram
        self.least = min(self.least, other.least)
        values = np.concatenate([self.best_free_energy, other.best_free_energy], axis=1)
        order = np.argsort(values, axis=1, kind="stable")[:, : self.best.shape[1]]
        self.best_free_energy = np.take_along_axis(values, order, axis=1)
        both = np.concatenate([self.best, other.best], axis=1)
        self.best = np.take_along_axis(both, order[:, :, None], axis=1)

    def log_sum(self) -> FloatArray:
        """Logarithm of the sum of ``exp(-F)`` of each size, minus infinity where there is none."""
        with np.errstate(divide="ignore"):
            return np.where(self.weight > 0.0, np.log(self.weight) - self.reference, -np.inf)

    def search(self, problem: Regression, counts: list[int], rounding: float, parts: FloatArray) -> Search:
        """What was found."""
        inclusion, mean, square = (part / self.weight[:, None] for part in (self.inclusion, self.mean, self.square))
        sums = self.log_sum(), inclusion, mean, square
        return Search(problem.columns, problem.always, np.array(counts), *sums, self.edges, self.histogram, self.best,
                      self.best_free_energy, rounding, parts)  # fmt: skip
