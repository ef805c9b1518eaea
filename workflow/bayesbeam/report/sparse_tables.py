"""Tables of candidates of which few terms are in: terms, sets, sizes and the density of states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bayesbeam.report.curves import read_states
from bayesbeam.report.records import Candidate, Results
from bayesbeam.report.table_columns import Rows


def _sparse(results: Results) -> Iterator[tuple[Candidate, Mapping[str, Any]]]:
    """Candidates with a dictionary, and what is known of it."""
    for result in results.measurements:
        for one in result.candidates:
            if one.sparse is not None:
                yield one, one.sparse


def terms(results: Results) -> Rows:
    """All terms, those that are always in included."""
    for one, facts in _sparse(results):
        always = set(facts["always"])
        for term in facts["terms"]:
            yield (
                one.measurement, one.candidate, term["term"], int(term["term"] in always), term["inclusion"],
                term["inclusion_error"], term["mean"], term["sd"],
            )  # fmt: skip


def supports(results: Results) -> Rows:
    """Most probable sets of terms."""
    for one, facts in _sparse(results):
        for rank, row in enumerate(facts["ranking"], start=1):
            names = tuple(row["terms"])
            yield (
                one.measurement, one.candidate, rank, len(names), row["free_energy"], row["probability"],
                "+".join(names),
            )  # fmt: skip


def sizes(results: Results) -> Rows:
    """Probability of each number of terms."""
    for one, facts in _sparse(results):
        for row in facts["sizes"]:
            yield (one.measurement, one.candidate, row["size"], row["prior"], row["probability"], row["error"])


def density_of_states(results: Results) -> Rows:
    """Numbers of sets of each size by their free energy; bins without any are left out."""
    for one, _ in _sparse(results):
        result = results.measurement(one.measurement)
        if result is None or result.arrays is None:
            continue
        states = read_states(result.arrays, f"{result.id}/{one.tag}")
        for size, (counts, errors) in enumerate(zip(states.counts, states.errors, strict=True)):
            for low, high, count, error in zip(states.edges[:-1], states.edges[1:], counts, errors, strict=True):
                if count > 0:
                    yield (
                        one.measurement, one.candidate, size, float(low), float(high), float(count), float(error),
                    )  # fmt: skip
