"""What a prior family is, and a prior with its numbers filled in.

A family file gives the density in plain torch; this file takes care of defaults, of dtype (everything is
computed in double and returned in the dtype of the argument) and of starting states strictly inside the support.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Number = float | Tensor
ArgumentProblem = tuple[str, str, str]


@dataclass(frozen=True)
class Family:
    """One family of proper densities; its arguments may be tensors that broadcast.

    Attributes
    ----------
    name : str
        Word used in campaigns, e.g. ``half_normal``.
    parameters : tuple of str
        Names of the arguments, in positional order.
    density : callable
        ``density(x, *arguments)``: log density in nats, ``-inf`` outside the support, all float64 tensors.
    quantile : callable
        ``quantile(u, *arguments)``: inverse distribution function, for ``0 < u < 1``.
    interval : callable
        ``interval(*arguments)``: lower and upper end of the support.
    problems : callable
        ``problems(**floats)``: what is wrong with finite (or explicitly unbounded) arguments.
    defaults : mapping
        Values of arguments that may be left out.
    unbounded : tuple of str
        Arguments that may be infinite.
    log_coordinate : bool
        Whether random walks are better made in ``log x``.
    is_point : bool
        Whether the family holds its parameter at one value (there is then nothing to sample).
    kernel : callable or None
        ``kernel(m, x, *arguments)`` on a math namespace: log density inside the support up to a constant that depends
        on the arguments alone, for engines that compile it. None: batched torch only.
    examples : tuple of mapping
        Arguments, ordinary and extreme, on which the contract tests run.
    """

    name: str
    parameters: tuple[str, ...]
    density: Callable[..., Tensor]
    quantile: Callable[..., Tensor]
    interval: Callable[..., tuple[Tensor, Tensor]]
    problems: Callable[..., list[ArgumentProblem]]
    defaults: Mapping[str, float] = field(default_factory=dict)
    unbounded: tuple[str, ...] = ()
    log_coordinate: bool = False
    is_point: bool = False
    kernel: Callable[..., Any] | None = None
    examples: tuple[Mapping[str, float], ...] = ()

    def log_prob(self, x: Tensor, **arguments: Number) -> Tensor:
        """Log density in nats at ``x``, ``-inf`` outside the support, never nan.

        Parameters
        ----------
        x : Tensor (...), float32 or float64
            Values of the parameter.
        **arguments : float or Tensor
            Arguments of the family, broadcast against ``x``.

        Returns
        -------
        Tensor (...)
            In the dtype of ``x``; computed in double.
        """
        result = self.density(x.double(), *self._tensors(x, arguments))
        return result.to(x.dtype)

    def icdf(self, u: Tensor, **arguments: Number) -> Tensor:
        """Value below which a fraction ``u`` of the prior lies, strictly inside the support.

        Parameters
        ----------
        u : Tensor (...), 0 < u < 1
            Probabilities.
        **arguments : float or Tensor
            Arguments of the family, broadcast against ``u``.

        Returns
        -------
        Tensor (...)
            In the dtype of ``u``.
        """
        tensors = self._tensors(u, arguments)
        value = self.quantile(u.double(), *tensors).to(u.dtype)
        if self.is_point:
            return value
        low, high = self.interval(*tensors)
        floor = torch.nextafter(low.to(u.dtype), torch.full_like(low, math.inf, dtype=u.dtype))
        ceiling = torch.nextafter(high.to(u.dtype), torch.full_like(high, -math.inf, dtype=u.dtype))
        return torch.minimum(torch.maximum(value, floor), ceiling)

    def support(self, **arguments: Number) -> tuple[Tensor, Tensor]:
        """Lower and upper end of the support, float64 tensors."""
        device = next((value.device for value in arguments.values() if isinstance(value, Tensor)), None)
        return self.interval(*self._tensors(torch.empty(0, device=device), arguments))

    def check(self, **arguments: float) -> list[ArgumentProblem]:
        """Everything wrong with the arguments as ``(argument, found, expected)``, empty when the prior is proper."""
        values = {**self.defaults, **arguments}
        problems = [(name, "nothing", "a number") for name in self.parameters if name not in values]
        problems += [
            (name, "an argument", " or ".join(self.parameters)) for name in values if name not in self.parameters
        ]
        problems += [found for name, value in values.items() if (found := self._not_finite(name, value)) is not None]
        return problems or self.problems(**values)

    def _not_finite(self, name: str, value: float) -> ArgumentProblem | None:
        """Problem of one argument that is no finite number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return (name, f"{name} = {value!r}", "a number")
        if math.isnan(value) or (math.isinf(value) and name not in self.unbounded):
            return (name, f"{name} = {value}", "a finite number, since a prior must be proper")
        return None

    def _tensors(self, like: Tensor, arguments: Mapping[str, Number]) -> list[Tensor]:
        """Arguments in positional order as float64 tensors beside ``like``."""
        values = {**self.defaults, **arguments}
        return [torch.as_tensor(values[name], dtype=torch.float64, device=like.device) for name in self.parameters]


