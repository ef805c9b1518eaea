"""What a run is asked for: targets, limits and sizes; nothing about data or models."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_CHAINS = 10
FEWEST_REPLICAS, MOST_REPLICAS = 6, 40


@dataclass(frozen=True)
class Settings:
    """Targets and limits of a replica-exchange run.

    Attributes
    ----------
    seed : int
        With the names of measurement and candidate it fixes every random number.
    target_standard_error : float
        Standard error of the free energy at which a run may stop, nats.
    chains : int
        Independent copies of the whole ladder.
    replicas : int or None
        Rungs of the ladder; None takes them from the communication barrier.
    max_sweeps : int
        Most sweeps after tuning.
    draws : int
        Most draws at beta = 1 kept of each chain.
    effective_draws : float
        Effective sample size at beta = 1 that every parameter must reach.
    rhat : float
        Largest R-hat at beta = 1 allowed when stopping.
    engine : str
        ``eager``, ``cpu`` (compiled loops), or ``auto``: compiled loops where the model allows them.
    threads : int
        Threads of the compiled loops; their number changes no result.
    """

    seed: int
    target_standard_error: float = 0.1
    chains: int = DEFAULT_CHAINS
    replicas: int | None = None
    max_sweeps: int = 20000
    draws: int = 1000
    effective_draws: float = 100.0
    rhat: float = 1.1
    engine: str = "eager"
    threads: int = 1
