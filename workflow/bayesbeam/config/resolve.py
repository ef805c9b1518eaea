"""Candidates of a campaign against the registries: components, parameters, priors and noise all filled in.

Decides what is a mistake in one candidate; relations between candidates, sheet and groups are in ``checks``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bayesbeam.config.candidate import Candidate, Part
from bayesbeam.config.counts import check_counts, expand, ranges_of
from bayesbeam.config.dictionary import resolve_sparse
from bayesbeam.config.exposures import DARK, dark_level, with_dark
from bayesbeam.config.expression import PriorSpec, fixed
from bayesbeam.config.fields import CountRange
from bayesbeam.config.grammar import parse_prior
from bayesbeam.config.linear import resolve_linear
from bayesbeam.config.noise import resolve_noise
from bayesbeam.config.operators import Table, check_keys, read_response, resolve_acts_on
from bayesbeam.config.own import Components
from bayesbeam.config.phase_candidates import resolve_phases
from bayesbeam.config.places import Problems, shown_path
from bayesbeam.config.prior_check import checked_prior
from bayesbeam.config.regressors import as_term, check_alone
from bayesbeam.config.solve import check_solve
from bayesbeam.config.specs import CandidateSpec, Expanded, ParameterSpec, PartSpec
from bayesbeam.config.starts import resolve_starts
from bayesbeam.config.ties import check_tied, resolve_ties
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest
from bayesbeam.models.base import Component, Parameter
from bayesbeam.models.doublet import clashes
from bayesbeam.models.operators.base import Operator


def resolve_candidate(
    name: str, candidate: Candidate, problems: Problems, components: Components, whole: bool = True
) -> tuple[Expanded, ...]:
    """Models that a candidate stands for; empty where it has mistakes, which are noted.

    Parameters
    ----------
    name : str
        Of the candidate.
    candidate : Candidate
        As in the campaign.
    problems : Problems
        Where mistakes are noted.
    components : Components
        Those that it may name.
    whole : bool
        Whether nothing of it was left out because of its form; else its ties may name what is not there.
    """
    before = len(problems.found)
    here: KeyPath = ("candidates", name)
    if candidate.phases is not None:
        return resolve_phases(name, candidate, problems, here, components.folder) if whole else ()
    _check_part_names(candidate, problems, here)
    stated, candidate = candidate, with_dark(candidate, problems, here)
    places = candidate.part_places()
    parts = [_part(p, problems, (*here, *place), components) for p, place in zip(candidate.parts, places, strict=True)]
    noise = resolve_noise(candidate.noise, problems, (*here, "noise"))
    known = tuple(part for part in parts if part is not None)
    if candidate is not stated:
        known = tuple(dark_level(candidate, p, problems, here) if p.name == DARK else p for p in known)
    if len(problems.found) > before or noise is None or len(known) < len(parts) or not whole:
        return ()
    known = resolve_acts_on(candidate, known, problems, here)
    if len(problems.found) > before:
        return ()
    spec = resolve_ties(candidate, CandidateSpec(known, noise), problems, here)
    check_alone(spec, problems, here)
    if len(problems.found) > before:
        return ()
    if all(parameter.prior.fixed for _, parameter in spec.parameters()):
        problems.add(
            here, "no parameter that is free", "at least one", "Remove a key under fixed, or estimate the noise."
        )
        return ()
    spec = resolve_linear(candidate, resolve_sparse(candidate, spec, problems, here), problems, here)
    check_counts(candidate, spec, problems, here)
    if len(problems.found) > before:
        return ()
    starts = resolve_starts(candidate.starts, spec, ranges_of(candidate), problems, (*here, "starts"))
    models = expand(name, candidate, replace(spec, starts=starts, solve=candidate.solve))
    check_solve(candidate.solve, models, problems, here)
    return models


def _check_part_names(candidate: Candidate, problems: Problems, here: KeyPath) -> None:
    """Names given twice."""
    names = [part.name for part in candidate.parts]
    seen: set[str] = set()
    for place, name in zip(candidate.part_places(), names, strict=True):
        if name in seen:
            remedy = "Give the parts different names."
            path = (*here, *place, "name")
            problems.add(path, f"the name {name!r} a second time", "every name once", remedy)
        seen.add(name)


def _part(part: Part, problems: Problems, here: KeyPath, components: Components) -> PartSpec | None:
    """Part with all priors filled in, None where its component is unknown."""
    component = _component(part, problems, here, components)
    if component is None:
        _check_grammar(part, problems, here)
        return None
    component = as_term(part, component, problems, here)
    if part.count != 1 and not component.exchangeable:
        found, expected = f"count {part.count} of {part.component}", "one, since several cannot be told apart"
        none = isinstance(part.count, CountRange) and part.count.low == 0
        remedy = "Remove count, and write a second candidate without this part." if none else "Remove count."
        problems.add((*here, "count"), found, expected, remedy)
    known = component.parameter_names
    for section, given in (("priors", part.priors), ("fixed", part.fixed)):
        for word in (word for word in given if word not in known):
            expected = f"a parameter of {component.name}"
            problems.add((*here, section, word), f"the unknown parameter {word!r}", expected, nearest(word, known))
    for word in (word for word in part.fixed if word in part.priors):
        problems.add((*here, "fixed", word), f"{word} under fixed and under priors", "one of the two", "Remove one.")
    check_keys(part, component, problems, here)
    table: Table = ()
    if isinstance(component, Operator) and component.table:
        table = read_response(part, components.folder, problems, here)
    check_tied(part, known, component.order_by, problems, here)
    parameters = [_parameter(parameter, part, problems, here) for parameter in component.parameters]
    count = max(part.count.low, 1) if isinstance(part.count, CountRange) else part.count
    complete = tuple(parameter for parameter in parameters if parameter is not None)
    own = components.own.get(part.component if part.of is None else part.of)
    return PartSpec(
        part.name, part.component, part.of, part.widths, count, complete, own, table=table,
        column=part.column or "", exponent=part.exponent,
    )  # fmt: skip


def _component(part: Part, problems: Problems, here: KeyPath, components: Components) -> Component | None:
    """Component of a part, None where the words do not name one."""
    names, peaks = components.names, components.peaks
    if part.component not in names:
        _unknown(part.component, names, (*here, "component"), problems, components)
        return None
    if part.component != "doublet":
        if part.of is not None:
            remedy = f"Write component: doublet, of: {part.component}, or remove of."
            problems.add((*here, "of"), f"of: {part.of} with component {part.component}", "component: doublet", remedy)
        if "widths" in part.model_fields_set:
            found = f"widths with component {part.component}"
            problems.add((*here, "widths"), found, "component: doublet", "Remove widths.")
        return components.get(part.component)
    if part.of is None:
        remedy = f"Add of: with one of {', '.join(peaks)}."
        problems.add(here, "a doublet without of", "of: the peak that is doubled", remedy)
        return None
    if part.of in components.own and part.of not in peaks:
        remedy = f"Declare amplitude and order_by in {shown_path(components.own[part.of].path)}."
        problems.add((*here, "of"), f"{part.of!r}, which has no amplitude or no order_by", "a peak component", remedy)
        return None
    if part.of not in peaks:
        if not components.may_be_lost(part.of):
            remedy = nearest(part.of, peaks)
            problems.add((*here, "of"), f"{part.of!r}, which is no peak", "a peak component", remedy)
        return None
    twice = clashes(components.get(part.of), part.widths)
    if twice:
        found = f"a peak with {', '.join(twice)}, as a doublet names what it makes for two lines"
        problems.add((*here, "of"), found, "other names", "Rename it in the component's file.")
        return None
    return components.get(part.of, widths=part.widths)


def _unknown(word: str, names: Sequence[str], path: KeyPath, problems: Problems, components: Components) -> None:
    """Note an unknown component, unless it may be one whose own file has mistakes."""
    if components.may_be_lost(word):
        return
    expected, remedy = "a known one", nearest(word, names)
    if word.endswith(".py"):
        expected, remedy = "the name of a component", f"List the file: components: [{word}], and write its name here."
    problems.add(path, f"the unknown component {word!r}", expected, remedy)


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
