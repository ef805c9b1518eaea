"""Integrate or not: the free energy of shared parameters against the sum of separate ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesbeam.evidence.model_posterior import model_posterior, probability_words


@dataclass(frozen=True)
class Decision:
    """Comparison of integrated and separate analysis.

    Attributes
    ----------
    gain : float, nats
        ``sum F_sep - F_int``; above zero the data favour integration.
    gain_standard_error : float, nats
    probability, probability_error : float
        Posterior probability of integration, both having equal prior weight, and its error.
    """

    separate_free_energy: float
    separate_standard_error: float
    gain: float
    gain_standard_error: float
    probability: float
    probability_error: float


def decide(
    free_energy: float, standard_error: float, separate: Sequence[float], separate_errors: Sequence[float]
) -> Decision:
    """Decision for one group and one candidate.

    Parameters
    ----------
    free_energy, standard_error : float, nats
        Of the joint analysis with shared parameters, F_int.
    separate, separate_errors : sequence of float, nats
        Free energies and standard errors of each measurement by itself; independent runs.

    Source
    ------
    Katakami et al., arXiv 2406.02869: integrate if and only if F_int < sum F_sep.
    """
    total = float(sum(separate))
    error = math.sqrt(sum(e * e for e in separate_errors))
    posterior = model_posterior(np.array([free_energy, total]), np.array([standard_error, error]))
    return Decision(
        separate_free_energy=total,
        separate_standard_error=error,
        gain=total - free_energy,
        gain_standard_error=math.hypot(error, standard_error),
        probability=float(posterior.probability[0]),
        probability_error=float(posterior.standard_error[0]),
    )


def decision_words(decision: Decision, reliable: bool) -> str:
    """Decision in one sentence, with how sure it is."""
    gain, error = decision.gain, decision.gain_standard_error
    amount = f"F_int - sum F_sep = {-gain:.2f} +- {error:.2f} nats"
    if not reliable:
        return f"No decision: a run behind it is not reliable ({amount})."
    if abs(gain) < 2 * error or 0.05 < decision.probability < 0.95:
        return f"Undecided: the data do not settle whether to integrate ({amount})."
    verb = "Integrate" if gain > 0 else "Do not integrate"
    chance = probability_words(decision.probability, decision.probability_error)
    return f"{verb}: {amount}, probability of integration {chance}."
