"""Faults in the table of a component: what is declared, of which kind, and whether the names fit together.

Nothing of a user's file is taken for granted: any name may hold any value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bayesbeam.models.base import Component, Derived, Parameter, ReferenceValue

WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Fault:
    """One fault of a component.

    Attributes
    ----------
    thing : str
        What it is about: a name of the file, or ``parameter step``.
    found, expected, remedy : str
        The parts of its message.
    line : int or None
        Line of its file where a formula failed; None where that has to be looked for.
    """

    thing: str
    found: str
    expected: str
    remedy: str
    line: int | None = None


def table_faults(component: Component) -> list[Fault]:
    """Everything wrong with the table of a component; what depends on other faults is left out."""
    return [*_kinds(component)] or [*_rows(component), *_names(component)]


def _kinds(component: Component) -> Iterator[Fault]:
    """Values of the wrong kind."""
    if not isinstance(component.title, str) or not component.title:
        yield Fault("title", _shown(component.title), "words for the report", "Write them in quotes.")
    for name in ("exchangeable", "tensors_only"):
        if not isinstance(getattr(component, name), bool):
            yield Fault(name, _shown(getattr(component, name)), "True or False", "Write one of the two.")
    formula: object = component.formula
    if not callable(formula):
        yield Fault("formula", _shown(formula), "a function", "Write def formula(m, x, ...).")
    for name in ("order_by", "amplitude"):
        word: object = getattr(component, name)
        if word is not None and not isinstance(word, str):
            yield Fault(name, _shown(getattr(component, name)), "the name of a parameter", "Write it in quotes.")
    unit: object = component.axis_unit
    if unit is not None and (not isinstance(unit, str) or not unit):
        yield Fault("axis_unit", _shown(unit), "the unit that x must have", 'Write it in quotes, e.g. "mm/s".')
    for name in ("locations", "widths", "references"):
        value = getattr(component, name)
        if not isinstance(value, tuple) or not all(isinstance(word, str) for word in value):
            remedy = f'Write {name} = ("one",) for a single one, with the comma.'
            yield Fault(name, _shown(value), "names in brackets", remedy)
    yield from _rows_of_kind("parameters", component.parameters, Parameter)
    yield from _rows_of_kind("derived", component.derived, Derived)
    yield from _rows_of_kind("reference_values", component.reference_values, ReferenceValue)
    if component.parameters == ():
        yield Fault("parameters", "no parameters", "at least one", "Declare them in `parameters`.")


def _rows_of_kind(name: str, rows: object, kind: type) -> Iterator[Fault]:
    """Fault of rows that are no tuple of objects of their kind."""
    if not isinstance(rows, tuple) or not all(isinstance(row, kind) for row in rows):
        remedy = f"Write {name} = ({kind.__name__}(...),) with a comma behind each."
        yield Fault(name, _shown(rows), f"one or more {kind.__name__}(...) in brackets", remedy)


def _rows(component: Component) -> Iterator[Fault]:
    """Faults in the rows of parameters, derived quantities and reference values."""
    for parameter in component.parameters:
        yield from _parameter(parameter)
    for quantity in component.derived:
        if not all(isinstance(word, str) and word for word in (quantity.name, quantity.unit, quantity.description)):
            found, remedy = "no name, unit or description", "Write all three in its declaration."
            yield Fault(f"derived {quantity.name}", found, "all three", remedy)
    for index, value in enumerate(component.reference_values):
        if not isinstance(value.theta, tuple) or len(value.theta) != len(component.parameters):
            expected = f"{len(component.parameters)} in brackets, one a parameter"
            yield Fault(f"reference_values[{index}]", f"parameters {value.theta!r}", expected, "Add or remove some.")


def _parameter(parameter: Parameter) -> Iterator[Fault]:
    """Faults of one row of the parameter table."""
    place = f"parameter {parameter.name}"
    if not isinstance(parameter.name, str) or not WORD.fullmatch(parameter.name):
        yield Fault(place, f"the name {parameter.name!r}", "lower-case letters, digits and _", "Rename it.")
    for field in ("unit", "prior", "description"):
        value = getattr(parameter, field)
        if value is None or value == "":
            remedy = f"Write it in the parameter table{' (1 for none)' if field == 'unit' else ''}."
            yield Fault(place, f"no {field}", f"a {field}", remedy)
        elif not isinstance(value, str):
            yield Fault(place, f"{field} {_shown(value)}", "text", "Put it in quotes.")
    support, typical = _ends(parameter.support), _ends(parameter.typical)
    if support is None or not support[0] < support[1]:
        expected = "a lower and a higher end"
        yield Fault(place, f"support {_shown(parameter.support)}", expected, "Write e.g. (0.0, 10.0).")
    elif typical is None or not (support[0] <= typical[0] < typical[1] <= support[1]) or math.inf in map(abs, typical):
        found, remedy = f"typical range {_shown(parameter.typical)}", "Give the range in which random draws are made."
        yield Fault(place, found, f"a range inside {parameter.support}", remedy)


def _ends(value: object) -> tuple[float, float] | None:
    """Two numbers, None if they are something else."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        return None
    numbers = [float(end) for end in value if isinstance(end, int | float) and not math.isnan(end)]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _names(component: Component) -> Iterator[Fault]:
    """Names that occur twice, or that mean no parameter."""
    names = [*component.parameter_names, *(quantity.name for quantity in component.derived)]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        yield Fault("parameters", f"{', '.join(twice)} declared twice", "each name once", "Rename one of them.")
    expected = f"one of {', '.join(map(str, component.parameter_names))}"
    for attribute in ("order_by", "amplitude", "widths", "locations"):
        value = getattr(component, attribute)
        words = value if isinstance(value, tuple) else () if value is None else (value,)
        for word in words:
            if word not in component.parameter_names:
                yield Fault(attribute, repr(word), expected, "Correct the name.")
    if component.exchangeable and component.order_by is None:
        remedy = "Name the parameter that orders the labels: order_by = ..."
        yield Fault("exchangeable", "exchangeable without order_by", "an order_by", remedy)


def _shown(value: object) -> str:
    """Short form of a value for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
