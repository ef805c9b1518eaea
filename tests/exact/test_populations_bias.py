"""Tempered SMC, and the free energy that is quoted, are right on average, also of small populations.

Many independent runs of a linear system, whose free energy is known: the mean of estimate minus truth, and that of z,
are held to 3.9 of their errors. Four questions: false alarm on a new seed 4e-4. Tried on seeds 1, 2, 3.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.sampling import ladders, populations
from bayesbeam.sampling.cloud import cloud_edges
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.testsystems.linear_gaussian import linear_gaussian, linear_target

RUNS = 150
BOUND = 3.9


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight ancestors a population: tables of a population's own states then mislead it most; few sweeps."""
    monkeypatch.setattr(populations, "ANCESTORS", 8)
    monkeypatch.setattr(ladders, "TUNING", 10)


def distances(seed: int) -> dict[str, tuple[float, ...]]:
    """Mean of estimate minus truth, and of z, in units of their errors, of tempered SMC and of what is quoted."""
    exact = linear_gaussian(torch.Generator().manual_seed(1), points=8, positions=(), noise_sd=0.1)
    names = [GroupName(f"run {k}", ("member",)) for k in range(RUNS)]
    settings = Settings(seed=seed, max_sweeps=20, replicas=8, engine="cpu")
    runs = replica_exchange(linear_target([exact] * RUNS), names, settings)
    found: dict[str, list[FreeEnergy]] = {
        "smc": [run.estimators["smc"] for run in runs],
        "quoted": [run.free_energy for run in runs],
    }
    return {name: _distance(*_gaps(made, exact.free_energy())) for name, made in found.items()}


def _gaps(made: list[FreeEnergy], truth: float) -> tuple[np.ndarray, np.ndarray]:
    gap = np.array([one.value - truth for one in made])
    return gap, gap / np.array([one.standard_error for one in made])


def _distance(*columns: np.ndarray) -> tuple[float, ...]:
    return tuple(float(c.mean() / c.std(ddof=1) * np.sqrt(len(c))) for c in columns)


def test_free_energies_of_small_populations_are_right_on_average() -> None:
    for name, found in distances(1).items():
        assert max(abs(value) for value in found) < BOUND, name


def test_tables_made_of_the_states_that_are_about_to_move_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the halves of even and odd chains: half a standard error of a run."""

    def of_all(prior: torch.Tensor, cloud: torch.Tensor, kinds: list[list[int]]) -> torch.Tensor:
        together = cloud_edges(prior, cloud.flatten(2, 3)[:, :, None], kinds)
        return together.expand(-1, -1, -1, 2, -1, -1)

    monkeypatch.setattr(populations, "cloud_edges", of_all)
    assert min(distances(1)["smc"]) > BOUND
