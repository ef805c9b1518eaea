"""Sampling of one candidate: a batch of measurements each by itself, or the measurements of a group together.

A measurement whose key is unchanged keeps its draws: only what is new is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import torch

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.patterns import shared_of
from bayesbeam.config.sharing import joint_spec
from bayesbeam.config.specs import Expanded
from bayesbeam.errors import BayesbeamError, ModelError, SamplingError
from bayesbeam.io.checkpoint import checkpoint_path, finished_path, remove_checkpoint
from bayesbeam.io.costs import costs_path
from bayesbeam.io.samples import Record, known_records, write_records
from bayesbeam.io.store import Measurement, read_measurement
from bayesbeam.sampling.checkpoint import Interrupted
from bayesbeam.sampling.known import known_runs
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages.build import build_target, sampled_target
from bayesbeam.stages.keep import ALONE, FileKeeper, Running, say
from bayesbeam.stages.members import member_key, misfit, refused
from bayesbeam.stages.memory import measured_mib, memory_words, predicted_mib
from bayesbeam.stages.pack import REFUSED, pack, program_versions, version_of
from bayesbeam.stages.parts import choice_words, parts_of
from bayesbeam.stages.plan import digest
from bayesbeam.stages.quarantine import Aside, cause_of, out_of_memory, too_large
from bayesbeam.stages.resources import choose_device, device_words, settings_of
from bayesbeam.stages.reuse import reused, searched
from bayesbeam.stages.solve import beside_exact, solve_each, solved
from bayesbeam.stages.sparse import solve_all
from bayesbeam.stages.starts import starting_points
from bayesbeam.stages.watch import Watcher, forward
from bayesbeam.targets.base import Target


def sample_batch(
    campaign: LoadedCampaign,
    ids: Sequence[str],
    tag: str,
    measurements: Path,
    out: Path,
    watch: Watcher,
    running: Running = ALONE,
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
    running : Running
        Checkpoints, threads, and who may ask to stop.

    Raises
    ------
    BayesbeamError
        If the candidate does not fit the data; the message names it.
    Interrupted
        If it was asked to stop; the next call goes on from there.
    """
    if not ids:
        write_records(out, {})
        _tidy(out)
        return
    expanded = _expanded(campaign, ids[0], tag)
    present = usable(ids, measurements)
    known = known_records(out) | known_records(finished_path(out))
    wanted = {m.id: member_key(campaign, expanded, [m]) for m in present}
    records = {m.id: known[m.id] for m in present if m.id in known and known[m.id].facts.get("key") == wanted[m.id]}
    new = [m for m in present if m.id not in records]
    aside = Aside(tag)
    reasons = refused(expanded.spec, new, aside)
    records |= {name: Record({}, {"key": wanted[name], REFUSED: reason}) for name, reason in reasons.items()}
    new = [m for m in new if m.id not in reasons and m.id not in aside.names()]
    records |= solve_each(campaign, expanded, new, wanted)
    if expanded.spec.phases is not None:
        records = _searched(campaign, expanded, new, wanted, records, out, running, aside)
    left = [m for m in new if m.id not in records and m.id not in aside.names()]
    parts = parts_of(campaign, expanded.spec, left)
    while parts:
        if running.stop():
            raise Interrupted
        alike = parts.popleft()
        names = [GroupName(f"{m.id}/{tag}", (m.id,)) for m in alike]
        asked = [[m] for m in alike], names, [wanted[m.id] for m in alike]
        job = Job(campaign, expanded, *asked, running.threads, known_to_fit=True)
        try:
            found = reused(job, running.cache, partial(_sampled, out, watch, running))
        except Exception as problem:
            # A checkpoint stays: it may be of a half, by a job that was killed.
            parts.extendleft(reversed(aside.split(alike, problem)))
            continue
        records |= {m.id: beside_exact(expanded, [m], record) for m, record in zip(alike, found, strict=True)}
        if len(records) < len(present):
            write_records(finished_path(out), records)
            remove_checkpoint(checkpoint_path(out))
    records |= aside.records(wanted, bool(records))
    write_records(out, {m.id: records[m.id] for m in present})
    _tidy(out)


