"""Sweeps of walkers over supports on batched torch: for GPUs, and to check the compiled loops with.

The random numbers and the moves are those of the loops; free costs differ from theirs in the last digits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bayesbeam.rng import uniforms
from bayesbeam.sparse.chains import empty_block
from bayesbeam.sparse.problem import FloatArray, Reduced
from bayesbeam.sparse.walkers import ANY, EXCHANGE_SLOT, IN, OUT, Block, Steps, Walkers, best_of


class _Proposal(NamedTuple):
    """Proposed supports (C, R, K), their sizes, log ratios of prior and proposals, and which are possible at all."""

    support: Tensor
    size: Tensor
    ratio: Tensor
    possible: Tensor


class Batched:
    """Batched torch on any device."""

    name = "eager"

    def __init__(self, sums: Reduced, steps: Steps, key: tuple[int, int], moves: int, ranked: int, device: str) -> None:
        self.moves, self.ranked, self.device, self.sums = moves, ranked, device, sums
        self.columns = len(sums.moment)
        # One more column, which stands for none.
        gram = torch.zeros(self.columns + 1, self.columns + 1, dtype=torch.float64)
        gram[:-1, :-1] = torch.from_numpy(sums.gram)
        self._gram = gram.to(device)
        self._moment, self._offset = (_and_none(array, device) for array in (sums.moment, sums.offset))
        self._change = torch.from_numpy(steps.change).to(device)
        self._likeness = torch.from_numpy(steps.likeness).to(device)
        self._log_prior = torch.from_numpy(steps.log_prior).to(device)
        self._key = torch.tensor(key, dtype=torch.int64, device=device)

    def begin(self, walkers: Walkers) -> None:
        """Compute the log evidence of all states."""
        walkers.value[:] = self.log_evidence(torch.from_numpy(walkers.support).to(self.device)).cpu().numpy()

    def log_evidence(self, support: Tensor) -> Tensor:
        """Log evidence of supports (..., K), -F."""
        none = torch.diag_embed((support == self.columns).to(torch.float64))
        root = torch.linalg.cholesky(self._gram[support[..., :, None], support[..., None, :]] + none)
        known = torch.linalg.solve_triangular(root, self._moment[support][..., None], upper=False)[..., 0]
        left = self.sums.squares + self._offset[support].sum(-1) - known.square().sum(-1)
        after, scale = self.sums.after, self.sums.scale
        energy = after * torch.log(scale + 0.5 * left) if after else 0.5 * left
        found: Tensor = -(self.sums.constant + root.diagonal(dim1=-2, dim2=-1).log().sum(-1) + energy)
        return found

    def advance(self, walkers: Walkers, beta: FloatArray, first: int, sweeps: int) -> Block:
        """Advance by some sweeps."""
        block = empty_block(walkers, sweeps, self.ranked)
        support, size, value = (
            torch.from_numpy(a).to(self.device) for a in (walkers.support, walkers.size, walkers.value)
        )
        heat = torch.from_numpy(beta).to(self.device)
        chains, rungs, longest = walkers.support.shape
        slots = torch.tensor([*range(self.moves), EXCHANGE_SLOT], device=self.device)
        for s in range(sweeps):
            number = torch.tensor([first + s], device=self.device)
            u = uniforms(self._key, chains, rungs, number, slots)[:, 0]
            for m in range(self.moves):
                new = self._propose(support, size, u[:, m])
                found = torch.where(new.possible, self.log_evidence(new.support), -torch.inf)
                self._remember(block, new.support, -found - self._log_prior[new.size.clamp(0, longest)])
                chance = torch.exp(torch.clamp(new.ratio + heat * (found - value), max=0.0))
                accepted = new.possible & (u[3, m] < chance)
                support = torch.where(accepted[..., None], new.support, support)
                size, value = torch.where(accepted, new.size, size), torch.where(accepted, found, value)
            block.value[s], block.size[s] = value.cpu().numpy(), size.cpu().numpy()
            block.top[s] = support[:, -1].cpu().numpy()
            order, chance = _exchanged(heat, value, u[0, -1], first + s)
            block.exchange[s] = chance.cpu().numpy()
            support, size, value = _take(support, order), size.gather(1, order), value.gather(1, order)
            walkers.replica[:] = np.take_along_axis(walkers.replica, order.cpu().numpy(), axis=1)
            _count_trips(walkers)
        walkers.support[:], walkers.size[:] = support.cpu().numpy(), size.cpu().numpy()
        walkers.value[:] = value.cpu().numpy()
        return block

    def _propose(self, support: Tensor, size: Tensor, u: Tensor) -> _Proposal:
        """Another support for each, by numbers (4, C, R)."""
        kind, most = u[0], support.shape[-1]
        grow, shrink, swap, like = kind < IN, (kind >= IN) & (kind < OUT), kind >= OUT, kind >= ANY
        possible = torch.where(grow, (size < most) & (size < self.columns), size > 0)
        possible = possible & ~(swap & (size == self.columns))
        out = torch.minimum((u[1] * size).long(), size - 1).clamp_min(0)
        old = support.gather(-1, out[..., None])[..., 0]
        free = self.columns - size
        any_column = torch.minimum((u[2] * free).long(), free - 1)
        for t in range(most):
            any_column = any_column + (support[..., t] <= any_column).long()
        row = self._likeness[old.clamp_max(self.columns - 1)]
        alike = torch.searchsorted(row, (u[2] * row[..., -1])[..., None], right=True)[..., 0]
        alike = alike.clamp_max(self.columns - 1)
        column = torch.where(like, alike, any_column)
        possible = possible & ~(like & (support == alike[..., None]).any(-1))
        ratio = torch.where(grow, self._change[size.clamp_max(most - 1)], -self._change[(size - 1).clamp_min(0)])
        exchange = torch.log(row[..., -1] / self._likeness[alike][..., -1])
        ratio = torch.where(swap, torch.where(like, exchange, 0.0), ratio)
        place = torch.where(grow, size.clamp_max(most - 1), out)
        column = torch.where(shrink, self.columns, column)
        new = support.scatter(-1, place[..., None], column[..., None]).sort(-1).values
        new = torch.where(possible[..., None], new, support)
        return _Proposal(new, size + grow.long() - shrink.long(), ratio, possible)

    def _remember(self, block: Block, support: Tensor, cost: Tensor) -> None:
        """Put the best of some supports into the list of the first chain, each once."""
        flat = cost.flatten()
        found = torch.nonzero(flat <= float(block.cost[0, -1]))[:, 0]
        found = found[torch.isfinite(flat[found])]
        if len(found) == 0:
            return
        rows = support.flatten(0, 1)[found].cpu().numpy()
        rows = np.where(rows == self.columns, -1, rows)
        kept = block.cost[0] < np.inf
        every = np.concatenate([block.best[0][kept], rows])
        costs = np.concatenate([block.cost[0][kept], flat[found].cpu().numpy()])
        block.best[0], block.cost[0] = best_of(every, costs, self.ranked)


def _and_none(array: FloatArray, device: str) -> Tensor:
    """Numbers of columns, and 0 for the one that stands for none."""
    return torch.from_numpy(np.append(array, 0.0)).to(device)


def _take(support: Tensor, order: Tensor) -> Tensor:
    """Supports (C, R, K) of other rungs (C, R)."""
    return support.gather(1, order[..., None].expand_as(support))


def _exchanged(beta: Tensor, value: Tensor, u: Tensor, sweep: int) -> tuple[Tensor, Tensor]:
    """Order of rungs (C, R) after one round of exchanges, and the chance (C, R-1) of each pair."""
    chance = torch.exp(torch.clamp(beta.diff() * (value[:, :-1] - value[:, 1:]), max=0.0))
    accept = u[:, :-1] < chance
    accept[:, 1 - sweep % 2 :: 2] = False
    order = torch.arange(len(beta), device=value.device).expand(value.shape).clone()
    order[:, :-1] += accept.long()
    order[:, 1:] -= accept.long()
    return order, chance


def _count_trips(walkers: Walkers) -> None:
    """Note which replicas are at the ends."""
    chain = np.arange(len(walkers.size))
    for end, at in ((1, walkers.replica[:, 0]), (2, walkers.replica[:, -1])):
        walkers.halves += walkers.last[chain, at] == 3 - end
        walkers.last[chain, at] = end
