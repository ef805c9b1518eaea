"""Tables of searches for phases: phases, sets of them, lines of none of them, and what was left out of the library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bayesbeam.report.records import Candidate, Results
from bayesbeam.report.table_columns import Rows

_SPREAD = ("mean", "sd", "q025", "median", "q975")


def has_phases(results: Results) -> bool:
    """Whether any candidate was searched for phases."""
    return any(True for _ in _searched(results))


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
                row["probability_half"], row["probability_double"], row["kind"], row["family"], row["lines_seen"],
                row["lines_in_range"], row["worth"], *((row.get("share") or {}).get(word) for word in _SPREAD),
                *((row.get("weight_fraction") or {}).get(word) for word in (*_SPREAD, "sd_fit")), cell,
            )  # fmt: skip


def phase_sets(results: Results) -> Rows:
    """Most probable sets; free energies from the best one on."""
    for one, facts in _searched(results):
        for rank, row in enumerate(facts["sets"], start=1):
            names = tuple(row["phases"])
            yield (
                one.measurement, one.candidate, rank, len(names), row["free_energy"], row["probability"],
                "+".join(names),
            )  # fmt: skip


def unexplained_lines(results: Results) -> Rows:
    """Lines that no phase explains."""
    for one, facts in _searched(results):
        for line in facts["unknown"]["lines"]:
            yield one.measurement, one.candidate, line["two_theta"], line["d"], line["z"]


def library(results: Results) -> Rows:
    """Structures that were left out, for a reason, for their elements, or as copies of others."""
    for one, facts in _searched(results):
        told = facts["library"]
        for row in told["skipped"]:
            yield one.measurement, one.candidate, row["file"], "broken", row["reason"]
        for row in told["copies"]:
            yield one.measurement, one.candidate, row["copy"], "copy", f"the same structure as {row['kept']}"
        for name in told["outside"]:
            yield one.measurement, one.candidate, name, "elements", "has elements that may not be there"
