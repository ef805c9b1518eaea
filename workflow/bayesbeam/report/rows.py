"""One parameter of a posterior as the report sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """Summary of one parameter of a posterior; ``alone``: its part is one by the campaign, and needs no number.

    Of what was sampled ``exact_mean`` and ``exact_sd`` are those of the exact solution, where there is one, and ``z``
    is the difference of the means over the standard error of the sampled one. ``inclusion`` is the probability that
    what it belongs to is there.
    """

    name: str
    index: int | None = None
    unit: str = "1"
    kind: str = "parameter"
    mean: float | None = None
    sd: float | None = None
    q025: float | None = None
    q16: float | None = None
    median: float | None = None
    q84: float | None = None
    q975: float | None = None
    ess: float | None = None
    rhat: float | None = None
    measurement: str | None = None
    mode: float | None = None
    laplace_sd: float | None = None
    information_sd: float | None = None
    exact_mean: float | None = None
    exact_sd: float | None = None
    z: float | None = None
    inclusion: float | None = None
    alone: bool = False

    @property
    def part(self) -> str:
        """Part that it belongs to; empty for what is of none."""
        return self.name.rpartition(".")[0]

    @property
    def label(self) -> str:
        """Name with the number of the peak."""
        return self.name if self.index is None or self.alone else f"{self.name} {self.index}"
