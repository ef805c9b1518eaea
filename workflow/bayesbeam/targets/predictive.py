"""What posterior draws say about the data: curves, bands, residuals, and whether any data like these were expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.targets.misfit import Misfit, misfit
from bayesbeam.targets.quantiles import quantiles_of_rising
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]

CURVE_QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
DATA_QUANTILES = (0.025, 0.16, 0.84, 0.975)
COMPONENT_QUANTILES = (0.025, 0.5, 0.975)
MOST_SCORED = 100


@dataclass(frozen=True)
class Prediction:
    """Posterior prediction for one member.

    Attributes
    ----------
    curve : array (5, N)
        Quantiles 0.025, 0.16, 0.5, 0.84, 0.975 of the noise-free signal, in units of the data.
    mean, spread : array (N,)
        Mean and standard deviation of the noise-free signal.
    data : array (4, N)
        Quantiles 0.025, 0.16, 0.84, 0.975 of new data, noise included.
    components : array (I, 3, N)
        Quantiles 0.025, 0.5, 0.975 of each instance of a component.
    sd : array (N,)
        Posterior mean of the noise standard deviation of each point, or of what stands for it where noise has outliers.
    residuals : array (N,)
        Data minus median curve, over ``sd``.
    p_value : float
        Fraction of draws under which new data lie at least as far from the curve (chi-square) as the measured ones;
        near 0 the candidate cannot explain the data, near 1 its noise is too large.
    misfit : Misfit
        Whether the residuals are those of a right model, by their size, their runs and the farthest neighbourhood.
    """

    curve: FloatArray
    mean: FloatArray
    spread: FloatArray
    data: FloatArray
    components: FloatArray
    sd: FloatArray
    residuals: FloatArray
    p_value: float
    misfit: Misfit


def predict(target: SumTarget, theta: FloatArray, member: int, generator: torch.Generator) -> Prediction:
    """Posterior prediction of one member of a group of one target.

    Parameters
    ----------
    target : SumTarget
        Of one group.
    theta : array (n, D, P)
        Relabelled posterior draws.
    """
    states = torch.from_numpy(np.ascontiguousarray(theta.transpose(1, 0, 2)))[None, :, :, None, :].to(target.x.device)
    single = target.curves(states)[:, 0, member, :, 0]
    rows = single.double()
    prediction = rows.sum(0)
    points = target.data.weight[0, member, 0, 0] > 0
    base_sd = target.data.base_sd[0, member, 0, 0].double()
    y = target.data.y[0, member, 0, 0].double()
    phi = states[0, member, :, 0, target.noise_start :]
    sd = target.noise.width(prediction, base_sd, phi).expand_as(prediction)
    # New data and bands have the precision of the curves, which rounds by far less than the noise: in single precision
    # drawing and sorting take half of the time.
    fresh = target.noise.sample(prediction.to(single.dtype), base_sd, phi, generator).to(single.dtype)
    some = slice(None, None, -(-len(prediction) // MOST_SCORED))
    scores = target.noise.normal_scores(y, prediction[some], base_sd, phi[some], generator)
    prediction = target.noise.expected(prediction, base_sd)
    shown = target.noise.expected(rows, base_sd) if target.noise.rates else single
    measured = (((y - prediction) / sd).square() * points).sum(-1)
    expected = (((fresh - prediction) / sd).square() * points).sum(-1)
    if not points.all():
        prediction, fresh, sd, shown, y, scores = (v[..., points] for v in (prediction, fresh, sd, shown, y, scores))
    prediction, fresh, sd, shown, y = (v.cpu() for v in (prediction, fresh, sd, shown, y))
    mean = prediction.mean(0)
    curve = _quantiles(prediction.to(single.dtype), CURVE_QUANTILES)
    mean_sd = sd.mean(0).numpy()
    return Prediction(
        curve=curve,
        mean=mean.numpy(),
        spread=(prediction - mean).square().mean(0).sqrt().numpy(),
        data=_quantiles(fresh, DATA_QUANTILES),
        components=_quantiles(shown, COMPONENT_QUANTILES, dim=1).swapaxes(0, 1) if len(rows) else rows.numpy(),
        sd=mean_sd,
        residuals=(y.numpy() - curve[2]) / mean_sd,
        p_value=float((expected >= measured).double().mean()),
        misfit=misfit(scores.double().cpu().numpy()),
    )


def _quantiles(values: torch.Tensor, levels: tuple[float, ...], dim: int = 0) -> FloatArray:
    """Quantiles along an axis, as the first axis of the answer."""
    ordered = np.sort(np.moveaxis(values.numpy(), dim, -1), axis=-1)
    return quantiles_of_rising(ordered, levels).astype(np.float64, copy=False)
