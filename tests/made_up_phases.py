"""Phases of made-up crystals, and powder patterns of them with counting noise."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from bayesbeam.crystals.cell import spacing
from bayesbeam.crystals.lines import Lines
from bayesbeam.diffraction.phase import Phase, phase_of
from bayesbeam.diffraction.profile import Beam, pattern
from bayesbeam.diffraction.shapes import common_start

FloatArray = NDArray[np.float64]
WIDTH = 0.15


def lines(name: str, cell: tuple[float, ...], ties: tuple[int, int, int], seed: int, least: float = 1.1) -> Lines:
    """Lines of all planes of positive indices, of random strength."""
    most = [int(edge / least) for edge in cell[:3]]
    planes = np.array([h for h in itertools.product(*(range(m + 1) for m in most)) if any(h)])
    if ties == (0, 0, 0):
        planes = planes[(planes[:, 0] >= planes[:, 1]) & (planes[:, 1] >= planes[:, 2])]
    elif ties == (0, 0, 1):
        planes = planes[planes[:, 0] >= planes[:, 1]]
    distances = spacing(cell, planes)
    order = np.argsort(-distances)
    planes = planes[order][distances[order] > least]
    rng = np.random.default_rng(seed)
    return Lines(name, cell, ties, planes, np.full(len(planes), 8), rng.exponential(100.0, len(planes)), 100.0, 200.0)


def phases(count: int = 10) -> list[Phase]:
    """So many phases: cubic, tetragonal and orthorhombic in turn."""
    rng = np.random.default_rng(7)
    made = []
    for k in range(count):
        a, b, c = rng.uniform(3.6, 6.5, 3)
        cell = ((a, a, a), (a, a, c), (a, b, c))[k % 3]
        ties = ((0, 0, 0), (0, 0, 1), (0, 1, 2))[k % 3]
        made.append(phase_of(lines(f"phase {k}", (*cell, 90.0, 90.0, 90.0), ties, k)))
    return made


def mixture(
    parts: dict[int, float], seed: int, candidates: list[Phase], error: float = 0.05, counts: float = 4e4, scan: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Angles and counts of a mixture of given shares of intensity, strengths off by an error, cells by 0.1 %.

    Scans of one seed differ by their counts alone.
    """
    rng = np.random.default_rng(seed)
    x = 15.0 + 0.03 * np.arange(2000)
    y = 60.0 + 40.0 * np.exp(-(x - 15.0) / 20.0)
    for k, share in parts.items():
        one = candidates[k]
        wrong = Phase(one.name, one.cell, one.planes, one.strength * rng.normal(1.0, error, len(one.strength)),
                      one.mass_volume, one.edges, one.angles)  # fmt: skip
        own = np.concatenate([rng.normal(0.0, 0.001, one.strains), np.zeros(3)])
        curve = pattern(x, wrong, Beam(), common_start(WIDTH), own)
        y = y + share * counts * curve / curve.sum()
    return x, (np.random.default_rng([seed, scan]) if scan else rng).poisson(y).astype(np.float64)
