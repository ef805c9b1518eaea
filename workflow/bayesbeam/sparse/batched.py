"""Every support up to a size on batched torch: for GPUs, where there is no compiler, and to check the loops with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bayesbeam.sparse.problem import Reduced, Regression
from bayesbeam.sparse.search import IntArray
from bayesbeam.sparse.tally import LOST, Tally

# Numbers in the largest array of a batch: it fits the memory of a small GPU, and the cache of a processor.
_AT_ONCE = {"cpu": 2**19, "cuda": 2**27}


@dataclass(frozen=True)
class _OnDevice:
    """Sums of a regression on a device; ``whole`` and ``whole_moment`` include the columns that are always in."""

    gram: Tensor
    moment: Tensor
    offset: Tensor
    whole: Tensor
    whole_moment: Tensor
    unit: Tensor
    sums: Reduced
    always: int

    @classmethod
    def of(cls, problem: Regression, whole: Reduced, sums: Reduced, device: str) -> _OnDevice:
        """Copy the arrays of a regression to a device."""
        arrays = (sums.gram, sums.moment, sums.offset, whole.gram, whole.moment, problem.prior_sd.copy())
        gram, moment, offset, everything, every_moment, unit = (torch.from_numpy(one).to(device) for one in arrays)
        return cls(gram, moment, offset, everything, every_moment, unit, sums, problem.always)

    def energy(self, squares: Tensor) -> Tensor:
        """Part of a free energy that depends on what is left unexplained; see :class:`Reduced`."""
        if self.sums.after == 0.0:
            return 0.5 * squares
        return self.sums.after * torch.log(self.sums.scale + 0.5 * squares)


def in_batches(
    problem: Regression, whole: Reduced, sums: Reduced, most: int, tally: Tally, counts: list[int], device: str
) -> Iterator[Tally]:
    """Sums of batches of supports: some parents of a size, each with every column after its last."""
    given = _OnDevice.of(problem, whole, sums, device)
    lost = LOST + math.log(sum(counts))
    for _, parents in _batches(given, problem.columns, most):
        yield _batch(given, parents, tally.like(), lost)


def pick_in_batches(
    problem: Regression, whole: Reduced, sums: Reduced, cells: IntArray, generator: np.random.Generator, most: int,
    device: str,
) -> Iterator[IntArray]:  # fmt: skip
    """Posterior draws of supports: as many of each batch, in order, as ``cells`` (batches, K+1) say."""
    given = _OnDevice.of(problem, whole, sums, device)
    number = 0
    for size, parents in _batches(given, problem.columns, most):
        wanted = int(cells[number, size])
        number += 1
        if not wanted:
            continue
        value, following, _, _ = _supports(given, parents)
        flat = torch.where(following, value, torch.inf).flatten()
        weight = torch.exp(flat.min() - flat).cumsum(0)
        marks = torch.from_numpy(np.sort(generator.random(wanted))).to(device) * weight[-1]
        at = torch.searchsorted(weight, marks, right=True).clamp_max(len(weight) - 1)
        columns = value.shape[1]
        found = np.full((wanted, most), -1)
        found[:, :size] = torch.cat([parents[at // columns], (at % columns)[:, None]], 1).cpu().numpy()
        yield found


def _batches(given: _OnDevice, columns: int, most: int) -> Iterator[tuple[int, Tensor]]:
    """Size of supports and a batch of parents (B, size - 1), in the order of a search."""
    device = given.gram.device
    for size in range(1, most + 1):
        table = _binomials(columns, size - 1).to(device)
        step, count = max(1, _AT_ONCE[device.type] // (columns * size)), math.comb(columns, size - 1)
        for start in range(0, count, step):
            yield size, supports_of_rank(torch.arange(start, min(start + step, count), device=device), table)


def _supports(given: _OnDevice, parents: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of parents and one column (B, P): free energy, which columns follow the parent's, unexplained squares, share."""
    value, unexplained, least = _children(given, parents)
    if not parents.shape[1]:
        return value, torch.ones_like(value, dtype=torch.bool), unexplained, least
    following = torch.arange(value.shape[1], device=parents.device) > parents[:, -1:]
    return value, following, unexplained, least


def _binomials(columns: int, size: int) -> Tensor:
    """Numbers of supports of t = 1 to ``size`` of c columns, int64 (size, columns)."""
    table = [[math.comb(c, t) for c in range(columns)] for t in range(1, size + 1)]
    return torch.tensor(table, dtype=torch.int64).reshape(size, columns)


