"""Stable hashes of what a campaign asks, so that results know when they are out of date.

Decides what matters for numbers: never titles, names of folders, grouping into batches, or the device.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from bayesbeam.config.schema import Integration, Sampling
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.specs import CandidateSpec, Count, ParameterSpec, PartSpec, PhasesSpec
from bayesbeam.config.studies import recipe_text
from bayesbeam.config.treatment import GEOMETRY


def measurement_key(row: MeasurementRow) -> str:
    """Key of how a file becomes a measurement: id, file as written, treatment and metadata, not the file's bytes.

    Parameters
    ----------
    row : MeasurementRow
        Row of the sheet.
    """
    treatment = row.treatment.model_dump(mode="json", by_alias=True)
    if row.treatment.image is None:
        del treatment["image"]
    # Keys of campaigns that say nothing of it are what they were before it could be said.
    treatment["instrument"] = {
        word: value for word, value in treatment["instrument"].items() if word not in GEOMETRY or value is not None
    }
    made = [] if row.made is None else [recipe_text(row.made)]
    return _digest("measurement", [row.id, row.file_in_sheet, treatment, row.metadata, *made])


def candidate_key(spec: CandidateSpec, count: Count) -> str:
    """Key of a model: parts, counts, priors, noise and starting points.

    Where a prior was written does not matter, nor does a title. Of a user's own component the content of its file
    matters, not where it lies; so it is with the CIFs of a library.

    Parameters
    ----------
    spec : CandidateSpec
        Parts and noise.
    count : int, tuple of int or None
        The count of an expanded range, or of each of several.
    """
    parts = [_part(part) for part in spec.parts]
    noise: list[Any] = [spec.noise.model, spec.noise.base, spec.noise.value, _priors(spec.noise.parameters)]
    noise += [spec.noise.sheet] if spec.noise.sheet else []
    # It changes no draw, but whether there are any: one by words of the data may not fit these.
    noise += [["level", str(spec.noise.level)]] if spec.noise.level is not None and spec.noise.level.needs else []
    starts = [[start.values for start in spec.starts]] if spec.starts else []
    common = [["common", _priors(spec.common)]] if spec.common else []
    few = [["sparse", asdict(spec.sparse)]] if spec.sparse is not None else []
    few += [["phases", _phases(spec.phases)]] if spec.phases is not None else []
    solve = [["solve", spec.solve]] if spec.solve != "auto" else []
    return _digest("candidate", [parts, noise, count, *starts, *common, *few, *solve])


def _phases(spec: PhasesSpec) -> dict[str, Any]:
    """What is asked of phases, wherever their library lies."""
    asked = asdict(replace(spec, library=()))
    unasked = {"refine": "none", "cell_report": False}
    return {word: value for word, value in asked.items() if word not in unasked or value != unasked[word]}


def words_key(spec: CandidateSpec) -> list[list[str]]:
    """What of a model changes what is shown and no draw: quantities of the campaign, prior of a level."""
    level = [["noise level", str(spec.noise.level), ""]] if spec.noise.level is not None else []
    return [*([one.name, str(one.formula), one.unit] for one in spec.derived), *level]


def sampling_key(sampling: Sampling) -> str:
    """Key of the settings that can change a digit.

    Parameters
    ----------
    sampling : Sampling
        The section of the campaign.
    """
    # Where all is kept the key is what it was before one could choose.
    unused = {"batch", "device"} | ({"store"} if sampling.store == "full" else set())
    return _digest("sampling", sampling.model_dump(mode="json", exclude=unused))


def group_key(group: Integration) -> str:
    """Key of a group of measurements with shared parameters; the order of the shared words does not matter.

    Parameters
    ----------
    group : Integration
        One entry of the section ``integration``.
    """
    # Words alone are hashed as they always were, so that groups of such keep their draws.
    dumped: list[Any] = [one.model_dump(mode="json") for one in group.shared]
    words = sorted(one for one in dumped if isinstance(one, str))
    others = sorted((one for one in dumped if not isinstance(one, str)), key=json.dumps)
    # The first pattern that a measurement matches says its candidate: their order is part of the question.
    candidate = group.candidate if isinstance(group.candidate, str) else list(group.candidate.items())
    return _digest("group", [group.group, list(group.measurements), candidate, [*words, *others]])


def _part(part: PartSpec) -> list[Any]:
    """Everything about a part that can change a number."""
    widths = part.widths if part.of else None
    content = [part.own.sha256] if part.own is not None else []
    ties = [[[name, str(formula)] for name, formula in part.ties]] if part.ties else []
    acts = [["acts on", part.acts_on, part.table]] if part.acts_on else []
    terms: list[Any] = [["column", part.column]] if part.column else []
    terms += [["exponent", part.exponent]] if part.exponent is not None else []
    out = [["integrated out", part.marginal]] if part.marginal else []
    moves = [["moved", [[name, str(formula)] for name, formula in part.moves]]] if part.moves else []
    made = [*content, *ties, *acts, *terms, *out, *moves]
    return [part.name, part.component, part.of, widths, part.count, _priors(part.parameters), *made]


def _priors(parameters: Sequence[ParameterSpec]) -> list[list[str]]:
    return [[parameter.name, str(parameter.prior)] for parameter in parameters]


def _digest(kind: str, value: Any) -> str:
    """Sha256 of canonical JSON."""
    text = json.dumps([kind, value], sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
