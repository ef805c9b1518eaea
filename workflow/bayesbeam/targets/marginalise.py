"""From a sum to what is left of it when numbers that enter linearly are integrated out; what cannot be is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bayesbeam.errors import ModelError
from bayesbeam.models.base import Component
from bayesbeam.models.linear_in import is_linear
from bayesbeam.models.tied import Follows
from bayesbeam.models.trace import Node, NotScalar, symbol, trace
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.parts import Instance
from bayesbeam.targets.sum import SumTarget

NOISES = ("normal", "normal_scaled")
"""Noise models under which the integral is known: normal, of a level that does not depend on the curve."""


def marginalised(target: SumTarget, linear: Sequence[int]) -> MarginalTarget:
    """Target of a sum of which some numbers are integrated out.

    Parameters
    ----------
    target : SumTarget
    linear : sequence of int
        Slots, each with a normal prior; shared ones stay in the state and are sampled.

    Raises
    ------
    ModelError
        If noise or priors are not normal, the curve is not linear in them, or there is nothing to integrate out.
    """
    gone = tuple(j for j in sorted(linear) if not target.slots[j].shared and not target.priors[j].is_fixed)
    _check(target, gone)
    place = {slot: j for j, slot in enumerate(j for j in range(len(target.slots)) if j not in set(gone))}
    names = [
        [term.component.parameter_names[j - term.start] for j in gone if term.start <= j < term.stop]
        for term in target.terms
    ]
    return MarginalTarget(
        terms=(),
        slots=tuple(target.slots[j] for j in place),
        priors=tuple(target.priors[j] for j in place),
        dtype=target.dtype,
        instances=tuple(_left(one, place) for one in target.instances),
        whole=target,
        linear=gone,
        lifted=tuple(
            not own or not is_proportional(term.component, own) for term, own in zip(target.terms, names, strict=True)
        ),
    )


def is_proportional(component: Component, names: Sequence[str]) -> bool:
    """Whether the formula shows that a curve, linear in some parameters, is zero where they all are."""
    if component.tensors_only:
        return True  # linear in its amplitude alone, to which it is proportional
    try:
        graph = trace(component.formula, ("x",), component.parameter_names)
    except NotScalar:
        return True
    zero, known = {symbol(name) for name in names}, dict[Node, bool]()
    todo = [graph]
    while todo:
        node = todo[-1]
        missing = [one for one in node.inputs if one not in known]
        if node in known or not missing:
            none = node in zero or (node.op == "constant" and node.value == 0.0)
            known[todo.pop()] = none or _vanishes(node.op, [known[one] for one in node.inputs])
        todo += missing
    return known[graph]


def _vanishes(op: str, inputs: Sequence[bool]) -> bool:
    """Whether an operation gives zero where some of its inputs are; False where that is not seen."""
    if op == "mul":
        return any(inputs)
    if op in ("add", "sub", "neg", "scan", "scan_end"):
        return all(inputs)
    # Quotients and values of a row by what is above; branches and sums over nodes by what is chosen or added.
    if op in ("div", "taken"):
        return inputs[0]
    return op in ("where", "sum") and all(inputs[1:])


def _left(one: Instance, place: Mapping[int, int]) -> Instance:
    """Instance without what is integrated out, and what follows from it, in places of the smaller state."""
    sources: list[int | Follows] = []
    names = []
    for name, source in zip(one.names, one.sources, strict=True):
        needed = source.places if isinstance(source, Follows) else (source,)
        if all(j in place for j in needed):
            own = tuple(place[j] for j in needed)
            sources.append(Follows(own, source.formula) if isinstance(source, Follows) else own[0])
            names.append(name)
    parameters = tuple(parameter for parameter in one.component.parameters if parameter.name in names)
    order = one.component.order_by if one.component.order_by in names else None
    return replace(one, component=replace(one.component, parameters=parameters, order_by=order), sources=tuple(sources))


def _check(target: SumTarget, gone: Sequence[int]) -> None:
    """Refuse what cannot be integrated out in closed form."""
    if not gone:
        remedy = "Leave linear out; what measurements share is sampled."
        raise ModelError.at("linear: marginalise", "no free parameter of its own to integrate out", "one", remedy)
    if target.noise.name not in NOISES:
        found, remedy = f"noise {target.noise.name}", "Use normal noise, or leave linear out."
        raise ModelError.at("linear: marginalise", found, "normal noise of a level that is the same for all", remedy)
    for j in gone:
        if target.priors[j].family.name != "normal":
            remedy = "Write normal(mean=..., sd=...), or leave linear out."
            found = f"a prior {target.priors[j].family.name}"
            raise ModelError.at(f"linear: marginalise, {target.slots[j].name}", found, "a normal prior", remedy)
    for term in target.terms:
        own = [j for j in gone if term.start <= j < term.stop]
        if not is_linear(term.component, [term.component.parameter_names[j - term.start] for j in own]):
            words = ", ".join(dict.fromkeys(target.slots[j].name for j in own))
            remedy = "Integrate out fewer of them, or untie them from what is not linear."
            found = f"a curve that is not linear in {words} together"
            raise ModelError.at("linear: marginalise", found, "a sum of each times a column", remedy)
