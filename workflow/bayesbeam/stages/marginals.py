"""How many of each kind: probabilities of the counts of a grid, one part at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesbeam.evidence.model_posterior import redrawn_probabilities


def marginals(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Probability of each count of each part of candidates with several ranges, and its error from those of F.

    Parameters
    ----------
    records :
        Of all candidates of one measurement.

    Notes
    -----
    Given the candidate: its models are compared among themselves, all equally probable beforehand.
    """
    rows = []
    for candidate in dict.fromkeys(one["candidate"] for one in records if len(one["counts"]) > 1):
        models = [one for one in records if one["candidate"] == candidate]
        probability, moved = redrawn_probabilities(
            np.array([one["free_energy"] for one in models]), np.array([one["standard_error"] for one in models])
        )
        for part in models[0]["counts"]:
            for count in sorted({one["counts"][part] for one in models}):
                has = np.array([one["counts"][part] == count for one in models])
                error = np.sqrt(np.mean(moved[:, has].sum(1) ** 2))
                rows.append(
                    {
                        "measurement": models[0]["measurement"], "candidate": candidate, "part": part, "count": count,
                        "probability": float(probability[has].sum()), "error": float(error),
                    }
                )  # fmt: skip
    return rows
