"""Results of phase searches as a finished campaign leaves them: real searches of simulated patterns of made-up phases.

What a search does not give is stated: intervals of weight fractions, what was left out of the library, the other arm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.greedy import Question, question_of
from bayesbeam.diffraction.members import weight_fractions
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.search import Answer, find_phases
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.unexplained import lines_seen, unknown_lines
from bayesbeam.io.seal import seal
from bayesbeam.io.store import Measurement, write_measurement
from bayesbeam.report.records import Facts
from bayesbeam.stages.phase_facts import arrays_of
from made_up_phases import mixture, phases
from made_up_spectra import NASTY, summary_of

FloatArray = NDArray[np.float64]
TAG = "powder"
CANDIDATES = 9


@dataclass(frozen=True)
class Sample:
    """A measurement: shares of the made-up phases, numbers of those the library lacks, and columns of the sheet.

    One that is ``like`` another is not measured anew: it has its pattern and its answer, with the ``masses`` (shares of
    one by name) in place of the weight fractions.
    """

    shares: Mapping[int, float] = field(default_factory=dict)
    absent: frozenset[int] = frozenset()
    columns: Mapping[str, Any] = field(default_factory=dict)
    like: str = ""
    masses: Mapping[str, float] = field(default_factory=dict)


def write_powders(folder: Path, samples: Mapping[str, Sample]) -> tuple[Facts, Path]:
    """Write the results of a campaign by the ids of its measurements."""
    (folder / "measurements").mkdir(parents=True)
    (folder / "free_energy").mkdir()
    made, records = phases(CANDIDATES), []
    known: dict[str, tuple[FloatArray, FloatArray, dict[str, Any], dict[str, FloatArray]]] = {}
    with h5py.File(folder / "free_energy" / "b0.h5", "w") as file:
        for seed, (name, sample) in enumerate(samples.items()):
            if not sample.like:
                x, y = mixture(dict(sample.shares), seed + 1, made)
                library = [one for k, one in enumerate(made) if k not in sample.absent]
                asked = question_of(powder(x, y), library, Beam(), log_prior_of_sets(len(library), 8))
                known[name] = x, y, *found_by(asked, find_phases(asked))
            x, y, facts, arrays = known[sample.like or name]
            facts = _of_masses(facts, sample.masses)
            _write_measurement(folder, name, x, y, sample.columns)
            records.append(candidate_record(name, facts, _write_arrays(file, name, x, y, facts, arrays)))
    seal(folder / "free_energy" / "b0.h5")
    content = {"format": 1, "batch": "b0", "records": records, "averaged": [], "refused": []}
    (folder / "free_energy" / "b0.json").write_text(json.dumps(content), encoding="utf-8")
    rows = "".join(f"{name}\tb0\n" for name in samples)
    (folder / "batches.tsv").write_text("measurement\tbatch\n" + rows, encoding="utf-8")
    return Facts("powders", "Made-up powders", tuple(samples)), folder


def found_by(asked: Question, answer: Answer) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Facts and arrays of a search, as the record of a measurement has them."""
    fit, data = answer.fit, asked.data
    best = [one.phase.name for one in fit.members]
    ranked = sorted(range(len(asked.phases)), key=lambda k: -answer.probability[k])
    kept = [k for k in ranked if answer.probability[k] >= 0.01 or asked.phases[k].name in best]
    left = unknown_lines(data, fit.model, fit.background, asked.tolerance)
    sets = list(zip(answer.sets.members, answer.sets.free_energy, answer.sets.probability, strict=True))[:20]
    spacing = 0.5 * asked.beam.wavelengths[0] / np.sin(np.radians(0.5 * left.position))
    lines = [{"two_theta": float(a), "d": float(d), "z": float(z)}
             for a, d, z in zip(left.position, spacing, left.z, strict=True)]  # fmt: skip
    facts = {
        "library": {
            "name": "made up", "entries": 12, "candidates": len(asked.phases),
            "skipped": [{"file": f"{NASTY}.cif", "reason": "no atoms", "remedy": "Export it with its atoms."}],
            "copies": [{"kept": "phase 1", "copy": "phase 1 again"}], "outside": ["phase 10"],
            "elements": ["Al", "O"], "hash": "ab" * 32,
        },
        "beam": {"wavelengths": list(asked.beam.wavelengths), "shares": list(asked.beam.shares),
                 "geometry": "bragg_brentano", "monochromator_two_theta_deg": None, "source": "file"},
        "phases": [_phase(asked, answer, k) for k in kept],
        "families": [],
        "sets": [{"phases": [asked.phases[int(answer.owner[j])].name for j in members], "probability": float(p),
                  "free_energy": float(f - answer.sets.free_energy[0])} for members, f, p in sets],
        "error": answer.sets.error, "sets_looked_at": len(answer.sets.members),
        "unknown": {"open": left.is_open, "share": left.share, "lines": lines},
        "noise": {"line": asked.tolerance.line, "form": asked.tolerance.form, "unknown": asked.tolerance.unknown,
                  "estimated": False},
        "arms": {"exchange": {"top": best}, "variational": {"top": best, "agrees": True}},
        "fit": {"rwp": 0.12, "rexp": 0.05, "common": {"zero": {"value": float(fit.common[0]), "sd": 0.001}}},
        "seconds": {"search": 0.8}, "best": best,
    }  # fmt: skip
    return facts, arrays_of(asked, fit, answer.frame)


