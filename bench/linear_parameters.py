"""What integrating linear parameters out gains: the same free energies with and without it, seed by seed in turn.

On the spectrum of 2012 with normal priors of the heights, alone and on backgrounds of several coefficients.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bayesbeam import noise
from bayesbeam.models import registry
from bayesbeam.priors import Prior, make_prior
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.base import Target
from bayesbeam.targets.marginalise import marginalised
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bench import ours, problem
from bench.machine import load, machine
from bench.store import Record, Store, code_key
from bench.tables import aligned, number

WAYS = ("sampled", "integrated out")
# Stated standard errors of F at which runs stop: what campaigns ask for, and one that costs more than the least run.
ERRORS = (0.1, 0.02)
PROBLEMS = {
    "3 peaks": "", "3 peaks, estimated noise": "", "3 peaks on a cubic": "cubic", "3 peaks on a spline": "spline",
}  # fmt: skip
LINEAR = {"amplitude", "level", "slope", "curvature", "third", *(f"mode_{k}" for k in range(1, 7))}
HEAD = (
    "problem", "linear", "error", "way", "runs", "CPU s", "stated", "F", "spread", "rungs", "sweeps", "reliable",
    "CPU s to error", "ratio", "at equal spread",
)  # fmt: skip
LEGEND = """\
Three peaks on the spectrum of 2012 with normal priors of the heights, alone and with a cubic of four coefficients or a
spline of eight; "linear": parameters that can be integrated out, of which sampling moves every one. Runs stop by
themselves at a stated standard error of F; seeds in turn, one way after the other, in one process after a run that
compiles. "CPU s" and "stated" are medians, "F" and "spread" mean and standard deviation over seeds. "CPU s to error":
CPU s, times (spread / error)^2 where the spread is larger; "ratio": of sampled over integrated out, above 1 where
integrating out is cheaper; "at equal spread": ratio of CPU s x spread^2, known to some tens of per cent."""


def target_of(name: str, way: str) -> Target:
    """Target of one problem, all sampled or with its linear parameters integrated out."""
    background = PROBLEMS[name]
    x = torch.from_numpy(problem.X).reshape(1, 1, -1).clone()
    curve = 0.4 + 0.3 * problem.X - 0.15 * (problem.X - 1.5) ** 2 if background else np.zeros_like(problem.X)
    y = torch.from_numpy(problem.spectrum(0) + curve).reshape(1, 1, -1)
    peak = {**ours.priors(), "amplitude": make_prior("normal", mean=1.0, sd=0.45)}
    parts = [Part("peaks", registry.get("gaussian_precision"), 3, {n: [[p]] for n, p in peak.items()})]
    if background:
        component = registry.get(background)
        parts.append(Part(background, component, 1, {n: [[_prior(n)]] for n in component.parameter_names}))
    model = noise.get("normal_scaled" if "noise" in name else "normal")
    phi = {p.name: [[make_prior("log_uniform", low=0.25, high=4.0)]] for p in model.parameters}
    sd = torch.full_like(y, problem.SIGMA)
    whole = sum_target(x, y, sd, torch.ones_like(y), parts, model, phi, dtype=torch.float32)
    return whole if way == WAYS[0] else marginalised(whole, linear_slots(whole))


def linear_slots(target: SumTarget) -> list[int]:
    """Slots that can be integrated out."""
    return [j for j in target.moving if target.slots[j].parameter in LINEAR]


def _prior(name: str) -> Prior:
    """Prior of a coefficient of a background, wide beside what the data say."""
    if name in ("pivot", "low", "high"):
        return make_prior("fixed", value={"pivot": 1.5, "low": 0.0, "high": 3.0}[name])
    if name == "bend":
        return make_prior("log_uniform", low=0.01, high=1.0)
    return make_prior("normal", mean=0.0, sd=1.0)


def measure(name: str, way: str, seed: int, error: float) -> Record:
    """Free energy from one run that stops by itself, and its cost."""
    torch.set_num_threads(1)
    began = time.process_time()
    settings = Settings(seed=seed, engine="auto", target_standard_error=error)
    found = replica_exchange(target_of(name, way), [GroupName(name, ("data",))], settings)[0]
    return {
        "cpu_seconds": time.process_time() - began,
        "free_energy": found.free_energy.value,
        "standard_error": found.free_energy.standard_error,
        "rungs": len(found.beta),
        "sweeps": found.sweeps,
        "reliable": found.verdict.reliable,
        "engine": found.engine,
    }


def run(seeds: int, folder: Path) -> None:
    """Measure what is not there yet, the ways in turn."""
    store = Store("linear", folder)
    here = {"machine": machine(), "versions": _versions()}
    key = code_key(Path(ours.problem.__file__), Path(__file__), Path(registry.__file__).parents[1])
    for name in PROBLEMS:
        warm = False
        for seed in range(seeds):
            for way in WAYS[:: 1 if seed % 2 == 0 else -1]:
                for error in ERRORS:
                    asked = {"key": key, "problem": name, "way": way, "error": error, "seed": seed}
                    if store.done(asked):
                        continue
                    if not warm:
                        for one in WAYS:
                            measure(name, one, seeds, ERRORS[0])
                        warm = True
                    store.add(asked | {"value": measure(name, way, seed, error), "load": load()} | here)


def _versions() -> dict[str, str]:
    """Versions of what makes the numbers."""
    from importlib import metadata

    return {package: metadata.version(package) for package in ours.PACKAGES}


def table(records: Sequence[Record]) -> str:
    """Costs of both ways at each error, and their ratios."""
    rows: list[list[str]] = []
    for name in PROBLEMS:
        whole = target_of(name, WAYS[0])
        assert isinstance(whole, SumTarget)
        count = len(linear_slots(whole))
        for error in ERRORS:
            some = {way: _of(records, name, way, error) for way in WAYS}
            if not all(len(one) > 1 for one in some.values()):
                continue
            score = {way: _score(values, error) for way, values in some.items()}
            sampled, out = (score[way] for way in WAYS)
            for way in WAYS:
                own, last = score[way], way == WAYS[1]
                rows.append([
                    name, str(count), f"{error:g}", way, str(len(some[way])), number(own["cpu"]),
                    number(own["stated"]), f"{own['mean']:.3f}", number(own["spread"]), f"{own['rungs']:g}",
                    f"{own['sweeps']:g}", f"{own['reliable']:g}/{len(some[way])}", number(own["cost"]),
                    number(sampled["cost"] / out["cost"]) if last else "",
                    number(sampled["equal"] / out["equal"]) if last else "",
                ])  # fmt: skip
    return aligned(HEAD, rows)


def _of(records: Sequence[Record], name: str, way: str, error: float) -> list[dict[str, Any]]:
    """Values of one problem, way and error."""
    asked = {"problem": name, "way": way, "error": error}
    return [one["value"] for one in records if asked.items() <= one.items()]


def _score(values: Sequence[dict[str, Any]], error: float) -> dict[str, float]:
    """Medians, and what an error costs."""
    middle = {key: float(np.median([one[key] for one in values])) for key in ("cpu_seconds", "standard_error", "rungs")}
    free_energy = np.array([one["free_energy"] for one in values])
    spread, cpu = float(free_energy.std(ddof=1)), middle["cpu_seconds"]
    return {
        "cpu": cpu, "stated": middle["standard_error"], "rungs": middle["rungs"], "mean": float(free_energy.mean()),
        "spread": spread, "sweeps": float(np.median([one["sweeps"] for one in values])),
        "reliable": float(sum(one["reliable"] for one in values)),
        "cost": cpu * max(1.0, (spread / error) ** 2), "equal": cpu * spread**2,
    }  # fmt: skip
