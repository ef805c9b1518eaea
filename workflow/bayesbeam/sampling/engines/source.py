"""Writes the source of the loops over points that one formula needs, from its graph.

What does not depend on the point is computed once in double precision; the rest in the precision of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from bayesbeam.models.base import Component
from bayesbeam.models.trace import Node, symbol, trace
from bayesbeam.noise.base import NoiseModel
from bayesbeam.priors.base import Family
from bayesbeam.sampling.engines.ahead import needs_row, numbers, rows_of, tables_of, uses
from bayesbeam.sampling.engines.arrays import BLOCK, LANES
from bayesbeam.sampling.engines.scans import lines_ahead
from bayesbeam.sampling.engines.windows import DROP_DOUBLE, DROP_SINGLE, Window, window_of
from bayesbeam.sampling.engines.writer import Writer

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
# Functions that the loops have a polynomial of, in single and in double precision.
_POLYNOMIALS = {
    "log": ("log_f32", "whole_log_f64"), "log1p": ("log1p_f32", "log1p_f64"), "sin": ("sin_f32", "sin_f64"),
    "cos": ("cos_f32", "cos_f64"), "atan": ("atan_f32", "atan_f64"),
}  # fmt: skip
POINT = ("y", "f", "inverse_sd", "inverse_y", "weight")

_HEAD = '''"""Loops over points, written by bayesbeam; do not edit."""
import math
import numpy as np
from numba import cfunc, carray, types
from bayesbeam.sampling.engines.angles import atan_f32, atan_f64, cos_f32, cos_f64, sin_f32, sin_f64
from bayesbeam.sampling.engines.scalars import exp_f32, exp_f64, log1p_f32, log1p_f64, log_f32, whole_log_f64
F = np.{dtype}
P = types.CPointer(types.{dtype})
D = types.CPointer(types.float64)
FLAGS = {{"contract", "nsz", "reassoc"}}
'''
_DATA = "d = carray(data, (5, n))"


class _Writer(Writer):
    """Lines of a function: those before the loop and those inside it."""

    def __init__(
        self, single: bool, prefix: str = "", tables: Mapping[tuple[float, ...], str] = MappingProxyType({}),
        rows: Mapping[Node, str] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        super().__init__(prefix)
        self.single = single
        self.tables, self.rows = tables, rows

    def in_rows(self, node: Node, name: str) -> str:
        """Value from before the loop in the precision of the rows."""
        return f"F({name})"

    def text(self, node: Node, inputs: list[str]) -> str:
        """Expression of one operation; those on uniform conditions stay plain Python."""
        if node.op == "constant":
            return _constant(node.value)
        if node.op in _INFIX:
            return f"{inputs[0]} {_INFIX[node.op]} {inputs[1]}"
        if node.op == "table":
            return f"{self.tables[numbers(node)]}[int({inputs[0]})]"
        if node.op == "taken":
            return f"np.float64({self.rows[node.inputs[0]]}[int({inputs[0]})])"
        if node.op == "exp":
            return f"exp_f32({inputs[0]})" if node.pointwise and self.single else f"exp_f64({inputs[0]})"
        if node.op in _POLYNOMIALS and node.pointwise:
            return f"{_POLYNOMIALS[node.op][not self.single]}({inputs[0]})"
        forms = {
            "neg": "-{0}", "not": "not {0}", "and": "{0} and {1}", "or": "{0} or {1}", "abs": "abs({0})",
            "maximum": "{0} if {0} > {1} or {0} != {0} else {1}", "minimum": "{0} if {0} < {1} or {0} != {0} else {1}",
            "where": "{1} if {0} else {2}",
        }  # fmt: skip
        return forms.get(node.op, f"math.{node.op}({{0}})").format(*inputs)


def _constant(value: float) -> str:
    """Literal of a double."""
    if value != value:
        return "math.nan"
    if value in (float("inf"), float("-inf")):
        return "math.inf" if value > 0 else "-math.inf"
    return repr(value)


def _dtype(single: bool) -> str:
    return "float32" if single else "float64"


def size_and_shape(component: Component) -> tuple[Node, Node]:
    """Graphs of two factors of a curve: one that is the same at all points (1 if there is none), and the rest."""
    curve = trace(component.formula, ["x"], _names(component))
    if curve.op == "mul":
        size, shape = sorted(curve.inputs, key=lambda node: node.pointwise)
        if not size.pointwise and shape.pointwise and not needs_row(size):
            return size, shape
    return Node("constant", value=1.0), curve


def _names(component: Component) -> list[str]:
    return [f"p{j}" for j in range(len(component.parameters))]


@cache
def only_size(component: Component) -> tuple[bool, ...]:
    """Which parameters change the size of a curve alone, so that a move of one needs its shape only once."""
    size, shape = size_and_shape(component)
    return tuple(uses(size, symbol(name)) and not uses(shape, symbol(name)) for name in _names(component))


def component_source(component: Component, noise: NoiseModel, single: bool) -> str:
    """Source of ``move``, ``row`` and, where they make sense, ``resize`` and ``span`` of a component.

    A curve is a size times a shape; ``size`` holds the present size, and gets the new one. ``move(count, n, data,
    theta, phi, size, old, pred, new, parts, terms)`` writes the new shape of ``count`` points, the noise model's terms
    of them for the old sum of curves less the old curve plus the new one, and returns the sum of these: of all n
    points, or by how much it is more than that of the old ``terms``. ``resize`` does so for the old shape.
    ``row(count, n, data, theta, size, new)`` writes size and shape only. ``data`` holds rows of n points: axis, y,
    1/sd, 1/y, weight; counts are multiples of 32. ``span(theta, ends)`` writes where a curve begins and ends.
    """
    size, shape = size_and_shape(component)
    point, phi = _point(noise)
    load = [f"{name} = theta[{j}]" for j, name in enumerate(_names(component))]
    tables = {table: f"TABLE{number}" for number, table in enumerate(tables_of(shape))}
    rows = {row: f"row{number}" for number, row in enumerate(rows_of(shape))}
    ahead, known = lines_ahead(
        shape, _names(component), rows, lambda prefix: _Writer(single, prefix, tables, rows)
    )  # fmt: skip
    functions = []
    for name, signature, arguments in (
        ("move", "P, D, D, D, P, P, P, P, P", "data, theta, phi, size, old, pred, new, parts, terms"),
        ("resize", "P, D, D, D, P, P, P, P", "data, theta, phi, size, old, pred, parts, terms"),
        ("row", "P, D, D, P", "data, theta, size, new"),
    ):
        if name == "resize" and not any(only_size(component)):
            continue
        writer = _Writer(single)
        writer.know(known)
        writer.before += [f"size[1] = {writer.value(size, False)}", "now, then = F(size[0]), F(size[1])"]
        term, prepare = None, load
        if name != "resize":
            writer.inside.append("x = d[0, i]")
            writer.inside.append(f"new[i] = {writer.value(shape, True)}")
        if name != "row":
            fresh = "old[i]" if name == "resize" else writer.value(shape, True)
            writer.inside += [f"f = pred[i] - now * old[i] + then * {fresh}", *_data_lines(point)]
            term, prepare = writer.value(point, True), [*load, *phi]
        before = [_DATA, *prepare, *(ahead if name != "resize" else []), *writer.before]
        full = f"types.float64(types.int64, types.int64, {signature})"
        functions.append(_function(name, full, f"count, n, {arguments}", before, writer.inside, term))
    window = window_of(shape, DROP_SINGLE if single else DROP_DOUBLE)
    if window is not None:
        functions.append(_span(window, load))
    constants = [f"{name} = np.array({list(table)!r})\n" for table, name in tables.items()]
    return _HEAD.format(dtype=_dtype(single)) + "".join(constants) + "\n".join(functions)


def _span(window: Window, load: Sequence[str]) -> str:
    """Source of ``span``."""
    writer = _Writer(False)
    middle, squared = (writer.value(node, False) for node in (window.middle, window.squared_reach))
    body = [*load, *writer.before, f"reach = math.sqrt({squared})", f"middle = {middle}"]
    body += ["ends[0], ends[1] = middle - reach, middle + reach", "return 0.0"]
    return _scalar("span", "types.float64(D, D)", "theta, ends", body)


def noise_source(noise: NoiseModel, single: bool) -> str:
    """Source of ``points(count, n, data, phi, pred, parts)``, the sum over points and its terms, and ``total``.

    ``total(s, constant, count, phi)`` is the log-likelihood of such a sum. And of ``settle(count, size, old, sums, new,
    parts, terms)``, which puts a new curve and its terms in the place of the old, and ``settle_size(count, size, old,
    sums, parts, terms)`` where its shape has stayed.
    """
    point, phi = _point(noise)
    writer = _Writer(single)
    writer.inside += ["f = pred[i]", *_data_lines(point)]
    term = writer.value(point, True)
    names = [f"q{j}" for j in range(len(noise.parameters))]
    whole = _Writer(False)
    assert noise.total is not None
    result = whole.value(trace(noise.total, [], ["s", "constant", "count", *names]), False)
    body = [*phi, *whole.before, f"return {result}"]
    sizes = "now, then = F(size[0]), F(size[1])"
    keep = ["shape = new[i]", "sums[i] = sums[i] - now * old[i] + then * shape", "old[i] = shape"]
    again = ["shape = old[i]", "sums[i] = sums[i] - now * shape + then * shape"]
    kept = "terms[i] = parts[i]"
    return _HEAD.format(dtype=_dtype(single)) + "\n".join(
        [
            _function("settle", "types.float64(types.int64, D, P, P, P, P, P)",
                      "count, size, old, sums, new, parts, terms", [sizes], [*keep, kept], None),
            _function("settle_size", "types.float64(types.int64, D, P, P, P, P)",
                      "count, size, old, sums, parts, terms", [sizes], [*again, kept], None),
            _function("points", "types.float64(types.int64, types.int64, P, D, P, P)",
                      "count, n, data, phi, pred, parts", [_DATA, *phi, *writer.before], writer.inside, term, False),
            _scalar("total", "types.float64(types.float64, types.float64, types.float64, D)",
                    "s, constant, count, phi", body),
        ]
    )  # fmt: skip


def prior_source(family: Family) -> str:
    """Source of ``density(x, arguments)``: log density inside the support, up to a constant.

    And of ``densities(count, x, arguments, out)`` for many values.
    """
    assert family.kernel is not None
    names = [f"a{j}" for j in range(len(family.parameters))]
    load = [f"{name} = arguments[{j}]" for j, name in enumerate(names)]
    writer = _Writer(False)
    result = writer.value(trace(family.kernel, [], ["x", *names]), False)
    scalar = _scalar(
        "density", "types.float64(types.float64, D)", "x, arguments", [*load, *writer.before, f"return {result}"]
    )
    many = _Writer(False)
    many.inside += ["x = values[i]"]
    many.inside.append(f"out[i] = {many.value(trace(family.kernel, ['x'], names), True)}")
    loop = _function(
        "densities", "types.float64(types.int64, D, D, D)", "count, values, arguments, out",
        [*load, *many.before], many.inside, None, lanes=LANES,
    )  # fmt: skip
    return _HEAD.format(dtype="float64") + scalar + "\n" + loop


def phi_at_points(noise: NoiseModel) -> bool:
    """Whether a noise parameter enters the term of a point, so that changing it means another pass over the points."""
    point, phi = _point(noise)
    return any(uses(point, symbol(line.split(" ")[0])) for line in phi)


def _point(noise: NoiseModel) -> tuple[Node, list[str]]:
    """Graph of the term of a point, and the lines that load the noise parameters."""
    assert noise.point is not None
    names = [f"q{j}" for j in range(len(noise.parameters))]
    return trace(noise.point, POINT, names), [f"{name} = phi[{j}]" for j, name in enumerate(names)]


def uses_of_data(point: Node) -> list[str]:
    """Names of the data that a point's term needs."""
    return [name for name in POINT if name != "f" and uses(point, symbol(name, True))]


