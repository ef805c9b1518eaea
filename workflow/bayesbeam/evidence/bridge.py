"""Free energy from draws of a normalised density close to the posterior, and of the posterior: bridge sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesbeam.evidence.estimate import FloatArray, Replicates
from bayesbeam.evidence.pairs import bennett, weights

# Draws a chain of either kind: with more, the error hardly falls, for it comes from how many the posterior's are worth.
MOST_DRAWS = 500


@dataclass(frozen=True)
class Offered:
    """Logarithms of posterior (not normalised) over a normalised density.

    Attributes
    ----------
    of_density : array (M, C)
        Of draws of the density; minus infinity for impossible ones.
    of_posterior : array (S, C)
        Of draws at beta = 1.
    length, top_length : float
        Draws of replica exchange that are worth one: mean over rungs, and at beta = 1.
    """

    of_density: FloatArray
    of_posterior: FloatArray
    length: float
    top_length: float


def bridge(offered: Offered) -> tuple[Replicates, float]:
    """Free energy, and the variance that it would have with independent draws.

    Notes
    -----
    ``Z = E_g[p h] / E_p[g h]`` for a posterior p, not normalised, and a density g, with Bennett's h. Chains may have
    densities of their own. Whatever the density, the estimate is right as draws grow in number; the variance is small
    only where it is close to the posterior.

    Source
    ------
    Meng and Wong, Statistica Sinica 6, 831 (1996); variance: Bennett, J. Comput. Phys. 22, 245 (1976), equation 10.
    Checked against: testsystems.
    """
    number = min(len(offered.of_density), len(offered.of_posterior), MOST_DRAWS)
    above, below = (_evenly(values, number) for values in (offered.of_density, offered.of_posterior))
    up, down = weights(above[..., None], np.ones(1)), weights(below[..., None], -np.ones(1))
    root, without = bennett(up, down)
    return Replicates(-float(root[0]), -without[:, 0]), _variance(above, below, float(root[0]))


def pair_variances(log_likelihood: FloatArray, beta: FloatArray) -> float:
    """Variance that F from neighbours on a ladder (R,) would have with independent draws (S, C, R).

    Without the covariances of pairs that share a rung: a little more than half of it, good enough for a weight.
    """
    draws = _evenly(log_likelihood, MOST_DRAWS // 5)
    gap = np.diff(beta)
    root = bennett(weights(draws[..., :-1], gap), weights(draws[..., 1:], -gap))[0]
    pairs = (_variance(g * draws[..., k], g * draws[..., k + 1], root[k]) for k, g in enumerate(gap))
    return float(sum(pairs)) * len(draws) / len(log_likelihood)


def _variance(above: FloatArray, below: FloatArray, root: float) -> float:
    """Variance of Bennett's estimate from log-weights of independent draws on both sides."""
    if not np.isfinite(root):
        return np.inf
    shared = sum(
        float((0.25 / np.cosh(np.clip(0.5 * (side - root), -300.0, 300.0)) ** 2).sum()) for side in (above, below)
    )
    return float(1.0 / max(shared, 1e-300) - 1.0 / above.size - 1.0 / below.size)


def _evenly(values: FloatArray, number: int) -> FloatArray:
    """So many draws of (S, ...), evenly taken; all if there are fewer."""
    if len(values) <= number:
        return values
    return values[np.linspace(0, len(values) - 1, number).round().astype(np.int64)]
