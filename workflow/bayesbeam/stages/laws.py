"""Laws of quantities along series: which one each of those follows of which a campaign asks it.

Values are those that the report follows, from the free energies of all measurements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bayesbeam.errors import BayesbeamError
from bayesbeam.io.results import write_result
from bayesbeam.kinetics import FEWEST, kinetics_of
from bayesbeam.report.loading import load_results
from bayesbeam.report.records import Followed, Results
from bayesbeam.report.series_data import Series, Trend, all_series
from bayesbeam.sparse.draws import generator_of
from bayesbeam.stages.free_energy import FORMAT
from bayesbeam.stages.report import facts_of

if TYPE_CHECKING:
    from bayesbeam.config.outline import CampaignOutline


def write_laws(campaign: CampaignOutline, results: Path, out: Path) -> None:
    """Write the laws of all quantities of which they are asked.

    Parameters
    ----------
    campaign : CampaignOutline
        One that has studies must have been loaded with its models.
    results : Path
        Folder of the campaign's results, with free energies of all measurements.
    out : Path
        JSON file: a list ``laws``, see ``laws_along``.

    Raises
    ------
    StoreError
        If a result file is damaged.
    """
    torch.set_num_threads(1)
    facts = facts_of(campaign)
    # Laws that are there already are of results before these.
    found = load_results(replace(facts, series=()), results)
    seed = campaign.campaign.sampling.seed
    told = [row for one in facts.series if one.laws for row in laws_along(replace(found, facts=facts), one, seed)]
    write_result(out, {"format": FORMAT, "laws": told})


def laws_along(results: Results, asked: Followed, seed: int) -> list[dict[str, Any]]:
    """Laws of one quantity, a record for each model and peak.

    Returns
    -------
    list of dict
        ``column``, ``study``, ``tag``, ``parameter``, ``index``, ``unit``, ``points``; ``laws``, the most probable
        first, each with its free energy (nats), standard error, probability and parameters (mean and standard
        deviation by name); and ``reason`` where there are none.
    """
    alone = replace(results, facts=replace(results.facts, series=(asked,)))
    return [_of_trend(series, trend, asked, seed) for series in all_series(alone) for trend in series.trends]


def _of_trend(series: Series, trend: Trend, asked: Followed, seed: int) -> dict[str, Any]:
    """Laws of one quantity of one model, by its reliable points."""
    row = trend[0].row
    points = [point for point in trend if point.reliable and point.row.sd and np.isfinite(point.mean)]
    told: dict[str, Any] = {
        "column": series.column, "study": series.study, "tag": series.tag, "parameter": row.name, "index": row.index,
        "unit": row.unit, "points": len(points), "laws": [], "reason": "",
    }  # fmt: skip
    if len({point.x for point in points}) < FEWEST:
        return told | {"reason": f"{len(points)} reliable points, and {FEWEST} are needed"}
    numbers = np.array([(point.x, point.mean, point.row.sd) for point in points], dtype=np.float64)
    name = f"{series.column}/{series.study}/{series.tag}/{row.name}/{row.index or 1}"
    number = int(generator_of(seed, name, "laws").integers(1 << 31))
    try:
        found = kinetics_of(*numbers.T, seed=number, laws=asked.laws, start=asked.start, scaled=True)
    except BayesbeamError as problem:
        return told | {"reason": str(problem).splitlines()[0]}
    laws = [
        {
            "name": law.name, "free_energy": law.free_energy, "standard_error": law.standard_error,
            "probability": float(share), "parameters": {word: list(pair) for word, pair in law.parameters.items()},
        }
        for law, share in zip(found.laws, found.probability, strict=True)
    ]  # fmt: skip
    return told | {"laws": laws}


__all__: Sequence[str] = ("laws_along", "write_laws")
