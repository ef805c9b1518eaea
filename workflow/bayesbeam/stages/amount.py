"""How much of a run is kept on disk, as ``sampling.store`` asks: all of it, thinned records, or what a summary needs.

Decides numbers of draws only; free energies, their errors and all diagnostics are of the whole run whatever is kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

FULL, DRAWS, SUMMARY = "full", "draws", "summary"
# For a summary: draws of all chains together, log-likelihoods of each rung and chain; of those draws the ones that
# figures and series are made of, and as many of the prior.
SUMMARY_DRAWS, SUMMARY_LIKELIHOODS, SUMMARY_SHOWN = 1000, 32, 400

FloatArray = NDArray[np.float64]


def kept_of_run(theta: FloatArray, log_likelihood: FloatArray, store: str) -> tuple[FloatArray, FloatArray]:
    """Return what is kept of draws (S, D, C, P) and log-likelihoods (T, C, R): every so manieth, evenly spread.

    Parameters
    ----------
    store : str
        ``full``: all; ``draws``: no more log-likelihoods of a rung and chain than draws; ``summary``: a thousand draws
        in all, and some dozens of log-likelihoods of each rung and chain.
    """
    if store == FULL:
        return theta, log_likelihood
    if store == DRAWS:
        return theta, _thinned(log_likelihood, theta.shape[0])
    each = -(-SUMMARY_DRAWS // theta.shape[2])
    return _thinned(theta, each), _thinned(log_likelihood, SUMMARY_LIKELIHOODS)


def kept_of_summary(arrays: Mapping[str, FloatArray], store: str) -> dict[str, FloatArray]:
    """Return what is kept of the arrays of a summary: of draws (C, S, Q) and those of the prior (S, Q) fewer."""
    if store != SUMMARY:
        return dict(arrays)
    draws = arrays["draws"]
    shown = _thinned(draws.swapaxes(0, 1), -(-SUMMARY_SHOWN // max(len(draws), 1))).swapaxes(0, 1).copy()
    return {**arrays, "draws": shown, "prior_draws": _thinned(arrays["prior_draws"], SUMMARY_SHOWN)}


def _thinned(values: FloatArray, most: int) -> FloatArray:
    """Every so manieth entry along the first axis, the last one among them, so that no more than ``most`` are left."""
    step = max(1, -(-len(values) // max(most, 1)))
    return values[::-1][::step][::-1].copy()
