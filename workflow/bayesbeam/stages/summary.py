"""From draws to what a report shows: columns with statistics, bands, priors, noise in words. Shared by two stages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.config.formula import split_name
from bayesbeam.config.specs import COMMON, CandidateSpec, DerivedSpec
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.rng import stream_key
from bayesbeam.stages.build import build_target
from bayesbeam.stages.known import known_of
from bayesbeam.stages.modes import mode_columns
from bayesbeam.stages.rates import data_words, exposure_of, signal_unit
from bayesbeam.stages.statistics import statistics_of_each
from bayesbeam.targets.assignment import Labels, label
from bayesbeam.targets.exchangeable import relabel
from bayesbeam.targets.predictive import Prediction, predict
from bayesbeam.targets.quantities import Asked, Quantity, tabulate
from bayesbeam.targets.sum import SumTarget
from bayesbeam.units import resolve_unit

FloatArray = NDArray[np.float64]

PREDICTIVE_DRAWS, PRIOR_DRAWS, MOST_DRAWS = 400, 2000, 500
MOST_SHARE = 1e9  # of a misfit in a curve that is flat


@dataclass(frozen=True)
class Summary:
    """Everything that one posterior says, ready for files.

    Attributes
    ----------
    columns : list of dict
        Name, index, unit, kind and measurement of each quantity.
    rows : list of dict
        Statistics of each quantity.
    arrays : dict of array
        ``draws`` (C, S, Q), ``prior_draws`` (n, Q), ``trace`` (C, S), ladder and exchange rates.
    members : dict of dict of array
        Curves and bands of each measurement.
    labels : list of str
        Names of the terms, in the order of ``components``.
    numbering : list of dict
        How the instances of each exchangeable part were numbered, and which cannot be told apart.
    p_values : dict of float
        Posterior predictive p of each measurement.
    checks : dict of dict
        Whether each measurement looks like data of the model, by several tests, and where it does so least.
    picked : array (n, D, P)
        Some hundred relabelled draws, those that the curves are of.
    """

    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    arrays: dict[str, FloatArray]
    members: dict[str, dict[str, FloatArray]]
    labels: list[str]
    numbering: list[dict[str, Any]]
    p_values: dict[str, float]
    checks: dict[str, dict[str, float]]
    picked: FloatArray


def summarise(
    spec: CandidateSpec,
    members: Sequence[Measurement],
    record: Record,
    shared: frozenset[str],
    seed: int,
    name: str,
    modes: bool = False,
    named: bool = False,
    of_prior: int = PRIOR_DRAWS,
) -> Summary:
    """Summary of the draws of one group (or of one measurement, a group of one), with modes if asked.

    What is own to the measurement of a group of one has its name only if asked; ``of_prior`` draws of the prior are
    made beside.
    """
    target = build_target(spec, [list(members)], shared, known_to_fit=True)
    theta, labels = label(target, record.arrays["theta"].transpose(2, 0, 1, 3))
    assigned = frozenset(one.part for one in labels if one.assigned)
    asked = [asked_of(one) for one in spec.derived]
    quantities, values = tabulate(target, theta, asked)
    shown = [k for k, one in enumerate(quantities) if not _idle(spec, one, members)]
    there, values = [quantities[k] for k in shown], values[..., shown]
    columns = [column_of(spec, one, members, named) for one in there]
    kept = values[:, :: max(1, -(-values.shape[1] // MOST_DRAWS))]
    flat = theta.transpose(1, 0, 2, 3).reshape(-1, *theta.shape[2:])
    picked = flat[np.unique(np.linspace(0, len(flat) - 1, PREDICTIVE_DRAWS).astype(int))]
    curves, p_values, checks = {}, {}, {}
    for d, m in enumerate(members):
        generator = torch.Generator().manual_seed(stream_key(seed, name, m.id, "predictive")[0])
        found = predict(target, picked, d, generator)
        curves[m.id] = {
            "x": m.x, "y": m.y, "sd": found.sd, "prediction": found.curve, "predictive": found.data,
            "components": found.components, "residuals": found.residuals, "curve_mean": found.mean,
            "curve_sd": found.spread,
        }  # fmt: skip
        p_values[m.id] = found.p_value
        checks[m.id] = _checks(found, m)
    likelihood = record.arrays["log_likelihood"]
    arrays = {
        "draws": kept,
        "prior_draws": tabulate(target, prior_draws(target, seed, name, assigned, of_prior), asked)[1][..., shown],
        "trace": likelihood[:, :, -1].T,
        "beta": record.arrays["beta"],
        "exchange_rate": record.arrays["exchange_rate"],
        "log_likelihood_mean": likelihood.mean(axis=(0, 1)),
    }
    rows = _rows(columns, values)
    rows = [row | known_of(target, q, record, row) for row, q in zip(rows, there, strict=True)]
    if modes:
        exact = build_target(spec, [list(members)], shared, "float64", known_to_fit=True)
        highest = mode_columns(exact, picked, quantities, asked)
        rows = [row | highest[k] for row, k in zip(rows, shown, strict=True)]
    return Summary(
        columns, rows, arrays, curves, _labels(target), [_numbering(one) for one in labels], p_values, checks, picked
    )


def _idle(spec: CandidateSpec, q: Quantity, members: Sequence[Measurement]) -> bool:
    """Whether a quantity is a number that has no part in its measurement."""
    there = {f"{COMMON}.{one.name}": one.idle_in for one in spec.common if one.idle_in}
    return q.member is not None and there.get(q.name) == members[q.member].id


def _checks(found: Prediction, m: Measurement) -> dict[str, float]:
    """Checks as files name them: probabilities, and where the data are farthest from the curve and by how much."""
    one = found.misfit
    inside = slice(one.first, one.last + 1)
    excess = (m.y[inside] - found.curve[2][inside]).mean()
    place = {"x_from": float(m.x[one.first]), "x_to": float(m.x[one.last])}
    height = float(np.ptp(found.curve[2]))
    share = abs(float(excess)) / height if height > 0 else math.inf
    far = {"deviation": one.deviation, "excess": float(excess), "share": min(share, MOST_SHARE)}
    return {name: getattr(one, name) for name in ("squares", "runs", "local", "together")} | place | far


def prior_draws(
    target: SumTarget, seed: int, name: str, assigned: frozenset[str] = frozenset(), number: int = PRIOR_DRAWS
) -> FloatArray:
    """Draws of the prior (n, D, P), relabelled but for parts whose instances are numbered by assignment."""
    generator = torch.Generator().manual_seed(stream_key(seed, name, "prior")[0])
    shape = (len(target.slots), 1, target.members, number, 1)
    u = torch.rand(shape, generator=generator, dtype=torch.float64).clamp(min=1e-12)
    states = target.from_uniform(u)[0, :, :, 0]
    return relabel(target, states.permute(1, 0, 2).numpy(), assigned)


def _numbering(one: Labels) -> dict[str, Any]:
    """Numbering of one part as JSON can hold it."""
    doubtful = [{"first": first, "second": second, "overlap": overlap} for first, second, overlap in one.doubtful]
    return {"part": one.part, "by": one.by, "doubtful": doubtful}


def prior_rows(spec: CandidateSpec, m: Measurement) -> list[dict[str, str]]:
    """Every prior as it was used on a measurement, with its unit and who wrote it."""
    units = {f"{part.name}.{p.name}": p.unit for part in spec.parts for p in part.build().parameters}
    units |= {f"{COMMON}.{one.name}": one.unit for one in spec.common}
    words, y_unit, rows = data_words(spec, m), signal_unit(spec, m), list[dict[str, str]]()
    for part, parameter in spec.parameters():
        name, unit = _shown(spec, f"{part}.{parameter.name}", units.get(f"{part}.{parameter.name}", "1"))
        prior = parameter.prior.resolve(words)
        arguments = ", ".join(f"{key}={value:.6g}" for key, value in prior.arguments.items())
        rows.append(
            {
                "parameter": name,
                "prior": f"{prior.family.name}({arguments})" + (", integrated out" if name in spec.marginal else ""),
                "unit": resolve_unit(unit, m.x_unit, y_unit),
                "source": parameter.source,
            }
        )
    for part_spec in spec.parts:
        for word, formula in part_spec.ties:
            name, unit = f"{part_spec.name}.{word}", resolve_unit(units[f"{part_spec.name}.{word}"], m.x_unit, y_unit)
            rows.append({"parameter": name, "prior": f"= {formula}", "unit": unit, "source": "campaign"})
    return rows


def asked_of(one: DerivedSpec) -> Asked:
    """Quantity that the campaign defines, as the target's names call what it is made of."""
    names = ((f"{part}.{word}", number) for part, number, word in map(split_name, one.formula.names))
    return Asked(one.name, one.unit, tuple(names), one.formula.function())


