"""Checks of what a group shares: parameters that are equal, or tied to one another by offsets, factors and formulas.

Decides what may be shared: free parameters of parts, with one prior in all measurements and one unit; and what a
formula may name: numbers stated beside it, columns that are filled for every measurement, and the parameter itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.config.checks import Context
from bayesbeam.config.expression import DATA_WORDS, GrammarError, PriorSpec
from bayesbeam.config.formula import FormulaSpec, formula_or_note, parse_formula
from bayesbeam.config.places import Problems
from bayesbeam.config.prior_check import checked_prior
from bayesbeam.config.shared import Shared
from bayesbeam.config.sharing import columns_of
from bayesbeam.config.sheet import COLUMNS, MeasurementRow
from bayesbeam.config.specs import COMMON, NOISE, CandidateSpec, ParameterSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest
from bayesbeam.models.base import REAL, Component, Parameter
from bayesbeam.models.operators.base import Operator

EXPOSURE = "exposure"


@dataclass(frozen=True)
class Group:
    """What the entries of one group are checked against.

    ``rows`` are those of its measurements, ``everyone`` those of the whole group; ``spec`` is the candidate at its
    greatest counts.
    """

    context: Context
    candidate: str
    spec: CandidateSpec
    rows: Sequence[MeasurementRow]
    entries: Sequence[Shared]
    everyone: Sequence[str]

    @property
    def choices(self) -> dict[str, ParameterSpec]:
        """Parameters that are free."""
        found = {f"{part.name}.{p.name}": p for part in self.spec.parts for p in part.parameters if not p.prior.fixed}
        return found | {f"{COMMON}.{one.name}": one for one in self.spec.common if not one.prior.fixed}

    @property
    def numbers(self) -> dict[str, int]:
        """Numbers that entries state, and the entry that states each first."""
        found: dict[str, int] = {}
        for index, entry in enumerate(self.entries):
            for name in entry.common:
                found.setdefault(name, index)
        return found

    def component(self, word: str) -> Component | None:
        """Component that a parameter is of, None where it is a common number."""
        part = word.split(".", 1)[0]
        return None if part == COMMON else self.spec.part(part).build()

    def unit(self, word: str) -> str:
        """Unit of a parameter, in terms of those of x and y."""
        name, component = word.split(".", 1)[1], self.component(word)
        if component is None:
            return next(one.unit for one in self.spec.common if one.name == name)
        return component.parameters[component.index(name)].unit


def check_shared(group: Group, here: KeyPath, problems: Problems) -> None:
    """Note everything wrong with what a group shares.

    Parameters
    ----------
    group : Group
        With its entries.
    here : tuple of str and int
        Key that holds them.
    problems : Problems
        Where mistakes are noted.
    """
    if not group.entries:
        remedy = f"Name some of {', '.join(group.choices)}."
        problems.add(here, "no shared parameter", "at least one", remedy)
    seen: set[str] = set()
    for index, entry in enumerate(group.entries):
        path = (*here, index)
        good = []
        for word in entry.parameter:
            good += [word] if _is_free(group, word, seen, path, problems) else []
            seen.add(word)
        if len(good) < len(entry.parameter):
            continue
        formula = _formula(group, entry, index, path, problems)
        for word in good:
            if entry.formula is None or (formula is not None and word in formula.names):
                _check_same(group, word, path, problems)
            _check_units(group, word, path, problems)
            _check_way(group, entry, word, formula, path, problems)
        _check_numbers(group, entry, index, path, problems)


def _is_free(group: Group, word: str, seen: set[str], path: KeyPath, problems: Problems) -> bool:
    """Whether a word names a free parameter that no other entry names; notes what it names else."""
    choices, spec = group.choices, group.spec
    fixed = {f"{p.name}.{q.name}" for p in spec.parts for q in p.parameters if q.prior.fixed}
    fixed |= {f"{COMMON}.{one.name}" for one in spec.common if one.prior.fixed}
    tied = {f"{p.name}.{name}": formula for p in spec.parts for name, formula in p.ties}
    if word in seen:
        problems.add(path, f"{word!r} a second time", "every parameter once", "Remove it.")
    elif word.split(".")[0] == NOISE:
        remedy = "Every measurement keeps its own noise; remove it."
        problems.add(path, f"the noise parameter {word!r}", "a parameter of a part", remedy)
    elif word in fixed:
        remedy = f"It has one value in all measurements already; remove it or free it in {group.candidate}."
        problems.add(path, f"{word!r}, which is fixed", "a free parameter", remedy)
    elif word in tied:
        found, names = f"{word!r}, which is tied: {tied[word]}", ", ".join(tied[word].names)
        problems.add(path, found, "a free parameter", f"Share what it follows from: {names}.")
    elif word not in choices:
        found, expected = f"{word!r}, which is not in {group.candidate}", "part.parameter of the candidate"
        problems.add(path, found, expected, nearest(word, tuple(choices)))
    else:
        return True
    return False


def _check_same(group: Group, word: str, path: KeyPath, problems: Problems) -> None:
    """Prior that depends on the data, and so would differ between the measurements."""
    parameter = group.choices[word]
    if parameter.prior.needs:
        default = "the component's default " if parameter.source == "default" else ""
        found = f"{word!r} with {default}{parameter.prior}, which differs between measurements"
        remedy = f"Write it under candidates.{group.candidate} with numbers instead of data words."
        problems.add(path, found, "one prior for a shared parameter", remedy)


def _check_units(group: Group, word: str, path: KeyPath, problems: Problems) -> None:
    """Axes or signals in different units, in which a shared number would mean different things."""
    unit, rows = group.unit(word), [row.treatment for row in group.rows]
    axes = sorted({t.axis.convert_to or t.axis.unit for t in rows})
    signals = sorted({t.signal.unit for t in rows})
    for letter, units in (("x", axes), ("y", signals)):
        if letter in unit and len(units) > 1 and not group.context.cut_below("treatments"):
            found = f"{word!r} with {letter} in {' and '.join(u or 'no unit' for u in units)}"
            problems.add(path, found, f"one unit of {letter} in the group", "Set axis.convert_to, or the same unit.")


def _check_way(
    group: Group, entry: Shared, word: str, formula: FormulaSpec | None, path: KeyPath, problems: Problems
) -> None:
    """Offsets and factors without a proper prior, and what cannot be moved or tied."""
    component, name = group.component(word), word.split(".", 1)[1]
    moves = entry.kind in ("offset", "scale") or (formula is not None and word in formula.names)
    if isinstance(component, Operator) and moves:
        found = f"{word!r}, of {component.name}, which is computed from other parts"
        problems.add(path, found, "a parameter of a peak, a step or a smooth background", "Share it as it is.")
    elif entry.kind and component is not None and component.column:
        found = f"{word!r}, of a column of the data"
        problems.add(path, found, "a parameter of what is computed from x", "Share it as it is.")
    elif formula is not None and not moves and component is None:
        found, remedy = f"{word!r}, which stands for others", "Name the parameters that are tied to it instead."
        problems.add((*path, "formula"), found, "a parameter of a part, or a formula that names it", remedy)
    elif formula is not None and not moves and component is not None and name == component.order_by:
        count = group.spec.part(word.split(".", 1)[0]).count
        if count > 1:
            found = f"one {name} for up to {count} peaks, which would lie on one another"
            remedy = f"Name it in the formula, e.g. {word} + ..., or make them parts of their own."
            problems.add((*path, "formula"), found, f"a formula that names {word}", remedy)


def _check_numbers(group: Group, entry: Shared, index: int, path: KeyPath, problems: Problems) -> None:
    """Priors of offsets, factors and common numbers; the reference; names that stand twice."""
    for kind, text in (("offset", entry.offset), ("scale", entry.scale)):
        if text is not None:
            _prior(text, Parameter(kind, "x", text, REAL, f"the {kind}"), (*path, kind), problems)
    ids = group.everyone
    if entry.reference is not None and group.context.sheet_is_whole and entry.reference not in ids:
        found = f"the measurement {entry.reference!r}"
        problems.add((*path, "reference"), found, "one of this group", nearest(entry.reference, ids))
    own = {one.name for one in group.spec.common}
    for name, stated in entry.common.items():
        here = (*path, COMMON, name)
        if name in own or group.numbers[name] != index:
            where = f"candidate {group.candidate} has" if name in own else f"shared[{group.numbers[name]}] states"
            problems.add(here, f"{COMMON}.{name}, which {where} already", "every name once", "Give it another name.")
        prior = _prior(stated.prior, Parameter(name, stated.unit, stated.prior, REAL, name), (*here, "prior"), problems)
        if prior is not None and prior.needs:
            found = f"{prior}, which differs between measurements"
            problems.add((*here, "prior"), found, "one prior for a common number", "Write it without data words.")


def _prior(text: str, parameter: Parameter, path: KeyPath, problems: Problems) -> PriorSpec | None:
    """Prior of a number that is not fixed, None where it is a mistake, which is noted."""
    prior = checked_prior(text, parameter, problems, path)
    if prior is not None and prior.fixed:
        problems.add(path, str(prior), "a prior with a width", "Put a known number into a formula instead.")
        return None
    return prior


def _formula(group: Group, entry: Shared, index: int, path: KeyPath, problems: Problems) -> FormulaSpec | None:
    """Formula of an entry, None where there is none or it is a mistake, which is noted."""
    if entry.formula is None:
        return None
    path = (*path, "formula")
    formula = formula_or_note(entry.formula, problems, path, columns=True)
    if formula is None:
        return None
    before = len(problems.found)
    for column in columns_of(formula):
        _check_column(group, column, path, problems)
    numbers = {f"{COMMON}.{name}" for name in group.numbers}
    known = [*numbers, *entry.parameter]
    named = [name for name in formula.names if "." in name]
    for name in named:
        if name not in known:
            expected = "numbers under common, columns of the sheet and the parameter itself"
            problems.add(path, f"{name}, which is none of what it may name", expected, nearest(name, known))
        elif name in entry.parameter and len(entry.parameter) > 1:
            found = f"{name} in a formula of {len(entry.parameter)} parameters"
            problems.add(path, found, "one parameter, where its formula names it", "Write an entry for each.")
    if not named:
        remedy = "Name a number under common, or the parameter itself."
        problems.add(path, f"{formula}, in which nothing is free", "something to be found from the data", remedy)
    for name in entry.common:
        if not any(f"{COMMON}.{name}" in _names(other) for other in group.entries):
            remedy = "Name it in the formula, or remove it."
            problems.add((*path[:-1], COMMON, name), f"{COMMON}.{name}, which no formula names", "its use", remedy)
    return formula if len(problems.found) == before else None


def _names(entry: Shared) -> tuple[str, ...]:
    """Names in the formula of an entry, none where it has none or it cannot be read."""
    try:
        return () if entry.formula is None else parse_formula(entry.formula, columns=True).names
    except GrammarError:
        return ()


def _check_column(group: Group, column: str, path: KeyPath, problems: Problems) -> None:
    """Note a column that is not in the sheet, or holds no number for one of the measurements."""
    if not group.context.sheet_is_whole:
        return
    expected = "a column of the sheet with a number for every measurement of the group"
    there = {name for row in group.context.rows for name in row.metadata}
    if column in DATA_WORDS and column != EXPOSURE:
        problems.add(path, f"{column}, which is a word for the data", expected, "Rename the column of the sheet.")
    elif column not in there:
        remedy = nearest(column, sorted(there)) if there else f"Add the column {column} to the sheet."
        if column in COLUMNS:
            remedy = "Columns of the sheet that have a meaning of their own cannot be named here."
        problems.add(path, f"{column}, which the sheet does not have", expected, remedy)
    else:
        bad = [row for row in group.rows if not isinstance(row.metadata.get(column), float)]
        if bad:
            more = f" (and {len(bad) - 1} more of its kind)" if len(bad) > 1 else ""
            said = str(bad[0].metadata.get(column, "nothing"))[:40]
            remedy = "Correct the sheet, or leave the measurement out of the group."
            problems.add(path, f"{said} in the column {column} for {bad[0].id}{more}", expected, remedy)


__all__ = ["Group", "check_shared"]
