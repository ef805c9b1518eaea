"""Whether patterns are of one sample: shares and cells that are the same in all, against those of each its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.complete import Complete, complete_fit
from bayesbeam.diffraction.greedy import Question, settled
from bayesbeam.diffraction.members import Member, member_of
from bayesbeam.diffraction.sets import SHARE_SD
from bayesbeam.diffraction.shapes import Fit, white_slopes
from bayesbeam.diffraction.unexplained import Unknown, unknown_lines
from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class OneSample:
    """One sample or several: same shares and cells, or each its own.

    ``log_odds`` is that of one sample over each its own (nats); ``value`` and ``sd`` (P,) are those of one sample, with
    their ``covariance``, and ``names`` what they are of. ``sd_apart`` (P,) would be right if errors of the model were
    another in each scan, as ``log_odds`` has them.
    """

    names: tuple[str, ...]
    log_odds: float
    value: FloatArray
    sd: FloatArray
    covariance: FloatArray
    sd_apart: FloatArray


def one_sample(asked: Sequence[Question], settled_fits: Sequence[Complete]) -> OneSample:
    """Free energy of shares and cells that all patterns have in common against those of each its own.

    Notes
    -----
    By the normal posteriors of the fits and their normal priors, in closed form; of shares the prior is half a normal
    density, and fits are taken to be well above 0. Shares are of all that is above the fitted background. Everything
    else is each pattern's own.

    What structures and forms of lines get wrong is the same in all scans of a sample. The covariance says so: only what
    counting leaves open becomes less with more scans. The free energies do not, and so are for one sample rather than
    for several that differ by less than such errors.

    Raises
    ------
    ModelError
        If patterns have not the same phases (see ``with_all``), or none.
    """
    fits = [one.fit for one in settled_fits]
    names = {tuple(sorted(names_of(fit))) for fit in fits}
    if len(names) != 1:
        remedy = "Take those with lines of all phases in their range."
        raise ModelError.at("patterns", f"{len(names)} sets of phases", "the same phases in all", remedy)
    if not next(iter(names)):
        raise ModelError.at("patterns", "none of the candidates", "a phase that they have", "See each by itself first.")
    order = sorted(names_of(fits[0]))
    told = [_told(one, done, order) for one, done in zip(asked, settled_fits, strict=True)]
    members = {one.phase.name: one for one in fits[0].members}
    labels: list[str] = []
    sd: list[float] = []
    for name in order:
        phase = members[name].phase
        labels += [f"{name}.share", *(f"{name}.{'abc'[group[0]]}" for group in phase.edges)]
        sd += [SHARE_SD, *([asked[0].spread.edge] * len(phase.edges))]
    each, counted = (np.array([one[k] for one in told]) for k in (1, 2))
    log_odds, value, apart = shared_evidence(np.array([one[0] for one in told]), each, np.array(sd))
    covariance = with_common_errors(apart, each, counted, np.array(sd))
    # Half a normal density is twice as high where it is not 0, once for each share of each pattern but one.
    log_odds -= (len(fits) - 1) * len(order) * math.log(2.0)
    scale = np.ones(len(labels))
    at = 0
    for name in order:
        for j, group in enumerate(members[name].phase.edges):
            edge = float(members[name].phase.cell[group[0]])
            value[at + 1 + j], scale[at + 1 + j] = edge * (1.0 + value[at + 1 + j]), edge
        at += 1 + len(members[name].phase.edges)
    covariance = scale[:, None] * covariance * scale
    return OneSample(tuple(labels), log_odds, value, np.sqrt(np.diag(covariance)), covariance,
                     scale * np.sqrt(np.diag(apart)))  # fmt: skip


def with_all(asked: Sequence[Question], fits: Sequence[Fit]) -> list[Fit]:
    """Fits of every pattern with all phases that any of them has, the new ones at the shapes that they have there."""
    members = {one.phase.name: one for fit in reversed(fits) for one in fit.members}
    made = []
    for question, fit in zip(asked, fits, strict=True):
        more = [one for name, one in members.items() if name not in names_of(fit)]
        again = [member_of(one.phase, question.data, question.beam, fit.common) for one in more]
        new = [replace(one, own=old.own) for one, old in zip(again, more, strict=True) if one is not None]
        frame = question.frame(fit.common, fit)
        made.append(settled(question, fit.common, [*fit.members, *new], frame) if new else fit)
    return made


def complete_fits(asked: Sequence[Question], fits: Sequence[Fit]) -> list[Complete]:
    """Settled fits; a line that is unknown in any pattern counts for nothing in all, so that they compare."""
    left = [unknown_lines(one.data, fit.model, fit.background, one.tolerance)
            for one, fit in zip(asked, fits, strict=True)]  # fmt: skip
    position, z = (np.concatenate(found) for found in zip(*((one.position, one.z) for one in left), strict=True))
    order = np.argsort(position, kind="stable")
    unknown = Unknown(position[order], z[order], max(one.share for one in left))
    return [complete_fit(one, fit, unknown=unknown) for one, fit in zip(asked, fits, strict=True)]


def names_of(fit: Fit) -> set[str]:
    """Names of the phases of a set."""
    return {one.phase.name for one in fit.members}


def _told(asked: Question, done: Complete, order: Sequence[str]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shares and strains of edges, phases in order, with their covariance and that of counting alone."""
    fit = done.fit
    shared = int((asked.common_sd > 0.0).sum())
    starts = np.cumsum([shared, *(len(one.own) for one in fit.members)])
    numbers: list[int] = []
    values: list[float] = []
    scale: list[float] = []
    factors = fit.share_of_height(asked.data)
    for name in order:
        j = [one.phase.name for one in fit.members].index(name)
        member: Member = fit.members[j]
        edges = len(member.phase.edges)
        numbers += [int(starts[-1]) + j, *range(int(starts[j]), int(starts[j]) + edges)]
        values += [member.height * factors[j], *(float(one) for one in member.own[:edges])]
        scale += [factors[j], *([1.0] * edges)]
    whole, counted = (np.outer(scale, scale) * one[np.ix_(numbers, numbers)]
                      for one in (fit.covariance, counting_covariance(asked, done)))  # fmt: skip
    return np.array(values), whole, counted


