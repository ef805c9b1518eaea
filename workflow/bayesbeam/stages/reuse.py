"""Draws of earlier campaigns with the same content: copied from a folder that campaigns share, instead of sampled.

Snakemake's own cache between workflows keeps whole outputs of rules; a file of draws holds a batch of measurements,
which another campaign groups differently, so records are kept one by one here. Decides what is the same content.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from llvmlite import binding

from bayesbeam.errors import StoreError
from bayesbeam.io.samples import Record
from bayesbeam.io.shelf import Shelf
from bayesbeam.stages.keep import CACHE_VARIABLE, say
from bayesbeam.stages.pack import REFUSED, program_versions, version_of
from bayesbeam.stages.plan import digest
from bayesbeam.stages.resources import device_words

if TYPE_CHECKING:
    from bayesbeam.stages.sample import Job


def cache_folder() -> Path | None:
    """Folder that ``bayesbeam run --cache`` or the user's environment names; None where there is none."""
    named = os.environ.get(CACHE_VARIABLE, "")
    return Path(named) if named else None


def record_key(job: Job, place: int) -> str:
    """Hash of all that decides the bytes of one record of a job.

    Besides what decides the draws in a campaign (``member_key``: ids, data, model, settings, seed, version of the
    sampling): the name that its random numbers are derived from, the settings in full, the device, the programs, and
    the kind of processor, for which compiled loops are made.

    Parameters
    ----------
    job : Job
        What is sampled.
    place : int
        Which of its groups.
    """
    name = job.names[place]
    settings = {word: value for word, value in asdict(job.settings).items() if word != "threads"}
    asked = [settings, job.campaign.campaign.sampling.store, device_words(job.device)]
    return digest([job.keys[place], name.name, list(name.members), asked, _programs()])


def reused(job: Job, folder: Path | None, sample: Callable[[Job], list[Record]]) -> list[Record]:
    """Records of a job, in its order: those on the shelf are copied, the others sampled and put there.

    Parameters
    ----------
    job : Job
        What is asked for.
    folder : Path or None
        The shelf; without, all are sampled.
    sample : callable
        Samples what is left of the job.
    """
    if folder is None:
        return sample(job)
    shelf = Shelf(folder)
    keys = [record_key(job, place) for place in range(len(job.names))]
    found = [_taken(shelf, key, wanted) for key, wanted in zip(keys, job.keys, strict=True)]
    left = [place for place, record in enumerate(found) if record is None]
    if len(left) < len(found):
        say(f"{job.expanded.tag}: {len(found) - len(left)} of {len(found)} copied from the cache {folder}")
    if left:
        part = replace(
            job, groups=[job.groups[k] for k in left], names=[job.names[k] for k in left],
            keys=[job.keys[k] for k in left],
        )  # fmt: skip
        for place, record in zip(left, sample(part), strict=True):
            found[place] = record
            _keep(shelf, keys[place], record)
    return [record for record in found if record is not None]


def searched(name: str, key: str, folder: Path | None, search: Callable[[], Record]) -> Record:
    """Record of a search for phases, whose ``key`` holds all that is asked: from the shelf, or made and put there."""
    if folder is None:
        return search()
    shelf, place = Shelf(folder), digest(["search", key, name, _programs()])
    found = _taken(shelf, place, key)
    if found is not None:
        say(f"{name}: copied from the cache {folder}")
        return found
    record = search()
    _keep(shelf, place, record)
    return record


def _programs() -> list[object]:
    """Programs that make the numbers, and the kind of processor for which they are compiled."""
    packages = ("numba", "scipy", "triton", "gemmi", "xraydb")
    processor = [platform.machine(), torch.backends.cpu.get_cpu_capability(), binding.get_host_cpu_name()]
    return [program_versions() | {word: version_of(word) for word in packages}, processor]


def _taken(shelf: Shelf, key: str, wanted: str) -> Record | None:
    """Record on the shelf, None where there is none for this content."""
    record = shelf.get(key)
    return record if record is not None and record.facts.get("key") == wanted else None


def _keep(shelf: Shelf, key: str, record: Record) -> None:
    """Put a record on the shelf; a run goes on without where that is not possible."""
    if REFUSED in record.facts:
        return
    try:
        shelf.put(key, record)
    except StoreError as problem:
        say(f"Not kept in the cache: {problem}")
