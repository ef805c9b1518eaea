"""From parts to terms and slots: what is tied together, or computed from one another, becomes one term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bayesbeam.models.base import Parameter
from bayesbeam.models.operators.base import Operator
from bayesbeam.models.tied import Follows, Member, merged
from bayesbeam.priors.base import Prior
from bayesbeam.targets.parts import Common, Instance, Part, Slot, Term

COMMON = "common"
"""Name of the part that stands for free numbers of no component."""

Nested = Sequence[Sequence[Prior]]
# A parameter of one instance (None where there is one only), or a common number.
Name = tuple[str, int | None, str]


@dataclass
class Assembly:
    """Terms, slots and priors as far as they are made; slots of one term stand one after the other."""

    terms: list[Term] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    priors: list[tuple[str, Nested]] = field(default_factory=list)


@dataclass(frozen=True)
class _Piece:
    """One instance of a part."""

    part: Part
    index: int | None

    def name(self, parameter: str) -> Name:
        """Name of a parameter of its own."""
        return self.part.name, self.index, parameter


def assemble(parts: Sequence[Part], common: Sequence[Common], shared: frozenset[str]) -> Assembly:
    """Terms and slots of all parts, in their order; those tied together stand where the first of them does.

    Parameters
    ----------
    shared : frozenset of str
        Names ``part.parameter`` that all members of a group have in common.
    """
    made = Assembly()
    pieces = [_Piece(part, index) for part in parts for index in _indices(part)]
    for together in _tied_together(pieces):
        _add(made, together, {one.parameter.name: one for one in common}, shared)
    order = {(piece.part.name, piece.index): k for k, piece in enumerate(pieces)}
    made.instances.sort(key=lambda instance: order[instance.part, instance.index])
    return made


def _indices(part: Part) -> list[int | None]:
    """Numbers of the instances of a part, None for the only one of a kind that cannot be told apart."""
    several = part.count > 1 or part.component.exchangeable
    return [k + 1 if several else None for k in range(part.count)]


def _tied_together(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Pieces in groups that share parameters or act on one another, each group where its first piece stands."""
    owner = {name: k for k, piece in enumerate(pieces) for name in _free(piece)}
    group = list(range(len(pieces)))

    def join(one: int, other: int) -> None:
        low, high = sorted((group[one], group[other]))
        group[:] = [low if g == high else g for g in group]

    for k, piece in enumerate(pieces):
        for tie in piece.part.ties.values():
            for part, parameter in tie.names:
                # The first that names a common number stands for it.
                join(k, owner.setdefault(_resolved(piece, part, parameter, owner), k))
        for other in _acted_on(piece, pieces):
            join(k, other)
    return [[piece for k, piece in enumerate(pieces) if group[k] == g] for g in dict.fromkeys(group)]


def _acted_on(piece: _Piece, pieces: Sequence[_Piece]) -> tuple[int, ...]:
    """Places of the pieces that one acts on."""
    return tuple(k for k, other in enumerate(pieces) if other.part.name in piece.part.acts_on)


def _free(piece: _Piece) -> list[Name]:
    """Names of the parameters of a piece that have a prior."""
    return [piece.name(p.name) for p in piece.part.component.parameters if p.name not in piece.part.ties]


def _resolved(piece: _Piece, part: str, parameter: str, owner: Mapping[Name, object]) -> Name:
    """Full name of a parameter that a tie of a piece names."""
    if part == piece.part.name:
        return piece.name(parameter)
    if part == COMMON:
        return COMMON, None, parameter
    return next(name for name in owner if name[0] == part and name[2] == parameter)


def _add(made: Assembly, pieces: Sequence[_Piece], common: Mapping[str, Common], shared: frozenset[str]) -> None:
    """Add the term of pieces that are tied together, or of one that is not tied."""
    start, places, parameters = len(made.slots), dict[Name, int](), list[Parameter]()

    def slot(name: Name, parameter: Parameter, nested: Nested) -> None:
        part, index, word = name
        full = f"{part}.{word}"
        places[name] = len(places)
        parameters.append(parameter)
        made.slots.append(Slot(part, word, index, parameter.unit, "parameter", shared=full in shared))
        made.priors.append((full, nested))

    for piece in pieces:
        for parameter in piece.part.component.parameters:
            if parameter.name not in piece.part.ties:
                slot(piece.name(parameter.name), parameter, piece.part.priors[parameter.name])
    for piece in pieces:
        for tie in piece.part.ties.values():
            for part, word in tie.names:
                if part == COMMON and (COMMON, None, word) not in places:
                    slot((COMMON, None, word), common[word].parameter, common[word].priors)
    members = [Member(p.part.component, _sources(p, places), _acted_on(p, pieces)) for p in pieces]
    made.instances += [_instance(p, m, start) for p, m in zip(pieces, members, strict=True)]
    first = pieces[0]
    # An operator alone, for there is nothing of what it acts on, is no curve by itself.
    if len(pieces) == 1 and not first.part.ties and not isinstance(first.part.component, Operator):
        made.terms.append(Term(first.part.component, first.part.name, first.index, start))
        return
    component = merged(members, parameters)
    made.terms.append(Term(component, " + ".join(dict.fromkeys(p.part.name for p in pieces)), None, start))


def _sources(piece: _Piece, places: Mapping[Name, int]) -> tuple[int | Follows, ...]:
    """Where each parameter of a piece comes from, as places of its term."""
    sources: list[int | Follows] = []
    for parameter in piece.part.component.parameters:
        tie = piece.part.ties.get(parameter.name)
        if tie is None:
            sources.append(places[piece.name(parameter.name)])
        else:
            names = [_resolved(piece, part, word, places) for part, word in tie.names]
            sources.append(Follows(tuple(places[name] for name in names), tie.formula))
    return tuple(sources)


def _instance(piece: _Piece, member: Member, start: int) -> Instance:
    """The same piece with places of the whole state."""
    sources = [
        Follows(tuple(start + place for place in s.places), s.formula) if isinstance(s, Follows) else start + s
        for s in member.sources
    ]
    return Instance(member.component, piece.part.name, piece.index, tuple(sources), piece.part.acts_on)
