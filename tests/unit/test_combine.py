"""The quoted estimate where evidence is missing, and the error that a stopping rule compares."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from bayesbeam.errors import LadderError
from bayesbeam.evidence.combine import _or_rough, combine, steady_error
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.evidence.smc import lagging, populations, smc_product, smc_sources, without_error

FloatArray = NDArray[np.float64]

BETA = np.array([0.0, 0.01, 0.1, 0.3, 1.0])
STAGE_BETA = np.array([0.0, 0.02, 0.2, 1.0])
INF = math.inf


def draws(beta: FloatArray, shape: tuple[int, ...], seed: int) -> list[FloatArray]:
    """Log-likelihoods of a Gaussian in three dimensions: F = 5 + 1.5 ln 301 = 13.56."""
    rng = np.random.default_rng(seed)
    return [-5.0 - 0.5 * rng.chisquare(3, shape) / (b + 1.0 / 300.0) for b in beta]


def ladder() -> FloatArray:
    return np.stack(draws(BETA, (60, 6), 1), axis=-1)


def stages() -> list[FloatArray]:
    return draws(STAGE_BETA, (6, 40), 2)


def all_values(log_likelihood: FloatArray, states: list[FloatArray]) -> dict[str, FreeEnergy]:
    """Every estimate; warnings are errors here."""
    found = combine(log_likelihood, BETA, states, STAGE_BETA)
    return {"quoted": found.free_energy, **found.estimators}


def no_prior_draw(x: FloatArray, s: list[FloatArray]) -> None:
    x[..., 0] = s[0][:] = -INF


def nothing_anywhere(x: FloatArray, s: list[FloatArray]) -> None:
    x[:] = -INF
    for stage in s:
        stage[:] = -INF


def a_rung(x: FloatArray, s: list[FloatArray]) -> None:
    x[..., 2] = -INF


def the_last_rung(x: FloatArray, s: list[FloatArray]) -> None:
    x[..., -1] = -INF


def one_chain_above_the_prior(x: FloatArray, s: list[FloatArray]) -> None:
    x[:5, 3, 1:] = -INF


def no_population_after_the_first_stage(x: FloatArray, s: list[FloatArray]) -> None:
    for stage in s[1:]:
        stage[:] = -INF


@pytest.mark.parametrize(
    ("lost", "infinite"),
    [
        (no_prior_draw, "quoted bar stepping_stone_forward stepping_stone_backward smc"),
        (nothing_anywhere, "quoted bar stepping_stone_forward stepping_stone_backward smc"),
        (a_rung, "quoted bar stepping_stone_forward stepping_stone_backward"),
        (the_last_rung, "quoted bar stepping_stone_backward"),
        (one_chain_above_the_prior, "quoted bar stepping_stone_backward"),
        (no_population_after_the_first_stage, "quoted smc"),
    ],
)
def test_no_evidence_is_infinite_and_has_no_error(lost: Callable[..., None], infinite: str) -> None:
    x, s = ladder(), stages()
    lost(x, s)
    found = all_values(x, s)
    assert {name for name, f in found.items() if f.value == INF and math.isnan(f.standard_error)} == set(
        infinite.split()
    )
    assert all(math.isfinite(f.value) and f.standard_error > 0 for f in found.values() if f.value != INF)


@pytest.mark.parametrize("bad", [math.nan, INF])
def test_what_is_no_log_likelihood_has_no_error_and_makes_no_noise(bad: float) -> None:
    x, s = ladder(), stages()
    x[3, 2, 1] = bad
    found = all_values(x, s)
    assert math.isnan(found["quoted"].standard_error)
    assert math.isnan(found["bar"].standard_error)


def test_a_part_of_the_prior_without_likelihood_is_counted_by_every_estimate() -> None:
    """Three quarters of the prior are impossible: F rises by ln 4, in every estimate, to within the counts' errors."""
    x, s = ladder(), stages()
    right = all_values(x, s)
    x[np.arange(60) % 4 > 0, :, 0] = -INF
    s[0][:, np.arange(40) % 4 > 0] = -INF
    found = all_values(x, s)
    # The draws that are left are fewer, so the means over them move within the errors.
    for name, f in found.items():
        assert abs(f.value - right[name].value - math.log(4)) < 3 * math.hypot(
            f.standard_error, right[name].standard_error
        )


def test_a_population_without_any_possible_state_counts_as_no_evidence() -> None:
    s = stages()
    for stage in s:
        stage[2] = -INF
    rest = smc_product(populations([np.delete(stage, 2, axis=0) for stage in s], STAGE_BETA))
    found = smc_product(populations(s, STAGE_BETA))
    # Mean evidence over six instead of five, up to the correction of bias of order 1/C.
    assert found.without[2] == pytest.approx(rest.value, abs=0.1)
    assert found.free_energy().standard_error > rest.free_energy().standard_error
    sources = smc_sources(populations(s, STAGE_BETA))
    assert sources[0].weight[1:, 2].tolist() == [0.0] * 3
    assert math.isfinite(combine(ladder(), BETA, s, STAGE_BETA).free_energy.standard_error)


def apart(log_evidence: list[float]) -> FreeEnergy:
    """Free energy of populations of one state each, with these evidences."""
    stages = [np.array(log_evidence)[:, None], np.zeros((len(log_evidence), 1))]
    return smc_product(populations(stages, np.array([0.0, 1.0]))).free_energy()


