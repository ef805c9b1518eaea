"""What the patterns of iron-57 share: where their lines lie, their shape, and the tables of their parameters.

Velocities are in mm/s. A field is told on the scale of alpha-iron: its six lines lie where they do at 33.04 T.
"""

from __future__ import annotations

from bayesbeam.models.base import POSITIVE, REAL, Derived, Parameter
from bayesbeam.models.mathspace import MathSpace, Value

VELOCITY = "mm/s"
ALPHA_IRON_FIELD = 33.04
ALPHA_IRON_LINES = (5.328, 3.083, 0.839)
"""Field of alpha-iron at 295 K, in T, and its lines at positive velocity, outermost first, those at negative velocity
being their mirror image: what velocity scales are usually made with. Nuclear moments of 0.0906 and -0.1549 nuclear
magnetons and a transition of 14.4125 keV give 33.09, 33.05 and 32.8 T for the three."""
PER_TESLA = tuple(line / ALPHA_IRON_FIELD for line in ALPHA_IRON_LINES)
OUTER, MIDDLE, INNER = PER_TESLA

REFERENCES = (
    "Guetlich, Bill and Trautwein, Moessbauer Spectroscopy and Transition Metal Chemistry (2011), "
    "doi:10.1007/978-3-540-88428-6: chapter 4",
)

depth = Parameter("depth", "y", "half_normal(sd=y_span)", REAL, "depth of the line at the lowest velocity, by itself")
isomer_shift = Parameter(
    "isomer_shift", VELOCITY, "uniform(low=-1, high=2)", REAL, "centre of the pattern", (-2.0, 2.0)
)
quadrupole_splitting = Parameter(
    "quadrupole_splitting", VELOCITY, "uniform(low=0, high=4)", POSITIVE, "distance of the two lines", (0.3, 3.0)
)
asymmetry = Parameter(
    "asymmetry", "1", "fixed(value=1)", POSITIVE, "depth of the line at higher velocity over that of the other",
    (0.5, 1.5),
)  # fmt: skip
quadrupole_shift = Parameter(
    "quadrupole_shift", VELOCITY, "normal(mean=0, sd=0.3)", REAL,
    "how far the outer two lines are shifted up, and the inner four down", (-0.5, 0.5),
)  # fmt: skip
field = Parameter("field", "T", "uniform(low=0, high=60)", POSITIVE, "hyperfine field", (5.0, 25.0))
middle_ratio = Parameter(
    "middle_ratio", "1", "fixed(value=2)", POSITIVE,
    "area of lines 2 and 5 in 3 : ratio : 1; 2 for a powder, 0 to 4 for moments along and across the beam", (0.5, 3.5),
)  # fmt: skip
fwhm = Parameter(
    "fwhm", VELOCITY, "log_uniform(low=0.19, high=3)", POSITIVE,
    "full width at half depth of the Lorentzian part of a line; 0.194 at least, source and absorber together",
    (0.2, 1.0),
)  # fmt: skip
gaussian_fwhm = Parameter(
    "gaussian_fwhm", VELOCITY, "log_uniform(low=0.01, high=3)", POSITIVE,
    "full width at half depth of the Gaussian part of a line", (0.2, 1.0),
)  # fmt: skip
field_sd = Parameter(
    "field_sd", "T", "log_uniform(low=0.05, high=15)", POSITIVE,
    "standard deviation of the normal distribution of fields", (0.3, 3.0),
)  # fmt: skip


def lorentzian(m: MathSpace, distance: Value, full_width: Value) -> Value:
    """Line of depth 1."""
    return 1.0 / (1.0 + m.square(2.0 * distance / full_width))


def absorption_area(formula: object) -> Derived:
    """Area of all lines of a pattern."""
    assert callable(formula)
    return Derived("absorption_area", f"{VELOCITY}*y", formula, "area of all lines between curve and baseline")
