"""Plain sentences on integration: together or apart, how sure, and what it brought."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bayesbeam.report.records import GroupResult, GroupRow, Results
from bayesbeam.report.sharing import ALL, NONE, best_sharing, is_refused, is_richer, rows_alone, sharing_rows
from bayesbeam.report.sharing_words import conflict_sentences, is_sure, sharing_sentence, short_names
from bayesbeam.report.text import NOTHING, known, listed, nats, plain, plus_minus, pretty_unit, probability_words
from bayesbeam.report.wording import BAD, CHECK, GONE, GOOD, SURE, Answer

_MOST_OWN = 8


def group_answer(result: GroupResult, everything: Results, alone: Mapping[str, Answer]) -> Answer:
    """Answer for one group: integrate or keep apart, how sure, and what it brought.

    Parameters
    ----------
    alone : mapping of str to Answer
        Answers of the measurements by their ids; their reservations are inherited.
    """
    row = result.best_row
    if row is None:
        return Answer(result.id, result.id, GONE, "not integrated.", reasons=(result.refusal or "no result",))
    richer = is_richer(result)
    sentence = sharing_sentence(result) if richer else _decision_words(result, row, everything)
    reasons = _reasons(result, row)
    failed = bool(reasons)
    inherited = _inherited(result, alone)
    if failed:
        sentence = f"no decision, since a run behind it is not reliable; as computed, {sentence}"
    verdict = BAD if failed else CHECK if inherited else GOOD
    all_share = not is_refused(result) and (not richer or best_sharing(sharing_rows(result)).kind == ALL)
    details = (
        *(_narrowing(result, everything) if all_share else ()),
        *own_sentences(result),
        *(conflict_sentences(result) if len(result.measurements) > 2 else ()),
    )
    alone_decided = _decision(_compared(result, "probability", row.probability)) is not None
    decided = is_sure(result) if richer else alone_decided
    return Answer(result.id, result.id, verdict, sentence, details, tuple(reasons or inherited), decided=decided)


def _reasons(result: GroupResult, row: GroupRow) -> list[str]:
    """Why the decision does not stand: a run behind the most probable sharing, or all together, is not reliable."""
    best = best_sharing(sharing_rows(result)) if is_richer(result) else None
    if best is not None and best.reliable and best.kind not in (NONE, ALL):
        return []
    found = row.reasons if best is None or best.reliable else (*best.reasons, *row.reasons)
    failed = row.verdict != GOOD or (best is not None and not best.reliable)
    return [f"{row.tag}: {one}" for one in dict.fromkeys(found) or ("no reason given",)] if failed else []


def _decision_words(result: GroupResult, row: GroupRow, everything: Results) -> str:
    """Integrate, keep apart or undecided, with the odds and the difference of free energies."""
    share = _compared(result, "probability", row.probability)
    gain, error = _compared(result, "gain", row.gain), _compared(result, "gain_standard_error", row.gain_standard_error)
    names = listed([_name(everything, one) for one in result.measurements])
    shared = listed(short_names(result.shared))
    odds = probability_words(share, _compared(result, "probability_error", row.probability_error))
    all_of_them = "both" if len(result.measurements) == 2 else "all of them"
    distance = nats(abs(gain), error) if gain is not None else NOTHING
    side = "lower" if gain is None or gain >= 0 else "higher"
    tail = f"probability of integration {odds}; free energy {side} by {distance} nats"
    decision = _decision(share)
    if decision is None:
        return f"undecided whether one common {shared} describes {names} ({tail})."
    if decision:
        return f"integrate {names}: one common {shared} describes {all_of_them} ({tail})."
    return f"keep {names} apart: no common {shared} describes {all_of_them} ({tail})."


def _compared(result: GroupResult, key: str, other: float | None) -> float | None:
    """Number of the comparison of the best with the best, else of the row."""
    value = result.best.get(key)
    return value if known(value) else other


def _name(everything: Results, measurement: str) -> str:
    """Id of a measurement, which is short enough for a sentence."""
    found = everything.measurement(measurement)
    return found.id if found is not None else measurement


def _decision(share: float | None) -> bool | None:
    """Whether to integrate, None where the odds do not say."""
    if share is None or not known(share):
        return None
    return True if share >= SURE else False if share <= 1 - SURE else None


def _inherited(result: GroupResult, alone: Mapping[str, Answer]) -> list[str]:
    """Reservations from members whose own answer does not stand, or has its own."""
    found = {name: alone[name].verdict for name in result.measurements if name in alone}
    doubts = [
        f"{name} alone is not reliable, and the comparison rests on it" for name, one in found.items() if one == BAD
    ]
    limited = [name for name, one in found.items() if one == CHECK]
    return doubts + ([f"{listed(limited)} alone: see the reservations there"] if limited else [])


def _narrowing(result: GroupResult, everything: Results) -> list[str]:
    """Shared parameters together, and alone where a measurement has them."""
    row = result.best_row
    shared = [] if row is None else [one for one in row.parameters if one.measurement is None and one.sd]
    lines = []
    for one in [one for one in shared if one.kind == "parameter"][:4]:
        moved = next((made for made in result.own.values() if one.name in made["moves"]), None)
        if moved is not None and not moved["reference"]:
            continue
        found = rows_alone(result, everything, one, moved["reference"] if moved is not None else "")
        alone = min(found, key=lambda row: row.sd or math.inf, default=None)
        unit = pretty_unit(one.unit)
        if alone is None or not alone.sd or not one.sd:  # as a constant of a formula, which no measurement has alone
            lines.append(f"{one.label}: {plus_minus(one.mean, one.sd)}{' ' + unit if unit else ''}")
            continue
        factor = f"{plain(alone.sd / one.sd, 2)} times wider" if alone.sd > one.sd else "no wider"
        who = f"{moved['reference']} alone" if moved is not None else "best single measurement"
        lines.append(
            f"{one.label}: {plus_minus(one.mean, one.sd)}{' ' + unit if unit else ''}; {who} "
            f"{plus_minus(alone.mean, alone.sd)} ({factor})"
        )
    return lines


def own_sentences(result: GroupResult) -> tuple[str, ...]:
    """Offsets or factors of the measurements; of many, the range of their means."""
    row = result.best_row
    found = []
    for name, made in result.own.items():
        everyone = row.parameters if row is not None else ()
        rows = [one for one in everyone if one.name == name and one.measurement and known(one.mean)]
        rows = [one for one in rows if one.measurement != made["reference"]]
        if not rows:
            continue
        unit = pretty_unit(rows[0].unit)
        label = {"offset": "Offset", "scale": "Factor"}[made["kind"]]
        of = f"{label} of {listed(list(made['moves']))}"
        against = f", from {made['reference']}" if made["reference"] else ""
        if len(rows) > _MOST_OWN:
            means = [one.mean for one in rows if one.mean is not None]
            told = f"means from {plain(min(means), 3)} to {plain(max(means), 3)}, see the table of parameters"
        else:
            told = listed([f"{one.measurement} {plus_minus(one.mean, one.sd)}" for one in rows])
        found.append(f"{of}{against}: {told}{' ' + unit if unit else ''}.")
    return tuple(found)
