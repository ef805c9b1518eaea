"""Random linear problems through the sampler against their exact solutions: free energies and posterior means as a set.

Each number is z = (sampled - exact) / stated error, mapped through Student's t with the stated degrees of freedom (for
means, with those of ten chains) to a standard normal number. Of 200 problems |z| > 3 is expected 0.54 times for free
energies and as often for means: five or more happen with a probability of 2e-4. Mean, spread and coverage of 95 %
intervals are held within 3.9 of their own errors (1e-4 each). Of 24 problems, which CI takes, the same with their
number: 0.065 beyond 3 expected, three or more with 4e-5. The whole test fails by chance once in a thousand times.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.models.regressors import of_power
from bayesbeam.sampling import solved
from bayesbeam.sampling.groups import GroupName
from bayesbeam.sampling.run import replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.parts import Part
from bayesbeam.targets.sum import SumTarget, sum_target

Array = NDArray[np.float64]
PROBLEMS = pytest.mark.parametrize("problems", [24, pytest.param(200, marks=pytest.mark.nightly)])
KINDS = ("normal", "flat", "half", "cut")
SETTINGS = Settings(seed=6, target_standard_error=0.1, engine="auto")
BEYOND = {24: 2, 200: 4}


def prior_of(rng: np.random.Generator, kind: str, truth: float) -> priors.Prior:
    if kind == "normal":
        return priors.make_prior("normal", mean=truth + rng.normal(), sd=rng.uniform(0.5, 2.0))
    if kind == "flat":
        return priors.make_prior("uniform", low=truth - rng.uniform(1.0, 6.0), high=truth + rng.uniform(1.0, 6.0))
    if kind == "half":
        return priors.make_prior("half_normal", sd=rng.uniform(0.5, 2.0))
    low = truth - rng.uniform(0.0, 1.0)
    high = low + rng.uniform(0.5, 3.0)
    return priors.make_prior("truncated_normal", mean=truth, sd=rng.uniform(0.5, 2.0), low=low, high=high)


def problems_of(kind: str, level: str, count: int) -> SumTarget:
    """A constant, x and x^2 on a few points, as many times with other data and priors; one of the terms bounded."""
    rng = np.random.default_rng([17, KINDS.index(kind), len(level)])
    points, terms = 14, (registry.get("constant"), of_power(1.0), of_power(2.0))
    x = np.sort(rng.uniform(-2.0, 2.0, (count, points)), axis=1)
    kinds = (kind, "normal", kind if kind != "cut" else "normal")
    truth = np.abs(rng.normal(size=(count, 3)))
    sd = rng.uniform(0.2, 1.0, count)
    powers = np.stack([x**k for k in range(3)], -1)
    y = np.einsum("gnk,gk->gn", powers, truth) + sd[:, None] * rng.standard_normal((count, points))
    parts = [
        Part(f"b{k}", one, 1, {one.parameters[0].name: [[prior_of(rng, kinds[k], t)] for t in truth[:, k]]})
        for k, one in enumerate(terms)
    ]
    model, own = ("normal", {}) if level == "known" else (
        "normal_scaled", {"scale": [[priors.make_prior("log_uniform", low=0.2, high=5.0)]] * count}
    )  # fmt: skip
    columns = [torch.from_numpy(v)[:, None] for v in (x, y, np.broadcast_to(sd[:, None], x.shape).copy())]
    return sum_target(*columns, torch.ones_like(columns[0]), parts, noise.get(model), own)


def normal_score(z: float, degrees: int) -> float:
    """Distance in stated errors as a standard normal number."""
    return float(np.sign(z) * stats.norm.isf(stats.t(degrees).sf(abs(z))))


def scores(problems: int, shift: float = 0.0) -> tuple[Array, Array]:
    """Scores of free energies, and of the posterior means of one coefficient of each problem."""
    free_energies, means = [], []
    cases = [(kind, level) for kind in KINDS for level in ("known", "free")]
    for kind, level in cases:
        target = problems_of(kind, level, problems // len(cases))
        names = [GroupName(f"{kind} {level} {g}", ("data",)) for g in range(target.groups)]
        for g, run in enumerate(replica_exchange(target, names, SETTINGS)):
            assert run.verdict.reliable, run.verdict.reasons
            solution = solved.solve(target.select(torch.tensor([g])))
            off = run.free_energy.value - solution.posterior.free_energy - shift
            free_energies.append(normal_score(off / run.free_energy.standard_error, run.free_energy.degrees_of_freedom))
            # another coefficient of each problem, for those of one problem depend on each other
            place = solution.places[g % 3]
            chains = run.theta[:, 0, :, place.slot].mean(0)
            error = chains.std(ddof=1) / math.sqrt(len(chains))
            means.append(normal_score((chains.mean() - solution.posterior.mean[g % 3]) / error, len(chains) - 1))
    return np.array(free_energies), np.array(means)


def check(score: Array) -> None:
    """Mean, spread, coverage and number beyond 3 of standard normal numbers."""
    n = len(score)
    within = int((np.abs(score) < stats.norm.ppf(0.975)).sum())
    beyond = int((np.abs(score) > 3.0).sum())
    words = f"mean {score.mean():.2f}, spread {score.std(ddof=1):.2f}, {within} of {n} within, {beyond} beyond 3"
    print(words)
    assert abs(score.mean()) < 3.9 / math.sqrt(n), words
    assert abs(score.std(ddof=1) - 1.0) < 3.9 / math.sqrt(2.0 * n), words
    assert within >= 0.95 * n - 3.9 * math.sqrt(0.0475 * n), words
    assert beyond <= BEYOND[n], words


@PROBLEMS
def test_the_sampler_agrees_with_closed_forms(problems: int) -> None:
    free_energies, means = scores(problems)
    check(free_energies)
    check(means)


def test_a_planted_shift_is_seen() -> None:
    """Of 0.1 nats, a few of the stated errors."""
    with pytest.raises(AssertionError, match="mean"):
        check(scores(24, shift=0.1)[0])


def test_a_planted_prior_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact solutions in which every normal prior is a tenth wider."""
    right: Callable[..., solved.Coefficients] = solved._coefficients

    def wrong(*arguments: object) -> solved.Coefficients:
        found = right(*arguments)
        return solved.Coefficients(found.mean, 1.1 * found.sd, found.low, found.high)

    monkeypatch.setattr(solved, "_coefficients", wrong)
    with pytest.raises(AssertionError):
        check(scores(24)[0])
