"""Sums of components seen through a noise model, for groups of measurements at once.

Axes are always groups G, members D, chains C, replicas R, then parameters P or points N.
Members of one group share the parameters named in ``shared``; a measurement on its own is a group of one member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.models.composite import Composite
from bayesbeam.models.mathspace import TORCH
from bayesbeam.models.tied import Follows
from bayesbeam.noise.base import NoiseData, NoiseModel
from bayesbeam.priors.base import Prior
from bayesbeam.targets.assembly import assemble
from bayesbeam.targets.base import Target
from bayesbeam.targets.parts import Common, Instance, Part, Slot, SlotPrior, Term


@dataclass(frozen=True)
class SumTarget(Target):
    """Log-likelihood and log-prior of a sum of components, batched over groups, members, chains and replicas.

    ``columns`` holds those of the data that stand in place of x in some terms, (G, D, 1, 1, N) float64 each.
    """

    x: Tensor
    origin: Tensor
    data: NoiseData
    noise: NoiseModel
    columns: Mapping[str, Tensor] = field(default_factory=dict)

    @cached_property
    def groups(self) -> int:
        """Number of groups, each tempered and exchanged on its own."""
        return self.x.shape[0]

    @cached_property
    def members(self) -> int:
        """Number of measurements in a group."""
        return self.x.shape[1]

    @property
    def device(self) -> torch.device:
        """Where its numbers are."""
        return self.x.device

    @property
    def points(self) -> int:
        """Number of points of a curve."""
        return int(self.x.shape[-1])

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Moving slots that belong together: of one instance, common ones, of the noise; shared ones by themselves."""
        ranges: list[Sequence[int]] = [instance.slots for instance in self.instances]
        owned = {j for slots in ranges for j in slots}
        ranges.append([j for j in range(self.noise_start) if j not in owned])
        ranges.append(range(self.noise_start, len(self.slots)))
        moving = set(self.moving)
        blocks = [
            tuple(j for j in slots if j in moving and self.slots[j].shared == shared)
            for slots in ranges
            for shared in (False, True)
        ]
        return tuple(block for block in blocks if block)

    @cached_property
    def _axis(self) -> Tensor:
        """Axis in row precision, (G, D, 1, 1, N)."""
        return self.x.to(self.dtype)

    @cached_property
    def _centred(self) -> Tensor:
        """Axis about its origin in row precision, (G, D, 1, 1, N)."""
        return (self.x - self.origin).to(self.dtype)

    @cached_property
    def _locations(self) -> dict[int, Tensor]:
        """For each term by its first slot: 1 for parameters that are places on the axis, else 0, (p,)."""
        flags = {t.start: [float(n in t.component.locations) for n in t.component.parameter_names] for t in self.terms}
        return {start: torch.tensor(row, dtype=torch.float64, device=self.x.device) for start, row in flags.items()}

    def select(self, groups: Tensor) -> Self:
        """Target of some of the groups, given their numbers (int64)."""
        return replace(
            self,
            priors=tuple(prior.select(groups) for prior in self.priors),
            x=self.x[groups],
            origin=self.origin[groups],
            data=_of_groups(self.data, groups),
            columns={name: column[groups] for name, column in self.columns.items()},
        )

    def row(self, term: Term, theta: Tensor) -> Tensor:
        """Curve of one term.

        Parameters
        ----------
        theta : Tensor (G, D, C, R, p), float64
            Parameters of this term alone.

        Returns
        -------
        Tensor (G, D, C, R, N), row precision
        """
        axis = self._axis
        if term.component.column:
            axis = self.columns[term.component.column].to(self.dtype)
        if term.component.locations:
            axis = self._centred
            theta = theta - self.origin * self._locations[term.start]
        values = theta.to(self.dtype)
        parameters = [values[..., j, None] for j in range(values.shape[-1])]
        row: Tensor = term.component.formula(TORCH, axis, *parameters)
        return row.expand(*theta.shape[:-1], self.x.shape[-1])

    def rows(self, theta: Tensor) -> Tensor:
        """Curves of all terms, (T, G, D, C, R, N), for states (G, D, C, R, P)."""
        if not self.terms:
            return self._axis.new_zeros(0, *theta.shape[:-1], self.x.shape[-1])
        return torch.stack([self.row(term, theta[..., term.start : term.stop]) for term in self.terms])

    @cached_property
    def shown(self) -> tuple[Instance, ...]:
        """Instances that add a curve."""
        return tuple(one for one in self.instances if one.has_curve)

    def curves(self, theta: Tensor) -> Tensor:
        """Curves of the instances in ``shown``, (I, G, D, C, R, N), for states (G, D, C, R, P)."""
        free = all(not isinstance(source, Follows) for one in self.instances for source in one.sources)
        if free and not any(one.acts_on for one in self.instances):
            return self.rows(theta)
        values, origins = [], []
        for one in self.instances:
            numbers = one.parameters(theta)
            moves = bool(one.component.locations)
            if moves:
                numbers = numbers - self.origin * numbers.new_tensor(
                    [float(n in one.component.locations) for n in one.names]
                )
            values.append([numbers[..., j, None] for j in range(numbers.shape[-1])])
            origins.append(torch.zeros_like(self.origin) if moves else self.origin)
        acts_on = [[k for k, other in enumerate(self.instances) if other.part in one.acts_on] for one in self.instances]
        composite = Composite(TORCH, [one.component for one in self.instances], values, acts_on, origins)
        shape = (*theta.shape[:-1], self.x.shape[-1])
        chosen = [k for k, one in enumerate(self.instances) if one.has_curve]
        axes = {k: self.columns[one.component.column] for k, one in enumerate(self.instances) if one.component.column}
        axis = self.x - self.origin
        curves = [
            (self.instances[k].component.formula(TORCH, axes[k], *values[k]) if k in axes else composite.curve(k, axis))
            .expand(shape)
            .to(self.dtype)
            for k in chosen
        ]
        return torch.stack(curves) if curves else self.rows(theta)

    def log_likelihood(self, prediction: Tensor, theta: Tensor) -> Tensor:
        """Log-likelihood of each member, (G, D, C, R), float64, nats; nan is for the caller to refuse."""
        value = self.noise.log_likelihood(self.data, prediction, theta[..., self.noise_start :])
        return value.to(torch.float64)


