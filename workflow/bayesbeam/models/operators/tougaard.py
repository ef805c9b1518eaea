"""Tougaard's background, computed from the peaks of the model: energy losses by his universal cross section.

The cross section is smooth on the range of the data, so it is interpolated between a few fixed energies, and each of
these costs one running integral: as many operations as points, not their square.
"""

import math
from functools import partial

import torch
from torch import Tensor

from bayesbeam.models.base import POSITIVE, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.operators.base import Curve, Unfit, operator, passed, side_of_loss, whole

NODES = 24
WIDEST = 2.5
"""Chebyshev nodes, and the range of data they serve in units of sqrt(C). Interpolation of a function with double poles
at i sqrt(C) errs by some 30 (a + sqrt(a^2 + 1))^-NODES with a = 2 sqrt(C) / range: below 1e-6 there."""


def formula(m: MathSpace, x: Value, curve: Curve, strength: Value, centre: Value, side: Value) -> Value:
    """Sum over losses T of strength T / (centre + T^2)^2 times the peaks at x + T (at x - T where side < 0).

    With nodes c on the range of the data and Lagrange's polynomials l of them, the cross section at u - x is the sum of
    l(u) times that at c - x; the integrals of l times the peaks, from x on, are running ones.
    """
    whole(m, "tougaard")
    low, high = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    total = torch.zeros_like(x)
    for k in range(NODES):
        place = middle + half * math.cos(math.pi * (k + 0.5) / NODES)
        area = passed(x, side, curve, partial(_lagrange, middle, half, k))
        loss = torch.where(side < 0.0, x - place, place - x)
        total = total + area * loss / m.square(centre + m.square(loss))
    return strength * total


def _lagrange(middle: Tensor, half: Tensor, k: int, x: Tensor) -> Tensor:
    """Polynomial that is 1 at Chebyshev node k and 0 at the others, by Chebyshev's recurrence."""
    t = (x - middle) / half
    angle = math.pi * (k + 0.5) / NODES
    before, now = torch.ones_like(t), t
    total = 1.0 / NODES + (2.0 / NODES) * math.cos(angle) * now
    for j in range(2, NODES):
        before, now = now, 2.0 * t * now - before
        total = total + (2.0 / NODES) * math.cos(j * angle) * now
    return total


TOUGAARD = operator(
    name="tougaard",
    title="Tougaard background",
    parameters=(
        Parameter(
            "strength", "x*x", "half_normal(sd=3000)", POSITIVE,
            "B of the cross section B T / (C + T^2)^2; 2866 eV^2 for many metals", (20.0, 60.0),
        ),
        Parameter(
            "centre", "x*x", "fixed(value=1643)", POSITIVE,
            "C of the cross section; 1643 eV^2 for many metals, their oxides and alloys", (30.0, 60.0),
        ),
        side_of_loss(),
    ),
    formula=formula,
    references=(
        "Tougaard, Surface and Interface Analysis 11 (1988) 453, doi:10.1002/sia.740110902: universal cross section",
    ),
    adds=True,
    on="peaks",
    unfit=(
        Unfit(
            lambda m, span, strength, centre, side: span > WIDEST * m.sqrt(centre),
            lambda m, strength, centre, side: m.sqrt(centre),
            "data over {span:.4g}, with the root of C at {value:.4g}",
            f"data over at most {WIDEST:g} times the root of C",
            "Cut the range in the treatment, or give C a prior of larger values.",
        ),
    ),
)  # fmt: skip
