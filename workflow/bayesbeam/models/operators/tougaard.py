"""Tougaard's background, computed from the peaks of the model: energy losses by his universal cross section."""

from bayesbeam.models.base import POSITIVE, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.operators.base import Curve, operator, side_of_loss
from bayesbeam.models.operators.integrals import integral


def formula(
    m: MathSpace, x: Value, axis: Value, curve: Curve, strength: Value, centre: Value, side: Value
) -> Value:  # fmt: skip
    """Sum over losses T of strength T / (centre + T^2)^2 times the peaks at x + T (at x - T where side < 0)."""

    def cross_section(u: Value) -> Value:
        """Of a loss from u to x, which is 0 at x, where the sum begins."""
        loss = m.maximum(m.where(side < 0.0, x - u, u - x), 0.0)
        return loss / m.square(centre + m.square(loss))

    return strength * integral(m, axis, curve, cross_section)


TOUGAARD = operator(
    name="tougaard",
    title="Tougaard background",
    parameters=(
        Parameter(
            "strength",
            "x*x",
            "half_normal(sd=3000)",
            POSITIVE,
            "B of the cross section B T / (C + T^2)^2; 2866 eV^2 for many metals",
            (20.0, 60.0),
        ),
        Parameter(
            "centre",
            "x*x",
            "fixed(value=1643)",
            POSITIVE,
            "C of the cross section; 1643 eV^2 for many metals, their oxides and alloys",
            (30.0, 60.0),
        ),
        side_of_loss(),
    ),
    formula=formula,
    references=(
        "Tougaard, Surface and Interface Analysis 11 (1988) 453, doi:10.1002/sia.740110902: universal cross section",
    ),
    adds=True,
    on="peaks",
    unfit=(),
)
