"""Jumps of a slot to anywhere under a table: bins of equal probability, uniform within each bin.

A table holds the edges of its bins, for each slot at each rung. The reverse jump has the density of the bin that holds
the present value, so a jump needs no inverse distribution function and may be made of any edges that rise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bayesbeam.targets.base import Target
from bayesbeam.targets.parts import SlotPrior

BINS = 32
OUTERMOST = 1e-9


def prior_edges(target: Target, bins: int = BINS) -> Tensor:
    """Tables of bins that are equally probable in the prior, the same on all rungs.

    Parameters
    ----------
    target : SumTarget or FunctionTarget
    bins : int
        B bins a slot.

    Returns
    -------
    Tensor (P, G, D, 1, 1, B+1), float64
        Strictly rising; the ends leave 1e-9 of the prior outside, each. Fixed slots: from 0 to 1.
    """
    level = torch.arange(bins + 1, dtype=torch.float64, device=target.device) / bins
    level[0], level[-1] = OUTERMOST, 1.0 - OUTERMOST
    shape = (target.groups, target.members, 1, 1, bins + 1)
    made: dict[bytes, Tensor] = {}
    tables = []
    for prior in target.priors:
        # Instances of one part have one prior, and some quantiles are slow.
        name = _fingerprint(prior)
        if name not in made:
            table = level if prior.is_fixed else prior.icdf(level)[..., None, :]
            made[name] = _rising(table.to(torch.float64).expand(shape))
        tables.append(made[name])
    return torch.stack(tables)


def _fingerprint(prior: SlotPrior) -> bytes:
    """Bytes that are equal for equal priors."""
    values = [value.cpu().numpy().tobytes() for value in prior.values.values()]
    return b"\0".join([prior.family.name.encode(), *values])


def _rising(edges: Tensor) -> Tensor:
    """Edges (..., B+1) with every one that does not rise put just above the one before."""
    if bool((torch.diff(edges) > 0).all()):
        return edges
    columns = [edges[..., 0]]
    for column in edges.unbind(-1)[1:]:
        above = torch.nextafter(columns[-1], torch.full_like(column, math.inf))
        columns.append(torch.maximum(column, above))
    return torch.stack(columns, dim=-1)


def jump(edges: Tensor, rung: Tensor, replica_on_rung: Tensor, u: Tensor, old: Tensor) -> tuple[Tensor, Tensor]:
    """Proposed values of a slot, and what their proposal adds to the log acceptance ratio.

    Parameters
    ----------
    edges : Tensor (G, D, T, R or 1, B+1), float64
        Tables of chains, of which c takes number c modulo T, and of rungs, or one for all.
    rung, replica_on_rung : Tensor (G, C, R), int64
    u : Tensor (G, D, C, R), float64, in (0, 1)
    old : Tensor (G, D, C, R), float64
        Present values.

    Returns
    -------
    new, gain : Tensor (G, D, C, R), float64
        ``gain`` is the log of the width of the new bin over that of the old one, -inf where the present value is
        outside the table: no jump leads back there.
    """
    chains, replicas = rung.shape[1:]
    count = edges.shape[-1] - 1
    # In rung order, where a table belongs to each place.
    order = replica_on_rung[:, None].expand_as(u)
    own = torch.arange(chains, device=edges.device) % edges.shape[2]
    tables = edges[:, :, own].expand(-1, -1, -1, replicas, -1)
    place, held = (u * count).gather(3, order), old.gather(3, order)
    into = place.to(torch.int64)
    low, high = _edge(tables, into), _edge(tables, into + 1)
    new = low + (place - into) * (high - low)
    # The last bin whose lower edge is not above the value; the nearest one for values outside.
    found = torch.clamp((tables <= held[..., None]).sum(-1) - 1, 0, count - 1)
    inside = (held >= tables[..., 0]) & (held <= tables[..., -1])
    width = torch.log(_edge(tables, found + 1) - _edge(tables, found))
    gain = torch.where(inside, torch.log(high - low) - width, -math.inf)
    back = rung[:, None].expand_as(u)
    return new.gather(3, back), gain.gather(3, back)


def _edge(tables: Tensor, index: Tensor) -> Tensor:
    """Edge number ``index`` (G, D, C, R) of tables (G, D, C, R, B+1)."""
    return tables.gather(4, index[..., None])[..., 0]
