"""What every noise model must do; a new one is tested by being there."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from bayesbeam import noise
from bayesbeam.errors import DataError
from bayesbeam.noise import NoiseData, NoiseModel

MODELS = [noise.get(name) for name in noise.names()]
NODES, WEIGHTS = (torch.tensor(part) for part in np.polynomial.legendre.leggauss(400))
REACH = 14.0
PREDICTIONS = torch.tensor([0.05, 0.7, 3.0, 40.0, 900.0], dtype=torch.float64)
SD = torch.tensor([0.02, 0.5, 1.0, 3.0, 30.0], dtype=torch.float64)
every = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


def phi_of(model: NoiseModel, n: int, seed: int = 3) -> Tensor:
    """Random noise parameters (n, n_phi) in their typical range."""
    u = torch.rand(n, len(model.parameters), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    low = torch.tensor([parameter.typical[0] for parameter in model.parameters], dtype=torch.float64)
    high = torch.tensor([parameter.typical[1] for parameter in model.parameters], dtype=torch.float64)
    return low + u * (high - low)


def rows_of(model: NoiseModel, batch: int, points: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Data (N,), standard deviations (N,), predictions (B, N) and noise parameters (B, n_phi)."""
    generator = torch.Generator().manual_seed(11)
    truth = 50.0 + 30.0 * torch.sin(torch.linspace(0.0, 9.0, points, dtype=torch.float64))
    base_sd = torch.sqrt(truth)
    phi = phi_of(model, batch)
    y = model.sample(truth, base_sd, phi[0], generator)
    prediction = truth * (0.9 + 0.2 * torch.rand(batch, 1, generator=generator, dtype=torch.float64))
    return y, base_sd, prediction, phi


