"""Exposures and dark counts of Poisson noise: the part that dark counts are, and what the sheet must hold for both.

Decides what may be named: exposures and dark counts are numbers of a measurement, not of each of its points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bayesbeam.config.candidate import Candidate, Part
from bayesbeam.config.expression import DATA_WORDS, PriorSpec, Word, fixed
from bayesbeam.config.places import Problems
from bayesbeam.config.prior_check import checked_prior
from bayesbeam.config.schema import Campaign
from bayesbeam.config.sheet import COLUMNS, MeasurementRow
from bayesbeam.config.specs import Expanded, ParameterSpec, PartSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest
from bayesbeam.models.base import Parameter

DARK, LEVEL = "dark", "level"
EXPOSURE = "exposure"


def with_dark(candidate: Candidate, problems: Problems, here: KeyPath) -> Candidate:
    """Candidate with a last part for its dark counts, if it has any; the level of which is set by dark_level."""
    if not candidate.noise.dark:
        return candidate
    if any(part.name == DARK for part in candidate.parts):
        path, remedy = (*here, "noise", DARK), f"Rename the part, or remove {DARK} here."
        problems.add(path, f"{DARK} beside a part of that name", "one of the two", remedy)
        return candidate
    part = Part(component="constant", name=DARK, fixed={LEVEL: 0.0})
    return candidate.model_copy(update={"parts": (*candidate.parts, part)})


def dark_level(candidate: Candidate, part: PartSpec, problems: Problems, here: KeyPath) -> PartSpec:
    """Part of the dark counts with what the campaign says of them; a mistake is noted."""
    said, path = candidate.noise.dark, (*here, "noise", DARK)
    prior: PriorSpec | None
    if isinstance(said, float):
        prior = fixed(said)
    elif "(" in str(said):
        parameter = Parameter(LEVEL, "y", str(said), (0.0, float("inf")), "dark counts in one unit of exposure")
        prior = checked_prior(str(said), parameter, problems, path)
    else:
        prior = PriorSpec("fixed", (("value", Word(str(said))),))
        if str(said) in DATA_WORDS:
            remedy = "Rename the column of the sheet."
            problems.add(path, f"the column {said!r}, which is a data word", "another name", remedy)
    return part if prior is None else replace(part, parameters=(ParameterSpec(LEVEL, prior, "campaign"),))


def check_exposures(
    campaign: Campaign,
    members: Mapping[str, Sequence[str]],
    rows: Sequence[MeasurementRow],
    models: Mapping[str, Sequence[Expanded]],
    problems: Problems,
) -> None:
    """Note candidates that need the exposure or the dark counts of measurements that have none.

    Parameters
    ----------
    campaign : Campaign
        Whose candidates they are.
    members : mapping of str to sequence of str
        Measurements of each candidate.
    rows : sequence of MeasurementRow
        All measurements.
    models : mapping
        Models of every candidate; empty for one with mistakes.
    problems : Problems
        Where mistakes are noted.
    """
    known = {row.id: row for row in rows}
    if any(model.spec.noise.rates for found in models.values() for model in found):
        _check_whole(campaign, known, problems)
    for name, found in models.items():
        if not found:
            continue
        here: KeyPath = ("candidates", name)
        chosen = [known[one] for one in members[name]]
        noise = campaign.candidates[name].noise
        if isinstance(noise.exposure, str):
            _check_column(noise.exposure, chosen, lambda v: v > 0, "above 0", problems, (*here, "noise", EXPOSURE))
        if isinstance(noise.dark, str) and "(" not in noise.dark:
            _check_column(noise.dark, chosen, lambda v: v >= 0, "of at least 0", problems, (*here, "noise", DARK))
        if noise.exposure is not None or noise.dark is not None:
            _check_made(noise.exposure, noise.dark, chosen, problems, (*here, "noise"))
        levels = [model.spec.noise.level.needs for model in found if model.spec.noise.level is not None]
        needed = frozenset[str]().union(*(model.spec.needs for model in found), *levels)
        if EXPOSURE in needed and noise.exposure != EXPOSURE:
            _check_word(chosen, problems, here)


def _check_column(
    column: str,
    rows: Sequence[MeasurementRow],
    good: Callable[[float], bool],
    which: str,
    problems: Problems,
    path: KeyPath,
) -> None:
    """Note a column that is not in the sheet, or does not hold such numbers for all measurements."""
    expected = f"a number, or a column of the sheet with a number {which} for every measurement"
    there = {name for row in rows for name in row.metadata}
    if column not in there:
        remedy = f"Add the column {column} to the sheet; a column of a data file cannot be named here."
        if column in COLUMNS:
            remedy = "Columns of the sheet that have a meaning of their own cannot be named here."
        elif nearest(column, sorted(there)).startswith("Did you mean"):
            remedy = nearest(column, sorted(there))
        problems.add(path, f"the column {column!r}, which the sheet does not have", expected, remedy)
        return
    bad = [r for r in rows if not isinstance(value := r.metadata.get(column), float) or not good(value)]
    if bad:
        value = bad[0].metadata.get(column, "nothing")
        said = f"{value:g}" if isinstance(value, float) else str(value)[:40]
        more = f" (and {len(bad) - 1} more of its kind)" if len(bad) > 1 else ""
        remedy = "Correct the sheet, or limit the candidate to other measurements."
        problems.add(path, f"{said} in the column {column} for {bad[0].id}{more}", expected, remedy)


def _check_made(
    exposure: float | str | None,
    dark: float | str | None,
    rows: Sequence[MeasurementRow],
    problems: Problems,
    path: KeyPath,
) -> None:
    """Note exposures that are not those at which measurements of a study are made."""
    made = [row for row in rows if row.made is not None and row.made.column == EXPOSURE]
    if made and exposure != EXPOSURE:
        value = f"{exposure:g}" if isinstance(exposure, float) else exposure
        said = "dark without exposure" if exposure is None else f"exposure: {value}"
        found = f"{said} for {made[0].id}, which is made at an exposure of its own"
        remedy = (
            f"Write {EXPOSURE}: {EXPOSURE}, the column that holds it, or limit the candidate to other measurements."
        )
        problems.add((*path, EXPOSURE if exposure is not None else DARK), found, f"{EXPOSURE}: {EXPOSURE}", remedy)


def _check_whole(campaign: Campaign, known: Mapping[str, MeasurementRow], problems: Problems) -> None:
    """Note thinned spectra whose whole one has another exposure in the sheet than the study says."""
    for index, study in enumerate(campaign.thin):
        sheet = known[study.measurement].metadata.get(EXPOSURE) if study.measurement in known else None
        if study.exposure is not None and isinstance(sheet, float) and sheet != study.exposure:
            found = f"{study.exposure:g}, where the sheet has {sheet:g} for {study.measurement}, whose curve is a rate"
            remedy = "Remove exposure here, or correct the sheet."
            problems.add(("thin", index, EXPOSURE), found, "the exposure that the sheet has", remedy)


def _check_word(rows: Sequence[MeasurementRow], problems: Problems, here: KeyPath) -> None:
    """Note priors that name the exposure of measurements that have none."""
    bad = [r.id for r in rows if not isinstance(value := r.metadata.get(EXPOSURE), float) or value <= 0]
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        said = f"a prior with the word exposure for {bad[0]}{more}, which has none"
        remedy = "Fill the column exposure of the sheet, or write the prior without it."
        problems.add(here, said, "a number above 0 in the column exposure", remedy)
