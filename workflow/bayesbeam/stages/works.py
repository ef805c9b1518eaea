"""The jobs of a campaign by the words of their rules, with what each works on and waits for.

Decides nothing: it says in Python what ``workflow/rules`` say, so that the list of a dry run can be understood.
"""

from __future__ import annotations

from bayesbeam.stages.cost import Work
from bayesbeam.stages.plan import named
from bayesbeam.stages.rulebook import Rulebook

REPORT = "write the report"


def works_of(book: Rulebook) -> dict[str, Work]:
    """Jobs that treat, sample and summarise measurements, and the report, by their words; others have no work here."""
    found: list[Work] = []
    last = []
    for batch, ids in book.batches.items():
        treated = [f"preprocess batch {batch}"] if book.chunked else [f"preprocess {identifier}" for identifier in ids]
        found += [Work(name, "preprocess", "", len(ids) if book.chunked else 1) for name in treated]
        draws = []
        for tag, members in book.tags[batch].items():
            waits = treated if book.chunked else [f"preprocess {identifier}" for identifier in members]
            draws.append(f"sample {tag} for {named(members)}")
            memory = book.sample_mb(tag, members)
            found.append(Work(draws[-1], "sample", tag, len(members), 1, tuple(waits), memory))
        last.append(f"free energies of {named(ids)}")
        candidates = len(book.tags[batch])
        found.append(Work(last[-1], "free_energy", "", len(ids), candidates, (*treated, *draws)))
    found.append(Work(REPORT, "report", "", len(book.campaign.sheet), 1, tuple(last)))
    return {work.name: work for work in found}
