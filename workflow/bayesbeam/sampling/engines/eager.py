"""The reference engine: batched torch on any device, one component move at a time with a cached sum.

A move of one component costs one curve, whatever the number of components.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.sampling.engines.base import (
    REBUILD_EVERY,
    Block,
    RandomBlock,
    State,
    Tuned,
    jump_turns,
    random_block,
    table_slots,
)
from bayesbeam.sampling.exchange import swap_order, swap_probability
from bayesbeam.sampling.jumps import jump
from bayesbeam.targets.sum import SumTarget, Term


class EagerEngine:
    """Random walks in single slots, and jumps of slots and blocks of slots under a table."""

    name = "eager"

    def __init__(self, target: SumTarget) -> None:
        self.target = target
        self._table_slots = table_slots(target)
        self._term_of_slot: dict[int, int] = {
            j: k for k, term in enumerate(target.terms) for j in range(term.start, term.stop)
        }

    def start(self, theta: Tensor) -> State:
        """State with all caches built, replica r on rung r, from theta (G, D, C, R, P)."""
        groups, _, chains, replicas, _ = theta.shape
        rung = torch.arange(replicas, device=theta.device).expand(groups, chains, replicas).clone()
        state = State(theta.clone(), theta, theta, theta, theta, rung, rung.clone())
        self.rebuild(state)
        return state

    def advance(
        self, state: State, tuned: Tuned, keys: tuple[Tensor, Tensor], first: int, sweeps: int, levels: int = 1
    ) -> Block:
        """Advance by a block of sweeps; see :class:`bayesbeam.sampling.engines.base.Engine`."""
        chains, replicas = state.rung.shape[1:]
        block = random_block(self.target, keys[0], keys[1], chains, replicas, first, sweeps)
        seen: list[tuple[Tensor, ...]] = []
        total: Tensor | None = None
        for b in range(sweeps):
            if b == 0 or (first + b) % REBUILD_EVERY == 0:
                self.rebuild(state)
            random = block.of_sweep(b)
            accepted = self.sweep(state, tuned, random, first + b)
            accepted = accepted.gather(-1, state.replica_on_rung[None, :, None].expand_as(accepted))
            total = accepted if total is None else total + accepted
            likelihood = state.on_rungs(state.log_likelihood).sum(1)
            probability, top = swap_probability(tuned.beta, likelihood), state.on_top(levels)
            exchange(state, tuned.beta, likelihood, random.exchange)
            seen.append((probability, likelihood, top, state.replica_on_rung))
        assert total is not None
        return Block(total / sweeps, *(torch.stack(column) for column in zip(*seen, strict=True)))

    def rebuild(self, state: State) -> None:
        """Recompute curves, sum, log-likelihood and log-prior from the parameters."""
        target = self.target
        state.rows = target.rows(state.theta)
        state.prediction = _sum_in_order(state.rows)
        state.log_likelihood = target.log_likelihood(state.prediction, state.theta)
        columns = [
            prior.log_prob(state.theta[..., j]) if not prior.is_fixed else torch.zeros_like(state.theta[..., j])
            for j, prior in enumerate(target.priors)
        ]
        state.log_prior = torch.stack(columns, dim=-1)
        if bool(torch.isnan(state.log_likelihood).any()):
            target.check(state.theta)

    def sweep(self, state: State, tuned: Tuned, random: RandomBlock, number: int) -> Tensor:
        """One sweep: a walk in every moving slot, then a jump of one block and of one slot.

        Parameters
        ----------
        random : RandomBlock
            Numbers of this sweep, axes (P, G, D, C, R).
        number : int
            Number of the sweep from the start of the run.

        Returns
        -------
        Tensor (P, G, D, C, R), float64
            Acceptance probability of the walks, in replica order; 1 for fixed slots.
        """
        beta = tuned.beta[:, None].expand_as(state.rung).gather(-1, state.rung)[:, None]
        scale = _on_replicas(tuned.scale, state.rung)
        accepted = torch.ones_like(scale)
        bad = torch.zeros((), dtype=torch.bool, device=beta.device)
        for j in self.target.moving:
            accepted[j], nan = self._walk(state, j, beta, scale[j] * random.step[j], random.walk_log_uniform[j])
            bad |= nan
        for slots in jump_turns(self.target, number):
            self._jump(state, slots, beta, tuned.edges, random)
        if bool(bad):
            raise ModelError.at(
                "candidate",
                "the log-likelihood became nan while sampling",
                "a number, or -inf for an impossible state",
                "Check the component's formula at the edges of its priors.",
            )
        return accepted

    def _walk(self, state: State, j: int, beta: Tensor, step: Tensor, log_uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Random walk in slot j; returns its acceptance probability and whether a nan was met."""
        prior = self.target.priors[j]
        old = state.theta[..., j]
        if prior.family.log_coordinate:
            new, jacobian = old * torch.exp(step), step
        else:
            new, jacobian = old + step, torch.zeros_like(step)
        density = prior.log_prob(new)
        gain = density - state.log_prior[..., j] + jacobian
        term = self._term_of_slot.get(j)
        proposal = state.theta.clone()
        proposal[..., j] = new
        row, prediction = self._propose(state, term, proposal)
        likelihood = self.target.log_likelihood(prediction, proposal)
        tied = self.target.slots[j].shared
        ratio = _log_ratio(beta, likelihood, state.log_likelihood, gain, tied)
        accept = (log_uniform < ratio).expand(old.shape)
        state.log_prior[..., j] = torch.where(accept, density, state.log_prior[..., j])
        self._settle(state, accept, term, row, prediction, proposal, likelihood)
        possible = torch.isfinite(density)
        return torch.exp(torch.clamp(ratio, max=0.0)).expand(old.shape), (torch.isnan(likelihood) & possible).any()

    def _jump(self, state: State, slots: tuple[int, ...], beta: Tensor, edges: Tensor, random: RandomBlock) -> None:
        """Let slots jump under their tables, all or none of them."""
        term = self._term_of_slot.get(slots[0])
        proposal = state.theta.clone()
        gain = torch.zeros_like(state.log_likelihood)
        densities = []
        for j in slots:
            new, more = jump(
                edges[self._table_slots[j]], state.rung, state.replica_on_rung, random.jump[j], state.theta[..., j]
            )
            density = self.target.priors[j].log_prob(new)
            gain = gain + (density - state.log_prior[..., j] + more)
            proposal[..., j] = new
            densities.append(density)
        row, prediction = self._propose(state, term, proposal)
        likelihood = self.target.log_likelihood(prediction, proposal)
        tied = self.target.slots[slots[0]].shared
        ratio = _log_ratio(beta, likelihood, state.log_likelihood, gain, tied)
        accept = (random.jump_log_uniform[slots[0]] < ratio).expand(likelihood.shape)
        for j, density in zip(slots, densities, strict=True):
            state.log_prior[..., j] = torch.where(accept, density, state.log_prior[..., j])
        self._settle(state, accept, term, row, prediction, proposal, likelihood)

    def _propose(self, state: State, term: int | None, proposal: Tensor) -> tuple[Tensor | None, Tensor]:
        """Curve of the moved term and the new sum; a move of the noise alone leaves the sum as it is."""
        if term is None:
            return None, state.prediction
        moved: Term = self.target.terms[term]
        row = self.target.row(moved, proposal[..., moved.start : moved.stop])
        return row, (state.prediction - state.rows[term]).add_(row)

    def _settle(
        self,
        state: State,
        accept: Tensor,
        term: int | None,
        row: Tensor | None,
        prediction: Tensor,
        proposal: Tensor,
        likelihood: Tensor,
    ) -> None:
        """Keep what was accepted."""
        wide = accept[..., None]
        state.theta = torch.where(wide, proposal, state.theta)
        state.log_likelihood = torch.where(accept, likelihood, state.log_likelihood)
        if term is not None and row is not None:
            _copy_where(accept, row, state.rows[term])
            _copy_where(accept, prediction, state.prediction)


