"""What the page shows of a question before there are data: its answer in a sentence, a figure, two tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.report.figures.told import told_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.limit import Share
from bayesbeam.report.text import NOTHING, known, minus, plain
from bayesbeam.report.told import Told, ToldCell
from bayesbeam.report.view import Cell, Table
from bayesbeam.report.wording import CHECK, GONE, GOOD, Answer

FEW = 0.05  # share of unreliable analyses that leaves an answer reliable


@dataclass(frozen=True)
class ToldView:
    """Everything the page shows of one question."""

    name: str
    answer: Answer
    figure: Shown | None
    needed: Table
    cells: Table
    note: str
    hidden: int


def told_views(found: Sequence[Told], gallery: Gallery) -> list[ToldView]:
    """Views of all questions."""
    return [_view(one, gallery) for one in found]


def _view(told: Told, gallery: Gallery) -> ToldView:
    """View of one question."""
    name = told.question.name
    title = f"{name}: how often {told.question.tag} is the better model, against the number of points"
    figure = gallery.add(f"{name}+told", told_figure(told), title)
    hidden = sum(max(0, one.replicates - 1) for one in told.cells)
    return ToldView(name, answer(told), figure, _needed(told), _cells(told), _note(told), hidden)


def answer(told: Told) -> Answer:
    """Answer of a question: how many points at each level, or what level at most."""
    question = told.question
    analysed = sum(one.selected.among for one in told.cells)
    if not analysed and question.theory is None:
        return Answer(question.name, question.name, GONE, "not analysed.", reasons=("no simulated measurement was",))
    unreliable = sum(one.unreliable for one in told.cells)
    lost = sum(one.replicates - one.selected.among for one in told.cells)
    reasons = [f"{unreliable} of {analysed} analyses are not reliable"] if unreliable else []
    reasons += [f"{lost} measurements were not analysed by all models"] if lost else []
    contradicted = _disagreements(told)
    reasons += contradicted
    bad = unreliable > FEW * analysed or lost or contradicted
    parts = [_at_level(told, place) for place in range(len(question.levels))]
    true = f"{question.tag} ({minus(question.truth)})"
    what = f"to tell {true} from {_listed(question.others)} with probability {question.wish:g}"
    return Answer(
        question.name, question.name, CHECK if bad else GOOD, f"{what} takes {'; '.join(parts)}.",
        reasons=tuple(reasons), subject="exact" if question.theory is not None else "simulated",
        decided=any(_found(told, place) for place in range(len(question.levels))),
    )  # fmt: skip


def _found(told: Told, place: int) -> bool:
    """Whether there is a number of points that is enough at a level."""
    question = told.question
    if question.theory is not None:
        return question.theory.needed[place] is not None
    return told.enough(question.levels[place]) is not None


def _at_level(told: Told, place: int) -> str:
    """What is needed at one level, in words."""
    question, level = told.question, told.question.levels[place]
    word = f"at {told.levels_are} {level:g}"
    if question.theory is not None:
        needed = question.theory.needed[place]
        return f"N ≥ {needed} {word}" if needed is not None else f"more than {question.theory.most} points {word}"
    cell = told.enough(level)
    if cell is not None:
        return f"N ≥ {cell.points} {word} (of the numbers tried; there {_share(cell.selected)})"
    most = told.at(level)[-1]
    return f"more than {most.points} points {word} (there {_share(most.selected)})"


def _disagreements(told: Told) -> list[str]:
    """Cells whose simulated share leaves no room for the theory, allowing for how many there are."""
    found = []
    for one in told.cells:
        if known(one.exact) and one.selected.among:
            sd = max(one.exact * (1.0 - one.exact), 1e-4) / one.selected.among
            if abs(one.selected.value - one.exact) > 4.0 * sd**0.5 + 1.0 / one.selected.among:
                where = f"at N = {one.points}, {told.levels_are} {one.level:g}"
                found.append(f"{where} the simulation gives {_share(one.selected)}, the theory {one.exact:.3f}")
    return found


def _note(told: Told) -> str:
    """How the answer was found."""
    theory = told.question.theory
    if theory is None:
        return f"From simulated measurements alone: {told.question.reason}."
    error = f"; standard errors up to {theory.standard_error:.2g}" if theory.standard_error else ""
    return f"Exact answer: {theory.method}{error}. It holds for every larger number of points too, up to {theory.most}."


def _needed(told: Told) -> Table:
    """Points for each level, then the level for each number of points where that is known exactly."""
    question, theory = told.question, told.question.theory
    rows = []
    for place, level in enumerate(question.levels):
        cell = told.enough(level)
        tried = str(cell.points) if cell is not None else NOTHING
        exact = theory.needed[place] if theory is not None else None
        rows.append((Cell(f"{told.levels_are} {level:g}", "name"), Cell(NOTHING if exact is None else f"N ≥ {exact}"),
                     Cell(f"N ≥ {tried}" if tried != NOTHING else NOTHING)))  # fmt: skip
    if theory is not None:
        for points, level_at_most in zip(question.points, theory.tolerated, strict=True):
            value = NOTHING if level_at_most is None else f"noise ≤ {plain(level_at_most, 3)}"
            rows.append((Cell(f"N = {points}", "name"), Cell(value), Cell(NOTHING)))
    return Table(("given", "exact", "of the numbers simulated"), tuple(rows))


def _cells(told: Told) -> Table:
    """One row a cell."""
    heads = (
        "points", told.levels_are, "analysed", f"{told.question.tag} better", "share", "95 % interval", "exact",
        "not reliable",
    )  # fmt: skip
    return Table(heads, tuple(_cell_row(one) for level in told.question.levels for one in told.at(level)))


def _cell_row(one: ToldCell) -> tuple[Cell, ...]:
    """One cell."""
    low, high = one.selected.interval
    share = f"{one.selected.value:.2f}" if one.selected.among else NOTHING
    return (
        Cell(str(one.points)), Cell(f"{one.level:g}"), Cell(str(one.selected.among)), Cell(str(one.selected.cases)),
        Cell(share), Cell(f"{low:.2f} to {high:.2f}"), Cell(f"{one.exact:.3f}" if known(one.exact) else NOTHING),
        Cell(str(one.unreliable)),
    )  # fmt: skip


def _share(share: Share) -> str:
    """Share in words, with its interval."""
    low, high = share.interval
    return f"{share.cases} of {share.among}, 95 % interval {low:.2f} to {high:.2f}"


def _listed(tags: Sequence[str]) -> str:
    """Models in words."""
    return tags[0] if len(tags) == 1 else "all of " + ", ".join(tags)
