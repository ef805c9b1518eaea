"""Curves that a Gaussian or Lorentzian response leaves in closed form: these cost no more than the component itself.

Whatever is not here is smeared numerically.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bayesbeam.models import erf_step, fermi_edge, gaussian, lorentzian, voigt
from bayesbeam.models.arctan_step import formula as arctan_formula
from bayesbeam.models.base import Component, Formula
from bayesbeam.models.constant import formula as constant_formula
from bayesbeam.models.mathspace import MathSpace, Value

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half height of a Gaussian over its standard deviation."""

Values = Sequence[Value]
Broadened = Callable[[MathSpace, Value, Values, Value, Value], Value]
"""Curve at x of a component with the parameters given, seen with a Gaussian and a Lorentzian full width; 0 for none."""


def _add(m: MathSpace, first: Value, second: Value) -> Value:
    """Gaussian width of two, one after the other."""
    return m.sqrt(m.square(first) + m.square(second))


def _bell(m: MathSpace, x: Value, area: Value, position: Value, gauss: Value, lorentz: Value) -> Value:
    """Voigt peak of an area."""
    unit_area = voigt.area(m, 1.0, position, gauss, lorentz)
    return voigt.formula(m, x, area / unit_area, position, gauss, lorentz)


def _gaussian(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    if _none(lorentz):
        sd = _add(m, v[2], gauss / FWHM)
        return gaussian.formula(m, x, v[0] * v[2] / sd, v[1], sd)
    return _bell(m, x, gaussian.area(m, v[0], v[1], v[2]), v[1], _add(m, v[2] * FWHM, gauss), lorentz)


def _gaussian_precision(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    return _gaussian(m, x, (v[0], v[1], 1.0 / m.sqrt(v[2])), gauss, lorentz)


def _lorentzian(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    if _none(gauss):
        width = v[2] + lorentz
        return lorentzian.formula(m, x, v[0] * v[2] / width, v[1], width)
    return _bell(m, x, lorentzian.area(m, v[0], v[1], v[2]), v[1], gauss, v[2] + lorentz)


def _voigt(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    return _bell(m, x, voigt.area(m, *v), v[1], _add(m, v[2], gauss), v[3] + lorentz)


def _pseudo_voigt(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    """Both of its parts, of which the Gaussian's height is amplitude (1 - mixing)."""
    bell = _gaussian(m, x, (v[0] * (1.0 - v[3]), v[1], v[2] / FWHM), gauss, lorentz)
    return bell + _lorentzian(m, x, (v[0] * v[3], v[1], v[2]), gauss, lorentz)


def _constant(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    return constant_formula(m, x, *v)


def _erf_step(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    return erf_step.formula(m, x, v[0], v[1], _add(m, v[2], gauss))


def _fermi_edge(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    return fermi_edge.formula(m, x, v[0], v[1], v[2], _add(m, v[3], gauss), *v[4:])


def _arctan_step(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
    return arctan_formula(m, x, v[0], v[1], v[2] + lorentz)


_ANY: dict[str, Broadened] = {
    "gaussian": _gaussian, "gaussian_precision": _gaussian_precision, "lorentzian": _lorentzian, "voigt": _voigt,
    "pseudo_voigt": _pseudo_voigt, "constant": _constant,
}  # fmt: skip
_GAUSSIAN: dict[str, Broadened] = {**_ANY, "erf_step": _erf_step, "fermi_edge": _fermi_edge}
_LORENTZIAN: dict[str, Broadened] = {**_ANY, "arctan_step": _arctan_step}


def _none(width: Value) -> bool:
    """Whether there is no such width, which the response's kind says and no value of a parameter."""
    return isinstance(width, float) and width == 0.0


def _find(known: dict[str, Broadened], component: Component) -> Broadened | None:
    """Closed form of a component, line by line where it is made of some."""
    found, lines = known.get(component.name), component.lines
    if found is not None or lines is None:
        return found
    one = _find(known, lines.shape)
    if one is None:
        return None

    def sum_of_lines(m: MathSpace, x: Value, v: Values, gauss: Value, lorentz: Value) -> Value:
        """All lines, each seen through the response."""
        first, *others = (one(m, x, line, gauss, lorentz) for line in lines.parameters(v))
        return sum(others, first)

    return sum_of_lines


def of_gaussian(component: Component) -> Formula | None:
    """Formula of a component seen with a Gaussian response, None where it has to be computed numerically."""
    found = _find(_GAUSSIAN, component)
    return None if found is None else lambda m, x, values, own: found(m, x, values, own[0], 0.0)


def of_lorentzian(component: Component) -> Formula | None:
    """Formula of a component seen with a Lorentzian response, None where it has to be computed numerically."""
    found = _find(_LORENTZIAN, component)
    return None if found is None else lambda m, x, values, own: found(m, x, values, 0.0, own[0])


def of_voigt(component: Component) -> Formula | None:
    """Formula of a component seen with a Voigt response, None where it has to be computed numerically."""
    found = _find(_ANY, component)
    return None if found is None else lambda m, x, values, own: found(m, x, values, own[0], own[1])


__all__ = ["FWHM", "of_gaussian", "of_lorentzian", "of_voigt"]
