"""A process that samples peaks in simulated spectra and says how much memory that took: ``python peak_memory.py JSON``.

The measured peak is of a process by itself; tests start it and compare.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bayesbeam import noise
from bayesbeam.models import registry
from bayesbeam.priors import make_prior
from bayesbeam.sampling.memory import Sizes, sizes_of_target
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages.memory import measured_mib
from bayesbeam.targets.sum import Part, SumTarget, sum_target


@dataclass(frozen=True)
class Case:
    """Spectra of ``points`` points, peaks in each, what differs from the default settings, and the noise.

    Where the noise drowns the peaks a run is soon done, but begins with as many draws of the prior as any.
    """

    engine: str
    peaks: int
    spectra: int
    points: int = 301
    settings: dict[str, Any] = field(default_factory=dict)
    sigma: float = 0.1

    @property
    def asked(self) -> Settings:
        return Settings(seed=1, engine=self.engine, **self.settings)

    @property
    def sizes(self) -> Sizes:
        return sizes_of_target(self.target())

    def target(self) -> SumTarget:
        """Three peaks and noise, as in the 2012 data."""
        generator = torch.Generator().manual_seed(5)
        x = torch.linspace(0.0, 3.0, self.points, dtype=torch.float64).expand(self.spectra, 1, self.points).clone()
        true = ((0.587, 1.210, 95.689), (1.522, 1.455, 146.837), (1.183, 1.703, 164.469))
        y = self.sigma * torch.randn(x.shape, generator=generator, dtype=torch.float64)
        for height, centre, precision in true:
            y += height * torch.exp(-0.5 * precision * (x - centre) ** 2)
        priors = {
            "amplitude": make_prior("gamma", shape=5.0, rate=5.0),
            "position": make_prior("normal", mean=1.5, sd=0.447),
            "precision": make_prior("gamma", shape=5.0, rate=0.04),
        }
        each = {name: [[prior]] * self.spectra for name, prior in priors.items()}
        part = Part("peaks", registry.get("gaussian_precision"), self.peaks, each)
        sd, weight = torch.full_like(y, self.sigma), torch.ones_like(y)
        return sum_target(x, y, sd, weight, [part], noise.get("normal"), {}, dtype=torch.float32)

    def measured_mib(self) -> float:
        """Peak memory of a process of its own that samples this."""
        asked = json.dumps([self.engine, self.peaks, self.spectra, self.points, self.settings, self.sigma])
        words = [sys.executable, "-P", str(Path(__file__).resolve()), asked]
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        found = subprocess.run(words, env=os.environ | one_thread, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
        return float(found.stdout)


def main() -> None:
    """Sample the case of the command line, and print the peak memory in MiB."""
    torch.set_num_threads(1)
    case = Case(*json.loads(sys.argv[1]))
    names = [GroupName(f"s{number}", (f"s{number}",)) for number in range(case.spectra)]
    replica_exchange(case.target(), names, case.asked)
    print(measured_mib())


if __name__ == "__main__":
    main()
