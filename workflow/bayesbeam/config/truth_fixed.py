"""What a simulated study holds fixed: values known before there are data, and which of them grow with the exposure.

Decides which fixed values are mistakes in a study; the truth itself is put together in ``truth``.
"""

from __future__ import annotations

import math

from bayesbeam.config.expression import PriorSpec
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Simulation
from bayesbeam.config.specs import COMMON, NOISE, CandidateSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.units import factors_of


def linear_names(spec: CandidateSpec) -> frozenset[str]:
    """Return the parameters in units of y, which grow with the exposure, as part.parameter; no rates do."""
    if spec.noise.rates:
        return frozenset()
    units = {f"{part.name}.{one.name}": one.unit for part in spec.parts for one in part.build().parameters}
    units |= {f"{COMMON}.{one.name}": one.unit for one in spec.common}
    return frozenset(name for name, unit in units.items() if factors_of(unit).get("y") == 1)


def words_of(study: Simulation, exposure: float) -> dict[str, float]:
    """Data words that are known before there are data."""
    axis = study.axis
    step = (axis.stop - axis.start) / (axis.points - 1)
    middle = 0.5 * (axis.start + axis.stop)
    return {
        "x_min": axis.start, "x_max": axis.stop, "x_span": axis.stop - axis.start, "x_mid": middle, "x_step": step,
        "n_points": float(axis.points), **({"exposure": exposure} if study.exposures else {}),
    }  # fmt: skip


def kept(prior: PriorSpec, study: Simulation, exposure: float) -> float:
    """Value of a fixed parameter."""
    return float(prior.resolve(words_of(study, exposure)).support()[0])


def check_fixed(study: Simulation, spec: CandidateSpec, problems: Problems, path: KeyPath) -> None:
    """Note fixed values that are not known before there are data, or not those of the simulated curve."""
    linear = linear_names(spec)
    for part, one in spec.parameters():
        word, lacking = f"{part}.{one.name}", sorted(one.prior.needs - set(words_of(study, 1.0)))
        if part == NOISE or not one.prior.fixed:
            continue
        if lacking:
            found = f"{word}, which is fixed at {one.prior} with {', '.join(lacking)} of data that are not made yet"
            problems.add(path, found, "a value known beforehand", "Fix it at a number, or by words of the axis.")
            continue
        for exposure in study.exposures:
            first, value = kept(one.prior, study, 1.0), kept(one.prior, study, exposure)
            true = first * (exposure if word in linear else 1.0)
            if not math.isclose(true, value, rel_tol=1e-9):
                found = f"{word}, which is fixed at {value:g} where {true:g} is true at exposure {exposure:g}"
                text = f'"fixed({first:g} * exposure)"' if word in linear else f"fixed({first:g})"
                remedy = f"Write it under priors, {one.name}: {text}."
                problems.add(path, found, "the same curve at every exposure, times the exposure", remedy)
                break
