"""Free energies by the kernels for a GPU, which Triton's interpreter runs here, against exact ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.base import Target
from bayesbeam.testsystems import linear_gaussian, one_peak, poisson_gamma, two_peaks

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import interpreted

assert interpreted


def system(name: str) -> tuple[Target, float]:
    """Target and exact free energy."""
    if name == "one_peak":
        return one_peak.nagata_target(), one_peak.one_peak().free_energy
    every = [*linear_gaussian.systems(), *poisson_gamma.systems(), *two_peaks.systems()]
    found = next(one for one in every if one.name == name)
    return found.target(), found.free_energy()


@pytest.mark.parametrize(
    "name",
    [
        "poisson_gamma",
        *(
            pytest.param(name, marks=pytest.mark.nightly)
            for name in ("linear_gaussian_2", "linear_gaussian_12", "two_peaks", "one_peak")
        ),
    ],
)
def test_free_energies_by_kernels_are_exact(name: str) -> None:
    """Within 3 standard errors, and with a verdict that says so."""
    target, exact = system(name)
    settings = Settings(seed=11, engine="cuda", target_standard_error=0.2)
    run = replica_exchange(target, [GroupName("one", ("one",))], settings)[0]
    assert run.engine == "cuda"
    assert run.verdict.reliable, run.verdict.reasons
    z = (run.free_energy.value - exact) / run.free_energy.standard_error
    print(
        f"{name}: F {run.free_energy.value:.5f} +- {run.free_energy.standard_error:.5f}, exact {exact:.5f}, z {z:.2f}"
    )
    assert abs(z) <= 3.0
