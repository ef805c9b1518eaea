"""What an operator is: a part of a candidate that is computed from the curves of other parts.

The curves it acts on are given as functions of the axis, so it may ask for them anywhere, beyond the data too: nothing
wraps around, and nothing is taken to be zero where it was not measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bayesbeam.models.base import Component, Formula, Parameter
from bayesbeam.models.operators.integrals import Curve


@dataclass(frozen=True)
class Unfit:
    """Where an operator cannot be computed on the data: ``test(m, span, *parameters)`` is true there.

    ``found`` may name ``{value}``, which ``value(m, *parameters)`` gives, and ``{span}``, the range of the data.
    """

    test: Formula
    value: Formula
    found: str
    expected: str
    remedy: str


@dataclass(frozen=True)
class Operator(Component):
    """A part computed from others; its formula is ``formula(m, x, axis, curve, *parameters)`` with a :data:`Curve`.

    ``axis`` is that of the data; a response may be asked for at places between.

    Attributes
    ----------
    adds : bool
        Whether it is added to the curves it acts on, as a background is, or stands in their place, as a response does.
    on : str
        What it acts on where a campaign does not say: ``peaks``, or ``places``: all that has a place of its own on
        the axis.
    exact : callable or None
        ``exact(component)`` is the formula ``formula(m, x, values, parameters)`` of a response to this component in
        closed form, None where there is none.
    table : bool
        Whether it needs a table of numbers, from a file.
    """

    adds: bool = True
    on: str = "peaks"
    exact: Callable[[Component], Formula | None] | None = None
    unfit: tuple[Unfit, ...] = ()
    table: bool = False


def operator(
    name: str, title: str, parameters: tuple[Parameter, ...], formula: Formula, references: tuple[str, ...],
    adds: bool, on: str, unfit: tuple[Unfit, ...], exact: Callable[[Component], Formula | None] | None = None,
    widths: tuple[str, ...] = (), table: bool = False,
) -> Operator:  # fmt: skip
    """Operator with all that is the same for each of them."""
    return Operator(
        name, title, parameters, formula, exchangeable=False, references=references, widths=widths,
        adds=adds, on=on, exact=exact, unfit=unfit, table=table,
    )  # fmt: skip


def side_of_loss() -> Parameter:
    """On which side of the peaks the electrons are that have lost energy."""
    return Parameter(
        "side", "1", "fixed(value=1)", (-float("inf"), float("inf")),
        "above 0: rises towards lower x, as on an axis of kinetic energy; below 0: towards higher x, as on one of "
        "binding energy", (0.5, 1.5),
    )  # fmt: skip


__all__ = ["Curve", "Operator", "Unfit", "operator", "side_of_loss"]
