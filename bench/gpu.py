"""What a GPU gives: rows a second of the engines, and the time to free energies of one spectrum and of many.

Needs PyTorch with CUDA, NumPy and SciPy; Triton for kernels and numba for the compiled loops beside them.
"""

from __future__ import annotations

import subprocess
import time
from typing import Any

import torch

from bayesbeam.sampling.engines.choose import choose
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bench import ours, problem, rows

# Exponentials that a multiprocessor makes in a clock, and curves of a row: the old one and the new.
EXPONENTIALS_A_CLOCK, CURVES_A_ROW = 16, 2


def engine_rows(engine: str, device: str, states: int, threads: int) -> dict[str, float]:
    """Rows a second (wall clock) of one engine, and of the exponentials of the processor how many that takes."""
    found = rows.measure(engine, "chains", states, threads, device)
    rate = found["rows_a_second"]
    limit = row_limit() if device == "cuda" else float("nan")
    return {"rows_a_second": rate, "share": rate / limit}


def row_limit() -> float:
    """Rows a second at which a GPU would do nothing but exponentials."""
    made = torch.cuda.get_device_properties(0).multi_processor_count * EXPONENTIALS_A_CLOCK * _clock()
    return made / (CURVES_A_ROW * problem.POINTS)


def _clock() -> float:
    """Highest clock of the multiprocessors, 1/s."""
    command = ["nvidia-smi", "--query-gpu=clocks.max.sm", "--format=csv,noheader,nounits", "--id=0"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return 1e6 * float(said.split()[0])


def spectra(count: int, size: int, device: str, threads: int) -> dict[str, Any]:
    """Free energies of ``count`` peaks for so many spectra as one target, after a small run that compiles.

    Returns
    -------
    dict
        ``wall_seconds``, ``engine``, ``rows``; ``standard_error`` and ``reliable``, one entry a spectrum;
        ``device_mib``, the most memory of the GPU that tensors took.
    """
    torch.set_num_threads(threads)
    _run(count, 1, device, threads, seed=1_000_000)
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    engine, runs = _run(count, size, device, threads)
    return {
        "wall_seconds": time.perf_counter() - began,
        "engine": engine,
        "rows": sum(run.likelihood_rows for run in runs),
        "standard_error": [run.free_energy.standard_error for run in runs],
        "free_energy_exc": [run.free_energy.value - ours.NORMALISER for run in runs],
        "reliable": [run.verdict.reliable for run in runs],
        "device_mib": torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else 0.0,
    }


def _run(count: int, size: int, device: str, threads: int, seed: int = 1) -> tuple[str, Any]:
    """Runs of the first spectra, and the engine that made them."""
    target = ours.target_of(count, range(size), device=device)
    names = [GroupName(f"spectrum{number}", (f"spectrum{number}",)) for number in range(size)]
    settings = Settings(seed=seed, engine="auto", target_standard_error=ours.TARGET, threads=threads)
    return choose(target).engine, replica_exchange(target, names, settings)
