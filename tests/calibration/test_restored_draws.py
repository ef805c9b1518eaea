"""Draws of what was integrated out are calibrated with all others: ranks of the truth are even.

Each experiment draws two peaks, a straight line and the level of the noise from their priors, and 60 points from these.
The rank of each relabelled parameter, and of the log-likelihood of all of them, among 12 draws that are far apart must
be uniform (Talts et al., arXiv:1804.06788). Ten questions of the Kolmogorov-Smirnov kind at p > 1e-4: false alarm on a
new seed 1e-3. Tried on seeds 1 and 2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets import marginal_linear
from bayesbeam.targets.exchangeable import relabel
from bayesbeam.targets.marginalise import marginalised
from bayesbeam.targets.sum import Part, SumTarget, sum_target

POINTS, DRAWS_A_CHAIN, THRESHOLD = 60, 3, 1e-4
SETTINGS = Settings(seed=1, target_standard_error=5.0, max_sweeps=150, chains=4, engine="auto")
LINEAR = ("amplitude", "level", "slope")


def experiments(count: int, seed: int) -> tuple[SumTarget, torch.Tensor]:
    """Target of so many experiments, and the states (count, 1, 1, 1, P) that made their data."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(0.0, 3.0, POINTS, dtype=torch.float64).expand(count, 1, POINTS).clone()

    def each(family: str, **arguments: float) -> list[list[priors.Prior]]:
        return [[priors.make_prior(family, **arguments)]] * count

    parts = [
        Part("peaks", registry.get("gaussian"), 2, {
            "amplitude": each("normal", mean=0.5, sd=0.5), "position": each("uniform", low=0.3, high=2.7),
            "sd": each("log_uniform", low=0.1, high=0.5),
        }),
        Part("line", registry.get("linear"), 1, {
            "level": each("normal", mean=0.0, sd=1.0), "slope": each("normal", mean=0.2, sd=0.5),
            "pivot": each("fixed", value=1.5),
        }),
    ]  # fmt: skip
    scale = {"scale": each("log_uniform", low=0.5, high=2.0)}
    sd = torch.full_like(x, 0.1)

    def of(y: torch.Tensor) -> SumTarget:
        return sum_target(x, y, sd, torch.ones_like(x), parts, noise.get("normal_scaled"), scale)

    empty = of(torch.zeros_like(x))
    u = torch.rand((len(empty.slots), count, 1, 1, 1), generator=generator, dtype=torch.float64)
    truth = empty.from_uniform(u.clamp(min=1e-12))
    curve = empty.rows(truth).sum(0)[:, :, 0, 0]
    level = 0.1 * truth[:, :, 0, 0, -1:]
    return of(curve + level * torch.randn(curve.shape, generator=generator, dtype=torch.float64)), truth


def p_values(count: int, seed: int) -> dict[str, float]:
    """P-values of uniform ranks, of all parameters and of the log-likelihood; the smallest of each name."""
    target, truth = experiments(count, seed)
    left = marginalised(target, [j for j in target.moving if target.slots[j].parameter in LINEAR])
    names = [GroupName(f"experiment {k}", ("data",)) for k in range(count)]
    runs = replica_exchange(left, names, replace(SETTINGS, seed=seed))
    true_likelihood = target.log_likelihood(target.rows(truth).sum(0), truth)[:, 0, 0, 0].numpy()
    true_states = relabel(target, truth[:, :, 0, 0].numpy()[:, None])[:, 0, 0]
    ranks: list[list[float]] = []
    generator = np.random.default_rng(seed)
    for k, run in enumerate(runs):
        one = target.select(torch.tensor([k]))
        states = torch.from_numpy(run.theta.transpose(1, 2, 0, 3).copy())[None]
        likelihood = one.log_likelihood(one.rows(states).sum(0), states)[0, 0].T.numpy()
        ordered = relabel(target, run.theta.transpose(0, 2, 1, 3))[:, :, 0]
        made = [(some(ordered[..., j]), true_states[k, j]) for j in target.moving]
        made.append((some(likelihood), true_likelihood[k]))
        # A rank and a fraction: uniform in [0, 1] and not only on 13 values.
        ranks.append([((d < t).sum() + generator.random()) / (d.size + 1) for d, t in made])
    found: dict[str, float] = {}
    words = [target.slots[j].parameter for j in target.moving] + ["likelihood"]
    for word, rank in zip(words, np.array(ranks).T, strict=True):
        found[word] = min(found.get(word, 1.0), float(stats.kstest(rank, "uniform").pvalue))
    return found


def some(draws: np.ndarray) -> np.ndarray:
    """Draws (S, C), a few of each chain, far apart."""
    each = len(draws) // DRAWS_A_CHAIN
    return draws[each - 1 :: each][:DRAWS_A_CHAIN].ravel()


def test_ranks_of_eighty_experiments_are_uniform() -> None:
    assert min(p_values(80, 1).values()) > THRESHOLD


def test_draws_without_their_conditional_covariance_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marginal_linear, "normals", lambda u, v: torch.zeros_like(u))
    found = p_values(80, 1)
    assert min(found[word] for word in (*LINEAR, "likelihood")) < THRESHOLD
    assert min(found[word] for word in ("position", "sd", "scale")) > THRESHOLD


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ranks_of_a_thousand_experiments_are_uniform(seed: int) -> None:
    assert min(p_values(1000, seed).values()) > THRESHOLD
