"""Edges of a cell along a series, equal or split: rows of the tables, sentence, figure and table of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesbeam.report.changes import CASES, Switch, switch_along
from bayesbeam.report.figures.edges import edges_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.records import Results
from bayesbeam.report.table_columns import Rows
from bayesbeam.report.text import (
    between,
    clean,
    minus,
    nats,
    plain,
    plus_minus,
    probability,
    probability_words,
    to_error,
)
from bayesbeam.report.view import Cell, Table

Found = Mapping[str, Any]


@dataclass(frozen=True)
class SplittingView:
    """Everything the page shows of one question about edges."""

    name: str
    sentences: tuple[str, ...]
    figure: Shown | None = None
    table: Table | None = None


def splitting_rows(results: Results) -> Rows:
    """A row a measurement: nats for split edges, their difference and mean, and the third edge."""
    for one in results.splittings:
        for frame in one["frames"]:
            third = frame["third"][0] if frame["third"] else (None, None)
            yield (
                one["name"], one["column"], frame["x"], frame["measurement"], one["structure"], frame["log_odds"],
                *frame["gap"], frame["first_longer"], *frame["mean"], *third,
            )  # fmt: skip


def transition_rows(results: Results) -> Rows:
    """Probabilities of split and equal edges all along, and of turns, with the interval of the place."""
    for one in results.splittings:
        turn = _switch(one)
        if turn is not None:
            yield (
                one["name"], one["column"], one["structure"], "".join(one["edges"]),
                *(turn.probability[case] for case in CASES), *turn.interval(), len(one["frames"]),
            )  # fmt: skip


def splitting_views(results: Results, gallery: Gallery) -> list[SplittingView]:
    """Views of all questions about edges."""
    return [_view(one, gallery) for one in results.splittings]


def _switch(one: Found) -> Switch | None:
    """Where split edges (the first) become equal ones (the second), or the other way round."""
    x = np.array([frame["x"] for frame in one["frames"]], dtype=np.float64)
    if len(np.unique(x)) < 2:
        return None
    return switch_along(x, np.array([frame["by_scale"] for frame in one["frames"]], dtype=np.float64).T)


def _view(one: Found, gallery: Gallery) -> SplittingView:
    """View of one question."""
    edges, column = " and ".join(one["edges"]), clean(one["column"], 60)
    heading = f"Edges {edges} of {clean(one['structure'], 60)} along {column}"
    turn = _switch(one)
    if turn is None:
        return SplittingView(heading, (f"Nothing is told: {clean(one['reason'] or 'too few patterns', 300)}.",))
    figure = edges_figure(
        column, np.array([frame["x"] for frame in one["frames"]]), np.array([frame["mean"] for frame in one["frames"]]),
        np.array([frame["gap"] for frame in one["frames"]]), np.array([frame["log_odds"] for frame in one["frames"]]),
        turn.interval() if _turns(turn) else None,
    )  # fmt: skip
    shown = gallery.add(f"edges+{one['name']}", figure, heading)
    return SplittingView(heading, (_sentence(one, turn), *_beside(one)), shown, _table(one))


def _turns(turn: Switch) -> bool:
    """Whether a turn is the most probable case."""
    return max(CASES, key=lambda case: turn.probability[case]) in CASES[2:]


def _sentence(one: Found, turn: Switch) -> str:
    """What is the most probable, and where."""
    case = max(CASES, key=lambda name: turn.probability[name])
    first, last = one["frames"][0]["x"], one["frames"][-1]["x"]
    edges = " and ".join(one["edges"])
    over = f"from {plain(first)} to {plain(last)}"
    words = {
        CASES[0]: f"The edges {edges} are different {over}",
        CASES[1]: f"The edges {edges} are equal {over}, as far as these patterns tell",
    }
    low, high = turn.interval()
    place = f"a transition between {plain(low)} and {plain(high)} (95 %; the ends are patterns)"
    words[CASES[2]] = f"The edges {edges} are different below and equal above {place}"
    words[CASES[3]] = f"The edges {edges} are equal below and different above {place}"
    return f"{words[case]}, with probability {probability_words(turn.probability[case])}."


def _beside(one: Found) -> list[str]:
    """Whether other phases are there: each pattern as likely as not to have them."""
    said = []
    for name in list(one["frames"][0]["worth"])[1:]:
        each = np.array([frame["worth"][name] for frame in one["frames"]], dtype=np.float64)
        total = float((np.logaddexp(0.0, each) - np.log(2.0)).sum())
        said.append(f"{clean(name, 60)} adds {plain(float(each.min()), 2)} to {plain(float(each.max()), 2)} nats to a "
                    f"pattern; to the series, in any of which it may be, {plain(total, 3)} nats.")  # fmt: skip
    return said


def _table(one: Found) -> Table:
    """Edges pattern by pattern; patterns that are for split edges in bold."""
    difference, mean = minus("-".join(one["edges"])), f"mean of {' and '.join(one['edges'])}"
    third = [f"{edge} (Å)" for edge in "abc" if edge not in one["edges"] and one["frames"][0]["third"]]
    heads = (clean(one["column"], 30), "pattern", "for split edges (nats)", f"|{difference}| (Å)", "95 %",
             f"{one['edges'][0]} is longer", f"{mean} (Å)", *third)  # fmt: skip
    rows = []
    for frame in one["frames"]:
        middle, low, high = frame["gap"]
        spread = 0.25 * (high - low)
        cells = (Cell(plain(frame["x"], 6)), Cell(frame["measurement"], "name"), Cell(nats(frame["log_odds"])),
                 Cell(to_error(middle, spread)), Cell(between(low, high, spread)),
                 Cell(probability(frame["first_longer"])), Cell(plus_minus(*frame["mean"])))  # fmt: skip
        rows.append((*cells, *(Cell(plus_minus(*pair)) for pair in frame["third"])))
    return Table(heads, tuple(rows), frozenset(k for k, frame in enumerate(one["frames"]) if frame["log_odds"] > 0.0))
