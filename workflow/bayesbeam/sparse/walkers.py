"""What walks over supports: states of all chains and rungs, the chances of moves, and what a block of sweeps gives.

Moves are the same on all engines: a column in, a column out, one for any other, one for another like it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.rng import uniforms
from bayesbeam.sparse.problem import FloatArray, Reduced
from bayesbeam.sparse.sizes import log_prior_of_one

IntArray = NDArray[np.int64]

# Chances of a column in, of one out, of one for any other; the rest is one for another like it.
IN, OUT, ANY = 0.25, 0.5, 0.75
EXCHANGE_SLOT = 1 << 20
START_SLOT = 1 << 21
# Share of the columns that are unlike: each can still be reached from each.
_UNLIKE = 1e-4


@dataclass
class Walkers:
    """States of C chains with R rungs each; rung r holds the state of replica ``replica[c, r]``; changed in place.

    Attributes
    ----------
    support : int array (C, R, K)
        Columns of each state, rising, filled up with P.
    size : int array (C, R)
    value : array (C, R), nats
        Log evidence of each state, -F.
    replica, last : int arrays (C, R)
        Number of the replica on each rung; for each replica the end it has last been at: 1 at beta = 0, 2 at beta = 1.
    halves : int array (C,)
        Half trips from end to end so far.
    """

    support: IntArray
    size: IntArray
    value: FloatArray
    replica: IntArray
    last: IntArray
    halves: IntArray


class Steps(NamedTuple):
    """What decides on moves, besides free energies.

    ``change`` (K,): log of what the prior of one more column and the chances of proposing it come to, from k = 0 on.
    ``likeness`` (P, P): sums along rows of how alike columns are, the last of which is the total of a row.
    ``log_prior`` (K+1,): of one support of each size.
    """

    change: FloatArray
    likeness: FloatArray
    log_prior: FloatArray


class Block(NamedTuple):
    """A block of S sweeps: log evidence and size on every rung, the supports at beta = 1, and chances of exchange.

    ``value``, ``size`` (S, C, R), ``top`` (S, C, K), ``exchange`` (S, C, R-1); ``best`` (C, T, K), ``cost`` (C, T): the
    most probable supports that each chain has looked at, best first, and F less the log prior of each.
    """

    value: FloatArray
    size: NDArray[np.int16]
    top: IntArray
    exchange: FloatArray
    best: IntArray
    cost: FloatArray


def steps_of(sums: Reduced, log_size: FloatArray) -> Steps:
    """Chances of moves for a prior of sizes, given as log probabilities (K+1,)."""
    columns = len(sums.moment)
    log_prior = log_prior_of_one(log_size, columns)
    # One of P - k columns is proposed to come in, and one of the k + 1 to go out again.
    size = np.arange(len(log_prior) - 1)
    change = np.diff(log_prior) + np.log(columns - size) - np.log(size + 1.0)
    own = sums.gram - np.eye(columns)
    length = np.sqrt(np.maximum(np.diag(own), np.finfo(np.float64).tiny))
    like = np.square(np.square(own / length / length[:, None])) + _UNLIKE
    np.fill_diagonal(like, 0.0)
    return Steps(change, np.cumsum(0.5 * (like + like.T), axis=1), log_prior)


def first_walkers(key: tuple[int, int], columns: int, log_size: FloatArray, chains: int, rungs: int) -> Walkers:
    """States drawn from the prior."""
    most = len(log_size) - 1
    keys = torch.tensor(key, dtype=torch.int64)
    slots = START_SLOT + torch.arange(columns + 1)
    number = uniforms(keys, chains, rungs, torch.zeros(1, dtype=torch.int64), slots, 1)[0, 0].numpy()
    size = np.minimum(np.searchsorted(np.cumsum(np.exp(log_size)), number[0]), most)
    order = np.argsort(number[1:], axis=0, kind="stable")[:most]
    support = np.where(np.arange(most)[:, None, None] < size, order, columns)
    support = np.ascontiguousarray(np.moveaxis(np.sort(support, axis=0), 0, -1))
    replica = np.tile(np.arange(rungs), (chains, 1))
    last = np.zeros((chains, rungs), dtype=np.int64)
    value = np.full((chains, rungs), np.nan)
    return Walkers(support, size.astype(np.int64), value, replica, last, np.zeros(chains, dtype=np.int64))


def best_of(support: IntArray, cost: FloatArray, ranked: int) -> tuple[IntArray, FloatArray]:
    """Supports (T, K) of least cost and their costs (T,), each once, filled up with -1 and infinity."""
    order = np.lexsort((*support.T[::-1], cost))
    _, first = np.unique(support[order], axis=0, return_index=True)
    chosen = order[np.sort(first)][:ranked]
    best, least = np.full((ranked, support.shape[1]), -1), np.full(ranked, np.inf)
    best[: len(chosen)], least[: len(chosen)] = support[chosen], cost[chosen]
    return best, least
