"""Responses of instruments: what acts on a curve by a convolution with a peak of area 1.

The peaks and edges that a response leaves in closed form are computed so; all others numerically, at places of the
curve's own that reach beyond the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from torch import Tensor

from bayesbeam.models import lorentzian, voigt
from bayesbeam.models.base import POSITIVE, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.operators.base import Curve, Operator, Unfit, operator
from bayesbeam.models.operators.closed_forms import FWHM, of_gaussian, of_lorentzian, of_voigt
from bayesbeam.models.operators.integrals import ends, looked_up, places, summed

STEP, REACH = 0.125, 44
"""Step of the nodes of a Gaussian in its standard deviations, and how many steps to either side: 5.5 sd."""
NODES = tuple(STEP * j for j in range(-REACH, REACH + 1))
_TOTAL = sum(math.exp(-0.5 * node * node) for node in NODES)
WEIGHTS = tuple(math.exp(-0.5 * node * node) / _TOTAL for node in NODES)
# Pieces that a measured response is cut into at least, each with this many of Gauss' nodes.
PIECES, EACH = 64, 3
REFERENCES = ("Voigt, Sitzungsberichte der Bayerischen Akademie 42 (1912) 603: convolution of line and response",)


def _width(name: str, what: str) -> Parameter:
    prior = "log_uniform(low=x_step, high=x_span/2)"
    return Parameter(name, "x", prior, POSITIVE, f"full width at half height of {what}", (0.3, 2.0))


def _too_wide(name: str) -> Unfit:
    """Refuse a width that no data of this range can tell."""
    return Unfit(
        lambda m, span, *own: own[0] > span, lambda m, *own: own[0],
        f"a response of {name} {{value:.4g}}, wider than the data, which span {{span:.4g}}",
        "a response narrower than the data", "Lower the prior of its width, or widen the range of the data.",
    )  # fmt: skip


def gaussian_smeared(m: MathSpace, x: Value, axis: Value, curve: Curve, fwhm: Value) -> Value:
    """Curve convolved with a Gaussian, by the trapezoidal rule at nodes that scale with its width.

    For analytic curves the error falls exponentially with what is the narrower, in units of the step: 1e-6 of the
    height for a Lorentzian a quarter, or a Gaussian an eighth, as wide as the response.
    """
    return _at_nodes(m, x, curve, fwhm / FWHM, NODES, WEIGHTS)


def _at_nodes(
    m: MathSpace, x: Value, curve: Curve, width: Value, nodes: Sequence[float], weights: Sequence[float]
) -> Value:
    """Sum of the curve at x less each node times a width, with its weight."""
    return summed(m, x, len(nodes), lambda k: looked_up(weights, k) * curve(x - width * looked_up(nodes, k)))


def lorentzian_smeared(m: MathSpace, x: Value, axis: Value, curve: Curve, fwhm: Value) -> Value:
    """Curve convolved with a Lorentzian; see :func:`_on_grid`."""
    size = 2.0 / (m.pi * fwhm)
    return _on_grid(m, x, axis, curve, 0.0 * fwhm, fwhm, lambda t: lorentzian.formula(m, t, size, 0.0, fwhm))


def voigt_smeared(
    m: MathSpace, x: Value, axis: Value, curve: Curve, gaussian_fwhm: Value, lorentzian_fwhm: Value
) -> Value:  # fmt: skip
    """Curve convolved with a Voigt profile; see :func:`_on_grid`."""
    size = 1.0 / voigt.area(m, 1.0, 0.0, gaussian_fwhm, lorentzian_fwhm)
    sd = gaussian_fwhm / FWHM
    return _on_grid(
        m, x, axis, curve, sd, lorentzian_fwhm,
        lambda t: voigt.formula(m, t, size, 0.0, gaussian_fwhm, lorentzian_fwhm),
    )  # fmt: skip


def _on_grid(
    m: MathSpace, x: Value, axis: Value, curve: Curve, sd: Value, fwhm: Value, response: Curve
) -> Value:  # fmt: skip
    """Curve convolved with a response of long tails, by a grid of half the data's mean step.

    The grid goes beyond the data by half their range on either side, and from there on the curve is held at its last
    value, so that steps and constants keep their heights. Of the response lies there what lies in the tail of its
    Lorentzian, of full width ``fwhm``, and sd^2 / 2 times the slope of that, for its Gaussian.
    """
    low, high = ends(m, axis)
    reach = 0.5 * (high - low)
    intervals = 4.0 * m.maximum(places(axis) - 1.0, 1.0)
    step = 4.0 * reach / intervals

    def share(k: Value) -> Value:
        """Trapezoidal rule; nothing beyond the last place, for data of other lengths in the same batch."""
        return m.where(k > intervals, 0.0 * step, m.where((k < 0.5) | (k > intervals - 0.5), 0.5 * step, step))

    def term(k: Value) -> Value:
        place = (low - reach) + step * k
        return curve(place) * share(k) * response(x - place)

    total = summed(m, x, _most(intervals) + 1, term)
    for end, distance in ((low - reach, x - (low - reach)), (high + reach, (high + reach) - x)):
        square = distance * distance + 0.25 * fwhm * fwhm
        beyond = (
            0.5 - m.atan(2.0 * distance / fwhm) / m.pi + 0.5 * sd * sd * fwhm * distance / (m.pi * m.square(square))
        )
        total = total + curve(end) * beyond
    return total


def _most(intervals: Value) -> Value:
    """Most intervals of several grids."""
    return int(intervals.max()) if isinstance(intervals, Tensor) else intervals


@lru_cache(maxsize=64)
def measured(table: tuple[tuple[float, float], ...]) -> Operator:
    """Response that was measured: straight lines between points (difference of place, signal), scaled to area 1."""
    nodes, weights = nodes_of(table)
    span = table[-1][0] - table[0][0] if table else 0.0

    def formula(m: MathSpace, x: Value, axis: Value, curve: Curve, stretch: Value) -> Value:
        """Sum of the curve at x less each place of the response, times its share."""
        return _at_nodes(m, x, curve, stretch, nodes, weights)

    return operator(
        "measured_response", "measured response",
        (Parameter("stretch", "1", "fixed(value=1)", POSITIVE, "factor on the widths of the file", (0.5, 1.5)),),
        formula, REFERENCES, adds=False, on="places",
        unfit=(
            Unfit(
                lambda m, data, stretch: stretch * span > data, lambda m, stretch: stretch * span,
                "a response from a file over {value:.4g}, wider than the data, which span {span:.4g}",
                "a response narrower than the data", "Cut zeros off the file, or widen the range of the data.",
            ),
        ),
        widths=("stretch",), table=True,
    )  # fmt: skip


def nodes_of(table: tuple[tuple[float, float], ...]) -> tuple[list[float], list[float]]:
    """Nodes and weights, of sum 1, of a response given by points, in the order of their places."""
    if not table:
        return [], []
    t, signal = (np.array(column, dtype=np.float64) for column in zip(*table, strict=True))
    pieces = math.ceil(PIECES / (len(t) - 1))
    edges = np.concatenate([np.linspace(a, b, pieces, endpoint=False) for a, b in pairwise(t.tolist())])
    edges = np.append(edges, t[-1])
    inside, shares = np.polynomial.legendre.leggauss(EACH if pieces > 1 else 2)
    half = 0.5 * np.diff(edges)[:, None]
    places = (0.5 * (edges[:-1] + edges[1:])[:, None] + half * inside).ravel()
    weights = (half * shares).ravel() * np.interp(places, t, signal)
    return places.tolist(), (weights / weights.sum()).tolist()


GAUSSIAN = operator(
    "gaussian_response", "Gaussian response", (_width("fwhm", "the response"),), gaussian_smeared, REFERENCES,
    adds=False, on="places", unfit=(_too_wide("full width"),), exact=of_gaussian, widths=("fwhm",),
)  # fmt: skip
LORENTZIAN = operator(
    "lorentzian_response", "Lorentzian response", (_width("fwhm", "the response"),), lorentzian_smeared, REFERENCES,
    adds=False, on="places", unfit=(_too_wide("full width"),), exact=of_lorentzian, widths=("fwhm",),
)  # fmt: skip
VOIGT = operator(
    "voigt_response", "Voigt response",
    (_width("gaussian_fwhm", "its Gaussian part"), _width("lorentzian_fwhm", "its Lorentzian part")),
    voigt_smeared, REFERENCES, adds=False, on="places",
    unfit=(
        Unfit(
            lambda m, span, gauss, lorentz: m.maximum(gauss, lorentz) > span, lambda m, *own: m.maximum(*own),
            "a response of full width {value:.4g}, wider than the data, which span {span:.4g}",
            "a response narrower than the data", "Lower the priors of its widths, or widen the range of the data.",
        ),
    ),
    exact=of_voigt, widths=("gaussian_fwhm", "lorentzian_fwhm"),
)  # fmt: skip
