"""Whether a candidate can be tried on a measurement, and the key of what its draws depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from bayesbeam.config import keys
from bayesbeam.config.expression import DATA_WORDS
from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.phase_candidates import elements_of
from bayesbeam.config.specs import CandidateSpec, Expanded, PhasesSpec
from bayesbeam.errors import DataError, ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.stages import versions
from bayesbeam.stages.build import build_target, sampled_target
from bayesbeam.stages.quarantine import Aside
from bayesbeam.stages.regressors import column_names
from bayesbeam.stages.sparse import problem_of
from bayesbeam.stages.starts import starting_points


def misfit(spec: CandidateSpec, m: Measurement) -> str:
    """Why a candidate cannot be tried on a measurement; empty where it can."""
    try:
        _try(spec, [m])
    except (DataError, ModelError) as error:
        return str(error)
    return ""


def refused(spec: CandidateSpec, new: Sequence[Measurement], aside: Aside) -> dict[str, str]:
    """Why a candidate cannot be tried on some measurements, by their ids; asking of one may set it aside.

    Those of one length are tried together, which takes half of the time, and each by itself only where that fails.
    """
    alike: dict[int, list[Measurement]] = {}
    for m in new:
        alike.setdefault(m.x.size, []).append(m)
    doubtful = {m.id for members in alike.values() if not _all_fit(spec, members) for m in members}
    return {m.id: why for m in new if m.id in doubtful and (why := aside.attempt(m, partial(misfit, spec, m)))}


def _all_fit(spec: CandidateSpec, members: Sequence[Measurement]) -> bool:
    """Whether a candidate can be tried on all of some measurements of one length."""
    try:
        _try(spec, members)
    except Exception:  # what it is, and of which of them, shows where each is tried
        return False
    return True


def _try(spec: CandidateSpec, members: Sequence[Measurement]) -> None:
    """Raise what prevents a candidate from being tried on measurements, each by itself."""
    if spec.phases is not None:
        # It brings programs for crystals in, which others shall not wait for.
        from bayesbeam.stages.phases import misfit_of_phases

        for m in members:
            misfit_of_phases(spec.phases, m)
    elif spec.sparse is not None:
        for m in members:
            problem_of(spec, m)
    else:
        groups = [[m] for m in members]
        target = build_target(spec, groups)
        starting_points(spec, target, groups)
        sampled_target(spec, target)


def member_key(
    campaign: LoadedCampaign, expanded: Expanded, members: Sequence[Measurement], shared: Iterable[str] = ()
) -> str:
    """Hash of everything that can change the draws: data, candidate, sampling settings, version."""
    digest = hashlib.sha256()
    for m in members:
        digest.update(m.id.encode())
        for column in (m.x, m.y, m.uncertainty if m.uncertainty is not None else np.empty(0)):
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update(f"{m.counts} {m.noise_estimate!r}".encode())
    spec = expanded.spec
    asked: list[Any] = [
        keys.candidate_key(spec, expanded.count),
        keys.sampling_key(campaign.campaign.sampling),
        versions.SAMPLE,
        sorted(shared),
        *(_said_of_pattern(spec.phases, m) for m in members if spec.phases is not None),
    ]
    if spec.phases is not None:
        asked.append(["phases", versions.PHASES])
    # What else of a measurement a model asks for, where it does: without, keys are what they were before.
    if "exposure" in spec.needs:
        asked.append(["exposure", *(m.metadata.get("exposure") for m in members)])
    for name in sorted((spec.needs - set(DATA_WORDS)) | ({spec.noise.sheet} if spec.noise.sheet else set())):
        asked.append([f"column {name}", *(m.metadata.get(name) for m in members)])
    for name in column_names(spec):
        for m in members:
            digest.update(f"column {name}".encode() + np.ascontiguousarray(m.columns[name]).tobytes())
    if any(part.build().axis_unit for part in spec.parts):
        asked.append(["unit of x", *(m.x_unit for m in members)])
    digest.update(json.dumps(asked).encode())
    return digest.hexdigest()


def _said_of_pattern(spec: PhasesSpec, m: Measurement) -> list[Any]:
    """What of a measurement a search for phases depends on besides its points."""
    return ["phases", m.id, sorted(m.instrument.items()), m.x_unit, elements_of(spec, m.metadata)]
