"""Candidates of a campaign against the registries: components, parameters, priors and noise all filled in.

Decides what is a mistake in one candidate; relations between candidates, sheet and groups are in ``checks``.
"""

from __future__ import annotations

from bayesbeam.config.candidate import Candidate, Part
from bayesbeam.config.expression import PriorSpec, fixed
from bayesbeam.config.fields import CountRange
from bayesbeam.config.grammar import parse_prior
from bayesbeam.config.noise import resolve_noise
from bayesbeam.config.places import Problems
from bayesbeam.config.prior_check import checked_prior
from bayesbeam.config.specs import CandidateSpec, Expanded, ParameterSpec, PartSpec, expand
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest
from bayesbeam.models import registry
from bayesbeam.models.base import Component, Parameter


def resolve_candidate(name: str, candidate: Candidate, problems: Problems) -> tuple[Expanded, ...]:
    """Models that a candidate stands for; empty where it has mistakes, which are noted.

    Parameters
    ----------
    name : str
        Of the candidate.
    candidate : Candidate
        As in the campaign.
    problems : Problems
        Where mistakes are noted.
    """
    before = len(problems.found)
    here: KeyPath = ("candidates", name)
    _check_part_names(candidate, problems, here)
    parts = [_part(part, problems, (*here, "parts", index)) for index, part in enumerate(candidate.parts)]
    noise = resolve_noise(candidate.noise, problems, (*here, "noise"))
    if len(problems.found) > before or noise is None:
        return ()
    spec = CandidateSpec(tuple(part for part in parts if part is not None), noise)
    if all(parameter.prior.fixed for _, parameter in spec.parameters()):
        problems.add(
            here, "no parameter that is free", "at least one", "Remove a key under fixed, or estimate the noise."
        )
        return ()
    ranges = [(i, part.count) for i, part in enumerate(candidate.parts) if isinstance(part.count, CountRange)]
    ranged = (ranges[0][0], range(ranges[0][1].low, ranges[0][1].high + 1)) if ranges else None
    return expand(name, candidate.title, spec, ranged)


def _check_part_names(candidate: Candidate, problems: Problems, here: KeyPath) -> None:
    """Names given twice, and more than one range of counts."""
    names = [part.name for part in candidate.parts]
    for index, name in enumerate(names):
        if name in names[:index]:
            remedy = "Give the parts different names."
            problems.add((*here, "parts", index, "name"), f"the name {name!r} a second time", "every name once", remedy)
    ranged = [index for index, part in enumerate(candidate.parts) if isinstance(part.count, CountRange)]
    for index in ranged[1:]:
        found = f"a second range of counts (the first is in parts[{ranged[0]}])"
        remedy = "Write the other as a number, and one candidate for each number."
        problems.add((*here, "parts", index, "count"), found, "one range in a candidate", remedy)


def _part(part: Part, problems: Problems, here: KeyPath) -> PartSpec | None:
    """Part with all priors filled in, None where its component is unknown."""
    component = _component(part, problems, here)
    if component is None:
        _check_grammar(part, problems, here)
        return None
    if part.count != 1 and not component.exchangeable:
        found, expected = f"count {part.count} of {part.component}", "one, since several cannot be told apart"
        problems.add((*here, "count"), found, expected, "Remove count.")
    known = component.parameter_names
    for section, given in (("priors", part.priors), ("fixed", part.fixed)):
        for word in (word for word in given if word not in known):
            expected = f"a parameter of {component.name}"
            problems.add((*here, section, word), f"the unknown parameter {word!r}", expected, nearest(word, known))
    for word in (word for word in part.fixed if word in part.priors):
        problems.add((*here, "fixed", word), f"{word} under fixed and under priors", "one of the two", "Remove one.")
    parameters = [_parameter(parameter, part, problems, here) for parameter in component.parameters]
    count = part.count.low if isinstance(part.count, CountRange) else part.count
    complete = tuple(parameter for parameter in parameters if parameter is not None)
    return PartSpec(part.name, part.component, part.of, part.widths, count, complete)


def _component(part: Part, problems: Problems, here: KeyPath) -> Component | None:
    """Component of a part, None where the words do not name one."""
    if part.component not in registry.names():
        remedy = nearest(part.component, registry.names())
        problems.add((*here, "component"), f"the unknown component {part.component!r}", "a known one", remedy)
        return None
    if part.component != "doublet":
        if part.of is not None:
            remedy = f"Write component: doublet, of: {part.component}, or remove of."
            problems.add((*here, "of"), f"of: {part.of} with component {part.component}", "component: doublet", remedy)
        if "widths" in part.model_fields_set:
            found = f"widths with component {part.component}"
            problems.add((*here, "widths"), found, "component: doublet", "Remove widths.")
        return registry.get(part.component)
    peaks = [component.name for component in registry.all_components() if component.exchangeable]
    peaks = [name for name in peaks if not name.startswith("doublet")]
    if part.of is None:
        remedy = f"Add of: with one of {', '.join(peaks)}."
        problems.add(here, "a doublet without of", "of: the peak that is doubled", remedy)
        return None
    if part.of not in peaks:
        remedy = nearest(part.of, peaks)
        problems.add((*here, "of"), f"{part.of!r}, which is no peak", "a peak component", remedy)
        return None
    return registry.get("doublet", of=part.of, widths=part.widths)


def _check_grammar(part: Part, problems: Problems, here: KeyPath) -> None:
    """Check at least the grammar of priors whose parameters cannot be known."""
    for word, text in part.priors.items():
        checked_prior(text, None, problems, (*here, "priors", word))


def _parameter(parameter: Parameter, part: Part, problems: Problems, here: KeyPath) -> ParameterSpec | None:
    """One parameter with its prior from the campaign or the component, None where that is a mistake."""
    name = parameter.name
    if name in part.fixed:
        value, (low, high) = part.fixed[name], parameter.support
        if not low <= value <= high:
            path = (*here, "fixed", name)
            problems.add(path, f"{name} = {value:g}", f"a value between {low:g} and {high:g}", parameter.description)
        return ParameterSpec(name, fixed(value), "campaign")
    if name not in part.priors:
        return ParameterSpec(name, parse_prior(parameter.prior), "default")
    spec: PriorSpec | None = checked_prior(part.priors[name], parameter, problems, (*here, "priors", name))
    return None if spec is None else ParameterSpec(name, spec, "campaign")
