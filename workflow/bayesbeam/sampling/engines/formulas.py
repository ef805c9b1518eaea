"""Whether a target is made of scalar formulas, which any engine of kernels or loops can be written from."""

from __future__ import annotations

from collections.abc import Callable

from bayesbeam.models.trace import NotScalar
from bayesbeam.targets.sum import SumTarget


def why_no_formulas(target: SumTarget, write: Callable[[SumTarget], object]) -> str:
    """Reason why a target lacks a formula, or an engine cannot ``write`` it; empty where there is none."""
    if not target.terms:
        return "there is no component"
    if target.noise.point is None or target.noise.total is None:
        return f"noise {target.noise.name} has no scalar formula"
    lacking = [p.family.name for p in target.priors if p.family.kernel is None and not p.is_fixed]
    if lacking:
        return f"prior {lacking[0]} has no scalar formula"
    try:
        write(target)
    except NotScalar as error:
        return str(error)
    return ""
