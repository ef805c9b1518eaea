"""The check "none of these": error rates as stated for right models, wrong ones found and placed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from bayesbeam import noise
from bayesbeam.targets.misfit import Misfit, _farthest, _tail, combined, misfit, widths
from bayesbeam.targets.predictive import predict
from bayesbeam.testsystems.linear_gaussian import LinearGaussian, linear_gaussian, linear_target

EXPERIMENTS, DRAWS = 400, 60
TESTS = ("squares", "runs", "local", "together")


def checked(bend: float, experiments: int, noise_of_data: float = 1.0, seed: int = 3) -> list[Misfit]:
    """Checks of lines fitted to data of lines, with a bump and other noise that the model does not know."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(experiments):
        system = linear_gaussian(generator, points=60, positions=())
        line = system.y
        if noise_of_data != 1.0:
            line = line + math.sqrt(noise_of_data**2 - 1.0) * system.sd * torch.randn(
                line.shape, generator=generator, dtype=torch.float64
            )
        bent = LinearGaussian(system.x, line + bend * torch.exp(-0.5 * ((system.x - 0.5) / 0.1) ** 2), system.sd)
        states = bent.states(bent.draws(1.0, (DRAWS,), generator)).numpy()
        found.append(predict(linear_target([bent]), states, 0, generator).misfit)
    return found


@pytest.fixture(scope="module")
def right() -> list[Misfit]:
    return checked(0.0, EXPERIMENTS)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("level", [0.05, 0.2])
def test_right_models_are_refused_as_often_as_stated(right: list[Misfit], test: str, level: float) -> None:
    """Within 4.5 binomial errors; the number of runs, a whole number, is allowed to refuse up to 2 % less."""
    share = float(np.mean([getattr(one, test) < level for one in right]))
    error = math.sqrt(level * (1 - level) / EXPERIMENTS)
    assert -4.5 * error - 0.02 < share - level < 4.5 * error


def test_the_error_rate_test_sees_noise_that_is_a_quarter_too_large() -> None:
    share = np.mean([one.squares < 0.05 for one in checked(0.0, 100, noise_of_data=1.25)])
    assert share > 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / 100)


def test_a_bump_that_the_model_lacks_is_found_and_placed() -> None:
    found = checked(1.6, 40)
    assert np.mean([one.together < 0.01 for one in found]) > 0.9
    axis = linear_gaussian(torch.Generator().manual_seed(3), points=60, positions=()).x[0].numpy()
    holds = [axis[one.first] < 0.5 < axis[one.last] and one.deviation > 0 for one in found if one.together < 0.01]
    assert np.mean(holds) > 0.8


def test_residuals_of_one_sign_in_turn_are_no_misfit_of_runs_and_those_in_blocks_are() -> None:
    z = np.abs(np.random.default_rng(1).standard_normal((1, 100)))
    turn, block = np.resize([1.0, -1.0], 100), np.repeat([1.0, -1.0, 1.0, -1.0], 25)
    assert misfit(z * turn).runs > 0.99
    assert misfit(z * block).runs < 1e-10


@pytest.mark.parametrize("points", [20, 301])
def test_the_farthest_neighbourhood_is_as_probable_as_stated(points: int) -> None:
    """The formula is matched to 2000 spectra, which know a probability of 0.05 to a tenth; half more is seen."""
    rng = np.random.default_rng(points)
    rows = [rng.standard_normal((2000, points)) for _ in range(10)]
    p = np.concatenate([_tail(_farthest(some)[0], points) for some in rows])

    def agrees(found: np.ndarray) -> bool:
        # 4.5 binomial errors, and a fifth for the formula
        shares = [(level, float((found < level).mean())) for level in (0.01, 0.05, 0.1)]
        return all(abs(share - level) < 4.5 * math.sqrt(level / p.size) + 0.2 * level for level, share in shares)

    assert agrees(p)
    assert not agrees(1.5 * p)
    assert not agrees(0.5 * p)
    assert misfit(rows[0][:1]).local == pytest.approx(p[0], rel=1e-9)


def test_runs_are_as_probable_as_coins_with_half_of_what_is_as_rare() -> None:
    """Five points, four places where the sign may change: 1, 4, 6, 4 and 1 of sixteen."""
    signs = [[1, 1, 1, 1, 1], [1, 1, -1, -1, -1], [1, -1, -1, 1, 1], [1, -1, 1, 1, -1], [1, -1, 1, -1, 1]]
    expected = [0.5 / 16, 3 / 16, 8 / 16, 13 / 16, 15.5 / 16]
    assert [misfit(np.array([row], dtype=float)).runs for row in signs] == pytest.approx(expected, rel=1e-12)


def test_combination_of_equal_p_values_is_that_value_and_of_independent_ones_is_uniform() -> None:
    assert combined(np.full(7, 0.03)) == pytest.approx(0.03, rel=1e-9)
    assert combined(np.full(3, 1e-200)) == pytest.approx(1e-200, rel=1e-6)
    p = np.random.default_rng(2).random((4000, 3))
    share = np.mean([combined(row) < 0.05 for row in p])
    assert abs(share - 0.05) < 4.5 * math.sqrt(0.05 * 0.95 / 4000)


def test_one_point_and_a_perfect_fit_have_an_answer() -> None:
    assert 0 <= misfit(np.zeros((3, 1))).together <= 1
    assert misfit(np.zeros((2, 50))).squares == pytest.approx(0.99, abs=0.011)
    with pytest.raises(ValueError, match="draws and points are needed"):
        misfit(np.zeros((0, 5)))


def test_widths_begin_at_one_point_and_end_at_a_quarter() -> None:
    assert widths(3) == [1]
    assert widths(100)[0] == 1
    assert widths(100)[-1] <= 25


@pytest.mark.parametrize("mean", [0.3, 4.0, 5000.0])
def test_scores_of_counts_are_standard_normal(mean: float, generator: torch.Generator) -> None:
    f = torch.full((20000,), mean, dtype=torch.float64)
    y = torch.poisson(f, generator=generator)
    z = noise.get("poisson").normal_scores(y, f, torch.ones_like(f), f[:0], generator)
    assert stats.kstest(z.numpy(), "norm").pvalue > 1e-4


def test_scores_of_counts_far_from_their_mean_are_those_of_the_tail(generator: torch.Generator) -> None:
    counts = noise.get("poisson")
    for y, f in ((0.0, 400.0), (700.0, 400.0), (60.0, 3.0)):
        pair = torch.tensor([y], dtype=torch.float64), torch.tensor([f], dtype=torch.float64)
        z = float(counts.normal_scores(*pair, torch.ones(1), torch.empty(0), generator))
        law = stats.poisson(f)
        if y < f:
            assert stats.norm.logcdf(z) <= law.logcdf(y) + 1e-9
            assert y == 0 or stats.norm.logcdf(z) >= law.logcdf(y - 1)
        else:
            assert law.logsf(y) - 1e-9 <= stats.norm.logsf(z) <= law.logsf(y - 1) + 1e-9