def _data_lines(point: Node) -> list[str]:
    """Lines that load the data a point's term needs."""
    rows = {"y": 1, "inverse_sd": 2, "inverse_y": 3, "weight": 4}
    used = uses_of_data(point)
    return [f"{name} = d[{row}, i]" for name, row in rows.items() if name in used]


def _function(
    name: str, signature: str, arguments: str, before: Sequence[str], inside: Sequence[str], term: str | None,
    partly: bool = True, lanes: int = BLOCK,
) -> str:  # fmt: skip
    """Function with a loop over points; if there is a ``term``, a second loop adds it up in double precision.

    Two loops, for one would be as narrow as its widest number. A third one, where all points give nan, leaves out those
    that do not count, for there zero may have met infinity. ``partly``: of some of the points what their old terms were
    is taken off.
    """
    lines = [f"@cfunc({signature}, cache=True, fastmath=FLAGS, error_model='numpy')", f"def {name}({arguments}):"]
    lines += [f"    {line}" for line in before]
    loop = f"    for i in range(count // {lanes} * {lanes}):"
    lines += ["    total = 0.0", loop, *(f"        {line}" for line in inside)]
    if term is not None:
        lines.append(f"        parts[i] = {term}")
        if partly:
            lines += ["    if count < n:", f"    {loop}"]
            lines += ["            total += np.float64(parts[i]) - np.float64(terms[i])", "        return total"]
        lines += [loop, "        total += np.float64(parts[i])", "    if total != total:", "        total = 0.0"]
        lines += [f"    {loop}", "            total += np.float64(parts[i]) if d[4, i] > 0 else 0.0"]
    return "\n".join([*lines, "    return total", ""])


def _scalar(name: str, signature: str, arguments: str, body: Sequence[str]) -> str:
    """Function without a loop; exact about infinities, so without fast arithmetic."""
    lines = [f"@cfunc({signature}, cache=True, error_model='numpy')", f"def {name}({arguments}):"]
    return "\n".join([*lines, *(f"    {line}" for line in body), ""])
