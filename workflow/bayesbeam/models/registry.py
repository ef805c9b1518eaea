"""Finds the component files of this folder, builds doublets, and loads a user's own component file by its path."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

import bayesbeam.models
from bayesbeam.errors import ModelError, nearest
from bayesbeam.models.base import Component
from bayesbeam.models.check import WORD, check_component
from bayesbeam.models.doublet import WIDTHS, doublet

NOT_COMPONENTS = ("base", "check", "doublet", "mathspace", "registry", "trace")
REQUIRED = ("name", "title", "parameters", "formula", "exchangeable", "reference_values")
OPTIONAL = ("derived", "order_by", "locations", "widths", "amplitude", "references")


def component_of(module: ModuleType) -> Component:
    """Component that a file declares at module level.

    Raises
    ------
    ModelError
        If one of the required names is missing; the message lists them.
    """
    missing = [word for word in REQUIRED if not hasattr(module, word)]
    if missing:
        remedy = "Declare them at the top level of the file; models/gaussian.py is an example."
        raise ModelError.at(f"component file {module.__name__}", f"no {', '.join(missing)}", "them declared", remedy)
    declared = {word: getattr(module, word) for word in (*REQUIRED, *OPTIONAL) if hasattr(module, word)}
    return Component(**declared)


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
            raise ModelError.at("component doublet", "no `of`", "the component of its lines", f"Add of: {_peaks()[0]}.")
        return doublet(_single(of, _peaks()), widths)
    if of is not None:
        raise ModelError.at(f"component {name}", f"of: {of}", "no `of`", "Only a doublet is of something; remove it.")
    return _single(name, names())


def all_components() -> tuple[Component, ...]:
    """All components, the doublets of every peak included."""
    doublets = [doublet(_found()[peak], widths) for peak in _peaks() for widths in WIDTHS]
    return (*_found().values(), *doublets)


def load_file(path: Path | str) -> Component:
    """Component of a user's own file, checked; the file is Python and runs when it is loaded.

    Raises
    ------
    ModelError
        If the file cannot be read or run, lacks a name, takes a name already in use, or has a formula that
        returns wrong shapes or values that are not finite.
    """
    file = Path(path)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise ModelError.at(f"component file {file}", "no Python file", "a file *.py", "Check the path.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        found = f"{type(error).__name__}: {error}"
        raise ModelError.at(f"component file {file}", found, "a file that can be imported", "Run it alone.") from error
    component = component_of(module)
    if not isinstance(component.name, str) or not WORD.fullmatch(component.name) or component.name in names():
        found = f"the name {component.name!r}"
        expected = "lower-case letters, digits and _, and a name not in use"
        raise ModelError.at(f"component file {file}", found, expected, "Choose another name.")
    check_component(component)
    return component


def _peaks() -> list[str]:
    """Components of which a doublet can be made."""
    return [name for name, found in _found().items() if found.amplitude is not None and found.order_by is not None]


def _single(name: str, choices: tuple[str, ...] | list[str]) -> Component:
    """Component by name, among the choices that are named when it is not there."""
    if name not in choices:
        raise ModelError.at("component", f"unknown component {name!r}", "a known one", nearest(name, list(choices)))
    return _found()[name]
