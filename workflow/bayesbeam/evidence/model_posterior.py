"""What free energies say about candidates: posterior probabilities, with the error that the errors of F put on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ModelPosterior:
    """Posterior probabilities of candidates (K,) and their standard errors (K,)."""

    probability: FloatArray
    standard_error: FloatArray


def model_posterior(
    free_energy: FloatArray, standard_error: FloatArray, weight: FloatArray | None = None, draws: int = 4000
) -> ModelPosterior:
    """Posterior probability of each candidate and its standard error.

    Parameters
    ----------
    free_energy, standard_error : array (K,), nats
        Free energies and standard errors, taken as independent and normal.
    weight : array (K,), optional
        Prior weights, equal when left out.
    draws : int
        Number of normal draws that carry the errors through; a fixed seed, so the answer is reproducible.

    Notes
    -----
    ``p_k ~ weight_k exp(-F_k)``. The error is the root mean square departure under redrawn free energies, which
    stays honest where a probability is near 0 or 1 and the delta method is not.
    """
    best, redrawn = redrawn_probabilities(free_energy, standard_error, weight, draws)
    return ModelPosterior(best, np.sqrt(np.mean(redrawn**2, axis=0)))


def redrawn_probabilities(
    free_energy: FloatArray, standard_error: FloatArray, weight: FloatArray | None = None, draws: int = 4000
) -> tuple[FloatArray, FloatArray]:
    """Probabilities (K,), and their changes (draws, K) when free energies are drawn anew within their errors."""
    f, errors = (np.asarray(one, dtype=np.float64) for one in (free_energy, standard_error))
    weights = np.ones_like(f) if weight is None else np.asarray(weight, dtype=np.float64)
    return _redrawn(tuple(f.tolist()), tuple(errors.tolist()), tuple(weights.tolist()), draws)


@lru_cache(maxsize=8)
def _redrawn(
    free_energy: tuple[float, ...], standard_error: tuple[float, ...], weight: tuple[float, ...], draws: int
) -> tuple[FloatArray, FloatArray]:
    """The same, kept: every quantity of a measurement is averaged by the probabilities of the same candidates."""
    f = np.array(free_energy)
    with np.errstate(divide="ignore"):  # a weight of zero excludes a candidate
        log_weight = np.log(np.array(weight))
    best = _softmax(log_weight - f)
    redrawn = _softmax(log_weight - (f + _noise(draws, len(f)) * np.array(standard_error))) - best
    for one in (best, redrawn):
        one.flags.writeable = False
    return best, redrawn


@lru_cache(maxsize=64)
def _noise(draws: int, candidates: int) -> FloatArray:
    """Standard normal numbers (draws, K), the same ones always."""
    noise = np.random.Generator(np.random.Philox(20260101)).standard_normal((draws, candidates))
    noise.flags.writeable = False
    return noise


def _softmax(score: FloatArray) -> FloatArray:
    """Normalised exponentials along the last axis."""
    risen = np.exp(score - score.max(axis=-1, keepdims=True))
    found: FloatArray = risen / risen.sum(axis=-1, keepdims=True)
    return found


def probability_words(probability: float, standard_error: float) -> str:
    """Probability with its error for people; never 1 or 0, which no free energy can say."""
    if probability > 0.999:
        return "above 0.999"
    if probability < 0.001:
        return "below 0.001"
    if standard_error < 0.005:
        return f"{probability:.3f}" + (f" +- {standard_error:.3f}" if standard_error >= 0.0005 else "")
    return f"{probability:.2f} +- {standard_error:.2f}"