def _of_masses(facts: dict[str, Any], masses: Mapping[str, float]) -> dict[str, Any]:
    """Facts with weight fractions as given, of the phases that have any."""
    changed = [
        one | {"weight_fraction": _normal(masses[one["name"]], 0.01) | {"sd_fit": 0.005}}
        if one["name"] in masses else one
        for one in facts["phases"]
    ]  # fmt: skip
    return facts | {"phases": changed}


def _phase(asked: Question, answer: Answer, k: int) -> dict[str, Any]:
    """One phase of the record."""
    phase, p = asked.phases[k], float(answer.probability[k])
    members = answer.fit.members
    places_of = [j for j, one in enumerate(members) if one.phase.name == phase.name]
    found: dict[str, Any] = {
        "name": phase.name, "formula": f"M{k}O", "space_group": "P m -3 m", "density": 4.0 + k, "file": f"m{k}.cif",
        "probability": p, "probability_half": p, "probability_double": 0.97 * p,
        "kind": "present" if p > 0.5 else "not present", "family": None, "lines_seen": 0, "lines_in_range": 20,
        "worth": 0.0, "share": None, "weight_fraction": None, "cell": [], "size_factor": None, "strain_factor": None,
        "texture": None,
    }  # fmt: skip
    if not places_of:
        return found
    j, one = places_of[0], members[places_of[0]]
    share, sd = one.height, float(answer.fit.height_sd[j])
    weight = float(weight_fractions(members)[j])
    edge = float(phase.cell[0])
    return found | {
        "lines_seen": lines_seen(asked.data, answer.frame, asked.beam, answer.fit.common, members, j),
        "worth": float(answer.worth[j]), "share": _normal(share, sd),
        "weight_fraction": _normal(weight, 0.05 * weight + 0.001) | {"sd_fit": sd},
        "cell": [{"edge": "a", "value": edge * (1 + float(one.own[0])), "sd": 1e-4 * edge, "library": edge}],
    }  # fmt: skip


def _normal(mean: float, sd: float) -> dict[str, float]:
    """Summary of a normal quantity."""
    return {"mean": mean, "sd": sd, "q025": mean - 1.96 * sd, "median": mean, "q975": mean + 1.96 * sd}


def _write_measurement(folder: Path, name: str, x: FloatArray, y: FloatArray, columns: Mapping[str, Any]) -> None:
    """Measurement file of a pattern."""
    origin = {"input_file": f"{name}.xy", "input_sha256": "ab" * 32, "key": "cd" * 32, "code_version": "0.1.0"}
    write_measurement(
        folder / "measurements" / f"{name}.h5",
        Measurement(
            id=name, x=x, y=y, uncertainty=np.sqrt(np.maximum(y, 1.0)), x_quantity="two theta", x_unit="deg",
            y_quantity="counts", y_unit="1", noise_estimate=5.0, metadata={"title": f"Powder {name}", **columns},
            treatment=(f"Read {x.size} points.",), provenance=origin,
        ),
    )  # fmt: skip


def _write_arrays(
    file: h5py.File, name: str, x: FloatArray, y: FloatArray, facts: Mapping[str, Any],
    arrays: Mapping[str, FloatArray],
) -> list[dict[str, Any]]:  # fmt: skip
    """Arrays of the candidate beside those of the search; returns its summary rows."""
    node = file.create_group(f"{name}/{TAG}")
    for key, values in arrays.items():
        node[key] = values
    there = [one for one in facts["phases"] if one["weight_fraction"]]
    columns = [{"name": f"{one['name']}.weight_fraction", "index": None, "unit": "1", "kind": "derived"}
               for one in there]  # fmt: skip
    rng = np.random.default_rng(3)
    draws = np.array([[one["weight_fraction"]["mean"], one["weight_fraction"]["sd"]] for one in there]).reshape(-1, 2)
    values = draws[:, 0] + draws[:, 1] * rng.standard_normal((2, 100, len(there)))
    node.create_dataset("draws", data=values).attrs["columns"] = json.dumps(columns)
    model = np.interp(x, arrays["phase_x"], arrays["phase_model"] / (len(x) / len(arrays["phase_x"])))
    sd = np.sqrt(np.maximum(y, 1.0))
    node["x"], node["y"], node["sd"] = x, y, sd
    node["prediction"] = np.stack([model] * 5)
    node["predictive"] = model + np.array([-1.96, -1, 1, 1.96])[:, None] * sd
    node.create_dataset("components", data=np.zeros((0, 3, len(x)))).attrs["labels"] = "[]"
    node["residuals"] = (y - model) / sd
    node["trace"], node["beta"] = np.zeros((2, 100)), np.array([0.0, 1.0])
    node["exchange_rate"], node["log_likelihood_mean"] = np.ones(1), np.zeros(2)
    return summary_of(columns, values)


def candidate_record(name: str, facts: Mapping[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Record of the only candidate."""
    return {
        "measurement": name, "candidate": TAG, "tag": TAG, "title": "phases of a library", "free_energy": -120.0,
        "standard_error": 0.0, "model_probability": 1.0, "probability_error": 0.0, "verdict": "reliable",
        "reasons": [], "ess_min": 200.0, "rhat_max": 1.0, "chains": 2, "replicas": 2, "sweeps": 0, "burn_in": 0,
        "noise": {"words": "Counts, with a model that is wrong by a share."}, "cpu_seconds": 0.8, "wall_seconds": 0.8,
        "engine": "sets of phases", "device": "cpu", "seed": 1, "versions": {"bayesbeam": "0.1.0"}, "key": "ab" * 32,
        "priors": [], "parameters": list(rows), "parts": "up to 8 of 9 phases", "phases": dict(facts),
    }  # fmt: skip
