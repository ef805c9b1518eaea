"""Groups of a target that move together, by name and number, and the keys of their random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesbeam.rng import stream_key


@dataclass(frozen=True)
class GroupName:
    """Names that fix the random numbers of a group: of itself (with its candidate) and of its members."""

    name: str
    members: tuple[str, ...]


@dataclass
class Groups:
    """Which groups of a target move together, by number, and their stream keys: members (G, D, 2), groups (G, 2)."""

    numbers: Tensor
    member_keys: Tensor
    group_keys: Tensor

    @property
    def keys(self) -> tuple[Tensor, Tensor]:
        """Keys as an engine wants them."""
        return self.member_keys, self.group_keys

    def select(self, kept: Tensor) -> Groups:
        """Some of the groups, by place."""
        return Groups(self.numbers[kept.cpu()], self.member_keys[kept], self.group_keys[kept])


def all_groups(names: Sequence[GroupName], seed: int, device: torch.device) -> Groups:
    """All groups of a target with their keys."""
    members = [[stream_key(seed, group.name, member) for member in group.members] for group in names]
    groups = [stream_key(seed, group.name) for group in names]
    return Groups(torch.arange(len(names)), torch.tensor(members, device=device), torch.tensor(groups, device=device))
