"""Which parameters a curve depends on linearly, told from its formula, and the columns that multiply them.

A formula is linear where its graph shows it: ``a * b / b`` is not taken to be linear in ``b``, though it is flat.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor

from bayesbeam.models.base import Component
from bayesbeam.models.trace import Node, NotScalar, symbol, trace

CONSTANT, LINEAR, OTHER = 0, 1, 2
_SUMS = ("add", "sub", "neg", "scan", "scan_end")
# Beside a column times this much whatever does not depend on the parameter is lost to rounding, and the power of two
# itself costs no digit.
_LARGE = 2.0**60


def linear_parameters(component: Component, among: Iterable[str] | None = None) -> tuple[str, ...]:
    """Parameters in which a component's curve is linear, all of them together, whatever the others are.

    Parameters
    ----------
    component : Component
        Peak, background or sum of tied ones, operators included; an operator alone has none.
    among : iterable of str
        Those that are asked for, in order of preference; all, in the order of the table, where left out. Of two that
        are multiplied by each other the first one is taken.
    """
    wanted = component.parameter_names if among is None else tuple(among)
    graph = _graph(component)
    if graph is None:
        return tuple(name for name in wanted if name == component.amplitude)
    found: list[str] = []
    for name in wanted:
        if degree(graph, [*found, name]) <= LINEAR:
            found.append(name)
    return tuple(found)


def is_linear(component: Component, names: Collection[str]) -> bool:
    """Whether a component's curve is linear in these parameters together: a sum of each times a column, and a rest."""
    graph = _graph(component)
    return set(names) <= {component.amplitude} if graph is None else degree(graph, names) <= LINEAR


def degree(graph: Node, names: Collection[str]) -> int:
    """Whether a traced formula is CONSTANT in some parameters, LINEAR or OTHER.

    Parameters
    ----------
    graph : Node
        From :func:`bayesbeam.models.trace.trace`.
    names : collection of str
        Of parameters, which are the same at all points.
    """
    done: dict[Node, int] = {symbol(name): LINEAR for name in names}
    todo = [graph]
    while todo:
        node = todo[-1]
        if node in done:
            todo.pop()
            continue
        open_ones = [one for one in node.inputs if one not in done]
        if open_ones:
            todo.extend(open_ones)
            continue
        done[node] = _degree_of(node, [done[one] for one in node.inputs])
        todo.pop()
    return done[graph]


def _degree_of(node: Node, inputs: list[int]) -> int:
    """Degree of an operation from those of its inputs."""
    if not any(inputs):
        return CONSTANT
    if node.op in _SUMS:
        return max(inputs)
    if node.op == "mul":
        return min(sum(inputs), OTHER)
    # Quotients and values of a row by what is above, branches and sums over nodes by what is chosen or added.
    if node.op in ("div", "taken"):
        return OTHER if inputs[1] else inputs[0]
    if node.op in ("where", "sum"):
        return OTHER if inputs[0] else max(inputs[1:])
    return OTHER


def _graph(component: Component) -> Node | None:
    """Graph of a component's formula, None where it is for tensors only."""
    if component.tensors_only:
        return None
    try:
        return trace(component.formula, ("x",), component.parameter_names)
    except NotScalar:
        return None


def columns(
    component: Component, x: Tensor, theta: Mapping[str, float], names: Collection[str]
) -> tuple[Tensor, Tensor]:
    """Curve of a component as a rest plus a sum of columns times parameters in which it is linear.

    Parameters
    ----------
    component : Component
        Linear in ``names``, see :func:`is_linear`.
    x : Tensor (N,), float64
        Axis.
    theta : mapping of str to float
        The other parameters.
    names : collection of str
        Of the columns.

    Returns
    -------
    Tensor (N,) and Tensor (N, len(names)), float64
        Rest, and columns to the last digits but two of the formula's own, however large the rest is.
    """
    at = torch.tensor([theta.get(name, 0.0) for name in component.parameter_names], dtype=torch.float64)
    for name in names:
        at[component.index(name)] = 0.0
    rest = component.forward(x, at).expand(x.shape)
    found = []
    for name in names:
        large = at.clone()
        large[component.index(name)] = _LARGE
        found.append((component.forward(x, large).expand(x.shape) - rest) / _LARGE)
    return rest, torch.stack(found, -1) if found else x.new_zeros(*x.shape, 0)
