"""Numbers whose errors have causes in common: what each owes to what, so that differences are as sure as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

FloatArray = NDArray[np.float64]

_DRAWS = 2000


@dataclass(frozen=True)
class Uncertain:
    """A number with its error as a sum of independent ones, by the name of what each is owed to.

    Attributes
    ----------
    value : float, nats
    sources : mapping of str to array
        Changes of the number by one standard deviation of each of some independent errors.
    doubt : str
        Why the number is a guess; empty where it is not.
    ceiling : float or None, nats
        What a guess is at most; None where it is none.
    """

    value: float
    sources: Mapping[str, FloatArray]
    doubt: str = ""
    ceiling: float | None = None

    @property
    def standard_error(self) -> float:
        """Standard error, nats."""
        return math.sqrt(sum(float(np.square(one).sum()) for one in self.sources.values()))


@dataclass(frozen=True)
class Compared:
    """Hypotheses that are sums of uncertain gains.

    Attributes
    ----------
    gain, standard_error : array (K,), nats
        Free energy of each lower than that of the hypothesis of no gain by so much.
    probability, probability_error : array (K,)
    redrawn : array (draws, K)
        Probabilities when gains are drawn anew within their errors.
    """

    gain: FloatArray
    standard_error: FloatArray
    probability: FloatArray
    probability_error: FloatArray
    redrawn: FloatArray

    def of(self, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expectation (...) of what each hypothesis has (K, ...), and its error."""
        found, again = np.tensordot(self.probability, weight, 1), np.tensordot(self.redrawn, weight, 1)
        return found, np.sqrt(np.square(again - found).mean(0))


def compare(has: FloatArray, gains: Sequence[Uncertain], log_weight: FloatArray) -> Compared:
    """Probabilities of hypotheses, and what the errors of gains do to them.

    Parameters
    ----------
    has : array (K, B)
        How often each hypothesis has each of the gains.
    gains : sequence of Uncertain, length B
    log_weight : array (K,), nats
        Logarithm of the prior weight of each hypothesis.
    """
    influence = influence_of(gains)
    gain = has @ np.array([one.value for one in gains]) if gains else np.zeros(len(has))
    noise = np.random.Generator(np.random.Philox(20260303)).standard_normal((_DRAWS, influence.shape[1]))
    probability = _softmax(gain + log_weight)
    redrawn = _softmax(gain + log_weight + (noise @ influence.T) @ has.T)
    error = np.sqrt(np.square(redrawn - probability).mean(0))
    return Compared(gain, np.sqrt(np.square(has @ influence).sum(1)), probability, error, redrawn)


def influence_of(gains: Sequence[Uncertain]) -> FloatArray:
    """Changes (B, E) of some numbers by one standard deviation of each error of any of them."""
    sizes: dict[str, int] = {}
    for one in gains:
        sizes |= {name: len(values) for name, values in one.sources.items()}
    starts = dict(zip(sizes, np.cumsum([0, *sizes.values()]), strict=False))
    found = np.zeros((len(gains), sum(sizes.values())))
    for row, one in zip(found, gains, strict=True):
        for name, values in one.sources.items():
            row[starts[name] : starts[name] + sizes[name]] = values
    return found


def _softmax(score: FloatArray) -> FloatArray:
    """Normalised exponentials along the last axis."""
    return np.exp(score - logsumexp(score, axis=-1, keepdims=True))
