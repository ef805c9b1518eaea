"""Posterior probabilities of candidates: limits, invariances, and errors that stay honest near 0 and 1."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bayesbeam.evidence.model_posterior import model_posterior, probability_words


def test_probabilities_are_normalised_exponentials_of_minus_free_energy() -> None:
    f = np.array([10.0, 11.0, 12.5])
    found = model_posterior(f, np.zeros(3))
    expected = np.exp(-f) / np.exp(-f).sum()
    np.testing.assert_allclose(found.probability, expected, rtol=1e-13)
    assert found.standard_error.max() < 1e-15


def test_prior_weights_multiply() -> None:
    found = model_posterior(np.array([3.0, 3.0]), np.zeros(2), weight=np.array([1.0, 3.0]))
    np.testing.assert_allclose(found.probability, [0.25, 0.75], rtol=1e-13)
    none = model_posterior(np.array([0.0, 3.0]), np.zeros(2), weight=np.array([1.0, 0.0]))
    assert none.probability.tolist() == [1.0, 0.0]


def test_a_common_shift_changes_nothing_even_of_a_million_nats() -> None:
    f, error = np.array([0.25, 1.75, 4.0]), np.array([0.1, 0.2, 0.1])
    near, far = model_posterior(f, error), model_posterior(f + 2.0**20, error)
    # Doubles of 1e6 carry 1e-10.
    np.testing.assert_allclose(far.probability, near.probability, rtol=1e-9)
    np.testing.assert_allclose(far.standard_error, near.standard_error, rtol=1e-7)


def test_candidates_hundreds_of_nats_apart_are_certain_and_no_nan() -> None:
    found = model_posterior(np.array([0.0, 900.0]), np.array([0.1, 0.1]))
    assert found.probability.tolist() == [1.0, 0.0]
    assert found.standard_error.tolist() == [0.0, 0.0]


def test_small_errors_follow_the_delta_method() -> None:
    """Dp = p (1 - p) d(F1 - F2); 4000 draws know a spread to 1.1 %, so 5 % is 4.5 of that."""
    found = model_posterior(np.array([1.0, 1.4]), np.array([0.03, 0.04]))
    p = found.probability[0]
    assert found.standard_error[0] == pytest.approx(p * (1 - p) * 0.05, rel=0.05)


def test_large_errors_of_a_near_certain_candidate_are_not_hidden() -> None:
    """P = 0.993, but free energies known to 5 nats only: the delta method would say 0.05."""
    found = model_posterior(np.array([0.0, 5.0]), np.array([5.0, 5.0]))
    assert found.standard_error[0] > 0.3


def test_same_answer_every_time_and_one_candidate_is_certain() -> None:
    arguments = (np.array([1.0, 2.0]), np.array([0.5, 0.5]))
    assert np.array_equal(model_posterior(*arguments).standard_error, model_posterior(*arguments).standard_error)
    alone = model_posterior(np.array([math.pi]), np.array([2.0]))
    assert alone.probability.tolist() == [1.0]
    assert alone.standard_error.tolist() == [0.0]


def test_words_never_claim_certainty() -> None:
    assert probability_words(1.0, 0.0) == "above 0.999"
    assert probability_words(0.0, 0.0) == "below 0.001"
    assert probability_words(0.594, 0.079) == "0.59 +- 0.08"
    assert probability_words(0.5941, 0.0031) == "0.594 +- 0.003"
    assert probability_words(0.5941, 0.0) == "0.594"
