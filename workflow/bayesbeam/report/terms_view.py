"""What the page shows of a dictionary of terms: which are in, the most probable sets, and the density of states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayesbeam.report.curves import read_states
from bayesbeam.report.figures.terms import states_figure, terms_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.records import Candidate, MeasurementResult
from bayesbeam.report.terms_words import free_terms, sentence
from bayesbeam.report.text import nats, probability
from bayesbeam.report.view import Cell, Table
from bayesbeam.report.wording import candidate_label

# Sets in the table of the page; tables/supports.csv has the rest.
MOST_SETS = 10


@dataclass(frozen=True)
class TermsView:
    """Everything the page shows of the terms of one candidate."""

    sentence: str
    terms: Shown | None
    states: Shown | None
    table: Table


def terms_view(result: MeasurementResult, one: Candidate, gallery: Gallery) -> TermsView | None:
    """View of the terms of a candidate; None where it has no dictionary."""
    facts = one.sparse
    if facts is None or result.arrays is None or not facts.get("ranking"):
        return None
    name, label = f"{result.id}+{one.tag}", candidate_label(one, result.candidates)
    states = read_states(result.arrays, f"{result.id}/{one.tag}")
    best = min(float(row["free_energy"]) for row in facts["ranking"])
    return TermsView(
        sentence(facts),
        gallery.add(f"{name}+terms", terms_figure(free_terms(facts)), f"{result.name}: terms that are in, {label}"),
        gallery.add(f"{name}+states", states_figure(states, best), f"{result.name}: density of states, {label}"),
        _table(facts),
    )


def _table(facts: Mapping[str, Any]) -> Table:
    """Most probable sets."""
    inclusion = {one["term"]: one for one in facts["terms"]}
    best = min(float(row["free_energy"]) for row in facts["ranking"])
    rows = []
    for rank, row in enumerate(facts["ranking"][:MOST_SETS], start=1):
        terms = [str(term) for term in row["terms"]]
        least = min((inclusion[term]["inclusion"] for term in terms), default=None)
        rows.append(
            (
                Cell(str(rank)),
                Cell(", ".join(terms) or "none", "words"),
                Cell(str(len(terms))),
                Cell(probability(row["probability"])),
                Cell(nats(row["free_energy"])),
                Cell("0" if row["free_energy"] == best else nats(row["free_energy"] - best)),
                Cell(probability(least) if least is not None else "", "number"),
            )
        )
    heads = ("rank", "terms", "number", "probability", "F (nats)", "ΔF", "least probable of its terms")
    return Table(heads, tuple(rows), frozenset({0}))
