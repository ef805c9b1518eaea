"""Writes the source of what kernels on a GPU need of a target: its curves, its noise, the densities of its priors.

From the same graphs as the compiled loops. What does not depend on the point is computed once a row in double
precision; the rest in the precision of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from bayesbeam.models.base import Component
from bayesbeam.models.trace import Node, trace
from bayesbeam.noise.base import NoiseModel
from bayesbeam.priors.base import Family
from bayesbeam.sampling.engines.source import POINT, only_size, size_and_shape, uses_of_data
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

_HEAD = '''"""Curves, noise and priors for kernels, written by bayesbeam; do not edit."""
import triton
import triton.language as tl
from bayesbeam.sampling.engines import cuda_math as own
'''


_CONDITIONS = ("lt", "le", "gt", "ge", "and", "or", "not")


class _Writer(Writer):
    """Lines of a function on tiles; ``rows`` is the precision of what differs between points."""

    def __init__(self, rows: str, prefix: str = "") -> None:
        super().__init__(prefix)
        self.rows = rows

    def text(self, node: Node, inputs: list[str]) -> str:
        """Expression of one operation; constants are tiles of one number."""
        if node.op == "constant":
            return f"tl.full((1, 1), {_literal(node.value)}, tl.float64)"
        if node.op in _INFIX:
            return f"{inputs[0]} {_INFIX[node.op]} {inputs[1]}"
        return _FORMS[node.op].format(*inputs)

    def in_rows(self, node: Node, name: str) -> str:
        """Value of a row in the precision of the rows; a condition stays one."""
        return name if node.op in _CONDITIONS else f"{name}.to({self.rows})"

    @property
    def lines(self) -> list[str]:
        """All lines, in an order in which they can be run."""
        return [*self.before, *self.inside]


def target_source(
    components: tuple[Component, ...], noise: NoiseModel, families: tuple[Family, ...], single: bool
) -> str:
    """Source of the functions that the kernels of :mod:`cuda_kernels` take.

    ``curve(kind, axis, theta, proposal, stride, start, moved, origin, ...)`` is the curve of component ``kind`` with
    parameters at ``theta + start``, those whose bit in ``moved`` is set from ``proposal``; ``change(f, ...)`` is a sum
    f of curves after such a move, for which a curve whose size alone moves is made once; ``term(f, data, ...)`` what
    the noise model adds up over points; ``total(s, ...)`` the log-likelihood of such a sum; ``density(kind, x,
    arguments, ...)`` the log density of prior ``kind`` inside its support, up to a constant.
    """
    rows = "tl.float32" if single else "tl.float64"
    parts = [
        _curves(components, rows),
        _changes(components, rows),
        _term(noise, rows),
        _total(noise),
        _densities(families),
    ]
    return "\n\n".join([_HEAD, *parts])


def _function(name: str, arguments: str, body: Sequence[str]) -> str:
    return "\n".join(["@triton.jit", f"def {name}({arguments}):", *(f"    {line}" for line in body), ""])


def _chain(bodies: Sequence[Sequence[str]]) -> list[str]:
    """One branch for each kind."""
    lines: list[str] = []
    if len(bodies) == 1:
        return list(bodies[0])
    for k, body in enumerate(bodies):
        lines.append(f"{'if' if k == 0 else 'elif'} kind == {k}:" if k < len(bodies) - 1 else "else:")
        lines += [f"    {line}" for line in body]
    return lines


def _parameter(j: int) -> str:
    """Parameter j of a term or of the noise, (R, 1): the present one, or the proposed one where its bit is set."""
    return f"tl.where({_bit(j)}, {_proposed(j)}, tl.load(theta + start + {j}))"


def _bit(j: int) -> str:
    """Whether parameter j moves."""
    return f"((moved >> {j}) & 1) != 0"


def _proposed(j: int) -> str:
    """Proposed value of parameter j."""
    return f"tl.load(proposal + (start + {j}) * stride, mask={_bit(j)}, other=0.0)"


def _curves(components: Sequence[Component], rows: str) -> str:
    """Source of ``curve``."""
    bodies = []
    for k, component in enumerate(components):
        names = [f"p{j}" for j in range(len(component.parameters))]
        # Names of their own for each: one name cannot be a number in one branch and a condition in another.
        mine = f"of{k}_"
        writer = _Writer(rows, mine)
        result = writer.value(trace(component.formula, ["x"], names), True)
        body = [f"x = tl.load({'centred' if component.locations else 'axis'} + offsets)"]
        for j, name in enumerate(component.parameter_names):
            shift = " - origin" if name in component.locations else ""
            body.append(f"{mine}p{j} = {_parameter(j)}{shift}")
        bodies.append([*body, *writer.lines, f"found = {result} + like"])
    arguments = "kind, like, axis, centred, offsets, theta, proposal, stride, start, moved, origin"
    return _function("curve", arguments, [*_chain(bodies), "return found"])


def _changes(components: Sequence[Component], rows: str) -> str:
    """Source of ``change``."""
    bodies = []
    for k, component in enumerate(components):
        old, new = f"old{k}_", f"new{k}_"
        body = [f"x = tl.load({'centred' if component.locations else 'axis'} + offsets)"]
        for j, name in enumerate(component.parameter_names):
            shift = " - origin" if name in component.locations else ""
            body.append(f"{old}p{j} = tl.load(theta + start + {j}){shift}")
            body.append(f"{new}p{j} = tl.where({_bit(j)}, {_proposed(j)}{shift}, {old}p{j})")
        size, shape = size_and_shape(component)
        before, after = _Writer(rows, old), _Writer(rows, new)
        sizes = [writer.value(size, True) for writer in (before, after)]
        shapes = [writer.value(shape, True) for writer in (before, after)]
        body += [*before.before, *after.before, *before.inside]
        whole = [*after.inside, f"found = f - {sizes[0]} * {shapes[0]} + {sizes[1]} * {shapes[1]}"]
        alone = sum(1 << j for j, only in enumerate(only_size(component)) if only)
        if alone:
            body += [
                f"if (which & {~alone}) == 0:",
                f"    found = f + ({sizes[1]} - {sizes[0]}) * {shapes[0]}",
                "else:",
            ]
            whole = [f"    {line}" for line in whole]
        bodies.append([*body, *whole])
    arguments = "kind, f, axis, centred, offsets, theta, proposal, stride, start, moved, which, origin"
    return _function("change", arguments, [*_chain(bodies), "return found"])


def _term(noise: NoiseModel, rows: str) -> str:
    """Source of ``term``: what each point adds, 0 where it does not count."""
    assert noise.point is not None
    names = [f"q{j}" for j in range(len(noise.parameters))]
    writer = _Writer(rows)
    graph = trace(noise.point, POINT, names)
    result = writer.value(graph, True)
    used = uses_of_data(graph)
    counts = "weight" if "weight" in used else "inverse_sd"
    rows_of = {"y": 0, "inverse_sd": 1, "inverse_y": 2, "weight": 3}
    load = [
        f"{name} = tl.load(data + {row} * points + offsets)"
        for name, row in rows_of.items()
        if name in used or name == counts
    ]
    body = [*load, *(f"q{j} = {_parameter(j)}" for j in range(len(names))), *writer.lines]
    body.append(f"return tl.where({counts} > 0.0, {result}, 0.0)")
    return _function("term", "f, data, points, offsets, theta, proposal, stride, start, moved", body)


def _total(noise: NoiseModel) -> str:
    """Source of ``total``."""
    assert noise.total is not None
    names = [f"q{j}" for j in range(len(noise.parameters))]
    writer = _Writer("tl.float64")
    result = writer.value(trace(noise.total, [], ["s", "constant", "count", *names]), False)
    body = [*(f"q{j} = {_parameter(j)}" for j in range(len(names))), *writer.lines, f"return {result}"]
    return _function("total", "s, constant, count, theta, proposal, stride, start, moved", body)


def _densities(families: Sequence[Family]) -> str:
    """Source of ``density``."""
    bodies = []
    for family in families:
        assert family.kernel is not None
        names = [f"a{j}" for j in range(len(family.parameters))]
        writer = _Writer("tl.float64")
        result = writer.value(trace(family.kernel, [], ["x", *names]), False)
        load = [f"a{j} = tl.load(arguments + {j})" for j in range(len(names))]
        bodies.append([*load, *writer.lines, f"found = {result} + (x - x)"])
    return _function("density", "kind, x, arguments", [*_chain(bodies), "return found"])


def _literal(value: float) -> str:
    """Text of a constant."""
    if value != value:
        return 'float("nan")'
    if value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    return repr(value)
