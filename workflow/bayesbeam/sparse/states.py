"""Density of states of the free energy from draws on all rungs at once, by multiple histograms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.evidence.mbar import mbar_at
from bayesbeam.evidence.sources import ladder_source
from bayesbeam.sparse.problem import FloatArray

# Draws of each chain and rung that are used.
_MOST_DRAWS = 2000


@dataclass(frozen=True)
class States:
    """Numbers of supports by size (K+1, B) of which F lies between two of the edges (B+1,), with standard errors."""

    edges: FloatArray
    histogram: FloatArray
    standard_error: FloatArray


def density_of_states(
    value: FloatArray, size: NDArray[np.int16], beta: FloatArray, log_prior: FloatArray, edges: FloatArray
) -> States:
    """Density of states from draws on a ladder.

    Parameters
    ----------
    value, size : array (S, C, R), int array (S, C, R)
        Log evidence -F and size of every draw.
    beta : array (R,)
    log_prior : array (K+1,)
        Log prior probability of one support of each size: what turns probabilities under the prior into numbers.

    Notes
    -----
    Errors are those of leaving out each chain in turn, free energies of the rungs included. Of a long run every few
    sweeps are used.

    Source
    ------
    Ferrenberg and Swendsen, Phys. Rev. Lett. 63, 1195 (1989); in this use Igarashi et al., arXiv 1707.02050. Checked
    against: exact numbers of an exhaustive search.
    """
    thin = -(-len(value) // _MOST_DRAWS)
    value, size = value[::thin], size[::thin]
    draws, chains, rungs = value.shape
    rung = mbar_at([ladder_source(value, beta)], beta[1:])
    free = np.array([0.0, *(one.value for one in rung)])
    # Row 0 of all chains, then without each.
    moved = np.zeros((1 + chains, rungs))
    moved[1:, 1:] = np.stack([one.without for one in rung], axis=1) - free[1:]
    sizes, bins = len(log_prior), len(edges) - 1
    tables = np.zeros((1 + chains, chains, sizes * bins))
    for c in range(chains):
        for r in range(rungs):
            found = value[:, c, r]
            exponent = free[:, None] + beta[:, None] * found
            top = exponent.max(0)
            share = np.exp(exponent - top)
            weight = np.exp(-top) / np.einsum("jr,rd->jd", np.exp(moved), share)
            place = np.clip(np.searchsorted(edges, -found) - 1, 0, bins - 1) + bins * size[:, c, r].astype(np.int64)
            for replicate, row in zip(tables, weight, strict=True):
                replicate[c] += np.bincount(place, weights=row, minlength=sizes * bins)
    numbers = 1.0 / (draws * np.exp(np.repeat(log_prior, bins)))
    without = np.stack([np.delete(tables[1 + c], c, axis=0).mean(0) for c in range(chains)]) * numbers
    spread = np.sqrt(np.square(without - without.mean(0)).sum(0) * (chains - 1) / chains)
    return States(edges, (tables[0].mean(0) * numbers).reshape(sizes, bins), spread.reshape(sizes, bins))
