"""Candidates made of the phases of a library: what of the rest of a campaign goes with that, and what does not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bayesbeam.config.candidate import Candidate
from bayesbeam.config.checks import Context
from bayesbeam.config.library_files import content_of
from bayesbeam.config.patterns import OF_PHASES
from bayesbeam.config.phases import Phases
from bayesbeam.config.places import Problems, shown_path
from bayesbeam.config.schema import Integration
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.specs import CandidateSpec, Expanded, NoiseSpec, PhasesSpec, tag_of
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import BayesbeamError, nearest

NOISE = NoiseSpec("normal", "none", None, ())
"""Noise of a search for phases: counts, and a model that is wrong by a share of the lines; it has no parameters."""
_ALONE = ("parts", "sparse", "noise", "solve", "common", "derived", "starts", "linear")


def resolve_phases(
    name: str, candidate: Candidate, problems: Problems, here: KeyPath, folder: Path
) -> tuple[Expanded, ...]:
    """Model of a candidate with the section ``phases``; none where it has mistakes, which are noted."""
    asked = candidate.phases
    assert asked is not None
    before = len(problems.found)
    for key in _ALONE:
        if key in candidate.model_fields_set:
            problems.add((*here, key), f"{key} beside phases", "one of the two", f"Remove {key}.")
    library = tuple(folder / place for place in asked.library)
    content = _content(library, problems, (*here, "phases", "library"))
    if not isinstance(asked.elements, str):
        _check_elements(asked.elements or (), problems, (*here, "phases", "elements"))
    if len(problems.found) > before:
        return ()
    spec = CandidateSpec((), NOISE, phases=_spec(asked, library, content))
    return (Expanded(name, None, tag_of(name, None), candidate.title or name, spec),)


def _spec(asked: Phases, library: Sequence[Path], content: str) -> PhasesSpec:
    """What is asked, with nothing left open."""
    by_column = isinstance(asked.elements, str)
    return PhasesSpec(
        library=tuple(map(str, library)),
        content=content,
        elements=None if asked.elements is None or by_column else tuple(asked.elements),
        sheet=str(asked.elements) if by_column else "",
        most=asked.most,
        expected=asked.expected,
        cell=asked.cell,
        texture=asked.texture,
        width=asked.width,
        structure=asked.structure,
        grain_radius=asked.grain_radius,
        line=asked.error.line,
        form=asked.error.form,
        unknown=asked.error.unknown,
        low_angle_loss=asked.low_angle_loss,
        background=asked.background,
        refine=asked.refine,
        cell_report=asked.cell_report,
        search=asked.search,
        estimate=asked.error.estimate,
    )


def _content(library: Sequence[Path], problems: Problems, path: KeyPath) -> str:
    """Hash of the library's CIFs; places that are not there are noted."""
    lost = [place for place in library if not place.exists()]
    for place in lost:
        expected = "a folder of CIFs, relative to the campaign's folder or absolute"
        problems.add(path, f"{shown_path(place)}, which is not there", expected, "Correct the path.")
    try:
        return "" if lost else content_of(library)
    except OSError as problem:
        file = "a library" if problem.filename is None else shown_path(Path(problem.filename))
        found = f"{file}, which cannot be read ({problem.strerror or problem})"
        problems.add(path, found, "CIFs that can be read", "Correct the list, or the permissions of the file.")
        return ""


def _check_elements(symbols: Sequence[str], problems: Problems, path: KeyPath) -> None:
    """Note what is no chemical symbol."""
    from bayesbeam.crystals.library import check_elements

    for symbol in symbols:
        try:
            check_elements((symbol,))
        except BayesbeamError:
            from bayesbeam.crystals.library import SYMBOLS

            problems.add(path, repr(symbol[:40]), "chemical symbols", nearest(symbol.capitalize(), SYMBOLS))


def elements_of(spec: PhasesSpec, metadata: Mapping[str, str | float]) -> tuple[str, ...] | None:
    """Elements that may be in a measurement, given what the sheet holds of it; None for all."""
    if not spec.sheet:
        return spec.elements
    words = [one for one in re.split(r"[\s,;]+", str(metadata.get(spec.sheet, ""))) if one]
    return tuple(words) or None


