"""All sharings of a group compared, from what was sampled and multiplied: rows of tables, conflict, tree of mergers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.patterns import divided, joint_patterns, needs_blocks, patterns_of
from bayesbeam.config.schema import Integration
from bayesbeam.evidence.model_posterior import probability_words
from bayesbeam.integration.merge_tree import Merger, MergeTree
from bayesbeam.integration.partitions import Block, Partition, partition_words
from bayesbeam.integration.sharings import DIVISION, FULL, NONE, PATTERN, Sharing, compare_sharings
from bayesbeam.integration.uncertain import Uncertain
from bayesbeam.io.samples import Record, read_records
from bayesbeam.io.store import Measurement
from bayesbeam.stages.apart import Key, apart, joint_gain, read_joint
from bayesbeam.stages.blocks import FOUND

SURE = 0.95
RELIABLE, NOT_RELIABLE = "reliable", "not reliable"
LEAST_PROBABILITY = 1e-3
MOST_DIVISIONS = 12


@dataclass(frozen=True)
class Found:
    """What is on file of the blocks of a group."""

    records: Mapping[str, Record]

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts of the comparison."""
        return self.records["blocks"].facts if "blocks" in self.records else {}

    @property
    def multiplied(self) -> dict[Block | str, Uncertain]:
        """Gains by multiplied posteriors, of blocks and of patterns by their names."""
        record = self.records.get("blocks")
        if record is None or "gain" not in record.arrays:
            return {}
        members, arrays = record.facts["members"], record.arrays
        gains: dict[Block | str, Uncertain] = {}
        for k, key in enumerate(record.facts["keys"]):
            sources = {f"density of {one}": arrays["influence"][k, d] for d, one in enumerate(members)}
            sources[f"integral of {key}"] = arrays["own_error"][k : k + 1]
            doubt = str(record.facts["doubts"][k])
            ceiling = float(arrays["ceiling"][k]) if doubt else None
            found = Uncertain(float(arrays["gain"][k]), sources, doubt, ceiling)
            gains[key if isinstance(key, str) else tuple(key)] = found
        return gains

    def sampled(self) -> list[Record]:
        """Draws of blocks that were sampled together."""
        return [record for name, record in self.records.items() if name.startswith("sampled/")]


def read_found(results: Path, asked: Integration) -> Found:
    """What is on file of the blocks of a group; nothing where they are not compared."""
    if not needs_blocks(asked):
        return Found({})
    return Found(read_records(results / "integration" / asked.group / FOUND))


def compare_group(
    campaign: LoadedCampaign, group: str, present: Sequence[Measurement], results: Path, tag: str
) -> dict[str, Any]:
    """Every sharing of a group at one model, and who disagrees, as JSON can hold it.

    Parameters
    ----------
    present : sequence of Measurement
        Members of the group that can be used.
    tag : str
        Model at which the group was found best, where blocks do not say another.
    """
    asked = campaign.group(group)
    found = read_found(results, asked)
    tag = str(found.facts.get("tag", tag))
    model = next(one for one in campaign.group_models(group) if one.tag == tag)
    alone = apart(campaign, model, present, results)
    names, number = alone.names, len(alone.names)
    whole: Block = tuple(range(number))
    records: dict[Key, Record | None] = {whole: read_joint(results, group, tag, names)}
    records |= {name: read_joint(results, group, f"{tag}~{name}", names) for name in joint_patterns(asked)}
    records |= {str(one.facts["pattern"]) or _block(names, one): one for one in found.sampled()}
    joint = {key: one for key, one in records.items() if one is not None}
    gains = found.multiplied | {key: joint_gain(alone, one) for key, one in joint.items()}
    if whole not in gains:
        return {}
    blocks = {key: one for key, one in gains.items() if not isinstance(key, str)}
    patterns = {key: one for key, one in gains.items() if isinstance(key, str)}
    ways = compare_sharings(number, blocks, patterns, _partitions(asked, found, number))
    reasons = [f"{name} alone: {one}" for name in names for one in alone.records[name].facts["reasons"]]
    shown = [one for one in ways.each if one.kind != DIVISION]
    shown += [one for one in ways.each if one.kind == DIVISION and one.probability >= LEAST_PROBABILITY][
        :MOST_DIVISIONS
    ]
    error = float(np.sqrt(sum(one.facts["free_energy"]["standard_error"] ** 2 for one in alone.records.values())))
    told = _Told(asked, names, alone.free_energy, error, reasons, joint)
    rows = [told.row(one) for one in shown]
    return {
        "tag": tag,
        "members": list(names),
        "compared": len(ways.each),
        "rows": rows,
        "best": max(rows, key=lambda row: float(row["probability"]))["sharing"],
        "together": ways.together.tolist() if _has_divisions(ways.each) else [],
        "together_error": ways.together_error.tolist() if _has_divisions(ways.each) else [],
        "mergers": _mergers(found, number),
        "conflict": list(found.facts.get("conflict", [])),
        "reason": str(found.facts.get("reason", "")),
    }


