"""What each phase of a library would add to a set: closed-form gains at coarse shapes, over all strains of its cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.bank import bank
from bayesbeam.diffraction.gram import Frame, pairs
from bayesbeam.diffraction.members import FARTHEST_CELL, Member
from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.powder import Powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import SHARE_SD

FloatArray = NDArray[np.float64]

FARTHEST_STRAIN, WIDEST_STEP, FINEST_STEP = 0.01, 1e-3, 5e-4
_OF_A_WIDTH = 0.35
"""By how much of its width a line in the middle of the pattern moves from one strain that is tried to the next."""
_LEAST_LEFT = 1e-3
"""Share of a column that must be left beside those of a set."""
_CLOSER, _NEGLIGIBLE = 16, 7.0
"""Phases that are looked at point by point, and nats below the best strain at which another counts for nothing."""


@dataclass(frozen=True)
class Raw:
    """Patterns (K, S, N) of all phases at all strains, each of unit height; phases without lines are 0.

    ``paired`` (N/2, K S) are sums of two neighbours, as columns, for a first look; ``threads`` share out work on them.
    """

    patterns: NDArray[np.float32]
    paired: NDArray[np.float32]
    strains: FloatArray
    log_weight: FloatArray
    threads: int = 1

    @property
    def phases(self) -> int:
        """Number of phases."""
        return len(self.patterns)


@dataclass(frozen=True)
class White:
    """Paired columns as one frame sees them, with their squares and products with the data, background taken out.

    Only that of ``columns`` is left in: it falls away in products with columns that are without.
    """

    columns: NDArray[np.float32]
    squares: FloatArray
    moments: FloatArray


def strains_of(data: Powder, strain_sd: float) -> FloatArray:
    """Isotropic strains (S,) that are tried, 0 in the middle: as far as the prior goes, as near as lines are narrow."""
    farthest = min(FARTHEST_STRAIN, FARTHEST_CELL * strain_sd)
    step = min(max(_OF_A_WIDTH * data.width / degrees_of_strain(data, 1.0), FINEST_STEP), WIDEST_STEP)
    count = max(math.ceil(farthest / step - 1e-9), 1)
    return farthest * np.arange(-count, count + 1) / count


def degrees_of_strain(data: Powder, strain: float) -> float:
    """Degrees 2 theta by which a strain moves a line in the middle of a pattern."""
    return math.degrees(2.0 * strain * math.tan(math.radians(0.25 * (data.x[0] + data.x[-1]))))


def raw_columns(
    data: Powder, phases: Sequence[Phase], beam: Beam, common: FloatArray, strain_sd: float, threads: int = 1
) -> Raw:  # fmt: skip
    """Patterns of all phases at one shape of lines and all strains, which have a normal prior."""
    strains = strains_of(data, strain_sd)
    found = bank(data.x, phases, beam, common, strains, threads=threads).patterns
    area = found[:, len(strains) // 2].sum(1, dtype=np.float64) * data.step
    unit = np.where(area > 0.0, data.net / np.maximum(area, 1e-300), 0.0)
    found *= unit[:, None, None].astype(np.float32)
    count = len(data.x) // 2 * 2
    paired = found[:, :, 0:count:2] + found[:, :, 1:count:2]
    paired = np.ascontiguousarray(paired.reshape(-1, count // 2).T)
    log_weight = -0.5 * np.square(strains / strain_sd)
    log_weight -= math.log(float(np.exp(log_weight).sum()))
    return Raw(found, paired, strains, log_weight, threads)


def white_columns(raw: Raw, frame: Frame) -> White:
    """Columns as a frame sees them at a first look."""
    small = frame.in_pairs
    white = small.law.whitened(raw.paired, raw.threads)
    along = small.basis.astype(np.float32).T @ white
    squares = np.einsum("nc,nc->c", white, white).astype(np.float64)
    squares -= np.einsum("tc,tc->c", along, along)
    return White(white, np.maximum(squares, 0.0), (small.target.astype(np.float32) @ white).astype(np.float64))


def gains(
    raw: Raw, white: White, frame: Frame, members: Sequence[Member], parts: FloatArray
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Nats that each phase (K,) would add to a set of given patterns (M, N), and its best strain.

    The heights of the set are solved for anew, and so is the background; shapes stay. Priors of sets are left out.
    A first look at all takes sums of two neighbours; those that may add most are then looked at point by point.
    """
    from scipy.special import logsumexp

    small = frame.in_pairs
    own = small.columns(np.ascontiguousarray(pairs(parts.T))) if members else np.zeros((len(small.target), 0))
    shared = (own.astype(np.float32).T @ white.columns).astype(np.float64)
    gain = gain_of(white.squares, white.moments, shared, own, small.target).reshape(raw.phases, -1) + raw.log_weight
    empty = (white.squares.reshape(raw.phases, -1) == 0.0).all(1)
    best = np.where(empty, -np.inf, gain.max(1))
    near = np.zeros(gain.shape, dtype=bool)
    for k in np.argsort(-best, kind="stable")[:_CLOSER]:
        near[k] = (gain[k] > best[k] - _NEGLIGIBLE) & ~empty[k]
    columns = frame.columns(np.ascontiguousarray(raw.patterns[near].T, dtype=np.float64))
    own = frame.columns(np.ascontiguousarray(parts.T)) if members else np.zeros((len(frame.target), 0))
    squares, moments = np.einsum("nc,nc->c", columns, columns), columns.T @ frame.target
    gain[near.any(1)] = -np.inf
    exact = gain_of(squares, moments, own.T @ columns, own, frame.target)
    gain[near] = exact + np.broadcast_to(raw.log_weight, gain.shape)[near]
    found = np.asarray(logsumexp(gain, axis=1), dtype=np.float64)
    found[empty] = -np.inf
    return found, raw.strains[gain.argmax(1)]


def gain_of(
    squares: FloatArray, moments: FloatArray, shared: FloatArray, own: FloatArray, target: FloatArray
) -> FloatArray:  # fmt: skip
    """Nats that each column (C,) adds to those of a set (N, M), with which it has products (M, C)."""
    from scipy.special import log_ndtr

    left, moment = squares + 1.0 / SHARE_SD**2, moments
    if len(shared):
        whole = own.T @ own + np.eye(own.shape[1]) / SHARE_SD**2
        solved = np.linalg.solve(whole, np.column_stack([shared, own.T @ target]))
        left = left - np.einsum("mc,mc->c", shared, solved[:, :-1])
        moment = moment - solved[:, -1] @ shared
    left = np.maximum(left, _LEAST_LEFT * squares + 1.0 / SHARE_SD**2)
    gain = 0.5 * np.square(moment) / left - 0.5 * np.log(left * SHARE_SD**2) + math.log(2.0)
    return np.asarray(gain + log_ndtr(moment / np.sqrt(left)))
