"""Bayesian measurement: posteriors, free energies and integration of measurements by replica-exchange Monte Carlo.

``bayesbeam.sample`` and its kin are those of :mod:`bayesbeam.library`; they are imported when first used, so that
``import bayesbeam`` itself costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_LIBRARY = ("Advice", "Result", "curve_target", "next_points", "predicted", "sample")


def __getattr__(name: str) -> Any:
    """Name of the library, imported on first use."""
    if name in _LIBRARY:
        # By name, not by an import statement: files and reports take the version from here and know no sampler.
        return getattr(importlib.import_module("bayesbeam.library"), name)
    raise AttributeError(f"module 'bayesbeam' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names of this module and of the library."""
    return sorted({*globals(), *_LIBRARY})
