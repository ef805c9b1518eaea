"""Averages over candidates by their posterior probabilities, with the error that the errors of F put on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.evidence.model_posterior import redrawn_probabilities

FloatArray = NDArray[np.float64]
LEVELS = (0.025, 0.5, 0.975)


@dataclass(frozen=True)
class Average:
    """Mean and standard deviation of a mixture of posteriors, and the error of the mean that comes from those of F.

    Arrays of the shape that the quantity has.
    """

    mean: FloatArray
    sd: FloatArray
    error: FloatArray


def average(free_energy: FloatArray, standard_error: FloatArray, mean: FloatArray, sd: FloatArray) -> Average:
    """Mean and standard deviation of a quantity over candidates.

    Parameters
    ----------
    free_energy, standard_error : array (K,), nats
        Of the candidates, whose prior weights are the same.
    mean, sd : array (K, ...)
        Of the quantity under each candidate.

    Notes
    -----
    The error is the root mean square departure of the mean under redrawn free energies. The Monte Carlo error of the
    means themselves is not in it.

    Source
    ------
    Law of total variance; checked against draws of the mixture.
    """
    best, redrawn = redrawn_probabilities(free_energy, standard_error)
    rows = np.asarray(mean, dtype=np.float64)
    centre = np.tensordot(best, rows, 1)
    # About the centre, so that no digits are lost where means are large.
    away = rows - centre
    variance = np.tensordot(best, np.asarray(sd, dtype=np.float64) ** 2 + away**2, 1)
    # E[(w a)^2] = a' E[w w'] a, in which no draw need be kept for every point of a curve.
    spread = redrawn.T @ redrawn / len(redrawn)
    error = np.einsum("k...,kl,l...->...", away, spread, away)
    return Average(centre, np.sqrt(variance), np.sqrt(np.maximum(error, 0.0)))


def mixture_quantiles(probability: FloatArray, draws: Sequence[FloatArray]) -> FloatArray:
    """Quantiles 0.025, 0.5 and 0.975 of a mixture, given draws (any,) of each candidate."""
    values = np.concatenate([np.ravel(one) for one in draws])
    weights = np.concatenate(
        [np.full(np.size(one), p / np.size(one)) for p, one in zip(probability, draws, strict=True)]
    )
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) - 0.5 * weights[order]
    return np.asarray(np.interp(np.array(LEVELS) * weights.sum(), below, values[order]))