def _searched(
    campaign: LoadedCampaign, expanded: Expanded, new: Sequence[Measurement], keys: Mapping[str, str],
    records: dict[str, Record], out: Path, running: Running, aside: Aside,
) -> dict[str, Record]:  # fmt: skip
    """Records with those of measurements that are searched for phases, one after the other."""
    # It brings programs for crystals in, which others shall not wait for.
    from bayesbeam.stages.phases import cache_of, solve_phases

    torch.set_num_threads(1)  # its work here is small, and on a busy machine more threads wait for each other
    cache = cache_of(out.parents[2])
    for m in new:
        if running.stop():
            raise Interrupted
        try:
            search = partial(solve_phases, campaign, expanded, m, keys[m.id], cache, running.threads)
            record = searched(f"{m.id}/{expanded.tag}", keys[m.id], running.cache, search)
        except Exception as problem:
            aside.split([m], problem)
            continue
        records = records | {m.id: record}
        write_records(finished_path(out), records)
    return records


def sample_group(
    campaign: LoadedCampaign,
    group: str,
    tag: str,
    measurements: Path,
    out: Path,
    watch: Watcher,
    running: Running = ALONE,
    pattern: str = "",
) -> None:
    """Draws and free energy of one expanded candidate for all measurements of a group together.

    What they share is all that the group asks, or what one of its patterns has. Refused members are left out; a group
    with fewer than two usable members gets a file without a record. Draws of the same key that are there already are
    kept.
    """
    asked = campaign.group(group)
    model = next((one for one in campaign.group_models(group) if one.tag == tag), None)
    if model is not None and len(model.parts) > 1:
        # It builds on this file.
        from bayesbeam.stages.mixed_sample import sample_mixed

        known = known_records(out).get(group)
        found = sample_mixed(campaign, model, group, measurements, known, out, watch, running, pattern)
        write_records(out, found)
        _tidy(out)
        return
    alone = _expanded(campaign, asked.measurements[0], tag)
    joint = joint_spec(alone.spec, shared_of(asked, pattern))
    expanded = replace(alone, spec=joint.spec)
    present = [m for m in usable(asked.measurements, measurements) if not misfit(alone.spec, m)]
    records: dict[str, Record] = {}
    if len(present) >= 2:
        name = GroupName(f"{group}/{tag}" + (f"/{pattern}" if pattern else ""), tuple(m.id for m in present))
        key = member_key(campaign, expanded, present, joint.shared)
        known = known_records(out).get(group)
        if known is not None and known.facts.get("key") == key:
            records = {group: known}
        elif (record := _solved(campaign, expanded, present, name, key, joint.shared, out, running)) is not None:
            records = {group: record}
        else:
            job = Job(campaign, expanded, [present], [name], [key], running.threads, joint.shared)
            try:
                record = reused(job, running.cache, partial(_sampled, out, watch, running))[0]
                records = {group: beside_exact(expanded, present, record, joint.shared)}
            except (SamplingError, RuntimeError, MemoryError) as error:
                if out_of_memory(error):
                    raise too_large(expanded.tag, error) from error
                if not isinstance(cause_of(error), ModelError):
                    raise
                records = {group: Record({}, {"key": key, REFUSED: str(error)})}
    write_records(out, records)
    _tidy(out)


def _solved(
    campaign: LoadedCampaign, expanded: Expanded, present: Sequence[Measurement], name: GroupName, key: str,
    shared: frozenset[str], out: Path, running: Running,
) -> Record | None:  # fmt: skip
    """Record of a group without sampling: scans that are searched for phases, or linear models; else None."""
    if expanded.spec.phases is None:
        return solved(campaign, expanded, present, name, key, shared)
    # It brings programs for crystals in, which others shall not wait for.
    from bayesbeam.stages.phase_group import solve_group
    from bayesbeam.stages.phases import cache_of

    return solve_group(campaign, expanded, present, name, key, cache_of(out.parents[2]), running.threads)


