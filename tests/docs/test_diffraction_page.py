"""The page on diffraction: its measured figures are those of the code, its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from tests.powder_profiles import own_profile, reference

from bayesbeam.crystals.cell import Floats
from bayesbeam.crystals.checks import doubts
from bayesbeam.crystals.cif import read_cif
from bayesbeam.crystals.lines import Physics
from bayesbeam.crystals.scattering import TabulatedFactors
from bayesbeam.io.crystal_library import LineRequest, Window, crystal_library

COPPER = 1.54059

Profiles = Mapping[str, Floats]


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/diffraction.md").read_text(encoding="utf-8")


def row(before: Profiles, after: Profiles) -> str:
    """One row of the table: what changes in profiles, and in the height of the strongest line of a cell."""
    shapes, heights = {}, {}
    for name, old in before.items():
        new = after[name]
        shapes[name] = 100.0 * float(np.abs(new / new.max() - old / old.max()).max())
        heights[name] = 100.0 * (float(new.max() / old.max()) - 1.0)
    values = np.array(list(shapes.values()))
    most = max(shapes, key=lambda name: shapes[name])
    far = max(heights, key=lambda name: abs(heights[name]))
    parts = (
        f"{np.median(values):.2f}",
        f"{values.max():.1f} ({most})",
        f"{int((values < 1.0).sum())} of {len(values)}",
        f"{np.median(np.abs(list(heights.values()))):.1f}",
        f"{heights[far]:+.1f} ({far})",
    )
    return " | ".join(parts) + " |"


@pytest.mark.slow
def test_effects_of_the_physics_are_as_told(root: Path, page: str) -> None:
    structures = [read_cif(file) for file in sorted((root / "config/libraries/inorganic").glob("*.cif"))]
    believed = [structure for structure in structures if not doubts(structure)]

    def profiles(physics: Physics) -> Profiles:
        return {structure.name: own_profile(structure, COPPER, physics) for structure in believed}

    plain = profiles(Physics(displacements=False))
    rows = {
        "pymatgen's table": row(profiles(reference(root).physics), plain),
        "International Tables": row(profiles(Physics(TabulatedFactors(None, "itc92"), displacements=False)), plain),
        "anomalous terms": row(plain, profiles(Physics(TabulatedFactors(COPPER), displacements=False))),
        "displacements": row(plain, profiles(Physics())),
        "both": row(plain, profiles(Physics(TabulatedFactors(COPPER)))),
    }
    missing = {name: text for name, text in rows.items() if text not in page}
    assert missing == {}


def test_counts_of_the_library_are_as_told(root: Path, page: str) -> None:
    library = crystal_library(root / "config/libraries/inorganic", LineRequest(Window(COPPER, 5.0, 120.0)))
    together = sum(len(family) for family in library.families)
    told = (
        f"{len(library.names)} candidates",
        f"{len(library.copies)} copies",
        f"{len(library.families)} families of {together}",
        f"{sum(len(lines.hkl) for lines in library.lines)} lines",
    )
    assert [words for words in told if words not in " ".join(page.split())] == []


def test_links_of_the_page_lead_somewhere(root: Path, page: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page):
        assert link.startswith("https://") or (root / "docs" / link).exists(), link


def test_the_library_example_finds_rutile(root: Path, page: str) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    environment = os.environ | {"PYTHONPATH": str(root / "workflow")}
    made = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        cwd=root,
    )
    assert made.returncode == 0, made.stderr
    assert "TiO2-Rutile P 42/m n m 4.25 g/cm3 [1 1 0] 27.4" in made.stdout  # ICDD: 110 at 27.45 deg
