"""Sampling from a script or notebook: a log-likelihood of one's own, or a target, without campaign or workflow.

Needs torch, numpy and scipy only. What it offers is reached as ``bayesbeam.sample`` and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.adaptive import Advice, next_points, predicted
from bayesbeam.errors import ModelError, SamplingError, nearest
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.library_models import PriorLike, curve_target, read_prior
from bayesbeam.sampling.record import Run, Verdict
from bayesbeam.sampling.run import GroupName, Progress, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.assignment import Labels, label
from bayesbeam.targets.base import Target
from bayesbeam.targets.function import Blocks, function_target
from bayesbeam.targets.quantities import tabulate

FloatArray = NDArray[np.float64]

__all__ = ["Advice", "Result", "curve_target", "next_points", "predicted", "sample"]

_MODEL = "model"
_ARGUMENTS = ("seed", "target_standard_error", "threads")


@dataclass(frozen=True)
class Result:
    """What a run says.

    Attributes
    ----------
    free_energy : FreeEnergy
        ``value`` and ``standard_error`` of F = -ln Z, nats.
    verdict : Verdict
        ``word`` ("reliable" or "not reliable") and ``reasons``.
    draws : dict of str to array
        Posterior draws by parameter, chain after chain: (n,), or (n, K) for the K instances of an exchangeable part in
        order; derived quantities of components too. Fixed parameters are left out.
    numbering : tuple of Labels
        How the instances of each exchangeable part got their order, and how well they can be told apart.
    run : Run
        Everything else: ladder, log-likelihoods of all rungs, estimators, effective draws, R-hat.
    """

    free_energy: FreeEnergy
    verdict: Verdict
    draws: dict[str, FloatArray]
    numbering: tuple[Labels, ...]
    run: Run

    def summary(self) -> str:
        """Free energy, verdict, and mean, standard deviation and 95 % interval of every parameter as a text table."""
        found, reasons = self.free_energy, "; ".join(self.verdict.reasons)
        lines = [
            f"free energy {found.value:.4g} +- {found.standard_error:.2g} nats, "
            f"{self.verdict.word}{': ' if reasons else ''}{reasons}",
            "",
            f"{'parameter':<24}{'mean':>12}{'sd':>12}{'2.5 %':>12}{'97.5 %':>12}",
        ]
        for name, values in self.draws.items():
            columns = values[:, None] if values.ndim == 1 else values
            for k, column in enumerate(columns.T):
                label = name if values.ndim == 1 else f"{name}[{k + 1}]"
                numbers = (column.mean(), column.std(ddof=1), *np.quantile(column, [0.025, 0.975]))
                lines.append(f"{label:<24}" + "".join(f"{number:>12.5g}" for number in numbers))
        for one in self.numbering:
            pairs = [f"{first} and {second} ({overlap:.0%})" for first, second, overlap in one.doubtful]
            if pairs:
                lines.append(f"{one.part}: cannot be told apart (overlap): {', '.join(pairs)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()


def sample(
    model: Callable[[Any], Any] | Target,
    priors: Mapping[str, PriorLike] | None = None,
    *,
    seed: int,
    target_standard_error: float = 0.1,
    name: str = _MODEL,
    batched: bool = True,
    blocks: Blocks = "all",
    device: torch.device | str = "cpu",
    threads: int = 1,
    progress: Callable[[Progress], None] = lambda _: None,
    **settings: Any,
) -> Result:
    """Posterior draws and free energy of a user's own log-likelihood, or of a target.

    Parameters
    ----------
    model : callable or Target
        ``model(theta)``: float64 tensor (n, P), parameters in the order of ``priors``, to n log-likelihoods in nats,
        with all constants if free energies of different models are to be compared; ``-inf`` for an impossible state.
        Or a target of one measurement, such as that of :func:`curve_target`.
    priors : mapping of str to str, float or Prior
        Such as ``{"a": "normal(mean=0, sd=1)", "b": 0.5}``; a number holds its parameter there. None for a target.
    seed : int
        With ``name`` it fixes every random number.
    target_standard_error : float
        Standard error of F at which the run may stop, nats.
    batched : bool
        False for a function of one numpy vector (P,) that returns one number.
    blocks : "all", "each", or lists of names
        Parameters that are also proposed together.
    device : torch.device or str
        Where the function gets its tensors.
    threads : int
        Threads while this runs; for a function of one's own, one is fastest unless the function is heavy.
    progress : callable
        Told how far the run is.
    **settings :
        Further fields of :class:`bayesbeam.sampling.settings.Settings`, e.g. ``chains`` or ``max_sweeps``.

    Returns
    -------
    Result

    Raises
    ------
    ModelError
        If a prior or the function cannot be used; found before sampling starts.
    SamplingError
        If a setting is unknown, or the target is of more than one measurement.
    """
    target = _target(model, priors, batched, blocks, device)
    allowed = [field.name for field in fields(Settings) if field.name not in _ARGUMENTS]
    for word in settings:
        if word not in allowed:
            raise SamplingError.at("sample", f"the unknown argument {word!r}", "a setting", nearest(word, allowed))
    asked = Settings(seed=seed, target_standard_error=target_standard_error, threads=threads, **settings)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        run = replica_exchange(target, [GroupName(name, (name,))], asked, progress)[0]
    finally:
        torch.set_num_threads(before)
    whole = target.complete
    states, numbering = label(whole, run.theta.transpose(2, 0, 1, 3))
    return Result(run.free_energy, run.verdict, _draws(whole, states), numbering, run)


def _target(
    model: Callable[[Any], Any] | Target,
    priors: Mapping[str, PriorLike] | None,
    batched: bool,
    blocks: Blocks,
    device: torch.device | str,
) -> Target:
    """Target of one measurement from what :func:`sample` was given."""
    if not isinstance(model, Target):
        if not callable(model) or priors is None:
            found = f"a {type(model).__name__} and {'no priors' if priors is None else 'priors'}"
            remedy = "Write bayesbeam.sample(log_likelihood, priors={...}, seed=1)."
            raise ModelError.at("sample", found, "a function with priors, or a target", remedy)
        checked = {name: read_prior(name, prior) for name, prior in priors.items()}
        return function_target(model, checked, blocks=blocks, batched=batched, device=device, part=_MODEL)
    if priors is not None:
        raise ModelError.at("sample", "priors beside a target", "a target alone, which has its own", "Leave them out.")
    if (model.groups, model.members) != (1, 1):
        found = f"a target of {model.groups} groups of {model.members} measurements"
        raise SamplingError.at("sample", found, "one measurement", "Call bayesbeam.sampling.run.replica_exchange.")
    return model


def _draws(target: Target, states: FloatArray) -> dict[str, FloatArray]:
    """Draws (n,) or (n, K) by name, chain after chain, from relabelled states (C, S, D, P)."""
    quantities, columns = tabulate(target, states.reshape(-1, *states.shape[2:]))
    found: dict[str, list[FloatArray]] = {}
    single: dict[str, bool] = {}
    for quantity, column in zip(quantities, columns.T, strict=True):
        name = quantity.name.removeprefix(f"{_MODEL}.") if not target.terms else quantity.name
        found.setdefault(name, []).append(column)
        single[name] = quantity.index is None
    return {
        name: columns[0] if single[name] or len(columns) == 1 else np.stack(columns, -1)
        for name, columns in found.items()
    }
