"""Exchange of neighbouring replicas, deterministic even/odd, by swapping rungs and not states.

Gathering the two log-likelihoods and deciding are apart, so the decision is tested without a sampler.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def swap_probability(beta: Tensor, log_likelihood: Tensor) -> Tensor:
    """Acceptance probability of exchanging each pair of neighbours.

    Parameters
    ----------
    beta : Tensor (G, R), float64
        Ladders.
    log_likelihood : Tensor (G, C, R), float64
        Untempered log-likelihood of the replica on each rung.

    Returns
    -------
    Tensor (G, C, R-1), float64 in [0, 1]
        ``min(1, exp[(beta_{l+1} - beta_l)(lnL_l - lnL_{l+1})])``: the better likelihood moves to the larger beta.

    Source
    ------
    Hukushima and Nemoto, JPSJ 65, 1604 (1996); checked by exact free energies of testsystems.
    """
    gap = torch.diff(beta, dim=-1)[:, None, :]
    lower, upper = log_likelihood[..., :-1], log_likelihood[..., 1:]
    # An impossible state (-inf) on the lower rung never rises; two impossible ones have nothing to decide.
    gain = torch.where(torch.isneginf(lower), -torch.inf, lower - upper)
    # Equal rungs exchange freely, impossible states too.
    log_ratio = torch.where(gap == 0, 0.0, gap * gain)
    return torch.exp(torch.clamp(log_ratio, max=0.0))


def swap_order(probability: Tensor, uniform: Tensor, parity: int) -> Tensor:
    """Order of rungs after one even (parity 0) or odd (parity 1) round of exchanges.

    Parameters
    ----------
    probability : Tensor (G, C, R-1)
    uniform : Tensor (G, C, R-1), in (0, 1)
    parity : int
        0 exchanges the pairs (0, 1), (2, 3), ...; 1 the pairs (1, 2), (3, 4), ...

    Returns
    -------
    Tensor (G, C, R), int64
        ``order[r]`` is the rung whose replica moves to rung r.
    """
    pairs = probability.shape[-1]
    accept = uniform < probability
    accept[..., (1 - parity) :: 2] = False
    order = torch.arange(pairs + 1, device=probability.device).expand(*probability.shape[:-1], pairs + 1).clone()
    order[..., :-1] += accept.to(torch.int64)
    order[..., 1:] -= accept.to(torch.int64)
    return order


@dataclass
class RoundTrips:
    """Counts the half trips of replicas, from beta = 0 to beta = 1 or back, per group and chain.

    Two halves make a round trip. Halves are counted because many short chains are as good as one long one, and each of
    them may be shorter than a whole trip of one of its replicas.

    Attributes
    ----------
    last : Tensor (G, C, R), int8
        1: the replica was last at beta = 0; 2: at beta = 1; 0: has been at neither.
    halves : Tensor (G, C), int64
    """

    last: Tensor
    halves: Tensor

    @staticmethod
    def begin(groups: int, chains: int, replicas: int, device: torch.device) -> RoundTrips:
        """Return counts of nothing."""
        last = torch.zeros(groups, chains, replicas, dtype=torch.int8, device=device)
        return RoundTrips(last, torch.zeros(groups, chains, dtype=torch.int64, device=device))

    def update(self, replica_on_rung: Tensor) -> None:
        """Note which replica (G, C, R) sits on each rung after an exchange."""
        for end, rung in ((1, replica_on_rung[..., :1]), (2, replica_on_rung[..., -1:])):
            before = self.last.gather(-1, rung)
            self.halves += (before == 3 - end)[..., 0].to(torch.int64)
            self.last.scatter_(-1, rung, end)

    def select(self, groups: Tensor) -> RoundTrips:
        """Counts of some of the groups."""
        return RoundTrips(self.last[groups], self.halves[groups])
