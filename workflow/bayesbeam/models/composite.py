"""Curves of several components together, some of which act on others: backgrounds of peaks, responses of instruments.

A response comes first: what it acts on is seen through it. A background is computed from its peaks as they are seen,
which is the same as seeing it through the response too, since both are linear and neither depends on the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.models.base import Component, Formula
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.operators.base import Curve, Operator


@dataclass(frozen=True)
class Composite:
    """Components with values of their parameters; ``acts_on`` holds the places of those that an operator acts on.

    ``origins`` is what is added to x for each of them, for those that are computed on an axis of their own.
    """

    m: MathSpace
    components: Sequence[Component]
    values: Sequence[Sequence[Value]]
    acts_on: Sequence[Sequence[int]]
    origins: Sequence[Value] = ()

    def total(self, x: Value) -> Value:
        """Sum of all curves as they are seen."""
        plain = [k for k in range(len(self.components)) if not isinstance(self.components[k], Operator)]
        total = self.seen(plain, x, x)
        for k, component in enumerate(self.components):
            if isinstance(component, Operator) and component.adds:
                total = total + self.curve(k, x)
        return total

    def curve(self, k: int, x: Value) -> Value:
        """Curve of one of them as it is seen; a response has none of its own."""
        component = self.components[k]
        if not isinstance(component, Operator):
            return self.seen([k], x, x)
        assert component.adds, "a response has no curve"
        return component.formula(self.m, x, x, lambda u: self.seen(self.acts_on[k], u, x), *self.values[k])

    def has_curve(self, k: int) -> bool:
        """Whether one of them adds a curve of its own, which a response does not."""
        return not _is_response(self.components[k])

    def seen(self, chosen: Sequence[int], x: Value, axis: Value) -> Value:
        """Sum of the curves of some plain components, each through its response where it has one; nothing is 0.

        ``axis`` is that of the data, x the places asked for.
        """
        curves: list[Value] = []
        smeared: dict[int, list[int]] = {}
        for k in chosen:
            response = self._response_of(k)
            if response is None:
                curves.append(self._plain(k, x))
                continue
            closed = _exact(self.components[response], self.components[k])
            if closed is None:
                smeared.setdefault(response, []).append(k)
            else:
                curves.append(closed(self.m, self._moved(k, x), self.values[k], self.values[response]))
        for response, several in smeared.items():
            formula = self.components[response].formula
            curves.append(formula(self.m, x, axis, self._sum(several), *self.values[response]))
        if not curves:
            return x * 0.0
        total = curves[0]
        for curve in curves[1:]:
            total = total + curve
        return total

    def _sum(self, several: Sequence[int]) -> Curve:
        """Sum of plain curves, as a function of the axis."""

        def curve(x: Value) -> Value:
            total = self._plain(several[0], x)
            for k in several[1:]:
                total = total + self._plain(k, x)
            return total

        return curve

    def _plain(self, k: int, x: Value) -> Value:
        return self.components[k].formula(self.m, self._moved(k, x), *self.values[k])

    def _moved(self, k: int, x: Value) -> Value:
        return x + self.origins[k] if self.origins else x

    def _response_of(self, k: int) -> int | None:
        """Place of the response that a component is seen through."""
        return next((j for j, on in enumerate(self.acts_on) if k in on and _is_response(self.components[j])), None)


def _exact(response: Component, component: Component) -> Formula | None:
    """Formula in closed form of a component seen through a response, None where there is none."""
    return response.exact(component) if isinstance(response, Operator) and response.exact is not None else None


def _is_response(component: Component) -> bool:
    return isinstance(component, Operator) and not component.adds


__all__ = ["Composite"]
