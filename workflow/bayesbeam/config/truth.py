"""What is true in a simulated study: the model at its count, the value of every parameter, the noise-free curve.

Decides what is a mistake in the truth of a study: unknown or missing parameters, values outside a prior, a rate that
no counts can have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.config.formula import split_name
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Campaign, Simulation
from bayesbeam.config.specs import COMMON, NOISE, Expanded, ParameterSpec, PartSpec
from bayesbeam.config.truth_fixed import check_fixed, kept, linear_names, words_of
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import BayesbeamError, nearest
from bayesbeam.models.base import Component
from bayesbeam.models.composite import Composite
from bayesbeam.models.mathspace import TORCH

FloatArray = NDArray[np.float64]
NO_RATE = 1e-12  # share of the greatest rate that is as good as none: the far tail of a peak without a background


@dataclass(frozen=True)
class Truth:
    """The true model of a study and its values, instances of a part in the order in which results number them.

    Attributes
    ----------
    expanded : Expanded
        The model.
    values : dict
        Values of every parameter by (part, name), one an instance; tied ones and common numbers too.
    linear : frozenset
        Those in units of y, which grow with the exposure, as part.parameter.
    """

    expanded: Expanded
    values: Mapping[tuple[str, str], tuple[float, ...]]
    linear: frozenset[str]

    def curve(self, x: FloatArray) -> FloatArray:
        """Noise-free signal (N,) in one unit of exposure, at x (N,)."""
        axis = torch.from_numpy(np.asarray(x, dtype=np.float64))
        parts, components, values = [], list[Component](), []
        for part in self.expanded.spec.parts:
            component = part.build()
            for row in zip(*(self.values[part.name, name] for name in component.parameter_names), strict=True):
                parts.append(part)
                components.append(component)
                values.append(torch.tensor(row, dtype=torch.float64).unsqueeze(-1).unbind(0))
        acts_on = [[k for k, other in enumerate(parts) if other.name in part.acts_on] for part in parts]
        composite = Composite(TORCH, components, values, acts_on)
        total = torch.zeros_like(axis)
        for part in self.expanded.spec.parts:
            places = [k for k, one in enumerate(parts) if one is part and composite.has_curve(k)]
            if places:
                total = total + torch.stack([composite.curve(k, axis).expand(axis.shape) for k in places]).sum(0)
        return total.numpy()

    def at(self, part: str, parameter: str, index: int | None, exposure: float) -> float:
        """Value of an instance, counted from 1, in the units of a measurement of that exposure."""
        value = self.values[part, parameter][(index or 1) - 1]
        return value * exposure if f"{part}.{parameter}" in self.linear else value


def grid(study: Simulation) -> FloatArray:
    """Return the axis of a study, (N,)."""
    return np.linspace(study.axis.start, study.axis.stop, study.axis.points)


def resolve_truths(
    campaign: Campaign, models: Mapping[str, Sequence[Expanded]], declared: frozenset[str], problems: Problems
) -> dict[str, Truth]:
    """Truth of every simulated study by its name; those with mistakes are left out, and the mistakes noted.

    Parameters
    ----------
    campaign : Campaign
        Its section ``simulate``.
    models : mapping
        Models of every candidate; empty for one with mistakes.
    declared : frozenset of str
        Candidates that the file names, also those that were left out.
    problems : Problems
        Where mistakes are noted.
    """
    found: dict[str, Truth] = {}
    lost: set[KeyPath] = set()
    for here, study in campaign.simulations:
        if here in lost:  # one mistake of an entry is the same at every number of points
            continue
        before = len(problems.found)
        if study.candidate not in declared:
            expected = "a candidate of the campaign"
            remedy = nearest(study.candidate, sorted(declared))
            problems.add((*here, "candidate"), f"the unknown candidate {study.candidate!r}", expected, remedy)
        elif models.get(study.candidate):
            truth = _truth(study, models[study.candidate], problems, here)
            if truth is not None:
                found[study.name] = truth
        if len(problems.found) > before:
            lost.add(here)
    return found


def _truth(study: Simulation, models: Sequence[Expanded], problems: Problems, here: KeyPath) -> Truth | None:
    """Truth of one study."""
    before = len(problems.found)
    _check_noise(study, models[0], problems, here)
    expanded = _at_count(study, models, problems, (*here, "truth"))
    if expanded is None:
        return None
    _check_words(study, expanded, problems, (*here, "truth"))
    for part in expanded.spec.parts:
        if part.column:
            found = f"the part {part.name}, a column of a file"
            problems.add((*here, "candidate"), found, "a candidate computed from x", "Simulate from another candidate.")
    check_fixed(study, expanded.spec, problems, (*here, "truth"))
    if len(problems.found) > before:
        return None
    values: dict[tuple[str, str], tuple[float, ...]] = {}
    for part in expanded.spec.parts:
        values.update(_instances(part, study))
    for one in expanded.spec.common:
        value = study.truth.get(f"{COMMON}.{one.name}")
        values[COMMON, one.name] = (kept(one.prior, study, 1.0) if value is None else float(np.ravel(value)[0]),)
    for part in expanded.spec.parts:
        values.update(_tied(part, values))
    truth = Truth(expanded, values, linear_names(expanded.spec))
    _check_priors(study, truth, problems, here)
    _check_curve(study, truth, problems, (*here, "truth"))
    return truth if len(problems.found) == before else None


def _check_noise(study: Simulation, model: Expanded, problems: Problems, here: KeyPath) -> None:
    """Note a kind of level that the noise of the candidate does not have."""
    family = model.spec.noise.model
    counted = family in ("poisson", "poisson_exposure")
    one_level = counted or family in ("normal", "normal_scaled")
    if bool(study.exposures) != counted or not one_level:
        word = "exposures" if study.exposures else "noise_levels"
        needed = "poisson noise" if study.exposures else "normal noise"
        remedy = "Write noise_levels instead." if study.exposures else "Write exposures instead."
        remedy = "Simulate from a candidate with normal or poisson noise." if not one_level else remedy
        found = f"{word} with candidate {study.candidate}, whose noise is {family}"
        problems.add((*here, word), found, f"a candidate with {needed}", remedy)


def _at_count(study: Simulation, models: Sequence[Expanded], problems: Problems, path: KeyPath) -> Expanded | None:
    """Return the model whose counts the lists have the lengths of."""
    lengths: dict[str, int] = {}
    for word, value in study.truth.items():
        part = word.split(".")[0]
        if isinstance(value, tuple) and lengths.setdefault(part, len(value)) != len(value):
            found = f"{len(value)} values of {word} and {lengths[part]} of another parameter"
            problems.add((*path, word), found, "as many of both", "Give every list the same length.")
            return None
    named = {word.split(".")[0] for word in study.truth}
    fitting = [one for one in models if _fits(one, lengths, named)]
    if len(fitting) > 1:
        # Of models that differ in what is not there at all, the one without.
        fitting = [one for one in fitting if all(part in named for part, count in one.counts if count)] or fitting
    if len(fitting) == 1:
        return fitting[0]
    counts = [f"{part.name}: {part.count}" for one in models for part in one.spec.parts if part.count > 1]
    said = ", ".join(f"{length} values of {part}" for part, length in lengths.items()) or "no lists of values"
    expected = "lists as long as one count of the candidate" + (f" ({', '.join(counts)})" if counts else "")
    problems.add(path, said, expected, "The length of the lists is the true number of peaks.")
    return None


def _fits(model: Expanded, lengths: Mapping[str, int], named: set[str]) -> bool:
    """Whether a model has the parts that are named, as many of each as the lists say."""
    parts = {part.name: part.count for part in model.spec.parts}
    ranged = {name for name, _ in model.counts}
    return named & ranged <= set(parts) and all(n == lengths.get(name, n) for name, n in parts.items())


def _check_words(study: Simulation, expanded: Expanded, problems: Problems, path: KeyPath) -> None:
    """Note unknown and missing parameters."""
    free = {f"{part}.{one.name}": one for part, one in expanded.spec.parameters() if part != NOISE}
    known = [word for word, one in free.items() if not one.prior.fixed]
    for word in study.truth:
        if word not in known:
            fixed = word in free
            found = f"the parameter {word}, which is fixed" if fixed else f"the unknown parameter {word[:60]!r}"
            remedy = "Remove it here; its value is that of the candidate." if fixed else nearest(word, known)
            problems.add((*path, word), found, "part.parameter of a free parameter", remedy)
    missing = [word for word in known if word not in study.truth]
    if missing:
        problems.add(path, f"no value of {', '.join(missing)}", "a value of every free parameter", "Add it.")


def _instances(part: PartSpec, study: Simulation) -> dict[tuple[str, str], tuple[float, ...]]:
    """Values of a part's parameters, instances in the order of results."""
    found: dict[str, tuple[float, ...]] = {}
    for parameter in part.parameters:
        given = study.truth.get(f"{part.name}.{parameter.name}")
        value = kept(parameter.prior, study, 1.0) if given is None else given
        found[parameter.name] = value if isinstance(value, tuple) else (value,) * part.count
    order_by = part.build().order_by
    order = np.argsort(found[order_by], kind="stable") if order_by in found else range(part.count)
    return {(part.name, name): tuple(values[i] for i in order) for name, values in found.items()}


