"""What one run of one contender hands back; nothing here knows any sampler."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """A free energy and what it cost.

    Attributes
    ----------
    free_energy_exc : float, nats
        Without the Gaussian normaliser.
    stated_standard_error : float or None, nats
        What the contender itself claims; None where it claims nothing.
    cpu_seconds : float
        All threads of the process, compiling and importing excluded.
    compile_seconds : float
        CPU seconds of compiling for this number of peaks.
    likelihood_evaluations : int
        Spectra computed. A sampler that moves one peak at a time counts one peak's row as one.
    notes : str
        Settings that matter.
    reliable : bool or None
        The contender's own verdict; None where it has none.
    """

    free_energy_exc: float
    stated_standard_error: float | None
    cpu_seconds: float
    compile_seconds: float
    likelihood_evaluations: int
    notes: str
    reliable: bool | None = None
