"""The comparison of a group whose measurements were not sampled together, from multiplied posteriors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from bayesbeam.integration.decide import decide, decision_words
from bayesbeam.io.samples import Record
from bayesbeam.stages.free_energy import finite
from bayesbeam.stages.pack import program_versions
from bayesbeam.stages.sharings import NOT_RELIABLE, RELIABLE, Found

ENGINE = "posteriors multiplied"


def multiplied_rows(
    found: Found, separate: Callable[[str, str], Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, Record]]:
    """Row of the comparison, and draws of the shared parameters; nothing where posteriors could not be multiplied.

    Parameters
    ----------
    separate : callable
        Free energy of a measurement by itself, by its name and a tag.
    """
    whole = found.records.get("whole")
    if whole is None:
        return [], {}
    tag, members = str(found.facts["tag"]), list(found.facts["members"])
    gain = found.multiplied[tuple(range(len(members)))]
    alone = [separate(name, tag) for name in members]
    total = float(sum(one["free_energy"] for one in alone))
    spread = float(np.sqrt(sum(one["standard_error"] ** 2 for one in alone)))
    # What the free energies alone are off by, that of the whole is off by too: the gain has the error of the product.
    decision = decide(total - gain.value, gain.standard_error, [total], [0.0])
    reasons = [f"{one['measurement']} alone: {reason}" for one in alone for reason in one["reasons"]]
    reasons += [gain.doubt] if gain.doubt else []
    reliable = not reasons
    row = {
        "tag": tag,
        "count": alone[0]["count"],
        "members": members,
        "free_energy": total - gain.value,
        **asdict(decision),
        "separate_standard_error": spread,
        "standard_error": float(np.hypot(spread, gain.standard_error)),
        "decision": decision_words(decision, reliable),
        "predictive_p": {},
        "checks": {},
        "numbering": [],
        "parameters": [finite(one) for one in whole.facts["rows"]],
        "verdict": RELIABLE if reliable else NOT_RELIABLE,
        "reasons": reasons,
        **dict.fromkeys(("cpu_seconds", "wall_seconds", "likelihood_rows", "peak_memory_mb"), 0.0),
        **{name: alone[0][name] for name in ("device", "seed")},
        "engine": ENGINE,
        "key": "",
        "versions": program_versions(),
    }
    arrays = Record(whole.arrays, {name: whole.facts[name] for name in ("columns", "labels")})
    return [row], {tag: arrays}
