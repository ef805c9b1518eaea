"""Small campaigns of powder patterns made from shipped structures, for tests of searches for phases."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.load import load_campaign
from bayesbeam.crystals.likeness import Window
from bayesbeam.diffraction.phase import phase_of
from bayesbeam.diffraction.profile import Beam, pattern
from bayesbeam.diffraction.shapes import common_start
from bayesbeam.io.crystal_library import LineRequest, crystal_library
from stage_fixture import Lab

NAMES = ("NiO-Bunsenite", "ZnO-Zincite", "TiO2-Rutile", "Si-Silicon", "CaF2-Fluorite", "BN")
SHARES = {"ZnO-Zincite": 0.6, "NiO-Bunsenite": 0.4}
COPPER = "instrument: {wavelength_angstrom: 1.5405929, wavelength_2_angstrom: 1.5444274, ratio: 0.5}"
TREATMENT = (
    "{axis: {quantity: 2theta, unit: degree}, signal: {quantity: y, unit: counts, counts: true}, " + COPPER + "}"
)
WHICH = "  which:\n    phases: {library: cifs, most: 4}\n"
X = 25.0 + 0.05 * np.arange(900)


SHIPPED = Path(__file__).resolve().parents[1] / "config/libraries/inorganic"


def library_in(folder: Path, names: Sequence[str] = NAMES) -> Path:
    """Copies of shipped structures in the folder of a campaign."""
    place = folder / "campaign" / "cifs"
    place.mkdir(parents=True)
    for name in names:
        shutil.copy(SHIPPED / f"{name}.cif", place)
    return place


def counts(
    seed: int = 1, shares: Mapping[str, float] = SHARES, x: NDArray[np.float64] = X, times: float = 1.0
) -> NDArray[np.float64]:
    """Counts of a mixture of given shares of the intensity, on a background; ``times`` as long as others."""
    window = LineRequest(Window(1.5405929, 20.0, 75.0))
    files = {f"{name}.cif": SHIPPED / f"{name}.cif" for name in shares}
    y = 50.0 + 30.0 * np.exp(-(x - 25.0) / 20.0)
    for lines in crystal_library(files, window).lines:
        phase = phase_of(lines)
        curve = pattern(x, phase, Beam(), common_start(0.2), np.zeros(phase.strains + 3))
        y = y + shares[lines.name] * 1e5 * curve / curve.sum()
    return np.random.default_rng(seed).poisson(times * y).astype(np.float64)


def lab(
    folder: Path, data: Mapping[str, str], candidates: str = WHICH, made_of: Mapping[str, str] | None = None,
    treatment: str = TREATMENT, integration: str = "",
) -> Lab:  # fmt: skip
    """Campaign with a library that is there already; ``made_of`` fills a column of the sheet."""
    home = folder / "campaign"
    for name, text in data.items():
        (home / f"{name}.xy").write_text(text)
    cells = made_of or dict.fromkeys(data, "")
    table = "id\tfile\tmade_of\n" + "".join(f"{name}\t{name}.xy\t{cells[name]}\n" for name in data)
    (home / "measurements.tsv").write_text(table)
    words = f"campaign: test\ntreatments: {{plain: {treatment}}}\nsampling: {{seed: 7, chains: 4, device: cpu}}\n"
    words += f"candidates:\n{candidates}" + (f"integration:\n{integration}" if integration else "")
    (home / "campaign.yaml").write_text(words)
    return Lab(load_campaign(home), folder / "results")
