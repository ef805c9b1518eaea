"""Chooses the engine for a target: compiled loops on a CPU where the model allows them, else batched torch."""

from __future__ import annotations

import importlib.util
from typing import Any

from bayesbeam.errors import SamplingError
from bayesbeam.sampling.engines.base import Engine
from bayesbeam.sampling.engines.eager import EagerEngine

ENGINES = ("auto", "eager", "cpu")


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
    if asked not in ENGINES:
        raise SamplingError.at("sampling.engine", repr(asked), "one of " + ", ".join(ENGINES), "Write engine: auto.")
    if asked == "eager":
        return EagerEngine(target)
    reason = why_not_fused(target)
    if not reason:
        from bayesbeam.sampling.engines.fused import FusedEngine

        return FusedEngine(target, threads)
    if asked == "cpu":
        raise SamplingError.at(
            "sampling.engine", f"cpu, but {reason}", "a model of scalar formulas", "Write engine: auto."
        )
    return EagerEngine(target)


def why_not_fused(target: Any) -> str:
    """Reason why a target cannot be run by compiled loops; empty where it can."""
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed"
    from bayesbeam.sampling.engines.fused import why_not

    return why_not(target)
