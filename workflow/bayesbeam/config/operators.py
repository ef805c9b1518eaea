"""Backgrounds of peaks and responses of instruments in a candidate: what they act on, and the file of a response.

Decides what is a mistake in these alone; whether they fit the data is seen when a target is built.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from bayesbeam.config.candidate import Candidate, Part
from bayesbeam.config.grammar import parse_prior
from bayesbeam.config.places import Problems, shown_path
from bayesbeam.config.specs import PartSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest
from bayesbeam.models.base import Component
from bayesbeam.models.doublet import is_peak
from bayesbeam.models.operators.base import Operator

Table = tuple[tuple[float, float], ...]
MOST_POINTS, MOST_BYTES = 400, 1 << 20
_FORM = "two columns of numbers: difference of place, and signal"


def check_keys(part: Part, component: Component, problems: Problems, here: KeyPath) -> None:
    """Note keys of operators where they mean nothing, and a width that is none."""
    if not isinstance(component, Operator):
        for key, given in (("acts_on", part.acts_on), ("file", part.file)):
            if given:
                problems.add((*here, key), f"{key} with component {part.component}", f"no {key}", "Remove it.")
        return
    if part.file and not component.table:
        problems.add((*here, "file"), f"file with component {part.component}", "no file", "Remove it.")
    for word in component.widths:
        if part.fixed.get(word) == 0.0:
            found, remedy = f"{word} = 0, a response that changes nothing", "Remove the part, or give it a width."
            problems.add((*here, "fixed", word), found, "a number above 0", remedy)


def read_response(part: Part, folder: Path, problems: Problems, here: KeyPath) -> Table:
    """Points of a measured response in the order of their places; empty where there are mistakes, which are noted."""
    path = (*here, "file")
    if part.file is None:
        problems.add(here, "a measured_response without file", f"file: a text file, {_FORM}", "Add file:.")
        return ()
    file = folder / part.file
    where = shown_path(file)
    expected = "a text file, relative to the campaign's folder or absolute"
    try:
        # Devices and pipes have no end.
        if not file.is_file():
            problems.add(path, f"{where}, which is no file", expected, "Correct the name.")
            return ()
        if file.stat().st_size > MOST_BYTES:
            problems.add(path, f"{where} of {file.stat().st_size} bytes", f"at most {MOST_BYTES}", "Cut it.")
            return ()
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = "which is no text" if isinstance(error, UnicodeDecodeError) else "which cannot be read"
        problems.add(path, f"{where}, {reason}", expected, "Correct the name or the file.")
        return ()
    points: list[tuple[float, float]] = []
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].replace(",", " ").replace(";", " ").split()
        if not words:
            continue
        point = _numbers(words)
        if point is None:
            problems.add(path, f"{where}: line {number}: {line[:60]!r}", _FORM, "Begin lines of words with #.")
            return ()
        points.append(point)
    return _checked(sorted(points), where, problems, path)


def _numbers(words: Sequence[str]) -> tuple[float, float] | None:
    """Two finite numbers, None where they are not."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    return (values[0], values[1]) if len(values) == 2 and all(math.isfinite(v) for v in values) else None


def _checked(points: list[tuple[float, float]], where: str, problems: Problems, path: KeyPath) -> Table:
    """Points of a response, none where they are not those of one."""
    before = len(problems.found)
    if not 3 <= len(points) <= MOST_POINTS:
        remedy = "Measure it finer, or give a gaussian_response a width." if len(points) < 3 else "Thin it out."
        problems.add(path, f"{where} with {len(points)} points", f"3 to {MOST_POINTS}", remedy)
        return ()
    twice = [a[0] for a, b in pairwise(points) if a[0] == b[0]]
    if twice:
        problems.add(path, f"{where}: the place {twice[0]:g} twice", "every place once", "Remove one of the lines.")
    lowest = min(points, key=lambda point: point[1])
    if lowest[1] < 0.0:
        found, remedy = (
            f"{where}: {lowest[1]:g} at {lowest[0]:g}",
            "Take its background off, and set to 0 what is noise.",
        )
        problems.add(path, found, "a signal of at least 0", remedy)
    if all(value == 0.0 for _, value in points):
        problems.add(path, f"{where}, which is 0 throughout", "a signal", "Put the response of the instrument there.")
    return tuple(points) if len(problems.found) == before else ()


def resolve_acts_on(
    candidate: Candidate, parts: Sequence[PartSpec], problems: Problems, here: KeyPath
) -> tuple[PartSpec, ...]:
    """Parts with what every operator acts on filled in.

    Parameters
    ----------
    candidate : Candidate
        As in the campaign.
    parts : sequence of PartSpec
        Its parts, in the order of the campaign.
    problems : Problems
        Where mistakes are noted.
    here : tuple of str and int
        Key of the candidate.
    """
    components = {part.name: part.build() for part in parts}
    plain = [name for name, component in components.items() if not isinstance(component, Operator)]
    found, taken = [], dict[str, str]()
    for index, (stated, part) in enumerate(zip(candidate.parts, parts, strict=True)):
        component, path = components[part.name], (*here, "parts", index)
        if not isinstance(component, Operator):
            found.append(part)
            continue
        names = _named(stated, plain, problems, path) if stated.acts_on else _usual(component, components, plain)
        if not names and not stated.acts_on:
            what = "peak" if component.on == "peaks" else "part with a place of its own on the axis"
            remedy = f"Add what it acts on, or name it: acts_on: [{plain[0] if plain else 'peaks'}]."
            problems.add(path, f"{part.component}, but no {what} in the candidate", "something to act on", remedy)
        for name in names if not component.adds else ():
            if name in taken:
                expected = "one response for each part"
                problems.add(path, f"{part.name} acting on {name}, as {taken[name]} does", expected, "Remove one.")
            taken[name] = part.name
        found.append(replace(part, acts_on=names))
    return tuple(found)


def _named(part: Part, plain: Sequence[str], problems: Problems, here: KeyPath) -> tuple[str, ...]:
    """Parts that the campaign names."""
    for position, name in enumerate(part.acts_on):
        if name not in plain:
            path, remedy = (*here, "acts_on", position), nearest(name, plain)
            problems.add(path, f"{name!r}, which is none", "a part that is no background or response itself", remedy)
    return tuple(name for name in plain if name in part.acts_on)


def _usual(component: Operator, components: dict[str, Component], plain: Sequence[str]) -> tuple[str, ...]:
    """Parts it acts on where the campaign does not say."""
    if component.on == "peaks":
        return tuple(name for name in plain if is_peak(components[name]))
    return tuple(name for name in plain if _is_placed(components[name]))


def _is_placed(component: Component) -> bool:
    """Whether it has a place of its own; the pivot of a background, or the ends of a spline, are the axis'."""
    places = [one for one in component.parameters if one.name in component.locations]
    return any(not parse_prior(one.prior).fixed for one in places)


__all__ = ["Table", "check_keys", "read_response", "resolve_acts_on"]
