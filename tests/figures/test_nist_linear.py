"""NIST's certified linear regressions, read from the campaign's own tables: estimates and standard deviations.

Flat priors and an unknown level of the noise: a coefficient has the t distribution of N - P degrees of freedom about
the certified estimate, whose standard deviation is the certified one times sqrt((N - P) / (N - P - 2)).
"""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.load import load_campaign
from bayesbeam.evidence import regression
from bayesbeam.evidence.least_squares import Fit, Normal
from bayesbeam.stages.plan import table_text
from bayesbeam.stages.report import build_report
from stage_fixture import Lab

Array = NDArray[np.float64]
HOME = Path("config") / "campaigns" / "nist_linear"
SETS = ("norris", "noint1", "filip", "longley", "wampler1", "wampler3")
# A certified zero is met within this; digits of estimates are relative.
ZERO = 1e-8


def digits(found: Array, certified: Array) -> float:
    """Fewest digits that agree."""
    off = np.abs(found - certified)
    relative = np.where(certified == 0.0, off > ZERO, off / np.where(certified == 0.0, 1.0, np.abs(certified)))
    return float(-np.log10(np.maximum(relative, 1e-16)).max())


def solved(root: Path, folder: Path) -> tuple[Lab, dict[str, tuple[Array, Array]]]:
    """Results of the campaign, and means and standard deviations of the coefficients as the stages hand them on."""
    lab = Lab(load_campaign(root / HOME), folder)
    content = json.loads(lab.separate().read_text(encoding="utf-8"))
    assert content["refused"] == []
    assert {one["engine"] for one in content["records"]} == {"exact"}
    rows = {
        one["measurement"]: [(r["mean"], r["sd"]) for r in one["parameters"] if r["kind"] == "parameter"]
        for one in content["records"]
    }
    return lab, {name: tuple(np.array(found).T) for name, found in rows.items()}  # type: ignore[misc]


def table_of(root: Path, folder: Path) -> dict[str, tuple[Array, Array]]:
    """Means and standard deviations of the coefficients of every set, as tables/parameters.csv has them."""
    lab, _ = solved(root, folder)
    (lab.results / "batches.tsv").write_text(table_text(dict.fromkeys(lab.campaign.ids, "b")))
    build_report(lab.campaign, lab.results, folder / "report", "make run")
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in SETS}
    with (folder / "report" / "tables" / "parameters.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["parameter"].startswith("b"):
                found[row["measurement"]].append((row["mean"], row["sd"]))
    return {name: tuple(np.array(rows, dtype=np.float64).T) for name, rows in found.items()}  # type: ignore[misc]


def check(table: dict[str, tuple[Array, Array]], known: dict[str, Any]) -> None:
    for name in SETS:
        one, (mean, sd) = known[name], table[name]
        spread = math.sqrt(one["dof"] / (one["dof"] - 2.0))
        estimates, sds = digits(mean, np.array(one["beta"])), digits(sd / spread, np.array(one["se"]))
        print(f"{name}: {estimates:.1f} digits, of the standard deviations {sds:.1f}")
        assert estimates >= (7 if name == "filip" else 9)
        assert sds >= 6


def test_the_tables_have_the_certified_digits(root: Path, tmp_path: Path) -> None:
    known = json.loads((root / HOME / "data" / "reference_values.json").read_text(encoding="utf-8"))
    check(table_of(root, tmp_path), known)


def test_normal_equations_would_be_seen(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def squared(design: Array, y: Array, names: tuple[str, ...] = ()) -> Fit:
        mean = np.linalg.solve(design.T @ design, design.T @ y)
        return Fit(Normal(mean, np.linalg.qr(design)[1]), float(np.square(y - design @ mean).sum()))

    monkeypatch.setattr(regression, "least_squares", squared)
    known = json.loads((root / HOME / "data" / "reference_values.json").read_text(encoding="utf-8"))
    with pytest.raises(AssertionError):
        check(solved(root, tmp_path)[1], known)
