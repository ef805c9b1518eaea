"""Stated probabilities of the number of peaks hold, and so do the intervals of their positions.

Spectra are simulated with one to six Gaussian peaks, parameters drawn from the priors, and each is analysed with one to
six peaks under those priors. Then, of all statements "this spectrum has K peaks with probability p", the share p is
right (Dawid, J. Am. Stat. Assoc. 77, 605, 1982), and 95 % intervals of positions at the true K cover 95 % of them.
The expected calibration error is that of Naeini, Cooper and Hauskrecht (AAAI 2015), over all statements in ten bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bayesbeam import noise
from bayesbeam.evidence.model_posterior import model_posterior
from bayesbeam.library_models import read_prior
from bayesbeam.models import registry
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.exchangeable import relabel
from bayesbeam.targets.sum import Part, SumTarget, sum_target

Array = NDArray[np.float64]

COUNTS = (1, 2, 3, 4, 5, 6)
PRIORS = {
    "amplitude": "gamma(shape=5, rate=5)",
    "position": "uniform(low=0.2, high=2.8)",
    "sd": "log_uniform(low=0.05, high=0.2)",
}
NOISE_SD, POINTS, BATCH = 0.15, 151, 25
SETTINGS = Settings(seed=1, target_standard_error=0.1, engine="auto")


@dataclass(frozen=True)
class Study:
    """Simulated spectra and what was stated of them.

    Attributes
    ----------
    truth : array (n,)
        True number of peaks.
    free_energy, standard_error : array (n, 6)
        Of one to six peaks.
    reliable : array (n, 6) of bool
    covered : list of array (K,) of bool
        Whether the 95 % interval of each position at the true number holds the truth, one array a spectrum.
    """

    truth: NDArray[np.int64]
    free_energy: Array
    standard_error: Array
    reliable: NDArray[np.bool_]
    covered: list[NDArray[np.bool_]]

    def probability(self, slip: Array | None = None) -> Array:
        """Stated probabilities (n, 6), with a mistake (6,) in the free energies if one is planted."""
        added = self.free_energy if slip is None else self.free_energy + slip
        pairs = zip(added, self.standard_error, strict=True)
        return np.array([model_posterior(f, error).probability for f, error in pairs])


def target_of(y: torch.Tensor, count: int) -> SumTarget:
    """Target of spectra (G, 1, N) with so many peaks."""
    x = torch.linspace(0.0, 3.0, POINTS, dtype=torch.float64).expand_as(y).contiguous()
    nested = {name: [[read_prior(name, text)]] * len(y) for name, text in PRIORS.items()}
    part = Part("peaks", registry.get("gaussian"), count, nested)
    sd = torch.full_like(x, NOISE_SD)
    return sum_target(x, y, sd, torch.ones_like(x), [part], noise.get("normal"), {})


def study(spectra: int, seed: int) -> Study:
    """So many spectra, the same number of each count, a few at a time."""
    parts = [_batch(min(BATCH, spectra - start), seed, start) for start in range(0, spectra, BATCH)]
    return Study(
        truth=np.concatenate([part.truth for part in parts]),
        free_energy=np.concatenate([part.free_energy for part in parts]),
        standard_error=np.concatenate([part.standard_error for part in parts]),
        reliable=np.concatenate([part.reliable for part in parts]),
        covered=[one for part in parts for one in part.covered],
    )


def _batch(spectra: int, seed: int, start: int) -> Study:
    """Simulate and analyse spectra start to start + spectra."""
    truth = np.array([COUNTS[(start + k) % len(COUNTS)] for k in range(spectra)])
    y, positions = _simulated(truth, torch.Generator().manual_seed(1000 * seed + start))
    value, error = np.empty((spectra, len(COUNTS))), np.empty((spectra, len(COUNTS)))
    reliable = np.zeros((spectra, len(COUNTS)), dtype=bool)
    covered: list[NDArray[np.bool_]] = [np.empty(0, dtype=bool)] * spectra
    for j, count in enumerate(COUNTS):
        target = target_of(y, count)
        names = [GroupName(f"spectrum {start + k}, {count} peaks", ("data",)) for k in range(spectra)]
        for k, run in enumerate(replica_exchange(target, names, replace(SETTINGS, seed=seed))):
            value[k, j], error[k, j] = run.free_energy.value, run.free_energy.standard_error
            reliable[k, j] = run.verdict.word == "reliable"
            if truth[k] == count:
                draws = _positions(
                    target, relabel(target, run.theta.transpose(2, 0, 1, 3)).reshape(-1, len(target.slots))
                )
                low, high = np.quantile(draws, (0.025, 0.975), axis=0)
                covered[k] = (low <= positions[k]) & (positions[k] <= high)
    return Study(truth, value, error, reliable, covered)


def _simulated(truth: NDArray[np.int64], generator: torch.Generator) -> tuple[torch.Tensor, list[Array]]:
    """Spectra (n, 1, N) of so many peaks each, drawn from the priors, and their positions in order."""
    y = torch.empty((len(truth), 1, POINTS), dtype=torch.float64)
    positions = []
    for k, count in enumerate(truth):
        empty = target_of(torch.zeros((1, 1, POINTS), dtype=torch.float64), int(count))
        u = torch.rand((len(empty.slots), 1, 1, 1, 1), generator=generator, dtype=torch.float64)
        state = empty.from_uniform(u.clamp(min=1e-12))
        added = torch.randn(POINTS, generator=generator, dtype=torch.float64)
        y[k, 0] = empty.rows(state).sum(0)[0, 0, 0, 0] + NOISE_SD * added
        positions.append(np.sort(_positions(empty, state.reshape(1, -1).numpy())[0]))
    return y, positions


def _positions(target: SumTarget, states: Array) -> Array:
    """Positions (n, K) of states (n, P)."""
    return states[:, [j for j, slot in enumerate(target.slots) if slot.parameter == "position"]]


def calibration_error(probability: Array, truth: NDArray[np.int64], bins: int = 10) -> float:
    """Expected calibration error of all statements (n, K): mean over them of |stated - true share| of their bin."""
    stated, right = probability.ravel(), (np.array(COUNTS) == truth[:, None]).ravel()
    place = np.minimum((stated * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights=stated - right, minlength=bins)
    return float(np.abs(gaps).sum() / stated.size)


def by_chance(probability: Array, quantile: float) -> float:
    """Quantile of the calibration error that the stated probabilities would have if they were right."""
    rng = np.random.default_rng(1)
    cumulative = probability.cumsum(1)
    found = []
    for _ in range(2000):
        drawn = (rng.random((len(probability), 1)) > cumulative).sum(1).clip(max=len(COUNTS) - 1)
        found.append(calibration_error(probability, np.array(COUNTS)[drawn]))
    return float(np.quantile(found, quantile))


def coverage(covered: list[NDArray[np.bool_]]) -> tuple[float, float]:
    """Share of positions covered and its standard error, positions of one spectrum taken as dependent."""
    hits, sizes = np.array([c.sum() for c in covered]), np.array([c.size for c in covered])
    share = hits.sum() / sizes.sum()
    return float(share), float(math.sqrt(np.square(hits - share * sizes).sum()) / sizes.sum())


def test_the_calibration_error_is_small_for_right_statements_and_large_for_bold_ones() -> None:
    rng = np.random.default_rng(3)
    stated = rng.dirichlet(np.full(len(COUNTS), 0.3), 3000)
    drawn = (rng.random((3000, 1)) > stated.cumsum(1)).sum(1).clip(max=len(COUNTS) - 1)
    truth = np.array(COUNTS)[drawn]
    assert calibration_error(stated, truth) < by_chance(stated, 0.999)
    bold = stated**2 / (stated**2).sum(1, keepdims=True)
    assert calibration_error(bold, truth) > 1.5 * by_chance(bold, 0.999)


@pytest.fixture(scope="module")
def three_hundred() -> Study:
    return study(300, 1)


@pytest.mark.nightly
def test_stated_probabilities_of_the_number_of_peaks_hold(three_hundred: Study) -> None:
    """Error at most 0.03, and no more than right statements have in 999 of 1000 such studies."""
    stated = three_hundred.probability()
    error = calibration_error(stated, three_hundred.truth)
    print(f"calibration error {error:.4f}, by chance {by_chance(stated, 0.5):.4f}, {by_chance(stated, 0.999):.4f}")
    print(f"reliable {three_hundred.reliable.mean():.3f}, of the true number {right_number(three_hundred):.3f}")
    assert error <= 0.03
    assert error < by_chance(stated, 0.999)
    assert three_hundred.reliable.mean() > 0.95


@pytest.mark.nightly
def test_positions_at_the_true_number_are_covered_as_stated(three_hundred: Study) -> None:
    share, error = coverage(three_hundred.covered)
    print(f"covered {share:.4f} +- {error:.4f} of {sum(c.size for c in three_hundred.covered)}")
    assert abs(share - 0.95) < 3.3 * error


@pytest.mark.nightly
def test_a_symmetric_posterior_counted_once_too_often_is_seen(three_hundred: Study) -> None:
    """Free energies without the factor K! of peaks that cannot be told apart, as of a region of ordered positions."""
    slip = np.array([-math.lgamma(count + 1.0) for count in COUNTS])
    stated = three_hundred.probability(slip)
    assert calibration_error(stated, three_hundred.truth) > by_chance(stated, 0.999)


def right_number(found: Study) -> float:
    """Share of spectra whose most probable number of peaks is the true one."""
    return float((np.array(COUNTS)[found.probability().argmax(1)] == found.truth).mean())
