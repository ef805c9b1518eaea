"""Sampling of one candidate: a batch of measurements each by itself, or the measurements of a group together.

A measurement whose key is unchanged keeps its draws: only what is new is sampled.
"""

from __future__ import annotations

import hashlib
import json
import math
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

import bayesbeam
from bayesbeam.config import keys
from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.specs import CandidateSpec, Expanded
from bayesbeam.errors import BayesbeamError, DataError, ModelError, SamplingError, StoreError, message
from bayesbeam.io.samples import Record, read_records, write_records
from bayesbeam.io.store import Measurement, read_measurement
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, Progress, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages import versions
from bayesbeam.stages.build import build_target, row_precision
from bayesbeam.stages.resources import choose_device, device_words, settings_of

REFUSED = "refused"


class Watcher(Protocol):
    """Whoever wants to know how far a job is."""

    def __call__(
        self,
        done: float,
        total: float,
        free_energy: float | None = None,
        standard_error: float | None = None,
        text: str = "",
    ) -> None:
        """Take note."""


def sample_batch(
    campaign: LoadedCampaign, ids: Sequence[str], tag: str, measurements: Path, out: Path, watch: Watcher
) -> None:
    """Draws and free energies of one expanded candidate for every measurement of a batch.

    Parameters
    ----------
    ids : sequence of str
        Measurements of the batch to which the candidate applies; refused ones are passed over.
    measurements : Path
        Folder of the preprocessed measurements.
    out : Path
        File of draws to make, or to bring up to date.

    Raises
    ------
    BayesbeamError
        If the candidate does not fit the data; the message names it.
    """
    if not ids:
        write_records(out, {})
        return
    expanded = _expanded(campaign, ids[0], tag)
    present = usable(ids, measurements)
    known = _known(out)
    wanted = {m.id: member_key(campaign, expanded, [m]) for m in present}
    records = {m.id: known[m.id] for m in present if m.id in known and known[m.id].facts.get("key") == wanted[m.id]}
    new = [m for m in present if m.id not in records]
    refused = {m.id: reason for m in new if (reason := misfit(expanded.spec, m))}
    records |= {name: Record({}, {"key": wanted[name], REFUSED: reason}) for name, reason in refused.items()}
    for alike in _alike(expanded.spec, [m for m in new if m.id not in refused], campaign.campaign.sampling.precision):
        job = _Job(expanded, [[m] for m in alike], [GroupName(f"{m.id}/{tag}", (m.id,)) for m in alike])
        found = _sample(campaign, job, [wanted[m.id] for m in alike], watch)
        records |= {m.id: record for m, record in zip(alike, found, strict=True)}
    write_records(out, {m.id: records[m.id] for m in present})


def sample_group(campaign: LoadedCampaign, group: str, tag: str, measurements: Path, out: Path, watch: Watcher) -> None:
    """Draws and free energy of one expanded candidate for all measurements of a group together.

    Refused members are left out; a group with fewer than two usable members gets a file without a record.
    """
    asked = campaign.group(group)
    expanded = _expanded(campaign, asked.measurements[0], tag)
    present = [m for m in usable(asked.measurements, measurements) if not misfit(expanded.spec, m)]
    records: dict[str, Record] = {}
    if len(present) >= 2:
        name = GroupName(f"{group}/{tag}", tuple(m.id for m in present))
        key = member_key(campaign, expanded, present, asked.shared)
        job = _Job(expanded, [present], [name], frozenset(asked.shared))
        records = {group: _sample(campaign, job, [key], watch)[0]}
    write_records(out, records)


def misfit(spec: CandidateSpec, m: Measurement) -> str:
    """Why a candidate cannot be tried on a measurement; empty where it can."""
    try:
        build_target(spec, [[m]])
    except (DataError, ModelError) as error:
        return str(error)
    return ""


