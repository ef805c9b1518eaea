"""A component some of whose parameters are moved before its formula sees them: by an offset, a factor, or a formula.

The parameter itself stays free and keeps its name, so that several peaks are still told apart by it; what moves it is
handed on in further parameters, which follow from numbers of no component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bayesbeam.models.base import REAL, Component, Derived, Formula, Parameter
from bayesbeam.models.mathspace import TORCH, MathSpace, Value

_TRIALS, _SHIFT, _NEAR = 8, 0.75, 1e-9


@dataclass(frozen=True)
class Move:
    """How a parameter is moved: ``formula(m, *values)`` of those named, of itself first and then of what is carried."""

    parameter: str
    carried: tuple[str, ...]
    formula: Formula


@dataclass(frozen=True, kw_only=True)
class Moved(Component):
    """A component with moved parameters; ``base`` is it without."""

    base: Component
    moves: tuple[Move, ...]

    def values(self, m: MathSpace, theta: Sequence[Value]) -> list[Value]:
        """Parameters of the base in a state, given number by number."""
        names = self.parameter_names
        found = dict(zip(names, theta, strict=True))
        moved = {
            one.parameter: one.formula(m, found[one.parameter], *(found[word] for word in one.carried))
            for one in self.moves
        }
        return [moved.get(name, found[name]) for name in self.base.parameter_names]

    def of_base(self, theta: Tensor) -> Tensor:
        """Parameters (..., p) of the base, from those (..., P) of this component."""
        columns = self.values(TORCH, theta.unbind(-1))
        return torch.stack([torch.as_tensor(v, dtype=theta.dtype).expand(theta.shape[:-1]) for v in columns], -1)


def moved(base: Component, moves: Sequence[Move]) -> Moved:
    """Component with moved parameters.

    Parameters
    ----------
    base : Component
        Must have the parameters that are moved.
    moves : sequence of Move
        One a parameter; names that are carried become parameters after those of the base, once each.

    Returns
    -------
    Moved
        Its derived quantities are those of the base, and each moved parameter as the formula of the base has it. It has
        no amplitude where that is moved, and its places on the axis are those that still go with the axis.
    """
    carried = tuple(dict.fromkeys(word for one in moves for word in one.carried))
    names = {one.parameter for one in moves}
    bare = Moved(
        name=f"moved({base.name})",
        title=f"{base.title}, moved",
        parameters=(*base.parameters, *(Parameter(word, "1", "", REAL, word) for word in carried)),
        formula=base.formula,
        exchangeable=base.exchangeable,
        order_by=base.order_by,
        widths=base.widths,
        amplitude=None if base.amplitude in names else base.amplitude,
        references=base.references,
        tensors_only=base.tensors_only,
        axis_unit=base.axis_unit,
        column=base.column,
        carried=carried,
        base=base,
        moves=tuple(moves),
    )

    def formula(m: MathSpace, x: Value, *theta: Value) -> Value:
        """Curve of the base with its parameters moved."""
        return base.formula(m, x, *bare.values(m, theta))

    stays = all(_goes_along(one) for one in moves if one.parameter in base.locations)
    return replace(bare, formula=formula, derived=_derived(bare), locations=base.locations if stays else ())


def unmoved(component: Component, theta: Tensor) -> tuple[Component, Tensor]:
    """Component without what moves its parameters, and its parameters (..., p) as they are then."""
    return (component.base, component.of_base(theta)) if isinstance(component, Moved) else (component, theta)


def _derived(one: Moved) -> tuple[Derived, ...]:
    """Quantities of the base, and its parameters that are moved."""

    def of(quantity: Derived) -> Derived:
        return replace(quantity, formula=lambda m, *theta: quantity.formula(m, *one.values(m, theta)))

    def itself(parameter: Parameter) -> Derived:
        place = one.base.index(parameter.name)
        return Derived(
            parameter.name, parameter.unit, lambda m, *theta: one.values(m, theta)[place], parameter.description
        )

    names = [move.parameter for move in one.moves]
    own = [itself(parameter) for parameter in one.base.parameters if parameter.name in names]
    return (*own, *(of(quantity) for quantity in one.base.derived))


def _goes_along(one: Move) -> bool:
    """Whether a moved place shifts with the axis when its parameter does, whatever is carried."""
    generator = torch.Generator().manual_seed(1)
    place, *rest = 0.5 + torch.rand(1 + len(one.carried), _TRIALS, generator=generator, dtype=torch.float64)
    by = one.formula(TORCH, place + _SHIFT, *rest) - one.formula(TORCH, place, *rest)
    return bool(((torch.as_tensor(by) - _SHIFT).abs() < _NEAR).all())


__all__ = ["Move", "Moved", "moved", "unmoved"]
