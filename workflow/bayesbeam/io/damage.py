"""Damaged results files: which ones of a folder are, and setting one aside so that the workflow makes it anew.

Decides what else must go with a file so that a rule sees that it is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bayesbeam.errors import DamagedError
from bayesbeam.io.provenance import file_sha256
from bayesbeam.io.seal import check_seal, unsealed_table, unsealed_text

SUFFIX = ".damaged"
_SEALED = ("measurements", "samples", "free_energy", "integration", "series")
_MEASUREMENTS = "measurements"
_BATCHES = "batches.tsv"


def set_aside(path: Path) -> list[Path]:
    """Rename a damaged file to ``<name>.damaged``, in place of an older one; return all that was taken away.

    A measurement of a long sheet is made by the job that writes the table of its batch, so that table is removed.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    gone = []
    with suppress(FileNotFoundError):
        path.replace(path.with_name(path.name + SUFFIX))
        gone.append(path)
    if path.name == _BATCHES:
        # The mark beside it is what the rule is asked for.
        path.with_suffix(".done").unlink(missing_ok=True)
    if path.parent.name == _MEASUREMENTS and path.suffix == ".h5":
        for table in path.parent.glob("b*.tsv"):
            if any(line.split("\t")[0] == path.stem for line in _lines(table)):
                table.unlink()
                gone.append(table)
    return gone


def damages(results: Path) -> Iterator[DamagedError]:
    """Check every file of a results folder that is read again, and yield what is wrong with each damaged one."""
    files = (path for folder in _SEALED for path in sorted((results / folder).rglob("*")))
    for path in (results / _BATCHES, *files):
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            if path.suffix == ".h5":
                check_seal(path)
            elif path.suffix == ".json":
                unsealed_text(path)
            elif path.name == _BATCHES:
                unsealed_table(path)
            elif path.suffix == ".tsv" and path.parent.name == _MEASUREMENTS:
                _check_table(path)
        except DamagedError as problem:
            yield problem


def _check_table(path: Path) -> None:
    """See that a table of a batch names measurements that are there, and the sha256 of each."""
    for line in _lines(path)[1:]:
        name, _, digest = line.partition("\t")
        file = path.with_name(f"{name}.h5")
        if not file.is_file():
            raise DamagedError.of(path, f"measurement {name} has no file", "a table of files that are there")
        check_seal(file)
        if file_sha256(file) != digest:
            raise DamagedError.of(path, f"another sha256 of {name}.h5 than it has", "the one of the file")


def _lines(path: Path) -> list[str]:
    """Lines of a table, whatever is in it."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines()
