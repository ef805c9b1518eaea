"""A campaign to be sampled in many configurations: nine measurements, three models, two joint analyses.

Measurements ``a`` to ``e`` and ``i`` are longer than ``f`` to ``h``; ``i`` has hardly any noise, so that its curves are
computed in double precision. The joint analyses ``ab`` and ``cd`` have shared positions.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

# Plain helpers beside this one, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parent))
from bayesbeam.io.samples import read_records
from stage_fixture import Lab, make_lab, peak

__all__ = ["Lab"]

ALL = "abcdefghi"
JOINT = ["ab", "cd"]
COSTS = {"wall_seconds", "cpu_seconds", "peak_memory_mb", "predicted_memory_mb"}
PARTS = ("theta", "log_likelihood", "beta", "exchange_rate", "effective_draws", "rhat", "facts")
# Each expanded candidate, and whether it is tried jointly too.
TAGS = {"short": {"peaks-k2": True}, "full": {"peaks-k1": True, "peaks-k2": True, "line": False}}
CANDIDATES = """\
  peaks:
    parts:
      - {component: gaussian, name: peak, count: 1..2,
         priors: {amplitude: "uniform(0, 3)", position: "uniform(0, 3)", sd: "log_uniform(0.05, 1)"}}
    noise: {family: normal, sigma: "log_uniform(noise / 4, 4 * noise)"}
  line:
    parts:
      - {component: pseudo_voigt, name: line,
         priors: {amplitude: "uniform(0, 3)", position: "uniform(0, 3)", fwhm: "log_uniform(0.05, 2)"}}
    noise: {family: normal, sigma: 0.1}
"""
INTEGRATION = """\
  - {group: ab, measurements: [a, b], candidate: peaks, shared: [peak.position]}
  - {group: cd, measurements: [c, d], candidate: peaks, shared: [peak.position]}
"""
# A target that is not met at the first check, so that there is something to stop. Odd numbers of rows: a vectorised
# sum over rows has a rest, which lies elsewhere in another batch.
SAMPLING = {
    "short": "target_standard_error: 5, seed: 7, max_sweeps: 100, chains: 3, replicas: 7, draws: 100, device: cpu",
    "full": "target_standard_error: 0.003, seed: 7, max_sweeps: 200, chains: 5, draws: 100, device: cpu",
}
# Sums of double numbers are rounded, so they show their order.
ENGINES = {"cpu": "engine: cpu", "eager": "engine: eager, precision: float64"}
POINTS = {"short": (60, 45), "full": (160, 120)}

Job = tuple[str, str, list[str]]


def lab_of(folder: Path, kind: str, engine: str) -> Lab:
    """Return the campaign for short or full runs of an engine, preprocessed."""
    longer, shorter = POINTS[kind]
    data = {name: peak(k, 1.2 + 0.1 * k, longer) for k, name in enumerate("abcde")}
    data |= {name: peak(10 + k, 1.0 + 0.1 * k, shorter) for k, name in enumerate("fgh")}
    data["i"] = peak(20, points=longer, noise=1e-5)
    lab = make_lab(folder, data, CANDIDATES, INTEGRATION, sampling=f"{{{SAMPLING[kind]}, {ENGINES[engine]}}}")
    lab.preprocess()
    return lab


def jobs_of(batches: str, kind: str, library: bool, folder: Path) -> list[Job]:
    """Tag, file and members of everything that is sampled together; the stage takes joint analyses one by one."""
    jobs: list[Job] = []
    for tag, joint in TAGS[kind].items():
        asked = [list(members) for members in batches.split()]
        if joint:
            asked += [JOINT] if library else [[group] for group in JOINT]
        jobs += [(tag, str(folder / f"{tag} {k}.h5"), names) for k, names in enumerate(asked)]
    return jobs


def found_in(jobs: Iterable[Job]) -> dict[str, str]:
    """Hashes of all that was found, by tag, measurement and array; facts as they are, but for costs."""
    found = {}
    for tag, path, _ in jobs:
        for name, record in read_records(Path(path)).items():
            for key, values in record.arrays.items():
                found[f"{tag} {name} {key}"] = hashlib.sha256(f"{values.shape}".encode() + values.tobytes()).hexdigest()
            facts = {key: value for key, value in record.facts.items() if key not in COSTS}
            found[f"{tag} {name} facts"] = json.dumps(facts, sort_keys=True)
    return found


def differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Names of what is not the same."""
    return sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
