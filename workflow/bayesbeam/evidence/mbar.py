"""Free energy from draws of all rungs at once, of one ladder or of several.

The multistate Bennett acceptance ratio. All rungs share one log-likelihood, so it needs nothing but the log-likelihoods
of draws and their inverse temperatures; draws of tempered SMC and of replica exchange can be pooled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesbeam.evidence.density import place_nodes
from bayesbeam.evidence.equations import solve
from bayesbeam.evidence.estimate import FloatArray, Replicates, check_chains
from bayesbeam.evidence.pairs import FEWEST_SHARED
from bayesbeam.evidence.sources import Source, draw_counts, largest_value, node_weights, possible_part, some_draws

_ITERATIONS = 200
# Newton's steps square their error: after one below this the solution is exact to 1e-10.
_LAST_STEP = 1e-5
# Keeps a step finite where rungs do not overlap at all.
_RIDGE = 1e-10
_SMALLEST = 1e-200


def mbar(sources: Sequence[Source]) -> Replicates:
    """Free energy of the highest inverse temperature, less that of the lowest.

    Parameters
    ----------
    sources : sequence of Source
        All with the same chains.

    Raises
    ------
    SamplingError
        With fewer than two chains.

    Notes
    -----
    ``exp(-f_k) = sum_n w_n exp(beta_k L_n) / sum_j N_j exp(f_j + beta_j L_n)``, ``N_j`` the sum of the weights of the
    draws at ``beta_j``. Solved by Newton steps on a convex function; leaving a chain out is two more steps from the
    pooled solution. Sums over draws are taken on nodes (density.py), which moves F by less than 1e-5 nats. Infinite,
    without an error, where a rung has no possible draw, or one above the lowest an impossible draw; not a number where
    rungs below and above some inverse temperature share less than one draw.

    Source
    ------
    Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008): equation 11; with draws in bins: Ferrenberg and Swendsen,
    Phys. Rev. Lett. 63, 1195 (1989). Checked against: the equation without nodes, testsystems.
    """
    beta = np.unique(np.concatenate([source.beta for source in sources]))
    return mbar_at(sources, beta[-1:])[0]


def mbar_at(sources: Sequence[Source], at: FloatArray) -> list[Replicates]:
    """Free energies at any inverse temperatures (n,) between the lowest and the highest, less that of the lowest.

    As :func:`mbar`: between rungs by the weights of the same draws.
    """
    chains = check_chains(sources[0].weight.shape[1])
    pooled = _pooled(sources)
    if isinstance(pooled, float):
        return [Replicates(pooled, np.full(chains, np.nan)) for _ in at]
    with np.errstate(invalid="ignore", divide="ignore"):  # no number where rungs do not overlap
        lowest = _log_integral(pooled.lowest_beta * pooled.node - pooled.log_mixture, pooled.weight)
        free_energy = [lowest - _log_integral(b * pooled.node - pooled.log_mixture, pooled.weight) for b in at]
    return [Replicates(float(found[0]), found[1:]) for found in free_energy]


def mbar_curve(sources: Sequence[Source], at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same at many inverse temperatures (n,): free energies (n,), and those without each chain (n, C).

    As :func:`mbar_at` to rounding, in a fraction of its time: exponentials are those of the pooled mixture, on which
    the mixtures without a chain are factors.
    """
    chains = check_chains(sources[0].weight.shape[1])
    pooled = _pooled(sources)
    if isinstance(pooled, float):
        return np.full(len(at), pooled), np.full((len(at), chains), np.nan)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # no number where rungs do not overlap
        factor = pooled.weight * np.exp(pooled.log_mixture[0] - pooled.log_mixture)
        exponent = np.concatenate([[pooled.lowest_beta], at])[:, None] * pooled.node - pooled.log_mixture[0]
        top = exponent.max(axis=1, keepdims=True)
        # Scalar products, as in _solve.
        found = top + np.log(np.vecdot(np.exp(exponent - top)[:, None], factor))
    return found[0, 0] - found[1:, 0], found[0, 1:] - found[1:, 1:]


@dataclass(frozen=True)
class _Pooled:
    """Draws of all rungs as one sample of a mixture, first that of all chains, then those without each.

    Attributes
    ----------
    lowest_beta : float
    node : array (B,)
        Values of the log-likelihood.
    weight, log_mixture : array (1 + C, B)
        Draws on each node, and the logarithm of the density that they are taken from, relative to the prior.
    """

    lowest_beta: float
    node: FloatArray
    weight: FloatArray
    log_mixture: FloatArray


