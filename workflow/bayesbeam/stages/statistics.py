"""Statistics of columns of draws, as results files name them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayesbeam.sampling.diagnostics import effective_sample_sizes, split_rhats
from bayesbeam.sampling.solved import QUANTILES
from bayesbeam.stages.known import NAMES
from bayesbeam.targets.quantiles import quantiles

FloatArray = NDArray[np.float64]

LEVELS = dict(zip(NAMES, QUANTILES, strict=True))


def statistics(draws: FloatArray) -> dict[str, float]:
    """Mean, spread, quantiles and diagnostics of one quantity from chains (C, S)."""
    return statistics_of_each(draws[..., None])[0]


def statistics_of_each(draws: FloatArray) -> list[dict[str, float]]:
    """The same of every quantity of draws (C, S, Q) at once.

    A quantity's numbers depend on nothing but its draws.
    """
    if not draws.shape[-1]:
        return []
    columns = np.ascontiguousarray(np.moveaxis(draws, -1, 0), dtype=np.float64)
    flat = columns.reshape(len(columns), -1)
    found = {
        "mean": flat.mean(axis=1),
        "sd": flat.std(axis=1),
        **dict(zip(LEVELS, quantiles(flat, tuple(LEVELS.values()), 1), strict=True)),
        "ess": effective_sample_sizes(columns),
        "rhat": split_rhats(columns),
    }
    return [{name: float(values[k]) for name, values in found.items()} for k in range(len(columns))]
