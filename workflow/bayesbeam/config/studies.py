"""Rows of the studies of a campaign: simulated and thinned measurements, beside those of the sheet.

Decides ids, columns and keys of measurements that nobody made; imports no torch. What is true is said in ``truth``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bayesbeam.config.fields import ID_EXPECTED, id_problem
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Campaign
from bayesbeam.config.sheet import Made, MeasurementRow
from bayesbeam.config.specs import COMMON
from bayesbeam.config.treatment import Axis, Signal, Treatment, Uncertainty
from bayesbeam.config.virtual import Simulation, Thinning, level_text
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest


def study_rows(
    campaign: Campaign, sheet: Sequence[MeasurementRow], folder: Path, problems: Problems, whole: bool
) -> tuple[MeasurementRow, ...]:
    """Rows of all studies, noting those that cannot be.

    Parameters
    ----------
    campaign : Campaign
        Its sections ``simulate`` and ``thin``.
    sheet : sequence of MeasurementRow
        Rows of the sheet.
    folder : Path
        The campaign's, for the content of its own component files.
    problems : Problems
        Where mistakes are noted.
    whole : bool
        Whether the sheet was read without mistakes.
    """
    taken = {row.id.lower(): f"a row of the sheet, {row.id}" for row in sheet}
    rows: list[MeasurementRow] = []
    for here, study in campaign.simulations:
        found = _simulated(study, campaign, folder)
        rows += _unless_taken(found, taken, problems, (*here, "name"), study.name)
    for index, thinning in enumerate(campaign.thin):
        found = _thinned(thinning, sheet, problems, ("thin", index), whole)
        rows += _unless_taken(found, taken, problems, ("thin", index, "name"), thinning.name)
    return tuple(rows)


def _unless_taken(
    rows: Sequence[MeasurementRow], taken: dict[str, str], problems: Problems, path: KeyPath, name: str
) -> list[MeasurementRow]:
    """Rows of a study, none where an id is none or exists already; the first such one is noted."""
    remedy = "Choose another name for the study."
    for row in rows:
        if id_problem(row.id):
            problems.add(path, f"the name {name!r}, which makes the id {row.id!r}", ID_EXPECTED, remedy)
            return []
        if row.id.lower() in taken:
            found = f"the id {row.id}, which is that of {taken[row.id.lower()]}"
            problems.add(path, found, "ids that differ", remedy)
            return []
    taken.update({row.id.lower(): f"the study {name}" for row in rows})
    return list(rows)


def _simulated(study: Simulation, campaign: Campaign, folder: Path) -> list[MeasurementRow]:
    """Rows of a simulation, exposures one after the other."""
    counted = bool(study.exposures)
    column, sign = ("exposure", "T") if counted else ("noise_level", "sd")
    recipe = {**_asked(study), "model": _model(study, campaign, folder)}
    axis = Axis(quantity=study.axis.quantity, unit=study.axis.unit)
    rows = []
    for level in study.levels:
        noise = Uncertainty() if counted else Uncertainty.model_validate({"from": "value", "value": level})
        treatment = Treatment(
            axis=axis, signal=Signal(unit="counts" if counted else "", counts=counted), uncertainty=noise
        )
        for replicate in range(1, study.replicates + 1):
            made = Made(study.name, column, level, replicate, study.seed, recipe, points=study.axis.points)
            identifier = f"{study.name}_{sign}{level_text(level)}_{replicate:03d}"
            columns: dict[str, str | float] = {column: level, "replicate": float(replicate)}
            rows.append(MeasurementRow(identifier, Path(), "", "simulated", treatment, columns, made))
    return rows


def _asked(study: Simulation | Thinning) -> dict[str, Any]:
    """What decides the data of a study, but for the level and the replicate."""
    return study.model_dump(mode="json", exclude={"name", "exposures", "noise_levels", "replicates"})


def _model(study: Simulation, campaign: Campaign, folder: Path) -> list[Any]:
    """What makes the curve of the true candidate: components, fixed values, ties and responses; no priors but fixed."""
    candidate = campaign.candidates.get(study.candidate)
    if candidate is None:
        return []
    kept = {"component", "name", "of", "widths", "fixed", "tied"}
    parts = [part.model_dump(mode="json", include=kept) for part in candidate.parts]
    # Whatever has no value in the truth is fixed by its prior.
    priors = {f"{part.name}.{word}": text for part in candidate.parts for word, text in part.priors.items()}
    priors |= {f"{COMMON}.{word}": one.prior for word, one in candidate.common.items()}
    beside = [[name, str(text)] for name, text in priors.items() if name not in study.truth]
    acting = [[part.name, *part.acts_on] for part in candidate.parts if part.acts_on]
    files = [[part.name, _content(folder / part.file)] for part in candidate.parts if part.file is not None]
    # Without these the recipe is what it was before there were any.
    rest: list[list[Any]] = [[beside, acting, files]] if beside or acting or files else []
    rest += [["dark", candidate.noise.dark]] if candidate.noise.dark else []
    return [parts, [_content(folder / name) for name in campaign.components], *rest]


def _content(path: Path) -> str:
    """Hash of a component or response file; one that cannot be read is a mistake that others note."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _thinned(
    study: Thinning, sheet: Sequence[MeasurementRow], problems: Problems, here: KeyPath, whole: bool
) -> list[MeasurementRow]:
    """Rows of a thinning; none where its measurement cannot be thinned."""
    source = next((row for row in sheet if row.id == study.measurement), None)
    if source is None:
        if whole:
            ids = [row.id for row in sheet]
            found = f"the unknown measurement {study.measurement!r}"
            problems.add((*here, "measurement"), found, "an id of the sheet", nearest(study.measurement, ids))
        return []
    before = len(problems.found)
    total = study.exposure if study.exposure is not None else source.metadata.get("exposure")
    _check_source(source, problems, here)
    if not isinstance(total, float) or not total > 0:
        remedy = "Add exposure here, or a column exposure to the sheet."
        problems.add(here, f"no measuring time of {source.id}", "exposure, a number above 0", remedy)
    elif max(study.exposures) >= total:
        found = f"a time of {max(study.exposures):g}, where {source.id} was measured for {total:g}"
        problems.add((*here, "exposures"), found, "shorter times", "Thinning takes counts away only.")
    if len(problems.found) > before or not isinstance(total, float):
        return []
    recipe = {"seed": study.seed, "exposure": total}
    rows = []
    for level in study.levels:
        for replicate in range(1, study.replicates + 1):
            made = Made(study.name, "exposure", level, replicate, study.seed, recipe, share=level / total)
            identifier = f"{study.name}_T{level_text(level)}_{replicate:03d}"
            columns = source.metadata | {"exposure": level, "replicate": float(replicate)}
            rows.append(replace(source, id=identifier, metadata=columns, made=made))
    return rows


def _check_source(source: MeasurementRow, problems: Problems, here: KeyPath) -> None:
    """Note a measurement whose numbers are no counts."""
    path, chosen = (*here, "measurement"), source.treatment
    if not chosen.signal.counts:
        remedy = f"Set signal: {{counts: true}} in treatments.{source.treatment_name} if these are raw counts."
        problems.add(path, f"{source.id}, whose signal is not declared as counts", "a measurement of counts", remedy)
    elif chosen.normalise != "none":
        remedy = f"Remove normalise from treatments.{source.treatment_name}."
        problems.add(path, f"{source.id}, whose counts are normalised", "a measurement of raw counts", remedy)


def recipe_text(made: Made) -> str:
    """Return what decides the data of a measurement that nobody made, as text for its key."""
    return json.dumps([made.column, made.level, made.replicate, made.recipe], sort_keys=True)
