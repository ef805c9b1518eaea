"""Posteriors of simulated experiments of the 2012 problem with two peaks are calibrated: ranks of the truth are even.

Each experiment draws the peaks from the prior and 301 points from the peaks. The rank of each relabelled parameter, and
of the log-likelihood of the truth, among 12 draws that are far apart must then be uniform (Talts et al.,
arXiv:1804.06788; the log-likelihood after Modrak et al., Bayesian Anal. 2023). Seven questions, each of the
Kolmogorov-Smirnov kind at p > 1e-4: false alarm on a new seed 7e-4. Tried on seeds 1 and 2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from bayesbeam import noise
from bayesbeam.models import registry
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.exchangeable import relabel
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.one_peak import NOISE_SD, PRIORS

PEAKS = 2
POINTS = 301
DRAWS_A_CHAIN = 3
THRESHOLD = 1e-4
SETTINGS = Settings(seed=1, target_standard_error=5.0, max_sweeps=150, chains=4, engine="auto")


def experiments(count: int, seed: int, noise_of_data: float = 1.0) -> tuple[SumTarget, torch.Tensor]:
    """Target of so many experiments, and the states (count, 1, 1, 1, P) that made their data."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(0.0, 3.0, POINTS, dtype=torch.float64).expand(count, 1, POINTS).clone()
    nested = {name: [[prior]] * count for name, prior in PRIORS.items()}
    part = Part("peaks", registry.get("gaussian_precision"), PEAKS, nested)
    sd = torch.full_like(x, NOISE_SD)

    def of(y: torch.Tensor) -> SumTarget:
        return sum_target(x, y, sd, torch.ones_like(x), [part], noise.get("normal"), {})

    empty = of(torch.zeros_like(x))
    u = torch.rand((len(empty.slots), count, 1, 1, 1), generator=generator, dtype=torch.float64)
    truth = empty.from_uniform(u.clamp(min=1e-12))
    curve = empty.rows(truth).sum(0)[:, :, 0, 0]
    noise_sd = noise_of_data * NOISE_SD
    return of(curve + noise_sd * torch.randn(curve.shape, generator=generator, dtype=torch.float64)), truth


def smallest_p(count: int, seed: int, noise_of_data: float = 1.0) -> float:
    """Smallest p-value of uniform ranks, of all parameters and the log-likelihood."""
    target, truth = experiments(count, seed, noise_of_data)
    names = [GroupName(f"experiment {k}", ("data",)) for k in range(count)]
    runs = replica_exchange(target, names, replace(SETTINGS, seed=seed))
    true_likelihood = target.log_likelihood(target.rows(truth).sum(0), truth)[:, 0, 0, 0].numpy()
    # (G, D, C, R, P) to draws first, (S, C, D, P), as relabel wants them.
    true_states = relabel(target, truth[:, :, 0, 0].numpy()[:, None])[:, 0, 0]
    ranks = []
    generator = np.random.default_rng(seed)
    for k, run in enumerate(runs):
        ordered = relabel(target, run.theta.transpose(0, 2, 1, 3))[:, :, 0]
        likelihood = run.log_likelihood[:, :, -1]
        made = [(column(ordered[..., j]), true_states[k, j]) for j in target.moving]
        made.append((column(likelihood), true_likelihood[k]))
        # A rank and a fraction: uniform in [0, 1] and not only on 13 values.
        ranks.append([((d < t).sum() + generator.random()) / (d.size + 1) for d, t in made])
    return min(float(stats.kstest(rank, "uniform").pvalue) for rank in np.array(ranks).T)


def column(draws: np.ndarray) -> np.ndarray:
    """Draws (S, C), a few of each chain, far apart."""
    first = len(draws) // DRAWS_A_CHAIN - 1
    return draws[first :: len(draws) // DRAWS_A_CHAIN][:DRAWS_A_CHAIN].ravel()


def test_ranks_of_a_hundred_experiments_are_uniform() -> None:
    assert smallest_p(100, 1) > THRESHOLD


def test_data_with_more_noise_than_the_model_says_are_caught() -> None:
    """Half as much again: posteriors that are too narrow. The long form sees 15 %."""
    assert smallest_p(40, 1, noise_of_data=1.5) < THRESHOLD


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ranks_of_a_thousand_experiments_are_uniform(seed: int) -> None:
    assert smallest_p(1000, seed) > THRESHOLD


@pytest.mark.nightly
def test_data_with_slightly_more_noise_than_the_model_says_are_caught() -> None:
    assert smallest_p(400, 1, noise_of_data=1.15) < THRESHOLD
