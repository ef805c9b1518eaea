"""The operators that a campaign may name."""

from __future__ import annotations

from bayesbeam.models.operators import responses
from bayesbeam.models.operators.base import Operator
from bayesbeam.models.operators.shirley import SHIRLEY
from bayesbeam.models.operators.tougaard import TOUGAARD

_FOUND = {
    one.name: one
    for one in (
        SHIRLEY, TOUGAARD, responses.GAUSSIAN, responses.LORENTZIAN, responses.VOIGT, responses.measured(()),
    )
}  # fmt: skip


def names() -> tuple[str, ...]:
    """Names of all operators, backgrounds first."""
    return tuple(_FOUND)


def get(name: str, table: tuple[tuple[float, float], ...] = ()) -> Operator:
    """Operator of a name, one of :func:`names`; a measured response with its table."""
    return responses.measured(table) if table else _FOUND[name]


__all__ = ["get", "names"]
