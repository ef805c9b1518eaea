"""Measurements of a group each by itself, and what sampling some of them together gained over that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bayesbeam.config.grouping import GroupModel
from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.specs import Expanded
from bayesbeam.integration.partitions import Block
from bayesbeam.integration.uncertain import Uncertain
from bayesbeam.io.samples import Record, read_records
from bayesbeam.io.store import Measurement
from bayesbeam.stages.members import member_key
from bayesbeam.stages.pack import REFUSED

Key = Block | str
"""A block of measurements, or the name of a partial sharing of all of them."""


@dataclass(frozen=True)
class Apart:
    """Measurements of a group at one model, each by itself.

    Attributes
    ----------
    model : GroupModel
    members : tuple of Measurement
        Those that the model fits.
    records : mapping of str to Record
        Draws and free energy of each.
    """

    model: GroupModel
    members: tuple[Measurement, ...]
    records: Mapping[str, Record]

    @property
    def expanded(self) -> Expanded:
        """The model where all measurements have one candidate."""
        return self.model.parts[0][0]

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the measurements."""
        return tuple(m.id for m in self.members)

    @property
    def free_energy(self) -> float:
        """Sum of the free energies, nats."""
        return float(sum(one.facts["free_energy"]["value"] for one in self.records.values()))

    def ids(self, block: Block) -> tuple[str, ...]:
        """Ids of a block."""
        return tuple(self.members[k].id for k in block)


def apart(campaign: LoadedCampaign, model: GroupModel, present: Sequence[Measurement], results: Path) -> Apart:
    """Draws of each measurement by itself, as far as they were made of the present data and settings."""
    wanted = {m.id: member_key(campaign, model.of(m.id), [m]) for m in present}
    found: dict[str, Record] = {}
    for tag in dict.fromkeys(one.tag for one, _ in model.parts):
        for path in sorted((results / "samples").glob(f"*/{tag}.h5")):
            for name, record in read_records(path).items():
                if record.facts.get("key") == wanted.get(name) and REFUSED not in record.facts:
                    found[name] = record
    members = tuple(m for m in present if m.id in found)
    return Apart(model, members, {m.id: found[m.id] for m in members})


def read_joint(results: Path, group: str, name: str, members: Sequence[str]) -> Record | None:
    """Joint draws of exactly these members; None where there are none."""
    path = results / "integration" / group / f"{name}.h5"
    record = read_records(path).get(group) if path.is_file() else None
    if record is None or REFUSED in record.facts or set(record.facts["members"]) != set(members):
        return None
    return record


def joint_gain(one: Apart, record: Record) -> Uncertain:
    """Gain of measurements sampled together, from free energies of independent runs."""
    alone = [one.records[name].facts["free_energy"] for name in record.facts["members"]]
    sources = {
        f"free energy of {name}": np.array([facts["standard_error"]])
        for name, facts in zip(record.facts["members"], alone, strict=True)
    }
    joint = record.facts["free_energy"]
    sources[f"run {record.facts['key']}"] = np.array([joint["standard_error"]])
    doubt = "; ".join(record.facts["reasons"])
    return Uncertain(sum(facts["value"] for facts in alone) - joint["value"], sources, doubt)
