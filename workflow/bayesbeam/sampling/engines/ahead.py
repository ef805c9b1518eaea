"""What a formula needs computed ahead of its loop over points: sums over nodes, and integrals along the row.

Found in its graph in an order that does not depend on the run, every part after those it needs.
"""

from __future__ import annotations

from bayesbeam.models.operators.integrals import NODE
from bayesbeam.models.trace import Node, symbol

AXIS = ("first_x", "last_x", "places", "points")
"""Symbols that say something of the axis as a whole."""


def found(graph: Node, *operations: str) -> list[Node]:
    """Nodes of some operations, each once."""
    seen: dict[Node, None] = {}

    def look(node: Node) -> None:
        if node not in seen:
            for part in node.inputs:
                look(part)
            seen[node] = None

    look(graph)
    return [node for node in seen if node.op in operations]


def uses(graph: Node, wanted: Node) -> bool:
    """Whether a graph has a node in it."""
    return wanted in found(graph, wanted.op)


def needs_row(node: Node) -> bool:
    """Whether a value needs the axis or the curve as a whole."""
    return bool(found(node, "sum", "scan", "taken") or any(uses(node, symbol(name)) for name in AXIS))


def inputs_of(node: Node) -> tuple[Node, ...]:
    """Inputs of which a node takes one value: not the numbers of a table, nor the row that a value is taken from."""
    return node.inputs[:1] if node.op == "table" else node.inputs[1:] if node.op == "taken" else node.inputs


def outside(term: Node) -> list[Node]:
    """Largest parts of a term of a sum that are the same at all points and for all nodes."""
    k = symbol(NODE)
    varies: dict[Node, bool] = {}
    parts: dict[Node, None] = {}

    def look(node: Node) -> bool:
        if node not in varies:
            inputs = inputs_of(node)
            within = [look(part) for part in inputs]
            varies[node] = node is k or node.pointwise or any(within)
            if varies[node]:
                parts.update((part, None) for part in inputs if not varies[part])
        return varies[node]

    look(term)
    return [part for part in parts if part.op not in ("constant", "symbol")]


def rows_of(graph: Node) -> list[Node]:
    """Curves that are needed at all points, or between them, before anything is made of them; each once."""
    rows: dict[Node, None] = {}
    for node in found(graph, "scan", "taken"):
        rows.update((row, None) for row in (node.inputs if node.op == "scan" else node.inputs[:1]))
    return list(rows)


def between_points(value: Node) -> bool:
    """Whether a value is one between the points rather than at them; rows taken as a whole do not count."""
    seen, left = {value}, [value]
    while left:
        node = left.pop()
        new = () if node.op in ("scan", "taken") else node.inputs
        left += [part for part in new if part not in seen]
        seen.update(new)
    return symbol("h", True) in seen


def tables_of(graph: Node) -> list[tuple[float, ...]]:
    """Tables of numbers that a graph looks up in, each once."""
    return list(dict.fromkeys(numbers(node) for node in found(graph, "table")))


def numbers(node: Node) -> tuple[float, ...]:
    """Numbers of a table."""
    return tuple(part.value for part in node.inputs[1:])


__all__ = [
    "AXIS", "between_points", "found", "inputs_of", "needs_row", "numbers", "outside", "rows_of", "tables_of", "uses",
]  # fmt: skip
