"""Free energies of many spectra, in batches that are one target of as many groups: what a campaign does."""

from __future__ import annotations

import time
from typing import Any

import torch

from bayesbeam.sampling.engines.choose import why_not_fused
from bayesbeam.sampling.memory import peak_mib, sizes_of_target
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bench import ours


def measure(count: int, first: int, spectra: int, seed: int = 1) -> dict[str, Any]:
    """Free energies of ``count`` peaks for the spectra ``first`` to ``first + spectra - 1`` as one target.

    Returns
    -------
    dict
        ``cpu_seconds``, ``wall_seconds``, ``compile_seconds``, ``rows``; ``free_energy_exc``, ``standard_error`` and
        ``reliable`` are lists, one entry a spectrum; ``predicted_mib`` is the peak memory foretold.
    """
    compile_seconds = ours.compiled(count)
    torch.set_num_threads(1)
    cpu, wall = time.process_time(), time.perf_counter()
    numbers = range(first, first + spectra)
    names = [GroupName(f"spectrum{number}", (f"spectrum{number}",)) for number in numbers]
    settings = Settings(seed=seed, engine="auto", target_standard_error=ours.TARGET)
    target = ours.target_of(count, numbers)
    predicted = peak_mib(sizes_of_target(target), settings, "eager" if why_not_fused(target) else "cpu")
    runs = replica_exchange(target, names, settings)
    return {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "compile_seconds": compile_seconds,
        "predicted_mib": predicted,
        "rows": sum(run.likelihood_rows for run in runs),
        "free_energy_exc": [run.free_energy.value - ours.NORMALISER for run in runs],
        "standard_error": [run.free_energy.standard_error for run in runs],
        "reliable": [run.verdict.reliable for run in runs],
    }
