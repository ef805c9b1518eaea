"""What the draws of a candidate with a stated noise say about larger levels, and about the candidates without a level.

Tempering is a change of the noise, so that nothing is sampled for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesbeam.config.specs import Expanded
from bayesbeam.evidence.model_posterior import model_posterior
from bayesbeam.evidence.noise_level import exact_noise_curve, noise_curve
from bayesbeam.evidence.sources import ladder_source
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.stages.build import base_deviation
from bayesbeam.stages.level_prior import level_prior
from bayesbeam.stages.solve import exact_levels, is_exact

# Levels of noise over the stated one, a twentieth of a decade apart.
NOISE_FACTORS = 10.0 ** np.linspace(0.0, 1.5, 31)
_LISTS = ("factor", "free_energy", "standard_error")
_NUMBERS = ("best", "best_sd", "best_error", "lowest", "lowest_error", "marginal", "marginal_error")


def noise_levels(expanded: Expanded, m: Measurement, sampled: Record) -> dict[str, Any] | None:
    """Free energy at larger levels of a noise that is known, as lists; None where it is not, or chains have not met.

    ``sigma`` is the stated level, None where every point has its own; ``prior`` that of the level, where one is stated.
    """
    noise = expanded.spec.noise
    closed = expanded.spec.sparse is not None or expanded.spec.phases is not None or expanded.spec.marginal
    if noise.model != "normal" or closed:
        return None  # of a marginal likelihood, tempering is no change of the noise
    normaliser = -float(np.log(base_deviation(expanded.spec, m) * math.sqrt(2.0 * math.pi)).sum())
    stated = level_prior(expanded.spec, m)
    under = (None, None) if stated is None else (stated.log_density, stated.at)
    if is_exact(sampled):
        found = exact_noise_curve(lambda s: exact_levels(expanded.spec, m, s), m.x.size, NOISE_FACTORS, *under)
    else:
        source = ladder_source(sampled.arrays["log_likelihood"], sampled.arrays["beta"])
        found = noise_curve([source], normaliser, m.x.size, NOISE_FACTORS, *under)
    if not np.isfinite([*found.free_energy, *found.standard_error, found.marginal, found.marginal_error]).all():
        return None
    numbers: dict[str, Any] = {name: [float(v) for v in getattr(found, name)] for name in _LISTS}
    for name in _NUMBERS:
        value = float(getattr(found, name))
        numbers[name] = value if math.isfinite(value) else None
    # Without a stated prior the record is what it was before there were any.
    said = {} if stated is None else {"prior": stated.text}
    return numbers | {"sigma": noise.value if noise.base == "value" else None} | said


def weigh_levels(records: Sequence[Mapping[str, Any]]) -> None:
    """Add to the curves of one measurement the probability of each candidate among those of the same stated noise.

    Once with the level integrated out under its prior, which is log-uniform over the curve where none is stated, once
    with each at its best level; of equal prior weight.
    """
    curves: dict[tuple[float | None, str | None], list[dict[str, Any]]] = {}
    for record in records:
        if record["noise_curve"] is not None:
            one = record["noise_curve"]
            curves.setdefault((one["sigma"], one.get("prior")), []).append(one)
    for alike in curves.values():
        for name, key in (("marginal", "marginal_probability"), ("lowest", "lowest_probability")):
            values = np.array([one[name] for one in alike], dtype=np.float64)
            errors = np.array([one[f"{name}_error"] for one in alike], dtype=np.float64)
            posterior = model_posterior(values, np.nan_to_num(errors))
            for one, p, error in zip(alike, posterior.probability, posterior.standard_error, strict=True):
                one[key], one[f"{key}_error"] = float(p), float(error)
