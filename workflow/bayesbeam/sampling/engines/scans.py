"""Lines of source for running integrals within a curve: what they are of is computed at all points and between them.

The integral itself is a loop of its own, one point after the other, in double precision; what is before and after it
stays a loop that a processor can do several points of at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bayesbeam.models.trace import Node
from bayesbeam.sampling.engines.writer import Writer


def scans_of(graph: Node) -> list[Node]:
    """Running integrals in a graph, each once, in an order that does not depend on the run."""
    found: dict[Node, None] = {}
    seen: set[Node] = set()

    def look(node: Node) -> None:
        if node in seen:
            return
        seen.add(node)
        if node.op == "scan":
            found[node] = None
            return
        for part in node.inputs:
            look(part)

    look(graph)
    return list(found)


def scan_lines(graph: Node, names: Sequence[str], make: Callable[[str], Writer]) -> tuple[list[str], dict[Node, str]]:
    """Lines before the loop over points, and the names under which it finds integrals and what they are of.

    Parameters
    ----------
    graph : Node
        Curve.
    names : sequence of str
        Parameters, in the order of ``theta``.
    make : callable
        Writer of lines under a prefix.
    """
    lines: list[str] = []
    known: dict[Node, str] = {}
    for k, scan in enumerate(scans_of(graph)):
        at, between = scan.inputs
        if not lines:
            lines += ["first_x, last_x = d[0, 0], d[0, n - 1]"]
        points, middles, sums = f"at{k}", f"between{k}", f"sums{k}"
        lines += [f"{points}, {middles}, {sums} = np.empty(n, F), np.empty(n, F), np.empty(n, F)"]
        for place, array, node, count in (("x", points, at, "n"), ("h", middles, between, "n - 1")):
            prefix = f"{place}{k}_"
            writer = make(prefix)
            value = writer.value(node, True)
            where = "d[0, i]" if place == "x" else "F(0.5) * (d[0, i] + d[0, i + 1])"
            lines += [f"{prefix}{name} = theta[{j}]" for j, name in enumerate(names)]
            lines += [*writer.before, f"for i in range({count}):"]
            lines += [f"    {line}" for line in (f"{place} = {where}", *writer.inside, f"{array}[i] = {value}")]
        step = f"np.float64({points}[i]) + np.float64({points}[i + 1]) + 4.0 * np.float64({middles}[i])"
        lines += [
            f"{sums}[0] = F(0.0)", f"total{k} = 0.0", "for i in range(n - 1):",
            f"    total{k} += np.float64(d[0, i + 1] - d[0, i]) * ({step}) / 6.0",
            f"    {sums}[i + 1] = F(total{k})",
        ]  # fmt: skip
        known |= {at: f"{points}[i]", scan: f"{sums}[i]", Node("scan_end", (scan,)): f"total{k}"}
    return lines, known


__all__ = ["scan_lines", "scans_of"]
