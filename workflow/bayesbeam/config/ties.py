"""Ties, common numbers and derived quantities of a candidate against its parts.

Decides what may be named where: a tie follows from free or fixed parameters in the end, never from itself, and never
from one of several exchangeable peaks; a derived quantity may name whatever has a posterior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bayesbeam.config.candidate import Candidate, Part
from bayesbeam.config.fields import CountRange
from bayesbeam.config.formula import FormulaSpec, formula_or_note, split_name
from bayesbeam.config.places import Problems
from bayesbeam.config.prior_check import checked_prior
from bayesbeam.config.specs import COMMON, NOISE, CandidateSpec, CommonSpec, DerivedSpec, PartSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest
from bayesbeam.models.base import REAL, Parameter

Places = dict[str, KeyPath]


@dataclass(frozen=True)
class _Names:
    """What formulas of a candidate may name."""

    parameters: frozenset[str]
    quantities: frozenset[str]
    counts: Mapping[str, int]
    common: frozenset[str]

    @property
    def parts(self) -> tuple[str, ...]:
        """Words before the point."""
        return tuple(dict.fromkeys(name.split(".")[0] for name in sorted(self.parameters | self.common)))


def resolve_ties(candidate: Candidate, spec: CandidateSpec, problems: Problems, here: KeyPath) -> CandidateSpec:
    """Candidate with its ties, common numbers and derived quantities; those with mistakes are left out and noted.

    Parameters
    ----------
    candidate : Candidate
        As in the campaign.
    spec : CandidateSpec
        Its parts without ties, in the order of the campaign.
    problems : Problems
        Where mistakes are noted.
    here : tuple of str and int
        Key of the candidate.
    """
    names = _names(candidate, spec)
    ties, places = _parsed_ties(candidate, names, problems, here)
    whole = {name: found for name in ties if (found := _followed(name, ties, places, problems)) is not None}
    parts = tuple(_with_ties(part, whole) for part in spec.parts)
    common = [_common(word, candidate, problems, (*here, COMMON, word)) for word in candidate.common]
    used = {name for formula in ties.values() for name in formula.names}
    for word in candidate.common:
        if f"{COMMON}.{word}" not in used:
            remedy = "Name it under tied of a part, or remove it."
            problems.add(
                (*here, COMMON, word), f"{COMMON}.{word}, which nothing is tied to", "a tie that names it", remedy
            )
    derived = tuple(one for word in candidate.derived if (one := _derived(word, candidate, names, problems, here)))
    return replace(spec, parts=parts, common=tuple(one for one in common if one is not None), derived=derived)


def _names(candidate: Candidate, spec: CandidateSpec) -> _Names:
    """Names of all parameters and quantities."""
    parameters, quantities, counts = set[str](), set[str](), dict[str, int]()
    for stated, part in zip(candidate.parts, spec.parts, strict=True):
        component = part.build()
        parameters |= {f"{part.name}.{name}" for name in component.parameter_names}
        quantities |= {f"{part.name}.{quantity.name}" for quantity in component.derived}
        counts[part.name] = stated.count.high if isinstance(stated.count, CountRange) else part.count
        if counts[part.name] > 1 and any(quantity.name == "area" for quantity in component.derived):
            quantities.add(f"{part.name}.area_fraction")
    quantities |= {f"{NOISE}.{parameter.name}" for parameter in spec.noise.parameters}
    common = frozenset(f"{COMMON}.{word}" for word in candidate.common)
    return _Names(frozenset(parameters), frozenset(quantities), counts, common)


def _parsed_ties(
    candidate: Candidate, names: _Names, problems: Problems, here: KeyPath
) -> tuple[dict[str, FormulaSpec], Places]:
    """Formulas of all ties by the name of what is tied, and where they stand."""
    ties, places = dict[str, FormulaSpec](), Places()
    for index, part in enumerate(candidate.parts):
        for word, text in part.tied.items():
            path, name = (*here, "parts", index, "tied", word), f"{part.name}.{word}"
            if name not in names.parameters:
                continue
            formula = formula_or_note(text, problems, path)
            if formula is not None and _may_name(part, formula, names, problems, path):
                ties[name], places[name] = formula, path
    return ties, places


def _may_name(part: Part, formula: FormulaSpec, names: _Names, problems: Problems, path: KeyPath) -> bool:
    """Whether all that a tie names is there and means one number."""
    if not formula.names:
        problems.add(path, "no parameter in the formula", "at least one", f"Write it under fixed: {formula}.")
        return False
    before = len(problems.found)
    for name in formula.names:
        owner, number, _ = split_name(name)
        if name in names.common:
            continue
        if owner == NOISE:
            problems.add(path, f"{name}, of the noise", "a parameter of a part", "Noise has no part in the curve.")
        elif number is not None:
            found = f"{name}, one of several that cannot be told apart"
            problems.add(path, found, "a parameter of a part without a count", "Make it a part of its own.")
        elif name in names.quantities:
            problems.add(path, f"{name}, which is no parameter", "a parameter", "Write it out with parameters.")
        elif name not in names.parameters:
            _unknown(name, names, problems, path)
        elif owner != part.name and names.counts[owner] > 1:
            found = f"{name}, of which there are up to {names.counts[owner]}"
            remedy = f"Put a number under {COMMON}: and tie both to it."
            problems.add(path, found, "a parameter of a part without a count", remedy)
    return len(problems.found) == before


def _unknown(name: str, names: _Names, problems: Problems, path: KeyPath) -> None:
    """Note a name that is nowhere, with the nearest."""
    part, _, word = split_name(name)
    if part not in names.parts:
        expected = "a part of this candidate" + (f", or {COMMON}" if names.common else "")
        problems.add(path, f"{name}, but there is no part {part!r}", expected, nearest(part, names.parts))
        return
    own = sorted(
        n.split(".")[1] for n in names.parameters | names.quantities | names.common if n.startswith(f"{part}.")
    )
    problems.add(path, f"{name}, which {part} does not have", f"one of {', '.join(own)}", nearest(word, own))


def _followed(name: str, ties: Mapping[str, FormulaSpec], places: Places, problems: Problems) -> FormulaSpec | None:
    """Formula of a tie in which nothing is tied, None where it leads back to itself, which is noted once a circle."""
    formula = ties[name]
    while True:
        tied = [other for other in formula.names if other in ties]
        if not tied:
            return formula
        circle = _circle(name, ties)
        if circle:
            # Of a circle the first in the order of the campaign speaks for all.
            if name == next(one for one in ties if one in circle):
                chain = " -> ".join((*circle, circle[0]))
                remedy = "Give one of them a prior instead."
                problems.add(places[name], f"a tie that leads back to itself: {chain}", "an end to it", remedy)
            return None
        formula = formula.put({other: ties[other] for other in tied})


def _circle(name: str, ties: Mapping[str, FormulaSpec]) -> list[str]:
    """Ties from one to itself or to a circle farther on, empty where there is none."""

    def walk(at: str, trail: tuple[str, ...]) -> list[str]:
        if at in trail:
            return list(trail[trail.index(at) :])
        for other in ties[at].names:
            if other in ties and (found := walk(other, (*trail, at))):
                return found
        return []

    return walk(name, ())


def _with_ties(part: PartSpec, whole: Mapping[str, FormulaSpec]) -> PartSpec:
    """Part whose tied parameters have formulas and no priors."""
    ties = {p.name: whole[name] for p in part.parameters if (name := f"{part.name}.{p.name}") in whole}
    free = tuple(parameter for parameter in part.parameters if parameter.name not in ties)
    return replace(part, parameters=free, ties=tuple(ties.items()))


def check_tied(part: Part, known: Sequence[str], order_by: str | None, problems: Problems, here: KeyPath) -> None:
    """Note parameters under tied that are unknown, stand elsewhere too, or order several peaks."""
    for word in part.tied:
        path = (*here, "tied", word)
        if word not in known:
            expected = f"a parameter of {part.component}"
            problems.add(path, f"the unknown parameter {word!r}", expected, nearest(word, known))
        for section, given in (("priors", part.priors), ("fixed", part.fixed)):
            if word in given:
                problems.add(path, f"{word} under tied and under {section}", "one of the two", "Remove one.")
        if word == order_by and part.count != 1:
            found = f"a tie of the {word} of several peaks, which would lie on one another"
            problems.add(path, found, f"free {word}s", "Remove it, or make them parts of their own.")


def _common(word: str, candidate: Candidate, problems: Problems, path: KeyPath) -> CommonSpec | None:
    """Common number with its prior."""
    stated = candidate.common[word]
    parameter = Parameter(word, stated.unit, stated.prior, REAL, f"common {word}")
    prior = checked_prior(stated.prior, parameter, problems, (*path, "prior"))
    return None if prior is None else CommonSpec(word, prior, "campaign", stated.unit)


def _derived(word: str, candidate: Candidate, names: _Names, problems: Problems, here: KeyPath) -> DerivedSpec | None:
    """Derived quantity, None where it is a mistake."""
    path = (*here, "derived", word, "formula")
    formula = formula_or_note(candidate.derived[word].formula, problems, path)
    if formula is None:
        return None
    before = len(problems.found)
    for name in formula.names:
        part, number, parameter = split_name(name)
        plain, count = f"{part}.{parameter}", names.counts.get(part, 1)
        if plain in names.common:
            continue
        if plain not in names.parameters | names.quantities:
            _unknown(name, names, problems, path)
        elif count > 1 and number is None:
            found, remedy = (
                f"{name}, of which there are up to {count}",
                f"Say which, by position: {part}[1].{parameter}.",
            )
            problems.add(path, found, "one of them", remedy)
        elif number is not None and not 1 <= number <= count:
            problems.add(path, f"{name}, but there are {count} at most", f"a number from 1 to {count}", "")
    if len(problems.found) > before:
        return None
    return DerivedSpec(word, formula, candidate.derived[word].unit)


__all__ = ["check_tied", "resolve_ties"]
