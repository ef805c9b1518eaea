"""What the page shows of a study: its answer in a sentence, two figures, two tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.report.figures.limit import axis_words, precision_figure, selection_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.limit import ENOUGH, Level, Limit, Precision, Share
from bayesbeam.report.text import NOTHING, known, plain, pretty_unit, probability
from bayesbeam.report.view import Cell, Table
from bayesbeam.report.wording import CHECK, GONE, GOOD, Answer

FEW = 0.05  # share of unreliable analyses that leaves a study reliable


@dataclass(frozen=True)
class LimitView:
    """Everything the page shows of one study."""

    name: str
    answer: Answer
    hidden: int
    selection: Shown | None = None
    precision: Shown | None = None
    levels: Table | None = None
    parameters: Table | None = None


def limit_views(limits: Sequence[Limit], gallery: Gallery) -> list[LimitView]:
    """Views of all studies."""
    return [_view(one, gallery) for one in limits]


def _view(limit: Limit, gallery: Gallery) -> LimitView:
    """View of one study."""
    name = limit.study.name
    hidden = len(limit.study.members) - len({one.level for one in limit.study.members})
    if not any(level.selected.among for level in limit.levels):
        reason = limit.lost or "none of its measurements was analysed"
        return LimitView(name, Answer(name, name, GONE, "not analysed.", reasons=(reason,)), hidden)
    words = axis_words(limit)
    title = f"{name}: how often {limit.tag} is selected, against {words}"
    selection = gallery.add(f"{name}+selection", selection_figure(limit), title)
    precision = gallery.add(
        f"{name}+precision", precision_figure(limit), f"{name}: precision of the parameters, against {words}"
    )
    return LimitView(name, answer(limit), hidden, selection, precision, _levels(limit), _parameters(limit))


def answer(limit: Limit) -> Answer:
    """Answer of a study: from where on it is enough, and what speaks against taking it at its word."""
    study, words = limit.study, axis_words(limit)
    analysed = sum(level.selected.among for level in limit.levels)
    unreliable = sum(level.unreliable for level in limit.levels)
    refused = sum(level.refused for level in limit.levels)
    reasons = [f"{unreliable} of {analysed} analyses are not reliable"] if unreliable else []
    reasons += [f"{refused} measurements were not analysed"] if refused else []
    kind = "thinned counts of " + study.whole if study.whole else "simulated"
    verdict = CHECK if unreliable > FEW * analysed or refused else GOOD
    return Answer(
        study.name, study.name, verdict, _sentence(limit, words), reasons=tuple(reasons), subject=kind,
        decided=limit.enough is not None,
    )  # fmt: skip


def _sentence(limit: Limit, words: str) -> str:
    """From where on the model is selected often enough."""
    what = f"{limit.tag}, the choice of the whole spectrum," if limit.study.whole else f"the true model, {limit.tag},"
    percent = f"{100 * ENOUGH:.0f} of 100"
    if limit.enough is None:
        best = limit.levels[-1] if limit.study.column == "exposure" else limit.levels[0]
        said = f"at {words} {best.value:g} it is in {_share(best.selected)}"
        return f"{what} is selected in fewer than {percent} cases: {said}."
    enough = limit.enough
    at = f"{words} {enough.value:g}"
    if limit.study.whole:
        at += f" ({plain(100 * enough.value / limit.study.exposure, 2)} % of what was measured)"
    way = "on" if limit.study.column == "exposure" else "down"
    return f"{what} is selected in at least {percent} cases from {at} {way}: there in {_share(enough.selected)}."


def _share(share: Share) -> str:
    """Share in words, with its interval."""
    low, high = share.interval
    return f"{share.cases} of {share.among} (95 % interval {low:.2f} to {high:.2f})"


def _levels(limit: Limit) -> Table:
    """Selection, one row a level."""
    heads = (axis_words(limit), "analysed", "selected", "share", "95 %", "mean probability", "not reliable", "refused")
    return Table(heads, tuple(_level_row(level) for level in limit.levels))


def _level_row(level: Level) -> tuple[Cell, ...]:
    """One level."""
    low, high = level.selected.interval
    share = f"{level.selected.value:.2f}" if level.selected.among else NOTHING
    return (
        Cell(f"{level.value:g}"), Cell(str(level.selected.among)), Cell(str(level.selected.cases)), Cell(share),
        Cell(f"{low:.2f} to {high:.2f}"), Cell(probability(level.probability)), Cell(str(level.unreliable)),
        Cell(str(level.refused)),
    )  # fmt: skip


def _parameters(limit: Limit) -> Table:
    """Posterior sd and coverage, one row a parameter, two columns a level."""
    heads = ["parameter", "unit"]
    for level in limit.levels:
        heads += [f"sd at {level.value:g}", "covered"]
    labels = dict.fromkeys(one.label for level in limit.levels for one in level.parameters)
    rows = []
    for label in labels:
        found = [next((one for one in level.parameters if one.label == label), None) for level in limit.levels]
        unit = next(one.unit for one in found if one is not None)
        cells = [Cell(label, "name"), Cell(pretty_unit(unit), "unit")]
        for one in found:
            cells += _precision_cells(one)
        rows.append(tuple(cells))
    return Table(tuple(heads), tuple(rows))


def _precision_cells(one: Precision | None) -> list[Cell]:
    """Median sd, and how often the 95% interval holds the truth."""
    if one is None:
        return [Cell(NOTHING), Cell(NOTHING)]
    covered = f"{one.covered.cases}/{one.covered.among}" if known(one.truth) and one.covered.among else NOTHING
    return [Cell(plain(one.sd_median, 2)), Cell(covered)]
