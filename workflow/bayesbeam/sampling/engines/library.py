"""Compiles loops at first use and keeps them: one small file a formula, in a cache that belongs to the user.

The cache is keyed by the source, the versions, this package's own compiled code (numba would not notice a change in a
function that another file brings in) and, by numba, the processor: a node with another one compiles its own. Where
nothing can be written, loops are compiled anew in every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import config as numba_config

from bayesbeam.sampling.engines.written import folder_of, load, write

COMPILED = (
    "angles",
    "arrays",
    "base",
    "calls",
    "draws",
    "integrated",
    "loops",
    "normal_equations",
    "proposals",
    "row_loops",
    "scalars",
    "trials",
)
# Its names are made when it is imported.
config: Any = numba_config


@cache
def folder() -> Path:
    """Folder for compiled loops: the user's cache, or a private temporary one where that cannot be written."""
    versions = f"numba{numba.__version__}-llvmlite{llvmlite.__version__}-numpy{np.__version__}-{_own_code()}"
    return folder_of(versions)


def _own_code() -> str:
    """Hash of everything of ours that gets compiled."""
    here = Path(__file__).parent
    texts = [(here / f"{name}.py").read_bytes() for name in COMPILED]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


@contextmanager
def cached_here() -> Iterator[None]:
    """Let numba keep what is declared inside in our folder."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder())
    try:
        yield
    finally:
        config.CACHE_DIR = before


@cache
def compiled(source: str) -> ModuleType:
    """Module of a source that this package has written, its functions compiled."""
    path = folder() / f"loops_{hashlib.sha256(source.encode()).hexdigest()[:24]}.py"
    write(path, source)
    with cached_here():
        try:
            return load(path)
        except Exception:
            forget(path.stem)
            return load(path)


def forget(stem: str) -> None:
    """Remove what was kept of a module: a damaged cache is no reason to fail, but one to compile again."""
    for old in folder().glob(f"*/{stem}.*"):
        old.unlink(missing_ok=True)


def address(module: ModuleType, name: str) -> int:
    """Address of a compiled function, 0 if there is none; the module is kept alive by the cache above."""
    function: Any = getattr(module, name, None)
    return 0 if function is None else int(function.address)
