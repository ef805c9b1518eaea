"""Plain sentences on which sharing of a group is the most probable one, and on who disagrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bayesbeam.report.records import GroupResult
from bayesbeam.report.sharing import ALL, NONE, PATTERN, SharingRow, best_sharing, conflict_rows, sharing_rows
from bayesbeam.report.text import listed, plain, plus_minus, pretty_unit, probability_words
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
    gain = plus_minus(best.gain, best.gain_standard_error)
    tail = "" if best.kind == NONE else f"; free energy lower by {gain} nats than apart"
    return f"{_what(result, best)} (probability among {_count(result)} {odds}{tail})."


def is_sure(result: GroupResult) -> bool:
    """Whether one sharing is probable enough to be called the answer."""
    return (best_sharing(sharing_rows(result)).probability or 0.0) >= SURE


def conflict_sentences(result: GroupResult) -> tuple[str, ...]:
    """Measurements that disagree with the others, in what and by how much; one sentence where none does."""
    rows = conflict_rows(result)
    found = dict.fromkeys(str(one["measurement"]) for one in rows if float(one["p_value"]) < _TENSE / _members(rows))
    worst = [max((one for one in rows if one["measurement"] == name), key=_size) for name in found]
    if rows and not worst:
        least = min(rows, key=lambda one: float(one["p_value"]))
        return (
            f"No measurement disagrees with the others: the largest tension is that of {least['measurement']} "
            f"(p = {plain(float(least['p_value']), 2)}).",
        )
    return tuple(_sentence(result, one) for one in sorted(worst, key=lambda one: float(one["p_value"])))


def _sentence(result: GroupResult, one: Mapping[str, Any]) -> str:
    """One measurement that disagrees."""
    row = result.best_row
    units = {r.name: r.unit for r in row.parameters if r.measurement is None} if row is not None else {}
    unit = pretty_unit(units.get(str(one["parameter"]), ""))
    spread = (float(one["sd"]) ** 2 + float(one["rest_sd"]) ** 2) ** 0.5
    apart = plus_minus(float(one["difference"]), spread)
    gain = plus_minus(float(one["gain"]), float(one["gain_standard_error"]))
    guess = ", a guess" if one.get("doubt") else ""
    return (
        f"{one['measurement']} disagrees with the others most in {one['parameter']}: it lies {apart}"
        f"{' ' + unit if unit else ''} from theirs, {plain(abs(float(one['tension'])), 2)} standard errors; leaving it "
        f"out lowers the free energy by {gain} nats{guess}."
    )


def _members(rows: Sequence[Mapping[str, Any]]) -> int:
    """Number of measurements."""
    return len({one["measurement"] for one in rows})


def _size(one: Mapping[str, Any]) -> float:
    """Size of a tension."""
    return abs(float(one["tension"]))


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


def _short(words: Sequence[str]) -> str:
    """Parameters without their parts, unless two parts have one of the same name."""
    short = [one if " " in one else one.rpartition(".")[2] for one in words]
    return listed(short if len(set(short)) == len(short) else list(words))
