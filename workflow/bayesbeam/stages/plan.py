"""Which measurements are sampled together: batches that keep their members from one run to the next.

Decides membership only. Grouping never changes a number, so this is about cost, and about not sampling twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesbeam.errors import ConfigError, DamagedError, StoreError
from bayesbeam.io.atomic import write_text
from bayesbeam.io.provenance import file_sha256
from bayesbeam.io.seal import seal_table, unsealed_table

if TYPE_CHECKING:
    from bayesbeam.config.outline import CampaignOutline
    from bayesbeam.config.sheet import MeasurementRow
    from bayesbeam.config.specs import CandidateSpec

BATCH_NAME = re.compile(r"b[0-9a-f]{8,64}\Z")
# Few measurements are shared out among the cores of a laptop; of many, a job takes minutes and a report of jobs stays
# readable.
AUTO_BATCH, MOST_IN_BATCH, JOBS_OF_MANY = 16, 128, 8
# Where seconds are known (`bayesbeam plan`), the longest job takes as many as here at most, and jobs are as many as run
# at once: each takes three seconds before it begins its work, so that of many cores some are left idle where it would
# take less than WORTH_S. A cluster, whose nodes are of unknown number, gets some of each kind.
JOB_SECONDS, WORTH_S, JOBS_ELSEWHERE, MOST_PLANNED = 400.0, 60.0, 4, 512
# Jobs that few searches for phases are shared out among: as many as there are cores in a laptop.
SHARED_OUT = 4
# Work of a search for phases, as that of so many parts, and how many times as much it is where the sets that win are
# sampled: 15 to 70 times as long as the search in docs/diffraction.md.
PHASES_WORK, REFINED_TIMES = 20, 40
_HEADER = ("measurement", "batch")
_REMEDY = "Delete this file; measurements are then put into batches anew, and some are sampled again."


def assign_batches(
    campaign: CampaignOutline,
    existing: Mapping[str, str],
    seconds: Mapping[str, float] | None = None,
    at_once: int = JOBS_ELSEWHERE,
    most: int = MOST_PLANNED,
) -> dict[str, tuple[str, ...]]:
    """Return the measurements of every batch, in the order of the sheet.

    Parameters
    ----------
    campaign : CampaignOutline
        Its sheet, candidates and ``sampling.batch``.
    existing : mapping of measurement to batch
        Membership of earlier runs. Those batches keep their members; measurements that left the sheet are left out.
    seconds : mapping of str to float, optional
        How long a measurement takes by tag, where that was measured: new batches are then so large that the longest
        job of each takes some minutes.
    at_once : int
        Jobs that run at once: then there are as many batches, or more where their jobs would take too long.
    most : int
        Measurements in a batch then, at most.

    Returns
    -------
    dict
        Batches with at least one measurement of the sheet. New measurements form new batches of measurements with
        the same candidates and treatment; a batch is named after its first members, so the same sheet gives the
        same names.
    """
    batches: dict[str, list[str]] = {}
    new: dict[str, list[str]] = {}
    for row in campaign.sheet:
        if row.id in existing:
            batches.setdefault(existing[row.id], []).append(row.id)
        else:
            new.setdefault(_kind(campaign, row), []).append(row.id)
    taken = set(existing.values())
    for ids in new.values():
        size = _size(campaign, ids, seconds or {}, at_once, most)
        for first in range(0, len(ids), size):
            name = _name(ids[first : first + size], taken)
            taken.add(name)
            batches[name] = ids[first : first + size]
    return {name: tuple(ids) for name, ids in batches.items()}


def _size(campaign: CampaignOutline, ids: Sequence[str], seconds: Mapping[str, float], at_once: int, most: int) -> int:
    """Measurements in a batch of new ones of one kind.

    A search for phases takes one after the other, and gains nothing by company: few of them are shared out.
    """
    asked = campaign.campaign.sampling.batch
    if asked != "auto":
        return int(asked)
    if campaign.only_phases(ids[0]):
        size = min(AUTO_BATCH, -(-len(ids) // SHARED_OUT))
    else:
        size = min(max(AUTO_BATCH, -(-len(ids) // JOBS_OF_MANY)), MOST_IN_BATCH)
    longest = max((seconds.get(tag, 0.0) for tag in campaign.tags(ids[0])), default=0.0)
    if longest == 0.0:
        return size
    if not campaign.only_phases(ids[0]):
        worth = min(max(int(WORTH_S / longest), 1), AUTO_BATCH)
        size = min(max(worth, -(-len(ids) // at_once)), most)
    size = min(max(int(JOB_SECONDS / longest), 1), size)
    # As many in each, so that none is left to a last short one.
    return -(-len(ids) // -(-len(ids) // size))


def work_of(spec: CandidateSpec, together: bool) -> int:
    """About how much work a measurement is, as a number of parts; ``together`` with others of a group."""
    if spec.phases is None:
        return sum(part.count for part in spec.parts)
    return PHASES_WORK * (REFINED_TIMES if spec.phases.refine != "none" and not together else 1)


def tags_of(campaign: CampaignOutline, ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the measurements of a batch that each expanded candidate applies to, by its tag."""
    members: dict[str, list[str]] = {}
    for identifier in ids:
        for tag in campaign.tags(identifier):
            members.setdefault(tag, []).append(identifier)
    return {tag: tuple(of_tag) for tag, of_tag in members.items()}


