"""Moessbauer doublet with Voigt lines: a normal distribution of quadrupole splittings, say."""

from bayesbeam.models import iron57, voigt
from bayesbeam.models.base import ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "moessbauer_voigt_doublet"
title = "Moessbauer doublet with Voigt lines"
axis_unit = iron57.VELOCITY
exchangeable = True
order_by = "quadrupole_splitting"
locations = ("isomer_shift",)
widths = ("gaussian_fwhm", "fwhm")
amplitude = "depth"
parameters = (
    iron57.depth, iron57.isomer_shift, iron57.quadrupole_splitting, iron57.gaussian_fwhm, iron57.fwhm, iron57.asymmetry,
)  # fmt: skip
references = (*iron57.REFERENCES, *voigt.references)
reference_values = tuple(
    ReferenceValue(
        x, (3.0, 0.45, 0.7, 0.5, 0.3, 0.8), value, "SciPy 1.17.1, scipy.special.voigt_profile, sum of lines", 2e-7
    )
    for x, value in (
        (0.1, -3.2723424483715204),
        (0.45, -2.596845019016937),
        (0.9, -2.4923985954970784),
        (3.0, -0.03587395509640416),
    )
)


def formula(
    m: MathSpace, x: Value, depth: Value, isomer_shift: Value, quadrupole_splitting: Value, gaussian_fwhm: Value,
    fwhm: Value, asymmetry: Value,
) -> Value:  # fmt: skip
    """Minus a Voigt line of the depth half a splitting below the centre, and ``asymmetry`` times one above."""
    unit = m.sqrt(m.log(2.0)) / gaussian_fwhm
    y, t, half = unit * fwhm, x - isomer_shift, 0.5 * quadrupole_splitting
    low, high = voigt.profile(m, (t + half) * (2.0 * unit), y), voigt.profile(m, (t - half) * (2.0 * unit), y)
    return -(depth / voigt.at_centre(m, y)) * (low + asymmetry * high)


def area(
    m: MathSpace, depth: Value, isomer_shift: Value, quadrupole_splitting: Value, gaussian_fwhm: Value, fwhm: Value,
    asymmetry: Value,
) -> Value:  # fmt: skip
    """Area of both lines."""
    return voigt.area(m, depth, isomer_shift, gaussian_fwhm, fwhm) * (1.0 + asymmetry)


derived = (iron57.absorption_area(area),)
