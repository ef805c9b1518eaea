"""Lines of source for what a compiled loop over points finds computed already: sums over nodes and running integrals.

A sum is a loop over nodes around one over points. What a running integral is of is computed at all points and between
them; the integral itself is a loop of its own, one point after the other, in double precision. All else stays loops
that a processor can do several points of at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bayesbeam.models.operators.integrals import NODE
from bayesbeam.models.trace import Node, symbol
from bayesbeam.sampling.engines.ahead import AXIS, between_points, found, needs_row, outside, uses
from bayesbeam.sampling.engines.writer import Writer

Known = dict[Node, str]
Make = Callable[[str], Writer]


def lines_ahead(graph: Node, names: Sequence[str], rows: Mapping[Node, str], make: Make) -> tuple[list[str], Known]:
    """Lines before the loop over points, and the names under which it finds what they compute.

    Parameters
    ----------
    graph : Node
        Curve.
    names : sequence of str
        Parameters, which are loaded before.
    rows : mapping
        Names of the rows for what the graph needs as a whole; see :func:`ahead.rows_of`.
    make : callable
        Writer of lines under a prefix.
    """
    if not needs_row(graph):
        return [], {}
    lines = ["first_x, last_x, points = np.float64(d[0, 0]), np.float64(d[0, n - 1]), np.float64(n)"]
    if uses(graph, symbol("places")):
        lines += ["places = 1.0", "for i in range(n - 1):", "    places += 1.0 if d[0, i + 1] != d[0, i] else 0.0"]
    known: Known = {symbol(name): name for name in (*names, *AXIS)}
    done: set[Node] = set()
    for number, node in enumerate(found(graph, "sum", "scan", "taken")):
        needed = node.inputs if node.op == "scan" else node.inputs[:1] if node.op == "taken" else ()
        for row in needed:
            if row not in done:
                lines += _row_lines(row, rows[row], known, make)
                done.add(row)
        if node.op == "sum":
            lines += _sum_lines(f"sum{number}", node, known, make)
            known[node] = f"sum{number}[i]"
        if node.op == "scan":
            lines += _scan_lines(number, *(rows[row] for row in node.inputs))
            known |= {node: f"scan{number}[i]", Node("scan_end", (node,)): f"total{number}"}
    return lines, known


def _row_lines(row: Node, array: str, known: Known, make: Make) -> list[str]:
    """Lines of a curve at all points, or between them; ``known`` learns where it is."""
    if row == symbol("x", True):
        return [f"{array} = d[0]"]
    writer = make(f"{array}_")
    writer.know(known)
    value = writer.value(row, True)
    known[row] = f"{array}[i]"
    return [f"{array} = np.empty(n, F)", *writer.before, *_loop(row, [*writer.inside, f"{array}[i] = {value}"])]


def _sum_lines(array: str, node: Node, known: Known, make: Make) -> list[str]:
    """Lines of a sum over nodes at all points, or between them."""
    count, term = node.inputs
    before, within = make(f"{array}_o"), make(f"{array}_")
    before.know(known)
    within.know(known | {symbol(NODE): f"{array}_k"} | {part: before.value(part, False) for part in outside(term)})
    times, value = before.value(count, False), within.value(term, True)
    inside = _loop(term, [*within.inside, f"{array}[i] += {value}"])
    return [
        *before.before, f"{array} = np.zeros(n, F)", f"for {array}_j in range(int({times})):",
        *(f"    {line}" for line in [f"{array}_k = np.float64({array}_j)", *within.before, *inside]),
    ]  # fmt: skip


def _scan_lines(number: int, at: str, between: str) -> list[str]:
    """Lines of a running integral, by Simpson's rule in every interval."""
    scan, total = f"scan{number}", f"total{number}"
    three = f"np.float64({at}[i]) + np.float64({at}[i + 1]) + 4.0 * np.float64({between}[i])"
    return [
        f"{scan} = np.empty(n, F)", f"{scan}[0] = F(0.0)", f"{total} = 0.0", "for i in range(n - 1):",
        f"    {total} += np.float64(d[0, i + 1] - d[0, i]) * ({three}) / 6.0",
        f"    {scan}[i + 1] = F({total})",
    ]  # fmt: skip


def _loop(value: Node, inside: Sequence[str]) -> list[str]:
    """Loop over all points, or over the middles between them where the value is one there."""
    count, place = ("n", "x = d[0, i]")
    if between_points(value):
        count, place = ("n - 1", "h = F(0.5) * (d[0, i] + d[0, i + 1])")
    return [f"for i in range({count}):", *(f"    {line}" for line in [place, *inside])]


__all__ = ["lines_ahead"]
