"""Sources that this package writes: one small file each, in a folder that belongs to the user, imported by its path."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType


def folder_of(versions: str) -> Path:
    """Folder for what is written with some versions: the user's cache, or a private one where that is not writable."""
    place = Path("~/.cache/bayesbeam").expanduser() / versions
    if usable(place):
        return place
    return Path(tempfile.mkdtemp(prefix="bayesbeam-"))


def usable(place: Path) -> bool:
    """Whether a folder is there, writable, and no one else's: what lies in it is run."""
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=place):
            pass
        return place.stat().st_uid == os.getuid() and not place.stat().st_mode & 0o022
    except OSError:
        return False


def write(path: Path, source: str) -> None:
    """Write a source, unless it is there already; never a part of it."""
    if path.is_file() and path.read_text(encoding="utf-8") == source:
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(source, encoding="utf-8")
    beside.replace(path)


def load(path: Path) -> ModuleType:
    """Import a file by its path; who keeps what was compiled of it finds that by the name of the module."""
    name = f"bayesbeam_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
