"""A dictionary and data, reduced to what the free energy of every support depends on.

A support is the set of columns that are in the model. What noise and priors mean for its free energy is decided here;
which supports are looked at is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesbeam.errors import ModelError
from bayesbeam.evidence.closed_form import conjugate_noise, known_noise
from bayesbeam.evidence.least_squares import numbers_of

FloatArray = NDArray[np.float64]
LOG_2PI = math.log(2.0 * math.pi)
# Columns whose angle has a cosine this near to 1 are the same column times a number.
_SAME = 1.0 - 1e-12
# Nats by which rounding may move a free energy.
MOST_ROUNDING = 1e-3
_TOO_NEAR = "Leave out columns that others nearly make up, or state smaller priors."


@dataclass(frozen=True)
class Regression:
    """Linear regression on columns of which few are in the model, with normal noise and normal priors.

    Attributes
    ----------
    names : tuple of str
        Of the columns.
    design, y, noise : arrays (N, P), (N,), (N,)
        Noise: its standard deviation, or that of unit level where the level is unknown.
    prior_mean, prior_sd : arrays (P,)
        Of a coefficient that is in the model; of unit level where the level is unknown.
    always : int
        That many columns, the first ones, are in every support.
    shape, scale : float
        Of the inverse gamma prior of the square of the noise level; both 0 where the level is known.
    """

    names: tuple[str, ...]
    design: FloatArray
    y: FloatArray
    noise: FloatArray
    prior_mean: FloatArray
    prior_sd: FloatArray
    always: int = 0
    shape: float = 0.0
    scale: float = 0.0

    @property
    def columns(self) -> int:
        """Number of columns that may be in the model or not."""
        return len(self.names) - self.always

    @property
    def level_is_known(self) -> bool:
        """Whether the noise level is given rather than integrated out."""
        return self.shape == 0.0


@dataclass(frozen=True)
class Reduced:
    """Sums from which the free energy of any support follows, in units of the priors' standard deviations.

    With A the rows and columns of ``gram`` that a support chooses, b its part of ``moment`` and R'R = A, the free
    energy is ``constant + ln|R| + energy(squares + sum of offset - |R'^-1 b|^2)``, where ``energy(q)`` is ``q / 2`` for
    noise of known level and ``after ln(scale + q / 2)`` otherwise.
    """

    gram: FloatArray
    moment: FloatArray
    offset: FloatArray
    squares: float
    constant: float
    after: float
    scale: float

    def energy(self, squares: FloatArray | np.float64) -> FloatArray:
        """Part of the free energy that depends on what a support leaves unexplained."""
        if self.after == 0.0:
            return np.asarray(0.5 * squares)
        found: FloatArray = np.asarray(self.after * np.log(self.scale + 0.5 * squares))
        return found


def regression(
    design: ArrayLike, y: ArrayLike, noise: ArrayLike, prior_sd: ArrayLike, prior_mean: ArrayLike = 0.0,
    names: Sequence[str] = (), always: int = 0, shape: float = 0.0, scale: float = 0.0,
) -> Regression:  # fmt: skip
    """Regression on a dictionary, checked.

    Parameters
    ----------
    design : array (N, P)
        The dictionary: one column a possible term of the model.
    y : array (N,)
    noise, prior_sd, prior_mean, names, always, shape, scale
        As in :class:`Regression`; a single number stands for all.

    Raises
    ------
    ModelError
        Where a column is zero, is another one times a number, or where numbers are not finite or not positive.
    """
    if np.ndim(design) == 2 and np.shape(design)[1] == 0:
        raise ModelError.at("dictionary", "no column", "one column or more", "")
    matrix, values = numbers_of(design, y)
    rows, columns = matrix.shape
    labels = tuple(names) or tuple(f"column {j + 1}" for j in range(columns))
    if len(labels) != columns or len(set(labels)) != columns:
        raise ModelError.at("dictionary", f"{len(set(labels))} names of {columns} columns", "a name of each", "")
    if not 0 <= always <= columns:
        raise ModelError.at("always", f"{always} of {columns} columns", f"0 to {columns}", "")
    if (shape > 0.0) != (scale > 0.0) or not (math.isfinite(shape + scale) and min(shape, scale) >= 0.0):
        found = f"shape = {shape!r}, scale = {scale!r}"
        raise ModelError.at("noise level", found, "both above 0, or both 0 for noise of known level", "")
    deviation, sd = _each(noise, rows, "noise"), _each(prior_sd, columns, "prior sd")
    mean = _each(prior_mean, columns, "prior mean", "a finite number", -math.inf)
    made = Regression(labels, matrix, values, deviation, mean, sd, always, shape, scale)
    _check_columns(made)
    return made


def _each(value: ArrayLike, count: int, name: str, what: str = "a number above 0", least: float = 0.0) -> FloatArray:
    """Finite numbers above the least, one for each of so many."""
    found = np.asarray(value, dtype=np.float64)
    if found.shape not in ((), (count,)) or not (np.isfinite(found).all() and (found > least).all()):
        raise ModelError.at(name, repr(value)[:80], f"{what}, or {count} of them", "")
    return np.broadcast_to(found, (count,))


def _check_columns(problem: Regression) -> None:
    """Refuse columns that no data can tell apart, or that say nothing."""
    scaled = problem.design / problem.noise[:, None]
    largest = np.abs(scaled).max(0)
    if not (largest > 0.0).all():
        zero = [problem.names[j] for j in np.flatnonzero(largest == 0.0)]
        remedy = "Leave out what is 0 at every point of the data."
        raise ModelError.at("dictionary", f"only zeros in {listed(zero)}", "columns that are not zero", remedy)
    scaled = scaled / largest
    scaled = scaled / np.sqrt(np.square(scaled).sum(0))
    same = np.argwhere(np.triu(np.abs(scaled.T @ scaled) > _SAME, 1))
    if len(same):
        pairs = [f"{problem.names[i]} and {problem.names[j]}" for i, j in same]
        found = f"the same column up to a factor: {listed(pairs, '; ')}"
        raise ModelError.at("dictionary", found, "columns that data can tell apart", "Leave out one of each pair.")


def listed(words: Sequence[str], between: str = ", ", most: int = 5) -> str:
    """Words in a line, the first few of many."""
    rest = f" and {len(words) - most} more" if len(words) > most else ""
    return between.join(words[:most]) + rest


def reduced(problem: Regression) -> Reduced:
    """Sums of a regression over all its columns, those that are always in included."""
    weighted = problem.design / problem.noise[:, None] * problem.prior_sd
    values = problem.y / problem.noise
    centre = problem.prior_mean / problem.prior_sd
    constant = 0.5 * len(values) * LOG_2PI + float(np.log(problem.noise).sum())
    after = 0.0
    if not problem.level_is_known:
        after = problem.shape + 0.5 * len(values)
        constant += math.lgamma(problem.shape) - problem.shape * math.log(problem.scale) - math.lgamma(after)
    # Scalar products, not one of matrices, which a library may share out among threads: then it adds in any order.
    rows = np.ascontiguousarray(weighted.T)
    gram = np.vecdot(rows[:, None], rows) + np.eye(len(centre))
    moment = np.vecdot(rows, values) + centre
    return Reduced(gram, moment, np.square(centre), float(values @ values), constant, after, problem.scale)


def root_of(gram: FloatArray) -> FloatArray:
    """Lower factor of sums over columns.

    Raises
    ------
    ModelError
        If rounding has made them those of no columns.
    """
    try:
        return np.asarray(np.linalg.cholesky(gram), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        found = "columns that others make up, but for rounding"
        raise ModelError.at("dictionary", found, "columns that data can tell apart", _TOO_NEAR) from error


def check_rounding(nats: float, most: float = MOST_ROUNDING, cause: str = "") -> None:
    """Refuse free energies that rounding moves too far."""
    if not nats < most:
        found = f"{cause}free energies that rounding moves by {nats:.1g} nats"
        raise ModelError.at("dictionary", found, f"{most:g} nats at most", _TOO_NEAR)


def without_always(sums: Reduced, always: int) -> Reduced:
    """Sums over the columns that may be in or not, the first ``always`` being in."""
    if always == 0:
        return sums
    root = root_of(sums.gram[:always, :always])
    rows = np.linalg.solve(root, np.column_stack([sums.gram[:always, always:], sums.moment[:always]]))
    rest, known = rows[:, :-1], rows[:, -1]
    return replace(
        sums,
        gram=sums.gram[always:, always:] - rest.T @ rest,
        moment=sums.moment[always:] - rest.T @ known,
        offset=sums.offset[always:],
        squares=sums.squares + float(sums.offset[:always].sum()) - float(known @ known),
        constant=sums.constant + float(np.log(np.diag(root)).sum()),
    )


def free_energy_of(problem: Regression, support: Sequence[int]) -> float:
    """Free energy of one support by orthogonal factors: slow, and what the quick ways are compared with.

    ``support`` numbers the columns that may be in or not, from 0.
    """
    chosen = [*range(problem.always), *(problem.always + int(j) for j in support)]
    if not chosen:
        sums = reduced(problem)
        return sums.constant + float(sums.energy(np.float64(sums.squares)))
    design, mean, sd = problem.design[:, chosen], problem.prior_mean[chosen], problem.prior_sd[chosen]
    if problem.level_is_known:
        return known_noise(design, problem.y, problem.noise, mean, sd).free_energy
    found = conjugate_noise(design, problem.y, problem.noise, mean, sd, problem.shape, problem.scale)
    return found.free_energy
