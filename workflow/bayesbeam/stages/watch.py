"""Whoever watches a sampling job, and how news of the sampler reach them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from bayesbeam.sampling.run import Progress


class Watcher(Protocol):
    """Whoever wants to know how far a job is."""

    def __call__(
        self,
        done: float,
        total: float,
        free_energy: float | None = None,
        standard_error: float | None = None,
        text: str = "",
    ) -> None:
        """Take note."""


def forward(watch: Watcher) -> Callable[[Progress], None]:
    """Pass the sampler's news on to whoever watches the job."""

    def tell(news: Progress) -> None:
        known = not math.isnan(news.free_energy)
        watch(
            news.sweeps,
            news.most_sweeps,
            news.free_energy if known else None,
            news.standard_error if known else None,
            news.phase,
        )

    return tell
