"""The mode of a posterior to all its digits, and how narrow it is there: Laplace's and Fisher's standard deviations.

A sampler finds which mode there is and how wide; Newton's method from its best draw finds where exactly it lies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]

# Newton steps after the search, at most, and the step in standard deviations at which they end.
_STEPS, _ENOUGH = 20, 1e-9
_REJECTED = 1e60


@dataclass(frozen=True)
class Mode:
    """Mode of the posterior of one group.

    Attributes
    ----------
    theta : array (D, P)
        State of highest posterior density, in the parameters themselves.
    log_posterior : float
        Log-likelihood plus log-prior there, nats.
    laplace_sd : array (D, P)
        From the curvature of the log-posterior; nan where it has none or the parameter does not move.
    information_sd : array (D, P)
        From the Fisher information of the curve and the curvature of the prior, which for normal noise of known level
        and flat priors is the standard error of least squares; nan for parameters of the noise.
    converged : bool
        Whether the density has a maximum here: False where it rises up to the end of a prior.
    """

    theta: FloatArray
    log_posterior: float
    laplace_sd: FloatArray
    information_sd: FloatArray
    converged: bool


def find_mode(target: SumTarget, draws: FloatArray) -> Mode:
    """Mode of the posterior nearest to the best of some draws.

    Parameters
    ----------
    target : SumTarget
        Of one group.
    draws : array (n, D, P)
        Of the posterior; more than ten for each free number.
    """
    posterior = _Posterior(target, draws)
    u = _search(posterior)
    step = math.inf
    for _ in range(_STEPS):
        new, step = _newton(posterior, u)
        if new is None or not posterior.value(new) <= posterior.value(u) + 1e-6:
            break
        u = new
        if step < _ENOUGH:
            break
    curvature = posterior.hessian(u)
    found = posterior.state(torch.from_numpy(u)).numpy()
    converged = step < 1e-6 and bool((np.linalg.eigvalsh(curvature) > 0).all())
    information = posterior.information(u)
    return Mode(
        found,
        -posterior.value(u),
        posterior.on_state(_sd(curvature, posterior.whitening)),
        posterior.on_state(_sd(information, posterior.whitening)),
        converged,
    )


class _Posterior:
    """Minus the log-posterior of free numbers in units in which draws have no covariance, with its derivatives."""

    def __init__(self, target: SumTarget, draws: FloatArray) -> None:
        self.target = replace(target, dtype=torch.float64)
        places = target.coordinates
        # Numbers of the curve come first: the root is triangular, so that they do not depend on those of the noise.
        order = np.argsort(places.slot >= target.noise_start, kind="stable")
        self.member, self.slot, self.shared = places.member[order], places.slot[order], places.shared
        self.curve = int((self.slot < target.noise_start).sum())
        free = draws[:, self.member, self.slot]
        states = torch.from_numpy(np.ascontiguousarray(draws.transpose(1, 0, 2)))[None, :, None]
        best = int(torch.argmax(self._log_posterior(states)[0, 0]))
        self.fixed, self.centre = torch.from_numpy(draws[best]), free[best]
        self.whitening = _root(np.atleast_2d(np.cov(free.T)))

    def state(self, u: Tensor) -> Tensor:
        """State (D, P) of whitened numbers (d,)."""
        values = torch.from_numpy(self.centre) + torch.from_numpy(self.whitening) @ u
        member, slot = torch.from_numpy(self.member), torch.from_numpy(self.slot)
        theta = self.fixed.index_put((member, slot), values)
        shared = torch.from_numpy(self.shared)
        return theta.index_copy(1, shared, theta[:1, shared].expand(len(theta), -1))

    def value(self, u: FloatArray) -> float:
        """Value, a huge one for what is impossible."""
        with torch.no_grad():
            found = float(self._minus(torch.from_numpy(u)))
        return found if math.isfinite(found) else _REJECTED

    def gradient(self, u: FloatArray) -> FloatArray:
        """Gradient (d,)."""
        at = torch.from_numpy(u).clone().requires_grad_()
        (found,) = torch.autograd.grad(self._minus(at), at)
        slope: FloatArray = np.nan_to_num(found.numpy())
        return slope

    def hessian(self, u: FloatArray) -> FloatArray:
        """Matrix of second derivatives (d, d)."""
        found = torch.autograd.functional.hessian(self._minus, torch.from_numpy(u))
        curvature: FloatArray = np.nan_to_num(found.numpy())
        return curvature

    def information(self, u: FloatArray) -> FloatArray:
        """Fisher information of the curve, less the curvature of the log-prior, for the numbers of the curve."""
        target = self.target

        def curve(at: Tensor) -> Tensor:
            return target.noise.expected(target.rows(self._wide(at)).sum(0), target.data.base_sd).flatten()

        at = torch.from_numpy(u)
        slopes = torch.autograd.functional.jacobian(curve, at)
        state = self._wide(at)
        sd = target.noise.width(target.rows(state).sum(0), target.data.base_sd, state[..., target.noise_start :])
        weight = (target.data.weight / sd.square()).expand(*state.shape[:-1], target.points).flatten()
        prior = torch.autograd.functional.hessian(lambda v: -target.log_prior(self._wide(v)).sum(), at)
        found: FloatArray = (slopes.T @ (weight[:, None] * slopes) + torch.nan_to_num(prior)).numpy()
        return found[: self.curve, : self.curve]

    def on_state(self, values: FloatArray) -> FloatArray:
        """Values of the first free numbers in their places of a state (D, P)."""
        out = np.full(self.fixed.shape, np.nan)
        out[self.member[: len(values)], self.slot[: len(values)]] = values
        out[:, self.shared] = out[:1, self.shared]
        return out

    def _wide(self, u: Tensor) -> Tensor:
        """State with the axes of a target, (1, D, 1, 1, P)."""
        return self.state(u)[None, :, None, None]

    def _minus(self, u: Tensor) -> Tensor:
        return -self._log_posterior(self._wide(u)).sum()

    def _log_posterior(self, states: Tensor) -> Tensor:
        likelihood = self.target.log_likelihood(self.target.rows(states).sum(0), states).sum(1)
        return likelihood + self.target.log_prior(states)


def _search(posterior: _Posterior) -> FloatArray:
    """Whitened numbers near the mode, by a trust region of exact second derivatives."""
    start = np.zeros(len(posterior.centre))
    # Imported where it is used: it takes a sixth of a second, which most jobs need not spend.
    from scipy.optimize import minimize

    found = minimize(
        posterior.value, start, method="trust-exact", jac=posterior.gradient, hess=posterior.hessian,
        options={"initial_trust_radius": 0.5, "gtol": 1e-8, "maxiter": 200},
    )  # fmt: skip
    best: FloatArray = found.x
    return best if posterior.value(best) <= posterior.value(start) else start


def _newton(posterior: _Posterior, u: FloatArray) -> tuple[FloatArray | None, float]:
    """Next whitened numbers and the length of the step in standard deviations; None where there is no step."""
    curvature = posterior.hessian(u)
    try:
        step = np.linalg.solve(curvature, posterior.gradient(u))
    except np.linalg.LinAlgError:
        return None, math.inf
    length = math.sqrt(max(float(step @ curvature @ step), 0.0))
    return u - step, length


def _root(covariance: FloatArray) -> FloatArray:
    """A square root of a covariance; by the variances alone where draws do not span all directions."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    try:
        return scale[:, None] * np.linalg.cholesky(covariance / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return np.diag(scale)


def _sd(curvature: FloatArray, whitening: FloatArray) -> FloatArray:
    """Standard deviations of the first free numbers from a curvature in whitened ones; nan where there is none."""
    count = len(curvature)
    try:
        root = np.linalg.cholesky(np.linalg.inv(curvature))
    except np.linalg.LinAlgError:
        return np.full(count, np.nan)
    found: FloatArray = np.linalg.norm(whitening[:count, :count] @ root, axis=1)
    return found
