"""Sentences on the phases of a powder: which are there and how much of each, and whether something else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bayesbeam.report.text import duration, fixed, known, listed, plain, plus_minus, probability, probability_words

PRESENT, TRACE = "present", "possible trace"
RELIABLE = "reliable"
MOST_IN_A_SENTENCE = 8
# Probabilities from which a phase is there rather than not, and which matter at all.
LIKELY, NOTABLE = 0.5, 0.05
# Change of a probability by the model error that is worth a word although it stays on its side.
_MOVES = 0.25
_SURE = 0.95
# Change of a probability that is none.
STILL = 5e-4
# What was sampled bears out the normal approximation within so many nats, standard deviations, and times an sd.
_NEAR_NATS, _NEAR_SD, _NEAR_RATIO = 1.0, 0.5, 1.5

Facts = Mapping[str, Any]
_OTHER_ERRORS = {
    "probability_half": "with half of it",
    "probability_double": "with twice as much",
    "probability_estimated": "with what the pattern tells of it",
}


def percent(summary: Facts | None) -> str:
    """Share of one as per cent with its standard deviation."""
    return plus_minus(*(100.0 * summary[word] for word in ("mean", "sd"))) if summary else "\u2013"


def phases_of(facts: Facts, kind: str) -> list[Facts]:
    """Phases of one kind, those of the greatest weight first."""
    return sorted((one for one in facts["phases"] if one["kind"] == kind), key=lambda one: -weight(one))


def weight(one: Facts) -> float:
    """Mean weight fraction, 0 where there is none."""
    return float((one.get("weight_fraction") or {}).get("mean") or 0.0)


def sentence(facts: Facts) -> str:
    """What is there, or that something of it is none of the candidates."""
    there, unknown = _there(facts), facts["unknown"]
    if unknown["open"]:
        return f"{_open(facts)}{f'; besides it {there}' if there else ''}."
    lines = len(unknown["lines"])
    rest = "nothing is unexplained" if not lines else f"{_lines(lines)} at {_place(unknown)} unexplained"
    return f"{there or 'none of the candidates is seen'}; {rest}."


def _there(facts: Facts) -> str:
    """Phases that are there with their weight fractions, and families of which one is."""
    present = phases_of(facts, PRESENT)
    names = [listed([one["name"], *_look_alikes(facts, one)], "or") for one in present]
    alone = len(present) == 1 and not phases_of(facts, TRACE) and not facts["unknown"]["open"]
    words = [f"{name} ({percent(one['weight_fraction'])} wt %)" for name, one in zip(names, present, strict=True)]
    words = [f"{names[0]} alone"] if alone else words
    if len(words) > MOST_IN_A_SENTENCE:
        words = [*words[:MOST_IN_A_SENTENCE], f"{len(words) - MOST_IN_A_SENTENCE} more"]
    named = {one["name"] for one in facts["phases"] if one["kind"] in (PRESENT, TRACE)}
    for family in facts["families"]:
        if family["probability"] > LIKELY and not named & set(family["members"]):
            words.append(f"one of {listed(_rivals(facts, family), 'or')}")
    return listed(words)


def _look_alikes(facts: Facts, one: Facts) -> list[str]:
    """Others of the family of a phase that may be there in its stead; what is there besides is none of them."""
    family = next((each for each in facts["families"] if one["name"] in each["members"]), None)
    odds = {each["name"]: each["probability"] for each in facts["phases"] if each["kind"] != PRESENT}
    return [name for name in family["members"] if odds.get(name, 0.0) >= NOTABLE] if family else []


def _rivals(facts: Facts, family: Facts) -> list[str]:
    """Members of a family that matter with their probabilities, the likeliest first."""
    odds = {one["name"]: one["probability"] for one in facts["phases"]}
    members = sorted((name for name in family["members"] if odds.get(name, 0.0) >= NOTABLE), key=lambda n: -odds[n])
    return [f"{name} ({probability(odds[name])})" for name in members] or list(family["members"])


def _open(facts: Facts) -> str:
    """That something is there which no candidate explains."""
    unknown, among = facts["unknown"], facts["library"]["candidates"]
    strongest = max(unknown["lines"], key=lambda one: one["z"], default=None)
    where = f", the clearest at {_at(strongest)}" if strongest else ""
    share = f", {plain(100.0 * unknown['share'], 2)} % of the intensity" if known(unknown.get("share")) else ""
    count = len(unknown["lines"])
    return f"something here is none of the {among} candidates: {count} lines that no phase explains{where}{share}"


def _lines(count: int) -> str:
    """Say how many lines are left."""
    return "one line is left" if count == 1 else f"{count} lines are left"


def _place(unknown: Facts) -> str:
    """Where the lines are that are left."""
    return listed([f"{one['two_theta']:.2f}\u00b0" for one in unknown["lines"]])


def _at(line: Facts) -> str:
    """Place and spacing of a line."""
    spacing = f" (d {line['d']:.3f} \u00c5)" if known(line.get("d")) else ""
    return f"{line['two_theta']:.2f}\u00b0{spacing}"


def reservations(facts: Facts) -> list[str]:
    """What speaks against taking the answer at its word, each a sentence without its stop."""
    found = []
    if facts["unknown"]["open"]:
        found.append(
            "the list of candidates is not complete: weight fractions are shares of the phases that were found,"
            " and phases found may stand for the missing one"
        )
    found += [*_traces(facts), *_undecided_families(facts), *_moved(facts)]
    return found + _disagreement(facts)


def _traces(facts: Facts) -> list[str]:
    """That phases may be there, but show too little."""
    traces = phases_of(facts, TRACE)
    if not traces:
        return []
    head = "possible trace" if len(traces) == 1 else "possible traces"
    return [
        f"{head}, with too few lines of {'its' if len(traces) == 1 else 'their'} own: {listed(_some(traces, _trace))}"
    ]


def _some(phases: Sequence[Facts], words: Callable[[Facts], str]) -> list[str]:
    """Words on the first phases, and how many more there are."""
    more = len(phases) - MOST_IN_A_SENTENCE
    return [words(one) for one in phases[:MOST_IN_A_SENTENCE]] + ([f"{more} more"] if more > 0 else [])


def _trace(one: Facts) -> str:
    """A phase that may be there, with what is known of it."""
    said = [f"probability {probability_words(one['probability'])}"]
    if one.get("weight_fraction"):
        said.insert(0, f"{percent(one['weight_fraction'])} wt %")
    if known(one.get("lines_seen")):
        said.append(f"{one['lines_seen']} of {one['lines_in_range']} lines")
    return f"{one['name']} ({', '.join(said)})"


def _undecided_families(facts: Facts) -> list[str]:
    """Families of which one is there, and the pattern does not say which."""
    odds = {one["name"]: one["probability"] for one in facts["phases"]}
    found = []
    for family in facts["families"]:
        notable = [name for name in family["members"] if odds.get(name, 0.0) >= NOTABLE]
        if family["probability"] > LIKELY and len(notable) > 1 and max(odds[name] for name in notable) < _SURE:
            found.append(f"the pattern does not tell {listed(_rivals(facts, family), 'from')}: they look alike")
    return found


def _moved(facts: Facts) -> list[str]:
    """Phases whose probability hangs on how wrong the model may be; those that are open anyhow are not told again."""
    moved = [one for one in facts["phases"] if one["kind"] != TRACE and any(_far(one["probability"], one.get(key))
             for key in _OTHER_ERRORS)]  # fmt: skip
    if not moved:
        return []
    return [f"probabilities hang on the model error: {listed(_some(moved, _changed))}"]


def _changed(one: Facts) -> str:
    """Probability of a phase, with what it becomes under other errors of the model."""
    said = [probability_words(one["probability"])]
    for key, words in _OTHER_ERRORS.items():
        value = one.get(key)
        said += [f"{probability_words(value)} {words}"] if _far(one["probability"], value) else []
    return f"{one['name']} ({', '.join(said)})"


def arm_words(facts: Facts) -> str:
    """That the variational search agrees; empty where it does not, which is a warning, or was not asked."""
    other = (facts.get("arms") or {}).get("variational")
    return "The variational search finds the same set" if other and set(other["top"]) == set(facts["best"]) else ""


def refined_words(facts: Facts) -> str:
    """Whether the normal approximation was borne out by what was sampled; empty where nothing was."""
    sets = facts.get("refined") or ()
    right = [one for one in sets if one["verdict"] == RELIABLE]
    wrong = [one for one in sets if one["verdict"] != RELIABLE]
    found = []
    if right:
        ratios = [value for one in right for value in one["sd_ratio"]]
        away = max(abs(one["free_energy"] - one["laplace"]) for one in right)
        change = max(max(one["cell_change"], one["height_change"]) for one in right)
        near = away < _NEAR_NATS and change < _NEAR_SD and min(ratios) * _NEAR_RATIO > 1 > max(ratios) / _NEAR_RATIO
        what = "one set" if len(right) == 1 else f"{len(right)} sets"
        size = f"free {'energy' if len(right) == 1 else 'energies'} off by {fixed(away, 1)} nats"
        found.append(
            f"Cells, widths and amounts of {what} were sampled: the normal approximation is"
            f"{'' if near else ' not'} borne out ({size}, cells and amounts by {fixed(change, 1)} sd at most,"
            f" their sd {fixed(min(ratios), 1)} to {fixed(max(ratios), 1)} times as large)"
        )
    if wrong:
        names = listed([" + ".join(one["phases"]) for one in wrong])
        why = listed(list(dict.fromkeys(reason for one in wrong for reason in one["reasons"])))
        found.append(f"Sampling of {names} is not reliable ({why}): what is shown of it is the normal approximation")
    return ". ".join(found)


def time_words(facts: Facts) -> str:
    """How long it took, and what most of it; empty where it is not known."""
    spent = {name: float(value) for name, value in (facts.get("seconds") or {}).items() if known(value)}
    if not spent:
        return ""
    parts = [f"{name} {duration(value)}" for name, value in sorted(spent.items(), key=lambda pair: -pair[1])[:4]]
    return f"Found in {duration(sum(spent.values()))}: {', '.join(parts)}"


def _far(base: float, other: float | None) -> bool:
    """Whether a probability is another answer."""
    if other is None:
        return False
    return (base > LIKELY) != (other > LIKELY) or abs(base - other) > _MOVES


def _disagreement(facts: Facts) -> list[str]:
    """That the variational search finds another set."""
    other = (facts.get("arms") or {}).get("variational")
    if not other or set(other["top"]) == set(facts["best"]):
        return []
    mine, its = set(facts["best"]), list(other["top"])
    extra, less = [name for name in its if name not in mine], [name for name in facts["best"] if name not in its]
    words = ([f"with {listed(extra)}"] if extra else []) + ([f"without {listed(less)}"] if less else [])
    return [f"the variational search finds another set, {listed(words)}: the exact one is shown"]


def details(facts: Facts) -> list[str]:
    """Lines below the answer: the next set, where it matters."""
    lines = []
    sets = facts["sets"]
    if sets and sets[0]["probability"] < _SURE and len(sets) > 1:
        first, second = sets[:2]
        then = f"{set_words(second['phases'], first['phases'])}, {probability(second['probability'])}"
        lines.append(f"this set {probability(first['probability'])}; next: {then}")
    return lines


def fit_words(facts: Facts) -> str:
    """How good the fit is by the usual number; empty where it is not known."""
    fit = facts.get("fit") or {}
    if not known(fit.get("rwp")):
        return ""
    expected = f", by counting alone {fixed(100.0 * fit['rexp'], 1)} %" if known(fit.get("rexp")) else ""
    return f"R_wp {fixed(100.0 * fit['rwp'], 1)} %{expected}"


def set_words(phases: Sequence[str], best: Sequence[str]) -> str:
    """A set by how it differs from the best one, where that is shorter."""
    more, less = [one for one in phases if one not in best], [one for one in best if one not in phases]
    if not phases:
        return "no phase at all"
    if len(more) + len(less) >= len(phases):
        return listed(phases)
    return listed([*(["with " + listed(more)] if more else []), *(["without " + listed(less)] if less else [])])


def searched(facts: Facts) -> str:
    """How many candidates, and how sets of them were looked at."""
    sets, error = facts.get("sets_looked_at"), facts.get("error")
    how = f"{sets:,} set{'' if sets == 1 else 's'} of the likely ones" if sets else "sets of the likely ones"
    how += " looked at, outwards from the best; with more of them "
    how += f"probabilities move by {plain(error, 1)}" if error and error >= STILL else "no probability moves"
    return f"{facts['library']['candidates']} candidates, {how}"


def error_words(facts: Facts) -> str:
    """The model error in words."""
    noise = facts["noise"]
    if not noise.get("estimated"):
        return f"model error {'estimated' if noise.get('again') else 'taken'} as {_sizes(noise)}"
    assumed = noise.get("assumed")
    how = "estimated" if noise.get("again") else "taken"
    before = f"model error {how} as {_sizes(assumed)} for the search; " if assumed else ""
    return f"{before}{'then' if assumed else 'model error'} estimated as {_sizes(noise)} for amounts and cells"


def _sizes(noise: Facts) -> str:
    """Errors of lines in words."""
    parts = (("line", "of a line's intensity"), ("form", "of its form"))
    return " and ".join(f"{plain(100.0 * noise[key], 2)} % {words}" for key, words in parts if known(noise.get(key)))