def _shown(spec: CandidateSpec, name: str, unit: str) -> tuple[str, str]:
    """Name and unit of a parameter for people."""
    word = f"noise.{spec.noise.shown(name.removeprefix('noise.'))}" if name.startswith("noise.") else name
    return word, "y" if word != name else unit


def noise_words(spec: CandidateSpec, rows: Sequence[Mapping[str, Any]], m: Measurement) -> dict[str, Any]:
    """Noise model in one sentence, and the standard deviation it implies where that is one number."""
    unit = "" if m.y_unit == "1" else f" {m.y_unit}".rstrip()
    base = {
        "value": f"standard deviation {spec.noise.value:g}{unit}" if spec.noise.value is not None else "",
        "column": "the measurement's own uncertainties",
        "estimate": "the measurement's own uncertainties as relative weights"
        if m.uncertainty is not None
        else f"a robust estimate of the noise ({m.noise_estimate:.4g}{unit})",
        "none": "counting statistics",
        "exposure": f"counting statistics, of rates times an exposure of {exposure_of(spec, m):g}",
    }[spec.noise.base]
    found = _fixed_noise(spec, m) | {row["parameter"]: row for row in rows if row["kind"] == "noise"}
    family, width = spec.noise.model.removesuffix("_scaled").removesuffix("_exposure"), "standard deviation"
    family = family.replace("_", " ")
    if spec.noise.model == "student_t":
        family, width, base = "Student's t", "width", base.replace("standard deviation", "width")
    words = f"{family} noise: {base}"
    scale = found.get("noise.scale") or found.get("noise.sigma")
    if "noise.sigma" in found and scale is not None:
        words = f"{family} noise of estimated {width} {scale['mean']:.3g} +- {scale['sd']:.2g}{unit}"
    elif scale is not None and scale["sd"] > 0:
        words += f", times an estimated factor of {scale['mean']:.3g} +- {scale['sd']:.2g}"
    elif scale is not None and scale["mean"] != 1.0:
        words += f", times a factor of {scale['mean']:.3g}"
    relative = found.get("noise.relative")
    if relative is not None:
        words += f", with a relative model error of {_with_error(relative)}"
    for name, said in (("gain", "a variance of {} times the curve"), ("dof", "{} degrees of freedom")):
        row = found.get(f"noise.{name}")
        if row is not None:
            words += f", with {said}".format(_with_error(row))
    level = spec.noise.value if spec.noise.base == "value" else None
    if spec.noise.base == "estimate" and m.uncertainty is None:
        level = m.noise_estimate
    if relative is not None or "noise.gain" in found:
        level = None  # it is another at each point
    return {
        "family": spec.noise.model,
        "words": words,
        "sigma_mean": None if level is None else level * (scale["mean"] if scale else 1.0),
        "sigma_sd": None if level is None else level * (scale["sd"] if scale else 0.0),
    }


