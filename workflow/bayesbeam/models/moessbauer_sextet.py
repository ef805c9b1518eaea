"""Moessbauer sextet: six Lorentzian lines of one width, split by a hyperfine field, with a small quadrupole shift."""

from bayesbeam.models import iron57
from bayesbeam.models.base import ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "moessbauer_sextet"
title = "Moessbauer sextet"
axis_unit = iron57.VELOCITY
exchangeable = True
order_by = "field"
locations = ("isomer_shift",)
widths = ("fwhm",)
amplitude = "depth"
parameters = (
    iron57.depth, iron57.isomer_shift, iron57.quadrupole_shift, iron57.field, iron57.fwhm, iron57.middle_ratio,
)  # fmt: skip
references = iron57.REFERENCES
reference_values = tuple(
    ReferenceValue(
        x, (3.0, 0.45, -0.05, 30.0, 0.4, 1.6), value, "SciPy 1.17.1, scipy.special.voigt_profile, sum of lines", 1e-13
    )
    for x, value in (
        (-4.4, -2.9169986565569275),
        (-2.3, -1.642841397465615),
        (0.0, -0.42135185221572025),
        (1.0, -0.4216231116715253),
        (3.5, -0.8511027415832323),
        (5.1, -2.0606273287493986),
    )
)


def formula(
    m: MathSpace, x: Value, depth: Value, isomer_shift: Value, quadrupole_shift: Value, field: Value, fwhm: Value,
    middle_ratio: Value,
) -> Value:  # fmt: skip
    """Minus the depth of the outer lines times six lines of heights 3 : middle_ratio : 1 : 1 : middle_ratio : 3."""
    outer, inner = x - isomer_shift - quadrupole_shift, x - isomer_shift + quadrupole_shift

    def pair(middle: Value, per_tesla: float) -> Value:
        """Two lines, a splitting below and above a place."""
        low = iron57.lorentzian(m, middle + per_tesla * field, fwhm)
        return low + iron57.lorentzian(m, middle - per_tesla * field, fwhm)

    inner_four = middle_ratio * pair(inner, iron57.MIDDLE) + pair(inner, iron57.INNER)
    return -depth * (pair(outer, iron57.OUTER) + inner_four * (1.0 / 3.0))


def area(
    m: MathSpace, depth: Value, isomer_shift: Value, quadrupole_shift: Value, field: Value, fwhm: Value,
    middle_ratio: Value,
) -> Value:  # fmt: skip
    """Area of all six lines."""
    return depth * fwhm * m.pi * (4.0 + middle_ratio) * (1.0 / 3.0)


derived = (iron57.absorption_area(area),)
