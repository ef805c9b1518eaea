"""Models with nothing left open: there is nothing to sample, and the free energy is minus the log-likelihood.

The result has the form of a run whose chains stand still, so that whoever reads runs need not know.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.sampling.groups import GroupName, all_groups
from bayesbeam.sampling.record import FloatArray, Run, Verdict
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.base import Target

ENGINE = "none"
# States a run holds in all, each the same: new data are drawn from each of them.
_STATES = 400


def known_runs(target: Target, names: Sequence[GroupName], settings: Settings) -> list[Run]:
    """Results of all groups of a target without a moving slot: the likelihood itself, without an error."""
    u = torch.full((len(target.slots), target.groups, target.members, 1, 1), 0.5, dtype=torch.float64)
    theta = target.from_uniform(u.to(target.device))
    likelihood = target.log_likelihood(target.rows(theta).sum(0), theta).sum(1)[:, 0, 0].cpu().numpy()
    length = -(-_STATES // settings.chains)
    keys = all_groups(names, settings.seed, target.device).member_keys
    runs = []
    for g, one in enumerate(names):
        states = theta[g, :, 0, 0].cpu().numpy()  # (D, P)
        draws = target.restored(np.tile(states[:, None], (length, 1, settings.chains, 1)), g, keys[g])
        rows = max(len(target.terms), 1) * target.members
        runs.append(still_run(one.name, draws, -float(likelihood[g]), rows, ENGINE))
    return runs


def still_run(name: str, theta: FloatArray, free_energy: float, rows: int, engine: str) -> Run:
    """Run of which the free energy has no error, in the form of one whose chains stand still; draws (S, D, C, P)."""
    length, _, chains, _ = theta.shape
    value = FreeEnergy(free_energy, 0.0, chains - 1)
    return Run(
        name=name,
        theta=theta,
        log_likelihood=np.full((length, chains, 2), -free_energy),
        beta=np.array([0.0, 1.0]),
        exchange_rate=np.ones(1),
        round_trips=0.0,
        free_energy=value,
        estimators={"exact": value},
        effective_draws=np.full(1, np.nan),
        rhat=np.full(1, np.nan),
        verdict=Verdict(True, ()),
        sweeps=0,
        burn_in=0,
        likelihood_rows=rows,
        engine=engine,
    )
