"""Which measurement disagrees with the others, in which shared parameter, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from bayesbeam.errors import SamplingError
from bayesbeam.integration.single import Single
from bayesbeam.integration.two_stage import Product, product

FloatArray = NDArray[np.float64]
Moments = tuple[FloatArray, FloatArray]

# What a measurement says of a direction, as a part of what the others say, below which it says nothing.
_SILENT = 1e-6


@dataclass(frozen=True)
class Tension:
    """Distance between what one measurement says of shared parameters and what the others say.

    Attributes
    ----------
    z : array (d,)
        Difference of each parameter in units of its standard error.
    chi_square, freedom : float, int
        Of all together, and the degrees of freedom of its distribution if all have one truth.
    p_value : float
        Probability of so large a distance under one truth.
    """

    z: FloatArray
    chi_square: float
    freedom: int
    p_value: float


@dataclass(frozen=True)
class Dissent:
    """One measurement against the rest of its group.

    Attributes
    ----------
    member : str
    gain, standard_error : float, nats
        By which the free energy of the group falls when this measurement gets parameters of its own.
    tension : Tension
    rest : Product
        The others multiplied.
    doubt : str
        Why the gain is not to be believed; empty where it is.
    """

    member: str
    gain: float
    standard_error: float
    tension: Tension
    rest: Product | Single
    doubt: str


def tension(alone: Moments, rest: Moments, prior: Moments) -> Tension:
    """Distance of a measurement from the rest, from means (d,) and covariances (d, d) of posteriors.

    Parameters
    ----------
    alone, rest : pair of array
        Posterior of the measurement by itself, and of the others integrated; both hold the prior.
    prior : pair of array
        Of the shared parameters.

    Notes
    -----
    What the measurement itself says is its posterior less the prior: precision ``L = S^-1 - P^-1`` and
    ``L l = S^-1 m - P^-1 m_0``. Under one truth ``l - m_rest`` has the covariance ``L^-1 + S_rest``. A direction of
    which the measurement says nothing has no tension. Exact for normal posteriors; a wide prior drops out.

    Source
    ------
    Marshall and Spiegelhalter, Bayesian Analysis 2, 409 (2007): conflict of one likelihood with all the rest, here for
    normal distributions. Checked against: posteriors of linear models, and the chi-square distribution.
    """
    (mean, covariance), (mean_rest, covariance_rest), (mean_prior, covariance_prior) = alone, rest, prior
    inverse, inverse_prior = np.linalg.inv(covariance), np.linalg.inv(covariance_prior)
    root = np.linalg.cholesky(covariance_rest)
    information, direction = np.linalg.eigh(root.T @ (inverse - inverse_prior) @ root)
    pull = inverse @ (mean - mean_rest) - inverse_prior @ (mean_prior - mean_rest)
    heard = information > _SILENT
    information = np.maximum(information, _SILENT)
    step = np.where(heard, direction.T @ (root.T @ pull) / information, 0.0)
    variance = 1.0 / information + 1.0
    back = root @ direction
    z = (back @ step) / np.sqrt(np.square(back) @ variance)
    square = float((np.square(step) / variance).sum())
    freedom = int(heard.sum())
    return Tension(z, square, freedom, float(chi2.sf(square, freedom)) if freedom else 1.0)


def dissent(singles: Sequence[Single], prior: Moments, whole: Product | None = None) -> list[Dissent]:
    """Each measurement of a group against the others.

    Parameters
    ----------
    singles : sequence of Single
        At least two.
    prior : pair of array
        Mean (d,) and covariance (d, d) of the shared parameters before data.
    whole : Product, optional
        All multiplied, where that is known already.
    """
    if len(singles) < 2:
        raise SamplingError.at("conflict", f"{len(singles)} measurement", "2 or more", "")
    every = whole if whole is not None else product(singles)
    found = []
    for k, one in enumerate(singles):
        others = [*singles[:k], *singles[k + 1 :]]
        rest = product(others) if len(others) > 1 else None
        gain, error = _without(every, rest, k)
        moments = others[0].density.moments if rest is None else rest.moments
        doubt = every.refusal or (rest.refusal if rest is not None else "")
        distance = tension(one.density.moments, moments, prior)
        found.append(Dissent(one.name, gain, error, distance, rest or others[0], doubt))
    return found


def _without(every: Product, rest: Product | None, k: int) -> tuple[float, float]:
    """Gain of taking one member out of the whole, and its error, of which that of common draws is left out."""
    influence, own = every.influence.copy(), every.own_error
    if rest is None:
        return -every.gain, every.standard_error
    influence[[j for j in range(len(influence)) if j != k]] -= rest.influence
    return rest.gain - every.gain, float(np.sqrt(np.square(influence).sum() + own**2 + rest.own_error**2))
