"""Blocks of a group's measurements: gains by multiplied posteriors, and by sampling together where that decides.

What is found of a block is kept with a key of its own, so that no block is sampled twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.patterns import (
    divided,
    is_plain,
    joint_patterns,
    patterns_of,
    samples_jointly,
    shared_of,
    words_of,
)
from bayesbeam.config.schema import Integration, Shared
from bayesbeam.config.sharing import Joint, joint_spec
from bayesbeam.errors import SamplingError
from bayesbeam.integration.merge_tree import MergeTree, merge_tree
from bayesbeam.integration.partitions import Block, all_blocks
from bayesbeam.integration.sharings import compare_sharings, doubtful
from bayesbeam.integration.two_stage import Product, product
from bayesbeam.integration.uncertain import Uncertain
from bayesbeam.io.samples import Record, known_records, write_records
from bayesbeam.sampling.run import GroupName
from bayesbeam.stages.apart import Apart, Key, apart, joint_gain, read_joint
from bayesbeam.stages.disagreement import conflict_rows, whole_record
from bayesbeam.stages.joint import JointJob, sample_jointly
from bayesbeam.stages.keep import ALONE, Running, say
from bayesbeam.stages.members import member_key
from bayesbeam.stages.sample import usable
from bayesbeam.stages.singles import Singles, singles_of
from bayesbeam.stages.watch import Watcher

FOUND = "blocks/found.h5"
MOST_SAMPLED = 6
"""Blocks and partial sharings that `method: auto` samples together, at most, to make sure of a decision."""
_ROUNDS = 3


def sample_blocks(
    campaign: LoadedCampaign, group: str, results: Path, out: Path, watch: Watcher, running: Running = ALONE
) -> None:
    """Write the gains of the blocks of a group, at the model that describes it best.

    Parameters
    ----------
    results : Path
        Folder of the campaign's results, with draws of each measurement and of the group.
    out : Path
        File to make, or to bring up to date.
    """
    torch.set_num_threads(1)
    asked = campaign.group(group)
    present = usable(asked.measurements, results / "measurements")
    models = [apart(campaign, one, present, results) for one in campaign.group_models(group)]
    most = max((len(one.members) for one in models), default=0)
    models = [one for one in models if len(one.members) == most]
    if most < 2:
        write_records(out, {"blocks": Record({}, {"reason": "fewer than two measurements can be used"})})
        return
    joint = {one.model.tag: read_joint(results, group, one.model.tag, one.names) for one in models}
    best = min(models, key=lambda one: min(one.free_energy, _free_energy(joint[one.model.tag])))
    tag = best.model.tag
    given: dict[Key, Record | None] = {tuple(range(most)): joint[tag]}
    given |= {name: read_joint(results, group, f"{tag}~{name}", best.names) for name in joint_patterns(asked)}
    work = _Work(campaign, asked, best, out, watch, running)
    work.compare({key: record for key, record in given.items() if record is not None})
    work.write()


def _free_energy(record: Record | None) -> float:
    """Free energy of joint draws; infinite where there are none."""
    return float("inf") if record is None else float(record.facts["free_energy"]["value"])


class _Work:
    """The blocks of one group as far as they are known."""

    def __init__(
        self, campaign: LoadedCampaign, asked: Integration, one: Apart, out: Path, watch: Watcher, running: Running
    ) -> None:
        self.campaign, self.asked, self.apart, self.out = campaign, asked, one, out
        self.watch, self.running = watch, running
        self.products: dict[Key, Product] = {}
        self.given: dict[Key, Record] = {}
        self.sampled: dict[Key, Record] = {}
        self.tree: MergeTree | None = None
        self.conflict: list[dict[str, Any]] = []
        self.whole: Record | None = None
        self.reason = ""
        known = known_records(out)
        self.known = {str(record.facts["key"]): record for record in known.values() if "key" in record.facts}

    @property
    def all_of_them(self) -> Block:
        """The block of all measurements."""
        return tuple(range(len(self.apart.members)))

    def compare(self, given: Mapping[Key, Record]) -> None:
        """Multiply posteriors, and sample what decides; draws of some sharings are given."""
        number, how = len(self.apart.members), divided(self.asked)
        self.given = dict(given)
        if how == "all" and (self.asked.method == "joint" or not is_plain(self.asked)):
            self.sample([block for block in all_blocks(number) if len(block) < number])
        if not is_plain(self.asked):
            return
        words = _words(self.asked.shared)
        try:
            singles = singles_of(self.apart.expanded.spec, self.apart.members, self.apart.records, words)
        except SamplingError as error:
            self.reason = str(error)
            return
        say(f"posteriors of {number} measurements are multiplied")
        self.multiply(singles, how if self.asked.method != "joint" else "none")
        if self.asked.method == "auto" and samples_jointly(self.asked):
            for _ in range(_ROUNDS):
                self.sample(self.deciding())

    def multiply(self, singles: Singles, how: str) -> None:
        """Gains by multiplied posteriors: of all blocks or those that a tree of mergers ends at, and of patterns."""
        each, number = singles.each, len(singles.each)
        wanted = {self.all_of_them}
        if how == "all":
            wanted |= set(all_blocks(number))
        if how == "greedy":
            self.tree = merge_tree(number, lambda block: product([each[k] for k in block], errors=False).gain)
            wanted |= {block for block in self.tree.best if len(block) > 1}
        for block in sorted(wanted, key=lambda one: (len(one), one)):
            self.products[block] = product([each[k] for k in block])
        together = self.products[self.all_of_them]
        self.conflict = conflict_rows(singles, together)
        if not samples_jointly(self.asked):
            self.whole = whole_record(singles, together, self.apart.members[0], self.apart.expanded.spec)
        for name, entries in patterns_of(self.asked).items():
            if name not in self.given:
                keep = singles.keep(_words(entries))
                self.products[name] = product([one.of(keep) for one in each])

    def deciding(self) -> list[Key]:
        """What is to be sampled next: the most probable sharing, and guesses that might change it."""
        number = len(self.apart.members)
        gains = {key: self.gain(key) for key in [*self.products, *(k for k in self.given if k not in self.products)]}
        blocks = {key: one for key, one in gains.items() if not isinstance(key, str)}
        patterns = {key: one for key, one in gains.items() if isinstance(key, str)}
        partitions = [self.tree.best] if self.tree is not None else None if divided(self.asked) == "all" else []
        best = compare_sharings(number, blocks, patterns, partitions).best
        wanted: list[Key] = [best.name] if best.name else [block for block in best.partition if len(block) > 1]
        wanted += doubtful(number, blocks, patterns, partitions)
        new = [key for key in dict.fromkeys(wanted) if key not in self.sampled and key not in self.given]
        return new[: max(MOST_SAMPLED - len(self.sampled), 0)]

    def gain(self, key: Key) -> Uncertain:
        """Gain of a block or pattern as it is known now."""
        for records in (self.sampled, self.given):
            if key in records:
                return joint_gain(self.apart, records[key])
        return self.products[key].uncertain

    def sample(self, wanted: Sequence[Key]) -> None:
        """Sample blocks and patterns together, blocks of equal size in one run; what is known already is kept."""
        alone = self.apart.expanded
        alike: dict[tuple[int, str], list[Key]] = defaultdict(list)
        keys = {}
        for one in wanted:
            block, joint = self.of(one)
            members = [self.apart.members[k] for k in block]
            keys[one] = member_key(self.campaign, replace(alone, spec=joint.spec), members, joint.shared)
            if keys[one] in self.known:
                self.sampled[one] = self.known[keys[one]]
            else:
                alike[len(block), one if isinstance(one, str) else ""].append(one)
        for some in alike.values():
            blocks = [[self.apart.members[k] for k in self.of(one)[0]] for one in some]
            names = [GroupName(f"{self.asked.group}/{alone.tag}/{self.label(one)}", self.ids(one)) for one in some]
            joint = self.of(some[0])[1]
            model = replace(alone, spec=joint.spec)
            job = JointJob(self.campaign, model, blocks, names, [keys[one] for one in some], joint.shared)
            self.sampled |= dict(zip(some, sample_jointly(job, self.out, self.watch, self.running), strict=True))

    def of(self, key: Key) -> tuple[Block, Joint]:
        """Measurements of a block or pattern, and what they share."""
        entries = shared_of(self.asked, key) if isinstance(key, str) else self.asked.shared
        candidate = self.apart.expanded.candidate
        joint = joint_spec(self.apart.expanded.spec, [entry.of(candidate) for entry in entries])
        return self.all_of_them if isinstance(key, str) else key, joint

    def ids(self, key: Key) -> tuple[str, ...]:
        """Ids of the measurements of a block or pattern."""
        return tuple(self.apart.names[k] for k in self.of(key)[0])

    def label(self, key: Key) -> str:
        """Name of a block or pattern, as a file and random numbers know it."""
        return key if isinstance(key, str) else "+".join(self.ids(key))

    def write(self) -> None:
        """Write what is known."""
        names = self.apart.names
        facts: dict[str, Any] = {"tag": self.apart.model.tag, "members": list(names), "reason": self.reason}
        facts["conflict"] = self.conflict
        if self.tree is not None:
            facts["mergers"] = [[list(m.first), list(m.second), m.gain] for m in self.tree.mergers]
        keys = [(key if isinstance(key, str) else list(key), self.of(key)[0]) for key in self.products]
        records = {"blocks": _gains(names, keys, list(self.products.values()), facts)}
        if self.whole is not None:
            records["whole"] = self.whole
        for key, record in self.sampled.items():
            told = {**record.facts, "pattern": key if isinstance(key, str) else ""}
            records[f"sampled/{'pattern' if isinstance(key, str) else 'block'}/{self.label(key)}"] = Record(
                record.arrays, told
            )
        write_records(self.out, records)


def _words(entries: Sequence[Shared]) -> list[str]:
    """Names of what is shared."""
    return [word for entry in entries for word in words_of(entry)]


def _gains(
    names: Sequence[str], keys: Sequence[tuple[Any, Block]], products: Sequence[Product], facts: Mapping[str, Any]
) -> Record:
    """Gains with what their errors are owed to; influence is (B, M, C)."""
    if not products:
        return Record({}, facts)
    chains = max(one.influence.shape[1] for one in products)
    influence = np.zeros((len(products), len(names), chains))
    for row, (_, block), one in zip(influence, keys, products, strict=True):
        row[list(block), : one.influence.shape[1]] = one.influence
    arrays = {
        "gain": np.array([one.gain for one in products]),
        "ceiling": np.array([one.ceiling for one in products]),
        "own_error": np.array([one.own_error for one in products]),
        "influence": influence,
        "effective_draws": np.array([one.effective_draws.min() for one in products]),
    }
    told = {"keys": [key for key, _ in keys], "doubts": [one.refusal for one in products]}
    return Record(arrays, {**facts, **told})