@dataclass(frozen=True)
class Job:
    """One candidate for groups of equally many measurements; ``keys`` holds the key of every group.

    Where it is ``known_to_fit``, what its target had to pass is not tried again.
    """

    campaign: LoadedCampaign
    expanded: Expanded
    groups: list[list[Measurement]]
    names: list[GroupName]
    keys: list[str]
    threads: int
    shared: frozenset[str] = frozenset()
    known_to_fit: bool = False

    @cached_property
    def settings(self) -> Settings:
        """Settings of the sampler."""
        return settings_of(self.campaign, len(self.groups[0]), self.threads)

    @cached_property
    def device(self) -> str:
        """Device to compute on."""
        sampling = self.campaign.campaign.sampling
        return choose_device(sampling.device, sampling.engine)

    @property
    def key(self) -> str:
        """Hash of everything that the state of the sampler depends on, for a checkpoint."""
        asked = {name: value for name, value in asdict(self.settings).items() if name != "threads"}
        names = [[one.name, *one.members] for one in self.names]
        programs = program_versions() | {"numba": version_of("numba")}
        return digest([self.keys, names, asked, device_words(self.device), programs])


def _sampled(out: Path, watch: Watcher, running: Running, job: Job) -> list[Record]:
    """Records of a job with its checkpoint beside the file that is made."""
    return sample_job(job, FileKeeper(checkpoint_path(out), job.key, running), watch)


def sample_job(job: Job, keeper: FileKeeper, watch: Watcher) -> list[Record]:
    """Run the sampler and pack its results, one record a group."""
    torch.set_num_threads(1)
    sampling = job.campaign.campaign.sampling
    if job.expanded.spec.sparse is not None:
        return solve_all(job.expanded, job.groups, job.keys, job.settings, job.device, keeper)
    try:
        spec, precision = job.expanded.spec, sampling.precision
        whole = build_target(spec, job.groups, job.shared, precision, job.device, job.known_to_fit)
        target = sampled_target(spec, whole)
        words = choice_words(target, job.settings.engine, sampling.device) if target.moving else "nothing to sample"
        say(f"{job.expanded.tag}: {words}")
        predicted = predicted_mib(target, job.settings, bool(spec.starts))
        runs = _run(target, job, keeper, watch)
    except BayesbeamError as error:
        keeper.remove()
        raise SamplingError(f"candidate {job.expanded.tag}: {error}") from error
    memory = measured_mib(), predicted[0] if predicted is not None else None
    say(f"{job.expanded.tag}: {memory_words(memory[0], predicted)}")
    spent, store = keeper.spent, sampling.store
    return pack(job.expanded, job.groups, job.keys, runs, job.settings, job.device, spent, memory, store)


def _run(target: Target, job: Job, keeper: FileKeeper, watch: Watcher) -> list[Run]:
    """Call the sampler, where there is something to sample."""
    if not target.moving:
        return known_runs(target, job.names, job.settings)
    starts = starting_points(job.expanded.spec, target, job.groups)
    return replica_exchange(target, job.names, job.settings, forward(watch), keeper, starts)


def _expanded(campaign: LoadedCampaign, identifier: str, tag: str) -> Expanded:
    """Expanded candidate of a measurement by its tag."""
    found = {expanded.tag: expanded for expanded in campaign.candidates_of(identifier)}
    if tag in found:
        return found[tag]
    expected = f"one of {', '.join(found)}"
    raise SamplingError.at(f"measurement {identifier}", f"no candidate {tag}", expected, "Correct --tag.")


def usable(ids: Sequence[str], folder: Path) -> list[Measurement]:
    """Measurements that were not refused."""
    read = [read_measurement(folder / f"{identifier}.h5") for identifier in ids]
    return [m for m in read if not m.refused]


def _tidy(out: Path) -> None:
    """Remove what was kept for a restart: the job has made its file."""
    remove_checkpoint(checkpoint_path(out))
    remove_checkpoint(finished_path(out))
    costs_path(finished_path(out)).unlink(missing_ok=True)