def member_key(
    campaign: LoadedCampaign, expanded: Expanded, members: Sequence[Measurement], shared: Sequence[str] = ()
) -> str:
    """Hash of everything that can change the draws: data, candidate, sampling settings, version."""
    digest = hashlib.sha256()
    for m in members:
        digest.update(m.id.encode())
        for column in (m.x, m.y, m.uncertainty if m.uncertainty is not None else np.empty(0)):
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update(f"{m.counts} {m.noise_estimate!r}".encode())
    asked = [
        keys.candidate_key(expanded.spec, expanded.count),
        keys.sampling_key(campaign.campaign.sampling),
        versions.SAMPLE,
        sorted(shared),
    ]
    digest.update(json.dumps(asked).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Job:
    """One candidate for groups of equally many measurements."""

    expanded: Expanded
    groups: list[list[Measurement]]
    names: list[GroupName]
    shared: frozenset[str] = frozenset()


def _sample(campaign: LoadedCampaign, job: _Job, wanted: list[str], watch: Watcher) -> list[Record]:
    """Run the sampler and pack its results, one record a group."""
    torch.set_num_threads(1)
    settings = settings_of(campaign, len(job.groups[0]))
    sampling = campaign.campaign.sampling
    device = choose_device(sampling.device)
    wall, cpu = time.monotonic(), time.process_time()
    try:
        target = build_target(job.expanded.spec, job.groups, job.shared, sampling.precision, device)
        runs = replica_exchange(target, job.names, settings, _forward(watch))
    except BayesbeamError as error:
        raise SamplingError(f"candidate {job.expanded.tag}: {error}") from error
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    total = sum(run.likelihood_rows for run in runs)
    records = []
    for group, run, key in zip(job.groups, runs, wanted, strict=True):
        if not math.isfinite(run.free_energy.value + run.free_energy.standard_error):
            records.append(Record({}, {"key": key, REFUSED: _impossible(job.expanded, group)}))
            continue
        share = run.likelihood_rows / total
        facts = _facts(run, settings, device) | {
            "key": key,
            "members": [m.id for m in group],
            "wall_seconds": wall * share,
            "cpu_seconds": cpu * share,
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        records.append(Record(_arrays(run), facts))
    return records


def _impossible(expanded: Expanded, group: Sequence[Measurement]) -> str:
    """Reason to refuse a candidate under which the data cannot be."""
    return message(
        f"measurement {', '.join(m.id for m in group)}: candidate {expanded.tag}",
        "no draw of its priors, or hardly any, can have made these data: its free energy is not finite",
        "data that the candidate allows",
        "Widen its priors; with Poisson noise the curve must be positive wherever there are counts.",
    )


def _arrays(run: Run) -> dict[str, Any]:
    """Arrays of a run: draws (S, D, C, P), log-likelihoods (T, C, R), ladder, exchange rates."""
    return {
        "theta": run.theta,
        "log_likelihood": run.log_likelihood,
        "beta": run.beta,
        "exchange_rate": run.exchange_rate,
        "effective_draws": run.effective_draws,
        "rhat": run.rhat,
    }


def _facts(run: Run, settings: Settings, device: str) -> dict[str, Any]:
    """Numbers and words of a run."""
    return {
        "free_energy": asdict(run.free_energy),
        "estimators": {name: asdict(value) for name, value in run.estimators.items()},
        "verdict": run.verdict.word,
        "reasons": list(run.verdict.reasons),
        "barrier": run.barrier,
        "round_trips": run.round_trips,
        "sweeps": run.sweeps,
        "burn_in": run.burn_in,
        "likelihood_rows": run.likelihood_rows,
        "engine": run.engine,
        "device": device_words(device),
        "seed": settings.seed,
        "settings": asdict(settings),
        "versions": {"bayesbeam": bayesbeam.__version__, "torch": str(torch.__version__), "numpy": np.__version__},
    }


def _forward(watch: Watcher) -> Callable[[Progress], None]:
    """Pass the sampler's news on to whoever watches the job."""

    def tell(news: Progress) -> None:
        known = not np.isnan(news.free_energy)
        watch(
            news.sweeps,
            news.most_sweeps,
            news.free_energy if known else None,
            news.standard_error if known else None,
            news.phase,
        )

    return tell


def _expanded(campaign: LoadedCampaign, identifier: str, tag: str) -> Expanded:
    """Expanded candidate of a measurement by its tag."""
    for expanded in campaign.candidates_of(identifier):
        if expanded.tag == tag:
            return expanded
    tags = ", ".join(expanded.tag for expanded in campaign.candidates_of(identifier))
    raise SamplingError.at(f"measurement {identifier}", f"no candidate {tag}", f"one of {tags}", "Correct --tag.")


def usable(ids: Sequence[str], folder: Path) -> list[Measurement]:
    """Measurements that were not refused."""
    read = [read_measurement(folder / f"{identifier}.h5") for identifier in ids]
    return [m for m in read if not m.refused]


def _known(path: Path) -> dict[str, Record]:
    """Records of an earlier run; a damaged file counts as none, for it is about to be made anew."""
    if not path.is_file():
        return {}
    try:
        return read_records(path)
    except StoreError:
        return {}


def _alike(spec: CandidateSpec, measurements: list[Measurement], precision: str) -> list[list[Measurement]]:
    """Measurements of equal length and precision together: padding or rounding would change the last bit of a sum."""
    kinds: dict[tuple[int, str], list[Measurement]] = {}
    for m in measurements:
        kinds.setdefault((m.x.size, str(row_precision(spec, [[m]], precision))), []).append(m)
    return list(kinds.values())
