"""Terms of linear regression that a campaign makes: a column of the data, or a power of x, times a coefficient."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from bayesbeam.models import registry
from bayesbeam.models.base import Component, Parameter
from bayesbeam.models.mathspace import MathSpace, Value

COLUMN, POWER = "column", "power"


@lru_cache(maxsize=4096)
def of_column(word: str) -> Component:
    """Column of this name times a coefficient; the same object for the same name."""
    plain = registry.get(COLUMN)
    (coefficient,) = plain.parameters
    told = replace(coefficient, unit=f"y/[{word}]", description=f"factor of the column {word}")
    return replace(plain, parameters=(told,), column=word)


@lru_cache(maxsize=4096)
def of_power(exponent: float) -> Component:
    """Amplitude times x to a power; the same object for the same exponent.

    Whole exponents are products, right to a few units in the last place; others need x > 0, and negative ones x != 0.
    """
    plain = registry.get(POWER)

    def formula(m: MathSpace, x: Value, amplitude: Value) -> Value:
        """Amplitude times the power of x."""
        return amplitude * power(m, x, exponent)

    (amplitude,) = plain.parameters
    return replace(plain, parameters=(_in_units(amplitude, exponent),), formula=formula, exponent=exponent)


def power(m: MathSpace, x: Value, exponent: float) -> Value:
    """Power of x, on any math namespace."""
    if exponent != int(exponent):
        return m.exp(exponent * m.log(x))
    left, square, found = abs(int(exponent)), x, None
    while left:
        if left % 2:
            found = square if found is None else found * square
        left //= 2
        square = square * square if left else square
    if found is None:
        return 1.0 + 0.0 * x
    return 1.0 / found if exponent < 0 else found


def has_default_prior(exponent: float) -> bool:
    """Whether the amplitude of a power has a scale that the ranges of x and y tell."""
    return exponent == int(exponent) and exponent >= 0


def _in_units(amplitude: Parameter, exponent: float) -> Parameter:
    """The amplitude with the unit and the default prior that go with an exponent."""
    whole = int(exponent) if exponent == int(exponent) else None
    if whole is None:
        return replace(amplitude, unit="y", description=f"factor of x^{exponent:g}, in units of y over it")
    unit = "y" if whole == 0 else f"y/x^{whole}" if whole > 0 else f"y*x^{-whole}"
    scale = "/".join(["y_span", *["x_span"] * max(whole, 0)])
    return replace(amplitude, unit=unit, prior=f"normal(mean=0, sd={scale})", description=f"factor of x^{whole}")


__all__ = ["COLUMN", "POWER", "has_default_prior", "of_column", "of_power", "power"]
