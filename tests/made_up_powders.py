"""Results of phase searches for tests of the report: two real searches, and measurements that are like the first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bayesbeam.io.results import write_result
from bayesbeam.io.seal import seal
from bayesbeam.io.store import read_measurement, write_measurement
from bayesbeam.report.records import Facts
from bayesbeam.stages.plan import table_text
from made_up_spectra import NASTY
from phase_lab import X, counts, lab, library_in
from stage_fixture import rows

TAG = "which"
MIXTURE = {"ZnO-Zincite": 0.6, "NiO-Bunsenite": 0.4}
OPEN = {"ZnO-Zincite": 0.45, "NiO-Bunsenite": 0.3, "Al2O3-Sapphire": 0.25}
"""The last of these is in no library of the campaign."""
WEIGHED = {
    "full": {"weighed.ZnO": 65.0, "weighed.NiO-Bunsenite": 35.0},
    "open": {"weighed.ZnO": 39.0, "weighed.NiO-Bunsenite": 21.0, "weighed.Al2O3": 40.0},
}
FRAMES = {0: 0.9, 1: 0.6, 2: 0.3, 3: 0.05}
"""Share of the mass that zincite has in frames along a column ``temperature_K``."""


def write_powders(folder: Path) -> tuple[Facts, Path]:
    """Write the results of a campaign: ``full`` and ``open`` are searched, ``frame0`` and more are like ``full``."""
    library_in(folder)
    made = lab(folder, {"full": rows(X, counts(1, MIXTURE)), "open": rows(X, counts(2, OPEN))})
    made.separate()
    results = made.results
    for name, columns in WEIGHED.items():
        _with_columns(results, name, name, columns)
    for k in FRAMES:
        _with_columns(results, "full", f"frame{k}", {"temperature_K": 100.0 + 50.0 * k})
    path = results / "free_energy" / "b.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    full = next(one for one in content["records"] if one["measurement"] == "full")
    full["phases"]["library"]["skipped"].append({"file": f"{NASTY}.cif", "reason": "no atoms", "remedy": ""})
    content["records"] += [_of_masses(full, f"frame{k}", share) for k, share in FRAMES.items()]
    write_result(path, content)
    with h5py.File(path.with_suffix(".h5"), "r+") as file:
        for k in FRAMES:
            file.copy("full", f"frame{k}")
    seal(path.with_suffix(".h5"))
    ids = ("full", "open", *(f"frame{k}" for k in FRAMES))
    (results / "batches.tsv").write_text(table_text(dict.fromkeys(ids, "b")))
    return Facts("powders", "Made-up powders", ids), results


def _with_columns(results: Path, old: str, new: str, columns: Mapping[str, float]) -> None:
    """Write a measurement under a name, with columns of the sheet in place of its own."""
    known = read_measurement(results / "measurements" / f"{old}.h5")
    write_measurement(results / "measurements" / f"{new}.h5", replace(known, id=new, metadata=dict(columns)))


def _of_masses(record: Mapping[str, Any], name: str, share: float) -> dict[str, Any]:
    """Record of a measurement with other weight fractions, of which zincite has a share."""
    masses = {"ZnO-Zincite": share, "NiO-Bunsenite": 1.0 - share}
    phases = [
        one | {"weight_fraction": _normal(masses[one["name"]])} if one["name"] in masses else one
        for one in record["phases"]["phases"]
    ]
    return {**record, "measurement": name, "phases": {**record["phases"], "phases": phases}}


def _normal(mean: float) -> dict[str, float]:
    """Summary of a normal quantity with a standard deviation of 0.01."""
    ends = dict(zip(("q025", "median", "q975"), mean + 0.01 * np.array([-1.96, 0.0, 1.96]), strict=True))
    return {"mean": mean, "sd": 0.01, "sd_fit": 0.005, **ends}
