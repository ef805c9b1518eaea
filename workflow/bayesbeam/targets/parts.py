"""What a sum is made of: named slots of the state, terms, priors of slots, and parts as a caller states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bayesbeam.models.base import Component, Formula, Parameter
from bayesbeam.models.mathspace import TORCH
from bayesbeam.models.operators.base import Operator
from bayesbeam.models.tied import Follows
from bayesbeam.priors.base import Family, Prior


@dataclass(frozen=True)
class Slot:
    """One number of the state: which parameter of which instance it is, and what it is called for people.

    ``index`` counts the instances of an exchangeable part from 1 and is None elsewhere; ``unit`` is an
    expression of the words x and y; ``kind`` is "parameter" or "noise".
    """

    part: str
    parameter: str
    index: int | None
    unit: str
    kind: str
    shared: bool = False

    @property
    def name(self) -> str:
        """Name of the parameter as campaign files and tables write it."""
        return f"{self.part}.{self.parameter}"


@dataclass(frozen=True)
class Term:
    """One component of the sum and the slots ``start:stop`` that hold its parameters."""

    component: Component
    part: str
    index: int | None
    start: int

    @property
    def stop(self) -> int:
        """One past the last slot."""
        return self.start + len(self.component.parameters)


@dataclass(frozen=True)
class Instance:
    """One component as a person sees it; a term holds several where parameters of theirs are tied.

    ``sources`` holds, for each parameter, its slot or what it follows from; ``acts_on`` the parts whose curves it is
    computed from.
    """

    component: Component
    part: str
    index: int | None
    sources: tuple[int | Follows, ...]
    acts_on: tuple[str, ...] = ()

    @property
    def has_curve(self) -> bool:
        """Whether it adds a curve of its own, which a response does not."""
        return not isinstance(self.component, Operator) or self.component.adds

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its parameters."""
        return self.component.parameter_names

    @property
    def slots(self) -> tuple[int, ...]:
        """Slots of its own, one after the other in the state."""
        return tuple(source for source in self.sources if isinstance(source, int))

    @property
    def order_slot(self) -> int | None:
        """Slot of the parameter that orders several of them, None where there is none."""
        if self.component.order_by is None:
            return None
        source = self.sources[self.component.index(self.component.order_by)]
        return source if isinstance(source, int) else None

    def parameters(self, theta: Tensor) -> Tensor:
        """Parameters (..., p) of the component in states (..., P)."""
        state = theta.unbind(-1)
        values = [s.value(TORCH, state) if isinstance(s, Follows) else state[s] for s in self.sources]
        return torch.stack([torch.as_tensor(v, dtype=theta.dtype).expand(theta.shape[:-1]) for v in values], -1)


@dataclass(frozen=True)
class SlotPrior:
    """Prior of one slot for all groups and members: one family, arguments of shape (G, D, 1, 1)."""

    family: Family
    values: dict[str, Tensor]

    @property
    def is_fixed(self) -> bool:
        """Whether the slot never moves."""
        return self.family.is_point

    def log_prob(self, theta: Tensor) -> Tensor:
        """Log density of values of shape (G, D, C, R)."""
        return self.family.log_prob(theta, **self.values)

    def icdf(self, u: Tensor) -> Tensor:
        """Values at the quantiles ``u`` of shape (..., G, D, C, R)."""
        return self.family.icdf(u, **self.values)

    def select(self, groups: Tensor) -> SlotPrior:
        """Prior in some of the groups, given their numbers (int64)."""
        return SlotPrior(self.family, {name: value[groups] for name, value in self.values.items()})


@dataclass(frozen=True)
class Tie:
    """A parameter that follows from others: ``formula(m, *values)`` of the free ones named, as (part, parameter).

    A name of the part itself means the same instance; parts of which there are several can be named only so.
    """

    names: tuple[tuple[str, str], ...]
    formula: Formula


@dataclass(frozen=True)
class Part:
    """What goes into a sum: a component, how many of it, and its priors.

    ``priors[parameter][g][d]`` is the prior in member d of group g; all of one parameter are of one family. ``ties``
    holds the parameters that have none because they follow from others, ``acts_on`` the names of the parts that an
    operator acts on.
    """

    name: str
    component: Component
    count: int
    priors: Mapping[str, Sequence[Sequence[Prior]]]
    ties: Mapping[str, Tie] = field(default_factory=dict)
    acts_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Common:
    """A free number that belongs to no component; parameters are tied to it. Priors as in Part."""

    parameter: Parameter
    priors: Sequence[Sequence[Prior]]