def supports_of_rank(rank: Tensor, table: Tensor) -> Tensor:
    """Supports (B, k), columns rising, by their rank in the order of the last column, then the last but one, ...

    Source
    ------
    Knuth, The Art of Computer Programming 4A, section 7.2.1.3: theorem L (combinatorial number system).
    """
    found = []
    for row in table.flip(0):
        column = torch.searchsorted(row, rank, right=True) - 1
        rank = rank - row[column]
        found.append(column)
    return torch.stack(found[::-1], 1) if found else rank.new_empty(len(rank), 0)


def _batch(given: _OnDevice, parents: Tensor, part: Tally, lost: float) -> Tally:
    """Sums over all supports that one more column makes of parents (B, k)."""
    k, columns = parents.shape[1], given.gram.shape[0]
    size = k + 1
    value, following, unexplained, least = _supports(given, parents)
    value = torch.where(following, value, torch.inf)
    if not bool(following.any()):
        return part
    part.least = float(torch.where(following, least, 1.0).min())
    edges = part.edges
    places = ((value[following] - edges[0]) * ((len(edges) - 1) / (edges[-1] - edges[0]))).long()
    bins = torch.bincount(places.clamp(0, len(edges) - 2), minlength=len(edges) - 1)
    part.histogram[size] = bins.cpu().numpy()
    flat = value.flatten()
    kept = min(part.best.shape[1], int(following.sum()))
    best, at = torch.topk(flat, kept, largest=False)
    support = torch.cat([parents[at // columns], (at % columns)[:, None]], 1)
    part.best_free_energy[size, :kept], part.best[size, :kept, :size] = best.cpu().numpy(), support.cpu().numpy()
    part.reference[size] = float(best[0])
    chosen = torch.nonzero(flat < best[0] + lost)[:, 0]
    for some in chosen.split(max(1, _AT_ONCE[flat.device.type] // ((size + given.always) ** 2 + len(given.unit)))):
        support = torch.cat([parents[some // columns], (some % columns)[:, None]], 1)
        _weigh(given, part, support, torch.exp(best[0] - flat[some]), unexplained.flatten()[some])
    return part


def _children(given: _OnDevice, parents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Free energy, unexplained squares and share of the last column that is left, (B, P), of parents and one column."""
    count, k = parents.shape
    sums, gram = given.sums, given.gram
    pivot = gram.diagonal().expand(count, -1)
    rest = given.moment.expand(count, -1)
    squares, logs = torch.full_like(pivot[:, 0], sums.squares), torch.zeros_like(pivot[:, 0])
    if k:
        root = torch.linalg.cholesky(gram[parents[:, :, None], parents[:, None, :]])
        right = torch.cat([gram[parents], given.moment[parents][..., None]], 2)
        solved = torch.linalg.solve_triangular(root, right, upper=False)
        rows, known = solved[..., :-1], solved[..., -1]
        pivot = pivot - rows.square().sum(1)
        rest = rest - (rows * known[..., None]).sum(1)
        squares = squares + given.offset[parents].sum(1) - known.square().sum(1)
        logs = root.diagonal(dim1=1, dim2=2).log().sum(1)
    least = pivot / gram.diagonal()
    pivot = pivot.clamp_min(torch.finfo(pivot.dtype).tiny)  # of columns that are in already, which are left out later
    unexplained = squares[:, None] + given.offset - rest.square() / pivot
    value = sums.constant + logs[:, None] + 0.5 * torch.log(pivot) + given.energy(unexplained)
    return value, unexplained, least


def _weigh(given: _OnDevice, part: Tally, support: Tensor, share: Tensor, unexplained: Tensor) -> None:
    """Add supports (M, k) with weights (M,) to the sums of their size."""
    size, sums = support.shape[1], given.sums
    fixed = torch.arange(given.always, device=support.device).expand(len(support), -1)
    chosen = torch.cat([fixed, support + given.always], 1)
    inverse = torch.linalg.inv(given.whole[chosen[:, :, None], chosen[:, None, :]])
    mean = given.unit[chosen] * (inverse @ given.whole_moment[chosen][..., None])[..., 0]
    variance = given.unit[chosen].square() * inverse.diagonal(dim1=1, dim2=2)
    if sums.after:
        variance = variance * ((sums.scale + 0.5 * unexplained) / (sums.after - 1.0))[:, None]
    ones = torch.ones_like(mean)
    for name, table in (("inclusion", ones), ("mean", mean), ("square", mean.square() + variance)):
        # Laid out by column and then added up: adding to places in any order would give other last digits.
        wide = torch.zeros(len(support), len(given.unit), dtype=mean.dtype, device=mean.device)
        wide.scatter_(1, chosen, table * share[:, None])
        getattr(part, name)[size] += wide.sum(0).cpu().numpy()
    part.weight[size] += float(share.sum())
