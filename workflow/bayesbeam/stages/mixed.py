"""Groups whose measurements have different candidates: their joint target, and what its draws say of each candidate.

What is sampled is one target of all measurements; what is shown is made candidate by candidate and put together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.grouping import GroupModel, Linked, linked
from bayesbeam.config.shared import Shared
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.stages.build import build_target
from bayesbeam.stages.summary import Summary, summarise
from bayesbeam.targets.joint import JointTarget, joint_target

Present = Sequence[Sequence[Measurement]]


def mixed_target(
    model: GroupModel, entries: Sequence[Shared], present: Present, precision: str = "auto", device: str = "cpu"
) -> JointTarget:
    """Target of all measurements of a group.

    Parameters
    ----------
    present : sequence of sequence of Measurement
        Measurements of each candidate of the model, in its order; none is without.
    """
    parts = linked(model, entries)
    sums = [
        build_target(part.joint.spec, [list(members)], part.joint.shared, precision, device)
        for part, members in zip(parts, present, strict=True)
    ]
    return joint_target(sums, [part.names for part in parts], [[m.id for m in members] for members in present])


def summarise_mixed(
    model: GroupModel, entries: Sequence[Shared], present: Present, record: Record, name: str
) -> tuple[Summary, dict[str, list[str]]]:
    """Summary of joint draws, and the names of the curves of each measurement.

    What candidates share is in it once, by its name in the first of them.
    """
    target, parts = mixed_target(model, entries, present), linked(model, entries)
    seed, found, labels = int(record.facts["seed"]), list[Summary](), dict[str, list[str]]()
    for number, (part, members) in enumerate(zip(parts, present, strict=True)):
        places = target.places[number].cpu().numpy()
        # Draws (S, 1, C, P) of all as draws (S, D, C, p) of this one.
        theta = record.arrays["theta"][:, 0][..., places].transpose(0, 2, 1, 3)
        own = Record(dict(record.arrays) | {"theta": np.ascontiguousarray(theta)}, record.facts)
        summary = summarise(part.joint.spec, members, own, part.joint.shared, seed, name, named=True)
        labels |= {m.id: summary.labels for m in members}
        found.append(_without_known(summary, part, found))
    return _together(found), labels


def _without_known(summary: Summary, part: Linked, before: Sequence[Summary]) -> Summary:
    """Summary without what an earlier candidate has shown already; what is shared has its name in all."""
    known = {(c["name"], c["index"]) for one in before for c in one.columns if c["measurement"] is None}
    columns = [c | {"name": part.names.get(c["name"], c["name"])} if _is_common(c) else c for c in summary.columns]
    keep = [k for k, c in enumerate(columns) if not (_is_common(c) and (c["name"], c["index"]) in known)]
    rows = [summary.rows[k] | {"parameter": columns[k]["name"]} for k in keep]
    arrays = summary.arrays | {name: summary.arrays[name][..., keep] for name in ("draws", "prior_draws")}
    return replace(summary, columns=[columns[k] for k in keep], rows=rows, arrays=arrays)


def _is_common(column: Mapping[str, object]) -> bool:
    """Whether a column is of all measurements."""
    return column["measurement"] is None


def _together(found: Sequence[Summary]) -> Summary:
    """One summary of all; what is common comes first."""
    columns = [c for one in found for c in one.columns]
    order = sorted(range(len(columns)), key=lambda k: columns[k]["measurement"] is not None)
    rows = [row for one in found for row in one.rows]

    def joined(name: str) -> NDArray[np.float64]:
        return np.concatenate([one.arrays[name] for one in found], axis=-1)[..., order]

    first = found[0]
    return Summary(
        [columns[k] for k in order],
        [rows[k] for k in order],
        first.arrays | {"draws": joined("draws"), "prior_draws": joined("prior_draws")},
        {name: curves for one in found for name, curves in one.members.items()},
        first.labels,
        [one for summary in found for one in summary.numbering],
        {name: p for one in found for name, p in one.p_values.items()},
        {name: checks for one in found for name, checks in one.checks.items()},
        first.picked,
    )


__all__ = ["mixed_target", "summarise_mixed"]
