"""From a candidate of a campaign and preprocessed measurements to the target that is sampled.

The only place where what a campaign says meets tensors; whatever does not fit the data is refused here, by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam import noise as noise_models
from bayesbeam.config.formula import split_name
from bayesbeam.config.specs import COMMON, CandidateSpec, CommonSpec, ParameterSpec, PartSpec
from bayesbeam.errors import BayesbeamError, DataError, ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.models.base import REAL, Parameter
from bayesbeam.models.moved import Moved, unmoved
from bayesbeam.models.tied import Follows
from bayesbeam.priors.base import Prior
from bayesbeam.stages.capacity import check_capacity
from bayesbeam.stages.level_prior import check_level
from bayesbeam.stages.operators import check_operators, prior_draws
from bayesbeam.stages.positive import check_positive
from bayesbeam.stages.rates import data_words, exposure_of
from bayesbeam.stages.regressors import check_powers, column_names, column_of, is_regression
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.marginalise import marginalised
from bayesbeam.targets.parts import Common, Instance, Part, Tie
from bayesbeam.targets.sum import SumTarget, sum_target
from bayesbeam.units import same_unit

FloatArray = NDArray[np.float64]
SINGLE_UP_TO = 3000.0
Members = Sequence[Sequence[Measurement]]


def build_target(
    spec: CandidateSpec,
    members: Members,
    shared: frozenset[str] = frozenset(),
    precision: str = "auto",
    device: str = "cpu",
    known_to_fit: bool = False,
) -> SumTarget:
    """Target of one candidate for groups of measurements.

    Parameters
    ----------
    spec : CandidateSpec
    members : nested sequence of Measurement, [G][D]
        Groups of equally many members; members may differ in length and are padded.
    shared : frozenset of str
        Names ``part.parameter`` that the members of a group have in common.
    known_to_fit : bool
        Whether there are draws of it already, so that what they had to pass need not be tried again.

    Raises
    ------
    ModelError
        If a prior is improper for these data, or leaves all of them out, or peaks are too narrow to be seen, or counts
        were measured where the curve is zero.
    DataError
        If the noise needs uncertainties or counts that a measurement does not have, it has too few points, or its axis
        has another unit than a component needs.
    """
    longest = max(m.x.size for group in members for m in group)
    parts = [_part(spec, part, members) for part in spec.parts]
    noise_priors = {p.name: _priors(spec, "noise", p, members) for p in spec.noise.parameters}

    def padded(columns: list[list[FloatArray]], fill: float | None) -> Tensor:
        rows = [[_pad(column, longest, fill) for column in group] for group in columns]
        return torch.tensor(np.array(rows), dtype=torch.float64, device=device)

    common = [_common(spec, one, members) for one in spec.common]
    dtype = row_precision(spec, members, precision)
    check_powers(spec, members)
    target = sum_target(
        padded([[m.x for m in group] for group in members], None),
        padded([[m.y for m in group] for group in members], 0.0),
        padded([[base_deviation(spec, m) for m in group] for group in members], 1.0),
        padded([[np.ones_like(m.x) for m in group] for group in members], 0.0),
        parts,
        noise_models.get(spec.noise.model),
        noise_priors,
        shared,
        dtype,
        common,
        {name: padded([[column_of(m, name) for m in group] for group in members], None) for name in column_names(spec)},
    )
    if not known_to_fit:
        _check_ties(target, members)
        check_level(spec, members)
        check_capacity(spec, target, members)
        check_operators(target, members)
        check_positive(target, members)
    single = {id(one.component) for one in target.instances}
    # Tied curves that do not move with the axis cannot be computed about its middle, where single precision would do.
    loose = any(id(term.component) not in single and not term.component.locations for term in target.terms)
    return replace(target, dtype=torch.float64) if loose and precision == "auto" else target


def sampled_target(spec: CandidateSpec, target: SumTarget) -> SumTarget | MarginalTarget:
    """What is sampled of a target that :func:`build_target` has made: less what is integrated out.

    Parameters that the members of a group share are sampled, whatever the candidate says.

    Raises
    ------
    ModelError
        If the whole curve is not linear in what is to be integrated out.
    """
    gone = [j for j in target.moving if target.slots[j].name in spec.marginal and not target.slots[j].shared]
    return marginalised(target, gone) if gone else target


def row_precision(spec: CandidateSpec, members: Members, asked: str) -> torch.dtype:
    """Precision of curves: single where its rounding stays far below the noise of every point, else double.

    Terms of a regression may be far larger than their sum, so that these are double too.
    """
    if asked != "auto":
        return torch.float32 if asked == "float32" else torch.float64
    if is_regression(spec):
        return torch.float64
    largest = max(float(np.max(np.abs(m.y) / _expected_deviation(spec, m))) for group in members for m in group)
    return torch.float32 if largest < SINGLE_UP_TO else torch.float64


def _expected_deviation(spec: CandidateSpec, m: Measurement) -> FloatArray:
    """Rough standard deviation of each point: the base where it says something, else the estimate from the data."""
    if spec.noise.base in ("none", "exposure"):
        return np.sqrt(np.maximum(m.y, 1.0))
    estimated = np.full_like(m.x, max(m.noise_estimate, 1e-300))
    return np.minimum(base_deviation(spec, m), estimated) if spec.noise.base == "value" else base_deviation(spec, m)


def base_deviation(spec: CandidateSpec, m: Measurement) -> FloatArray:
    """Standard deviation of each point before the noise model's own factors, (N,); of counts, one over the exposure."""
    noise = spec.noise
    if noise.base == "value" and noise.value is not None:
        return np.full_like(m.x, noise.value)
    if noise.base in ("none", "exposure"):
        if not m.counts:
            raise DataError.at(
                f"measurement {m.id}", "its signal is not declared as counts", "counts, for Poisson noise",
                "Set signal.counts: true in its treatment if these are raw counts, or use normal noise.",
            )  # fmt: skip
        return np.full_like(m.x, 1.0 / exposure_of(spec, m))
    if m.uncertainty is not None:
        return m.uncertainty
    if noise.base == "column":
        raise DataError.at(
            f"measurement {m.id}", "it has no uncertainties", "one a point, for noise with sigma: column",
            "Set uncertainty.from in its treatment, or write sigma: estimate.",
        )  # fmt: skip
    if float(np.ptp(m.y)) == 0.0:
        raise DataError.at(
            f"measurement {m.id}", f"all of its points are {m.y[0]:g}",
            "a signal that varies, for noise with sigma: estimate",
            "Leave it out if the detector was dead, or state sigma.",
        )  # fmt: skip
    level = m.noise_estimate if m.noise_estimate > 0 else 1e-6 * float(np.ptp(m.y))
    return np.full_like(m.x, level)


