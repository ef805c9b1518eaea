"""Peaks numbered by assignment against true ones: each is held against the one it resembles most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bayesbeam.report.records import Candidate, Row
from bayesbeam.report.text import known


def renumbered(one: Candidate, truth: Callable[[Row], float]) -> tuple[Row, ...]:
    """Parameters of a candidate with numbers of the true peaks.

    Parameters
    ----------
    one : Candidate
        Where its peaks are in order of position, as true ones are, nothing changes.
    truth : callable
        True value of a row, nan where none is known.

    Notes
    -----
    Numbers given by assignment follow the mean position, which may put two peaks of nearly the same position the other
    way round than their true positions are. The least sum of squared departures in standard deviations decides.
    """
    assigned = [str(part["part"]) for part in one.numbering if part.get("by") == "assignment"]
    numbers = {part: _numbers([row for row in one.parameters if _part(row) == part], truth) for part in assigned}
    return tuple(
        replace(row, index=numbers[_part(row)].get(row.index, row.index)) if _part(row) in numbers else row
        for row in one.parameters
    )


def _part(row: Row) -> str:
    """Part that a row is of."""
    return row.name.rpartition(".")[0]


def _numbers(rows: list[Row], truth: Callable[[Row], float]) -> dict[int | None, int | None]:
    """True number of each label."""
    rows = [row for row in rows if row.kind == "parameter" and row.sd and known(row.mean)]
    labels = sorted({row.index for row in rows if row.index is not None})
    cost = np.zeros((len(labels), len(labels)))
    for row in rows:
        if row.index is None or row.mean is None or not row.sd:
            continue
        true = np.array([truth(replace(row, index=label)) for label in labels])
        cost[labels.index(row.index)] += np.where(np.isfinite(true), ((true - row.mean) / row.sd) ** 2, 0.0)
    # Imported where it is used: it takes a sixth of a second, which most jobs need not spend.
    from scipy.optimize import linear_sum_assignment

    first, second = linear_sum_assignment(cost)
    return {labels[a]: labels[b] for a, b in zip(first, second, strict=True)}
