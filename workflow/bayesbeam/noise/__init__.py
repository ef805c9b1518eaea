"""Noise models, one a file; a file that declares ``noise`` is found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from bayesbeam.errors import ModelError, nearest
from bayesbeam.noise.base import NoiseData, NoiseModel

__all__ = ["NoiseData", "NoiseModel", "get", "names"]


def _found() -> dict[str, NoiseModel]:
    """Noise models of all files of this folder, by name."""
    files = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name != "base")
    models = [importlib.import_module(f"{__name__}.{file}").noise for file in files]
    return {model.name: model for model in models}


_MODELS = _found()


def names() -> tuple[str, ...]:
    """Names of all noise models, in alphabetical order."""
    return tuple(_MODELS)


def get(name: str) -> NoiseModel:
    """Noise model of a name.

    Raises
    ------
    ModelError
        If there is none; the message names the nearest word.
    """
    if name not in _MODELS:
        raise ModelError.at("noise", f"unknown family {name!r}", "a known noise model", nearest(name, names()))
    return _MODELS[name]