def _part(spec: CandidateSpec, part: PartSpec, members: Members) -> Part:
    """Part with the priors of every measurement."""
    component = part.build()
    if component.axis_unit is not None:
        _check_axis_unit(component.axis_unit, part, members)
    priors = {p.name: _priors(spec, part.name, p, members) for p in part.parameters}
    if component.order_by in priors and component.order_by in component.locations:
        for group, nested in zip(members, priors[component.order_by], strict=True):
            for m, prior in zip(group, nested, strict=True):
                _check_reach(f"{part.name}.{component.order_by}", prior, m)
    ties = {
        name: Tie(tuple((owner, word) for owner, _, word in map(split_name, formula.names)), formula.function())
        for name, formula in part.ties
    }
    return Part(part.name, component, part.count, priors, ties, part.acts_on)


def _check_axis_unit(needed: str, part: PartSpec, members: Members) -> None:
    """Refuse data whose axis has another unit than the formula's constants."""
    for group in members:
        for m in group:
            if not same_unit(m.x_unit, needed):
                found = f"x in {m.x_unit}" if m.x_unit else "x without a unit"
                remedy = "State axis.unit in its treatment, and convert or calibrate the axis if it is another."
                raise DataError.at(f"measurement {m.id}: {part.component}", found, f"x in {needed}", remedy)


def _common(spec: CandidateSpec, one: CommonSpec, members: Members) -> Common:
    """Common number with the priors of every measurement."""
    return Common(Parameter(one.name, one.unit, str(one.prior), REAL, one.name), _priors(spec, COMMON, one, members))


def _check_ties(target: SumTarget, members: Members) -> None:
    """Refuse ties that lead out of what their parameter can be, anywhere in the prior."""
    tied = [(one, name) for one in target.instances for name in _following(one)]
    if not tied:
        return
    theta = prior_draws(target)
    for one, name in tied:
        component, values = unmoved(one.component, one.parameters(theta))
        j = component.index(name)
        parameter, values = component.parameters[j], values[..., j]
        low, high = parameter.support
        bad = ~((values >= low) & (values <= high) & torch.isfinite(values))
        if bool(bad.any()):
            g, d = (int(i) for i in torch.nonzero(bad)[0][:2])
            share, worst = float(bad[g, d].double().mean()), float(values[bad][0])
            raise ModelError.at(
                f"measurement {members[g][d].id}: {one.part}.{parameter.name}",
                f"its tie leads to {worst:.4g}, outside {low:g} to {high:g}, in {share:.1%} of the prior",
                "a value that it may have, in all of the prior",
                "Narrow the priors of what it is tied to, or change the formula.",
            )


def _following(one: Instance) -> list[str]:
    """Parameters of an instance that are tied to others, or moved."""
    component = one.component
    moved = {move.parameter for move in component.moves} if isinstance(component, Moved) else set[str]()
    tied = {name for name, source in zip(one.names, one.sources, strict=True) if isinstance(source, Follows)}
    return [name for name in one.names if name in tied | moved and name not in component.carried]


def _priors(spec: CandidateSpec, part: str, parameter: ParameterSpec, members: Members) -> list[list[Prior]]:
    """Prior of one parameter in every measurement."""
    return [[_prior(spec, part, parameter, m) for m in group] for group in members]


def _prior(spec: CandidateSpec, part: str, parameter: ParameterSpec, m: Measurement) -> Prior:
    """Prior of one parameter with the words of one measurement filled in."""
    try:
        return parameter.prior.resolve(data_words(spec, m))
    except BayesbeamError as error:
        raise ModelError.at(
            f"measurement {m.id}: prior of {part}.{parameter.name}",
            f"{parameter.prior} does not fit its data ({error})",
            "a proper prior", "State this prior in the campaign with numbers.",
        ) from error  # fmt: skip


def _check_reach(name: str, prior: Prior, m: Measurement) -> None:
    """Refuse a position prior that lies outside the measured axis altogether."""
    low, high = prior.support()
    first, last = float(m.x[0]), float(m.x[-1])
    if high < first or low > last:
        raise ModelError.at(
            f"measurement {m.id}: prior of {name}",
            f"{prior} lies outside all of its data",
            f"values between {first:g} and {last:g} {m.x_unit}",
            "Correct the prior, or the treatment's range, offset and unit.",
        )


def _pad(column: FloatArray, length: int, fill: float | None) -> FloatArray:
    """Column of the given length; without a fill the last value is repeated."""
    value = float(column[-1]) if fill is None else fill
    return np.concatenate([column, np.full(length - column.size, value)])