def _pooled(sources: Sequence[Source]) -> _Pooled | float:
    """Mixture of all draws; infinity or no number, what every free energy then is, where :func:`mbar` says so."""
    chains = sources[0].weight.shape[1]
    beta = np.unique(np.concatenate([source.beta for source in sources]))
    top = largest_value(sources, beta)
    if not math.isfinite(top):
        return -top
    count, sample = draw_counts(sources, beta), some_draws(sources, beta)
    start = _stepping_stones(beta, sample, possible_part(sources, beta[0]))
    nodes = place_nodes(beta, count, start, np.concatenate(sample), top)
    weight = np.zeros((1 + chains, len(nodes.value)))
    for source in sources:
        weight += node_weights(nodes, source)
    f, share, shared = _solve(beta, count, nodes.value, weight[0], start)
    if not _least_shared(shared) >= FEWEST_SHARED:
        return math.nan
    log_mixture = np.tile(_log_mixture(f + np.log(count), beta, nodes.value), (1 + chains, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        log_mixture[1:] += np.log(_without_each(share, shared, weight[1:], count * (chains - 1) / chains))
    return _Pooled(float(beta[0]), nodes.value, weight, log_mixture)


def _stepping_stones(beta: FloatArray, sample: Sequence[FloatArray], possible: float) -> FloatArray:
    """Free energies (K,) to start from, each rung looking up to the next."""
    f = np.zeros(len(beta))
    for k, gap in enumerate(np.diff(beta)):
        exponent = gap * sample[k]
        top = exponent.max()
        f[k + 1] = f[k] - top - np.log(np.exp(exponent - top).mean())
    f[1:] -= math.log(possible)
    return f


def _log_mixture(log_weight: FloatArray, beta: FloatArray, node: FloatArray) -> FloatArray:
    """Logarithm of the density that draws of all rungs (K,) are taken from, on nodes (B,), relative to the prior."""
    exponent = log_weight[:, None] + beta[:, None] * node
    top = exponent.max(axis=0)
    mixture: FloatArray = top + np.log(np.exp(exponent - top).sum(axis=0))
    return mixture


def _log_integral(exponent: FloatArray, weight: FloatArray) -> FloatArray:
    """Logarithm of the weighted sums of exponentials, (rows, B) to (rows,)."""
    top = exponent.max(axis=1)
    total: FloatArray = top + np.log((weight * np.exp(exponent - top[:, None])).sum(axis=1))
    return total


def _solve(
    beta: FloatArray, count: FloatArray, node: FloatArray, weight: FloatArray, start: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Free energies (K,), the first one 0; shares of rungs on nodes (K, B); draws that rungs share (K, K)."""
    f, best, step = start, np.inf, np.full(len(beta) - 1, np.inf)
    for _ in range(_ITERATIONS):
        log_weight = f + np.log(count)
        log_mixture = _log_mixture(log_weight, beta, node)
        value = float((weight * log_mixture).sum() - (count * f).sum())
        if value > best + 1e-10 * (1.0 + abs(best)):
            step = 0.5 * step
            f = np.concatenate([f[:1], f[1:] - step])
            continue
        best, share = value, np.exp(log_weight[:, None] + beta[:, None] * node - log_mixture)
        # Scalar products, not one of matrices, which a library may share out among threads: then it adds in any order.
        shared = np.vecdot((share * weight)[:, None], share)
        if np.abs(step).max() < _LAST_STEP:
            break
        step = solve(_hessian(shared), (count - shared.sum(1))[1:])
        f = np.concatenate([f[:1], f[1:] + step])
    return f, share, shared


def _hessian(shared: FloatArray) -> FloatArray:
    """Second derivative of the function that is made small, (K-1, K-1)."""
    drawn = shared.sum(1)
    hessian: FloatArray = (np.diag((1.0 + _RIDGE) * drawn + _SMALLEST) - shared)[1:, 1:]
    return hessian


def _least_shared(shared: FloatArray) -> float:
    """Fewest draws that rungs below and above any inverse temperature share."""
    below = np.cumsum(shared.sum(1)) - np.diag(np.cumsum(np.cumsum(shared, axis=0), axis=1))
    return float(below[:-1].min())


def _without_each(share: FloatArray, shared: FloatArray, weight: FloatArray, count: FloatArray) -> FloatArray:
    """Density of draws without each chain over that of all, on nodes (C, B), by two steps from the pooled solution."""
    chains, hessian = len(weight), _hessian(shared)
    change, moved = np.zeros((chains, len(count))), np.ones_like(weight)
    for _ in range(2):
        drawn = np.exp(change) * np.vecdot((weight / moved)[:, None], share)
        change[:, 1:] += solve(hessian, (count - drawn)[:, 1:].T).T * (chains / (chains - 1))
        # Where rungs do not overlap a step may be anything.
        change = np.clip(change, -300.0, 300.0)
        moved = np.einsum("ck,kb->cb", np.exp(change), share)
    return moved