def sum_target(
    x: Tensor,
    y: Tensor,
    base_sd: Tensor,
    weight: Tensor,
    parts: Sequence[Part],
    noise: NoiseModel,
    noise_priors: Mapping[str, Sequence[Sequence[Prior]]],
    shared: frozenset[str] = frozenset(),
    dtype: torch.dtype = torch.float64,
    common: Sequence[Common] = (),
    columns: Mapping[str, Tensor] | None = None,
) -> SumTarget:
    """Target of a sum of parts for groups of measurements.

    Parameters
    ----------
    x, y, base_sd, weight : Tensor (G, D, N), float64
        Axis, signal, standard deviation a point (before the noise model's own factors), and 1 for points
        that count or 0 for padding.
    parts : sequence of Part
        In the order in which their parameters stand in the state.
    noise, noise_priors :
        The noise model and the priors of its parameters, nested as in Part.
    shared : frozenset of str
        Names ``part.parameter`` that all members of a group have in common.
    dtype : torch.dtype
        Precision of rows of points; sums over points are float64 always.
    common : sequence of Common
        Free numbers of no part, each named by a tie.
    columns : mapping of str to Tensor (G, D, N), float64
        Columns of the data that stand in place of x in some parts.

    Raises
    ------
    ModelError
        If a shared parameter has different priors in two members of a group, or families differ in a batch.
    """
    made = assemble(parts, common, shared)
    slots = made.slots
    priors = [_stack_priors(name, nested, name in shared, x) for name, nested in made.priors]
    for parameter in noise.parameters:
        slots.append(Slot("noise", parameter.name, None, parameter.unit, "noise"))
        priors.append(_stack_priors(f"noise.{parameter.name}", noise_priors[parameter.name], False, x))
    place = (*x.shape[:2], 1, 1, x.shape[2])
    data = noise.prepare(y.reshape(place), base_sd.reshape(place), weight.reshape(place), dtype)
    axis = x.reshape(place)
    origin = 0.5 * (axis.amin(-1, keepdim=True) + axis.amax(-1, keepdim=True))
    terms, instances = tuple(made.terms), tuple(made.instances)
    further = {name: column.reshape(place) for name, column in (columns or {}).items()}
    return SumTarget(terms, tuple(slots), tuple(priors), dtype, instances, axis, origin, data, noise, further)


def _of_groups(data: NoiseData, groups: Tensor) -> NoiseData:
    """Noise data of some of the groups."""
    return NoiseData(**{one.name: getattr(data, one.name)[groups] for one in fields(data)})


def _stack_priors(name: str, nested: Sequence[Sequence[Prior]], shared: bool, like: Tensor) -> SlotPrior:
    """One SlotPrior from the priors of all groups and members."""
    first = nested[0][0]
    for group in nested:
        if any(prior.family.name != first.family.name for prior in group):
            raise ModelError.at(
                name,
                f"priors of different families ({first.family.name} and others) in one batch",
                "one family",
                "State the prior in the campaign.",
            )
        if shared and any(prior.values != group[0].values for prior in group):
            raise ModelError.at(
                name,
                f"a shared parameter with different priors in its measurements ({', '.join(map(str, group[:3]))})",
                "the same prior in every measurement of the group",
                "State the prior of this parameter in the campaign instead of leaving it to the data's range.",
            )
    values = {
        argument: torch.tensor(
            [[prior.values[i] for prior in group] for group in nested], dtype=torch.float64, device=like.device
        )[:, :, None, None]
        for i, argument in enumerate(first.family.parameters)
    }
    return SlotPrior(first.family, values)


__all__ = ["Common", "Instance", "Part", "Slot", "SlotPrior", "SumTarget", "Term", "sum_target"]