def _tied(
    part: PartSpec, values: Mapping[tuple[str, str], tuple[float, ...]]
) -> dict[tuple[str, str], tuple[float, ...]]:
    """Values of a part's tied parameters; a name of its own part means the same instance."""
    found = {}
    for name, formula in part.ties:
        sources = [(owner, word) for owner, _, word in map(split_name, formula.names)]
        function = formula.function()
        found[part.name, name] = tuple(
            float(function(TORCH, *(values[s][k if s[0] == part.name else 0] for s in sources)))
            for k in range(part.count)
        )
    return found


def _check_priors(study: Simulation, truth: Truth, problems: Problems, here: KeyPath) -> None:
    """Note values where the prior of the true model is zero, at every exposure; priors of unknown words are let by."""
    for exposure in study.exposures or (1.0,):
        words = words_of(study, exposure)
        for part, parameter in truth.expanded.spec.parameters():
            bad = None if part == NOISE else _outside(truth, part, parameter, exposure, words)
            if bad is not None:
                word = f"{part}.{parameter.name}"
                scaled = bool(study.exposures) and word in truth.linear
                found = f"{word} = {bad:g}" + (f" at exposure {exposure:g}" if scaled else "")
                expected = f"a value where its prior {parameter.prior} is not zero"
                remedy = "Correct the value or the prior; a prior may be written with the word exposure."
                problems.add((*here, "truth", word), found, expected, remedy)
                return


