"""Prior families, one a file; a file that declares ``family`` is found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from bayesbeam.errors import ModelError, nearest
from bayesbeam.priors.base import Family, Prior, plain

__all__ = ["Family", "Prior", "get", "make_prior", "names"]


def _found() -> dict[str, Family]:
    """Families of all files of this folder, by name."""
    files = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name != "base")
    families = [importlib.import_module(f"{__name__}.{file}").family for file in files]
    return {family.name: family for family in families}


_FAMILIES = _found()


def names() -> tuple[str, ...]:
    """Names of all families, in alphabetical order."""
    return tuple(_FAMILIES)


def get(name: str) -> Family:
    """Family of a name.

    Raises
    ------
    ModelError
        If there is none; the message names the nearest word.
    """
    if name not in _FAMILIES:
        raise ModelError.at("prior", f"unknown family {name!r}", "a known prior family", nearest(name, names()))
    return _FAMILIES[name]


def make_prior(name: str, **values: float) -> Prior:
    """Prior of a family with the numbers of its arguments, checked to be proper.

    Raises
    ------
    ModelError
        If the family or an argument is unknown, or the prior would be improper.
    """
    family = get(name)
    problems = family.check(**values)
    if problems:
        shown = ", ".join(f"{key}={_shown(value)}" for key, value in values.items())
        argument, found, expected = problems[0]
        raise ModelError.at(f"prior {name}({shown})", f"{argument}: {found}", expected, f"Set {argument} accordingly.")
    complete = {**family.defaults, **values}
    return Prior(family, tuple(float(complete[argument]) for argument in family.parameters))


def _shown(value: object) -> str:
    """Argument as it is shown in a message."""
    return plain(value) if isinstance(value, int | float) else repr(value)