def _fixed_noise(spec: CandidateSpec, m: Measurement) -> dict[str, Mapping[str, Any]]:
    """Parameters of the noise that are not sampled, as rows without an error."""
    fixed = [one for one in spec.noise.parameters if one.prior.fixed]
    words = data_words(spec, m) if fixed else {}
    return {f"noise.{one.name}": {"mean": one.prior.values(words)["value"], "sd": 0.0} for one in fixed}


def _with_error(row: Mapping[str, Any]) -> str:
    """Mean with its error, alone where there is none."""
    return f"{row['mean']:.2g} +- {row['sd']:.1g}" if row["sd"] > 0 else f"{row['mean']:.3g}"


def part_words(spec: CandidateSpec) -> str:
    """Parts of a candidate in words, e.g. ``3 x pseudo_voigt + linear``."""
    names = [f"doublet of {p.of}" if p.of else p.component for p in spec.parts]
    return " + ".join(f"{p.count} x {n}" if p.count > 1 else n for p, n in zip(spec.parts, names, strict=True))


def column_of(spec: CandidateSpec, q: Quantity, members: Sequence[Measurement], named: bool = False) -> dict[str, Any]:
    """Quantity as files name it; the only measurement is named if asked."""
    m = members[q.member or 0]
    alone = len(members) == 1 and not named
    name, unit = _shown(spec, q.name, q.unit)
    return {
        "name": name,
        "index": q.index,
        "unit": resolve_unit(unit, m.x_unit, signal_unit(spec, m)),
        "kind": q.kind,
        "measurement": None if q.member is None or alone else m.id,
    }


def _rows(columns: Sequence[Mapping[str, Any]], draws: FloatArray) -> list[dict[str, Any]]:
    """Statistics of all quantities (C, S, Q), each led by its name as tables call it."""
    named = [{"parameter": one["name"]} | {key: v for key, v in one.items() if key != "name"} for one in columns]
    return [one | found for one, found in zip(named, statistics_of_each(draws), strict=True)]


def _labels(target: SumTarget) -> list[str]:
    """Name of every component that has a curve."""
    return [one.part if one.index is None else f"{one.part} {one.index}" for one in target.shown]
