"""Sentences on the terms of a dictionary: which are surely in, which are open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesbeam.report.records import Candidate
from bayesbeam.report.text import known, listed, plain, plus_minus, probability

SURE = 0.95
MOST_IN_A_LINE = 12


def free_terms(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Terms that may be in or not."""
    always = set(facts.get("always", ()))
    return [one for one in facts["terms"] if one["term"] not in always]


def sentence(facts: Mapping[str, Any]) -> str:
    """What was found, in words."""
    terms, sets = free_terms(facts), int(facts["sets"])
    how = "all looked at" if facts.get("search") == "exhaustive" else "sampled by exchange Monte Carlo"
    sure = [str(one["term"]) for one in terms if one["inclusion"] >= SURE]
    open_ = [str(one["term"]) for one in terms if 1.0 - SURE < one["inclusion"] < SURE]
    size = max(facts["sizes"], key=lambda row: row["probability"])
    words = f"{sets:,} sets of up to {len(facts['sizes']) - 1} of {len(terms)} terms, {how}. "
    words += f"Surely in: {listed(sure)}. " if sure else "No term is surely in. "
    if open_:
        shown = open_[:MOST_IN_A_LINE]
        rest = f" and {len(open_) - MOST_IN_A_LINE} more" if len(open_) > MOST_IN_A_LINE else ""
        words += f"Open (probability above {1.0 - SURE:.2g}): {', '.join(shown)}{rest}. "
    error = size["error"] if known(size.get("error")) and size["error"] > 0 else None
    odds = probability(size["probability"], error)
    words += f"The most probable number of terms is {size['size']}, with {odds}."
    return words + (" Counts of sets are those at the most probable noise level." if "states_at" in facts else "")


def terms_line(one: Candidate) -> list[str]:
    """Terms that are in with their coefficients, and the open ones with their probability; no line for others."""
    if one.sparse is None:
        return []
    terms = [term for term in free_terms(one.sparse) if term["inclusion"] > 1.0 - SURE]
    sure = [f"{term['term']} {plus_minus(term['mean'], term['sd'])}" for term in terms if term["inclusion"] >= SURE]
    maybe = [f"{term['term']} ({plain(term['inclusion'], 2)})" for term in terms if term["inclusion"] < SURE]
    if len(terms) > MOST_IN_A_LINE:
        return [f"{len(sure)} terms are surely in, {len(maybe)} are open: see the parameters"]
    lines = [f"in: {listed(sure)}"] if sure else ["no term is surely in"]
    return lines + ([f"open, with their probability: {listed(maybe)}"] if maybe else [])
