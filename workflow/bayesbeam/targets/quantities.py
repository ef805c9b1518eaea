"""Quantities a person reads: sampled parameters, what is derived from them, and the noise, as columns of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.models.base import Formula
from bayesbeam.models.mathspace import TORCH
from bayesbeam.models.tied import Follows
from bayesbeam.targets.base import Target
from bayesbeam.targets.parts import Instance

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """Name of one column.

    Attributes
    ----------
    name, index : str, int or None
        As in campaign files, and the number of the instance counted from 1 after relabelling.
    unit : str
        Expression of the words x and y.
    kind : str
        "parameter", "derived" or "noise".
    member : int or None
        Measurement within the group; None for what all members share.
    """

    name: str
    index: int | None
    unit: str
    kind: str
    member: int | None


@dataclass(frozen=True)
class Asked:
    """A quantity that the campaign defines: ``formula(m, *values)`` of named ones, each (name, index).

    Names are those of parameters, tied or not, and of components' derived quantities; ``index`` counts instances after
    relabelling, None where there is one only.
    """

    name: str
    unit: str
    names: tuple[tuple[str, int | None], ...]
    formula: Formula


def tabulate(target: Target, theta: FloatArray, asked: Sequence[Asked] = ()) -> tuple[list[Quantity], FloatArray]:
    """Columns of all quantities of relabelled draws.

    Parameters
    ----------
    theta : array (..., D, P)
        Draws of all members of one group, already relabelled.
    asked : sequence of Asked
        Further quantities; one that names an instance which this target does not have is left out.

    Returns
    -------
    list of Quantity, length Q, and array (..., Q)
        Shared quantities come first and once, then those of each member.
    """
    columns: list[tuple[Quantity, FloatArray]] = []
    for member in range(theta.shape[-2]):
        columns += [
            column
            for column in _member_columns(target, theta[..., member, :], member, asked)
            if column[0].member is not None or member == 0
        ]
    columns.sort(key=lambda column: column[0].member is not None)
    if not columns:
        return [], np.empty((*theta.shape[:-2], 0))
    return [quantity for quantity, _ in columns], np.stack([values for _, values in columns], axis=-1)


def _member_columns(
    target: Target, theta: FloatArray, member: int, asked: Sequence[Asked]
) -> Iterator[tuple[Quantity, FloatArray]]:
    """Quantities of one member, (..., P) to columns (...)."""
    for j in target.moving:
        slot = target.slots[j]
        if slot.kind == "parameter":
            yield Quantity(slot.name, slot.index, slot.unit, slot.kind, None if slot.shared else member), theta[..., j]
    found = list(_derived(target, theta, member))
    yield from found
    yield from _asked(target, theta, member, found, asked)
    for j in target.moving:
        slot = target.slots[j]
        if slot.kind == "noise":
            yield Quantity(slot.name, None, slot.unit, slot.kind, member), theta[..., j]


def _asked(
    target: Target,
    theta: FloatArray,
    member: int,
    derived: Sequence[tuple[Quantity, FloatArray]],
    asked: Sequence[Asked],
) -> Iterator[tuple[Quantity, FloatArray]]:
    """Quantities that the campaign defines."""
    if not asked:
        return
    known = {(slot.name, slot.index): theta[..., j] for j, slot in enumerate(target.slots)}
    known |= {(quantity.name, quantity.index): values for quantity, values in derived}
    # The number of the only peak of a part need not be said.
    known |= {(name, None): v for (name, index), v in list(known.items()) if index == 1 and (name, 2) not in known}
    for one in asked:
        if all(name in known for name in one.names):
            values = one.formula(TORCH, *(torch.from_numpy(np.ascontiguousarray(known[name])) for name in one.names))
            column = torch.as_tensor(values, dtype=torch.float64).expand(theta.shape[:-1]).numpy()
            yield Quantity(one.name, None, one.unit, "derived", member), column


def _derived(target: Target, theta: FloatArray, member: int) -> Iterator[tuple[Quantity, FloatArray]]:
    """Tied parameters and derived quantities of every instance, and its share in the total area of its part."""
    areas: dict[str, list[FloatArray]] = {}
    for one in target.instances:
        for quantity, values in _derived_of(one, theta, member):
            if quantity.name == f"{one.part}.area":
                areas.setdefault(one.part, []).append(values)
            yield quantity, values
    for part, found in areas.items():
        if len(found) > 1:
            total = np.sum(found, axis=0)
            for k, area in enumerate(found):
                share = np.divide(area, total, out=np.full_like(area, np.nan), where=total != 0)
                yield Quantity(f"{part}.area_fraction", k + 1, "1", "derived", member), share


def _derived_of(one: Instance, theta: FloatArray, member: int) -> Iterator[tuple[Quantity, FloatArray]]:
    """What follows from the parameters of one instance."""
    component = one.component
    tied = [
        j
        for j, source in enumerate(one.sources)
        if isinstance(source, Follows) and one.names[j] not in component.carried
    ]
    if not component.derived and not tied:
        return
    parameters = one.parameters(torch.from_numpy(np.ascontiguousarray(theta)))
    for j in tied:
        parameter = component.parameters[j]
        name = f"{one.part}.{parameter.name}"
        yield Quantity(name, one.index, parameter.unit, "derived", member), parameters[..., j].numpy()
    values = component.derive(parameters).numpy()
    for k, derived in enumerate(component.derived):
        yield Quantity(f"{one.part}.{derived.name}", one.index, derived.unit, "derived", member), values[..., k]
