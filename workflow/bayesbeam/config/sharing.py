"""What is sampled when measurements share parameters: their candidate with what ties them to one another written out.

An offset, a factor and what a formula names become common numbers, the same in all or each its own; a column of the
sheet becomes one that is fixed in every measurement. Whether that can be done is checked in ``shared_checks``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bayesbeam.config.expression import Binary, Number, PriorSpec, Word
from bayesbeam.config.formula import FormulaSpec, parse_formula
from bayesbeam.config.grammar import parse_prior
from bayesbeam.config.shared import Shared
from bayesbeam.config.specs import COMMON, CandidateSpec, CommonSpec, PartSpec, carried


@dataclass(frozen=True)
class Joint:
    """A candidate as measurements are sampled jointly with it, and the names of what has one value in all of them.

    ``own`` holds the offsets and factors of each measurement, by their names, with the entry that asks for them.
    """

    spec: CandidateSpec
    shared: frozenset[str]
    own: Mapping[str, Shared] = field(default_factory=dict)


def joint_spec(spec: CandidateSpec, entries: Sequence[Shared]) -> Joint:
    """Candidate whose measurements share parameters.

    Parameters
    ----------
    spec : CandidateSpec
        One model of the candidate; parts that a count of zero leaves out are passed over.
    entries : sequence of Shared
        What is shared, in any order; without any, all is own.

    Returns
    -------
    Joint
        Where parameters are only equal the candidate is as it was.
    """
    work = _Work(spec, taken={one.name for one in spec.common})
    # Numbers that campaigns name come first, so that those made for offsets and columns avoid them.
    for entry in entries:
        work.taken |= set(entry.common)
    for entry in entries:
        words = [word for word in entry.parameter if word in work.free]
        if not words:
            continue
        if entry.formula is not None:
            _follow(work, entry, words)
        elif entry.kind:
            _own(work, entry, words)
        else:
            work.shared |= set(words)
    used = {name for part in work.spec.parts for _, formula in (*part.ties, *part.moves) for name in formula.names}
    common = tuple(one for one in work.spec.common if f"{COMMON}.{one.name}" in used)
    return Joint(replace(work.spec, common=common), frozenset(work.shared), work.own)


@dataclass
class _Work:
    """The candidate as far as it is rewritten."""

    spec: CandidateSpec
    taken: set[str]
    shared: set[str] = field(default_factory=set)
    own: dict[str, Shared] = field(default_factory=dict)

    @property
    def free(self) -> set[str]:
        """Parameters that have a prior."""
        return {f"{part}.{parameter.name}" for part, parameter in self.spec.parameters() if part != "noise"}

    def name(self, wanted: str) -> str:
        """Return a name of a common number that nothing else has."""
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken.add(name)
        return name

    def add(self, one: CommonSpec) -> Word:
        """Add a common number, once, and return its name as formulas write it."""
        if one.name not in {other.name for other in self.spec.common}:
            self.spec = replace(self.spec, common=(*self.spec.common, one))
        return Word(f"{COMMON}.{one.name}")

    def rewrite(self, word: str, formula: FormulaSpec) -> None:
        """Let a parameter be what a formula says, and with it all that is tied to it."""
        part, name = word.split(".", 1)
        moves = part != COMMON and word in formula.names
        parts = []
        for one in self.spec.parts:
            ties = tuple((tied, old.put({word: formula})) for tied, old in one.ties)
            one = replace(one, ties=ties)
            if one.name == part:
                one = _moved(one, name, formula) if moves else _tied(one, name, formula)
            parts.append(one)
        self.spec = replace(self.spec, parts=tuple(parts))


def _moved(part: PartSpec, name: str, formula: FormulaSpec) -> PartSpec:
    """Part whose parameter stays free, and is moved."""
    known = {word for word, _ in part.ties}
    others = [other for other in formula.names if other != f"{part.name}.{name}"]
    new = tuple((carried(other), FormulaSpec(Word(other))) for other in others if carried(other) not in known)
    return replace(part, moves=(*part.moves, (name, formula)), ties=(*part.ties, *new))


def _tied(part: PartSpec, name: str, formula: FormulaSpec) -> PartSpec:
    """Part whose parameter is no longer free."""
    free = tuple(one for one in part.parameters if one.name != name)
    sampled = tuple(one for one in part.marginal if one != name)
    return replace(part, parameters=free, ties=(*part.ties, (name, formula)), marginal=sampled)


def _own(work: _Work, entry: Shared, words: Sequence[str]) -> None:
    """Let parameters be equal up to one offset or factor of each measurement."""
    kind = entry.kind
    names = {word.split(".", 1)[1] for word in words}
    stem = words[0].replace(".", "_") if len(words) == 1 else names.pop() if len(names) == 1 else "shared"
    text = entry.offset if kind == "offset" else entry.scale
    assert text is not None
    unit = _unit(work.spec, words[0]) if kind == "offset" else "1"
    reference = entry.reference or ""
    name = work.name(f"{stem}_{kind}")
    work.own[f"{COMMON}.{name}"] = entry
    number: Word | Binary = work.add(CommonSpec(name, parse_prior(text), "campaign", unit, reference))
    if reference:
        flag = CommonSpec(
            work.name(f"{name}_there"), PriorSpec("fixed", (("value", Word(elsewhere(reference))),)), "campaign"
        )
        there = work.add(flag)
        number = Binary("*", there, number if kind == "offset" else Binary("-", number, Number(1.0)))
        number = number if kind == "offset" else Binary("+", Number(1.0), number)
    for word in words:
        work.rewrite(word, FormulaSpec(Binary("+" if kind == "offset" else "*", Word(word), number)))
        work.shared.add(word)


def _follow(work: _Work, entry: Shared, words: Sequence[str]) -> None:
    """Let parameters follow a formula of columns and common numbers."""
    assert entry.formula is not None
    formula = parse_formula(entry.formula, columns=True)
    for name, stated in entry.common.items():
        work.shared.add(work.add(CommonSpec(name, parse_prior(stated.prior), "campaign", stated.unit)).name)
    columns = {column: FormulaSpec(_column(work, column)) for column in columns_of(formula)}
    formula = formula.put(columns)
    for word in words:
        if word in formula.names:
            work.shared.add(word)
        work.rewrite(word, formula)


def _column(work: _Work, column: str) -> Word:
    """Common number that is in each measurement what a column of the sheet says."""
    prior = PriorSpec("fixed", (("value", Word(column)),))
    for one in work.spec.common:
        if one.prior == prior:
            return Word(f"{COMMON}.{one.name}")
    return work.add(CommonSpec(work.name(column), prior, "campaign"))


def _unit(spec: CandidateSpec, word: str) -> str:
    """Unit of a parameter in terms of those of x and y."""
    part, name = word.split(".", 1)
    if part == COMMON:
        return next(one.unit for one in spec.common if one.name == name)
    return next(one.unit for one in spec.part(part).build().parameters if one.name == name)


def columns_of(formula: FormulaSpec) -> tuple[str, ...]:
    """Columns of the sheet that a formula names."""
    return tuple(name for name in formula.names if "." not in name)


def elsewhere(reference: str) -> str:
    """Word that is 0 in a measurement and 1 in all others."""
    return f"not in {reference}"


def elsewhere_words(spec: CandidateSpec, identifier: str) -> dict[str, float]:
    """Values, in one measurement, of the words that say in which one a number has no part."""
    return {elsewhere(one.idle_in): float(one.idle_in != identifier) for one in spec.common if one.idle_in}


__all__ = ["Joint", "columns_of", "elsewhere_words", "joint_spec"]
