"""Candidates with nothing left open: every parameter with its prior, the noise with its base, one count.

Plain frozen data for whoever builds targets, plans jobs or writes reports; made by ``resolve``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bayesbeam.config.expression import PriorSpec

if TYPE_CHECKING:
    from bayesbeam.models.base import Component

NOISE = "noise"


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter with its prior, and whether the campaign wrote it or it is the component's default."""

    name: str
    prior: PriorSpec
    source: Literal["campaign", "default"]


@dataclass(frozen=True)
class PartSpec:
    """One term of the sum; ``parameters`` in the order of the component's formula."""

    name: str
    component: str
    of: str | None
    widths: str
    count: int
    parameters: tuple[ParameterSpec, ...]

    def build(self) -> Component:
        """Return the component from the registry."""
        from bayesbeam.models import registry

        if self.of is None:
            return registry.get(self.component)
        return registry.get(self.component, of=self.of, widths=self.widths)

    def parameter(self, name: str) -> ParameterSpec:
        """Return a parameter by name; ``KeyError`` is our own mistake."""
        return {parameter.name: parameter for parameter in self.parameters}[name]


@dataclass(frozen=True)
class NoiseSpec:
    """A noise model with the base standard deviation of every point and the priors of its parameters.

    ``base``: ``value`` (the number ``value``), ``column`` (the measurement's uncertainties), ``estimate`` (its
    uncertainties where it has them, its robust noise estimate otherwise), or ``none`` (Poisson).
    """

    model: str
    base: Literal["value", "column", "estimate", "none"]
    value: float | None
    parameters: tuple[ParameterSpec, ...]


@dataclass(frozen=True)
class CandidateSpec:
    """Parts and noise of one candidate with all counts set."""

    parts: tuple[PartSpec, ...]
    noise: NoiseSpec

    def part(self, name: str) -> PartSpec:
        """Return a part by name; ``KeyError`` is our own mistake."""
        return {part.name: part for part in self.parts}[name]

    @property
    def needs(self) -> frozenset[str]:
        """Data words that occur in its priors."""
        return frozenset(word for _, parameter in self.parameters() for word in parameter.prior.needs)

    def parameters(self) -> Iterator[tuple[str, ParameterSpec]]:
        """Yield (part name, parameter) once a part, then the noise's under the name ``noise``."""
        for part in self.parts:
            for parameter in part.parameters:
                yield part.name, parameter
        for parameter in self.noise.parameters:
            yield NOISE, parameter


@dataclass(frozen=True)
class Expanded:
    """One model that gets a free energy: a candidate at one count."""

    candidate: str
    count: int | None
    tag: str
    title: str
    spec: CandidateSpec


def expand(name: str, title: str, spec: CandidateSpec, ranged: tuple[int, range] | None) -> tuple[Expanded, ...]:
    """Return a candidate at every count of its range, or as it is where it has none.

    Parameters
    ----------
    name, title : str
        Of the candidate.
    spec : CandidateSpec
        Its parts and noise.
    ranged : tuple of int and range, or None
        Index of the part with a range of counts, and the counts.
    """
    words = title or name
    if ranged is None:
        return (Expanded(name, None, name, words, spec),)
    index, counts = ranged
    rows = []
    for count in counts:
        parts = tuple(replace(part, count=count) if i == index else part for i, part in enumerate(spec.parts))
        rows.append(Expanded(name, count, f"{name}-k{count}", f"{words}, K = {count}", replace(spec, parts=parts)))
    return tuple(rows)
