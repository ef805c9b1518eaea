"""A user's own log-likelihood with named parameters and priors, as a target like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from bayesbeam.errors import ModelError, nearest
from bayesbeam.priors.base import Prior
from bayesbeam.targets.base import Target
from bayesbeam.targets.parts import Slot, SlotPrior, Term
from bayesbeam.targets.user_function import OneByOne, UserFunction

Blocks = str | Sequence[Sequence[str]]


@dataclass(frozen=True)
class FunctionTarget(Target):
    """Log-likelihood given by a function of the state alone; no curve, no data, no noise model.

    Attributes
    ----------
    function : UserFunction
        States (n, P) to log-likelihoods (n,).
    copies : int
        Number of groups, all alike.
    place : torch.device
        Where states are handed to the function.
    together : tuple of tuple of int
        Blocks of slots.
    """

    function: UserFunction
    copies: int
    place: torch.device
    together: tuple[tuple[int, ...], ...]

    @property
    def groups(self) -> int:
        """Number of groups, each tempered and exchanged on its own."""
        return self.copies

    @property
    def members(self) -> int:
        """Number of measurements in a group: a function has no measurements, and counts as one."""
        return 1

    @property
    def device(self) -> torch.device:
        """Where its numbers are."""
        return self.place

    @property
    def points(self) -> int:
        """Number of points of a curve."""
        return 1

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Moving slots that belong together."""
        return self.together

    def select(self, groups: Tensor) -> Self:
        """Target of some of the groups, given their numbers (int64)."""
        return replace(self, priors=tuple(prior.select(groups) for prior in self.priors), copies=len(groups))

    def row(self, term: Term, theta: Tensor) -> Tensor:
        """Curve of no points, (G, D, C, R, 0)."""
        return theta.new_zeros(*theta.shape[:-1], 0)

    def rows(self, theta: Tensor) -> Tensor:
        """No curves, (0, G, D, C, R, 0), for states (G, D, C, R, P)."""
        return theta.new_zeros(0, *theta.shape[:-1], 0)

    def log_likelihood(self, prediction: Tensor, theta: Tensor) -> Tensor:
        """Log-likelihood (G, 1, C, R), float64, nats; nan is for the caller to refuse, and ``+inf`` is made nan.

        Raises
        ------
        ModelError
            If the function raises, gives something of another shape, or changes its input.
        """
        value = self.function(theta.reshape(-1, theta.shape[-1]))
        return torch.where(torch.isposinf(value), torch.nan, value).reshape(theta.shape[:-1])

    def check(self, theta: Tensor) -> None:
        """Refuse a function that breaks its contract on draws of its prior (G, 1, C, R, P).

        Raises
        ------
        ModelError
            If it raises, gives another shape, nan or ``+inf``, changes its input, gives another value when called
            again, or lets states of one batch feel one another.
        """
        self.function.try_out(theta.reshape(-1, theta.shape[-1]))


def function_target(
    function: Callable[[Any], Any],
    priors: Mapping[str, Prior],
    groups: int = 1,
    blocks: Blocks = "all",
    batched: bool = True,
    device: torch.device | str = "cpu",
    part: str = "model",
) -> FunctionTarget:
    """Target of a user's own log-likelihood.

    Parameters
    ----------
    function : callable
        ``function(theta)``: float64 tensor (n, P) to n log-likelihoods in nats, ``-inf`` for an impossible state; best
        written for any (..., P). With ``batched=False``: one numpy vector (P,) to one number.
    priors : mapping of str to Prior
        Names of the parameters in the order of theta, with their priors.
    groups : int
        Number of identical copies, each run as a measurement of its own.
    blocks : "all", "each", or sequence of sequences of str
        Parameters that are also proposed together: all of them, none, or those of each group of names; a parameter in
        none of them is a block by itself.
    device : torch.device or str
        Where states are handed to the function.
    part : str
        First half of the names of the slots, ``part.parameter``.

    Raises
    ------
    ModelError
        If no parameter is free, or a block names a parameter twice or one that is not there.
    """
    place = torch.device(device)
    names = tuple(priors)
    free = [name for name in names if not priors[name].is_point]
    if not free:
        raise ModelError.at(
            "priors", f"{len(names)} parameters, none of them free", "at least one that is not fixed", "Add its prior."
        )
    return FunctionTarget(
        terms=(),
        slots=tuple(Slot(part, name, None, "1", "parameter") for name in names),
        priors=tuple(_repeated(prior, groups, place) for prior in priors.values()),
        dtype=torch.float64,
        instances=(),
        function=UserFunction(function if batched else OneByOne(function), names),
        copies=groups,
        place=place,
        together=_blocks(blocks, names, free),
    )


def _repeated(prior: Prior, groups: int, place: torch.device) -> SlotPrior:
    """Prior of one slot, the same in all groups."""
    values = {
        name: torch.full((groups, 1, 1, 1), value, dtype=torch.float64, device=place)
        for name, value in prior.arguments.items()
    }
    return SlotPrior(prior.family, values)


def _blocks(asked: Blocks, names: Sequence[str], free: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Blocks of moving slots by number."""
    if isinstance(asked, str):
        words = ("all", "each")
        if asked not in words:
            raise ModelError.at("blocks", repr(asked), "'all', 'each' or lists of names", nearest(asked, words))
        groups = [list(free)] if asked == "all" else []
    else:
        groups = [list(group) for group in asked]
    named = [name for group in groups for name in group]
    for name in named:
        if name not in names:
            remedy = nearest(name, names)
            raise ModelError.at("blocks", f"the unknown parameter {name!r}", "parameters with a prior", remedy)
        if named.count(name) > 1:
            raise ModelError.at("blocks", f"{name} twice", "every parameter in one block at most", "Take one out.")
    groups += [[name] for name in free if name not in named]
    blocks = (tuple(names.index(name) for name in group if name in free) for group in groups)
    return tuple(block for block in blocks if block)
