"""What a noise model is, and the data as every likelihood call needs them.

Whatever depends on the data alone (constants, reciprocals, masks) is computed once by ``prepare``, so that the
likelihood itself is a handful of tensor operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesbeam.errors import DataError
from bayesbeam.models.base import Formula, Parameter

LOG_TWO_PI = math.log(2.0 * math.pi)
BLOCK = 4096
"""Longest row summed in one piece: beyond it, the order in which torch adds depends on the batch."""


@dataclass(frozen=True)
class NoiseData:
    """Data of measurements and what follows from them alone.

    Attributes
    ----------
    y, base_sd, weight, inverse_sd, inverse_y : Tensor (..., N), dtype of the rows
        Signal, standard deviation before scaling, 1 for points that count and 0 for padding, weight / base_sd,
        and 1 / y where a counted y is positive, else 0. Padded points hold y = 0 and base_sd = 1.
    gaussian_constant, count_constant, n_effective : Tensor (...), float64
        Sum over points of -log(base_sd sqrt(2 pi)); sum of y log y - y - log y!; number of points that count.
    """

    y: Tensor
    base_sd: Tensor
    weight: Tensor
    inverse_sd: Tensor
    inverse_y: Tensor
    gaussian_constant: Tensor
    count_constant: Tensor
    n_effective: Tensor


@dataclass(frozen=True)
class NoiseModel:
    """Distribution of the data given the prediction.

    Attributes
    ----------
    name, title : str
        Word used in campaigns, and words for a report.
    parameters : tuple of Parameter
        What ``phi`` holds, in order; may be empty.
    log_likelihood : callable
        ``log_likelihood(data, prediction, phi)``: float64 (...) sum over the last axis, in nats, normalised over
        y with all constants. ``prediction`` is (..., N), ``phi`` (..., n_phi), ``data`` from :meth:`prepare`.
    sample : callable
        ``sample(prediction, base_sd, phi, generator)``: data (..., N) drawn given the prediction.
    standard_deviation : callable
        ``standard_deviation(prediction, base_sd, phi)``: (..., N).
    counts : bool
        Whether y must be whole numbers that are not negative.
    rates : bool
        Whether the prediction is a rate, and ``base_sd`` the rate that one count stands for; see :meth:`expected`.
    known_gaussian : bool
        Whether the noise is normal with a known standard deviation, so that F has a Gaussian normaliser.
    point, total : callable or None
        The log-likelihood as scalar formulas on a math namespace, for engines that compile them:
        ``point(m, y, f, inverse_sd, inverse_y, weight, *phi)`` is summed over points to ``s``, and
        ``total(m, s, constant, count, *phi)`` is the log-likelihood. None: batched torch only.
    score : callable or None
        ``score(y, prediction, base_sd, phi, generator)``: (..., N), independent and standard normal for data drawn
        given the prediction. None: residuals over their standard deviation, which is that for normal noise.
    informative_sd : callable or None
        Standard deviation of normal noise that would tell as much about the curve, for noise whose own is a bad measure
        of it or infinite; arguments of ``standard_deviation``, which None stands for. See :meth:`width`.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    log_likelihood: Callable[[NoiseData, Tensor, Tensor], Tensor]
    sample: Callable[[Tensor, Tensor, Tensor, torch.Generator], Tensor]
    standard_deviation: Callable[[Tensor, Tensor, Tensor], Tensor]
    counts: bool = False
    rates: bool = False
    known_gaussian: bool = False
    point: Formula | None = None
    total: Formula | None = None
    score: Callable[[Tensor, Tensor, Tensor, Tensor, torch.Generator], Tensor] | None = None
    informative_sd: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None

    def expected(self, prediction: Tensor, base_sd: Tensor) -> Tensor:
        """Mean (..., N) of the data in their own units: the prediction, or the counts that its rates bring."""
        return prediction / base_sd.to(prediction.dtype) if self.rates else prediction

    def normal_scores(
        self, y: Tensor, prediction: Tensor, base_sd: Tensor, phi: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Residuals (..., N) as standard normal numbers; what counts leave open is drawn."""
        if self.score is not None:
            return self.score(y, prediction, base_sd, phi, generator)
        return (y - self.expected(prediction, base_sd)) / self.standard_deviation(prediction, base_sd, phi)

    def width(self, prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
        """Finite measure (..., N) of how far data scatter, by which residuals and discrepancies are divided."""
        return (self.informative_sd or self.standard_deviation)(prediction, base_sd, phi)

    def prepare(
        self,
        y: Tensor,
        base_sd: Tensor | None = None,
        weight: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> NoiseData:
        """Data checked and ready for :attr:`log_likelihood`.

        Parameters
        ----------
        y : Tensor (..., N)
            Signal, in a shape that broadcasts against the prediction.
        base_sd : Tensor or None
            Standard deviations before scaling, broadcast against ``y``; None means 1 (and is all right for counts).
        weight : Tensor or None
            1 for points that count, 0 for padding; None counts all.
        dtype : torch.dtype
            Of the rows; sums are float64 always.

        Raises
        ------
        DataError
            If a point that counts has no finite y, no positive standard deviation, or is no count where one is needed.
        """
        signal = y.double()
        sd = torch.ones_like(signal) if base_sd is None else base_sd.double().expand_as(signal)
        mask = torch.ones_like(signal) if weight is None else weight.double().expand_as(signal)
        counted = mask > 0
        _check_points(self, signal, sd, counted)
        signal, sd = torch.where(counted, signal, 0.0), torch.where(counted, sd, 1.0)
        gaussian = torch.where(counted, -torch.log(sd) - 0.5 * LOG_TWO_PI, 0.0)
        return NoiseData(
            y=signal.to(dtype),
            base_sd=sd.to(dtype),
            weight=counted.to(dtype),
            inverse_sd=torch.where(counted, 1.0 / sd, 0.0).to(dtype),
            inverse_y=torch.where(signal > 0, 1.0 / signal.clamp(min=1e-300), 0.0).to(dtype),
            gaussian_constant=row_sum(gaussian),
            count_constant=row_sum(_count_constant(signal)) if self.counts else torch.zeros_like(signal[..., 0]),
            n_effective=counted.double().sum(-1),
        )

    def excess_offset(self, data: NoiseData) -> Tensor | None:
        """Gaussian normaliser, sum of log(sd sqrt(2 pi)), of known normal noise; None where it is no constant.

        A free energy minus this offset is the excess free energy of the literature.
        """
        return -data.gaussian_constant if self.known_gaussian else None

    def log_density(self, y: Tensor, prediction: Tensor, base_sd: Tensor, phi: Tensor) -> Tensor:
        """Log density (..., N), float64, of every point by itself: the likelihood of rows of one point each."""
        shape = (y + prediction + base_sd).shape
        signal, mean, sd = (tensor.double().expand(shape).unsqueeze(-1) for tensor in (y, prediction, base_sd))
        return self.log_likelihood(self.prepare(signal, sd), mean, phi.unsqueeze(-2))


def row_sum(rows: Tensor) -> Tensor:
    """Float64 sum (...) over the last axis, in blocks of fixed length so that batching never changes a bit."""
    rows = rows.contiguous()
    if rows.shape[-1] <= BLOCK:
        return rows.sum(-1, dtype=torch.float64)
    total = rows[..., :BLOCK].contiguous().sum(-1, dtype=torch.float64)
    for start in range(BLOCK, rows.shape[-1], BLOCK):
        total = total + rows[..., start : start + BLOCK].contiguous().sum(-1, dtype=torch.float64)
    return total


def _count_constant(y: Tensor) -> Tensor:
    """Log of the Poisson probability of y counts where y are expected."""
    return torch.xlogy(y, y) - y - torch.lgamma(y + 1.0)


def _check_points(noise: NoiseModel, y: Tensor, sd: Tensor, counted: Tensor) -> None:
    """Values that this noise cannot have produced."""
    where = f"noise {noise.name}"
    if bool((counted & ~torch.isfinite(y)).any()):
        raise DataError.at(where, "a signal that is not finite", "finite numbers", "Mask those points.")
    if bool((counted & ~((sd > 0) & torch.isfinite(sd))).any()):
        remedy = "Mask those points, or estimate the noise."
        raise DataError.at(where, "an uncertainty that is not positive and finite", "> 0", remedy)
    if noise.counts and bool((counted & ((y < 0) | (y != torch.round(y)))).any()):
        remedy = "Use normal noise, or give the raw counts."
        raise DataError.at(where, "a signal that is no count", "whole numbers, not negative", remedy)
