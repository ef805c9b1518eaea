"""Weighed precursors, scanned for eight and for two minutes: found in the whole library and by their elements."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

import pytest

from bayesbeam.crystals.formula import formula_of

MASS = re.compile(r"([A-Za-z0-9()]+)_(\d)p(\d{4})")


def home_of(root: Path) -> Path:
    return root / "config" / "campaigns" / "dara_mixtures"


def sheet(root: Path) -> dict[str, dict[str, str]]:
    text = (home_of(root) / "measurements.tsv").read_text(encoding="utf-8")
    return {row["id"]: row for row in csv.DictReader(text.splitlines(), delimiter="\t")}


def test_the_shipped_patterns_are_those_of_the_provenance(root: Path) -> None:
    data = home_of(root) / "data"
    told = (data / "PROVENANCE.md").read_text(encoding="utf-8")
    files = sorted(data.glob("*.xrdml"))
    assert len(files) == 24
    assert all(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" in told for file in files)


def test_weighed_amounts_and_elements_are_those_of_the_names(root: Path) -> None:
    told = (home_of(root) / "data" / "PROVENANCE.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"\| `(\S+)\.xrdml` \| `(\S+)` \|", told))
    rows = sheet(root)
    assert set(named) == set(rows)
    for identifier, row in rows.items():
        grams = {name: float(f"{whole}.{rest}") for name, whole, rest in MASS.findall(named[identifier])}
        total = sum(grams.values())
        weighed = {key.removeprefix("weighed."): float(v) for key, v in row.items() if key.startswith("weighed.") and v}
        assert weighed == pytest.approx({name: 100.0 * one / total for name, one in grams.items()}, abs=0.006)
        assert set(row["elements"].split()) == {e for name in grams for e in formula_of(name.replace("(OH)3", "O3H3"))}
        assert named[identifier].endswith(f"--{row['minutes']}min.xrdml")
