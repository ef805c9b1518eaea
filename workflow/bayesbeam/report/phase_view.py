"""What the page shows of a search of phases: the answer, a table of phases, the pattern, sets, lines that are left."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayesbeam.report.cell_words import cell_words
from bayesbeam.report.curves import read_pattern
from bayesbeam.report.figures.fit import axis_labels
from bayesbeam.report.figures.pattern import pattern_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.phase_words import (
    LIKELY,
    PRESENT,
    STILL,
    TRACE,
    arm_words,
    error_words,
    fit_words,
    percent,
    refined_words,
    reservations,
    searched,
    sentence,
    set_words,
    time_words,
    weight,
)
from bayesbeam.report.records import Candidate, MeasurementResult
from bayesbeam.report.text import NOTHING, between, fixed, known, listed, nats, plain, plus_minus, probability
from bayesbeam.report.view import Cell, Table
from bayesbeam.report.weighed import FAMILY, Weighed, extra_phases, named_words, same_formula, weighed_of, weighed_words
from bayesbeam.report.wording import candidate_label

Facts = Mapping[str, Any]
MOST_SETS, MOST_LINES = 10, 30
_MOST_ALIKE = 6
_OWN = (("size_factor", "width by size, factor"), ("strain_factor", "by strain, factor"), ("texture", "March's r"))


@dataclass(frozen=True)
class PhaseView:
    """Everything the page shows of the phases that one candidate finds in a measurement."""

    sentence: str
    warnings: tuple[str, ...]
    weighed: str
    figure: Shown | None
    phases: Table
    alike: tuple[str, ...]
    shapes: Table | None
    sets: Table
    unknown: Table | None
    more_unknown: int
    notes: tuple[str, ...]
    library: str
    left_out: Table | None
    merged: Table | None
    put_right: Table | None


def phase_view(result: MeasurementResult, one: Candidate, gallery: Gallery, figures: bool = True) -> PhaseView | None:
    """View of the phases of a candidate; None where it is no search of phases."""
    facts = one.phases
    if facts is None or result.arrays is None or result.measurement is None:
        return None
    rows = weighed_of(result, facts)
    lines = sorted(facts["unknown"]["lines"], key=lambda each: -each["z"])
    said = sentence(facts)
    return PhaseView(
        f"{said[:1].upper()}{said[1:]}",
        tuple(f"{words[:1].upper()}{words[1:]}." for words in reservations(facts)),
        weighed_words(rows, [str(each["name"]) for each in extra_phases(result, facts)]) or named_words(result, facts),
        _figure(result, one, gallery) if figures else None,
        phases_table(facts, rows),
        (*cell_words(facts), *_look_alikes(facts), *_put_right(facts)),
        shapes_table(facts),
        sets_table(facts),
        unknown_table(facts) if lines else None,
        max(len(lines) - MOST_LINES, 0),
        _notes(facts),
        library_words(facts),
        _library_table(facts, "skipped", ("file", "reason"), ("file", "why it was left out, and what to do")),
        _library_table(facts, "copies", ("copy", "kept"), ("copy", "merged into")),
        _library_table(facts, "notes", ("structure", "note"), ("structure", "what was put right")),
    )


def _figure(result: MeasurementResult, one: Candidate, gallery: Gallery) -> Shown | None:
    """The pattern with its phases, and a table of its curves beside it."""
    assert one.phases is not None
    assert result.arrays is not None
    assert result.measurement is not None
    facts, data = one.phases, result.measurement
    pattern = read_pattern(result.arrays, f"{result.id}/{one.tag}")
    lines = sorted(facts["unknown"]["lines"], key=lambda each: -each["z"])
    y_label = axis_labels("", "", data.y_quantity, data.y_unit)[1]
    figure = pattern_figure(pattern, facts["best"], [each["two_theta"] for each in lines], y_label)
    title = f"{result.name}: pattern and its phases, {candidate_label(one, result.candidates)}"
    curves = {"two_theta_deg": pattern.x, "observed": pattern.y, "calculated": pattern.model,
              "background": pattern.background, "noise_sd": pattern.sd}  # fmt: skip
    curves |= {f"phase {name}": part for name, part in zip(facts["best"], pattern.parts, strict=True)}
    return gallery.add(f"{result.id}+{one.tag}+pattern", figure, title, pdf=one is result.best, data=curves)


def phases_table(facts: Facts, weighed: tuple[Weighed, ...] = ()) -> Table:
    """A row a phase, those that are there first; what was weighed and not found last."""
    phases = _ordered(facts)
    moved = any(one.get("probability_half") is not None for one in phases)
    heads = ["phase", "is it there?", "probability", "wt %", "95 % interval", *(["weighed"] if weighed else [])]
    heads += [
        "% of intensity",
        "lines seen",
        *([f"error {' / '.join(_other_errors(phases).values())}"] if moved else []),
    ]
    rows = [_phase_row(facts, one, moved, weighed) for one in phases]
    blank = Cell(NOTHING)
    for one in (row for row in weighed if not row.found):
        cells = [Cell(one.label, "name"), Cell("weighed in, not found", "words bad"), *[blank] * 3]
        rows.append((*cells, Cell(f"{plain(one.weighed, 4)} of all"), *[blank] * (2 + moved)))
    marked = frozenset(place for place, one in enumerate(phases) if one["kind"] == PRESENT)
    return Table(tuple(heads), tuple(rows), marked)


def _ordered(facts: Facts) -> list[Facts]:
    """Phases, those that are there first, of the greatest weight first."""
    order = {PRESENT: 0, TRACE: 1}
    return sorted(facts["phases"], key=lambda one: (order.get(one["kind"], 2), -weight(one), -one["probability"]))


def _phase_row(facts: Facts, one: Facts, moved: bool, weighed: tuple[Weighed, ...]) -> tuple[Cell, ...]:
    """One phase."""
    part, seen = one.get("weight_fraction"), one.get("lines_seen")
    cells = [Cell(_named(one), "name"), Cell(one["kind"], "name bad" if one["kind"] == TRACE else "name")]
    moved_by = facts.get("error") or 0.0
    cells.append(Cell(probability(one["probability"], moved_by if moved_by >= STILL else None)))
    cells.append(Cell(percent(part)))
    low, high, sd = (100.0 * part[word] for word in ("q025", "q975", "sd")) if part else (None, None, None)
    cells.append(Cell(between(low, high, sd)))
    if weighed:
        row = next((each for each in weighed if one["name"] in each.phases), None)
        off = row is not None and not row.covered
        cells.append(Cell(_weighed(row), "number bad" if off else "number"))
    cells.append(Cell(percent(one.get("share"))))
    cells.append(Cell(f"{seen} of {one['lines_in_range']}" if seen is not None else NOTHING))
    if moved:
        others = [one.get(f"probability_{key}") for key in _other_errors(facts["phases"])]
        far = any(value is not None and (value > LIKELY) != (one["probability"] > LIKELY) for value in others)
        words = [probability(value) for value in others]
        told = f"all {words[0]}" if len(set(words)) == 1 else " / ".join(words)
        cells.append(Cell(told, "number bad" if far else "number"))
    return tuple(cells)


def _other_errors(phases: Sequence[Facts]) -> dict[str, str]:
    """Other errors of the model under which probabilities are told, by their keys."""
    words = {"half": "halved", "double": "doubled", "estimated": "estimated"}
    return {
        key: told for key, told in words.items() if any(one.get(f"probability_{key}") is not None for one in phases)
    }


def _look_alikes(facts: Facts) -> tuple[str, ...]:
    """Phases that look like those that are there, a sentence each."""
    found = []
    for one in (each for each in _ordered(facts) if each["kind"] in (PRESENT, TRACE)):
        family = next((each for each in facts["families"] if one["name"] in each["members"]), None)
        alike = [str(name) for name in family["members"] if name != one["name"]] if family else []
        if alike:
            more = [f"{len(alike) - _MOST_ALIKE} more"] if len(alike) > _MOST_ALIKE else []
            found.append(f"Lines much like those of {one['name']}: {listed([*alike[:_MOST_ALIKE], *more])}.")
    return tuple(found)


def _put_right(facts: Facts) -> tuple[str, ...]:
    """What was put right in the structures of phases that are there, a sentence each."""
    there = {one["name"] for one in facts["phases"] if one["kind"] in (PRESENT, TRACE)}
    notes = facts["library"].get("notes") or ()
    return tuple(f"Put right in the CIF of {one['structure']}: {one['note']}." for one in notes
                 if one["structure"] in there)  # fmt: skip


def shapes_table(facts: Facts) -> Table | None:
    """Cells with their change against the library, and what is a phase's own of its lines' widths and strengths."""
    phases = [one for one in _ordered(facts) if one.get("cell")]
    if not phases:
        return None
    own = [(key, words) for key, words in _OWN if any(one.get(key) for one in phases)]
    rows = []
    for one in phases:
        cells = [Cell(_named(one), "name"), Cell("; ".join(_edge(each) for each in one["cell"]), "name")]
        values = [one.get(key) or {} for key, _ in own]
        cells += [Cell(plus_minus(value.get("value"), value.get("sd"))) for value in values]
        rows.append(tuple(cells))
    heads = ("phase", "cell (\u00c5, degrees) and change against the library", *(words for _, words in own))
    return Table(heads, tuple(rows))


def _named(one: Facts) -> str:
    """Name of a phase, with its formula where that says something else."""
    formula = "".join(str(one.get("formula") or "").split())
    named = formula in one["name"] or same_formula(re.split("[-_]", str(one["name"]))[0], formula)
    return str(one["name"]) if not formula or named else f"{one['name']} ({formula})"


def _weighed(row: Weighed | None) -> str:
    """What was weighed, as a share of the phases that were found."""
    if row is None:
        return "none"
    return plain(row.among, 4) + (" (look-alike)" if row.by == FAMILY else "")


def _edge(one: Facts) -> str:
    """Edge of a cell with its change against the library."""
    value = f"{one['edge']} {plus_minus(one['value'], one['sd'])}"
    if not known(one.get("library")) or not one["library"]:
        return value
    change = 100.0 * (one["value"] / one["library"] - 1.0)
    return f"{value} ({'+' if change >= 0 else ''}{fixed(change, 2)} %)"


def sets_table(facts: Facts) -> Table:
    """Most probable sets, all but the first by what they have more and less than that."""
    sets = facts["sets"][:MOST_SETS]
    best = sets[0] if sets else {}
    rows = []
    for rank, one in enumerate(sets, start=1):
        words = set_words(one["phases"], best["phases"]) if rank > 1 else listed(one["phases"]) or "no phase"
        above = one["free_energy"] - best["free_energy"]
        cells = (
            str(rank),
            words,
            str(len(one["phases"])),
            probability(one["probability"]),
            nats(above, one.get("error")) if rank > 1 else "0",
        )
        rows.append(tuple(Cell(text, "words" if place == 1 else "number") for place, text in enumerate(cells)))
    return Table(("rank", "set", "phases", "probability", "ΔF (nats)"), tuple(rows), frozenset({0} if rows else ()))


def unknown_table(facts: Facts) -> Table:
    """Lines that no phase explains, by their place."""
    clearest = sorted(facts["unknown"]["lines"], key=lambda one: -one["z"])[:MOST_LINES]
    rows = tuple(
        (Cell(f"{one['two_theta']:.3f}"), Cell(fixed(one["d"], 4) if known(one.get("d")) else NOTHING),
         Cell(fixed(one["z"], 1)))
        for one in sorted(clearest, key=lambda one: one["two_theta"])
    )  # fmt: skip
    return Table(("2θ (degrees)", "d (Å)", "above noise (sd)"), rows)


def _notes(facts: Facts) -> tuple[str, ...]:
    """How it was found, and under which beam."""
    beam = facts["beam"]
    waves = " and ".join(f"{one:.5g}" for one in beam["wavelengths"])
    source = {"file": "of the file", "campaign": "of the campaign"}.get(str(beam.get("source")), "")
    geometry = str(beam.get("geometry", "")).replace("_", "-")
    said = f"Wavelength {waves} Å {source}, {geometry}".rstrip(" ,")
    left_out = beam.get("left_out")
    said += f"; not counted in: {left_out}, a monochromator without a known crystal" if left_out else ""
    noise = error_words(facts)
    told = (fit_words(facts), arm_words(facts), refined_words(facts), time_words(facts))
    rest = [words for words in told if words]
    return f"{searched(facts)}. {noise[:1].upper()}{noise[1:]}.", ". ".join([said, *rest]) + "."


def library_words(facts: Facts) -> str:
    """What the candidates are, in a sentence."""
    library = facts["library"]
    words = f"Library {library['name']}: {library['candidates']} candidates of {library['entries']} files"
    counted = [(len(library.get("skipped") or ()), "left out"), (len(library.get("copies") or ()), "merged as copies"),
               (len(library.get("outside") or ()), "outside the elements")]  # fmt: skip
    said = [f"{number} {what}" for number, what in counted if number]
    elements = f"; only {', '.join(library['elements'])}" if library.get("elements") else ""
    return f"{words}{'; ' + listed(said) if said else ''}{elements}"


def _library_table(facts: Facts, kind: str, columns: tuple[str, str], heads: tuple[str, str]) -> Table | None:
    """Structures that were left out, merged or put right, with what is said of each; None where there are none."""
    first, second = columns
    rows = tuple((Cell(str(one[first]), "name"), Cell(str(one[second]), "words"))
                 for one in facts["library"].get(kind) or ())  # fmt: skip
    return Table(heads, rows) if rows else None
