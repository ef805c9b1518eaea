"""Plain sentences: the answer of every question first, its uncertainty, and whether it can be believed.

Decides words and thresholds of words; computes no new number but shares of areas. Nothing is called reliable that
the diagnostics of every candidate in the running do not carry, and no candidate is named without its probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesbeam.report.curves import Array, Draws, Fit
from bayesbeam.report.misfit_words import misfit_doubts
from bayesbeam.report.numbering_words import doubts
from bayesbeam.report.phase_words import details as phase_details
from bayesbeam.report.phase_words import reservations
from bayesbeam.report.phase_words import sentence as phase_sentence
from bayesbeam.report.records import Candidate, MeasurementResult
from bayesbeam.report.residuals import alike
from bayesbeam.report.terms_words import terms_line
from bayesbeam.report.text import (
    fixed,
    known,
    listed,
    number_word,
    plus_minus,
    pretty_unit,
    probability,
    probability_words,
)
from bayesbeam.report.weighed import extra_phases, named_words, weighed_of, weighed_words

# Parameters that an answer names: where lines and edges lie, and what that says.
PLACES = ("position", "splitting", "isomer_shift", "quadrupole_splitting", "field")
SURE, LIKELY, NOTABLE, IN_THE_RUNNING = 0.95, 0.75, 0.25, 0.01

_MOST_VALUES = 6

GOOD, CHECK, BAD, GONE = "reliable", "with reservations", "not reliable", "refused"
KINDS = {GOOD: "good", CHECK: "check", BAD: "bad", GONE: "gone"}


@dataclass(frozen=True)
class Answer:
    """One line of the first section."""

    id: str
    name: str
    verdict: str
    sentence: str
    details: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    subject: str = ""
    about: str = ""  # what the details hold for, where the answer is not one candidate
    decided: bool = True

    @property
    def kind(self) -> str:
        """Colour of the badge."""
        return KINDS[self.verdict]


def candidate_label(one: Candidate, among: Sequence[Candidate]) -> str:
    """Short name of a candidate in tables and figures: ``K = 3``, with its family where there are several."""
    families = {other.candidate for other in among}
    if one.count is None:
        return one.candidate
    return f"K = {one.count}" if len(families) == 1 else f"{one.candidate}, K = {one.count}"


def family_title(one: Candidate) -> str:
    """Title of a candidate without its count, else its name."""
    return (one.title or one.candidate).removesuffix(f", K = {one.count}")


def candidate_words(one: Candidate, among: Sequence[Candidate]) -> str:
    """Name of a candidate in a sentence: ``three components``, with its family where there are several."""
    family = family_title(one)
    if one.count is None:
        return f"“{family}”"
    if isinstance(one.count, tuple):
        words = listed([f"{number_word(count) if count else 'no'} {part}" for part, count in one.counts.items()])
    else:
        number = number_word(one.count) if one.count else "no"
        words = f"{number} {'component' if one.count == 1 else 'components'}"
    return words if len({other.candidate for other in among}) == 1 else f"“{family}” with {words}"


def measurement_answer(result: MeasurementResult, draws: Draws | None = None, fit: Fit | None = None) -> Answer:
    """Answer for one measurement; ``draws`` and ``fit`` are of its best candidate."""
    if not result.candidates:
        reason = result.refusal or "no result"
        return Answer(result.id, result.name, GONE, "not analysed.", reasons=(reason,))
    # Misfits of a powder pattern are part of its noise, alike within a line.
    memory = alike(fit.residuals) if fit is not None and result.best.phases is None else None
    verdict, reasons = judged(result, memory)
    details = [*_physics(result.best, draws), *terms_line(result.best), *_fit_words(result)]
    said = choice(result.ranked)
    if result.best.phases is not None:
        details = [*phase_details(result.best.phases), *_weighed(result), *_other_searches(result)]
        said = phase_sentence(result.best.phases)
    sentence = said if verdict != BAD else f"as computed, {said}"
    details += [*_end_of_range(result.ranked), *doubts(result.best.numbering)]
    decided = len(result.candidates) == 1 or (result.best.model_probability or 0.0) >= LIKELY
    about = "" if decided or not details else f"with {candidate_words(result.best, result.ranked)}:"
    return Answer(
        result.id,
        result.name,
        verdict,
        sentence,
        tuple(details),
        tuple(reasons),
        result.about,
        about,
        decided,
    )


def _weighed(result: MeasurementResult) -> list[str]:
    """What was found against what was weighed in or is named, where that is known."""
    assert result.best.phases is not None
    extras = [str(one["name"]) for one in extra_phases(result, result.best.phases)]
    words = weighed_words(weighed_of(result, result.best.phases), extras)
    named = named_words(result, result.best.phases)
    return [one for one in (words, named) if one]


def _other_searches(result: MeasurementResult) -> list[str]:
    """What other candidates find of phases, and how probable all of them are, where there are several."""
    if len(result.candidates) == 1:
        return []
    found = [f"{one.candidate}: {phase_sentence(one.phases)}" for one in result.ranked[1:] if one.phases is not None]
    return [f"shown is {choice(result.ranked)}", *found]


def choice(ranked: Sequence[Candidate]) -> str:
    """Which candidate, how probable, and what comes next."""
    first = ranked[0]
    words = candidate_words(first, ranked)
    if len(ranked) == 1:
        return f"{words}; no other candidate was asked, so nothing was chosen."
    value = first.model_probability or 0.0
    odds = f"probability {probability_words(first.model_probability, first.probability_error)}"
    if value < LIKELY:
        rivals = [_with_odds(one, ranked) for one in _rivals(ranked)]
        return f"undecided between {listed(rivals)}."
    following = ranked[1]
    odds_of_next = probability(following.model_probability, following.probability_error)
    then = f"next: {candidate_words(following, ranked)}, {odds_of_next}"
    return f"{'' if value >= SURE else 'probably '}{words} ({odds}; {then})."


def _end_of_range(ranked: Sequence[Candidate]) -> list[str]:
    """Remarks where the largest count that was asked is in the running: a larger one may be better."""
    family = [one for one in ranked if one.candidate == ranked[0].candidate and one.count is not None]
    places = range(len(_numbers(family[0]))) if len(family) > 1 else range(0)
    names = list(ranked[0].counts) if len(places) > 1 else []
    found = []
    for place in places:
        asked = {_numbers(one)[place] for one in family}
        last = max(asked)
        share = sum(one.model_probability or 0.0 for one in family if _numbers(one)[place] == last)
        if len(asked) > 1 and (_numbers(ranked[0])[place] == last or share >= NOTABLE):
            of = f" of {names[place]}" if names else ""
            found.append(f"{number_word(last)} is the largest count{of} that was asked: larger ones were not compared")
    return found


def _numbers(one: Candidate) -> tuple[int, ...]:
    """Count or counts of a candidate."""
    return one.count if isinstance(one.count, tuple) else () if one.count is None else (one.count,)


def _with_odds(one: Candidate, ranked: Sequence[Candidate]) -> str:
    """Candidate with its probability in brackets."""
    return f"{candidate_words(one, ranked)} ({probability(one.model_probability, one.probability_error)})"


def _rivals(ranked: Sequence[Candidate]) -> Sequence[Candidate]:
    """Most probable candidates that share nine tenths, at least two and at most four."""
    total = 0.0
    for place, one in enumerate(ranked[:4]):
        total += one.model_probability or 0.0
        if total >= 0.9 and place > 0:
            return ranked[: place + 1]
    return ranked[:4]


def judged(result: MeasurementResult, memory: float | None = None) -> tuple[str, list[str]]:
    """Verdict on the answer of a measurement and the reasons for less than reliable.

    ``memory`` is the autocorrelation of neighbouring residuals of the best candidate, None where it does not matter.
    """
    ranked = result.ranked
    running = [one for one in ranked if one is ranked[0] or (one.model_probability or 0.0) >= IN_THE_RUNNING]
    failed = [one for one in running if not one.reliable]
    reasons = [f"{candidate_label(one, ranked)}: {'; '.join(one.reasons) or 'no reason given'}" for one in failed]
    doubts = [
        *_doubts(ranked, running),
        *misfit_doubts(result, running, memory),
        *(reservations(result.best.phases) if result.best.phases is not None else []),
        *(f"{tag or 'a candidate'} was refused: {why}" for tag, why in result.left_out),
    ]
    if failed:
        return BAD, reasons + doubts
    return (CHECK, doubts) if doubts else (GOOD, [])


def _doubts(ranked: Sequence[Candidate], running: Sequence[Candidate]) -> list[str]:
    """Reservations that leave the numbers standing."""
    doubts = []
    far = [one for one in ranked if not one.reliable and one not in running]
    if far:
        names = listed([candidate_label(one, ranked) for one in far])
        doubts.append(f"{names}: far behind by its free energy, which itself is not reliable")
    return doubts


def _physics(best: Candidate, draws: Draws | None) -> list[str]:
    """Shares of areas and positions of the best candidate."""
    lines = []
    shares = area_shares(draws) if draws is not None else None
    if shares is not None:
        lines.append(shares)
    for word in PLACES:
        rows = [row for row in best.parameters if row.name.rpartition(".")[2] == word and known(row.mean)]
        free = [row for row in rows if row.sd]
        if free and len(free) <= _MOST_VALUES:
            unit = pretty_unit(free[0].unit)
            values = listed([plus_minus(row.mean, row.sd) for row in free])
            words = word.replace("_", " ")
            lines.append(f"{words}{'s' if len(free) > 1 else ''} {values}{' ' + unit if unit else ''}")
    return lines + _coefficients(best)


def _coefficients(best: Candidate) -> list[str]:
    """Coefficients of the columns of a regression, where they are few."""
    rows = [row for row in best.parameters if row.name.endswith(".coefficient") and row.sd]
    if not rows or len(rows) > _MOST_VALUES:
        return []
    units = [pretty_unit(row.unit.partition("/[")[0]) for row in rows]  # of a column without a unit: nm/[column]
    said = [f"{row.part} {plus_minus(row.mean, row.sd)} {unit}".rstrip() for row, unit in zip(rows, units, strict=True)]
    return [f"coefficient{'s' if len(rows) > 1 else ''}, a unit of the column: {listed(said)}"]


def area_shares(draws: Draws) -> str | None:
    """Areas of the peaks as shares of a hundred: ``areas 61 : 20 : 19 (±1)``; None where there is nothing to share."""
    places = [
        place
        for place, one in enumerate(draws.columns)
        if one.name.rpartition(".")[2] == "area" and one.kind == "derived"
    ]
    if not 2 <= len(places) <= 8 or len({draws.columns[place].unit for place in places}) > 1:
        return None
    areas = np.stack([draws.flat(place) for place in places])
    total = areas.sum(axis=0)
    if not np.all(total > 0):
        return None
    shares: Array = 100 * areas / total
    means, spreads = shares.mean(axis=1), shares.std(axis=1)
    decimals = 0 if spreads.max() >= 0.5 else 1
    errors = [fixed(max(float(one), 10.0**-decimals), decimals) for one in spreads]
    shown = f"±{errors[0]}" if len(set(errors)) == 1 else ", ".join(f"±{one}" for one in errors)
    return f"areas {' : '.join(fixed(float(one), decimals) for one in means)} of 100 ({shown})"


def _fit_words(result: MeasurementResult) -> list[str]:
    """Noise level and the check against the data."""
    best, lines = result.best, []
    sigma = best.noise.get("sigma_mean")
    if known(sigma):
        unit = pretty_unit(result.measurement.y_unit) if result.measurement else ""
        given = "" if best.noise.get("sigma_sd") else " (given)"
        lines.append(f"noise {plus_minus(sigma, best.noise.get('sigma_sd'))}{' ' + unit if unit else ''}{given}")
    return lines


def overview(
    answers: Sequence[Answer], groups: Sequence[Answer], measurements: int = 0, questions: Sequence[Answer] = ()
) -> str:
    """One sentence over everything: how many of which verdict; of more ``measurements`` only some have answers."""
    counted = [(word, sum(one.verdict == word for one in answers)) for word in (GOOD, CHECK, BAD, GONE)]
    words = listed([f"{count} {word}" for word, count in counted if count])
    total = len(answers)
    head = f"{number_word(total).capitalize()} measurement{'' if total == 1 else 's'}"
    if measurements > total:
        head = f"{measurements} measurements, {number_word(total)} of them one by one"
    kinds = (groups, "of integration"), (questions, "before there are data")
    tail = [f"; {number_word(len(one))} question{'' if len(one) == 1 else 's'} {kind}" for one, kind in kinds if one]
    return f"{head}: {words}{''.join(tail)}."
