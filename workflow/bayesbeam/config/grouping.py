"""Models of a group of measurements: one candidate for all of them, or one for each kind of measurement.

Decides which candidate describes which measurement of a group, what a model of several candidates is called, and which
of their parameters are one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import product

from bayesbeam.config.schema import Integration
from bayesbeam.config.shared import Shared
from bayesbeam.config.sharing import Joint, joint_spec
from bayesbeam.config.specs import COMMON, Count, Expanded, tag_of


@dataclass(frozen=True)
class GroupModel:
    """A model of a group: of each candidate, with the measurements that it describes; ``count`` as of one alone."""

    tag: str
    count: Count
    parts: tuple[tuple[Expanded, tuple[str, ...]], ...]

    @property
    def counts(self) -> dict[str, int]:
        """Count of each part with a range; of several candidates with their names."""
        if len(self.parts) == 1:
            return dict(self.parts[0][0].counts)
        return {f"{one.candidate}.{part}": count for one, _ in self.parts for part, count in one.counts}

    @property
    def whole(self) -> Expanded:
        """All parts of all candidates as if they were one, for what asks how many and which there are."""
        first = self.parts[0][0]
        if len(self.parts) == 1:
            return first
        specs = [one.spec for one, _ in self.parts]
        spec = replace(
            specs[0],
            parts=tuple(part for spec in specs for part in spec.parts),
            starts=(),
            common=tuple(one for spec in specs for one in spec.common),
            derived=tuple(one for spec in specs for one in spec.derived),
        )
        names = " and ".join(one.candidate for one, _ in self.parts)
        return Expanded(names, self.count, self.tag, names, spec, tuple(self.counts.items()))

    def of(self, measurement: str) -> Expanded:
        """Model of one measurement."""
        return next(one for one, ids in self.parts if measurement in ids)


def candidate_of(group: Integration, measurement: str) -> str:
    """Candidate that describes a measurement of a group, of the first pattern that it matches; empty where none."""
    if isinstance(group.candidate, str):
        return group.candidate
    return next((name for pattern, name in group.candidate.items() if fnmatchcase(measurement, pattern)), "")


def members_of(group: Integration, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Measurements of a group by the candidate that describes them."""
    names = list(dict.fromkeys(candidate_of(group, one) for one in ids))
    return {name: tuple(one for one in ids if candidate_of(group, one) == name) for name in names}


def group_models(group: Integration, models: Mapping[str, Sequence[Expanded]]) -> tuple[GroupModel, ...]:
    """Models of a group with its measurements by their ids: one a count, or a combination of those of candidates."""
    return _combined(members_of(group, group.measurements), models)


def mapped_models(candidate: Mapping[str, str], models: Mapping[str, Sequence[Expanded]]) -> tuple[Expanded, ...]:
    """Models of several candidates, by patterns of measurements, as if each were one."""
    return tuple(one.whole for one in _combined(dict.fromkeys(candidate.values(), ()), models))


def _combined(
    members: Mapping[str, tuple[str, ...]], models: Mapping[str, Sequence[Expanded]]
) -> tuple[GroupModel, ...]:
    """Combinations of models of candidates with their measurements."""
    if len(members) == 1:
        ((name, ids),) = members.items()
        return tuple(GroupModel(one.tag, one.count, ((one, ids),)) for one in models[name])
    found = []
    for chosen in product(*(models[name] for name in members)):
        counts = tuple(count for one in chosen for count in _numbers(one.count))
        count: Count = None if not counts else counts if len(counts) > 1 else counts[0]
        parts = tuple(zip(chosen, members.values(), strict=True))
        found.append(GroupModel(tag_of(".".join(members), count), count, parts))
    return tuple(found)


def _numbers(count: Count) -> tuple[int, ...]:
    """Counts of a model, in order."""
    return () if count is None else count if isinstance(count, tuple) else (count,)


@dataclass(frozen=True)
class Linked:
    """A candidate as it is sampled in a group, and what its shared parameters are called there."""

    joint: Joint
    names: Mapping[str, str]


def linked(model: GroupModel, entries: Sequence[Shared]) -> tuple[Linked, ...]:
    """Candidates of a model with what they share written out, in their order.

    What one entry says of several candidates is one number, named as in the first of them.
    """
    candidates = [one.candidate for one, _ in model.parts]
    found = []
    for one, _ in model.parts:
        joint = joint_spec(one.spec, [entry.of(one.candidate) for entry in entries])
        names = {name: name for name in joint.shared if name.startswith(f"{COMMON}.")}
        for entry in entries:
            own, first = entry.of(one.candidate).parameter, entry.of(candidates[0]).parameter
            names |= dict(zip(own, first, strict=True))
        found.append(Linked(joint, {name: names[name] for name in joint.shared}))
    return tuple(found)


def called_alone(model: GroupModel, entries: Sequence[Shared]) -> dict[str, dict[str, str]]:
    """For each measurement, what its own candidate calls parameters that have another name in the first one."""
    found = dict[str, dict[str, str]]()
    for (_, ids), part in zip(model.parts, linked(model, entries), strict=True):
        other = {name: own for own, name in part.names.items() if name != own}
        found |= {one: other for one in ids if other}
    return found


__all__ = [
    "GroupModel",
    "Linked",
    "called_alone",
    "candidate_of",
    "group_models",
    "linked",
    "mapped_models",
    "members_of",
]
