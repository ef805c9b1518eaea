"""What the page shows of the level of the noise: a figure, a table and one sentence; nothing where none was stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayesbeam.report.figures.noise import noise_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.records import Candidate, MeasurementResult
from bayesbeam.report.text import NOTHING, clean, known, plain, plus_minus, pretty_unit, probability, to_error
from bayesbeam.report.view import Cell, Table
from bayesbeam.report.wording import candidate_label

MOST = 8  # curves in one figure, those of the most probable candidates
FAR = 3.0  # standard deviations at which a stated level disagrees with the data


@dataclass(frozen=True)
class NoiseView:
    """Everything the page shows of the level of the noise of one measurement."""

    figure: Shown | None
    table: Table
    sentence: str


def noise_view(result: MeasurementResult, gallery: Gallery, pdf: bool = True) -> NoiseView | None:
    """View of one measurement; None where no candidate states its noise."""
    chosen = _alike([one for one in result.candidates if one.noise_curve])
    if not chosen:
        return None
    shown = sorted(chosen, key=lambda one: -_number(one, "marginal_probability"))[:MOST]
    shown = [one for one in chosen if one in shown]
    unit = pretty_unit(result.measurement.y_unit) if result.measurement else ""
    figure = noise_figure(shown, [candidate_label(one, result.candidates) for one in shown], unit)
    title = f"{result.name}: free energy against the level of the noise"
    return NoiseView(
        gallery.add(f"{result.id}+noise", figure, title, pdf), _table(result, chosen), _sentence(result, chosen, unit)
    )


def _alike(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that state level and prior as the most of them do, for only these can be compared without a level."""
    groups: dict[Any, list[Candidate]] = {}
    for one in candidates:
        groups.setdefault((_curve(one).get("sigma"), _curve(one).get("prior")), []).append(one)
    return max(groups.values(), key=len, default=[])


def _curve(one: Candidate) -> Mapping[str, Any]:
    return one.noise_curve or {}


def _number(one: Candidate, name: str) -> float:
    """Number of the record, 0 where there is none."""
    value = _curve(one).get(name)
    return 0.0 if value is None or not known(value) else float(value)


def _best_level(one: Candidate) -> str:
    """Best level with its standard deviation, as a level or a factor."""
    curve, unit = _curve(one), _curve(one).get("sigma") or 1.0
    if not known(curve.get("best_sd")):
        side = "or below" if curve["best"] <= 1.0 else "or above"
        return f"{plain(curve['best'] * unit)} {side}"
    return plus_minus(curve["best"] * unit, curve["best_sd"] * unit)


def _table(result: MeasurementResult, candidates: Sequence[Candidate]) -> Table:
    """Levels and free energies, a row a candidate."""
    heads = (
        "candidate", "best level", "F at its best level", "probability", "F, level integrated out", "probability",
    )  # fmt: skip
    rows = []
    for one in candidates:
        curve = _curve(one)
        rows.append(
            (
                Cell(candidate_label(one, result.candidates), "name"),
                Cell(_best_level(one)),
                Cell(to_error(curve["lowest"], curve.get("lowest_error"))),
                Cell(probability(curve.get("lowest_probability"), curve.get("lowest_probability_error"))),
                Cell(to_error(curve["marginal"], curve.get("marginal_error"))),
                Cell(probability(curve.get("marginal_probability"), curve.get("marginal_probability_error"))),
            )
        )
    best = max(range(len(candidates)), key=lambda k: _number(candidates[k], "marginal_probability"))
    return Table(heads, tuple(rows), frozenset({best}))


def _sentence(result: MeasurementResult, candidates: Sequence[Candidate], unit: str) -> str:
    """Which candidate and level the data choose where the level is open, and whether the stated one agrees."""
    best = max(candidates, key=lambda one: _number(one, "marginal_probability"))
    curve = _curve(best)
    label, level = candidate_label(best, result.candidates), _best_level(best)
    what = f"{level} {unit}".strip() if curve.get("sigma") is not None else f"{level} times the stated one"
    prior = f", with the prior {clean(curve['prior'], 80)}," if curve.get("prior") else ","
    said = f"With the level of the noise left open{prior} {label} is the most probable"
    chance = probability(curve.get("marginal_probability"), curve.get("marginal_probability_error"))
    said += f" ({chance})" if chance != NOTHING and len(candidates) > 1 else ""
    said += f", and its best level is {what}"
    sd = curve.get("best_sd")
    if not known(sd):
        return f"{said}: at the end of what this run can tell." + (
            " State a smaller level to see below it." if curve["best"] <= 1.0 else ""
        )
    if abs(curve["best"] - 1.0) > FAR * float(sd or 0.0):
        return f"{said}: the stated level does not agree with the data."
    return f"{said}, which agrees with the stated one."
