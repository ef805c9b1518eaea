"""Finds the component files of this folder, builds doublets, and loads a user's own component file by its path."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

import bayesbeam.models
from bayesbeam.errors import ModelError, nearest
from bayesbeam.models.base import Component
from bayesbeam.models.doublet import WIDTHS, doublet, is_peak
from bayesbeam.models.operators import registry as operators
from bayesbeam.models.own_file import OwnFile, component_of, own_component, read_own_file

NOT_COMPONENTS = (
    "base", "check", "check_formula", "check_table", "composite", "doublet", "fault", "iron57", "linear_in",
    "mathspace", "moved", "numerics", "operators", "own_file", "registry", "regressors", "tied", "trace",
)  # fmt: skip


@cache
def _found() -> dict[str, Component]:
    """Components of all files of this folder, by name."""
    files = sorted(info.name for info in pkgutil.iter_modules(bayesbeam.models.__path__))
    modules = [importlib.import_module(f"bayesbeam.models.{file}") for file in files if file not in NOT_COMPONENTS]
    components = [component_of(module) for module in modules]
    return {component.name: component for component in components}


def names() -> tuple[str, ...]:
    """Names of all components, ``doublet`` included, in alphabetical order."""
    return tuple(sorted((*_found(), "doublet")))


def get(name: str, of: str | None = None, widths: str = "shared") -> Component:
    """Component of a name.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    of, widths : str
        For ``doublet`` only: the component of its lines, and ``shared`` or ``own``.

    Raises
    ------
    ModelError
        If there is none; the message names the nearest word.
    """
    if name == "doublet":
        if of is None:
            raise ModelError.at("component doublet", "no `of`", "the component of its lines", f"Add of: {peaks()[0]}.")
        return doublet(_single(of, peaks()), widths)
    if of is not None:
        raise ModelError.at(f"component {name}", f"of: {of}", "no `of`", "Only a doublet is of something; remove it.")
    return _single(name, names())


def all_components() -> tuple[Component, ...]:
    """All components, the doublets of every peak included."""
    doublets = [doublet(_found()[peak], widths) for peak in peaks() for widths in WIDTHS]
    return (*_found().values(), *doublets)


def own(file: OwnFile, doubled: str | None = None) -> Component:
    """Component of a user's own file, checked; made once a process.

    Parameters
    ----------
    file : OwnFile
    doubled : {"shared", "own"} or None
        Widths of a doublet of it; None for the component itself.

    Raises
    ------
    ModelError
        If the file cannot be run, or declares no proper component; the message names the line.
    """
    component = own_component(file, (*names(), *operators.names()))
    return component if doubled is None else doublet(component, doubled)


def load_file(path: Path | str) -> Component:
    """Component of a user's own file, checked; the file is Python and runs when it is loaded.

    Raises
    ------
    ModelError
        If the file cannot be read or run, lacks a name, takes a name already in use, or has a formula that
        returns wrong shapes or values that are not finite, or leaves its namespace.
    """
    return own(read_own_file(path))


def peaks() -> list[str]:
    """Components of which a doublet can be made."""
    return [name for name, found in _found().items() if is_peak(found)]


def _single(name: str, choices: tuple[str, ...] | list[str]) -> Component:
    """Component by name, among the choices that are named when it is not there."""
    if name not in choices:
        raise ModelError.at("component", f"unknown component {name!r}", "a known one", nearest(name, list(choices)))
    return _found()[name]
