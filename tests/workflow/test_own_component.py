"""A campaign with a component file of its own, from validation to the report, and what a change of the file plans."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.workflow.conftest import Lab

CAMPAIGN = """\
campaign: tiny
components: [parts/sech.py]
treatments: {default: {axis: {unit: eV}, signal: {unit: counts}}}
candidates:
  own:
    parts: [{component: sech, priors: {amplitude: "uniform(0, 5)"}}]
    noise: {family: normal, sigma: 0.1}
  pair:
    parts: [{component: doublet, of: sech, widths: own}]
    noise: {family: normal, sigma: 0.1}
  flat:
    parts: [{component: constant}]
    noise: {family: normal, sigma: 0.1}
sampling: {target_standard_error: 10, seed: 1, max_sweeps: 100, chains: 2, replicas: 8, draws: 100}
"""
SECH = """\
from bayesbeam.models.base import Derived, ReferenceValue, centre, full_width, height

name = "sech"
title = "squared hyperbolic secant"
exchangeable = True
order_by = "position"
amplitude = "amplitude"
locations = ("position",)
widths = ("fwhm",)
parameters = (height(), centre(), full_width())
reference_values = (ReferenceValue(1.0, (3.0, 1.0, 0.5), 3.0, "its height at its centre"),)


def formula(m, x, amplitude, position, fwhm):
    t = m.tanh((x - position) / fwhm * 1.762747174039086)
    return amplitude * (1.0 - m.square(t))


def area(m, amplitude, position, fwhm):
    return amplitude * fwhm / 0.8813735870195430


derived = (Derived("area", "x*y", area, "integral of the peak"),)
"""


@pytest.fixture
def own(lab: Lab) -> Lab:
    """Return a campaign with a component file."""
    (lab.campaign.parent / "parts").mkdir()
    (lab.campaign.parent / "parts" / "sech.py").write_text(SECH)
    lab.campaign.write_text(CAMPAIGN)
    lab.sheet("a")
    return lab


def test_from_the_file_to_the_report(own: Lab) -> None:
    own.run()
    page = (own.results / "report" / "index.html").read_text(encoding="utf-8")
    assert "sech" in page
    with (own.results / "report" / "tables" / "parameters.csv").open(newline="") as file:
        rows = {(row["candidate"], row["parameter"]): row for row in csv.DictReader(file)}
    assert rows["own", "sech.amplitude"]["unit"] == "counts"
    assert rows["own", "sech.area"]["unit"] in ("eV counts", "counts eV")
    assert rows["pair", "doublet.fwhm_2"]["unit"] == "eV"
    assert rows["pair", "doublet.area_ratio"]["unit"] == "1"
    # The data are a peak of height 1 at 1.5, seen through noise of 0.1 on 31 points.
    assert abs(float(rows["own", "sech.amplitude"]["mean"]) - 1.0) < 0.5
    assert abs(float(rows["own", "sech.position"]["mean"]) - 1.5) < 0.2
    assert not list(own.campaign.parent.rglob("__pycache__"))
    assert own.planned() == set()

    file = own.campaign.parent / "parts" / "sech.py"
    file.write_text(SECH + "# a remark\n")
    assert own.planned() == {"sample own for a", "sample pair for a", "free energies of a", "write the report"}

    file.write_text(SECH.replace("m.tanh", "m.tan"))
    again = own.cli("run")
    assert again.returncode == 2, again.stdout + again.stderr
    assert "campaign.yaml line 2: components[0]: " in again.stderr
    assert "parts/sech.py line 15: formula: m.tan, which is no function of the namespace" in again.stderr
    assert "Did you mean tanh?" in again.stderr
    by_hand = own.snakemake("--dry-run")
    assert by_hand.returncode == 2
    assert "m.tan, which" in by_hand.stderr
