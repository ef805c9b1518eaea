"""What every test shares: one thread a process, no screen, a seeded generator."""

from __future__ import annotations

import importlib.util
import os

# Before torch and numpy are imported: test processes share the cores among them.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"

from pathlib import Path

import numpy as np
import pytest
import torch

SEED = 2012
ROOT = Path(__file__).resolve().parent.parent

torch.set_num_threads(1)
# Kernels for a GPU run in Triton's interpreter where there is none; Triton asks once, when it is imported.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

# The same examples on every machine; the nightly run draws new and more ones. Tests of a GPU do without.
if importlib.util.find_spec("hypothesis") is not None:
    from hypothesis import HealthCheck, settings

    settings.register_profile(
        "default", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.register_profile(
        "nightly", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile(os.environ.get("BAYESBEAM_HYPOTHESIS", "default"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests of a CUDA device where there is none."""
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA device")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the repository."""
    return ROOT


@pytest.fixture
def generator() -> torch.Generator:
    """Torch generator with the tests' seed, on the CPU."""
    return torch.Generator().manual_seed(SEED)


@pytest.fixture
def numpy_rng() -> np.random.Generator:
    """NumPy generator with the tests' seed."""
    return np.random.default_rng(SEED)
