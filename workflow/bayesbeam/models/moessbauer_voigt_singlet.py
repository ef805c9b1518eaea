"""Moessbauer singlet with a Voigt line: a normal distribution of isomer shifts."""

from bayesbeam.models import iron57, voigt
from bayesbeam.models.base import ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "moessbauer_voigt_singlet"
title = "Moessbauer singlet with a Voigt line"
axis_unit = iron57.VELOCITY
exchangeable = True
order_by = "isomer_shift"
locations = ("isomer_shift",)
widths = ("gaussian_fwhm", "fwhm")
amplitude = "depth"
parameters = (iron57.depth, iron57.isomer_shift, iron57.gaussian_fwhm, iron57.fwhm)
references = (*iron57.REFERENCES, *voigt.references)
reference_values = tuple(
    ReferenceValue(x, (3.0, 0.45, 0.5, 0.3), value, "SciPy 1.17.1, scipy.special.voigt_profile, sum of lines", 2e-7)
    for x, value in (
        (0.45, -3.0),
        (0.6, -2.5983570339463533),
        (1.2, -0.2851016289491143),
    )
)


def formula(m: MathSpace, x: Value, depth: Value, isomer_shift: Value, gaussian_fwhm: Value, fwhm: Value) -> Value:
    """Minus a Voigt line of the depth."""
    return -voigt.formula(m, x, depth, isomer_shift, gaussian_fwhm, fwhm)


derived = (iron57.absorption_area(voigt.area),)
