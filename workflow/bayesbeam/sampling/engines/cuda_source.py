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
from bayesbeam.sampling.engines.ahead import tables_of
from bayesbeam.sampling.engines.cuda_writer import Tables, TileWriter
from bayesbeam.sampling.engines.source import POINT, only_size, size_and_shape, uses_of_data

_HEAD = '''"""Curves, noise and priors for kernels, written by bayesbeam; do not edit."""
import triton
import triton.language as tl
from bayesbeam.sampling.engines import cuda_math as own
'''


def target_source(
    components: tuple[Component, ...], noise: NoiseModel, families: tuple[Family, ...], single: bool
) -> str:
    """Source of the functions that the kernels of :mod:`cuda_kernels` take.

    ``curve(kind, like, axis, points, theta, proposal, stride, start, moved, origin, ...)`` is the curve of component
    ``kind`` with parameters at ``theta + start``, those whose bit in ``moved`` is set from ``proposal``; ``change(f,
    ...)`` is a sum f of curves after such a move, for which a curve whose size alone moves is made once; ``term(f,
    data, ...)`` what the noise model adds up over points; ``total(s, ...)`` the log-likelihood of such a sum;
    ``density(kind, x, arguments, ...)`` the log density of prior ``kind`` inside its support, up to a constant.
    """
    rows = "tl.float32" if single else "tl.float64"
    tables = table_places(components)
    parts = [
        _curves(components, rows, tables),
        _changes(components, rows, tables),
        _term(noise, rows),
        _total(noise),
        _densities(families),
    ]
    return "\n\n".join([_HEAD, *parts])


def table_places(components: Sequence[Component]) -> Tables:
    """Where the tables of numbers that curves look up in begin, one after the other."""
    places: dict[tuple[float, ...], int] = {}
    for component in components:
        for table in tables_of(_curve(component)):
            places.setdefault(table, sum(len(known) for known in places))
    return places


def _curve(component: Component) -> Node:
    """Graph of a curve."""
    return trace(component.formula, ["x"], [f"p{j}" for j in range(len(component.parameters))])


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


def _curves(components: Sequence[Component], rows: str, tables: Tables) -> str:
    """Source of ``curve``."""
    bodies = []
    for k, component in enumerate(components):
        # Names of their own for each: one name cannot be a number in one branch and a condition in another.
        mine = f"of{k}_"
        writer, graph, own_axis = TileWriter(rows, mine, tables), _curve(component), _own_axis(component)
        writer.look_at_axis(graph, own_axis, "like")
        result = writer.value(graph, True)
        body = [f"x = tl.load({own_axis} + offsets)"]
        for j, name in enumerate(component.parameter_names):
            shift = " - origin" if name in component.locations else ""
            body.append(f"{mine}p{j} = {_parameter(j)}{shift}")
        bodies.append([*body, *writer.lines, f"found = {result} + like"])
    arguments = "kind, like, axis, centred, points, offsets, theta, proposal, stride, start, moved, origin"
    return _function("curve", arguments, [*_chain(bodies), "return found"])


def _own_axis(component: Component) -> str:
    """Name of the axis that a curve is computed on."""
    return "centred" if component.locations else "axis"


def _changes(components: Sequence[Component], rows: str, tables: Tables) -> str:
    """Source of ``change``."""
    bodies = []
    for k, component in enumerate(components):
        old, new = f"old{k}_", f"new{k}_"
        own_axis = _own_axis(component)
        body = [f"x = tl.load({own_axis} + offsets)"]
        for j, name in enumerate(component.parameter_names):
            shift = " - origin" if name in component.locations else ""
            body.append(f"{old}p{j} = tl.load(theta + start + {j}){shift}")
            body.append(f"{new}p{j} = tl.where({_bit(j)}, {_proposed(j)}{shift}, {old}p{j})")
        size, shape = size_and_shape(component)
        before, after = TileWriter(rows, old, tables), TileWriter(rows, new, tables)
        for writer in (before, after):
            writer.look_at_axis(shape, own_axis, "f")
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
    arguments = "kind, f, axis, centred, points, offsets, theta, proposal, stride, start, moved, which, origin"
    return _function("change", arguments, [*_chain(bodies), "return found"])


def _term(noise: NoiseModel, rows: str) -> str:
    """Source of ``term``: what each point adds, 0 where it does not count."""
    assert noise.point is not None
    names = [f"q{j}" for j in range(len(noise.parameters))]
    writer = TileWriter(rows)
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
    writer = TileWriter("tl.float64")
    result = writer.value(trace(noise.total, [], ["s", "constant", "count", *names]), False)
    body = [*(f"q{j} = {_parameter(j)}" for j in range(len(names))), *writer.lines, f"return {result}"]
    return _function("total", "s, constant, count, theta, proposal, stride, start, moved", body)


def _densities(families: Sequence[Family]) -> str:
    """Source of ``density``."""
    bodies = []
    for family in families:
        assert family.kernel is not None
        names = [f"a{j}" for j in range(len(family.parameters))]
        writer = TileWriter("tl.float64")
        result = writer.value(trace(family.kernel, [], ["x", *names]), False)
        load = [f"a{j} = tl.load(arguments + {j})" for j in range(len(names))]
        bodies.append([*load, *writer.lines, f"found = {result} + (x - x)"])
    return _function("density", "kind, x, arguments", [*_chain(bodies), "return found"])
