"""Draws that go into a multistate estimate, and what it needs of them: numbers, a sample, weights on nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bayesbeam.evidence.density import Nodes
from bayesbeam.evidence.estimate import FloatArray, all_but_one, host_array

# Draws of each rung in a sample.
_SAMPLE = 32


@dataclass(frozen=True)
class Source:
    """Draws of C chains at r inverse temperatures, as many at each.

    Attributes
    ----------
    beta : array (r,)
    log_likelihood : array (r, C, n), nats
    weight : array (r, C)
        What a draw counts.
    """

    beta: FloatArray
    log_likelihood: FloatArray
    weight: FloatArray


def ladder_source(log_likelihood: FloatArray | Tensor, beta: FloatArray | Tensor) -> Source:
    """Draws (S, C, R) of replica exchange on a ladder (R,), every one of which counts 1."""
    draws = np.ascontiguousarray(host_array(log_likelihood).transpose(2, 1, 0))
    return Source(host_array(beta), draws, np.ones(draws.shape[:2]))


def largest_value(sources: Sequence[Source], beta: FloatArray) -> float:
    """Largest log-likelihood; minus infinity where there is no evidence or a rung has draws it cannot have."""
    possible, top = np.zeros(len(beta), dtype=bool), []
    for source in sources:
        counts = source.weight > 0
        low, high = (f(source.log_likelihood, axis=2) for f in (np.min, np.max))
        rung = np.searchsorted(beta, source.beta)
        # Of prior draws one must be possible, of others all.
        needed = np.where(rung[:, None] == 0, high, low)
        fine = ~np.isneginf(needed)
        good = (fine & counts).any(1) & ((rung == 0) | (fine | ~counts).all(1))
        possible[rung[good]] = True
        if not good[rung > 0].all():
            return -math.inf
        top.append(float(np.where(counts, high, -np.inf).max()))
    return max(top) if possible.all() else -math.inf


def draw_counts(sources: Sequence[Source], beta: FloatArray) -> FloatArray:
    """Sum of the weights of all draws at each inverse temperature (K,)."""
    count = np.zeros(len(beta))
    for source in sources:
        count[np.searchsorted(beta, source.beta)] += source.log_likelihood.shape[2] * source.weight.sum(1)
    return count


def some_draws(sources: Sequence[Source], beta: FloatArray) -> list[FloatArray]:
    """Some of the possible draws at each inverse temperature."""
    sample: list[list[FloatArray]] = [[] for _ in beta]
    for source in sources:
        rung = np.searchsorted(beta, source.beta)
        for k, log_likelihood, weight in zip(rung, source.log_likelihood, source.weight, strict=True):
            draws = log_likelihood[weight > 0].ravel()
            draws = draws[np.isfinite(draws)] if k == 0 else draws
            sample[k].append(draws[:: max(len(draws) // _SAMPLE, 1)])
    return [np.concatenate(parts) for parts in sample]


def possible_part(sources: Sequence[Source], lowest: float) -> float:
    """Part of the draws at the lowest inverse temperature that is possible."""
    draws = [source.log_likelihood[source.beta == lowest].ravel() for source in sources]
    return float(np.isfinite(np.concatenate(draws)).mean())


def node_weights(nodes: Nodes, source: Source) -> FloatArray:
    """Weights of draws on nodes (1 + C, B): of all chains, then of all but one, these scaled to C - 1 mean chains."""
    rungs, chains, draws = source.log_likelihood.shape
    rows = source.log_likelihood.reshape(-1, draws)
    if (source.weight == 1.0).all():
        own = nodes.deposit(rows, np.tile(np.arange(chains), rungs))
        total = own.sum(0)
        return np.concatenate([total[None], total - own])
    own = nodes.deposit(rows, np.arange(rungs * chains))
    rest = all_but_one(source.weight.T)
    # Where one chain has all the weight there is no number without it.
    scale = np.full_like(rest, np.nan)
    np.divide((chains - 1) / chains * source.weight.sum(1), rest, out=scale, where=rest > 0)
    factor = np.concatenate([np.ones((1, rungs, chains)), scale[..., None] * (1.0 - np.eye(chains))[:, None]])
    weight: FloatArray = np.einsum("cn,nb->cb", (factor * source.weight).reshape(1 + chains, -1), own)
    return weight
