"""What a study holds fixed: values known before there are data, and which of them grow with the exposure.

Decides which fixed values are mistakes in a study; the truth of a simulated one is put together in ``truth``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bayesbeam.config.expression import PriorSpec
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Simulation
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.specs import COMMON, NOISE, CandidateSpec, Expanded
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


def check_thinned(
    members: Mapping[str, Sequence[str]],
    rows: Sequence[MeasurementRow],
    models: Mapping[str, Sequence[Expanded]],
    problems: Problems,
) -> None:
    """Note candidates of thinned spectra that hold a part of the curve as high as in the whole one, or a rate lower."""
    thinned = {row.id: row.made for row in rows if row.made is not None and row.made.thinned}
    for name, found in models.items():
        chosen = [thinned[one] for one in members[name] if one in thinned]
        linear = linear_names(found[-1].spec) if found and chosen else frozenset[str]()
        for part, one in found[-1].spec.parameters() if found and chosen else ():
            word = f"{part}.{one.name}"
            if not one.prior.fixed or not one.prior.needs <= {"exposure"}:
                continue
            for made in chosen:
                whole = made.level / made.share
                high, low = (float(one.prior.resolve({"exposure": t}).support()[0]) for t in (whole, made.level))
                true = made.share * high if word in linear else high
                if not math.isclose(low, true, rel_tol=1e-9):
                    said = f"{word}, which is fixed at {low:g} at exposure {made.level:g}, as at {whole:g}"
                    found_words = said if low == high else f"{word}, which is {low:g} at exposure {made.level:g}"
                    text = f'"fixed({high / whole:.6g} * exposure)"' if word in linear else "fixed(...) with a number"
                    remedy = f"Write it under priors, {one.name}: {text}."
                    expected = f"{true:g}, as the counts are thinned for {made.study}"
                    problems.add(("candidates", name), found_words, expected, remedy)
                    break
