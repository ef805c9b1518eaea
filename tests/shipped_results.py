"""Results of a shipped campaign, computed by plain calls, for the tests of measured spectra."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bayesbeam.config.load import load_campaign
from bayesbeam.stages.splitting import write_splitting
from stage_fixture import Lab

Row = dict[str, Any]


@dataclass(frozen=True)
class Shipped:
    """Separate results by measurement and tag, those of groups by name, the sheet, where to measure next, and edges.

    Of questions about edges along a series, by name.
    """

    records: dict[tuple[str, str], Row]
    groups: dict[str, Row]
    metadata: dict[str, dict[str, str | float]]
    advised: dict[str, Row]
    edges: dict[str, Row]

    def best(self, measurement: str) -> Row:
        """Record of the candidate with the lowest free energy."""
        members = [record for (one, _), record in self.records.items() if one == measurement]
        return min(members, key=lambda record: float(record["free_energy"]))

    def doubtful(self) -> dict[str, list[str]]:
        """Reasons of all results that are not reliable, groups included."""
        found = {f"{one} {tag}": record["reasons"] for (one, tag), record in self.records.items() if record["reasons"]}
        rows = [(name, row) for name, group in self.groups.items() for row in group["rows"]]
        return found | {name: row["reasons"] for name, row in rows if row["reasons"]}

    def gap(self, measurement: str, worse: str, better: str) -> tuple[float, float]:
        """Free energy of one candidate above another's, and its standard error."""
        high, low = (self.records[measurement, tag] for tag in (worse, better))
        error = math.hypot(high["standard_error"], low["standard_error"])
        return float(high["free_energy"] - low["free_energy"]), error


def parameter(record: Row, name: str, index: int | None = 1) -> Row:
    """Row of one parameter; index None for a component of which there can be only one."""
    (row,) = [row for row in record["parameters"] if (row["parameter"], row["index"]) == (name, index)]
    return dict(row)


def analyse(campaign_folder: Path, results: Path, refused: Sequence[str] = ()) -> Shipped:
    """Do everything up to the report, on a CPU; ``refused`` are the measurements that must be refused."""
    loaded = load_campaign(campaign_folder)
    asked = loaded.campaign.sampling.model_copy(update={"device": "cpu"})
    lab = Lab(replace(loaded, campaign=loaded.campaign.model_copy(update={"sampling": asked})), results)
    content = json.loads(lab.separate().read_text(encoding="utf-8"))
    assert sorted({one["measurement"] for one in content["refused"]}) == sorted(refused)
    groups = {}
    for one in loaded.campaign.integration:
        lab.join(one.group)
        groups[one.group] = json.loads(lab.integrate(one.group).read_text(encoding="utf-8"))
    records = {(one["measurement"], one["tag"]): one for one in content["records"]}
    advised = {one["measurement"]: one for one in content.get("next_points", ())}
    edges = {}
    for question in loaded.campaign.splitting:
        out = results / "series" / f"splitting-{question.name}.json"
        write_splitting(loaded, question.name, lab.measurements, results / "libraries", out)
        edges[question.name] = json.loads(out.read_text(encoding="utf-8"))
    return Shipped(records, groups, {row.id: dict(row.metadata) for row in loaded.sheet}, advised, edges)
