"""What a sum is made of: named slots of the state, terms, priors of slots, and parts as a caller states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from bayesbeam.models.base import Component
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
class Part:
    """What goes into a sum: a component, how many of it, and its priors.

    ``priors[parameter][g][d]`` is the prior in member d of group g; all of one parameter are of one family.
    """

    name: str
    component: Component
    count: int
    priors: Mapping[str, Sequence[Sequence[Prior]]]
