"""Several components as one: where parameters of theirs follow from others, or one is computed from the others' curves.

Engines see one component whose parameters are the free ones alone, so that every engine runs it; a move of one of them
costs the curves of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch

from bayesbeam.models.base import Component, Formula, Parameter
from bayesbeam.models.composite import Composite
from bayesbeam.models.mathspace import TORCH, MathSpace, Value
from bayesbeam.models.operators.base import Operator

# Free numbers of no component that are tried as places on the axis, at most: every one doubles the trials.
MOST_TRIED = 6
_TRIALS, _SHIFT, _NEAR = 8, 0.75, 1e-9


@dataclass(frozen=True)
class Follows:
    """A number that follows from others: ``formula(m, *values)`` of the numbers at ``places`` of a state."""

    places: tuple[int, ...]
    formula: Formula

    def value(self, m: MathSpace, theta: Sequence[Value]) -> Value:
        """Value in a state, given number by number."""
        return self.formula(m, *(theta[place] for place in self.places))


@dataclass(frozen=True)
class Member:
    """One of the components, and where each of its parameters comes from: a place of the state, or a formula.

    ``acts_on`` holds the places, among the members, of those whose curves it is computed from.
    """

    component: Component
    sources: tuple[int | Follows, ...]
    acts_on: tuple[int, ...] = ()

    def values(self, m: MathSpace, theta: Sequence[Value]) -> list[Value]:
        """Parameters of the component in a state, given number by number."""
        return [s.value(m, theta) if isinstance(s, Follows) else theta[s] for s in self.sources]


def merged(members: Sequence[Member], parameters: Sequence[Parameter]) -> Component:
    """One component that is the sum of several.

    Parameters
    ----------
    members : sequence of Member
        Places count within ``parameters``.
    parameters : sequence of Parameter
        The free ones, each once.

    Returns
    -------
    Component
        Without order, amplitude and widths: these are its members'. Its ``locations`` are those parameters that may be
        shifted together with the axis, none where a formula does not shift with them.
    """
    components = [member.component for member in members]
    acts_on = [member.acts_on for member in members]
    places = _places(members, parameters)

    def formula(m: MathSpace, x: Value, *theta: Value) -> Value:
        """Sum of the members' curves."""
        return Composite(m, components, [member.values(m, theta) for member in members], acts_on).total(x)

    names = " + ".join(member.component.name for member in members)
    return Component(
        name=f"tied({names})",
        title=f"tied {names}",
        parameters=tuple(replace(parameter, name=f"{parameter.name}_{j}") for j, parameter in enumerate(parameters)),
        formula=formula,
        exchangeable=False,
        locations=tuple(f"{parameters[place].name}_{place}" for place in places),
        references=tuple(dict.fromkeys(r for member in members for r in member.component.references)),
        tensors_only=any(component.tensors_only for component in components),
    )


def _places(members: Sequence[Member], parameters: Sequence[Parameter]) -> tuple[int, ...]:
    """Parameters that are places on the axis: shifting them and the axis together changes no curve."""
    free = {s for m in members for s, is_place in _named(m) if is_place and isinstance(s, int)}
    lengths = {s for m in members for s, is_place in _named(m) if not is_place and isinstance(s, int)}
    open_ones = [j for j, p in enumerate(parameters) if j not in free | lengths and p.unit == "x"][:MOST_TRIED]
    for chosen in product((False, True), repeat=len(open_ones)):
        places = free | {j for j, yes in zip(open_ones, chosen, strict=True) if yes}
        if not free & lengths and _shifts(members, len(parameters), places):
            return tuple(sorted(places))
    return ()


def _named(member: Member) -> Iterator[tuple[int | Follows, bool]]:
    """Sources of a member's parameters, and whether each is a place on the axis."""
    for name, source in zip(member.component.parameter_names, member.sources, strict=True):
        yield source, name in member.component.locations


def _shifts(members: Sequence[Member], count: int, places: set[int]) -> bool:
    """Whether what follows from the places moves with them where it is a place, and stays where it is none."""
    if not all(_moves_or_is_flat(member.component) for member in members):
        return False
    generator = torch.Generator().manual_seed(1)
    theta = list(0.5 + torch.rand(count, _TRIALS, generator=generator, dtype=torch.float64))
    moved = [value + _SHIFT * (j in places) for j, value in enumerate(theta)]
    for member in members:
        for source, is_place in _named(member):
            if isinstance(source, Follows):
                by = source.value(TORCH, moved) - source.value(TORCH, theta)
                if bool(((torch.as_tensor(by) - _SHIFT * is_place).abs() > _NEAR).any()):
                    return False
    return True


def _moves_or_is_flat(component: Component) -> bool:
    """Whether a component stays what it is when the axis is shifted with all places on it, as operators do."""
    return isinstance(component, Operator) or bool(component.locations) or _flat(component)


def _flat(component: Component) -> bool:
    """Whether a component without places is the same all along the axis."""
    theta = component.random(torch.Generator().manual_seed(1))
    x = torch.linspace(0.1, 5.0, 50, dtype=torch.float64)
    return torch.equal(component.forward(x, theta), component.forward(x + _SHIFT, theta))


__all__ = ["Follows", "Member", "merged"]