@dataclass(frozen=True)
class Prior:
    """A family with the numbers of its arguments; made by :func:`bayesbeam.priors.make_prior`."""

    family: Family
    values: tuple[float, ...]

    @property
    def arguments(self) -> dict[str, float]:
        """Arguments by name."""
        return dict(zip(self.family.parameters, self.values, strict=True))

    @property
    def log_coordinate(self) -> bool:
        """Whether random walks are better made in ``log x``."""
        return self.family.log_coordinate

    @property
    def is_point(self) -> bool:
        """Whether the parameter is held at one value."""
        return self.family.is_point

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density in nats at ``x``, ``-inf`` outside the support."""
        return self.family.log_prob(x, **self.arguments)

    def icdf(self, u: Tensor) -> Tensor:
        """Value below which a fraction ``u`` of the prior lies."""
        return self.family.icdf(u, **self.arguments)

    def share(self, low: float, high: float) -> float:
        """Share of the prior between two values, to 1e-15, from its quantiles."""
        return max(self._below(high) - self._below(low), 0.0)

    def _below(self, x: float) -> float:
        """Share of the prior below a value, by bisection."""
        first, last = self.support()
        if x <= first or x >= last:
            return 0.0 if x <= first else 1.0
        low, high = 0.0, 1.0
        while high - low > 1e-15:
            middle = 0.5 * (low + high)
            below = float(self.icdf(torch.tensor(middle, dtype=torch.float64))) < x
            low, high = (middle, high) if below else (low, middle)
        return 0.5 * (low + high)

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Independent float64 draws of the given shape."""
        u = torch.rand(shape, generator=generator, dtype=torch.float64, device=generator.device)
        return self.icdf(u.clamp(min=2.0**-54))

    def support(self) -> tuple[float, float]:
        """Lower and upper end of the support."""
        low, high = self.family.support(**self.arguments)
        return float(low), float(high)

    def __str__(self) -> str:
        """Return the canonical form, e.g. ``normal(mean=1.5, sd=0.4472)``; arguments at their default are left out."""
        given = [(name, value) for name, value in self.arguments.items() if self.family.defaults.get(name) != value]
        return f"{self.family.name}({', '.join(f'{name}={plain(value)}' for name, value in given)})"


def plain(value: float) -> str:
    """Shortest text that reads back as the same number, whole numbers without a point."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def outside(inside: Tensor, log_density: Tensor) -> Tensor:
    """Log density where ``inside`` holds, ``-inf`` elsewhere."""
    return torch.where(inside, log_density, -math.inf)


def positive(**arguments: float) -> list[ArgumentProblem]:
    """Problems of arguments that must be greater than zero."""
    return [(name, f"{name} = {plain(value)}", "> 0") for name, value in arguments.items() if not value > 0]


def increasing(low: float, high: float) -> list[ArgumentProblem]:
    """Problem of two ends that are upside down or equal."""
    if low < high:
        return []
    return [("high", f"high = {plain(high)} with low = {plain(low)}", f"> {plain(low)}")]
