"""Chooses the engine for a target: kernels on a GPU or compiled loops where its model allows them, or batched torch."""

from __future__ import annotations

import importlib.util
from typing import Any, NamedTuple

from bayesbeam.errors import SamplingError
from bayesbeam.sampling.engines.base import Engine
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.sampling.engines.joint import JointEngine
from bayesbeam.targets.joint import JointTarget

COLUMNS = "a part is a column of the data"
ENGINES = ("auto", "eager", "cpu", "cuda")
_WANTED = {"cpu": "a model of scalar formulas", "cuda": "a model of scalar formulas on a GPU with its kernels"}


class Choice(NamedTuple):
    """Name of an engine, and why it is not the faster one of its device; empty where it is."""

    engine: str
    reason: str


def engine_for(target: Any, asked: str = "auto", threads: int = 1) -> Engine:
    """Engine for a target.

    Parameters
    ----------
    target : SumTarget or FunctionTarget
    asked : str
        One of ``ENGINES``.
    threads : int
        For compiled loops.

    Raises
    ------
    SamplingError
        If the engine that is asked for cannot run this target; the message says why.
    """
    name = choose(target, asked).engine
    if name == "cpu":
        from bayesbeam.sampling.engines.fused import FusedEngine

        return FusedEngine(target, threads)
    if name == "cuda":
        from bayesbeam.sampling.engines.cuda import CudaEngine

        return CudaEngine(target)
    return JointEngine(target) if isinstance(target, JointTarget) else EagerEngine(target)


def choose(target: Any, asked: str = "auto") -> Choice:
    """Engine for a target, by name; see :func:`engine_for`."""
    if asked not in ENGINES:
        raise SamplingError.at("sampling.engine", repr(asked), "one of " + ", ".join(ENGINES), "Write engine: auto.")
    if asked == "eager":
        return Choice("eager", "it was asked for")
    fused = asked if asked != "auto" else "cuda" if target.device.type == "cuda" else "cpu"
    reason = why_not_kernels(target) if fused == "cuda" else why_not_fused(target)
    if not reason:
        return Choice(fused, "")
    if asked != "auto":
        raise SamplingError.at("sampling.engine", f"{asked}, but {reason}", _WANTED[asked], "Write engine: auto.")
    return Choice("eager", reason)


def why_not_fused(target: Any) -> str:
    """Reason why a target cannot be run by compiled loops; empty where it can."""
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed"
    if _has_columns(target):
        return COLUMNS
    from bayesbeam.sampling.engines.fused import why_not

    return why_not(target)


def why_not_kernels(target: Any) -> str:
    """Reason why a target cannot be run by kernels on a GPU; empty where it can."""
    from bayesbeam.sampling.engines.cuda import why_not

    return COLUMNS if _has_columns(target) else why_not(target)


def _has_columns(target: Any) -> bool:
    """Whether terms of a target are columns of the data, which compiled engines do not read."""
    return any(term.component.column for term in target.terms)
