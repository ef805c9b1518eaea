"""What data can hold: as many points as unknowns, in all and about each kind of peak, and peaks wide enough to be seen.

Refuses a candidate on a measurement by name; judges by priors and the axis alone, never by the signal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from bayesbeam.config.specs import CandidateSpec, PartSpec
from bayesbeam.errors import DataError, ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.models.base import Component
from bayesbeam.models.moved import unmoved
from bayesbeam.targets.parts import Instance
from bayesbeam.targets.sum import SumTarget

# Draws of the prior on which widths are tried.
DRAWS = 200
# A point is within reach of a peak where it has this share of its height.
REACH = 0.01


def check_capacity(spec: CandidateSpec, target: SumTarget, members: Sequence[Sequence[Measurement]]) -> None:
    """Refuse data that cannot hold what a candidate asks of them.

    Raises
    ------
    DataError
        If a measurement has fewer points than parameters, in all or within reach of the peaks of one part.
    ModelError
        If peaks of a part are narrower than the spacing of points, whatever the prior allows.
    """
    for group in members:
        for m in group:
            _check_points(m, _unknowns(spec))
    for part, one in _peaks(spec, target):
        component, values = unmoved(one.component, one.parameters(_prior_draws(target)).double())
        place = values[..., component.index(component.order_by or "")]
        bounded = one.order_slot is not None and _is_bounded(target, one.order_slot)
        for g, group in enumerate(members):
            for d, m in enumerate(group):
                x = torch.from_numpy(m.x)
                _check_width(part, component, values[g, d], place[g, d], x, m)
                if bounded:
                    _check_reach(part, component, values[g, d], place[g, d], x, m)


def _unknowns(spec: CandidateSpec) -> int:
    """Number of parameters that are not fixed, those of the noise included."""
    few = frozenset(spec.sparse.terms) if spec.sparse is not None else frozenset[str]()
    curve = sum(part.count * _free(part) for part in spec.parts if part.name not in few)
    curve += spec.sparse.most if spec.sparse is not None else 0
    curve += sum(not one.prior.fixed for one in spec.common)
    return curve + sum(not p.prior.fixed for p in spec.noise.parameters)


def _free(part: PartSpec) -> int:
    """Number of parameters of one instance that are not fixed."""
    return sum(not p.prior.fixed for p in part.parameters)


def _check_points(m: Measurement, parameters: int) -> None:
    """Refuse data that hold fewer points than the candidate has parameters."""
    if m.x.size < parameters:
        raise DataError.at(
            f"measurement {m.id}", f"it has {m.x.size} points for {parameters} parameters",
            "at least as many points as parameters", "Widen the range, rebin less, or lower the count.",
        )  # fmt: skip


def _peaks(spec: CandidateSpec, target: SumTarget) -> Iterator[tuple[PartSpec, Instance]]:
    """Parts whose component is a peak, each with its first instance; not those that a response makes wider."""
    smeared = {name for one in target.instances if not one.has_curve for name in one.acts_on}
    for part in spec.parts:
        one = next((one for one in target.instances if one.part == part.name), None)
        if one is None or part.name in smeared:
            continue
        if one.component.exchangeable and one.component.order_by in one.component.locations:
            yield part, one


def _is_bounded(target: SumTarget, slot: int) -> bool:
    """Whether the prior of a slot has two ends in all measurements."""
    prior = target.priors[slot]
    return all(bool(torch.isfinite(end).all()) for end in prior.family.support(**prior.values))


def _prior_draws(target: SumTarget) -> Tensor:
    """States (G, D, DRAWS, P) of the prior, always of the same random numbers, for all measurements."""
    shape = (len(target.slots), 1, 1, DRAWS, 1)
    u = torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).clamp(min=1e-9)
    wide = u.to(target.x.device).expand(-1, target.groups, target.members, -1, -1)
    return target.from_uniform(wide)[..., 0, :].cpu()


def _relative(component: Component, values: Tensor, place: Tensor, x: Tensor) -> Tensor:
    """Curve of a peak at x (draws, N) over that at its position, 1 where it has none."""
    top = component.forward(place[:, None], values)
    curve = component.forward(x, values)
    return torch.where(top == 0, 1.0, (curve / top).abs())


def _check_width(
    part: PartSpec, component: Component, values: Tensor, place: Tensor, x: Tensor, m: Measurement
) -> None:
    """Refuse peaks of which most lie between two points, for they are narrower than half of the spacing."""
    inside = x[(x >= place.min()) & (x <= place.max())]
    steps = torch.diff(inside if len(inside) > 1 else x)
    if not bool((steps > 0).any()):
        return
    spacing = float(steps[steps > 0].min())
    sides = place[:, None] + 0.25 * spacing * torch.tensor([-1.0, 1.0], dtype=torch.float64)
    if bool((_relative(component, values, place, sides) < 0.5).all()):
        unit = f"{0.5 * spacing:.3g} {m.x_unit}".strip()
        raise ModelError.at(
            f"measurement {m.id}: {part.name}",
            f"peaks narrower at half height than {unit}, half the spacing of its points, in all of the prior",
            "peaks that points can see",
            "Correct the unit or the prior of the width, or rebin less.",
        )


def _check_reach(
    part: PartSpec, component: Component, values: Tensor, place: Tensor, x: Tensor, m: Measurement
) -> None:
    """Refuse more peaks in a part of the axis than its points can hold."""
    wanted = part.count * _free(part)
    if int(((x >= place.min()) & (x <= place.max())).sum()) >= wanted:
        return
    points = int((_relative(component, values, place, x) > REACH).any(0).sum())
    if points < wanted:
        raise DataError.at(
            f"measurement {m.id}: {part.name}",
            f"{points} points within reach of {part.count} peaks with {wanted} parameters",
            "at least as many points as parameters",
            "Widen the prior of the position, rebin less, or lower the count.",
        )
