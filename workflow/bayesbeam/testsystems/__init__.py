"""Systems whose free energies and posteriors are known exactly: the judges of samplers and estimators.

A file that declares ``systems()`` is found by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from bayesbeam.errors import ModelError, nearest
from bayesbeam.testsystems.base import System

__all__ = ["System", "all_systems", "get", "names"]


@cache
def _found() -> dict[str, System]:
    """Systems of all files of this folder, by name."""
    files = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name != "base")
    modules = [importlib.import_module(f"{__name__}.{file}") for file in files]
    systems = [system for module in modules if hasattr(module, "systems") for system in module.systems()]
    return {system.name: system for system in systems}


def names() -> tuple[str, ...]:
    """Names of all systems, by file."""
    return tuple(_found())


def all_systems() -> tuple[System, ...]:
    """All systems, by file."""
    return tuple(_found().values())


def get(name: str) -> System:
    """System of a name.

    Raises
    ------
    ModelError
        If there is none; the message names the nearest word.
    """
    if name not in _found():
        raise ModelError.at("test system", f"unknown system {name!r}", "a known one", nearest(name, names()))
    return _found()[name]
