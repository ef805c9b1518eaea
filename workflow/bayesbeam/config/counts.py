"""Ranges of counts: of one part a row of models, of several a grid of them, with nothing of what is counted as none.

Needs no registry, so that jobs can be planned without loading models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import prod

from bayesbeam.config.candidate import Candidate
from bayesbeam.config.fields import CountRange
from bayesbeam.config.formula import split_name
from bayesbeam.config.places import Problems
from bayesbeam.config.specs import COMMON, CandidateSpec, Count, Expanded, PartSpec, tag_of
from bayesbeam.config.yaml_text import KeyPath

MAX_MODELS = 64


def ranges_of(candidate: Candidate) -> dict[str, range]:
    """Counts of every part that has a range of them, in the order of the parts."""
    ranged = [(part.name, part.count) for part in candidate.parts if isinstance(part.count, CountRange)]
    return {name: range(count.low, count.high + 1) for name, count in ranged}


def counts_of(candidate: Candidate) -> tuple[Count, ...]:
    """Count of every model that a candidate stands for: None, a number, or one number for each part with a range."""
    found = ranges_of(candidate)
    if not found:
        return (None,)
    if len(found) == 1:
        return tuple(next(iter(found.values())))
    return tuple(product(*found.values()))


def check_counts(candidate: Candidate, spec: CandidateSpec, problems: Problems, here: KeyPath) -> None:
    """Note grids of too many models, and counts of zero that leave nothing or take away what others are tied to."""
    found = ranges_of(candidate)
    models = prod(len(counts) for counts in found.values())
    place = {part.name: index for index, part in enumerate(candidate.parts)}
    if models > MAX_MODELS:
        words = " x ".join(f"{len(counts)} ({name})" for name, counts in found.items())
        problems.add(
            here, f"{words} = {models} models", f"at most {MAX_MODELS} in one candidate",
            "Narrow the ranges, or fix one of the counts.",
        )  # fmt: skip
    absent = {name for name, counts in found.items() if 0 in counts}
    for part in spec.parts:
        for word, formula in part.ties:
            for other in {split_name(name)[0] for name in formula.names} & absent - {part.name}:
                path = (*here, "parts", place[part.name], "tied", word)
                remedy = f"Let the count of {other} begin at 1, or put a number under {COMMON} and tie both to it."
                said = f"{word} tied to {other}, of which there may be none"
                problems.add(path, said, "a part that is there", remedy)
    if absent:
        least = _at(spec, dict.fromkeys(found, 0) | {name: min(counts) for name, counts in found.items()})
        if not least.parts:
            path = (*here, "parts", place[next(name for name in found if name in absent)], "count")
            remedy = (
                "Let it begin at 1, or add a background, {component: constant, fixed: {level: 0}} if there is none."
            )
            found_, expected = "a count of 0, which leaves no part at all", "something to describe the data with"
            problems.add(path, found_, expected, remedy)


def expand(name: str, candidate: Candidate, spec: CandidateSpec) -> tuple[Expanded, ...]:
    """Return a candidate at every count of its ranges, or as it is where it has none."""
    words, names = candidate.title or name, tuple(ranges_of(candidate))
    rows = []
    for count in counts_of(candidate):
        numbers = () if count is None else count if isinstance(count, tuple) else (count,)
        counts = dict(zip(names, numbers, strict=True))
        title = words if count is None else f"{words}, K = {count}"
        rows.append(Expanded(name, count, tag_of(name, count), title, _at(spec, counts), tuple(counts.items())))
    return tuple(rows)


def _at(spec: CandidateSpec, counts: Mapping[str, int]) -> CandidateSpec:
    """Candidate at some counts, without parts that are counted as none and what belongs to them alone."""
    everywhere = {part.name: counts.get(part.name, part.count) for part in spec.parts}
    parts = tuple(_present(spec, everywhere))
    used = {name for part in parts for _, formula in part.ties for name in formula.names}
    common = tuple(one for one in spec.common if f"{COMMON}.{one.name}" in used)
    starts = tuple(start for start in spec.starts if start.fits(everywhere))
    return replace(spec, parts=parts, starts=starts, common=common)


def _present(spec: CandidateSpec, counts: Mapping[str, int]) -> Iterator[PartSpec]:
    """Parts that are there; what is computed from the curves of others is not, where none of these is."""
    there = {name for name, count in counts.items() if count}
    for part in spec.parts:
        if part.name not in there:
            continue
        if not part.acts_on:
            yield replace(part, count=counts[part.name])
        elif there & set(part.acts_on):
            yield replace(part, count=counts[part.name], acts_on=tuple(one for one in part.acts_on if one in there))
