"""Shapes, cells and amounts of a set of phases by replica exchange: a check on what Laplace's approximation says.

Heights and background are integrated out at every place. The walk begins from a normal density that is wider than the
fit's and ends in the posterior, so that a short ladder is enough; free energies are those of the whole prior.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.diffraction.members import Member, weight_fractions
from bayesbeam.diffraction.profile import Asked, patterns
from bayesbeam.diffraction.sets import SHARE_SD, Columns, free_energy_of
from bayesbeam.diffraction.shapes import Fit, Setting
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.priors import make_prior
from bayesbeam.rng import stream_key
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.function import FunctionTarget, function_target

FloatArray = NDArray[np.float64]

WIDER = 1.3
"""Standard deviations of the density that a walk begins from, as multiples of the fit's."""
_REMEMBERED, _TOGETHER = 1024, 8
"""Patterns that are kept, and states or patterns that are worked on at once, whatever the number of threads."""
_FIXED = 1e-3
"""Standard deviation of a prior, as for texture of a cubic phase, below which a parameter stays where it is."""


@dataclass(frozen=True)
class Refined:
    """What replica exchange says of a set.

    Attributes
    ----------
    free_energy : FreeEnergy
        In the terms of ``Fit.free_energy``.
    laplace : float
        That of the fit.
    common : array (S, 8)
        Draws of shared parameters.
    own : tuple of arrays (S, p)
        Draws of each member's own.
    height, weight : arrays (S, K)
        Draws of shares of the intensity and of the mass.
    run : Run
        Of the coordinates in which it was sampled, with its verdict.
    """

    free_energy: FreeEnergy
    laplace: float
    common: FloatArray
    own: tuple[FloatArray, ...]
    height: FloatArray
    weight: FloatArray
    run: Run


Key = tuple[int, bytes, bytes]
Share = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]
"""As ``map``: calls of a function, which may be shared out."""


@dataclass(frozen=True)
class Patterns:
    """White patterns (N,) of the members of a fit at shapes of which those asked for last are remembered."""

    setting: Setting
    fit: Fit
    known: OrderedDict[Key, FloatArray]

    def at(self, wanted: Sequence[Key], share: Share) -> list[FloatArray]:
        """Patterns by number of the member, and bytes of shared parameters and its own."""
        new = [one for one in dict.fromkeys(wanted) if one not in self.known]
        self.known.update(zip(new, chain.from_iterable(share(self._white, _in_parts(new))), strict=True))
        found = [self.known[one] for one in wanted]
        for one in wanted:
            self.known.move_to_end(one)
        while len(self.known) > _REMEMBERED:
            self.known.popitem(last=False)
        return found

    def _white(self, wanted: Sequence[Key]) -> FloatArray:
        """Patterns (C, N) that are not known yet."""
        parts = np.empty((len(wanted), len(self.setting.data.x)))
        for k in {one[0] for one in wanted}:
            member, rows = self.fit.members[k], [place for place, one in enumerate(wanted) if one[0] == k]
            common = np.array([np.frombuffer(wanted[row][1]) for row in rows])
            own = np.array([np.frombuffer(wanted[row][2]) for row in rows])
            asked = Asked(member.phase, common, own, member.axis)
            (curves,) = patterns(self.setting.data.x, self.setting.beam, [asked])
            parts[rows] = member.unit * curves
        return np.ascontiguousarray(self.setting.frame.columns(parts.T).T)


