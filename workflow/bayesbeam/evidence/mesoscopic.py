"""What data will choose between two nested linear models, before there are data, at any finite number of points.

Of normal noise and flat priors that are wide. The difference of free energies is a function of two numbers: how far the
estimate of the further coefficients lies from zero, and how much the residuals of the larger model scatter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from bayesbeam.errors import ModelError
from bayesbeam.evidence.least_squares import least_squares, numbers_of

FloatArray = NDArray[np.float64]
Noise = Literal["known", "least", "integrated"]
"""What is done about the level of the noise: it is known; each model has that of its least free energy; or it is
integrated out under a prior that is flat in its logarithm."""
LOG_2PI = math.log(2.0 * math.pi)
_TAIL, _NODES, _PANELS = 1e-15, 16, 8


@dataclass(frozen=True)
class Nested:
    """Two linear models, the larger with all columns of the smaller and some more; numbers may be arrays.

    Attributes
    ----------
    points : number of data N
    kept, added : int
        Columns of the smaller model, and what the larger has beside them.
    log_information : log determinant of the precision of the further coefficients, at the true noise
    log_volume : log of the product of the widths of their flat priors
    noncentrality : their true values, squared and weighted with that precision; 0 where the smaller model is true
    """

    points: ArrayLike
    kept: int
    added: int
    log_information: ArrayLike
    log_volume: ArrayLike
    noncentrality: ArrayLike = 0.0

    @property
    def freedom(self) -> FloatArray:
        """Degrees of freedom that the larger model leaves."""
        return np.asarray(self.points, dtype=np.float64) - self.kept - self.added

    @property
    def _freedom_of_level(self) -> FloatArray:
        """The same, refused where none are left to tell a level that is not known."""
        if (self.freedom <= 0.0).any():
            least = self.kept + self.added + 1
            raise ModelError.at(
                "points", f"{np.min(self.points):g}", f"at least {least}, for a level that is not known",
                "Measure more points, or state the noise.",
            )  # fmt: skip
        return self.freedom

    def difference(self, noise: Noise, wald: ArrayLike, upsilon: ArrayLike = math.nan) -> FloatArray:
        """Free energy of the smaller model less that of the larger, nats.

        Parameters
        ----------
        noise : "known", "least" or "integrated"
        wald : array
            Estimates of the further coefficients, squared and weighted with their precision at the true noise: from the
            noncentral chi-square distribution of ``added`` degrees of freedom.
        upsilon : array
            Sum of squares that the larger model leaves, over the true variance: from the chi-square distribution of
            ``freedom`` degrees. Of no consequence where the noise is known.

        Source
        ------
        Katakami et al., arXiv 2406.02869, for a straight line; the same steps for any columns.
        """
        w, u = np.asarray(wald, dtype=np.float64), np.asarray(upsilon, dtype=np.float64)
        if _checked(noise) == "known":
            return 0.5 * w + self._constant(noise)
        after, before = self.freedom, self.freedom + self.added
        return 0.5 * before * np.log(u + w) - 0.5 * after * np.log(u) + self._constant(noise)

    def wald_at(self, noise: Noise, difference: ArrayLike, upsilon: ArrayLike = math.nan) -> FloatArray:
        """Inverse of :meth:`difference`; below 0 where every estimate gives a larger one."""
        d, u = np.asarray(difference, dtype=np.float64), np.asarray(upsilon, dtype=np.float64)
        if _checked(noise) == "known":
            return 2.0 * (d - self._constant(noise))
        after, before = self.freedom, self.freedom + self.added
        return np.exp((2.0 * (d - self._constant(noise)) + after * np.log(u)) / before) - u

    def cdf(self, noise: Noise, difference: ArrayLike = 0.0) -> FloatArray:
        """Probability that the difference is at most so large; at 0, that the smaller model is selected."""
        return 1.0 - self.sf(noise, difference)

    def sf(self, noise: Noise, difference: ArrayLike = 0.0) -> FloatArray:
        """Probability that the difference is larger; at 0, that the larger model is selected."""
        if _checked(noise) == "known":
            return chi_square_above(self.wald_at(noise, difference), self.added, self.noncentrality)
        u, weight, rest = self._quadrature(noise, difference)
        inner = chi_square_above(
            self._spread().wald_at(noise, _last(difference), u), self.added, _last(self.noncentrality)
        )
        return np.asarray((inner * weight).sum(-1) + rest)

    def density(self, noise: Noise, difference: ArrayLike) -> FloatArray:
        """Density of the difference."""
        if _checked(noise) == "known":
            return 2.0 * chi_square_density(self.wald_at(noise, difference), self.added, self.noncentrality)
        u, weight, _ = self._quadrature(noise, difference)
        w = self._spread().wald_at(noise, _last(difference), u)
        slope = 2.0 * (u + w) / _last(self.freedom + self.added)
        return np.asarray((chi_square_density(w, self.added, _last(self.noncentrality)) * slope * weight).sum(-1))

    def draw(self, noise: Noise, count: int, generator: np.random.Generator) -> FloatArray:
        """Differences (..., count), drawn independently of each other."""
        shape = (*np.broadcast_shapes(*(np.shape(one) for one in self._numbers())), count)
        upsilon: ArrayLike = math.nan
        if _checked(noise) != "known":
            upsilon = generator.chisquare(np.broadcast_to(_last(self._freedom_of_level), shape))
        shift = np.sqrt(_last(self.noncentrality))
        wald = np.square(generator.standard_normal(shape) + shift)
        if self.added > 1:
            wald += generator.chisquare(self.added - 1, shape)
        return self._spread().difference(noise, wald, upsilon)

    def criterion(self, noise: Noise, penalty: ArrayLike) -> FloatArray:
        """Probability that the larger model has the lower criterion, AIC or BIC or another of that kind.

        Of -2 ln(likelihood) plus a penalty for every coefficient. A penalty of 2 is AIC, one of ln(N) BIC. A level of
        the noise that is not known is that of the greatest likelihood; the ratio of sums of squares then has
        a noncentral F distribution, taken by quadrature, for SciPy's fails where it is far from the central one.
        """
        each = self.added * np.asarray(penalty, dtype=np.float64)
        if _checked(noise) == "known":
            return chi_square_above(each, self.added, self.noncentrality)
        u, weight, _ = self._nodes(np.full(np.shape(self._freedom_of_level), np.inf))
        least = u * _last(np.expm1(each / np.asarray(self.points, dtype=np.float64)))
        above = chi_square_above(least, self.added, _last(self.noncentrality))
        return np.asarray((above * weight).sum(-1))

    def _constant(self, noise: Noise) -> FloatArray:
        """All of the difference that data do not change."""
        volume = 0.5 * np.asarray(self.log_information) + np.asarray(self.log_volume)
        if noise == "known":
            return np.asarray(0.5 * self.added * LOG_2PI - volume)
        after = self._freedom_of_level
        before = after + self.added
        if noise == "least":
            return np.asarray(0.5 * (after * np.log(after) - before * np.log(before))
                              + 0.5 * self.added * (LOG_2PI + 1.0) - volume)  # fmt: skip
        return np.asarray(0.5 * self.added * math.log(math.pi) + special.gammaln(0.5 * after)
                          - special.gammaln(0.5 * before) - volume)  # fmt: skip

    def _numbers(self) -> tuple[ArrayLike, ...]:
        return self.points, self.log_information, self.log_volume, self.noncentrality

    def _spread(self) -> Nested:
        """The same with one more axis, for nodes or draws."""
        n, information, volume, shift = (_last(one) for one in self._numbers())
        return Nested(n, self.kept, self.added, information, volume, shift)

    def _quadrature(self, noise: Noise, difference: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Nodes of upsilon (..., nodes) and weights, and the probability of those above which any estimate is enough.

        In the logarithm of upsilon; where the threshold comes to 0, as a square from there, which its root asks for.
        """
        level = 2.0 * (np.asarray(difference, dtype=np.float64) - self._constant(noise))
        return self._nodes(level / self.added)

    def _nodes(self, top: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Nodes up to a logarithm of upsilon, weights, and the probability above it."""
        after = self.freedom
        whole = np.log(stats.chi2.ppf(_TAIL, after)), np.log(stats.chi2.isf(_TAIL, after))
        low, high = (np.broadcast_to(end, np.broadcast_shapes(end.shape, top.shape)) for end in whole)
        last = np.clip(top, low, high)
        z, w = np.polynomial.legendre.leggauss(_NODES)
        edges = np.arange(_PANELS) / _PANELS
        s = (edges[:, None] + (z + 1.0) / (2 * _PANELS)).ravel()
        weight = np.tile(w, _PANELS) / (2 * _PANELS)
        span = (last - low)[..., None]
        log_u = last[..., None] - span * s * s
        u = np.exp(log_u)
        density = stats.chi2.logpdf(u, _last(after)) + log_u
        rest = np.where(top < high, stats.chi2.sf(np.exp(last), after), 0.0)
        return u, np.exp(density) * 2.0 * s * span * weight, rest


def nested(
    kept: ArrayLike, added: ArrayLike, truth: ArrayLike, sd: ArrayLike, widths: ArrayLike
) -> Nested:  # fmt: skip
    """Two nested models by their designs.

    Parameters
    ----------
    kept : array (N, P)
        Columns of both models; P may be 0.
    added : array (N, Q)
        Further columns of the larger.
    truth : number or array (Q,)
        True coefficients of these.
    sd : number or array (N,)
        Standard deviation of the noise; of a level that is not known, up to a common factor, and the true one.
    widths : number or array (Q,)
        Of the flat priors of the further coefficients.

    Raises
    ------
    ModelError
        If a column is made up by others, or a number is none.
    """
    more = np.asarray(added, dtype=np.float64)
    some = np.asarray(kept, dtype=np.float64).reshape(len(more), -1)
    matrix, _ = numbers_of(np.hstack([some, more]), np.zeros(len(more)))
    noise = np.broadcast_to(np.asarray(sd, dtype=np.float64), (len(matrix),))
    count, added_count = some.shape[1], more.shape[1]
    width = np.broadcast_to(np.asarray(widths, dtype=np.float64), (added_count,))
    for name, numbers in (("sd", noise), ("widths", width)):
        if not (np.isfinite(numbers).all() and (numbers > 0.0).all()):
            raise ModelError.at(name, f"{numbers.min():g}", "numbers above 0", "")
    fit = least_squares(matrix / noise[:, None], np.zeros(len(matrix)))
    # The lower right corner of the triangle is what is left of the further columns beside the others.
    corner = fit.normal.triangle[count:, count:]
    moved = corner @ np.broadcast_to(np.asarray(truth, dtype=np.float64), (added_count,))
    information = 2.0 * float(np.log(np.abs(np.diag(corner))).sum())
    return Nested(len(matrix), count, added_count, information, float(np.log(width).sum()), float(moved @ moved))


def chi_square_above(value: ArrayLike, freedom: int, noncentrality: ArrayLike) -> FloatArray:
    """Probability that a noncentral chi-square variable is above a value; 1 below 0."""
    x, shift = np.maximum(np.asarray(value, dtype=np.float64), 0.0), np.asarray(noncentrality, dtype=np.float64)
    if freedom == 1:
        root, centre = np.sqrt(x), np.sqrt(shift)
        return np.asarray(special.ndtr(centre - root) + special.ndtr(-centre - root))
    central = special.gammaincc(0.5 * freedom, 0.5 * x)
    return np.where(shift > 0.0, stats.ncx2.sf(x, freedom, np.maximum(shift, 1e-300)), central)


def chi_square_density(value: ArrayLike, freedom: int, noncentrality: ArrayLike) -> FloatArray:
    """Density of a noncentral chi-square variable; 0 at and below 0."""
    given, shift = np.asarray(value, dtype=np.float64), np.asarray(noncentrality, dtype=np.float64)
    x = np.where(given > 0.0, given, 1.0)
    if freedom == 1:
        root, centre = np.sqrt(x), np.sqrt(shift)
        pair = np.exp(-0.5 * np.square(root - centre)) + np.exp(-0.5 * np.square(root + centre))
        found = pair / (2.0 * root * math.sqrt(2.0 * math.pi))
    else:
        central = stats.chi2.pdf(x, freedom)
        found = np.where(shift > 0.0, stats.ncx2.pdf(x, freedom, np.maximum(shift, 1e-300)), central)
    return np.where(given > 0.0, found, 0.0)


def _last(value: ArrayLike) -> FloatArray:
    """Numbers with one more axis at the end."""
    return np.asarray(value, dtype=np.float64)[..., None]


def _checked(noise: Noise) -> Noise:
    """One of the three words."""
    if noise not in get_args(Noise):
        raise ModelError.at("noise", repr(noise), f"one of {', '.join(get_args(Noise))}", "")
    return noise
