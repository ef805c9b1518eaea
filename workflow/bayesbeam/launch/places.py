"""Where a run reads and writes: the campaign file, the working directory, the results folder; checks them early.

Decides what a name on the command line means and whether a run may start there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bayesbeam.errors import ConfigError, StoreError, nearest
from bayesbeam.stages.keep import CACHE_VARIABLE
from bayesbeam.stages.rulebook import DEFAULT_CAMPAIGN

NEEDED_BYTES = 200 * 2**20


@dataclass(frozen=True)
class Place:
    """Working directory of a run and, in it, the folder of all results."""

    workdir: Path
    results: Path


def repository() -> Path:
    """Return the folder of the Snakefile.

    Raises
    ------
    StoreError
        If this package was installed without the workflow around it.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "Snakefile").is_file():
        remedy = "Clone the repository and use `make run`, or install it with `pip install -e .`."
        raise StoreError.at(str(root), "no Snakefile", "the repository that this package is part of", remedy)
    return root


def campaign_file(name: str | None, root: Path) -> Path:
    """Return the campaign file for what was given on the command line.

    Parameters
    ----------
    name : str or None
        A campaign.yaml, its folder, or the name of a campaign of the repository; the default campaign if empty.
    root : Path
        The repository.

    Raises
    ------
    ConfigError
        If there is no such campaign; the message names the nearest.
    """
    if not name:
        return root / DEFAULT_CAMPAIGN
    for path in (Path(name), root / DEFAULT_CAMPAIGN.parts[0] / DEFAULT_CAMPAIGN.parts[1] / name):
        if path.is_dir() and (path / "campaign.yaml").is_file():
            return Path(os.path.abspath(path / "campaign.yaml"))
    if Path(name).is_file():
        return Path(os.path.abspath(name))
    known = sorted(path.parent.name for path in root.glob("config/campaigns/*/campaign.yaml"))
    expected = "the name of a campaign, its folder or its campaign.yaml"
    raise ConfigError.at(f"campaign {name!r}", "no such campaign", expected, nearest(name, known))


def place(results: str | None, root: Path) -> Place:
    """Return where a run works: in the repository, or all in the folder given with ``--results``."""
    if results:
        folder = Path(os.path.abspath(results))
        return Place(folder, folder)
    return Place(root, root / "results")


def check_place(where: Place, folder: Path) -> None:
    """Make the folder of a campaign's results and see that files can be written there.

    Raises
    ------
    StoreError
        If it cannot be made or written, or the disk is nearly full.
    """
    for path in (folder, where.workdir):
        _check_writable(path)
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        found, expected = f"{free / 2**20:.0f} MiB of free space", f"at least {NEEDED_BYTES // 2**20} MiB"
        raise StoreError.at(str(folder), found, expected, "Free some space, or choose another folder with --results.")


def share_draws(folder: str | None) -> None:
    """Tell all jobs of this process which folder of draws campaigns share; without, what the environment says.

    Raises
    ------
    StoreError
        If it cannot be made or written.
    """
    named = folder or os.environ.get(CACHE_VARIABLE)
    if named:
        os.environ[CACHE_VARIABLE] = os.path.abspath(named)
        _check_writable(Path(os.environ[CACHE_VARIABLE]))


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_writable(folder: Path) -> None:
    """Make a folder and a file in it, and remove the file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        found = f"cannot be written ({problem.strerror or problem})"
        remedy = "Change its permissions, or choose another folder with --results."
        raise StoreError.at(str(folder), found, "a folder for results", remedy) from problem
