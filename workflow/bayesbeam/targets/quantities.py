"""Quantities a person reads: sampled parameters, what is derived from them, and the noise, as columns of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.targets.base import Target
from bayesbeam.targets.parts import Term

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


def tabulate(target: Target, theta: FloatArray) -> tuple[list[Quantity], FloatArray]:
    """Columns of all quantities of relabelled draws.

    Parameters
    ----------
    theta : array (..., D, P)
        Draws of all members of one group, already relabelled.

    Returns
    -------
    list of Quantity, length Q, and array (..., Q)
        Shared quantities come first and once, then those of each member.
    """
    columns: list[tuple[Quantity, FloatArray]] = []
    for member in range(theta.shape[-2]):
        columns += [
            column
            for column in _member_columns(target, theta[..., member, :], member)
            if column[0].member is not None or member == 0
        ]
    columns.sort(key=lambda column: column[0].member is not None)
    return [quantity for quantity, _ in columns], np.stack([values for _, values in columns], axis=-1)


def _member_columns(target: Target, theta: FloatArray, member: int) -> Iterator[tuple[Quantity, FloatArray]]:
    """Quantities of one member, (..., P) to columns (...)."""
    for j in target.moving:
        slot = target.slots[j]
        if slot.kind == "parameter":
            yield Quantity(slot.name, slot.index, slot.unit, slot.kind, None if slot.shared else member), theta[..., j]
    yield from _derived(target, theta, member)
    for j in target.moving:
        slot = target.slots[j]
        if slot.kind == "noise":
            yield Quantity(slot.name, None, slot.unit, slot.kind, member), theta[..., j]


def _derived(target: Target, theta: FloatArray, member: int) -> Iterator[tuple[Quantity, FloatArray]]:
    """Derived quantities of every instance, and the share of each in the total area of its part."""
    areas: dict[str, list[FloatArray]] = {}
    for term in target.terms:
        for quantity, values in _derived_of(term, theta, member, target):
            if quantity.name == f"{term.part}.area":
                areas.setdefault(term.part, []).append(values)
            yield quantity, values
    for part, found in areas.items():
        if len(found) > 1:
            total = np.sum(found, axis=0)
            for k, area in enumerate(found):
                share = np.divide(area, total, out=np.full_like(area, np.nan), where=total != 0)
                yield Quantity(f"{part}.area_fraction", k + 1, "1", "derived", member), share


def _derived_of(term: Term, theta: FloatArray, member: int, target: Target) -> Iterator[tuple[Quantity, FloatArray]]:
    """Derived quantities of one instance; shared where all they are made of is shared."""
    component = term.component
    if not component.derived:
        return
    values = component.derive(torch.from_numpy(np.ascontiguousarray(theta[..., term.start : term.stop]))).numpy()
    for k, derived in enumerate(component.derived):
        yield Quantity(f"{term.part}.{derived.name}", term.index, derived.unit, "derived", member), values[..., k]
