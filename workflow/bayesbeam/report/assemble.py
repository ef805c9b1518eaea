"""What the page shows of every measurement and group: sentences, tables and figures together.

Decides which figures are made; reads the arrays of one candidate at a time, so that memory stays small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bayesbeam.report import view, wording
from bayesbeam.report.averaged_view import averaged_table, group_averaged_table, is_open
from bayesbeam.report.curves import Draws, read_averaged, read_draws, read_fit, read_run
from bayesbeam.report.exact_view import compared_table, compared_words, unsampled_words
from bayesbeam.report.figures.averaged import averaged_figure
from bayesbeam.report.figures.fit import axis_labels, fit_figure
from bayesbeam.report.figures.models import models_figure
from bayesbeam.report.figures.parameters import parameters_figure
from bayesbeam.report.figures.ridges import Shared, ridges_figure
from bayesbeam.report.figures.sampling import sampling_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.integration_words import group_answer
from bayesbeam.report.next_view import NextView, next_view
from bayesbeam.report.noise_view import NoiseView, noise_view
from bayesbeam.report.numbering_words import numbering_notes
from bayesbeam.report.phase_together import together_table
from bayesbeam.report.phase_view import PhaseView, phase_view
from bayesbeam.report.records import Candidate, GroupResult, GroupRow, MeasurementResult, Results
from bayesbeam.report.sharing_view import SharingView, sharing_view
from bayesbeam.report.terms_view import TermsView, terms_view
from bayesbeam.report.text import readable
from bayesbeam.report.wording import Answer, candidate_label

FULL_DETAIL = 30  # measurements with every figure; beyond, only those that are not reliable get theirs
PANELS = 8  # candidates of one measurement that get figures, the most probable ones
IN_QUESTION = 0.01  # probability from which a candidate gets figures where there is little room


@dataclass(frozen=True)
class Choice:
    """One candidate in a switch."""

    label: str
    tag: str
    probability: str
    best: bool
    reliable: bool
    reasons: tuple[str, ...]
    noise: str
    fit: Shown | None
    sampling: Shown | None
    parameters: view.Table
    modes: view.Table | None
    numbering: tuple[str, ...] = ()
    terms: TermsView | None = None
    phases: PhaseView | None = None
    unsampled: str = ""
    compared: str = ""
    exact: view.Table | None = None


@dataclass(frozen=True)
class MeasurementView:
    """Everything the page shows of one measurement."""

    result: MeasurementResult
    answer: Answer
    choices: tuple[Choice, ...] = ()
    models: Shown | None = None
    densities: Shown | None = None
    model_table: view.Table | None = None
    averaged: view.Table | None = None
    averaged_curve: Shown | None = None
    counts: tuple[tuple[str, view.Table], ...] = ()
    diagnostics: view.Table | None = None
    runs: view.Table | None = None
    priors: tuple[tuple[str, view.Table], ...] = ()
    left_out: int = 0
    draws_file: str = ""
    noise: NoiseView | None = None
    next: NextView | None = None

    @property
    def fitted(self) -> bool:
        """Whether a candidate has a fit of components."""
        return any(one.fit is not None for one in self.choices)

    @property
    def searched(self) -> bool:
        """Whether a candidate is a search of phases."""
        return any(one.phases is not None for one in self.choices)

    @property
    def link(self) -> str:
        """Where the page shows it."""
        where = "phases" if self.searched else "fit" if self.choices else "made"
        return f"#{where}--{self.result.id}"


@dataclass(frozen=True)
class GroupView:
    """Everything the page shows of one group."""

    result: GroupResult
    answer: Answer
    ridges: Shown | None = None
    table: view.Table | None = None
    parameters: view.Table | None = None
    numbering: tuple[str, ...] = ()
    averaged: view.Table | None = None
    sharing: SharingView | None = None
    phases: view.Table | None = None


def is_wrong(result: MeasurementResult) -> bool:
    """Whether a measurement deserves a closer look."""
    return bool(result.candidates) and wording.judged(result)[0] == wording.BAD


def measurement_view(
    result: MeasurementResult, gallery: Gallery, figures: bool, brief: bool = False
) -> MeasurementView:
    """View of one measurement.

    A brief one has figures of the candidates in question and of those not reliable, and a PDF of the best fit and its
    parameters alone.
    """
    if not result.candidates or result.arrays is None:
        return MeasurementView(result, wording.measurement_answer(result))
    best = result.best
    draws = read_draws(result.arrays, f"{result.id}/{best.tag}")
    panels = [one for one in result.candidates if one in result.ranked[:PANELS] and (not brief or _asks(one, best))]
    shown = [one for one in panels if figures or one.phases is not None]
    choices = tuple(_choice(result, one, gallery, figures) for one in shown)
    return MeasurementView(
        result,
        wording.measurement_answer(result, draws, read_fit(result.arrays, f"{result.id}/{best.tag}")),
        choices,
        _models(result, gallery, not brief),
        _densities(result, draws, gallery) if figures and best.phases is None else None,
        view.model_table(result),
        averaged_table(result),
        _averaged_curve(result, gallery) if figures else None,
        view.counts_tables(result),
        view.diagnostics_table(result),
        view.runs_table(result),
        _priors(result),
        len(result.candidates) - len(choices),
        f"draws/{result.id}.nc",
        noise_view(result, gallery, not brief) if figures else None,
        next_view(result, gallery, figures),
    )  # fmt: skip


def _asks(one: Candidate, best: Candidate) -> bool:
    """Whether a candidate is in question, or its sampling is."""
    return one is best or not one.reliable or (one.model_probability or 0.0) >= IN_QUESTION


def _models(result: MeasurementResult, gallery: Gallery, pdf: bool) -> Shown | None:
    """Free energies and probabilities, where there is something to compare."""
    if len(result.candidates) < 2:
        return None
    labels = [candidate_label(one, result.candidates) for one in result.candidates]
    figure = models_figure(result.candidates, labels, result.best)
    title = f"{result.name}: free energy and probability of every candidate"
    return gallery.add(f"{result.id}+models", figure, title, pdf)


def _averaged_curve(result: MeasurementResult, gallery: Gallery) -> Shown | None:
    """Curve over all candidates, where more than one is in the running."""
    data, arrays = result.measurement, result.arrays
    if data is None or arrays is None or not is_open(result):
        return None
    labels = axis_labels(data.x_quantity, data.x_unit, data.y_quantity, data.y_unit)
    fit = read_fit(arrays, f"{result.id}/{result.best.tag}")
    figure = averaged_figure(read_averaged(arrays, result.id), fit, *labels, data.decreasing)
    return gallery.add(f"{result.id}+averaged", figure, f"{result.name}: curve over all candidates", pdf=False)


def _choice(result: MeasurementResult, one: Candidate, gallery: Gallery, figures: bool) -> Choice:
    """Figures and table of one candidate; a search of phases has a pattern in place of a fit."""
    data, arrays = result.measurement, result.arrays
    assert data is not None
    assert arrays is not None
    where, label = f"{result.id}/{one.tag}", candidate_label(one, result.candidates)
    labels = axis_labels(data.x_quantity, data.x_unit, data.y_quantity, data.y_unit)
    name = f"{result.id}+{one.tag}"
    fit = sampling = None
    if one.phases is None:
        figure = fit_figure(read_fit(arrays, where).marked(one.parameters), *labels, data.decreasing)
        fit = gallery.add(f"{name}+fit", figure, f"{result.name}: data and fit, {label}", pdf=one is result.best)
    unsampled = unsampled_words(one, data.y_unit)
    if not unsampled:
        figure = sampling_figure(read_run(arrays, where), one)
        sampling = gallery.add(f"{name}+sampling", figure, f"{result.name}: sampling, {label}", pdf=False)
    phases = phase_view(result, one, gallery, figures)
    odds = view.probability(one.model_probability)
    words = readable(str(one.noise.get("words") or "")).rstrip(" .")
    words = f"{words[:1].upper()}{words[1:]}." if words else ""
    return Choice(
        label, one.tag, odds, one is result.best, one.reliable, one.reasons, words, fit, sampling,
        view.parameter_table(one), view.modes_table(one), tuple(numbering_notes(one.numbering)),
        terms_view(result, one, gallery), phases, unsampled, compared_words(one), compared_table(one),
    )  # fmt: skip


def _densities(result: MeasurementResult, draws: Draws, gallery: Gallery) -> Shown | None:
    """Densities of the best candidate."""
    best = result.best
    title = f"{result.name}: posterior and prior, {candidate_label(best, result.candidates)}"
    figure = parameters_figure(draws.marked(best.parameters))
    return gallery.add(f"{result.id}+{best.tag}+parameters", figure, title)


def _priors(result: MeasurementResult) -> tuple[tuple[str, view.Table], ...]:
    """Priors, once for all candidates that have the same."""
    tables = []
    by_priors = sorted(result.candidates, key=lambda one: _prior_key(one))
    for _, alike in groupby(by_priors, key=_prior_key):
        members = list(alike)
        names = ", ".join(candidate_label(one, result.candidates) for one in members)
        tables.append((names, view.priors_table(members[0])))
    return tuple(tables)


def _prior_key(one: Candidate) -> str:
    """Text that is the same for the same priors."""
    return repr([sorted(prior.items()) for prior in one.priors])


def group_views(results: Results, gallery: Gallery, alone: Sequence[MeasurementView]) -> list[GroupView]:
    """Views of all groups, whose answers rest on those of the measurements alone."""
    answers = {view.result.id: view.answer for view in alone}
    return [_group_view(one, results, gallery, answers) for one in results.groups]


def _group_view(result: GroupResult, results: Results, gallery: Gallery, alone: Mapping[str, Answer]) -> GroupView:
    """View of one group."""
    answer = group_answer(result, results, alone)
    row = result.best_row
    if row is None:
        return GroupView(result, answer)
    ridges = gallery.add(
        f"{result.id}+integration", ridges_figure(_shared(result, results, row.tag)),
        f"{result.id}: shared parameters, apart and together",
    )  # fmt: skip
    notes = tuple(numbering_notes(row.numbering))
    tables = view.integration_table(result), view.shared_table(row)
    sharing = sharing_view(result, results, gallery)
    averaged, phases = group_averaged_table(result), together_table(result, results)
    return GroupView(result, answer, ridges, *tables, notes, averaged, sharing, phases)


def _shared(result: GroupResult, results: Results, tag: str) -> list[Shared]:
    """Draws of every shared parameter, apart and together."""
    if result.arrays is None or not result.arrays.is_file():
        return []
    row = next((one for one in result.rows if one.tag == tag), GroupRow(tag))
    joint = read_draws(result.arrays, tag).marked(row.parameters)
    tags = {name: row.tags.get(name, tag) for name in result.measurements}
    apart = [(name, draws) for name, own in tags.items() if (draws := _alone(results, name, own)) is not None]
    shared = []
    for place, column in enumerate(joint.columns):
        if (
            column.measurement is not None
            or column.kind != "parameter"
            or column.name not in (result.common or result.shared)
        ):
            continue
        values = joint.flat(place)
        if values.std() == 0:
            continue
        called = {name: row.called.get(name, {}).get(column.name, column.name) for name, _ in apart}
        rows = [(name, draws, draws.find(called[name], column.index)) for name, draws in apart]
        found = tuple((name, draws.flat(at)) for name, draws, at in rows if at is not None)
        shared.append(Shared(column.label, column.unit, found, values))
    return shared


def _alone(results: Results, measurement: str, tag: str) -> Draws | None:
    """Draws of a measurement alone by a candidate, None where there are none."""
    found = results.measurement(measurement)
    if found is None or found.arrays is None or tag not in [one.tag for one in found.candidates]:
        return None
    return read_draws(found.arrays, f"{measurement}/{tag}")


def total_cpu(results: Results) -> float:
    """CPU seconds of everything that was sampled."""
    spent: Sequence[float | None] = [
        *(one.cpu_seconds for result in results.measurements for one in result.candidates),
        *(group.cpu_seconds for group in results.groups),
    ]
    return float(sum(one for one in spent if one is not None))
