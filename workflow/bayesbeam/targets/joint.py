"""Several sums as one target: measurements of different kinds, of different curves, axes and noise, that share numbers.

Every number of the state is one of a measurement, or one that several have in common; the log-likelihood is the sum of
theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.models.tied import Follows
from bayesbeam.targets.base import Target
from bayesbeam.targets.parts import Instance, Slot, SlotPrior, Term
from bayesbeam.targets.sum import SumTarget


@dataclass(frozen=True)
class JointTarget(Target):
    """Sum of the log-likelihoods of several sums, each of one group, as a function of one state.

    Attributes
    ----------
    sums : tuple of SumTarget
        Each of one group of members that have the same curve.
    places : tuple of Tensor (D, P), int64
        For each sum, where in the state the numbers of its members are.
    """

    sums: tuple[SumTarget, ...]
    places: tuple[Tensor, ...]
    together: tuple[tuple[int, ...], ...]

    @property
    def groups(self) -> int:
        """Number of groups: one."""
        return 1

    @property
    def members(self) -> int:
        """Number of members that an engine sees: one, for a state holds the numbers of all measurements."""
        return 1

    @property
    def device(self) -> torch.device:
        """Where its numbers are."""
        return self.sums[0].device

    @property
    def points(self) -> int:
        """Number of points of all curves."""
        return sum(one.points * one.members for one in self.sums)

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Moving slots that belong together."""
        return self.together

    def select(self, groups: Tensor) -> Self:
        """Target of the only group."""
        return self

    def row(self, term: Term, theta: Tensor) -> Tensor:
        """Curve of no points, (G, 1, C, R, 0)."""
        return theta.new_zeros(*theta.shape[:-1], 0)

    def rows(self, theta: Tensor) -> Tensor:
        """No curves, (0, G, 1, C, R, 0), for states (G, 1, C, R, P): those of the sums are not kept."""
        return theta.new_zeros(0, *theta.shape[:-1], 0)

    def of_sum(self, number: int, theta: Tensor) -> Tensor:
        """States (..., D, C, R, P) of one of the sums, from states (..., 1, C, R, P) of all."""
        return theta[..., 0, :, :, :][..., self.places[number]].movedim(-2, -4)

    def log_likelihood(self, prediction: Tensor, theta: Tensor) -> Tensor:
        """Log-likelihood of all measurements, (1, 1, C, R), float64, nats; nan is for the caller to refuse."""
        total = theta.new_zeros(theta.shape[0], *theta.shape[2:4])
        for number, one in enumerate(self.sums):
            states = self.of_sum(number, theta)
            curve = torch.zeros((), dtype=one.dtype, device=theta.device)
            for term in one.terms:
                curve = curve + one.row(term, states[..., term.start : term.stop])
            total = total + one.log_likelihood(curve, states).sum(1)
        return total[:, None]


def joint_target(
    sums: Sequence[SumTarget], names: Sequence[Mapping[str, str]], ids: Sequence[Sequence[str]]
) -> JointTarget:
    """Target of several sums that share numbers.

    Parameters
    ----------
    sums : sequence of SumTarget
        Each of one group.
    names : sequence of mapping of str to str
        For each, the names of what its members share, and what these are called in all.
    ids : sequence of sequence of str
        For each, what its members are called.

    Raises
    ------
    ModelError
        If what is shared has different priors in two of them.
    """
    slots, priors = list[Slot](), list[SlotPrior]()
    common: dict[tuple[str, int | None], int] = {}
    places = []
    for one, called in zip(sums, names, strict=True):
        rows = []
        for d in range(one.members):
            row = []
            for slot, prior in zip(one.slots, one.priors, strict=True):
                own = SlotPrior(prior.family, {word: value[:1, d : d + 1] for word, value in prior.values.items()})
                key = (called[slot.name], slot.index) if slot.shared else None
                if key is not None and key in common:
                    _check_same(key[0], priors[common[key]], own)
                    row.append(common[key])
                    continue
                if key is not None:
                    common[key] = len(slots)
                row.append(len(slots))
                slots.append(replace(slot, shared=False))
                priors.append(own)
            rows.append(row)
        places.append(torch.tensor(rows, dtype=torch.int64, device=one.device))
    instances = [
        _placed(instance, row, f"{instance.part} of {name}")
        for one, table, group in zip(sums, places, ids, strict=True)
        for row, name in zip(table.tolist(), group, strict=True)
        for instance in one.instances
    ]
    return JointTarget(
        (),
        tuple(slots),
        tuple(priors),
        torch.float64,
        tuple(instances),
        tuple(sums),
        tuple(places),
        _blocks(sums, places),
    )


def _check_same(name: str, first: SlotPrior, other: SlotPrior) -> None:
    """Refuse what is shared under two priors."""
    same = first.family.name == other.family.name
    if not same or any(not torch.equal(first.values[word], other.values[word]) for word in first.values):
        raise ModelError.at(
            name, "different priors in two candidates of the group", "one prior for what is shared",
            "State the same prior in both.",
        )  # fmt: skip


def _placed(one: Instance, row: Sequence[int], part: str) -> Instance:
    """Instance of one member with places of the whole state."""
    sources: list[int | Follows] = [
        Follows(tuple(row[j] for j in s.places), s.formula) if isinstance(s, Follows) else row[s] for s in one.sources
    ]
    return replace(one, part=part, sources=tuple(sources), acts_on=())


def _blocks(sums: Sequence[SumTarget], places: Sequence[Tensor]) -> tuple[tuple[int, ...], ...]:
    """Blocks of the members of all sums; what is shared is in the first that has it."""
    found, seen = list[tuple[int, ...]](), set[int]()
    for one, table in zip(sums, places, strict=True):
        for row in table.tolist():
            for block in one.blocks:
                new = tuple(j for j in (row[j] for j in block) if j not in seen)
                seen.update(new)
                found += [new] if new else []
    return tuple(found)


__all__ = ["JointTarget", "joint_target"]
