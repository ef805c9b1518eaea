"""Voigt peak: a Lorentzian line broadened by a Gaussian, by height, position and the full widths of both.

The convolution is the real part of Faddeeva's function, here Weideman's rational series: a polynomial in one complex
number with real coefficients, so a real recurrence does. Its height depends on no x, and costs a row, not a point.
"""

import math

import numpy as np

from bayesbeam.models.base import POSITIVE, Derived, Parameter, ReferenceValue, centre, height
from bayesbeam.models.mathspace import MathSpace, Value

name = "voigt"
title = "Voigt peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("gaussian_fwhm", "lorentzian_fwhm")
amplitude = "amplitude"
WIDTH = "log_uniform(low=x_step, high=x_span)"
parameters = (
    height(),
    centre(),
    Parameter("gaussian_fwhm", "x", WIDTH, POSITIVE, "full width at half height of the Gaussian part", (0.3, 2.0)),
    Parameter("lorentzian_fwhm", "x", WIDTH, POSITIVE, "full width at half height of the Lorentzian part", (0.2, 2.0)),
)
references = (
    "Weideman, SIAM Journal on Numerical Analysis 31 (1994) 1497, doi:10.1137/0731077: equations 37 and 38",
    "Olivero and Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17 (1977) 233, doi:10.1016/0022-4073(77)90161-3: "
    "the start for the full width",
)

TERMS, SCALE = 16, 3.565401
"""Terms and scale of the series: of those with an error below 1e-7 of the height at all ratios of the widths, the one
of the fewest operations; it errs by 5e-8. Weideman's own scale for 16 terms, 3.3636, errs by 2.4e-7."""


def _series() -> tuple[float, ...]:
    """Coefficients h of w(z) = 2 L q h(Z), q = 1 / (L - i z), Z = 2 L q - 1, by a Fourier transform.

    Weideman's 2 p(Z) q^2 + q / sqrt(pi) with q drawn out: what is left loses no digits where Z comes near -1.
    """
    count = 2 * TERMS
    angle = np.arange(1 - count, count) * (np.pi / count)
    t = SCALE * np.tan(0.5 * angle)
    values = np.concatenate([[0.0], np.exp(-t * t) * (SCALE * SCALE + t * t)])
    p = np.real(np.fft.fft(np.fft.fftshift(values)))[1 : TERMS + 1] / (2 * count)
    h = (np.append(p, 0.0) + np.append(0.0, p)) / (2.0 * SCALE * SCALE)
    h[0] += 0.5 / (SCALE * math.sqrt(math.pi))
    return tuple(float(value) for value in h)


SERIES = _series()


def profile(m: MathSpace, t: Value, y: Value) -> Value:
    """Re w(t + i y) / (2 L) for y >= 0, by the recurrence of a real polynomial at a complex number."""
    a = y + SCALE
    u = 1.0 / (m.square(t) + m.square(a))
    # q = (a + i t) u, and Z = 2 L q - 1 has the real part ``real`` and the squared modulus ``modulus``
    real = (2.0 * SCALE * a) * u - 1.0
    modulus = 1.0 - (4.0 * SCALE * y) * u
    twice = real + real
    last, one = SERIES[-1] * twice + SERIES[-2], SERIES[-1]
    for coefficient in SERIES[-3:0:-1]:
        last, one = coefficient + twice * last - modulus * one, last
    return u * (a * (SERIES[0] + real * last - modulus * one) - (2.0 * SCALE) * (m.square(t) * u) * last)


def at_centre(m: MathSpace, y: Value) -> Value:
    """Re w(i y) / (2 L), which is erfcx(y) / (2 L), of the same series, so that a peak has the height it is given."""
    q = 1.0 / (y + SCALE)
    z = (2.0 * SCALE) * q - 1.0
    value = SERIES[-1] * z + SERIES[-2]
    for coefficient in SERIES[-3::-1]:
        value = value * z + coefficient
    return value * q


def formula(
    m: MathSpace, x: Value, amplitude: Value, position: Value, gaussian_fwhm: Value, lorentzian_fwhm: Value
) -> Value:
    """Height times Re w(t + i y) / Re w(i y).

    Here t is 2 sqrt(ln 2) (x - position) / gaussian_fwhm and y is sqrt(ln 2) lorentzian_fwhm / gaussian_fwhm.
    """
    unit = m.sqrt(m.log(2.0)) / gaussian_fwhm
    y = unit * lorentzian_fwhm
    return (amplitude / at_centre(m, y)) * profile(m, (x - position) * (2.0 * unit), y)


def area(m: MathSpace, amplitude: Value, position: Value, gaussian_fwhm: Value, lorentzian_fwhm: Value) -> Value:
    """Integral of the peak over the whole line: that of Re w(t + i y) over t is sqrt(pi), of the series too."""
    unit = m.sqrt(m.log(2.0)) / gaussian_fwhm
    whole = amplitude * (0.25 * m.sqrt(m.pi) / SCALE)
    return whole / (unit * at_centre(m, unit * lorentzian_fwhm))


def fwhm(m: MathSpace, amplitude: Value, position: Value, gaussian_fwhm: Value, lorentzian_fwhm: Value) -> Value:
    """Full width at half height.

    Olivero and Longbothum's value, right to 2e-4, and three steps along the slope there, each of which takes some such
    factor off the error.
    """
    unit = m.sqrt(m.log(2.0)) / gaussian_fwhm
    y = unit * lorentzian_fwhm
    half = 0.5 * at_centre(m, y)
    wide = 0.5346 * lorentzian_fwhm
    t = unit * (wide + m.sqrt(0.2166 * m.square(lorentzian_fwhm) + m.square(gaussian_fwhm)))
    inverse_slope = 0.002 * t / (profile(m, 1.001 * t, y) - profile(m, 0.999 * t, y))
    for _ in range(3):
        t = t + (half - profile(m, t, y)) * inverse_slope
    return t / unit


derived = (
    Derived("area", "x*y", area, "integral of the peak over the whole line"),
    Derived("fwhm", "x", fwhm, "full width of the peak at half its height"),
)
SOURCE = "mpmath 1.4.1 of 40 digits, exp(-z^2) erfc(-i z) over its value at the centre"
NARROW, WIDE = (3.0, 1.25, 0.8, 0.5), (3.0, 1.25, 0.05, 0.8)
reference_values = tuple(
    ReferenceValue(x, theta, value, SOURCE, 2e-7)
    for x, theta, value in (
        (0.5, NARROW, 0.90963859723993483),
        (1.5, NARROW, 2.5757548354453815),
        (2.0, NARROW, 0.90963859723993483),
        (0.5, WIDE, 0.66710143876532796),
        (4.5, WIDE, 0.044896668691754207),
    )
)
