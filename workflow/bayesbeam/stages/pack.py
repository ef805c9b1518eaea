"""From what a sampler returns to the records of a file: arrays, facts, what it cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

import numpy as np
import torch

import bayesbeam
from bayesbeam.config.specs import Expanded
from bayesbeam.errors import message
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages.amount import FULL, kept_of_run
from bayesbeam.stages.resources import device_words

REFUSED = "refused"


def pack(
    expanded: Expanded,
    groups: Sequence[Sequence[Measurement]],
    keys: Sequence[str],
    runs: Sequence[Run],
    settings: Settings,
    device: str,
    spent: tuple[float, float],
    memory: tuple[float, float | None],
    store: str = FULL,
) -> list[Record]:
    """Records of groups that were sampled together, in order.

    Parameters
    ----------
    keys : sequence of str
        Key of every group.
    spent : tuple of float
        Wall and CPU seconds of all of them, shared out by likelihood rows.
    memory : tuple of float
        Peak memory of the process so far, and what was predicted for it, MiB.
    store : str
        How much of the draws is kept, see :mod:`bayesbeam.stages.amount`.
    """
    wall, cpu = spent
    total = sum(run.likelihood_rows for run in runs)
    records = []
    for group, run, key in zip(groups, runs, keys, strict=True):
        if not math.isfinite(run.free_energy.value + run.free_energy.standard_error):
            records.append(Record({}, {"key": key, REFUSED: _impossible(expanded, group)}))
            continue
        share = run.likelihood_rows / total
        facts = _facts(run, settings, device) | {
            "key": key,
            "members": [m.id for m in group],
            "component_files": {p.of or p.component: p.own.sha256 for p in expanded.spec.parts if p.own is not None},
            "wall_seconds": wall * share,
            "cpu_seconds": cpu * share,
            "peak_memory_mb": memory[0],
            "predicted_memory_mb": memory[1],
        }
        records.append(Record(_arrays(run, store), facts))
    return records


def program_versions() -> dict[str, str]:
    """Return the versions of the programs that make the numbers."""
    return {"bayesbeam": bayesbeam.__version__, "torch": str(torch.__version__), "numpy": np.__version__}


def version_of(package: str) -> str:
    """Return the version of an installed package, nothing where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _impossible(expanded: Expanded, group: Sequence[Measurement]) -> str:
    """Reason to refuse a candidate under which the data cannot be."""
    return message(
        f"measurement {', '.join(m.id for m in group)}: candidate {expanded.tag}",
        "no draw of its priors, or hardly any, can have made these data: its free energy is not finite",
        "data that the candidate allows",
        "Widen its priors, or narrow them where they reach far beyond what can be meant; with Poisson noise the curve "
        "must be positive wherever there are counts.",
    )


def _arrays(run: Run, store: str) -> dict[str, Any]:
    """Arrays of a run: draws (S, D, C, P), log-likelihoods (T, C, R), ladder, exchange rates."""
    theta, log_likelihood = kept_of_run(run.theta, run.log_likelihood, store)
    return {
        "theta": theta,
        "log_likelihood": log_likelihood,
        "beta": run.beta,
        "exchange_rate": run.exchange_rate,
        "effective_draws": run.effective_draws,
        "rhat": run.rhat,
    }


def _facts(run: Run, settings: Settings, device: str) -> dict[str, Any]:
    """Numbers and words of a run."""
    return {
        "free_energy": asdict(run.free_energy),
        "estimators": {name: asdict(value) for name, value in run.estimators.items()},
        "verdict": run.verdict.word,
        "reasons": list(run.verdict.reasons),
        "barrier": run.barrier,
        "round_trips": run.round_trips,
        "sweeps": run.sweeps,
        "burn_in": run.burn_in,
        "likelihood_rows": run.likelihood_rows,
        "engine": run.engine,
        "device": device_words(device),
        "seed": settings.seed,
        "settings": {name: value for name, value in asdict(settings).items() if name != "threads"},
        "versions": program_versions(),
    }