def _outside(
    truth: Truth, part: str, parameter: ParameterSpec, exposure: float, words: Mapping[str, float]
) -> float | None:
    """First value of a parameter that its prior excludes, None where there is none or it cannot be known yet."""
    if parameter.prior.fixed or not parameter.prior.needs <= set(words):
        return None
    try:
        prior = parameter.prior.resolve(words)
    except BayesbeamError:
        return None
    for index in range(len(truth.values[part, parameter.name])):
        value = truth.at(part, parameter.name, index + 1, exposure)
        if prior.log_prob(torch.tensor(value, dtype=torch.float64)).item() == -math.inf:
            return value
    return None


def _check_curve(study: Simulation, truth: Truth, problems: Problems, path: KeyPath) -> None:
    """Note a curve that is not finite, or a rate that counts cannot have."""
    x = grid(study)
    curve = truth.curve(x)
    place = int(np.argmin(np.where(np.isfinite(curve), curve, -np.inf)))
    if not np.isfinite(curve).all():
        problems.add(
            path, f"a curve that is {curve[place]} at x = {x[place]:g}", "finite numbers", "Correct the values."
        )
    elif study.exposures and curve[place] <= NO_RATE * curve.max():
        found = f"a rate of {curve[place]:g} at x = {x[place]:g}"
        problems.add(path, found, "above 0 everywhere, for poisson noise", "Add a positive background.")
