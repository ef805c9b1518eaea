"""What every target is to an engine: slots with priors, which of them move, and a log-likelihood of all states at once.

Axes are always groups G, members D, chains C, replicas R, then parameters P or points N.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.priors.base import Family
from bayesbeam.targets.coordinates import Coordinates, coordinates_of
from bayesbeam.targets.parts import Instance, Slot, SlotPrior, Term

# Numbers of states whose prior is computed at once on a CPU: few enough for the cache of a core.
_NUMBERS = 1 << 16


@dataclass(frozen=True)
class Target(ABC):
    """Log-likelihood and log-prior, batched over groups, members, chains and replicas.

    Attributes
    ----------
    terms : tuple of Term
        Components whose curves add up to the prediction; empty where the log-likelihood is a function of the state.
    slots, priors : tuples, length P
        What each number of the state is, and its prior.
    dtype : torch.dtype
        Precision of rows of points; states and log-likelihoods are float64 always.
    instances : tuple of Instance
        Components as a person sees them; a term holds several where parameters of theirs are tied.
    """

    terms: tuple[Term, ...]
    slots: tuple[Slot, ...]
    priors: tuple[SlotPrior, ...]
    dtype: torch.dtype
    instances: tuple[Instance, ...]

    @property
    @abstractmethod
    def groups(self) -> int:
        """Number of groups, each tempered and exchanged on its own."""

    @property
    @abstractmethod
    def members(self) -> int:
        """Number of measurements in a group."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where its numbers are."""

    @property
    @abstractmethod
    def points(self) -> int:
        """Number of points of a curve."""

    @property
    @abstractmethod
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Moving slots that belong together."""

    @abstractmethod
    def select(self, groups: Tensor) -> Self:
        """Target of some of the groups, given their numbers (int64)."""

    @abstractmethod
    def row(self, term: Term, theta: Tensor) -> Tensor:
        """Curve (G, D, C, R, N) of one term, from its parameters (G, D, C, R, p)."""

    @abstractmethod
    def rows(self, theta: Tensor) -> Tensor:
        """Curves of all terms, (T, G, D, C, R, N), for states (G, D, C, R, P)."""

    @abstractmethod
    def log_likelihood(self, prediction: Tensor, theta: Tensor) -> Tensor:
        """Log-likelihood of each member, (G, D, C, R), float64, nats; nan is for the caller to refuse."""

    @cached_property
    def noise_start(self) -> int:
        """First slot of the noise model; the rest of the slots are its own."""
        return self.terms[-1].stop if self.terms else 0

    @cached_property
    def moving(self) -> tuple[int, ...]:
        """Slots that are sampled: all but the fixed ones."""
        return tuple(j for j, prior in enumerate(self.priors) if not prior.is_fixed)

    @cached_property
    def tied(self) -> Tensor:
        """Which slots are shared by the members of a group: bool (P,)."""
        return torch.tensor([slot.shared for slot in self.slots], device=self.device)

    @cached_property
    def coordinates(self) -> Coordinates:
        """Coordinates without bounds for all numbers that are sampled."""
        return coordinates_of(self.slots, self.priors, self.moving, self.groups, self.members)

    def log_prior(self, theta: Tensor) -> Tensor:
        """Log prior density of each group's state, (G, C, R); shared slots count once."""
        replicas = theta.shape[3]
        once = replicas if theta.is_cuda else min(max(_NUMBERS * replicas // max(theta.numel(), 1), 1), replicas)
        return torch.cat([self._log_prior(part) for part in theta.split(max(once, 1), 3)], -1)

    def _log_prior(self, theta: Tensor) -> Tensor:
        """Log prior density of states few enough for the cache."""
        density: dict[int, Tensor] = {}
        for family, values, slots in self._families:
            found = family.log_prob(torch.stack([theta[..., j] for j in slots]), **values)
            density |= dict(zip(slots, found, strict=True))
        total = theta.new_zeros(theta.shape[0], *theta.shape[2:4])
        for j in self.moving:
            once = self.slots[j].shared or theta.shape[1] == 1
            total = total + (density[j][:, 0] if once else density[j].sum(1))
        return total

    @cached_property
    def _families(self) -> list[tuple[Family, dict[str, Tensor], list[int]]]:
        """Families of the priors of moving slots, with their arguments (n, G, D, 1, 1), and these slots."""
        found: dict[int, list[int]] = {}
        for j in self.moving:
            found.setdefault(id(self.priors[j].family), []).append(j)
        families = []
        for slots in found.values():
            own = [self.priors[j] for j in slots]
            values = {name: torch.stack([prior.values[name] for prior in own]) for name in own[0].values}
            families.append((own[0].family, values, slots))
        return families

    def from_uniform(self, u: Tensor) -> Tensor:
        """Draws of the prior from uniform numbers (P, G, D, C, R) as states (G, D, C, R, P); shared slots are equal."""
        columns = []
        for j, prior in enumerate(self.priors):
            quantile = u[j][:, :1].expand_as(u[j]) if self.slots[j].shared else u[j]
            columns.append(prior.icdf(quantile).to(torch.float64).expand_as(u[j]))
        return torch.stack(columns, dim=-1) if columns else u.new_zeros(*u.shape[1:], 0)

    @property
    def complete(self) -> Target:
        """Target of all numbers that draws hold once they are restored."""
        return self

    def restored(self, theta: NDArray[np.float64], group: int, keys: Tensor) -> NDArray[np.float64]:
        """Draws (S, D, C, P) of one group, by its place, with all that is not sampled; keys (D, 2) of its members."""
        return theta

    def check(self, theta: Tensor) -> None:
        """Refuse a candidate whose log-likelihood is nan on draws of its prior (G, D, C, R, P).

        Raises
        ------
        ModelError
            Naming the parameters of the first such state.
        """
        value = self.log_likelihood(self.rows(theta).sum(0), theta)
        bad = torch.nonzero(torch.isnan(value))
        if len(bad):
            g, d, c, r = (int(i) for i in bad[0])
            raise ModelError.at(
                f"candidate at {self.words(theta[g, d, c, r])}",
                "the log-likelihood is not a number",
                "a number, or -inf for an impossible state",
                "Check the component's formula and the range of its priors.",
            )

    def words(self, theta: Tensor) -> str:
        """One state (P,) for a message: names and numbers."""
        return ", ".join(f"{s.name} = {float(v):.6g}" for s, v in zip(self.slots, theta, strict=True))
