"""Starting points of a candidate against its parts: known names, the right number of values, inside the priors.

Decides what can be known before the data are read; priors with data words are looked at when the target is built.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bayesbeam.config.places import Problems
from bayesbeam.config.specs import NOISE, CandidateSpec, ParameterSpec, StartSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest

Stated = Mapping[str, float | tuple[float, ...]]


def resolve_starts(
    starts: Sequence[Stated],
    spec: CandidateSpec,
    ranged: Mapping[str, range],
    problems: Problems,
    here: KeyPath,
) -> tuple[StartSpec, ...]:
    """Starting points as written; those with mistakes are left out, and the mistakes noted.

    Parameters
    ----------
    starts : sequence of mapping
        Values by ``part.parameter``.
    spec : CandidateSpec
        Parts and noise.
    ranged : mapping of str to range
        Counts of the parts that have a range of them.
    problems : Problems
        Where mistakes are noted.
    here : tuple of str and int
        Key of the section.
    """
    counts = {part.name: range(part.count, part.count + 1) for part in spec.parts}
    counts |= ranged
    choices = start_names(spec)
    found = []
    for index, start in enumerate(starts):
        before = len(problems.found)
        for word, value in start.items():
            _check(word, value, choices, counts, problems, (*here, index, word))
        _check_lengths(start, problems, (*here, index))
        if start and len(problems.found) == before:
            rows = sorted((choices[word][0], value) for word, value in start.items())
            found.append(StartSpec(tuple(rows)))
    return tuple(found)


def start_names(spec: CandidateSpec) -> dict[str, tuple[tuple[str, str], ParameterSpec]]:
    """Words for what a starting point may name, each with part, parameter and its prior."""
    words = {f"{part}.{one.name}": ((part, one.name), one) for part, one in spec.parameters() if not one.prior.fixed}
    # A level with a prior in units of y is a factor on a standard deviation of one, and called sigma everywhere.
    if (spec.noise.base, spec.noise.value) == ("value", 1.0) and f"{NOISE}.scale" in words:
        words[f"{NOISE}.sigma"] = words.pop(f"{NOISE}.scale")
    return words


def _check(
    word: str,
    value: float | tuple[float, ...],
    choices: Mapping[str, tuple[tuple[str, str], ParameterSpec]],
    counts: Mapping[str, range],
    problems: Problems,
    path: KeyPath,
) -> None:
    """Note an unknown name, a wrong number of values, or values outside the prior."""
    if word not in choices:
        expected = "part.parameter of a free parameter"
        problems.add(path, f"the unknown parameter {word[:60]!r}", expected, nearest(word, tuple(choices)))
        return
    (part, _), parameter = choices[word]
    count = counts.get(part, range(1, 2))
    if isinstance(value, tuple) and len(value) not in count:
        most = f"{count.start}" if len(count) == 1 else f"{count.start} to {count.stop - 1}"
        expected = f"{most}, one for each {part}" if part != NOISE else "a single number"
        problems.add(path, f"{len(value)} values of {word}", expected, "A single number serves all of them.")
    if parameter.prior.needs:
        return
    prior = parameter.prior.resolve({})
    for one in value if isinstance(value, tuple) else (value,):
        if prior.log_prob(torch.tensor(one, dtype=torch.float64)).item() == -math.inf:
            low, high = prior.support()
            expected = f"a value between {low:g} and {high:g}, where its prior {parameter.prior} is"
            problems.add(path, f"{word} = {one:g}", expected, "Correct the value or the prior.")


def _check_lengths(start: Stated, problems: Problems, path: KeyPath) -> None:
    """Note lists of different lengths for one part."""
    lengths: dict[str, Any] = {}
    for word, value in start.items():
        part = word.split(".")[0]
        if isinstance(value, tuple) and lengths.setdefault(part, (word, len(value)))[1] != len(value):
            other, length = lengths[part]
            found = f"{len(value)} values of {word} and {length} of {other}"
            problems.add(path, found, "as many of both", "A start is one point: give every list the same length.")
