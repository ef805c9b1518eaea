"""A folder of records that several campaigns share, each under the hash of all that decides it.

Decides where an entry lies and that a damaged one counts as none; what goes into a hash is the caller's business. Any
number of processes may read and write at once: an entry appears complete or not at all, and equal keys mean equal
content, so it does not matter who comes first.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from bayesbeam.errors import StoreError
from bayesbeam.io.costs import costs_path
from bayesbeam.io.samples import Record, read_records, write_records

_NAME = "record"
_KEY = re.compile(r"[0-9a-f]{64}\Z")


class Shelf:
    """Records by key.

    Parameters
    ----------
    folder : Path
        Made when the first entry is put there. Entries may be removed at any time, by anyone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Return where the entry of a key lies; keys are 64 hexadecimal digits."""
        assert _KEY.match(key)
        return self.folder / key[:2] / f"{key[2:]}.h5"

    def get(self, key: str) -> Record | None:
        """Return the record of a key; None where there is none, or a damaged one, which is removed."""
        path = self.path(key)
        if not path.is_file():
            return None
        try:
            record = read_records(path)[_NAME]
        except (StoreError, KeyError):
            self.remove(key)
            return None
        # Last used now, so that old entries can be told from new ones by their time of change.
        for used in (path, costs_path(path)):
            with suppress(OSError):
                os.utime(used)
        return record

    def put(self, key: str, record: Record) -> None:
        """Keep a record.

        Raises
        ------
        StoreError
            If the folder cannot be written.
        """
        write_records(self.path(key), {_NAME: record})

    def remove(self, key: str) -> None:
        """Remove an entry, if it is there and that is allowed."""
        for path in (self.path(key), costs_path(self.path(key))):
            with suppress(OSError):
                path.unlink()
