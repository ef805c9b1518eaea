"""Several sums as one target: measurements of different kinds, of different curves, axes and noise, that share numbers.

Every number of the state is one of a measurement, or one that several have in common; the log-likelihood is the sum of
theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
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
        """Log-likelihood of each measurement as a curve of one point, (M, 1, 1, C, R, 1), of states (1, 1, C, R, P)."""
        found = [
            _log_likelihood(one, theta[:, 0][..., table].movedim(-2, 1)).movedim(1, 0)
            for one, table in zip(self.sums, self.places, strict=True)
        ]
        return torch.cat(found)[:, :, None, ..., None]

    @cached_property
    def owners(self) -> tuple[Owner, ...]:
        """Each measurement by itself, in the order of ``rows``."""
        times = Counter(int(j) for table in self.places for j in table.flatten())
        found = []
        for one, table in zip(self.sums, self.places, strict=True):
            for d, row in enumerate(table):
                own = tuple(int(j) for j in row if times[int(j)] == 1)
                found.append(Owner(_member(one, d), row, own))
        return tuple(found)

    def owner_row(self, number: int, theta: Tensor) -> Tensor:
        """Log-likelihood of one measurement as a curve of one point, (1, 1, C, R, 1)."""
        owner = self.owners[number]
        return _log_likelihood(owner.target, theta[..., owner.places])[..., None]

    def log_likelihood(self, prediction: Tensor, theta: Tensor) -> Tensor:
        """Log-likelihood of all measurements, (1, 1, C, R), float64, nats: the only point of the sum of rows."""
        return prediction[..., 0]


@dataclass(frozen=True)
class Owner:
    """One measurement of a joint target: its sum, where its numbers are in the state, and which are its own."""

    target: SumTarget
    places: Tensor
    own: tuple[int, ...]


def _log_likelihood(one: SumTarget, states: Tensor) -> Tensor:
    """Log-likelihood (1, D, C, R) of states (1, D, C, R, P) of a sum."""
    curve = torch.zeros((), dtype=one.dtype, device=states.device)
    for term in one.terms:
        curve = curve + one.row(term, states[..., term.start : term.stop])
    return one.log_likelihood(curve, states)


def _member(one: SumTarget, d: int) -> SumTarget:
    """Sum of one of the members."""
    part = slice(d, d + 1)
    data = replace(one.data, **{field.name: getattr(one.data, field.name)[:, part] for field in fields(one.data)})
    priors = tuple(SlotPrior(p.family, {word: value[:, part] for word, value in p.values.items()}) for p in one.priors)
    columns = {name: column[:, part] for name, column in one.columns.items()}
    return replace(one, x=one.x[:, part], origin=one.origin[:, part], data=data, priors=priors, columns=columns)


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


__all__ = ["JointTarget", "Owner", "joint_target"]
