"""What is shown of a candidate of which few terms are in: those that may be, with their probabilities.

The record of a measurement holds all terms; draws, curves and parameters for the page only those that matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesbeam.config.specs import CandidateSpec
from bayesbeam.io.samples import Record
from bayesbeam.sparse.draws import generator_of
from bayesbeam.stages.summary import Summary, part_words

SPARSE = "sparse"
STATES = ("state_edges", "state_counts", "state_errors")
# Terms less probable are not shown among parameters, where there are so many at least and at most.
LEAST_SHOWN, FEWEST, MOST = 0.01, 12, 40


def terms_of(record: Record) -> dict[str, Any] | None:
    """What is known of the terms of a dictionary; None for a candidate without one."""
    found: dict[str, Any] | None = record.facts.get(SPARSE)
    return found


def shown_terms(facts: Mapping[str, Any]) -> frozenset[str]:
    """Names of the terms that are shown among parameters."""
    always = set(facts["always"])
    free = sorted((one for one in facts["terms"] if one["term"] not in always), key=lambda one: -one["inclusion"])
    probable = [one["term"] for one in free if one["inclusion"] >= LEAST_SHOWN]
    return frozenset(probable[:MOST]) | frozenset(one["term"] for one in free[:FEWEST])


def of_terms(spec: CandidateSpec, summary: Summary, record: Record, name: str) -> Summary:
    """Summary of a candidate with what is shown of its dictionary, and with the exact means of coefficients.

    ``name`` fixes the random numbers of the prior's draws, in which a term is as often absent as it is under the prior.
    """
    facts = terms_of(record)
    if facts is None or spec.sparse is None:
        return summary
    known = {one["term"]: one for one in facts["terms"]}
    shown = shown_terms(facts)
    terms = frozenset(spec.sparse.terms)

    def there(part: str) -> bool:
        return part not in terms or part in shown

    parts = [column["name"].split(".", 1)[0] for column in summary.columns]
    keep = [k for k, part in enumerate(parts) if there(part)]
    # Of a term only its coefficient: areas and widths that follow from it have statistics of their own.
    free = {f"{part.name}.{one.name}" for part in spec.parts for one in part.parameters if not one.prior.fixed}
    rows = []
    for k in keep:
        row, word = summary.rows[k], summary.columns[k]["name"]
        exact = known.get(parts[k] if parts[k] in terms else word) if word in free else None
        rows.append(row if exact is None else row | _exact(exact))
    prior = summary.arrays["prior_draws"][..., keep]
    chance = sum(one["size"] * one["prior"] for one in facts["sizes"]) / len(terms)
    kept = generator_of(int(record.facts["seed"]), name, "prior of terms").random(prior.shape) < chance
    # What is the same in all draws, such as a width that is fixed, is so without the term too.
    flat = prior.reshape(-1, prior.shape[-1])
    moving = np.ptp(flat, axis=0) > 1e-9 * np.abs(flat).max(axis=0)
    prior = np.where([parts[k] in terms for k in keep] & moving, np.where(kept, prior, 0.0), prior)
    # Of a peak the label has a number behind the name of its part.
    labels = [i for i, label in enumerate(summary.labels) if there(label.split(" ", 1)[0])]
    return replace(
        summary,
        columns=[summary.columns[k] for k in keep],
        rows=rows,
        arrays=summary.arrays | {"draws": summary.arrays["draws"][..., keep], "prior_draws": prior},
        members={m: one | {"components": one["components"][labels]} for m, one in summary.members.items()},
        labels=[summary.labels[i] for i in labels],
    )


def _exact(known: Mapping[str, Any]) -> dict[str, Any]:
    """Mean, spread and probability of a term as the search has them."""
    return {"mean": known["mean"], "sd": known["sd"], "inclusion": known["inclusion"]}


def words_of(spec: CandidateSpec) -> str:
    """What a candidate is made of, in words."""
    if spec.phases is not None:
        return f"up to {spec.phases.most} phases of a library"
    if spec.sparse is None:
        return part_words(spec)
    terms = frozenset(spec.sparse.terms)
    rest = part_words(replace(spec, parts=tuple(part for part in spec.parts if part.name not in terms)))
    few = f"up to {spec.sparse.most} of {len(terms)} terms"
    return f"{rest} + {few}" if rest else few
