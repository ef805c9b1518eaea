"""What each phase of a library would add to a set: closed-form gains at coarse shapes, over all strains of its cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.bank import bank
from bayesbeam.diffraction.gram import Frame
from bayesbeam.diffraction.members import Member
from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.powder import Powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import SHARE_SD

FloatArray = NDArray[np.float64]

STRAINS = np.linspace(-0.01, 0.01, 21)
"""Isotropic strains that are tried."""
_LEAST_LEFT = 1e-3
"""Share of a column that must be left beside those of a set."""


@dataclass(frozen=True)
class Raw:
    """Patterns of all phases at all strains as columns (N, K S), each of unit height; phases without lines are 0."""

    columns: NDArray[np.float32]
    phases: int
    strains: FloatArray
    log_weight: FloatArray


@dataclass(frozen=True)
class White:
    """Columns as one frame sees them, with their squares and products with the data."""

    columns: NDArray[np.float32]
    squares: FloatArray
    moments: FloatArray


def raw_columns(data: Powder, phases: Sequence[Phase], beam: Beam, common: FloatArray, strain_sd: float) -> Raw:
    """Patterns of all phases at one shape of lines and all strains, which have a normal prior."""
    found = bank(data.x, phases, beam, common, STRAINS).patterns
    area = found[:, len(STRAINS) // 2].sum(1, dtype=np.float64) * data.step
    unit = np.where(area > 0.0, data.net / np.maximum(area, 1e-300), 0.0)
    columns = np.ascontiguousarray(found.reshape(-1, len(data.x)).T)
    columns *= np.repeat(unit, len(STRAINS)).astype(np.float32)
    log_weight = -0.5 * np.square(STRAINS / strain_sd)
    log_weight -= math.log(float(np.exp(log_weight).sum()))
    return Raw(columns, len(phases), STRAINS, log_weight)


def white_columns(raw: Raw, frame: Frame) -> White:
    """Columns as a frame sees them."""
    white = frame.columns(raw.columns)
    squares = np.einsum("nc,nc->c", white, white).astype(np.float64)
    return White(white, squares, (frame.target.astype(np.float32) @ white).astype(np.float64))


def gains(
    raw: Raw, white: White, frame: Frame, members: Sequence[Member], parts: FloatArray
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Nats that each phase (K,) would add to a set of given patterns (M, N), and its best strain.

    The heights of the set are solved for anew, and so is the background; shapes stay. Priors of sets are left out.
    """
    from scipy.special import log_ndtr, logsumexp

    left, moment = white.squares + 1.0 / SHARE_SD**2, white.moments
    if members:
        own = frame.columns(np.ascontiguousarray(parts.T))
        shared = (own.astype(np.float32).T @ white.columns).astype(np.float64)
        whole = own.T @ own + np.eye(len(members)) / SHARE_SD**2
        solved = np.linalg.solve(whole, np.column_stack([shared, own.T @ frame.target]))
        left = left - np.einsum("mc,mc->c", shared, solved[:, :-1])
        moment = moment - solved[:, -1] @ shared
    left = np.maximum(left, _LEAST_LEFT * white.squares + 1.0 / SHARE_SD**2)
    gain = 0.5 * np.square(moment) / left - 0.5 * np.log(left * SHARE_SD**2) + math.log(2.0)
    gain = (gain + log_ndtr(moment / np.sqrt(left))).reshape(raw.phases, -1) + raw.log_weight
    found = np.asarray(logsumexp(gain, axis=1), dtype=np.float64)
    found[(white.squares.reshape(raw.phases, -1) == 0.0).all(1)] = -np.inf
    return found, raw.strains[gain.argmax(1)]
