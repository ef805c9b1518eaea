"""A process that samples some batches of a campaign in one configuration, for tests that compare their bytes.

Called with the folder of the campaign and its order as JSON, see :class:`Order`. Ends with exit code 75 where it was
stopped; the next start goes on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

# A plain helper beside this one, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parent))
from bayesbeam.config.load import LoadedCampaign, load_campaign
from bayesbeam.config.sharing import joint_spec
from bayesbeam.config.specs import Expanded
from bayesbeam.io.samples import Record, write_records
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.checkpoint import Interrupted
from bayesbeam.sampling.groups import GroupName
from bayesbeam.sampling.run import replica_exchange
from bayesbeam.stages import command
from bayesbeam.stages.build import build_target, row_precision
from bayesbeam.stages.keep import Running, StopRequest
from bayesbeam.stages.members import member_key
from bayesbeam.stages.pack import pack
from bayesbeam.stages.resources import settings_of
from bayesbeam.stages.sample import sample_batch, sample_group, usable
from bayesbeam.stages.starts import starting_points
from short_runs import shorten

PHASES = ("from the prior", "tuning", "sampling")


@dataclass(frozen=True)
class Order:
    """What one process is asked for.

    Attributes
    ----------
    batches : list of (tag, file, ids)
        Measurements to sample together, in this order, and the file of their draws. An id of the campaign's
        ``integration`` stands for a joint analysis.
    library : bool
        Whether the sampler is called by itself, not through the stage.
    stop_at : (phase, int) or None
        When the process tells itself to stop, by SIGTERM: at the news that a phase begins, for the so-manieth time.
    """

    batches: list[tuple[str, str, list[str]]]
    measurements: str
    threads: int = 1
    torch_threads: int = 1
    library: bool = False
    short: bool = True
    stop_at: tuple[str, int] | None = None


def main(folder: str, text: str) -> int:
    """Sample all batches."""
    order = Order(**json.loads(text))
    torch.set_num_threads(order.torch_threads)
    if order.short:
        shorten()
    campaign = load_campaign(Path(folder))
    return command.run(lambda: sample(campaign, order), stopped=Interrupted)


def sample(campaign: LoadedCampaign, order: Order) -> None:
    """Sample all batches in this process."""
    work = by_library if order.library else by_stage
    work(campaign, order)


def by_stage(campaign: LoadedCampaign, order: Order) -> None:
    """Call the stage as scripts do."""
    joint = {group.group for group in campaign.campaign.integration}
    begun = [""]

    def watch(*news: Any) -> None:
        phase = next(one for one in PHASES if str(news[-1]).startswith(one))
        if phase == begun[-1]:
            return
        begun.append(phase)
        if order.stop_at is not None and [phase, begun.count(phase)] == list(order.stop_at):
            os.kill(os.getpid(), signal.SIGTERM)

    with StopRequest() as stop:
        running = Running(stop=stop, threads=order.threads)
        for tag, out, ids in order.batches:
            rest = tag, Path(order.measurements), Path(out), watch, running
            if joint.issuperset(ids):
                sample_group(campaign, ids[0], *rest)
            else:
                sample_batch(campaign, ids, *rest)


def by_library(campaign: LoadedCampaign, order: Order) -> None:
    """Call the sampler with targets of measurements of equal length and precision, joint analyses batched too."""
    for tag, out, ids in order.batches:
        kinds: dict[tuple[int, str], dict[str, list[Measurement]]] = {}
        groups = {group.group: group for group in campaign.campaign.integration}
        some = next((groups[name].measurements[0] for name in ids if name in groups), ids[0])
        expanded = next(one for one in campaign.candidates_of(some) if one.tag == tag)
        for name in ids:
            members = usable(groups[name].measurements if name in groups else [name], Path(order.measurements))
            kind = members[0].x.size, str(row_precision(expanded.spec, [members], campaign.campaign.sampling.precision))
            kinds.setdefault(kind, {})[name] = members
        records: dict[str, Record] = {}
        for alike in kinds.values():
            records |= sampled(campaign, expanded, alike, order)
        write_records(Path(out), records)


def sampled(
    campaign: LoadedCampaign, expanded: Expanded, alike: dict[str, list[Measurement]], order: Order
) -> dict[str, Record]:
    """Records of groups that are sampled in one call."""
    words = {group.group: group.shared for group in campaign.campaign.integration}
    shared = next((words[name] for name in alike if name in words), ())
    members = list(alike.values())
    joint = joint_spec(expanded.spec, shared)
    target = build_target(joint.spec, members, joint.shared, campaign.campaign.sampling.precision)
    names = [GroupName(f"{name}/{expanded.tag}", tuple(m.id for m in group)) for name, group in alike.items()]
    settings = settings_of(campaign, len(members[0]), order.threads)
    starts = starting_points(expanded.spec, target, members)
    runs = replica_exchange(target, names, settings, starts=starts)
    keys = [member_key(campaign, expanded, group, joint.shared) for group in members]
    return dict(zip(alike, pack(expanded, members, keys, runs, settings, "cpu", (0.0, 0.0), (0.0, None)), strict=True))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
