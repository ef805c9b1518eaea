"""Sampling of blocks of measurements that share parameters, equally many in each, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.specs import Expanded
from bayesbeam.io.checkpoint import checkpoint_path
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.run import GroupName
from bayesbeam.stages.keep import FileKeeper, Running
from bayesbeam.stages.quarantine import out_of_memory, too_large
from bayesbeam.stages.sample import Job, sample_job
from bayesbeam.stages.watch import Watcher


@dataclass(frozen=True)
class JointJob:
    """Blocks of equally many measurements to be sampled with shared parameters, each with the key of its draws."""

    campaign: LoadedCampaign
    expanded: Expanded
    blocks: Sequence[Sequence[Measurement]]
    names: Sequence[GroupName]
    keys: Sequence[str]
    shared: frozenset[str]


def sample_jointly(one: JointJob, out: Path, watch: Watcher, running: Running) -> list[Record]:
    """Draws and free energies of blocks, in their order; a checkpoint lies beside ``out``."""
    blocks = [list(block) for block in one.blocks]
    job = Job(one.campaign, one.expanded, blocks, list(one.names), list(one.keys), running.threads, one.shared)
    keeper = FileKeeper(checkpoint_path(out), job.key, running)
    try:
        found = sample_job(job, keeper, watch)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise too_large(one.expanded.tag, error) from error
    keeper.remove()
    return found
