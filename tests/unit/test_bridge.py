"""Bridge sampling against exact free energies; its error, and mistakes that it must not survive."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from bayesbeam import testsystems
from bayesbeam.evidence import combine as combine_module
from bayesbeam.evidence.bridge import Offered, bridge, pair_variances
from bayesbeam.evidence.combine import combine
from bayesbeam.sampling import offers
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.testsystems.base import log_likelihood_draws

CHAINS, DRAWS, TRUTH = 10, 100, 7.3
DENSITY, POSTERIOR = stats.t(8, 0.3, 1.4), stats.norm()


def offered(seed: int, draws: int = DRAWS) -> Offered:
    """Independent draws of a t density and of a normal posterior with evidence e^-TRUTH."""
    rng = np.random.default_rng(seed)
    log_weights = [
        POSTERIOR.logpdf(x) - TRUTH - DENSITY.logpdf(x)
        for x in (DENSITY.rvs((draws, CHAINS), random_state=rng), POSTERIOR.rvs((draws, CHAINS), random_state=rng))
    ]
    return Offered(*log_weights, 1.0, 1.0)


def test_value_and_error_of_many_replications() -> None:
    """400 of them: mean of z within 4.5 of its errors, spread to 4.5 of its own; the stated variance within a tenth."""
    found = [bridge(offered(seed)) for seed in range(400)]
    values = np.array([one.value for one, _ in found])
    z = np.array([(one.value - TRUTH) / one.free_energy().standard_error for one, _ in found])
    assert abs(z.mean()) < 4.5 / 20
    assert abs(values.mean() - TRUTH) < 4.5 * values.std() / 20
    assert abs(z.std() / np.sqrt(9 / 7) - 1) < 4.5 / np.sqrt(800) * 1.3
    assert np.mean([variance for _, variance in found]) == pytest.approx(values.var(), rel=0.3)


def test_impossible_offers_count_as_such() -> None:
    one = offered(1)
    half = np.where(np.arange(DRAWS)[:, None] % 2, one.of_density, -np.inf)
    value = bridge(replace(one, of_density=half))[0].value
    assert value == pytest.approx(bridge(one)[0].value + np.log(2), abs=0.15)
    assert np.isnan(bridge(replace(one, of_density=np.full_like(half, -np.inf)))[0].without).all()


def test_more_draws_of_one_kind_change_little() -> None:
    one, long = offered(1), offered(2, 700)
    assert bridge(replace(one, of_density=long.of_density))[0].value == pytest.approx(TRUTH, abs=0.1)


def test_variance_of_pairs_without_their_covariances() -> None:
    """Of 200 sums of pairs of a linear system, 0.6 of the spread (known to a tenth): covariances are left out."""
    system = testsystems.get("linear_gaussian_2")
    beta = torch.tensor([0.0, 0.05, 0.3, 1.0], dtype=torch.float64)
    generator = torch.Generator().manual_seed(3)
    many = log_likelihood_draws(system, beta, 50, 2000, generator).numpy()
    draws = [np.ascontiguousarray(many[:, 10 * k : 10 * k + 10]) for k in range(200)]
    spread = np.var([combine(one, beta).estimators["bar"].value for one in draws])
    assert np.mean([pair_variances(one, beta.numpy()) for one in draws]) == pytest.approx(0.6 * spread, rel=0.3)


def test_a_ladder_without_a_number_stays_so() -> None:
    """One chain far above the others: no number from the ladder is not mended by the other estimate."""
    ladder = np.full((50, CHAINS, 3), -np.inf)
    ladder[:, :, 0] = np.random.default_rng(1).normal(size=(50, CHAINS))
    found = combine(ladder, np.array([0.0, 0.4, 1.0]), offered=offered(1))
    assert np.isinf(found.free_energy.value)
    assert np.isnan(found.free_energy.standard_error)


def run(name: str, seed: int = 1) -> tuple[float, float]:
    """Distance of the bridge of a short run from the truth, in nats, and its stated error."""
    known = testsystems.get(name)
    made = replica_exchange(known.target(1), [GroupName("a", ("b",))], Settings(seed=seed, max_sweeps=100))
    found = made[0].estimators["bridge"]
    return found.value - known.free_energy(), found.standard_error


def test_orders_of_exchangeable_peaks_count(monkeypatch: pytest.MonkeyPatch) -> None:
    far, error = run("two_peaks")
    assert abs(far) < 5 * error < 0.1
    monkeypatch.setattr(offers, "log_orders", lambda target: 0.0)
    far, error = run("two_peaks")
    assert abs(far) == pytest.approx(np.log(2), abs=0.1)


def test_a_useless_density_has_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def part(*arguments: object) -> float:
        seen.append(original(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    original = combine_module._part
    monkeypatch.setattr(combine_module, "_part", part)
    rng = np.random.default_rng(5)
    beta, ladder = np.array([0.0, 0.4, 1.0]), rng.normal(size=(200, CHAINS, 3))
    good, bad = offered(1), offered(1)
    combine(ladder, beta, offered=good)
    combine(ladder, beta, offered=replace(bad, of_density=bad.of_density - 12.0 + 5.0 * rng.normal(size=(DRAWS, 10))))
    assert seen[1] < 0.1 < seen[0]
