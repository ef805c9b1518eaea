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
# Numbers of a table of draws by hypotheses that are looked at together.
_AT_ONCE = 1 << 20


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
    expected, expected_error : array (Q,)
        Expectations of the features of the hypotheses.
    """

    gain: FloatArray
    standard_error: FloatArray
    probability: FloatArray
    probability_error: FloatArray
    expected: FloatArray
    expected_error: FloatArray


def compare(
    terms: Sequence[Sequence[int]],
    gains: Sequence[Uncertain],
    log_weight: FloatArray,
    features: FloatArray | None = None,
) -> Compared:
    """Probabilities of hypotheses, and what the errors of gains do to them.

    Parameters
    ----------
    terms : sequence of sequence of int, length K
        Which of the gains each hypothesis is the sum of; of none where it has none.
    gains : sequence of Uncertain, length B
    log_weight : array (K,), nats
        Logarithm of the prior weight of each hypothesis.
    features : array (Q, K), optional
        Numbers that hypotheses have, the expectations of which are wanted.

    Notes
    -----
    Errors are root mean square changes when gains are drawn anew within their errors, 2000 times: they have two digits.
    Plain sums a few draws at a time, which need little memory and are not shared out among threads.
    """
    features = np.zeros((0, len(terms))) if features is None else features
    influence, places = influence_of(gains), _places(terms, len(gains))
    gain = _summed(np.array([one.value for one in gains]), places)
    probability = _softmax(gain + log_weight)
    expected = np.einsum("qk,k->q", features, probability)
    squares, expected_squares = np.zeros(len(terms)), np.zeros(len(features))
    noise = np.random.Generator(np.random.Philox(20260303)).standard_normal((_DRAWS, influence.shape[1]))
    rows = max(_AT_ONCE // len(terms), 1)
    for some in (noise[start : start + rows] for start in range(0, _DRAWS, rows)):
        moved = _summed(np.einsum("se,be->sb", some, influence), places)
        again = _softmax(gain + log_weight + moved)
        squares += np.square(again - probability).sum(0)
        expected_squares += np.square(np.einsum("sk,qk->sq", again, features) - expected).sum(0)
    own = [math.sqrt(float(np.square(influence[list(one)].sum(0)).sum())) for one in terms]
    errors, expected_errors = np.sqrt(squares / _DRAWS), np.sqrt(expected_squares / _DRAWS)
    return Compared(gain, np.array(own), probability, errors, expected, expected_errors)


def _places(terms: Sequence[Sequence[int]], nothing: int) -> NDArray[np.int64]:
    """Terms as an array (K, L), filled up with the place of a gain of nothing."""
    found = np.full((len(terms), max(map(len, terms))), nothing)
    for row, one in zip(found, terms, strict=True):
        row[: len(one)] = one
    return found


def _summed(values: FloatArray, places: NDArray[np.int64]) -> FloatArray:
    """Sums (..., K) of some of the values (..., B)."""
    padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], -1)
    total = np.zeros((*values.shape[:-1], len(places)))
    for column in places.T:
        total += padded[..., column]
    return total


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
