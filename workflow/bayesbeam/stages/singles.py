"""From draws of single measurements to posteriors of what they may share, in coordinates without bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.config.specs import CandidateSpec
from bayesbeam.errors import SamplingError
from bayesbeam.integration.single import LogDensity, Single, single_posterior
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.stages.build import build_target
from bayesbeam.stages.operators import prior_draws
from bayesbeam.targets.coordinates import Coordinates
from bayesbeam.targets.exchangeable import ordered_parts, relabel
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]

# Share of a fitted density that may lie where peaks are in another order.
_MOST_OUTSIDE = 0.02


@dataclass(frozen=True)
class Singles:
    """Posteriors of some measurements, each by itself.

    Attributes
    ----------
    each : tuple of Single
    names : tuple of (str, int or None)
        Word and, of several peaks, number of each shared parameter, in the order of the coordinates.
    units : tuple of str
        Of the words, in terms of x and y.
    prior : pair of array
        Mean (d,) and covariance (d, d) of the coordinates before data.
    coordinates : Coordinates
        Between coordinates and values.
    """

    each: tuple[Single, ...]
    names: tuple[tuple[str, int | None], ...]
    units: tuple[str, ...]
    prior: tuple[FloatArray, FloatArray]
    coordinates: Coordinates

    def keep(self, words: Sequence[str]) -> list[int]:
        """Places of some words among the coordinates."""
        return [k for k, (word, _) in enumerate(self.names) if word in set(words)]

    def values(self, points: FloatArray) -> FloatArray:
        """Values (n, d) of parameters from all coordinates (n, d)."""
        found: FloatArray = self.coordinates.values(0, points.T)[0].T
        return found


def singles_of(
    spec: CandidateSpec, members: Sequence[Measurement], records: Mapping[str, Record], words: Sequence[str]
) -> Singles:
    """Posteriors of the shared parameters of each measurement by itself.

    Parameters
    ----------
    members : sequence of Measurement
        At least one.
    records : mapping of str to Record
        Draws of each.
    words : sequence of str
        Names ``part.parameter``, or ``common.name``, that may be shared and are equal then.

    Raises
    ------
    SamplingError
        If posteriors cannot be multiplied: peaks that cannot be told apart by what is shared, or too few draws.
    """
    each, target = [], None
    for m in members:
        target = build_target(spec, [[m]])
        places = _places(target, words)
        _check_orders(target, words, m.id)
        theta = relabel(target, records[m.id].arrays["theta"].transpose(2, 0, 1, 3))
        chains = _free(target, places, theta)
        single = single_posterior(m.id, chains, [_log_prior(target, k) for k in places])
        _check_inside(target, places, single)
        each.append(single)
    assert target is not None
    places = _places(target, words)
    slots = [target.slots[target.coordinates.slot[k]] for k in places]
    draws = relabel(target, prior_draws(target)[0, :, :, 0].permute(1, 0, 2).numpy())
    prior = _free(target, places, draws)
    names = tuple((slot.name, slot.index) for slot in slots)
    moments = prior.mean(0), np.atleast_2d(np.cov(prior.T))
    return Singles(tuple(each), names, tuple(slot.unit for slot in slots), moments, _part(target.coordinates, places))


def _places(target: SumTarget, words: Sequence[str]) -> list[int]:
    """Places of the words among the coordinates of a target of one measurement."""
    return [k for k, slot in enumerate(target.coordinates.slot) if target.slots[slot].name in set(words)]


def _part(coordinates: Coordinates, places: Sequence[int]) -> Coordinates:
    """Coordinates of some of the numbers."""
    kept = list(places)
    return Coordinates(
        coordinates.member[kept], coordinates.slot[kept], coordinates.low[:, kept], coordinates.high[:, kept],
        coordinates.shared,
    )  # fmt: skip


def _free(target: SumTarget, places: Sequence[int], theta: FloatArray) -> FloatArray:
    """Coordinates (..., d) of states (..., 1, P)."""
    flat = theta.reshape(-1, *theta.shape[-2:])
    x = target.coordinates.free(0, flat)[0][:, list(places)]
    return x.reshape(*theta.shape[:-2], len(places))


def _log_prior(target: SumTarget, place: int) -> LogDensity:
    """Log density of the prior of one coordinate."""
    one = _part(target.coordinates, [place])
    prior = target.priors[int(one.slot[0])]
    orders = _orders(target, int(one.slot[0]))

    def density(x: FloatArray) -> FloatArray:
        value, log_volume = one.values(0, x[None])
        found = prior.log_prob(torch.from_numpy(value)[:, None, None]).reshape(-1).numpy()
        return found + log_volume + orders

    return density


def _orders(target: SumTarget, slot: int) -> float:
    """Logarithm of the number of orders, counted with the first peak's place; relabelled draws have one of them."""
    firsts = {found[0].order_slot: len(found) for found in ordered_parts(target)}
    return math.lgamma(firsts[slot] + 1) if slot in firsts else 0.0


def _check_orders(target: SumTarget, words: Sequence[str], name: str) -> None:
    """Refuse to share parameters of several peaks that are not told apart by one that is shared."""
    ordered = {found[0].part: found[0].order_slot for found in ordered_parts(target)}
    several = {slot.part for slot in target.slots if (slot.index or 1) > 1 and slot.name in set(words)}
    for part in sorted(several):
        order = ordered.get(part)
        if order is None or target.slots[order].name not in set(words):
            by = "" if order is None else f" ({target.slots[order].name})"
            raise SamplingError.at(
                f"measurement {name}: {part}", "parameters of several peaks, shared without their places",
                f"what they are numbered by{by} among what is shared, to multiply posteriors",
                "Share it too, or sample the group together (method: joint).",
            )  # fmt: skip


def _check_inside(target: SumTarget, places: Sequence[int], single: Single) -> None:
    """Refuse densities of peaks that change places."""
    slots = [int(target.coordinates.slot[k]) for k in places]
    mean, covariance = single.density.moments
    for found in ordered_parts(target):
        rising = [slots.index(int(one.order_slot)) for one in found if one.order_slot in slots]
        for a, b in pairwise(rising):
            gap = mean[b] - mean[a]
            spread = math.sqrt(max(covariance[a, a] + covariance[b, b] - 2 * covariance[a, b], 0.0))
            outside = 0.5 * math.erfc(gap / (spread * math.sqrt(2.0))) if spread > 0 else 0.0
            if outside > _MOST_OUTSIDE:
                raise SamplingError.at(
                    f"measurement {single.name}: {found[0].part}",
                    f"peaks in another order in {outside:.0%} of its density",
                    f"{_MOST_OUTSIDE:.0%} or less, to multiply posteriors",
                    "Sample the group together (method: joint).",
                )