def check_phases(
    context: Context, members: Mapping[str, Sequence[str]], models: Mapping[str, Sequence[Expanded]], problems: Problems
) -> None:
    """Note columns of elements that are not there or hold no elements, and what goes with parts only."""
    specs = {name: found[0].spec.phases for name, found in models.items() if found and found[0].spec.phases is not None}
    rows = {row.id: row for row in context.rows}
    _check_others(members, models, specs, problems)
    for name, spec in specs.items():
        if spec is not None and spec.sheet and context.sheet_is_whole:
            path: KeyPath = ("candidates", name, "phases", "elements")
            _check_column(spec, [rows[one] for one in members[name]], problems, path)
        if spec is not None and spec.cell_report and context.sheet_is_whole:
            _check_lengths(name, [rows[one] for one in members[name]], problems)
    for i, group in enumerate(context.campaign.integration):
        _check_group(group, list(specs), ("integration", i), problems)
    uses: list[tuple[KeyPath, str]] = [(here, study.candidate) for here, study in context.campaign.simulations]
    for here, name in dict.fromkeys(uses):
        if name in specs:
            found, remedy = f"{name}, a candidate with phases", "Choose a candidate with parts."
            problems.add((*here, "candidate"), found, "one with parts", remedy)
    if specs and context.campaign.report.next_points is not None:
        found = f"next_points beside {next(iter(specs))}, a candidate with phases"
        problems.add(("report", "next_points"), found, "candidates with parts", "Remove next_points.")


def _check_lengths(name: str, rows: Sequence[MeasurementRow], problems: Problems) -> None:
    """Note a report of cells of measurements of which nothing is known of the instrument."""
    lengths = ("source_mm", "specimen_mm", "detector_mm")
    lost = [row.id for row in rows if not any(getattr(row.treatment.instrument, word) for word in lengths)]
    if lost:
        found = f"cell_report, and {lost[0]} has no lengths of its instrument"
        remedy = "Write instrument: {source_mm: 12, specimen_mm: 15, detector_mm: 15, ...} in its treatment."
        problems.add(("candidates", name, "phases", "cell_report"), found, f"some of {', '.join(lengths)}", remedy)


def _check_group(group: Integration, names: Sequence[str], here: KeyPath, problems: Problems) -> None:
    """Note what a group of scans of one sample asks that is not compared, where its candidate is one of these names."""
    chosen = [group.candidate] if isinstance(group.candidate, str) else list(group.candidate.values())
    if not set(chosen) & set(names):
        return
    if len(set(chosen)) > 1:
        found = f"{' and '.join(dict.fromkeys(chosen))}, one of them with phases"
        problems.add((*here, "candidate"), found, "one candidate of all measurements", "Choose one of them.")
    given = [str(entry) for entry in group.shared]
    if sorted(given) != sorted(OF_PHASES):
        expected = "shares and cells of the phases, as of one sample"
        remedy = f"Write shared: [{', '.join(OF_PHASES)}]."
        problems.add((*here, "shared"), ", ".join(given) or "nothing", expected, remedy)
    told = {"patterns": bool(group.patterns), "partitions": group.partitions in ("all", "greedy"),
            "method": group.method == "two_stage"}  # fmt: skip
    for key in (name for name, is_asked in told.items() if is_asked):
        expected = "one sample, or each its own"
        problems.add((*here, key), f"{key} with a candidate with phases", expected, f"Remove {key}.")


def _check_others(
    members: Mapping[str, Sequence[str]], models: Mapping[str, Sequence[Expanded]], specs: Mapping[str, object],
    problems: Problems,
) -> None:  # fmt: skip
    """Note candidates with parts of measurements that have candidates with phases: their free energies are of others.

    A search adds points up, and its noise is not that of any part.
    """
    for name in specs:
        for other in models:
            both = sorted(set(members[name]) & set(members[other])) if models[other] and other not in specs else []
            if both:
                found = f"{other}, a candidate with parts, and {name}, one with phases, for {both[0]}"
                remedy = "Name the measurements of each candidate under its measurements."
                problems.add(("candidates", other), found, "candidates that can be compared", remedy)


def _check_column(spec: PhasesSpec, rows: Sequence[MeasurementRow], problems: Problems, path: KeyPath) -> None:
    """Note a column of elements that the sheet has not, or cells that hold something else."""
    there = sorted({name for row in rows for name in row.metadata})
    expected = "a list of elements, or a column of the sheet with the elements of every measurement"
    if spec.sheet not in there:
        found = f"the column {spec.sheet!r}, which the sheet does not have"
        remedy = nearest(spec.sheet, there) if there else f"Add the column, or write [{spec.sheet}] for an element."
        problems.add(path, found, expected, remedy)
        return
    from bayesbeam.crystals.library import SYMBOLS

    for row in rows:
        bad = [one for one in elements_of(spec, row.metadata) or () if one not in SYMBOLS]
        if bad:
            found = f"{bad[0][:40]!r} in the column {spec.sheet} for {row.id}"
            problems.add(path, found, expected, nearest(bad[0].capitalize(), SYMBOLS))