def exchange(state: State, beta: Tensor, likelihood: Tensor, uniform: Tensor) -> None:
    """Exchange even pairs of neighbours, then odd ones, whose log-likelihoods (G, C, R) are in the order of rungs.

    Both in every sweep: that costs nothing beside the moves, and replicas travel twice as far.
    """
    for parity in range(2):
        order = swap_order(swap_probability(beta, likelihood), uniform, parity)
        state.reorder(order)
        likelihood = likelihood.gather(-1, order)


def _on_replicas(scale: Tensor, rung: Tensor) -> Tensor:
    """Step sizes (P, G, D, C, R) at each replica's rung, from sizes (P, G, D, R or 1) on rungs."""
    wide = scale[:, :, :, None].expand(*scale.shape[:3], *rung.shape[1:])
    return wide.gather(-1, rung[None, :, None].expand_as(wide))


def _sum_in_order(rows: Tensor) -> Tensor:
    """Sum of curves (T, ...), one after the other: torch's own order depends on how many groups are in a batch."""
    total = torch.zeros_like(rows[0]) if len(rows) else rows.sum(0)
    for row in rows:
        total = total + row
    return total


def _log_ratio(beta: Tensor, new: Tensor, old: Tensor, gain: Tensor, tied: bool) -> Tensor:
    """Log acceptance ratio; a tied move is decided by the sum over the members of the group.

    At beta = 0 the likelihood has no say, even where it is zero, and none from one impossible state to another, where a
    run may start. What is nan all the same is a rejection: the formula outside the support of a prior.
    """
    heat = torch.where((beta == 0) | (torch.isneginf(new) & torch.isneginf(old)), 0.0, beta * (new - old))
    ratio = heat.sum(1, keepdim=True) + gain[:, :1] if tied else heat + gain
    return torch.nan_to_num(ratio, nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


def _copy_where(accept: Tensor, new: Tensor, old: Tensor) -> None:
    """Copy the rows (..., N) that were accepted; on a CPU only those are touched, on a GPU without waiting for them."""
    if old.is_cuda:
        torch.where(accept[..., None], new, old, out=old)
        return
    points = old.shape[-1]
    index = accept.reshape(-1).nonzero()[:, 0]
    old.view(-1, points).index_copy_(0, index, new.reshape(-1, points).index_select(0, index))
