"""Whole series through the workflow: laws of a quantity, and what a change of them plans."""

from __future__ import annotations

import csv
import math
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.workflow.conftest import Lab

CAMPAIGN = """\
campaign: tiny
candidates:
  flat:
    parts: [{name: flat, component: constant}]
    noise: {family: normal, sigma: 0.01}
sampling: {seed: 1}
report:
  series: {quantity: flat.level, against: minutes, laws: [constant, linear]}
"""
TIMES = (0, 1, 2, 3, 5, 8)


def test_a_level_that_falls_follows_a_line_and_laws_are_compared_anew_alone(lab: Lab) -> None:
    lab.campaign.write_text(CAMPAIGN)
    source = random.Random(1)
    for t in TIMES:
        points = "".join(f"{x} {2.0 - 0.1 * t + source.gauss(0.0, 0.01)!r}\n" for x in range(20))
        (lab.campaign.parent / "data" / f"t{t}.txt").write_text(points)
    rows = "".join(f"t{t}\tdata/t{t}.txt\t{t}\n" for t in TIMES)
    (lab.campaign.parent / "measurements.tsv").write_text("id\tfile\tminutes\n" + rows)
    lab.run()
    with (lab.results / "report" / "tables" / "laws.csv").open(newline="") as file:
        found = {(row["law"], row["of_law"]): row for row in csv.DictReader(file)}
    slope = found["linear", "slope"]
    assert float(slope["probability"]) > 0.99
    # By the law of such lines: 20 points a level, sd 0.01.
    sd = 0.01 / math.sqrt(20 * sum((t - sum(TIMES) / 6) ** 2 for t in TIMES))
    assert abs(float(slope["mean"]) + 0.1) < 4.0 * sd
    page = (lab.results / "report" / "index.html").read_text(encoding="utf-8")
    assert "flat.level follows a straight line" in page
    assert lab.planned() == set()
    lab.replace("[constant, linear]", "[constant, linear, sigmoid]")
    assert lab.planned() == {"compare laws along series", "write the report"}