def sharing_decision(compared: Mapping[str, Any]) -> str:
    """Decision in one sentence where some of the parameters, or of the measurements, are shared; else empty."""
    rows = compared.get("rows", [])
    if not any(row["kind"] in (PATTERN, DIVISION) for row in rows):
        return ""
    best = max(rows, key=lambda row: float(row["probability"]))
    if best["kind"] in (NONE, FULL) and best["probability"] >= SURE:
        return ""
    chance = probability_words(best["probability"], best["probability_error"])
    amount = f"F - sum F_sep = {-best['gain']:.2f} +- {best['gain_standard_error']:.2f} nats"
    among = f"probability among {compared['compared']} sharings {chance}"
    if best["verdict"] != RELIABLE:
        return f"No decision: a run behind it is not reliable ({best['sharing']}: {amount})."
    if best["probability"] < SURE:
        return f"Undecided: most probable is to share {best['sharing']} ({amount}, {among})."
    what = "Share in part" if best["kind"] == PATTERN else "Integrate within blocks"
    return f"{what}, {best['sharing']}: {amount}, {among}."


def _block(names: Sequence[str], record: Record) -> Block:
    """Block of a record, as numbers of its members."""
    return tuple(sorted(names.index(one) for one in record.facts["members"]))


def _partitions(asked: Integration, found: Found, members: int) -> list[Partition] | None:
    """Divisions to compare: all (None), those that a tree of mergers ends at, or none."""
    how = divided(asked)
    if how == "all" and not found.facts.get("reason"):
        return None
    tree = _tree(found, members)
    return [tree.best] if how == "greedy" and tree is not None else []


def _tree(found: Found, members: int) -> MergeTree | None:
    """Tree of mergers on file."""
    mergers = found.facts.get("mergers")
    if not mergers:
        return None
    total, steps = 0.0, []
    for first, second, gain in mergers:
        total += float(gain)
        steps.append(Merger(tuple(first), tuple(second), float(gain), total))
    return MergeTree(members, tuple(steps))


def _mergers(found: Found, members: int) -> list[dict[str, Any]]:
    """Mergers for tables and the tree's drawing."""
    tree = _tree(found, members)
    if tree is None:
        return []
    names = found.facts["members"]
    return [
        {
            "step": k,
            "first": [names[j] for j in one.first],
            "second": [names[j] for j in one.second],
            "gain": one.gain,
            "total": one.total,
            "kept": k <= tree.kept,
        }
        for k, one in enumerate(tree.mergers, start=1)
    ]


def _has_divisions(each: Sequence[Sharing]) -> bool:
    """Whether divisions of the measurements are among what was compared."""
    return any(one.kind == DIVISION for one in each)


@dataclass(frozen=True)
class _Told:
    """What is the same in all rows of sharings."""

    asked: Integration
    names: Sequence[str]
    free_energy: float
    standard_error: float
    reasons: Sequence[str]
    joint: Mapping[Key, Record]

    def row(self, one: Sharing) -> dict[str, Any]:
        """Sharing as JSON can hold it."""
        reasons = [*self.reasons, *([one.doubt] if one.doubt else [])]
        return {
            "sharing": self.label(one),
            "kind": one.kind,
            "name": one.name,
            "shared": self.shared(one),
            "blocks": [[self.names[k] for k in block] for block in one.partition],
            "free_energy": self.free_energy - one.gain,
            "standard_error": self.error(one),
            "gain": one.gain,
            "gain_standard_error": one.standard_error,
            "ceiling": one.ceiling if one.doubt else None,
            "probability": one.probability,
            "probability_error": one.probability_error,
            "method": self.method(one),
            "verdict": NOT_RELIABLE if reasons else RELIABLE,
            "reasons": reasons,
        }

    def label(self, one: Sharing) -> str:
        """Name of a sharing in tables."""
        if one.kind == DIVISION:
            return partition_words(one.partition, self.names)
        return "none" if one.kind == NONE else "+".join(self.shared(one))

    def shared(self, one: Sharing) -> list[str]:
        """Parameters that are shared."""
        if one.kind == NONE:
            return []
        entries = patterns_of(self.asked)[one.name] if one.kind == PATTERN else self.asked.shared
        return [str(entry) for entry in entries]

    def keys(self, one: Sharing) -> list[Key]:
        """What is shared by whom, as gains are known by."""
        return [one.name] if one.kind == PATTERN else [block for block in one.partition if len(block) > 1]

    def method(self, one: Sharing) -> str:
        """By what means the free energy was found."""
        used = {"joint" if key in self.joint else "two_stage" for key in self.keys(one)}
        return used.pop() if len(used) == 1 else "both" if used else ""

    def error(self, one: Sharing) -> float:
        """Standard error of the free energy; of one joint run its own."""
        keys = self.keys(one)
        if one.kind in (FULL, PATTERN) and keys[0] in self.joint:
            return float(self.joint[keys[0]].facts["free_energy"]["standard_error"])
        return float(np.hypot(self.standard_error, one.standard_error))