def read_batches(path: Path | str) -> dict[str, str]:
    """Return the batch of every measurement that ever had one; nothing where there is no file yet.

    Raises
    ------
    StoreError
        If the file is not a table made by ``write_batches``, or not whole.
    """
    try:
        if not Path(path).exists():
            return {}
    except OSError as problem:
        raise _foreign(path, f"cannot be read ({problem})") from problem
    lines = unsealed_table(path, _REMEDY).splitlines()
    if not lines or tuple(lines[0].split("\t")) != _HEADER:
        raise _foreign(path, "its first line is not 'measurement<tab>batch'")
    batches: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if len(fields) != 2 or not fields[0] or not BATCH_NAME.match(fields[1]) or fields[0] in batches:
            raise _foreign(path, f"line {number} is not one measurement and its batch")
        batches[fields[0]] = fields[1]
    return batches


def batches_text(
    campaign: CampaignOutline,
    existing: Mapping[str, str],
    seconds: Mapping[str, float] | None = None,
    at_once: int = JOBS_ELSEWHERE,
    most: int = MOST_PLANNED,
) -> str:
    """Return the content of ``batches.tsv``: what was there, and the new measurements behind it."""
    table = dict(existing)
    for batch, ids in assign_batches(campaign, existing, seconds, at_once, most).items():
        table.update(dict.fromkeys(ids, batch))
    return table_text(table)


def table_text(batches: Mapping[str, str]) -> str:
    """Return a table of the batch of every measurement as it is written, with the sha256 of it."""
    return seal_table("".join("\t".join(row) + "\n" for row in [_HEADER, *batches.items()]))


def write_batches(
    campaign: CampaignOutline,
    path: Path | str,
    seconds: Mapping[str, float] | None = None,
    at_once: int = JOBS_ELSEWHERE,
    most: int = MOST_PLANNED,
) -> None:
    """Bring ``batches.tsv`` up to date with the sheet, complete or not at all; for the rest see assign_batches."""
    write_text(path, batches_text(campaign, read_batches(path), seconds, at_once, most))


def batch_members(campaign: CampaignOutline, path: Path | str, batch: str) -> tuple[str, ...]:
    """Return the measurements of one batch that are in the sheet; ``batches.tsv`` need not be up to date.

    Raises
    ------
    ConfigError
        If the campaign has no such batch.
    """
    batches = assign_batches(campaign, read_batches(path))
    if batch not in batches:
        raise ConfigError.at(f"batch {batch}", "no such batch", f"one of {', '.join(batches)}", "Correct --batch.")
    return batches[batch]


def write_table(folder: Path, ids: Iterable[str], path: Path) -> None:
    """Write which bytes each measurement of a batch has, so that later jobs see when one of them changes."""
    rows = [(identifier, file_sha256(folder / f"{identifier}.h5")) for identifier in ids]
    write_text(path, "".join("\t".join(row) + "\n" for row in [("measurement", "sha256"), *rows]))


def named(ids: Iterable[str]) -> str:
    """Return a few measurements in words, for messages."""
    ids = list(ids)
    return ", ".join(ids) if len(ids) < 4 else f"{len(ids)} measurements ({ids[0]} ... {ids[-1]})"


def digest(value: Any) -> str:
    """Return the sha256 of a value made of plain types, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _kind(campaign: CampaignOutline, row: MeasurementRow) -> str:
    """Measurements of equal kind may share a batch: same candidates, same treatment but for how the file is read."""
    tags = list(campaign.tags(row.id))
    return digest({"tags": tags, "treatment": row.treatment.model_dump(mode="json", exclude={"read"})})


def _name(ids: Iterable[str], taken: set[str]) -> str:
    """Name of a new batch: eight hexadecimal digits of its members' hash, more if that name is taken."""
    text = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    return next(f"b{text[:length]}" for length in range(8, 65) if f"b{text[:length]}" not in taken)


def _foreign(path: Path | str, found: str) -> StoreError:
    """Store error for a table that is not ours."""
    return DamagedError.of(path, found, "a table made by the plan step", _REMEDY)