def moments(model: NoiseModel, phi: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Total probability, mean, standard deviation and kurtosis of y, by sum or quadrature of the density."""
    phi = phi_of(model, len(PREDICTIONS)) if phi is None else phi.expand(len(PREDICTIONS), -1)
    if model.counts:
        # 900 + 40 sd: what is left out is below 1e-100
        y, weight = torch.arange(0.0, 2100.0, dtype=torch.float64).expand(len(PREDICTIONS), -1), torch.ones(())
    else:
        # sinh takes the ends to 6e5 sd, where tails that fall as y^-6 have 1e-17 of the variance left
        sd = model.standard_deviation(PREDICTIONS.unsqueeze(-1), SD.unsqueeze(-1), phi)
        y, weight = PREDICTIONS.unsqueeze(-1) + sd * torch.sinh(REACH * NODES), sd * REACH * torch.cosh(REACH * NODES)
        weight = weight * WEIGHTS
    log_density = model.log_density(y, PREDICTIONS.unsqueeze(-1), SD.unsqueeze(-1), phi)
    density = torch.exp(log_density) * weight
    mean = (density * y).sum(-1)
    apart = torch.square(y - mean.unsqueeze(-1))
    variance = (density * apart).sum(-1)
    return density.sum(-1), mean, torch.sqrt(variance), (density * apart * apart).sum(-1) / torch.square(variance)


def check_normalised(model: NoiseModel) -> None:
    """The density of one point is normalised over y, with the mean and standard deviation that are declared."""
    total, mean, sd, _ = moments(model)
    # 400 Gauss points over 28 units of a smooth density: rounding; Poisson sums of 2100 rounded logarithms: 1e-11
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0.0, atol=1e-10)
    torch.testing.assert_close(mean, model.expected(PREDICTIONS, SD), rtol=1e-9, atol=0.0)
    phi = phi_of(model, len(PREDICTIONS))
    declared = model.standard_deviation(PREDICTIONS.unsqueeze(-1), SD.unsqueeze(-1), phi).squeeze(-1)
    torch.testing.assert_close(sd, declared, rtol=1e-9, atol=0.0)


def check_sum(model: NoiseModel) -> None:
    """The likelihood of a row is the sum of its points."""
    y, base_sd, prediction, phi = rows_of(model, 6, 301)
    whole = model.log_likelihood(model.prepare(y, base_sd), prediction, phi)
    points = model.log_density(y, prediction, base_sd, phi)
    assert whole.shape == (6,)
    assert points.shape == (6, 301)
    # 301 terms of order 1 to 10 in another order
    torch.testing.assert_close(whole, points.sum(-1), rtol=1e-12, atol=1e-10)


def check_mask(model: NoiseModel) -> None:
    """Points of weight 0 do not count, whatever they hold."""
    y, base_sd, prediction, phi = rows_of(model, 6, 40)
    short = model.log_likelihood(model.prepare(y, base_sd), prediction, phi)
    weight = torch.cat([torch.ones(40), torch.zeros(9)])
    for rubbish in (0.0, -3.5, 1e6, math.nan):
        padded = model.prepare(_pad(y, rubbish), _pad(base_sd, rubbish), weight)
        for predicted in (0.0, -7.0, 300.0):
            result = model.log_likelihood(padded, _pad(prediction, predicted), phi)
            # the padding changes the order of a sum of 49 terms
            torch.testing.assert_close(result, short, rtol=1e-13, atol=1e-11)


def check_batch(model: NoiseModel, dtype: torch.dtype) -> None:
    """A batch equals a loop bit for bit, also for rows longer than one block of the sum."""
    for points in (1, 7, 301, 4096, 9001):
        y, base_sd, prediction, phi = rows_of(model, 12, points)
        data, rows = model.prepare(y, base_sd, dtype=dtype), prediction.to(dtype)
        batch = model.log_likelihood(data, rows, phi)
        assert batch.shape == (12,)
        assert batch.dtype == torch.float64
        assert torch.equal(batch, torch.stack([model.log_likelihood(data, rows[k], phi[k]) for k in range(12)]))
        shaped = model.log_likelihood(data, rows.reshape(2, 3, 2, points), phi.reshape(2, 3, 2, -1))
        assert torch.equal(shaped, batch.reshape(2, 3, 2))


def check_sample(model: NoiseModel) -> None:
    """Draws have the mean and spread of the density, and depend on the generator alone."""
    phi, draws = phi_of(model, 1)[0], 20000
    prediction = PREDICTIONS[1:].expand(draws, -1)
    y = model.sample(prediction, SD[1:], phi, torch.Generator().manual_seed(5))
    assert torch.equal(y, model.sample(prediction, SD[1:], phi, torch.Generator().manual_seed(5)))
    sd = model.standard_deviation(prediction, SD[1:], phi)[0]
    expected = model.expected(PREDICTIONS, SD)[1:]
    z = (y.mean(0) - expected) / sd * math.sqrt(draws)
    # two-sided 4.5 sd over 4 points: a false alarm in 40,000 seeds; the seed is fixed
    assert torch.all(z.abs() < 4.5)
    # variance of a sample variance: (kurtosis - 1)/n
    spread = torch.sqrt((moments(model, phi)[3][1:] - 1.0) / draws)
    assert torch.all((torch.square((y - expected) / sd).mean(0) - 1.0).abs() < 4.5 * spread)


def check_scores(model: NoiseModel) -> None:
    """Scores of draws are standard normal, and so are those of one point far off, on either side."""
    phi, generator = phi_of(model, 1)[0], torch.Generator().manual_seed(6)
    prediction = PREDICTIONS[1:].expand(5000, -1)
    y = model.sample(prediction, SD[1:], phi, generator)
    scores = model.normal_scores(y, prediction, SD[1:], phi, generator)
    assert scores.shape == prediction.shape
    for column in scores.T:
        # four tests on a fixed seed, a false alarm each in 1e4 seeds
        assert stats.kstest(column.numpy(), "norm").pvalue > 1e-4


def _pad(rows: Tensor, value: float) -> Tensor:
    """Nine points more."""
    return torch.cat([rows, torch.full((*rows.shape[:-1], 9), value, dtype=rows.dtype)], -1)


@every
def test_table_is_complete(model: NoiseModel) -> None:
    assert model.title
    for parameter in model.parameters:
        assert parameter.name
        assert parameter.unit
        assert parameter.description
        assert parameter.prior.endswith(")")
        assert parameter.support[0] < parameter.support[1]


@every
def test_density_is_normalised_with_the_declared_moments(model: NoiseModel) -> None:
    check_normalised(model)


@every
def test_row_is_the_sum_of_its_points(model: NoiseModel) -> None:
    check_sum(model)


@every
def test_padding_does_not_count(model: NoiseModel) -> None:
    check_mask(model)


@every
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_batch_equals_loop(model: NoiseModel, dtype: torch.dtype) -> None:
    check_batch(model, dtype)


@every
def test_draws_have_the_declared_moments(model: NoiseModel) -> None:
    check_sample(model)


@every
def test_scores_are_standard_normal(model: NoiseModel) -> None:
    check_scores(model)


@every
def test_single_precision_rows_stay_near_double(model: NoiseModel) -> None:
    y, base_sd, prediction, phi = rows_of(model, 6, 301)
    double = model.log_likelihood(model.prepare(y, base_sd), prediction, phi)
    single = model.log_likelihood(model.prepare(y, base_sd, dtype=torch.float32), prediction.float(), phi)
    # a residual of z sd is rounded at eps y/sd, so a row is off by about eps sum |z| y/sd < 6e-8 * 301 * 2 * 9
    assert torch.all((single - double).abs() < 5e-4)


@every
def test_one_call_serves_several_measurements(model: NoiseModel) -> None:
    y, base_sd, prediction, phi = rows_of(model, 4, 50)
    y, base_sd = torch.stack([y, y + 2.0]), torch.stack([base_sd, base_sd * 1.5])
    together = model.log_likelihood(model.prepare(y[:, None], base_sd[:, None]), prediction, phi)
    assert together.shape == (2, 4)
    for k in range(2):
        assert torch.equal(together[k], model.log_likelihood(model.prepare(y[k], base_sd[k]), prediction, phi))


@every
def test_nan_is_not_taken_for_a_rejection(model: NoiseModel) -> None:
    y, base_sd, prediction, phi = rows_of(model, 2, 20)
    prediction[1, 3] = math.nan
    result = model.log_likelihood(model.prepare(y, base_sd), prediction, phi)
    assert torch.isfinite(result[0])
    assert torch.isnan(result[1])


@every
def test_gradient_is_finite(model: NoiseModel) -> None:
    y, base_sd, prediction, phi = rows_of(model, 2, 20)
    prediction.requires_grad_()
    model.log_likelihood(model.prepare(y, base_sd), prediction, phi).sum().backward()
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()


@every
def test_excess_offset_is_the_gaussian_normaliser(model: NoiseModel) -> None:
    y, base_sd, _, phi = rows_of(model, 1, 30)
    offset = model.excess_offset(model.prepare(y, base_sd))
    if not model.known_gaussian:
        assert offset is None
        return
    perfect = model.log_likelihood(model.prepare(y, base_sd), y, phi[0])
    assert offset is not None
    torch.testing.assert_close(offset, -perfect, rtol=1e-15, atol=0.0)
    torch.testing.assert_close(offset, 0.5 * torch.log(2 * math.pi * base_sd**2).sum(), rtol=1e-14, atol=0.0)


@every
def test_impossible_data_are_refused(model: NoiseModel) -> None:
    y, base_sd, _, _ = rows_of(model, 1, 10)
    for place, value in ((y, math.nan), (y, math.inf), (base_sd, 0.0), (base_sd, -1.0), (base_sd, math.nan)):
        bad = place.clone()
        bad[4] = value
        pair = (bad, base_sd) if place is y else (y, bad)
        with pytest.raises(DataError, match=f"noise {model.name}: .*; expected .*"):
            model.prepare(*pair)
    if model.counts:
        for value in (-1.0, 2.5):
            with pytest.raises(DataError, match="no count; expected whole numbers"):
                model.prepare(torch.full_like(y, value), base_sd)


NORMAL = noise.get("normal")


def no_constant(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Mistake: leaves the normaliser out."""
    return NORMAL.log_likelihood(data, prediction, phi) - data.gaussian_constant


def no_mask(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Mistake: padding counts."""
    return data.gaussian_constant - 0.5 * torch.square((data.y - prediction) / data.base_sd).sum(-1)


def across_rows(data: NoiseData, prediction: Tensor, phi: Tensor) -> Tensor:
    """Mistake: a sum whose order depends on the batch."""
    z = (data.y - prediction) * data.inverse_sd
    return data.gaussian_constant - 0.5 * (z * z).mean() * z.shape[-1] + 0.0 * z[..., 0]


def too_narrow(prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator) -> Tensor:
    """Mistake: draws of 0.9 sd."""
    return prediction + 0.9 * (NORMAL.sample(prediction, base_sd, phi, generator) - prediction)


BROKEN: dict[str, tuple[Callable[..., None], NoiseModel]] = {
    "no normaliser": (check_normalised, replace(NORMAL, log_likelihood=no_constant)),
    "a standard deviation 1e-6 off": (
        check_normalised,
        replace(NORMAL, standard_deviation=lambda f, sd, phi: sd * (1 + 1e-6) + 0 * f),
    ),
    "padding that counts": (check_mask, replace(NORMAL, log_likelihood=no_mask)),
    "rows that see each other": (lambda m: check_batch(m, torch.float64), replace(NORMAL, log_likelihood=across_rows)),
    "scores of another spread": (check_scores, replace(NORMAL, score=lambda y, f, sd, phi, g: 1.1 * (y - f) / sd)),
    "draws too narrow": (check_sample, replace(NORMAL, sample=too_narrow)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_noise_model_is_caught(name: str) -> None:
    check, model = BROKEN[name]
    with pytest.raises(AssertionError):
        check(model)
