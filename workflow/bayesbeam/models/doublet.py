"""Two lines of one shape, a splitting apart and in a ratio of heights: built from any peak component.

The component's own position and height are those of the first line; the second lies at position + splitting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations

from bayesbeam.errors import ModelError
from bayesbeam.models.base import POSITIVE, Component, Derived, Formula, Lines, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

WIDTHS = ("shared", "own")
SPLITTING = Parameter(
    "splitting", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "second position minus first", (0.5, 3.0)
)
RATIO = Parameter("ratio", "1", "uniform(low=0, high=2)", POSITIVE, "second height over first", (0.2, 1.5))


def doublet(base: Component, widths: str = "shared") -> Component:
    """Doublet of a peak component.

    Parameters
    ----------
    base : Component
        Shape of both lines; must have an amplitude and a position.
    widths : {"shared", "own"}
        Whether the second line has width parameters of its own, named ``<width>_2``.

    Raises
    ------
    ModelError
        If the component is no peak, or ``widths`` is another word.
    """
    if widths not in WIDTHS:
        raise ModelError.at(f"doublet of {base.name}: widths", repr(widths), "shared or own", "Choose one of the two.")
    if not is_peak(base):
        found = "a component without an amplitude and a position"
        raise ModelError.at(f"doublet of {base.name}", found, "a peak", "Put the component in as a part of its own.")
    twice = clashes(base, widths)
    if twice:
        found = f"{', '.join(twice)} twice: in the peak, and made for its two lines"
        raise ModelError.at(f"doublet of {base.name}", found, "each name once", "Rename it in the peak.")
    own = _own_widths(base, widths)
    second_widths = tuple(_of_second(parameter) for parameter in own)
    return Component(
        name=f"doublet({base.name}, {widths})",
        title=f"doublet of {base.title}s, {widths} widths",
        parameters=(*base.parameters, SPLITTING, RATIO, *second_widths),
        formula=_sum_of_lines(base, own),
        exchangeable=base.exchangeable,
        derived=_derived(base, own),
        order_by=base.order_by,
        locations=base.locations,
        widths=(*base.widths, *(parameter.name for parameter in second_widths)),
        amplitude=base.amplitude,
        references=base.references,
        reference_values=_reference_values(base, own),
        tensors_only=base.tensors_only,
        axis_unit=base.axis_unit,
        lines=Lines(base, _lines(base, own)),
    )


def is_peak(component: Component) -> bool:
    """Whether a component has an amplitude, and is ordered by a place on the axis: not by a frequency, say."""
    if component.amplitude is None or component.order_by is None:
        return False
    return component.parameters[component.index(component.order_by)].unit == "x"


def clashes(base: Component, widths: str) -> tuple[str, ...]:
    """Names that a doublet of this peak would have twice."""
    own = _own_widths(base, widths)
    names = [*base.parameter_names, SPLITTING.name, RATIO.name, *(_of_second(parameter).name for parameter in own)]
    names += [quantity.name for quantity in _derived(base, own)]
    return tuple(sorted({name for name in names if names.count(name) > 1}))


def _own_widths(base: Component, widths: str) -> tuple[Parameter, ...]:
    """Parameters of which the second line has its own."""
    return tuple(p for p in base.parameters if p.name in base.widths) if widths == "own" else ()


def _of_second(parameter: Parameter) -> Parameter:
    """Width parameter of the second line."""
    return replace(parameter, name=f"{parameter.name}_2", description=f"second line: {parameter.description}")


def _second_line(base: Component, own: Sequence[Parameter]) -> Formula:
    """Function from a doublet's parameters to those of its second line alone."""
    count = len(base.parameters)
    height, place = base.index(str(base.amplitude)), base.index(str(base.order_by))
    replaced = {base.index(parameter.name): count + 2 + k for k, parameter in enumerate(own)}

    def second(theta: Sequence[Value]) -> list[Value]:
        """Own widths where there are any, all else from the first line."""
        line = [theta[replaced.get(k, k)] for k in range(count)]
        line[place] = theta[place] + theta[count]
        line[height] = theta[height] * theta[count + 1]
        return line

    return second


def _lines(base: Component, own: Sequence[Parameter]) -> Callable[[Sequence[Value]], Sequence[Sequence[Value]]]:
    """Function from a doublet's parameters to those of both lines."""
    count, second = len(base.parameters), _second_line(base, own)
    return lambda theta: (theta[:count], second(theta))


def _sum_of_lines(base: Component, own: Sequence[Parameter]) -> Formula:
    """Formula of the doublet: first line plus second."""
    lines = _lines(base, own)

    def formula(m: MathSpace, x: Value, *theta: Value) -> Value:
        """First line plus second line."""
        first, second = lines(theta)
        return base.formula(m, x, *first) + base.formula(m, x, *second)

    return formula


def _derived(base: Component, own: Sequence[Parameter]) -> tuple[Derived, ...]:
    """Both positions' and lines' derived quantities, and the ratio of the areas."""
    count, second = len(base.parameters), _second_line(base, own)
    place = base.index(str(base.order_by))

    def of_first(quantity: Derived) -> Formula:
        return lambda m, *theta: quantity.formula(m, *theta[:count])

    def of_second(quantity: Derived) -> Formula:
        return lambda m, *theta: quantity.formula(m, *second(theta))

    def ratio(quantity: Derived) -> Formula:
        return lambda m, *theta: quantity.formula(m, *second(theta)) / quantity.formula(m, *theta[:count])

    where = f"{base.order_by} of the second line"
    quantities = [Derived(f"{base.order_by}_2", "x", lambda m, *theta: second(theta)[place], where)]
    for quantity in base.derived:
        name, unit, words = quantity.name, quantity.unit, quantity.description
        if name != "area" and not own:
            quantities.append(Derived(name, unit, of_first(quantity), f"both lines: {words}"))
            continue
        quantities.append(Derived(f"{name}_1", unit, of_first(quantity), f"first line: {words}"))
        quantities.append(Derived(f"{name}_2", unit, of_second(quantity), f"second line: {words}"))
        if name == "area":
            quantities.append(Derived("area_ratio", "1", ratio(quantity), "area of the second line over the first"))
    return tuple(quantities)


def _reference_values(base: Component, own: Sequence[Parameter], ratio: float = 0.75) -> tuple[ReferenceValue, ...]:
    """Sums of two independent values of the single line, seen at two points of one line."""
    pairs = [pair for pair in permutations(base.reference_values, 2) if pair[0].theta == pair[1].theta]
    found = []
    for one, two in pairs:
        theta = (*one.theta, one.x - two.x, ratio, *(one.theta[base.index(parameter.name)] for parameter in own))
        value, source = one.value + ratio * two.value, f"sum of two lines: {one.source}"
        found.append(ReferenceValue(one.x, theta, value, source, max(one.rtol, two.rtol)))
    return tuple(found)
