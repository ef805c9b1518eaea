"""Moessbauer sextet of a normal distribution of hyperfine fields: Voigt lines, broader the farther out they lie.

Areas, not depths, are as 3 : middle_ratio : 1.
"""

from bayesbeam.models import iron57, voigt
from bayesbeam.models.base import ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "moessbauer_voigt_sextet"
title = "Moessbauer sextet of distributed fields"
axis_unit = iron57.VELOCITY
exchangeable = True
order_by = "field"
locations = ("isomer_shift",)
widths = ("field_sd", "fwhm")
amplitude = "depth"
parameters = (
    iron57.depth, iron57.isomer_shift, iron57.quadrupole_shift, iron57.field, iron57.field_sd, iron57.fwhm,
    iron57.middle_ratio,
)  # fmt: skip
references = (
    *iron57.REFERENCES,
    "Rancourt and Ping, Nucl. Instrum. Methods B 58 (1991) 85, doi:10.1016/0168-583X(91)95681-3: normal distributions "
    "of fields as sums of Voigt lines",
    *voigt.references,
)
reference_values = tuple(
    ReferenceValue(
        x,
        (3.0, 0.45, -0.05, 30.0, 1.5, 0.3, 1.6),
        value,
        "SciPy 1.17.1, scipy.special.voigt_profile, sum of lines",
        2e-7,
    )
    for x, value in (
        (-4.4, -3.000319790597961),
        (-2.3, -2.198052244162756),
        (0.0, -0.5659602013440357),
        (1.0, -0.5662717535196466),
        (3.5, -1.453709523573625),
        (5.1, -2.7440977018475543),
    )
)


def formula(
    m: MathSpace, x: Value, depth: Value, isomer_shift: Value, quadrupole_shift: Value, field: Value, field_sd: Value,
    fwhm: Value, middle_ratio: Value,
) -> Value:  # fmt: skip
    """Minus six Voigt lines of areas 3 : middle_ratio : 1 : 1 : middle_ratio : 3, the outer ones of the depth.

    A line at c times the field, |c| its distance a tesla, has a Gaussian part of standard deviation |c| field_sd.
    """
    outer, inner = x - isomer_shift - quadrupole_shift, x - isomer_shift + quadrupole_shift
    # one over sqrt(2) standard deviations of the Gaussian part, for a line of 1 mm/s a tesla
    scale = 1.0 / (m.sqrt(2.0) * field_sd)

    def pair(middle: Value, per_tesla: float) -> Value:
        """Two lines of a splitting, as the series of the Voigt line gives them."""
        unit = scale * (1.0 / per_tesla)
        y = 0.5 * fwhm * unit
        low = voigt.profile(m, (middle + per_tesla * field) * unit, y)
        return low + voigt.profile(m, (middle - per_tesla * field) * unit, y)

    middle_pair = (iron57.OUTER / iron57.MIDDLE / 3.0) * middle_ratio * pair(inner, iron57.MIDDLE)
    inner_pair = (iron57.OUTER / iron57.INNER / 3.0) * pair(inner, iron57.INNER)
    at_centre = voigt.at_centre(m, 0.5 * fwhm * (scale * (1.0 / iron57.OUTER)))
    return -(depth / at_centre) * (pair(outer, iron57.OUTER) + middle_pair + inner_pair)


def area(
    m: MathSpace, depth: Value, isomer_shift: Value, quadrupole_shift: Value, field: Value, field_sd: Value,
    fwhm: Value, middle_ratio: Value,
) -> Value:  # fmt: skip
    """Area of all six lines."""
    gaussian_fwhm = m.sqrt(8.0 * m.log(2.0)) * (iron57.OUTER * field_sd)
    return voigt.area(m, depth, isomer_shift, gaussian_fwhm, fwhm) * (2.0 / 3.0) * (4.0 + middle_ratio)


derived = (iron57.absorption_area(area),)
