"""A narrow spike with most of the evidence: found where the first cloud meets it, and near a starting point.

The first cloud is 2560 draws; one lies within two widths of the centre with probability 0.999 at a width of 1.7e-3.
Right is within 4, mapped through Student's t to a normal score (6e-5 a run), or the verdict "not reliable": false alarm
of 200 runs 1.3 %, of 20 runs 1e-3. A missed spike is ln 10 off, more than 50 stated errors.
"""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.testsystems.spike_and_slab import SpikeAndSlab

SETTINGS = Settings(seed=1, target_standard_error=0.3, max_sweeps=2000)
MET = [1e-2, 1.7e-3]
STARTED = [(1e-4, 2.0), (1e-5, 2.0), (1e-6, 0.0), (1e-6, 2.0), (1e-6, 4.0)]


def silent(width: float, runs: int, widths_off: float | None = None) -> int:
    """Runs that are wrong and called reliable; ``widths_off`` is where a starting point lies."""
    system = SpikeAndSlab(width)
    starts = None
    if widths_off is not None:
        starts = [torch.full((1, 1, 1), widths_off * width, dtype=torch.float64)] * runs
    names = [GroupName(f"run {k}", ("data",)) for k in range(runs)]
    found = replica_exchange(system.target(runs), names, SETTINGS, starts=starts)
    bound = 0
    for run in found:
        one = run.free_energy
        far = stats.t(one.degrees_of_freedom).sf(abs(one.value - system.free_energy()) / one.standard_error)
        bound += run.verdict.reliable and not far >= stats.norm.sf(4.0)
    return bound


@pytest.mark.parametrize("width", MET)
def test_a_spike_that_the_first_cloud_meets(width: float) -> None:
    assert silent(width, 20) == 0


def test_a_narrow_spike_near_a_starting_point() -> None:
    assert silent(1e-6, 20, 2.0) == 0


def test_a_spike_that_nobody_met_is_caught() -> None:
    """The case that must be seen: without a starting point most runs miss it, and do not know."""
    assert silent(1e-6, 20) > 10


@pytest.mark.nightly
@pytest.mark.parametrize("width", MET)
def test_a_spike_that_the_first_cloud_meets_two_hundred_times(width: float) -> None:
    assert silent(width, 200) == 0


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "widths_off"), STARTED)
def test_a_narrow_spike_near_a_starting_point_two_hundred_times(width: float, widths_off: float) -> None:
    assert silent(width, 200, widths_off) == 0
