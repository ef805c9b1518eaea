"""Fano resonance: a discrete state that interferes with a continuum, without the continuum itself."""

from bayesbeam.models.base import POSITIVE, REAL, Derived, Parameter, ReferenceValue, centre
from bayesbeam.models.mathspace import MathSpace, Value

name = "fano"
title = "Fano resonance"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("linewidth",)
amplitude = "amplitude"
parameters = (
    Parameter("amplitude", "y", "half_normal(sd=y_span)", REAL, "height from the dip to the peak"),
    centre(),
    Parameter(
        "linewidth", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "full width of the resonance", (0.3, 2.0)
    ),
    Parameter("q", "1", "normal(mean=0, sd=3)", REAL, "Fano's q: 0 a dip, far from 0 a Lorentzian peak", (0.5, 4.0)),
)
references = ("Fano, Physical Review 124 (1961) 1866, doi:10.1103/PhysRev.124.1866: equation 21",)
SOURCE = "lmfit 1.3.4, lineshapes.breit_wigner less its value far away, over 1 + q^2"
PEAKED, DIPPED = (3.0, 1.25, 0.8, 1.7), (3.0, 1.25, 0.8, -0.6)
reference_values = tuple(
    ReferenceValue(x, theta, value, SOURCE, 1e-12)
    for x, theta, value in (
        (0.5, PEAKED, -0.7659778866937673), (1.25, PEAKED, 1.4575835475578411), (2.0, PEAKED, 1.4115512226363407),
        (4.5, PEAKED, 0.33965527885347857), (0.5, DIPPED, 0.7864848361489921), (4.5, DIPPED, -0.3419966261160564),
    )
)  # fmt: skip


def formula(m: MathSpace, x: Value, amplitude: Value, position: Value, linewidth: Value, q: Value) -> Value:
    """Amplitude times ((q + e)^2 / (1 + e^2) - 1) / (1 + q^2), e = 2 (x - position) / linewidth."""
    e = (x - position) * (2.0 / linewidth)
    size = 1.0 / (1.0 + m.square(q))
    return amplitude * (((m.square(q) - 1.0) * size + (2.0 * q * size) * e) / (1.0 + m.square(e)))


def fwhm(m: MathSpace, amplitude: Value, position: Value, linewidth: Value, q: Value) -> Value:
    """Distance of the points at which the curve is half its maximum q^2 / (1 + q^2): the roots of a quadratic in e."""
    return linewidth * m.sqrt(1.0 + 2.0 / m.square(q))


def summit(m: MathSpace, amplitude: Value, position: Value, linewidth: Value, q: Value) -> Value:
    """Where the curve has its maximum: e = 1 / q."""
    return position + 0.5 * linewidth / q


derived = (
    Derived("fwhm", "x", fwhm, "full width of the peak at half its maximum above the continuum"),
    Derived("summit", "x", summit, "where the peak has its maximum"),
)
