"""Plain sentences on which sharing of a group is the most probable one, and on who disagrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bayesbeam.report.records import GroupResult
from bayesbeam.report.sharing import (
    ALL,
    NONE,
    PATTERN,
    SharingRow,
    best_sharing,
    parameter_of,
    sharing_rows,
    worst_conflicts,
)
from bayesbeam.report.text import listed, nats, plain, plus_minus, probability_words
from bayesbeam.report.wording import SURE

MOST_NAMES = 12
_TENSE = 0.01


def sharing_sentence(result: GroupResult) -> str:
    """Most probable sharing in words, its odds and its gain; or that none is probable enough, and the first two."""
    rows = sharing_rows(result)
    ranked = sorted(rows, key=lambda one: -(one.probability or 0.0))
    best = ranked[0]
    odds = probability_words(best.probability, best.probability_error)
    if (best.probability or 0.0) < SURE:
        others = f"; next: {_what(result, ranked[1])} (probability {_odds(ranked[1])})" if len(ranked) > 1 else ""
        return (
            f"undecided among {_count(result)}: most probable is to {_what(result, best)} (probability {odds}){others}."
        )
    gain = nats(best.gain, best.gain_standard_error)
    tail = "" if best.kind == NONE else f"; free energy lower by {gain} nats than apart"
    return f"{_what(result, best)} (probability among {_count(result)} {odds}{tail})."


def is_sure(result: GroupResult) -> bool:
    """Whether one sharing is probable enough to be called the answer."""
    return (best_sharing(sharing_rows(result)).probability or 0.0) >= SURE


def conflict_sentences(result: GroupResult) -> tuple[str, ...]:
    """Measurements that disagree with the others, in what and by how much; one sentence where none does."""
    rows = worst_conflicts(result)
    tense = [one for one in rows if float(one["p_value"]) < _TENSE / len(rows)]
    if rows and not tense:
        return (
            f"No measurement disagrees with the others: the largest tension is that of {rows[0]['measurement']} "
            f"(p = {plain(float(rows[0]['p_value']), 2)}).",
        )
    return tuple(_sentence(result, one) for one in tense)


def _sentence(result: GroupResult, one: Mapping[str, Any]) -> str:
    """One measurement that disagrees."""
    name, unit = parameter_of(result, one)
    spread = (float(one["sd"]) ** 2 + float(one["rest_sd"]) ** 2) ** 0.5
    apart = plus_minus(float(one["difference"]), spread)
    gain, error = float(one["gain"]), float(one["gain_standard_error"])
    does = f"{'lowers' if gain >= 0 else 'raises'} the free energy by {nats(abs(gain), error)} nats"
    guess = ", a guess" if one.get("doubt") else ""
    return (
        f"{one['measurement']} disagrees with the others most in {name}: it lies {apart}"
        f"{' ' + unit if unit else ''} from theirs, {plain(abs(float(one['tension'])), 2)} standard errors; leaving it "
        f"out {does}{guess}."
    )


def _count(result: GroupResult) -> str:
    """How many sharings were compared."""
    return f"{int(result.sharing.get('compared') or len(sharing_rows(result)))} sharings"


def _odds(one: SharingRow) -> str:
    """Probability in words."""
    return probability_words(one.probability, one.probability_error)


def _what(result: GroupResult, one: SharingRow) -> str:
    """What to do."""
    everyone = _names(result.measurements)
    if one.kind == NONE:
        return f"keep {everyone} apart"
    if one.kind == ALL:
        return f"integrate {everyone}: one common {_short(one.shared)} describes all"
    if one.kind == PATTERN:
        own = [name for name in result.shared if name not in one.shared]
        return f"integrate {everyone} in part: {_short(one.shared)} in common, {_short(own)} of each its own"
    together = [_names(block) for block in one.blocks if len(block) > 1]
    alone = [block[0] for block in one.blocks if len(block) == 1]
    apart = f", keep {_names(alone)} apart" if alone else ""
    return f"integrate {' and, by themselves, '.join(together)}{apart}: {_short(result.shared)} in common within each"


def _names(names: Sequence[str]) -> str:
    """Names of measurements, many as a number."""
    return listed(list(names)) if len(names) <= MOST_NAMES else f"{len(names)} measurements"


def short_names(words: Sequence[str]) -> list[str]:
    """Parameters without their parts, unless two parts have one of the same name."""
    words = [one.replace(" as ", " = ") for one in words]  # tied by a formula
    short = [one if " " in one else one.rpartition(".")[2] for one in words]
    return short if len(set(short)) == len(short) else list(words)


def _short(words: Sequence[str]) -> str:
    """Parameters in a sentence."""
    return listed(short_names(words))
