"""Lines of source on tiles, for kernels on a GPU: what does not depend on the point once a row in double precision.

A sum over nodes is a loop around tiles. A running integral is one too, over the intervals of the row, each of which
adds to all points beyond it: more operations than one after the other, none of which waits for a neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bayesbeam.models.operators.integrals import NODE
from bayesbeam.models.trace import Node, NotScalar, symbol
from bayesbeam.sampling.engines.ahead import AXIS, between_points, needs_row, numbers, outside, uses
from bayesbeam.sampling.engines.writer import Writer

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|",
}  # fmt: skip
_FORMS = {
    "exp": "tl.exp({0})", "log": "own.log({0})", "log1p": "own.log1p({0})", "expm1": "own.expm1({0})",
    "sqrt": "tl.sqrt({0})", "abs": "tl.abs({0})", "sin": "tl.sin({0})", "cos": "tl.cos({0})", "tanh": "own.tanh({0})",
    "atan": "own.atan({0})", "erf": "tl.erf({0})", "neg": "-{0}", "not": "~{0}", "where": "tl.where({0}, {1}, {2})",
    "maximum": "own.larger({0}, {1})", "minimum": "own.smaller({0}, {1})",
}  # fmt: skip
_CONDITIONS = ("lt", "le", "gt", "ge", "and", "or", "not")
_X, _H = symbol("x", True), symbol("h", True)
Tables = Mapping[tuple[float, ...], int]


@dataclass(frozen=True)
class Surroundings:
    """What is the same for all lines of a function: precision of rows, where tables begin, prefix of parameters.

    Tables lie behind the rows of a member's data.
    """

    rows: str
    tables: Tables
    prefix: str


class TileWriter(Writer):
    """Lines of a function on tiles; ``whole`` says whether values are at all points of one, (R, L), or at one, (R, 1).

    Parameters
    ----------
    rows : str
        Precision of what differs between points.
    prefix : str
        Before all names.
    tables : mapping
        Where tables of numbers begin.
    """

    def __init__(self, rows: str, prefix: str = "", tables: Tables | None = None) -> None:
        super().__init__(prefix)
        self.around = Surroundings(rows, tables or {}, prefix)
        self.whole = True

    def text(self, node: Node, inputs: list[str]) -> str:
        """Expression of one operation; constants are tiles of one number."""
        if node.op == "constant":
            return f"tl.full((1, 1), {_literal(node.value)}, tl.float64)"
        if node.op == "table":
            start = f"axis + 6 * points + {self.around.tables[numbers(node)]}"
            return f"tl.load({start} + {inputs[0]}.to(tl.int32)).to(tl.float64)"
        if node.op in _INFIX:
            return f"{inputs[0]} {_INFIX[node.op]} {inputs[1]}"
        return _FORMS[node.op].format(*inputs)

    def in_rows(self, node: Node, name: str) -> str:
        """Value of a row in the precision of the rows; a condition stays one."""
        return name if node.op in _CONDITIONS else f"{name}.to({self.around.rows})"

    @property
    def lines(self) -> list[str]:
        """All lines, in an order in which they can be run."""
        return [*self.before, *self.inside]

    def look_at_axis(self, graph: Node, pointer: str, like: str) -> None:
        """Write what a graph needs of the axis as a whole, at a pointer, and zeros in the shape of a tile."""
        if not needs_row(graph):
            return
        mine = self.prefix
        self.know({symbol(name): f"{mine}{name}" for name in AXIS})
        self.before += [
            f"{mine}row = {pointer} + tl.full((1, 1), 0, tl.int32)",
            f"{mine}nothing = tl.zeros(({like}.shape[0], {like}.shape[1]), {self.around.rows})",
            f"{mine}none = tl.zeros(({like}.shape[0], 1), {self.around.rows})",
            f"{mine}points = tl.full((1, 1), 0.0, tl.float64) + points",
            f"{mine}first_x = tl.load({mine}row).to(tl.float64)",
            f"{mine}last_x = tl.load({mine}row + (points - 1)).to(tl.float64)",
        ]
        if uses(graph, symbol("places")):
            differ = f"tl.load({mine}row + {mine}j + 1) != tl.load({mine}row + {mine}j)"
            self.before += [
                f"{mine}places = tl.full((1, 1), 1.0, tl.float64)", f"for {mine}j in range(points - 1):",
                f"    {mine}places += tl.where({differ}, 1.0, 0.0)",
            ]  # fmt: skip

    def _write(self, node: Node) -> str:
        """Loops, for those nodes that are some; parameters have the same names in all of them."""
        if node.op == "symbol" and not node.pointwise:
            return f"{self.around.prefix}{node.name}"
        if node.op == "sum":
            return self._sum(node)
        if node.op == "scan":
            return self._scan(node)
        if node.op == "scan_end":
            return f"{self.value(node.inputs[0], True)}_end"
        if node.op == "taken":
            return self._taken(node)
        return super()._write(node)

    def _at(self, known: Mapping[Node, str], whole: bool) -> TileWriter:
        """Writer of lines in a loop or at another place, which know what is known that does not depend on the point."""
        writer = TileWriter(self.around.rows, f"{self.prefix}{len(self._names)}_")
        writer.around, writer.whole = self.around, whole
        writer.know({node: name for node, name in self._names.items() if not node.pointwise} | dict(known))
        return writer

    def _name(self, what: str) -> str:
        return f"{self.prefix}{what}{len(self._names)}"

    def _sum(self, node: Node) -> str:
        """Loop over nodes."""
        count, term = node.inputs
        times = self.value(count, False)
        for part in outside(term):
            self.value(part, False)
        total = self._name("sum")
        places = {place: self._names[place] for place in (_X, _H) if place in self._names}
        writer = self._at({symbol(NODE): f"{total}_k"} | places, self.whole)
        value = writer.value(term, True)
        self.before += [
            f"{total} = {self.around.prefix}{'nothing' if self.whole else 'none'}",
            f"for {total}_i in range(tl.sum({times}).to(tl.int32)):",
            f"    {total}_k = tl.full((1, 1), 0.0, tl.float64) + {total}_i",
            *(f"    {line}" for line in [*writer.lines, f"{total} += {value}"]),
        ]
        return total

    def _scan(self, node: Node) -> str:
        """Loop over intervals, by Simpson's rule: each adds to all points beyond it."""
        if not self.whole:
            raise NotScalar.at("formula", "an integral within another", "one of a curve", "Use plain tensors.")
        total, row = self._name("scan"), f"{self.around.prefix}row"
        here, middle, j = f"{total}_x", f"{total}_h", f"{total}_j"
        writers = [self._at({_X: here}, False), self._at({_H: middle}, False)]
        writers[1].prefix += "h_"
        at, between = (writer.value(part, True) for writer, part in zip(writers, node.inputs, strict=True))
        inside = [
            f"{here} = tl.load({row} + {j})",
            f"{total}_step = tl.load({row} + tl.minimum({j} + 1, points - 1)) - {here}",
            f"{total}_back = {here} - tl.load({row} + tl.maximum({j} - 1, 0))",
            f"{middle} = {here} + 0.5 * {total}_step",
            *writers[0].lines, *writers[1].lines,
            f"{total}_ahead = {total}_step * ({at} + 4.0 * {between}) / 6.0",
            f"{total}_behind = {total}_back * {at} / 6.0",
            f"{total} += tl.where(offsets > {j}, {total}_ahead, 0.0) + tl.where(offsets >= {j}, {total}_behind, 0.0)",
            f"{total}_end += ({total}_ahead + {total}_behind).to(tl.float64)",
        ]  # fmt: skip
        self.before += [
            f"{total} = {self.around.prefix}nothing", f"{total}_end = {self.around.prefix}none.to(tl.float64)",
            f"for {j} in range(points):", *(f"    {line}" for line in inside),
        ]  # fmt: skip
        return total

    def _taken(self, node: Node) -> str:
        """Value of a curve at one point, or in the middle to the next."""
        row, k = node.inputs
        index, name = f"{self.value(k, False)}.to(tl.int32)", self._name("taken")
        here = f"tl.load({self.around.prefix}row + {index})"
        if row is _X:
            self.before.append(f"{name} = {here}.to(tl.float64)")
            return name
        place = f"{name}_x"
        if between_points(row):
            here = f"0.5 * ({here} + tl.load({self.around.prefix}row + tl.minimum({index} + 1, points - 1)))"
        writer = self._at({_H if between_points(row) else _X: place}, False)
        value = writer.value(row, True)
        self.before += [f"{place} = {here}", *writer.lines, f"{name} = {value}.to(tl.float64)"]
        return name


def _literal(value: float) -> str:
    """Text of a constant."""
    if value != value:
        return 'float("nan")'
    if value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    return repr(value)


__all__ = ["TileWriter"]
