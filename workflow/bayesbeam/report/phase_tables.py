"""Tables of searches for phases: phases, sets of them, lines of none of them, and what was left out of the library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bayesbeam.report.curves import read_pattern
from bayesbeam.report.records import Candidate, Results
from bayesbeam.report.table_columns import Rows
from bayesbeam.report.weighed import weighed_of

_SPREAD = ("mean", "sd", "q025", "median", "q975")


def empty_ones(results: Results) -> set[str]:
    """Tables that have no row for want of searches, or of what was weighed."""
    if not any(True for _ in _searched(results)):
        return set(MAKERS)
    return set() if any(True for _ in weighed(results)) else {"weighed"}


def _searched(results: Results) -> Iterator[tuple[Candidate, Mapping[str, Any]]]:
    """Candidates with phases, and what is known of them."""
    for result in results.measurements:
        for one in result.candidates:
            if one.phases is not None:
                yield one, one.phases


def phases(results: Results) -> Rows:
    """All phases that are told of, the most probable first; fractions and shares from 0 to 1."""
    for one, facts in _searched(results):
        for row in facts["phases"]:
            cell = " ".join(f"{edge['edge']}={edge['value']:.6g}({edge['sd']:.2g})" for edge in row.get("cell") or ())
            yield (
                one.measurement, one.candidate, row["name"], row["formula"], row["space_group"], row["probability"],
                *(row.get(f"probability_{word}") for word in ("half", "double", "estimated")), row["kind"],
                row["family"], row["lines_seen"], row["lines_in_range"], row["worth"],
                *((row.get("share") or {}).get(word) for word in _SPREAD),
                *((row.get("weight_fraction") or {}).get(word) for word in (*_SPREAD, "sd_fit")), cell,
            )  # fmt: skip


def phase_sets(results: Results) -> Rows:
    """Most probable sets; free energies from the best one on, with what they are off by where that was looked at."""
    for one, facts in _searched(results):
        for rank, row in enumerate(facts["sets"], start=1):
            names = tuple(row["phases"])
            yield (
                one.measurement, one.candidate, rank, len(names), row["free_energy"], row["error"],
                row["probability"], "+".join(names),
            )  # fmt: skip


def unexplained_lines(results: Results) -> Rows:
    """Lines that no phase explains."""
    for one, facts in _searched(results):
        for line in facts["unknown"]["lines"]:
            yield one.measurement, one.candidate, line["two_theta"], line["d"], line["z"]


def library(results: Results) -> Rows:
    """Structures that were left out, for a reason, for their elements, or as copies, and those that were put right."""
    for one, facts in _searched(results):
        told = facts["library"]
        for row in told["skipped"]:
            yield one.measurement, one.candidate, row["file"], "broken", row["reason"]
        for row in told["copies"]:
            yield one.measurement, one.candidate, row["copy"], "copy", f"the same structure as {row['kept']}"
        for row in told.get("notes") or ():
            yield one.measurement, one.candidate, row["structure"], "put right", row["note"]
        for name in told["outside"]:
            yield one.measurement, one.candidate, name, "elements", "has elements that may not be there"


def phase_lines(results: Results) -> Rows:
    """Places of the lines of the phases of each best set, at the first wavelength."""
    for one, facts in _searched(results):
        result = results.measurement(one.measurement)
        if result is None or result.arrays is None:
            continue
        pattern = read_pattern(result.arrays, f"{result.id}/{one.tag}")
        for place, owner, plane in zip(pattern.ticks, pattern.owner, pattern.planes, strict=True):
            yield one.measurement, one.candidate, facts["best"][owner], *map(int, plane), float(place)


def weighed(results: Results) -> Rows:
    """What was weighed in and what was found of it, per cent of the mass."""
    for one, facts in _searched(results):
        result = results.measurement(one.measurement)
        for row in weighed_of(result, facts) if result is not None else ():
            found = (row.among, row.mean, *row.interval) if row.found else (None,) * 4
            yield one.measurement, one.candidate, row.label, row.weighed, *found, "+".join(row.phases), row.by


MAKERS: Mapping[str, Callable[[Results], Rows]] = {
    "phases": phases,
    "phase_sets": phase_sets,
    "phase_lines": phase_lines,
    "weighed": weighed,
    "unexplained_lines": unexplained_lines,
    "library": library,
}
