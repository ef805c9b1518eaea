"""The live page: what has arrived, what is at work, what was chosen, and how quantities move; made anew often.

Decides what the page says of each measurement and which figures it has; who makes it when is for ``launch``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bayesbeam.report.gallery import Gallery
from bayesbeam.report.loading import load_results
from bayesbeam.report.many import Judged, judged_all
from bayesbeam.report.page import render_live
from bayesbeam.report.records import Facts, Results
from bayesbeam.report.series_view import SeriesView, series_views
from bayesbeam.report.style import figure_style
from bayesbeam.report.text import clean, probability
from bayesbeam.report.wording import CHECK, KINDS

ARRIVAL = "arrival"
MOST_SERIES, MOST_ROWS = 6, 400


@dataclass(frozen=True)
class LiveRow:
    """One measurement or file: its name, what is known of it, and the words of its state.

    ``kind`` is a class of badges: good, check, bad, gone (refused or left out) or open (not finished).
    """

    name: str
    kind: str
    state: str
    chosen: str = ""
    probability: str = ""
    words: str = ""


@dataclass(frozen=True)
class Night:
    """What the page is about, besides results.

    Attributes
    ----------
    waiting : sequence of str
        Files that landed and that no run has taken yet.
    aside : sequence of str
        Files that make no measurement, with the reason.
    running : bool
        Whether a run is at work; ``jobs`` is what its jobs say of themselves.
    trouble : str
        What keeps the runs from their end, in words; empty if nothing does.
    changed : frozenset of str
        Measurements whose file is newer than what is known of it.
    now : str
        Time of the page.
    every_s : int
        After how many seconds the page loads itself again; 0 when nobody looks for files any more.
    """

    waiting: Sequence[str] = ()
    aside: Sequence[str] = ()
    running: bool = False
    jobs: Sequence[str] = ()
    trouble: str = ""
    changed: frozenset[str] = frozenset()
    now: str = ""
    every_s: int = 5


class LiveResults:
    """Results as they come, read anew only where a file has changed.

    Parameters
    ----------
    results : Path
        Results folder of the campaign.
    """

    def __init__(self, results: Path) -> None:
        self._folder = results
        self._known: dict[str, tuple[tuple[int, tuple[str, ...]], tuple[Judged, ...]]] = {}

    def of(self, facts: Facts, batches: Mapping[str, Sequence[str]]) -> dict[str, Judged]:
        """Return the results of measurements whose batch has a summary, with their verdicts.

        Raises
        ------
        StoreError
            If a file is there but is no result file.
        """
        found: dict[str, Judged] = {}
        for batch, ids in batches.items():
            path = self._folder / "free_energy" / f"{batch}.json"
            try:
                mark = (path.stat().st_mtime_ns, tuple(ids))
            except OSError:
                continue
            known = self._known.get(batch)
            if known is None or known[0] != mark:
                some = replace(facts, measurements=tuple(ids), groups=(), series=(), studies=(), splittings=())
                known = (mark, judged_all(load_results(some, self._folder)))
                self._known[batch] = known
            found |= {one.result.id: one for one in known[1]}
        return found


def live_page(facts: Facts, found: Mapping[str, Judged], night: Night, report: str) -> str:
    """HTML of the live page.

    Parameters
    ----------
    facts : Facts
        Names of the campaign, measurements in the order of its sheet.
    found : mapping of id to Judged
        What is known so far.
    night : Night
        All else.
    report : str
        Link to the report, empty where there is none yet.
    """
    rows = [row_of(name, found.get(name), night) for name in facts.measurements]
    rows = [LiveRow(clean(name, 120), "open", "waits for the next run") for name in night.waiting] + rows[::-1]
    left = [LiveRow(*_split(words)) for words in night.aside]
    counts = {
        "measured": sum(row.kind in ("good", "check", "bad") for row in rows),
        "refused": sum(row.kind == "gone" for row in rows),
        "open": sum(row.kind == "open" for row in rows),
        "left": len(left),
    }
    # What needs eyes stays, of the others the last ones: a browser loads the page again every few seconds.
    shown = [row for place, row in enumerate(rows) if place < MOST_ROWS or row.kind in ("bad", "gone")][: 2 * MOST_ROWS]
    return render_live(
        facts.title or facts.campaign, facts.campaign, rows=shown, hidden=len(rows) - len(shown), left=left,
        counts=counts, trends=trends(facts, found), night=night, report=report,
    )  # fmt: skip


def row_of(name: str, known: Judged | None, night: Night) -> LiveRow:
    """Row of one measurement of the sheet."""
    if known is None or name in night.changed:
        return LiveRow(name, "open", "at work" if night.running else "not finished")
    words = clean("; ".join(known.reasons), 300)
    if not known.result.candidates:
        return LiveRow(name, KINDS[known.verdict], known.verdict, words=words)
    best = known.result.best
    odds = probability(best.model_probability, best.probability_error)
    kind, state = KINDS[known.verdict], known.verdict
    if kind == "good" and not known.decided:
        kind, state = KINDS[CHECK], "undecided"
    return LiveRow(name, kind, state, clean(best.tag, 60), odds, words)


def trends(facts: Facts, found: Mapping[str, Judged]) -> list[SeriesView]:
    """Views of the series that the campaign asks for; without, along every column of numbers and along the arrival."""
    number = {name: float(place) for place, name in enumerate(facts.measurements, start=1)}
    members = []
    for name in facts.measurements:
        known = found.get(name)
        result = known.result if known is not None else None
        if result is None or not result.candidates or result.measurement is None:
            continue
        if not facts.series:
            columns = {**result.measurement.metadata, ARRIVAL: number[name]}
            result = replace(result, measurement=replace(result.measurement, metadata=columns))
        members.append(result)
    asked = replace(facts, groups=(), series=tuple(replace(one, laws=()) for one in facts.series))
    with TemporaryDirectory() as folder, figure_style():
        views = series_views(Results(asked, tuple(members), ()), Gallery(Path(folder)))
    return [one for one in views if one.trends is not None or one.selection is not None][:MOST_SERIES]


def _split(words: str) -> tuple[str, str, str, str, str, str]:
    """Row of a file that was left out, from its message."""
    name, _, reason = words.partition(": ")
    return clean(name, 120), "gone", "left out", "", "", clean(reason, 300)
