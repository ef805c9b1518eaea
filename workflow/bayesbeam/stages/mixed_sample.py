"""Sampling of a group whose measurements have different candidates: one target of all of them, on batched torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from bayesbeam.config.grouping import GroupModel, linked
from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.patterns import shared_of
from bayesbeam.config.shared import Shared
from bayesbeam.errors import BayesbeamError, SamplingError
from bayesbeam.io.checkpoint import checkpoint_path
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages.keep import FileKeeper, Running, say
from bayesbeam.stages.members import member_key, misfit
from bayesbeam.stages.memory import measured_mib, memory_words, predicted_mib
from bayesbeam.stages.mixed import mixed_target
from bayesbeam.stages.pack import pack, program_versions
from bayesbeam.stages.parts import choice_words
from bayesbeam.stages.plan import digest
from bayesbeam.stages.resources import choose_device, device_words, settings_of
from bayesbeam.stages.sample import usable
from bayesbeam.stages.watch import Watcher, forward


def sample_mixed(
    campaign: LoadedCampaign,
    model: GroupModel,
    group: str,
    measurements: Path,
    known: Record | None,
    out: Path,
    watch: Watcher,
    running: Running,
    pattern: str = "",
) -> dict[str, Record]:
    """Record of a group by a model of several candidates; none where fewer than two measurements can be used.

    Parameters
    ----------
    known : Record or None
        Of an earlier run, which is kept where its key is the same.
    out : Path
        File that it is for, beside which checkpoints are.
    pattern : str
        Partial sharing of the group; all is shared without one.
    """
    entries = shared_of(campaign.group(group), pattern)
    model, present = present_of(model, measurements)
    if sum(map(len, present)) < 2:
        return {}
    key = mixed_key(campaign, model, entries, present)
    if known is not None and known.facts.get("key") == key:
        return {group: known}
    everyone = [m for members in present for m in members]
    name = GroupName(f"{group}/{model.tag}" + (f"/{pattern}" if pattern else ""), tuple(m.id for m in everyone))
    sampling = campaign.campaign.sampling
    device = choose_device(sampling.device, sampling.engine)
    settings = replace(settings_of(campaign, 1, running.threads), engine="eager")
    whole = _key(key, name, settings, device)
    keeper = FileKeeper(checkpoint_path(out), whole, running)
    torch.set_num_threads(1)
    try:
        target = mixed_target(model, entries, present, sampling.precision, device)
        say(f"{model.tag}: {choice_words(target, settings.engine, sampling.device)}")
        predicted = predicted_mib(target, settings, False)
        # What is told from one number to the next is keyed by one member, for a state holds the numbers of all.
        runs = replica_exchange(target, [GroupName(name.name, (name.name,))], settings, forward(watch), keeper, None)
    except BayesbeamError as error:
        keeper.remove()
        raise SamplingError(f"candidate {model.tag}: {error}") from error
    memory = measured_mib(), predicted[0] if predicted is not None else None
    say(f"{model.tag}: {memory_words(memory[0], predicted)}")
    return {group: pack(model.whole, [everyone], [key], runs, settings, device, keeper.spent, memory)[0]}


def present_of(model: GroupModel, measurements: Path) -> tuple[GroupModel, list[list[Measurement]]]:
    """Measurements of each candidate that can be used, and the model without candidates that have none."""
    kept, found = [], []
    for one, ids in model.parts:
        members = [m for m in usable(ids, measurements) if not misfit(one.spec, m)]
        if members:
            kept.append((one, tuple(m.id for m in members)))
            found.append(members)
    return replace(model, parts=tuple(kept)), found


def mixed_key(
    campaign: LoadedCampaign, model: GroupModel, entries: Sequence[Shared], present: Sequence[Sequence[Measurement]]
) -> str:
    """Hash of everything that can change the draws of a model of several candidates."""
    asked = []
    for (one, _), part, members in zip(model.parts, linked(model, entries), present, strict=True):
        rewritten = replace(one, spec=part.joint.spec)
        key = member_key(campaign, rewritten, members, part.joint.shared)
        asked.append([key, sorted(part.names.items())])
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _key(key: str, name: GroupName, settings: Settings, device: str) -> str:
    """Hash of everything that the state of the sampler depends on, for a checkpoint."""
    asked = {word: value for word, value in asdict(settings).items() if word != "threads"}
    return digest([key, name.name, *name.members, asked, device_words(device), program_versions()])


__all__ = ["mixed_key", "present_of", "sample_mixed"]
