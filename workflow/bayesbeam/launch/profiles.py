"""Where jobs run: the profile that the command line names, and what Snakemake is told besides for its executor.

Decides how jobs of one results folder are called on a cluster, so that a later run finds them.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bayesbeam.errors import ConfigError, nearest

LOCAL, SLURM = "local", "slurm"
CONFIG, PARTITIONS = "config.yaml", "partitions.yaml"
_SETTINGS = "settings of Snakemake in YAML"
_COPY = "Begin with a copy of a shipped one."


@dataclass(frozen=True)
class Profile:
    """A folder with settings of Snakemake.

    Attributes
    ----------
    folder : Path
        Holds config.yaml.
    executor : str
        Plugin that runs the jobs; ``local`` for this machine.
    jobs : int
        Most jobs queued or running at once, elsewhere than on this machine.
    """

    folder: Path
    executor: str = LOCAL
    jobs: int = 1

    @property
    def is_slurm(self) -> bool:
        """Whether jobs go to SLURM, which can be asked for them."""
        return self.executor == SLURM

    def words(self, cores: int, prefix: str) -> list[str]:
        """Words of Snakemake's command line: the profile, cores of this machine, and how names of jobs begin."""
        words = ["--profile", str(self.folder)]
        if self.executor == LOCAL:
            return [*words, "--cores", str(cores)]
        words += ["--local-cores", str(cores)]
        if self.is_slurm:
            words += ["--slurm-jobname-prefix", prefix] if prefix else []
            partitions = self.folder / PARTITIONS
            words += ["--slurm-partition-config", str(partitions)] if partitions.is_file() else []
        return words


def find_profile(name: str, root: Path) -> Profile:
    """Return the profile that a command line names.

    Parameters
    ----------
    name : str
        A folder with a config.yaml, or the name of a profile of the repository.
    root : Path
        The repository.

    Raises
    ------
    ConfigError
        If there is none, or its file cannot be read; the message names the nearest.
    """
    shipped = root / "workflow" / "profiles"
    known = sorted(path.parent.name for path in shipped.glob(f"*/{CONFIG}"))
    folder = shipped / name if name in known else Path(name)
    if (folder / CONFIG).is_file():
        found = _settings(folder / CONFIG)
        jobs = found.get("jobs", 1)
        return Profile(
            Path(os.path.abspath(folder)), str(found.get("executor", LOCAL)), jobs if isinstance(jobs, int) else 1
        )
    expected = f"the name of a profile or a folder with a {CONFIG}"
    raise ConfigError.at(f"profile {name!r}", "no such profile", expected, nearest(name, known))


def job_prefix(results: Path) -> str:
    """Beginning of the names of all jobs of a results folder, the same from run to run."""
    return f"bayesbeam_{hashlib.sha256(os.fsencode(os.path.realpath(results))).hexdigest()[:12]}"


def _settings(path: Path) -> dict[str, Any]:
    """Settings in the file of a profile."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ConfigError.at(
            str(path), f"cannot be read ({problem})", "settings of Snakemake in YAML", _COPY
        ) from problem
    if not isinstance(found, dict):
        raise ConfigError.at(str(path), "no settings", "settings of Snakemake in YAML", _COPY)
    return found
