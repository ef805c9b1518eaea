"""Gaussian peak with an exponential tail: a Gaussian convolved with a decay to higher x."""

from bayesbeam.models.base import POSITIVE, REAL, Derived, Parameter, ReferenceValue, centre
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.numerics import falls_below, scaled_erfc

name = "exponential_gaussian"
title = "exponentially modified Gaussian peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("sd", "decay")
amplitude = "amplitude"
WIDTH = "log_uniform(low=x_step, high=x_span)"
parameters = (
    Parameter("amplitude", "y", "half_normal(sd=y_span)", REAL, "height of the peak at its position"),
    centre(),
    Parameter("sd", "x", WIDTH, POSITIVE, "standard deviation of the Gaussian", (0.2, 1.5)),
    Parameter("decay", "x", WIDTH, POSITIVE, "distance over which the tail falls by a factor of e", (0.2, 2.0)),
)
references = ("Grushka, Analytical Chemistry 44 (1972) 1733, doi:10.1021/ac60319a011",)
SOURCE = "mpmath 1.4.1 of 30 digits, exp(sd^2/(2 decay^2) - d/decay) erfc((sd/decay - d/sd)/sqrt(2)) over that at d = 0"
LONG, SHORT = (3.0, 1.25, 0.3, 0.7), (3.0, 1.25, 0.8, 0.02)
reference_values = tuple(
    ReferenceValue(x, theta, value, SOURCE, 1e-10)
    for x, theta, value in (
        (0.5, LONG, 0.044632853497975596), (1.5, LONG, 4.1285444419006941), (2.0, LONG, 3.0165106679294484),
        (4.5, LONG, 0.086467858258980196), (0.5, SHORT, 1.8889484838981842), (4.5, SHORT, 0.00087054468079826786),
    )
)  # fmt: skip
ROOT_HALF = 0.7071067811865476


def shape(m: MathSpace, z: Value, ratio: Value) -> Value:
    """exp(-z^2 / 2) times the scaled complementary error function at (ratio - z) / sqrt(2).

    Where that argument is below 0 the function would overflow: there it is 2 exp(ratio^2 / 2 - ratio z) less its mirror
    image, at most half of it.
    """
    s = (ratio - z) * ROOT_HALF
    image = m.exp(-0.5 * m.square(z)) * scaled_erfc(m, m.abs(s))
    tail = 2.0 * m.exp(m.minimum((0.5 * ratio - z) * ratio, 0.0))
    return m.where(s < 0.0, tail - image, image)


def formula(m: MathSpace, x: Value, amplitude: Value, position: Value, sd: Value, decay: Value) -> Value:
    """Height at the Gaussian's centre times the convolution over its value there."""
    ratio = sd / decay
    return (amplitude / scaled_erfc(m, ratio * ROOT_HALF)) * shape(m, (x - position) * (1.0 / sd), ratio)


def area(m: MathSpace, amplitude: Value, position: Value, sd: Value, decay: Value) -> Value:
    """Integral of the peak: that of its shape over z is 2 / ratio."""
    return amplitude * (2.0 * decay) / scaled_erfc(m, (sd / decay) * ROOT_HALF)


def reduced_summit(m: MathSpace, ratio: Value) -> Value:
    """Place of the maximum in units of sd: where the curve crosses the Gaussian it is made from."""
    scale = ratio * m.sqrt(0.5 * m.pi)
    start = 0.0 * ratio

    def gaussian_less_curve(z: Value) -> Value:
        return m.exp(-0.5 * m.square(z)) - scale * shape(m, z, ratio)

    return falls_below(m, gaussian_less_curve, 0.0, start, m.minimum(1.0 / ratio, start + 30.0))


def summit(m: MathSpace, amplitude: Value, position: Value, sd: Value, decay: Value) -> Value:
    """Where the peak has its maximum."""
    return position + sd * reduced_summit(m, sd / decay)


def fwhm(m: MathSpace, amplitude: Value, position: Value, sd: Value, decay: Value) -> Value:
    """Full width at half the maximum."""
    ratio = sd / decay
    top = reduced_summit(m, ratio)
    half = 0.5 * shape(m, top, ratio)
    low = falls_below(m, lambda z: shape(m, z, ratio), half, top, 0.0 * ratio - 2.0)
    high = falls_below(m, lambda z: shape(m, z, ratio), half, top, top + 3.0 + 2.0 / ratio)
    return sd * (high - low)


derived = (
    Derived("area", "x*y", area, "integral of the peak"),
    Derived("fwhm", "x", fwhm, "full width of the peak at half its maximum"),
    Derived("summit", "x", summit, "where the peak has its maximum"),
)