def test_error_of_log_normal_evidences_by_hand() -> None:
    """Variance of ln Z_c 1 without a large value among nine, 0.27 by the jackknife; then with three more lost."""
    values = [-1.0] * 4 + [1.0] * 4 + [0.0]
    assert np.var(values, ddof=1) == 1.0
    found = apart(values)
    assert found.standard_error == pytest.approx(math.sqrt((math.e - 1.0) / 9.0), rel=1e-12)
    assert found.standard_error > 1.5 * 0.27
    lost = apart([*values, -INF, -INF, -INF])
    assert lost.standard_error == pytest.approx(math.sqrt((math.e * 12.0 / 9.0 - 1.0) / 12.0), rel=1e-12)


def test_evidences_far_apart_have_a_large_error_or_none() -> None:
    assert 1.0 <= apart([0.0, 50.0, 0.0, 0.1]).standard_error < INF
    assert math.isnan(apart([0.0, 1e4, 0.0, 0.1]).standard_error)


@pytest.mark.parametrize(("gap", "lags"), [(0.0, False), (1.2, False), (-1.2, False), (1.3, True), (-1.3, True)])
def test_populations_lag_where_replica_exchange_is_more_than_two_and_a_half_errors_away(gap: float, lags: bool) -> None:
    """Errors of 0.3 and 0.4: joint 0.5."""
    smc = FreeEnergy(7.0, 0.3, 9)
    assert lagging(smc, FreeEnergy(7.0 + gap, 0.4, 9)) is lags
    assert lagging(without_error(smc), FreeEnergy(7.0 + gap, 0.4, 9))
    assert not lagging(smc, without_error(FreeEnergy(7.0 + gap, 0.4, 9)))
    assert without_error(smc).value == 7.0
    assert without_error(smc).degrees_of_freedom == 9
    assert math.isnan(without_error(smc).standard_error)


def test_the_only_population_with_evidence_leaves_no_error() -> None:
    s = stages()
    for stage in s:
        stage[1:] = -INF
    found = combine(ladder(), BETA, s, STAGE_BETA)
    assert math.isfinite(found.free_energy.value)
    assert math.isnan(found.free_energy.standard_error)
    assert math.isnan(found.estimators["smc"].standard_error)


def test_evidence_of_populations_by_hand() -> None:
    s = stages()
    z = np.ones(6)
    for k, gap in enumerate(np.diff(STAGE_BETA)):
        z *= np.exp(gap * s[k]).mean(axis=1)
    found = populations(s, STAGE_BETA)
    np.testing.assert_allclose(found.log_evidence[:, -1], np.log(z), rtol=1e-12)
    without = np.array([-math.log(np.delete(z, c).mean()) for c in range(6)])
    np.testing.assert_allclose(smc_product(found).without, without, rtol=1e-12)
    value = 6 * -math.log(z.mean()) - 5 * without.mean()
    assert smc_product(found).value == pytest.approx(value, rel=1e-12)


def test_the_same_numbers_in_another_layout_give_the_same_bits() -> None:
    x, s = ladder(), stages()
    s[1] = s[1][:, :25].copy()
    assert all_values(np.asfortranarray(x), [np.asfortranarray(stage) for stage in s]) == all_values(x, s)


@pytest.mark.parametrize(
    ("states", "beta"),
    [(3, STAGE_BETA), (4, STAGE_BETA[::-1]), (4, np.array([0.0, 0.02, 0.2, 0.9]))],
)
def test_stages_need_one_rising_inverse_temperature_each_from_0_to_1(states: int, beta: FloatArray) -> None:
    with pytest.raises(LadderError):
        combine(ladder(), BETA, stages()[:states], beta)


def at(error: float) -> FreeEnergy:
    return FreeEnergy(7.0, error, 9)


def test_the_error_for_a_stopping_rule_is_the_mean_rate_of_the_last_four_checks() -> None:
    checks = [(100.0, at(9.0)), (100.0, at(0.4)), (200.0, at(0.3)), (300.0, at(0.1)), (400.0, at(0.2))]
    rate = (100 * 0.16 + 200 * 0.09 + 300 * 0.01 + 400 * 0.04) / 4
    assert steady_error(checks) == FreeEnergy(7.0, pytest.approx(math.sqrt(rate / 400), rel=1e-14), 9)
    assert steady_error(checks[:1]) == at(9.0)


def test_checks_without_an_error_are_left_out_but_for_the_last() -> None:
    assert steady_error([(100.0, at(math.nan)), (400.0, at(0.2))]) == at(pytest.approx(0.2, rel=1e-14))
    assert math.isnan(steady_error([(100.0, at(0.2)), (400.0, at(math.nan))]).standard_error)


def test_chains_far_apart_have_a_rough_free_energy() -> None:
    finite = {
        "bar": FreeEnergy(100.0, np.nan, 9),
        "bridge": FreeEnergy(130.0, 1.0, 9),
        "smc": FreeEnergy(np.nan, 1.0, 9),
    }
    found = _or_rough(FreeEnergy(np.nan, np.nan, 9), finite)
    assert (found.value, found.standard_error) == (100.0, 30.0)
    whole = FreeEnergy(90.0, 0.1, 9)
    assert _or_rough(whole, finite) is whole
    impossible = dict.fromkeys(finite, FreeEnergy(np.inf, np.nan, 9))
    assert np.isinf(_or_rough(FreeEnergy(np.inf, np.nan, 9), impossible).value)