def _in_parts(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Items in parts of a size that no number of threads changes."""
    return (items[at : at + _TOGETHER] for at in range(0, len(items), _TOGETHER))


@dataclass(frozen=True)
class Posterior:
    """Shapes (n,) of a set as normal coordinates: centre and root (n, n) of a covariance, and what goes with them.

    ``free`` are the shared parameters that move, ``own`` those of each member. Coordinates of a member move its own
    shapes alone, so ``patterns`` are remembered.
    """

    setting: Setting
    fit: Fit
    free: NDArray[np.int64]
    own: tuple[NDArray[np.int64], ...]
    centre: FloatArray
    root: FloatArray
    prior_mean: FloatArray
    prior_sd: FloatArray
    patterns: Patterns

    def members(self, shapes: FloatArray) -> tuple[FloatArray, list[Member]]:
        """Shared parameters, and members at given shapes (n,)."""
        common = self.fit.common.copy()
        common[self.free] = shapes[: len(self.free)]
        at, members = len(self.free), []
        for one, moving in zip(self.fit.members, self.own, strict=True):
            values = one.own.copy()
            values[moving] = shapes[at : at + len(moving)]
            at += len(moving)
            members.append(replace(one, own=values))
        return common, members

    def columns(self, shapes: Sequence[FloatArray], share: Share = map) -> list[Columns]:
        """Products of the patterns of all members at each of some shapes (n,)."""
        wanted, size = list[Key](), len(self.own)
        for one in shapes:
            common, members = self.members(one)
            shared = common.tobytes()
            wanted.extend((k, shared, member.own.tobytes()) for k, member in enumerate(members))
        white = self.patterns.at(wanted, share)
        sets = [white[at : at + size] for at in range(0, len(white), size)]
        return list(chain.from_iterable(share(self._products, _in_parts(sets))))

    def _products(self, sets: Sequence[Sequence[FloatArray]]) -> list[Columns]:
        """Products of white patterns of some sets."""
        count, found = len(self.own), []
        for one in sets:
            white = np.array(one)
            gram = np.asarray(white @ white.T, dtype=np.float64)
            moment = white @ self.setting.frame.target
            found.append(Columns(gram, moment, np.zeros(count), np.arange(count), np.zeros(count + 1)))
        return found

    def log_densities(self, places: FloatArray, share: Share = map) -> list[float]:
        """Log of prior times likelihood, over the density of standard normal coordinates, at places (S, n)."""
        shapes = [self.centre + self.root @ place for place in places]
        columns = self.columns(shapes, share)
        return [self._log_density(*one) for one in zip(places, shapes, columns, strict=True)]

    def _log_density(self, place: FloatArray, shapes: FloatArray, columns: Columns) -> float:
        """The same at one place."""
        energy = self.setting.frame.misfit + free_energy_of(columns, tuple(range(len(columns.owner))))
        away = (shapes - self.prior_mean) / self.prior_sd
        log_prior = -0.5 * float(away @ away) - float(np.log(self.prior_sd).sum())
        jacobian = float(np.log(np.diag(self.root)).sum())
        return log_prior - energy + jacobian + 0.5 * float(place @ place)


def posterior_of(setting: Setting, fit: Fit, wider: float = WIDER) -> Posterior:
    """Coordinates of a fit in which all shared parameters and those of all members were free."""
    free = np.flatnonzero(setting.open)
    spreads = [setting.spread.of(one.phase) for one in fit.members]
    own = tuple(np.flatnonzero(spread > _FIXED) for spread in spreads)
    kept, at = list(range(len(free))), len(free)
    for spread, moving in zip(spreads, own, strict=True):
        kept.extend(int(at + j) for j in moving)
        at += len(spread)
    covariance = fit.covariance[np.ix_(kept, kept)]
    centre = np.concatenate([fit.common[free], *(one.own[j] for one, j in zip(fit.members, own, strict=True))])
    sd = np.concatenate([setting.common_sd[free], *(spread[j] for spread, j in zip(spreads, own, strict=True))])
    mean = np.concatenate([setting.common_mean[free], np.zeros(len(centre) - len(free))])
    root = _root(covariance, [len(free), *map(len, own)])
    return Posterior(setting, fit, free, own, centre, wider * root, mean, sd, Patterns(setting, fit, OrderedDict()))


def _root(covariance: FloatArray, sizes: Sequence[int]) -> FloatArray:
    """Lower root of a covariance in which members, blocks after the first, hang together by the first alone."""
    root, first = np.zeros_like(covariance), sizes[0]
    root[:first, :first] = np.linalg.cholesky(covariance[:first, :first])
    at = first
    for size in sizes[1:]:
        block = slice(at, at + size)
        along = np.linalg.solve(root[:first, :first], covariance[:first, block]).T
        root[block, :first] = along
        root[block, block] = np.linalg.cholesky(covariance[block, block] - along @ along.T)
        at += size
    return root


def refined(
    setting: Setting, fit: Fit, seed: int = 0, name: str = "set", settings: Settings | None = None, threads: int = 1
) -> Refined:  # fmt: skip
    """Replica exchange of all shapes of a set, heights and background integrated out.

    Parameters
    ----------
    fit : Fit
        Of the set, all shapes free, under the same setting.
    threads : int
        Share out states, and change no number.
    """
    posterior = posterior_of(setting, fit)
    chosen = settings or Settings(seed, target_standard_error=0.15, chains=4, effective_draws=100.0, engine="eager")
    with ThreadPoolExecutor(max_workers=threads) as pool:
        target = target_of(posterior, partial(posterior.log_densities, share=pool.map if threads > 1 else map))
        (run,) = replica_exchange(target, [GroupName(name, ("pattern",))], chosen)
    places = run.theta.reshape(-1, len(posterior.centre))
    shapes = posterior.centre + places @ posterior.root.T
    return _told(posterior, run, shapes, np.random.default_rng(stream_key(seed, name, "heights")))


def target_of(posterior: Posterior, values: Callable[[FloatArray], Sequence[float]]) -> FunctionTarget:
    """Target in standard normal coordinates; ``values`` are log densities of states (n, P)."""

    def log_likelihood(states: torch.Tensor) -> torch.Tensor:
        return torch.tensor(list(values(states.detach().cpu().numpy())), dtype=torch.float64)

    standard = {f"u{j}": make_prior("normal", mean=0.0, sd=1.0) for j in range(len(posterior.centre))}
    return function_target(log_likelihood, standard, blocks="each", part="shape")


def _told(posterior: Posterior, run: Run, shapes: FloatArray, generator: np.random.Generator) -> Refined:
    """Draws in terms of the set, with heights drawn for each."""
    commons, owns, heights, weights = [], [], [], []
    for one in shapes:
        common, members = posterior.members(one)
        (columns,) = posterior.columns([one])
        whole = columns.gram + np.eye(len(members)) / SHARE_SD**2
        root = np.linalg.cholesky(whole)
        mean = np.linalg.solve(whole, columns.moment)
        height = np.maximum(mean + np.linalg.solve(root.T, generator.standard_normal(len(members))), 0.0)
        placed = [replace(member, height=float(h)) for member, h in zip(members, height, strict=True)]
        commons.append(common)
        owns.append([member.own for member in members])
        heights.append(height)
        weights.append(weight_fractions(placed))
    own = tuple(np.array([draw[k] for draw in owns]) for k in range(len(posterior.own)))
    return Refined(run.free_energy, posterior.fit.free_energy, np.array(commons), own, np.array(heights),
                   np.array(weights), run)  # fmt: skip
