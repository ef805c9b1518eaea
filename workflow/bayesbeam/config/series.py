"""Checks of ``report.series`` and ``report.next_points``: quantities that the results will have, columns of numbers.

Decides what may be followed along a series, or measured for; what becomes of it is for the report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from bayesbeam.config.checks import Context
from bayesbeam.config.formula import FormulaSpec, formula_or_note, split_name
from bayesbeam.config.laws import FEWEST
from bayesbeam.config.library_files import cif_files
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Series
from bayesbeam.config.specs import COMMON, NOISE, Expanded
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest

OF_PHASES = (
    "share", "weight_fraction", "a", "b", "c", "alpha", "beta", "gamma", "size_factor", "strain_factor", "texture",
)  # fmt: skip
"""What is known of a phase that is found."""
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class _Known:
    """Quantities of some candidates: the largest count of the part of each, and which of them do not vary.

    ``structures`` are those of the libraries of candidates with phases.
    """

    counts: Mapping[str, int]
    fixed: frozenset[str]
    structures: tuple[str, ...] = ()


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
        if one.study:
            _check_study(context, one, here, problems)
        elif context.sheet_is_whole:
            _check_column(context, one.against, (*here, "against"), problems)
        _check_laws(context, one, here, problems)
        chosen = _models_of(context, one, models, here, problems)
        if chosen:
            _check_quantity(one.quantity, _known(chosen), (*here, "quantity"), problems)


def _check_laws(context: Context, one: Series, here: KeyPath, problems: Problems) -> None:
    """Laws of too few measurements, or a start that belongs to none."""
    if one.start is not None and not one.laws:
        problems.add((*here, "start"), f"a start of {one.start:g} without laws", "laws beside it", "Add laws: true.")
    numbers = {value for row in context.rows if row.made is None
               if isinstance(value := row.metadata.get(one.against), float)}  # fmt: skip
    if not one.laws or one.study or not context.sheet_is_whole or len(numbers) < 2:
        return
    if len(numbers) < FEWEST:
        found = f"laws along {one.against!r}, which has {len(numbers)} different values"
        problems.add((*here, "laws"), found, f"{FEWEST} or more", "Add measurements, or remove laws.")
    elif one.start is not None and one.start >= max(numbers):
        found = f"a start at {one.start:g}, the last value being {max(numbers):g}"
        problems.add((*here, "start"), found, f"a start before the last value of {one.against!r}", "")


def check_next_points(context: Context, models: Mapping[str, Sequence[Expanded]], problems: Problems) -> None:
    """Note everything wrong with what further measurements shall tell; arguments as of ``check_series``."""
    asked = context.campaign.report.next_points
    here: KeyPath = ("report", "next_points")
    if asked is None:
        return
    if context.sheet_is_whole and context.rows and all(row.made is not None for row in context.rows):
        remedy = "Remove it, or add a sheet; for studies see how precision grows with the exposure."
        problems.add(here, "advice, but every measurement is simulated", "a measurement of the sheet", remedy)
    if not asked.about:
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
        made = [row.made for row in context.rows if row.made is not None and row.made.column == name]
        remedy = nearest(name, numeric) if numeric else "The sheet has none; add it, and one number a measurement."
        remedy = f"Name the study: study: {made[0].study}." if made else remedy
        problems.add(path, f"{name!r}, which is no column of the sheet", "a column of numbers", remedy)
    elif len({row[name] for row in rows if name in row}) < 2:
        found = f"the column {name!r}, in which all measurements are alike"
        problems.add(path, found, "at least two different numbers", "Choose another column.")


def _check_study(context: Context, one: Series, here: KeyPath, problems: Problems) -> None:
    """A study that is none, whose measurements are no independent ones, or that does not differ in the column."""
    path, names = (*here, "study"), [study.name for _, study in context.campaign.simulations]
    if one.study in [study.name for study in context.campaign.thin]:
        found = f"{one.study!r}, whose measurements are all of the same counts"
        problems.add(path, found, "a study of simulate", "See tables/measurement_limit.csv for what they tell.")
        return
    if one.study not in names:
        remedy = nearest(one.study, names) if names else "This campaign simulates none; remove it."
        problems.add(path, f"the unknown study {one.study!r}", "a study of simulate", remedy)
        return
    made = [row.made for row in context.rows if row.made is not None and row.made.study == one.study]
    if made and one.against != made[0].column:
        problems.add((*here, "against"), f"{one.against!r}", made[0].column, "A study differs in nothing else.")
    elif made and len({recipe.level for recipe in made}) < 2:
        found = f"{one.against!r}, of which the study {one.study} has one value"
        problems.add((*here, "against"), found, "at least two", f"Add another to simulate: {made[0].column}s.")


def _models_of(
    context: Context, one: Series, models: Mapping[str, Sequence[Expanded]], here: KeyPath, problems: Problems
) -> list[Expanded]:
    """Models in which the quantity may be; none where that is a mistake already."""
    if one.count is not None and not one.candidate:
        remedy = f"Name the candidate: {', '.join(models)}."
        problems.add((*here, "count"), f"{_words(one.count)} of no candidate", "a candidate beside it", remedy)
        return []
    if not one.candidate:
        return _all_models(context, models)
    if one.candidate not in context.declared:
        remedy = nearest(one.candidate, sorted(context.declared))
        found = f"the unknown candidate {one.candidate!r}"
        problems.add((*here, "candidate"), found, "a candidate of this campaign", remedy)
        return []
    found_models = models.get(one.candidate, ())
    chosen = [model for model in found_models if _has(model, one.count)]
    if found_models and not chosen:
        _note_count(one, found_models, (*here, "count"), problems)
    return chosen


def _has(model: Expanded, count: int | Mapping[str, int] | None) -> bool:
    """Whether a model is one of those that a count leaves."""
    if isinstance(count, Mapping):
        return set(count.items()) <= set(model.counts)
    return count in (None, model.count)


def _words(count: int | Mapping[str, int] | None) -> str:
    """A count, or counts of parts, in a message."""
    if isinstance(count, Mapping):
        return "the counts {" + ", ".join(f"{name}: {number}" for name, number in count.items()) + "}"
    return f"the count {count}"


def _note_count(one: Series, models: Sequence[Expanded], path: KeyPath, problems: Problems) -> None:
    """A count that no model of the candidate has: what it may be."""
    ranges: dict[str, list[int]] = {}
    for model in models:
        for name, number in model.counts:
            ranges.setdefault(name, []).append(number)
    spans = {name: f"{min(numbers)} to {max(numbers)}" for name, numbers in ranges.items()}
    found = f"{_words(one.count)} of {one.candidate!r}"
    if not spans:
        problems.add(path, found, "a candidate with a range of counts", "Remove it.")
    elif isinstance(one.count, Mapping):
        strange = [name for name in one.count if name not in spans]
        remedy = nearest(strange[0], tuple(spans)) if strange else ""
        problems.add(
            path, found, "counts of " + ", ".join(f"{name} from {span}" for name, span in spans.items()), remedy
        )
    elif len(spans) > 1:
        example = ", ".join(f"{name}: {numbers[0]}" for name, numbers in ranges.items())
        problems.add(path, found, "a count of each of some parts, by name", f"Write e.g. {{{example}}}.")
    else:
        problems.add(path, found, f"one of {next(iter(spans.values()))}", "")


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
            word = model.spec.noise.shown(parameter.name) if owner == NOISE else parameter.name
            name = f"{owner}.{word}"
            counts.setdefault(name, 1)
            (fixed if parameter.prior.fixed else free).add(name)
    return _Known(counts, frozenset(fixed - free), tuple(sorted({one for model in models for one in _names(model)})))


def _names(model: Expanded) -> list[str]:
    """Names of the structures of a candidate with phases."""
    if model.spec.phases is None:
        return []
    from bayesbeam.crystals.cif import name_of

    return [name_of(file) for file in cif_files(map(Path, model.spec.phases.library))]


def _check_quantity(text: str, known: _Known, path: KeyPath, problems: Problems, one: bool = False) -> None:
    """A quantity that no result has, or a formula that is none; ``one`` may not stand for each of several peaks."""
    if known.structures and _is_of_phase(text.strip(), known, path, problems):
        return
    formula = _parsed(text, known, path, problems)
    if formula is None:
        return
    alone = not one and len(formula.names) == 1 and str(formula) == formula.names[0]
    if not formula.names:
        problems.add(path, f"{text!r}, which is the same everywhere", "a quantity of the results", "")
    for name in formula.names:
        _check_name(name, known, alone, path, problems)


def _is_of_phase(text: str, known: _Known, path: KeyPath, problems: Problems) -> bool:
    """Whether a text names a quantity of a phase or of the instrument, or can name nothing else, which is noted."""
    structure, _, word = text.rpartition(".")
    if structure in known.structures:
        if word not in OF_PHASES:
            expected = f"{structure}. and one of {', '.join(OF_PHASES)}"
            problems.add(path, f"{text!r}, which no phase has", expected, nearest(word, OF_PHASES))
        return True
    if structure == "instrument" and word in ("zero", "displacement"):
        return True
    if known.counts:
        return False
    close = get_close_matches(structure, known.structures, n=1, cutoff=0.5)
    remedy = f"Did you mean {close[0]}?" if close else f"Structures are named by their files: {known.structures[0]}."
    problems.add(path, f"{text!r}, of no structure of the library", "structure.weight_fraction, or the like", remedy)
    return True


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
