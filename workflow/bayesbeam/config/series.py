"""Checks of ``report.series`` and ``report.next_points``: quantities that the results will have, columns of numbers.

Decides what may be followed along a series, or measured for; what becomes of it is for the report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bayesbeam.config.checks import Context
from bayesbeam.config.formula import FormulaSpec, formula_or_note, split_name
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Series
from bayesbeam.config.specs import COMMON, NOISE, Expanded
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class _Known:
    """Quantities of some candidates: the largest count of the part of each, and which of them do not vary."""

    counts: Mapping[str, int]
    fixed: frozenset[str]


def check_series(context: Context, models: Mapping[str, Sequence[Expanded]], problems: Problems) -> None:
    """Note everything wrong with what is to be followed.

    Parameters
    ----------
    context : Context
        Campaign and sheet.
    models : mapping of str to sequence of Expanded
        Models of each candidate; empty for one with mistakes.
    problems : Problems
        Where mistakes are noted.
    """
    for index, one in enumerate(context.campaign.report.series):
        here: KeyPath = ("report", "series", index)
        if context.sheet_is_whole:
            _check_column(context, one.against, (*here, "against"), problems)
        chosen = _models_of(context, one, models, here, problems)
        if chosen:
            _check_quantity(one.quantity, _known(chosen), (*here, "quantity"), problems)


def check_next_points(context: Context, models: Mapping[str, Sequence[Expanded]], problems: Problems) -> None:
    """Note everything wrong with what further measurements shall tell; arguments as of ``check_series``."""
    asked = context.campaign.report.next_points
    here: KeyPath = ("report", "next_points")
    if asked is None or not asked.about:
        return
    if asked.criterion == "information":
        found, remedy = "information beside about", "Leave about or criterion out."
        problems.add((*here, "criterion"), found, "one of the two", remedy)
    chosen = _all_models(context, models)
    if chosen:
        _check_quantity(asked.about, _known(chosen), (*here, "about"), problems, one=True)


def _all_models(context: Context, models: Mapping[str, Sequence[Expanded]]) -> list[Expanded]:
    """Models of all candidates; none where one of them has mistakes."""
    whole = all(models.values()) and set(models) == context.declared
    return [model for found in models.values() for model in found] if whole else []


def _check_column(context: Context, name: str, path: KeyPath, problems: Problems) -> None:
    """A column that is absent, holds words, or is the same in all measurements."""
    rows = [row.metadata for row in context.rows if row.made is None]
    numeric = sorted({key for row in rows for key, value in row.items() if isinstance(value, float)})
    if any(isinstance(row.get(name), str) for row in rows):
        remedy = "Write numbers into every filled cell, without units."
        problems.add(path, f"the column {name!r}, which holds words", "a column of numbers", remedy)
    elif name not in numeric:
        remedy = nearest(name, numeric) if numeric else "The sheet has none; add it, and one number a measurement."
        problems.add(path, f"{name!r}, which is no column of the sheet", "a column of numbers", remedy)
    elif len({row[name] for row in rows if name in row}) < 2:
        found = f"the column {name!r}, in which all measurements are alike"
        problems.add(path, found, "at least two different numbers", "Choose another column.")


def _models_of(
    context: Context, one: Series, models: Mapping[str, Sequence[Expanded]], here: KeyPath, problems: Problems
) -> list[Expanded]:
    """Models in which the quantity may be; none where that is a mistake already."""
    if one.count is not None and not one.candidate:
        remedy = f"Name the candidate: {', '.join(models)}."
        problems.add((*here, "count"), f"the count {one.count} of no candidate", "a candidate beside it", remedy)
        return []
    if not one.candidate:
        return _all_models(context, models)
    if one.candidate not in context.declared:
        remedy = nearest(one.candidate, sorted(context.declared))
        found = f"the unknown candidate {one.candidate!r}"
        problems.add((*here, "candidate"), found, "a candidate of this campaign", remedy)
        return []
    found_models = models.get(one.candidate, ())
    chosen = [model for model in found_models if one.count in (None, model.count)]
    if found_models and not chosen:
        counts = [model.count for model in found_models]
        expected = "a candidate with a range of counts" if counts == [None] else f"one of {counts[0]} to {counts[-1]}"
        problems.add((*here, "count"), f"the count {one.count} of {one.candidate!r}", expected, "")
    return chosen


def _known(models: Sequence[Expanded]) -> _Known:
    """Quantities of the results of some models."""
    counts: dict[str, int] = {}
    free, fixed = set[str](), set[str]()
    for model in models:
        for part in model.spec.parts:
            component = part.build()
            derived = [quantity.name for quantity in component.derived]
            names = [*component.parameter_names, *derived, *(["area_fraction"] if "area" in derived else [])]
            for name in (f"{part.name}.{name}" for name in names):
                counts[name] = max(counts.get(name, 1), part.count)
        counts |= {one.name: 1 for one in model.spec.derived}
        for owner, parameter in model.spec.parameters():
            name = f"{owner}.{parameter.name}"
            counts.setdefault(name, 1)
            (fixed if parameter.prior.fixed else free).add(name)
    return _Known(counts, frozenset(fixed - free))


def _check_quantity(text: str, known: _Known, path: KeyPath, problems: Problems, one: bool = False) -> None:
    """A quantity that no result has, or a formula that is none; ``one`` may not stand for each of several peaks."""
    formula = _parsed(text, known, path, problems)
    if formula is None:
        return
    alone = not one and len(formula.names) == 1 and str(formula) == formula.names[0]
    if not formula.names:
        problems.add(path, f"{text!r}, which is the same everywhere", "a quantity of the results", "")
    for name in formula.names:
        _check_name(name, known, alone, path, problems)


def _parsed(text: str, known: _Known, path: KeyPath, problems: Problems) -> FormulaSpec | None:
    """Formula, None for the name of a derived quantity, and for what is a mistake."""
    word = text.strip()
    if _WORD.fullmatch(word):
        if word not in known.counts:
            problems.add(path, f"{word!r}, which no result has", "a quantity", nearest(word, tuple(known.counts)))
        return None
    return formula_or_note(text, problems, path)


def _check_name(name: str, known: _Known, alone: bool, path: KeyPath, problems: Problems) -> None:
    """One name of a formula; ``alone`` may stand for each of several peaks."""
    part, number, word = split_name(name)
    plain = f"{part}.{word}"
    count = known.counts.get(plain, 0)
    if not count:
        remedy = nearest(plain, tuple(known.counts))
        problems.add(path, f"{name}, which no result has", f"part.parameter, {COMMON} or {NOISE}", remedy)
    elif plain in known.fixed:
        problems.add(path, f"{name}, which is fixed", "a quantity that may differ", "Give it a prior, or remove this.")
    elif number is not None and not 1 <= number <= count:
        problems.add(path, f"{name}, but there are {count} at most", f"a number from 1 to {count}", "")
    elif number is None and count > 1 and not alone:
        found, remedy = f"{name}, of which there are up to {count}", f"Say which, by position: {part}[1].{word}."
        problems.add(path, found, "one of them", remedy)