def counting_covariance(asked: Question, done: Complete) -> FloatArray:
    """Covariance of what a fit finds over patterns that differ by their counts alone, in the order of the fit's.

    The fit is linear near its best place, with weights by the whole noise: of that only counting is another each time.
    """
    from scipy.linalg.lapack import dtbtrs

    weights = white_slopes(asked.setting(done.frame), done.fit) @ done.fit.covariance
    band = np.asfortranarray(done.frame.law.band.T)
    rows = np.asarray(dtbtrs(band, np.asfortranarray(weights), uplo="L", trans="T")[0])
    return np.asarray(rows.T @ (asked.data.variance[:, None] * rows))


def shared_evidence(
    value: FloatArray, covariance: FloatArray, prior_sd: FloatArray
) -> tuple[float, FloatArray, FloatArray]:  # fmt: skip
    """Log of the evidence of one vector for all over that of one for each; mean and covariance of the one.

    Parameters
    ----------
    value, covariance : arrays (M, P), (M, P, P)
        Normal posteriors, each under a normal prior around 0.
    prior_sd : array (P,)

    Notes
    -----
    Z of all = product of Z of each times the integral of the product of posteriors over prior^(M - 1).
    """
    count = len(value)
    prior = np.diag(1.0 / np.square(prior_sd))
    precision = np.linalg.inv(covariance)
    whole = precision.sum(0) - (count - 1) * prior
    pull = np.einsum("mpq,mq->p", precision, value)
    if float(np.linalg.eigvalsh(whole).min()) <= 0.0:
        raise ModelError.at("patterns", "posteriors wider than their priors", "posteriors of these priors", "")
    mean = np.linalg.solve(whole, pull)
    logs = sum(float(np.linalg.slogdet(one)[1]) for one in precision) - (count - 1) * float(np.linalg.slogdet(prior)[1])
    logs -= float(np.linalg.slogdet(whole)[1])
    squares = float(np.einsum("mp,mpq,mq->", value, precision, value)) - float(pull @ mean)
    # One factor (2 pi)^(-P/2) of each posterior, less those of the priors and of the integral: none is left.
    return 0.5 * logs - 0.5 * squares, np.asarray(mean), np.linalg.inv(whole)


def with_common_errors(
    apart: FloatArray, covariance: FloatArray, counted: FloatArray, prior_sd: FloatArray
) -> FloatArray:  # fmt: skip
    """Covariance (P, P) of what patterns have in common, where all that is not counting is the same in all of them.

    Parameters
    ----------
    apart : array (P, P)
        What it would be if nothing were the same: of ``shared_evidence``.
    covariance, counted : arrays (M, P, P)
        Of each pattern, and what of it is by counting.
    prior_sd : array (P,)

    Notes
    -----
    Each pattern pulls by what the data say, of which the variance is the precision less that of the prior. Pulls by
    counting are independent. The others are fully correlated, root by root, in units of the prior: exact where patterns
    have the same noise, and otherwise as far as their errors are those of one vector.
    """
    precision = np.linalg.inv(covariance)
    by_counts = precision @ counted @ precision
    unit = np.outer(prior_sd, prior_sd)
    roots = [
        _root((whole - pulls) * unit - np.eye(len(unit))) for whole, pulls in zip(precision, by_counts, strict=True)
    ]
    same = np.sum(roots, axis=0)
    pulls = by_counts.sum(0) + (same @ same) / unit + np.diag(1.0 / np.square(prior_sd))
    found = apart @ pulls @ apart
    return np.asarray(0.5 * (found + found.T))


def _root(matrix: FloatArray) -> FloatArray:
    """Symmetric root of a matrix of which no eigenvalue is below 0, but for rounding."""
    value, vector = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vector * np.sqrt(np.maximum(value, 0.0))) @ vector.T)
