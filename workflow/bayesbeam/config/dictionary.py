"""Candidates of which few terms are in: what of the rest of a campaign goes with that, and what does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bayesbeam.config.candidate import Candidate
from bayesbeam.config.checks import Context
from bayesbeam.config.fields import CountRange
from bayesbeam.config.linear import MARGINALISE, NOISES, NORMAL
from bayesbeam.config.places import Problems
from bayesbeam.config.specs import CandidateSpec, Expanded, PartSpec, SparseSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.models.linear_in import is_linear

MOST_SETS = 20_000_000_000
"""Sets of terms that one core looks at in about an hour."""
MOST_SETS_A_LEVEL = 400_000_000
"""The same where the noise level is not known, and some fifty levels are looked at."""


def resolve_sparse(candidate: Candidate, spec: CandidateSpec, problems: Problems, here: KeyPath) -> CandidateSpec:
    """Candidate with its dictionary, where it has one; mistakes are noted."""
    sparse = candidate.sparse
    if sparse is None:
        return spec
    terms = [place[0] == "sparse" for place in candidate.part_places()]
    count, path = sum(terms), (*here, "sparse")
    if sparse.most > count:
        remedy = f"Lower most to {count}, or add terms."
        problems.add((*path, "most"), f"most: {sparse.most} of {count} terms", f"{count} at most", remedy)
    sets = sum(math.comb(count, size) for size in range(min(sparse.most, count) + 1))
    if sparse.search == "exhaustive" and sets > MOST_SETS:
        found = f"{sets:.3g} sets of up to {sparse.most} of {count} terms"
        remedy = "Write search: exchange, or lower most."
        problems.add((*path, "search"), found, f"{MOST_SETS:.0e} at most for an exhaustive search", remedy)
    if spec.noise.model == "normal_scaled" and not spec.noise.parameters[0].prior.fixed:
        _check_level(sparse.search, sets, problems, here)
    _check_rest(candidate, spec, problems, here)
    for part, place, term in zip(spec.parts, candidate.part_places(), terms, strict=True):
        _check_part(part, term, problems, (*here, *place))
    names = tuple(part.name for part, term in zip(spec.parts, terms, strict=True) if term)
    return replace(spec, sparse=SparseSpec(names, sparse.most, sparse.log_sizes(), sparse.search))


def _check_level(search: str, sets: int, problems: Problems, here: KeyPath) -> None:
    """Note what does not go with a noise level that is not known: all sets are looked at for each of many levels."""
    remedy = "State sigma, or lower most so that all sets can be looked at."
    if search == "exchange":
        problems.add((*here, "sparse", "search"), "exchange with a noise level that is not known", "sigma", remedy)
    elif sets > MOST_SETS_A_LEVEL:
        found = f"{sets:.3g} sets of terms with a noise level that is not known"
        problems.add((*here, "sparse", "most"), found, f"{MOST_SETS_A_LEVEL:.0e} sets at most", remedy)


def _check_rest(candidate: Candidate, spec: CandidateSpec, problems: Problems, here: KeyPath) -> None:
    """Note what does not go with a dictionary."""
    if spec.noise.model not in NOISES or candidate.noise.level is not None:
        found = f"{candidate.noise.family} noise" if candidate.noise.level is None else "level"
        remedy = "Write family: normal, and a prior of its level under sigma or scale where it is not known."
        problems.add((*here, "noise"), f"{found} beside sparse", "normal noise", remedy)
    for key, given in (
        ("common", candidate.common), ("derived", candidate.derived), ("starts", candidate.starts),
        ("linear", candidate.linear != "sample"),
    ):  # fmt: skip
        if given:
            problems.add((*here, key), f"{key} beside sparse", "one of the two", f"Remove {key}.")
    for i, part in enumerate(candidate.parts):
        if isinstance(part.count, CountRange) or part.count != 1 or part.tied or part.linear == MARGINALISE:
            found = f"{part.name} with a count, a tie, or linear: {MARGINALISE}, beside sparse"
            problems.add((*here, "parts", i), found, "a single part by itself", "Remove count, tied and linear.")


def _check_part(part: PartSpec, term: bool, problems: Problems, here: KeyPath) -> None:
    """Note free parameters of a part that are not linear with a normal prior, and terms without just one of these."""
    if part.acts_on:
        problems.add(here, f"{part.component} beside sparse", "parts with curves of their own", "Remove it.")
        return
    free = [one for one in part.parameters if not one.prior.fixed]
    bad = [one.name for one in free if one.prior.family != NORMAL]
    if not bad and not is_linear(part.build(), [one.name for one in free]):
        bad = [one.name for one in free if not is_linear(part.build(), [one.name])] or [one.name for one in free]
    if bad:
        found = f"{', '.join(bad)} of {part.name}, free and without a normal prior, or not a factor of the curve"
        problems.add(here, found, "a normal prior of what the curve is linear in", "Give the others under fixed.")
    elif term and len(free) != 1:
        found = f"{len(free)} free parameters of {part.name}"
        problems.add(here, found, "one, the coefficient", "Give the others under fixed.")


def check_sparse(context: Context, models: Mapping[str, Sequence[Expanded]], problems: Problems) -> None:
    """Note groups and studies of candidates with a dictionary."""
    few = {name for name, found in models.items() if any(one.spec.sparse is not None for one in found)}
    uses: list[tuple[KeyPath, str]] = []
    for i, group in enumerate(context.campaign.integration):
        named = [group.candidate] if isinstance(group.candidate, str) else list(group.candidate.values())
        uses += [(("integration", i), name) for name in named]
    uses += [(here, study.candidate) for here, study in context.campaign.simulations]
    for here, name in dict.fromkeys(uses):
        if name in few:
            found, remedy = f"{name}, a candidate with a dictionary", "Choose a candidate without sparse."
            problems.add((*here, "candidate"), found, "one with parts only", remedy)
