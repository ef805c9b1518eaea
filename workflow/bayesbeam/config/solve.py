"""Whether a candidate may be solved exactly, as far as can be told without data.

A wish that cannot be met is a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

from bayesbeam.config.linear import NOISES
from bayesbeam.config.places import Problems
from bayesbeam.config.specs import NOISE, CandidateSpec, Expanded
from bayesbeam.config.yaml_text import KeyPath

AUTO, EXACT, SAMPLE, BOTH = "auto", "exact", "sample", "both"
# Families of priors under which coefficients have a normal posterior, or one within a box.
FAMILIES = ("normal", "uniform", "half_normal", "truncated_normal")


def unlike_linear(spec: CandidateSpec) -> str:
    """Why a candidate can be no linear regression, whatever the data; empty where it may be one."""
    if spec.sparse is not None:
        return "it chooses among sets of terms"
    if spec.phases is not None:
        return "it chooses among sets of phases"
    if spec.noise.model not in NOISES:
        return f"its noise is {spec.noise.model}, not normal"
    for part, parameter in spec.parameters():
        prior = parameter.prior
        if part != NOISE and not prior.fixed and prior.family not in FAMILIES:
            return f"the prior of {part}.{parameter.name} is {prior.family}"
    if all(parameter.prior.fixed for part, parameter in spec.parameters() if part != NOISE):
        return "no coefficient is free"
    for one in spec.parts:
        if one.count > 1:
            return f"there are {one.count} {one.name}, which can be exchanged for each other"
        tied = bool(one.ties or one.acts_on)
        named = any(one.name == name.split(".")[0] for part in spec.parts for _, f in part.ties for name in f.names)
        acted = any(one.name in part.acts_on for part in spec.parts)
        if tied or named or acted:
            continue
        from bayesbeam.models.linear_in import is_linear

        free = [parameter.name for parameter in one.parameters if not parameter.prior.fixed]
        if not is_linear(one.build(), free):
            return f"the curve is not linear in {', '.join(f'{one.name}.{name}' for name in free)}"
    return ""


def check_solve(asked: str, models: Sequence[Expanded], problems: Problems, here: KeyPath) -> None:
    """Note a candidate that is to be solved exactly and cannot be, at one of its counts."""
    found = (unlike_linear(model.spec) for model in models) if asked in (EXACT, BOTH) else iter(())
    reason = next((reason for reason in found if reason), "")
    if reason:
        expected = "a linear model with normal noise, and normal or flat priors"
        problems.add((*here, "solve"), f"{asked}, but {reason}", expected, f"Write solve: {AUTO}.")


__all__ = ["AUTO", "BOTH", "EXACT", "FAMILIES", "SAMPLE", "check_solve", "unlike_linear"]
