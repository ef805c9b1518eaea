"""Tables of the page as cells of text: numbers are rounded by their uncertainty here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.report.figures.models import above_best
from bayesbeam.report.misfit_words import check_p, misfits, small
from bayesbeam.report.records import Candidate, GroupResult, GroupRow, MeasurementResult, Row
from bayesbeam.report.text import (
    NOTHING,
    between,
    duration,
    known,
    nats,
    plain,
    plus_minus,
    pretty_unit,
    probability,
    to_error,
)
from bayesbeam.report.wording import candidate_label, family_title

GOOD_RHAT, GOOD_ESS = 1.1, 100.0
MODE_DIGITS = 10
# Probability from which averages over candidates are those of one of them.
CERTAIN = 0.999


@dataclass(frozen=True)
class Cell:
    """Text of a cell; ``kind`` is a class of the style sheet (number, name, bad ...)."""

    text: str
    kind: str = "number"


@dataclass(frozen=True)
class Table:
    """Heads and rows; ``marked`` rows are set in bold."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marked: frozenset[int] = frozenset()


def model_table(result: MeasurementResult) -> Table:
    """Free energies, model posterior, noise and the check against the data, a row a candidate."""
    candidates, best = result.candidates, result.best
    excess = any(one.free_energy_excess is not None for one in candidates)
    unit = pretty_unit(result.measurement.y_unit) if result.measurement is not None else ""
    heads = ["candidate", "verdict", "probability", "ΔF (nats)", "F (nats)", *(["F_exc"] if excess else [])]
    heads += [f"noise sd{f' ({unit})' if unit else ''}", "check p", "made of"]
    rows, several = [], len({one.candidate for one in candidates}) > 1
    for one, above in zip(candidates, above_best(candidates, best), strict=True):
        cells = [
            Cell(candidate_label(one, candidates), "name"),
            verdict_cell(one.verdict),
            Cell(probability(one.model_probability, one.probability_error)),
            Cell("0" if one is best else _alone(above, one.standard_error)),
            Cell(nats(one.free_energy, one.standard_error)),
        ]
        if excess:
            cells.append(Cell(_alone(one.free_energy_excess, one.standard_error)))
        cells.append(Cell(_noise(one)))
        p = check_p(one)
        shown = probability(p) if p is None or not misfits(one) else small(p)
        cells.append(Cell(shown, "number bad" if misfits(one) else "number"))
        cells.append(Cell(_made_of(one, several), "words"))
        rows.append(tuple(cells))
    return Table(tuple(heads), tuple(rows), frozenset({candidates.index(best)}))


def _made_of(one: Candidate, several: bool) -> str:
    """Parts, alike ones with their number, after the title by which answers call one of several candidates."""
    numbers: dict[str, int] = {}
    for part in one.parts.split(" + ") if one.parts else ():
        count, _, name = part.rpartition(" x ")
        numbers[name] = numbers.get(name, 0) + (int(count) if count.isdigit() else 1)
    parts = " + ".join(f"{number} \u00d7 {name}" if number > 1 else name for name, number in numbers.items())
    title = family_title(one) if several and family_title(one) != one.candidate else ""
    return f"{title}: {parts}" if title and parts else parts or one.title


def _alone(value: float | None, error: float | None) -> str:
    """Free energy with the digits its error allows, without that error."""
    return to_error(value, error) if error else nats(value)


def counts_tables(result: MeasurementResult) -> tuple[tuple[str, Table], ...]:
    """For each candidate with several ranges of counts: probabilities of each part's counts, and of pairs of counts."""
    found = []
    several = len({one.candidate for one in result.candidates}) > 1
    if_right, of_all = (", if that is the right candidate", ", among all candidates") if several else ("", "")
    for candidate in dict.fromkeys(one.candidate for one in result.counts):
        rows = [one for one in result.counts if one.candidate == candidate]
        parts = list(dict.fromkeys(one.part for one in rows))
        counts = sorted({one.count for one in rows})
        odds = {(one.part, one.count): probability(one.probability, one.error) for one in rows}
        heads = ("number of", *map(str, counts))
        cells = [(Cell(part, "name"), *(Cell(odds.get((part, count), "")) for count in counts)) for part in parts]
        found.append((f"How many of each in {candidate}{if_right}", Table(heads, tuple(cells))))
        if len(parts) == 2:
            found.append((f"Probabilities of the pairs in {candidate}{of_all}", _grid(result, candidate, parts)))
    return tuple(found)


def _grid(result: MeasurementResult, candidate: str, parts: Sequence[str]) -> Table:
    """Model probabilities, a row a count of the first part and a column a count of the second."""
    models = {tuple(one.counts.values()): one for one in result.candidates if one.candidate == candidate}
    down, across = (sorted({key[place] for key in models}) for place in (0, 1))
    odds = {key: probability(one.model_probability, one.probability_error) for key, one in models.items()}
    rows = [
        (Cell(f"{one} {parts[0]}", "name"), *(Cell(odds.get((one, other), NOTHING)) for other in across))
        for one in down
    ]
    return Table((f"{parts[0]} \u2193, {parts[1]} \u2192", *map(str, across)), tuple(rows))


def _noise(one: Candidate) -> str:
    """Noise level that a candidate implies; its own parameters where that is not one number."""
    sigma = one.noise.get("sigma_mean")
    if known(sigma):
        return plus_minus(sigma, one.noise.get("sigma_sd"))
    rows = [row for row in one.parameters if row.kind == "noise"]
    shown = [f"{row.name.rpartition('.')[2]} {plus_minus(row.mean, row.sd)}" for row in rows]
    return ", ".join(shown) or "as given"


def verdict_cell(words: str) -> Cell:
    """Verdict in words, coloured."""
    return Cell(words, "verdict good" if words == "reliable" else "verdict bad")


def parameter_table(one: Candidate) -> Table:
    """Summary of every parameter, derived quantities and noise included."""
    priors = {prior.get("parameter", ""): prior.get("prior", "") for prior in one.priors}
    heads = ("parameter", "mean ± sd", "unit", "68 %", "95 %", "ESS", "R\u2011hat", "prior")
    kinds = {"parameter": 0, "derived": 1, "noise": 2}
    names = {name: place for place, name in enumerate(dict.fromkeys(row.name for row in one.parameters))}
    ordered = sorted(one.parameters, key=lambda row: (kinds.get(row.kind, 3), names[row.name]))
    firsts = {row.name: row for row in reversed(ordered)}
    return Table(
        heads, tuple(_parameter_row(row, priors.get(row.name, ""), firsts[row.name] is row) for row in ordered)
    )


def modes_table(one: Candidate) -> Table | None:
    """Mode of the posterior in more digits than its width needs, and widths there; None where none was asked for."""
    rows = [row for row in one.parameters if row.sd != 0]
    if all(row.mode is None for row in rows):
        return None
    heads = ("parameter", "mode", "unit", "sd of the curvature", "sd of the information", "mean ± sd")
    return Table(heads, tuple(_mode_row(row) for row in rows))


def _mode_row(row: Row) -> tuple[Cell, ...]:
    """One parameter; a mode that was not found, and widths of derived quantities, are dashes."""
    return (
        Cell(row.label, "name"),
        Cell(plain(row.mode, MODE_DIGITS)),
        Cell(pretty_unit(row.unit), "unit"),
        *(Cell(plain(sd, 5)) for sd in (row.laplace_sd, row.information_sd)),
        Cell(plus_minus(row.mean, row.sd)),
    )


def shared_table(row: GroupRow) -> Table:
    """Parameters of an integrated candidate, common ones first, with the measurement of the others."""
    heads = ("parameter", "of", "mean ± sd", "unit", "68 %", "95 %", "ESS", "R\u2011hat")
    rows = []
    for one in sorted(row.parameters, key=lambda one: one.measurement is not None):
        name, *others = _parameter_row(one, "", first=True)
        rows.append((name, Cell(one.measurement or "all", "unit"), *others[:-1]))
    return Table(heads, tuple(rows))


def _parameter_row(row: Row, prior: str, first: bool) -> tuple[Cell, ...]:
    """One parameter; its prior is said once for all peaks."""
    prior = (prior or ("derived" if row.kind == "derived" else "")) if first else "″"
    head, unit, tail = Cell(row.label, "name"), Cell(pretty_unit(row.unit), "unit"), Cell(prior, "words")
    if row.sd == 0:
        nothing = Cell("")
        return head, Cell(f"{plain(row.mean)} (fixed)"), unit, nothing, nothing, nothing, nothing, tail
    return (
        head,
        Cell(plus_minus(row.mean, row.sd)),
        unit,
        Cell(interval(row.q16, row.q84, row.sd)),
        Cell(interval(row.q025, row.q975, row.sd)),
        _ess_cell(row.ess),
        _rhat_cell(row.rhat),
        tail,
    )


def _ess_cell(value: float | None) -> Cell:
    """Effective sample size, marked where it is small."""
    low = value is not None and known(value) and value < GOOD_ESS
    return Cell(_whole(value), "number bad" if low else "number")


def _rhat_cell(value: float | None) -> Cell:
    """R-hat with three digits after the point, marked where it is large."""
    high = value is not None and known(value) and value > GOOD_RHAT
    text = NOTHING if value is None or not known(value) else f"{value:.3f}"
    return Cell(text, "number bad" if high else "number")


def interval(low: float | None, high: float | None, sd: float | None) -> str:
    """Interval with the digits that the spread allows."""
    return between(low, high, None if sd is None else sd / 3)


def _whole(value: float | None) -> str:
    """Count without digits after the point."""
    return NOTHING if value is None or not known(value) else f"{value:.0f}"


def diagnostics_table(result: MeasurementResult) -> Table:
    """Numbers that carry a verdict, a row a candidate."""
    heads = (
        "candidate", "verdict", "barrier Λ", "exchange rate, least", "mean", "round trips", "ESS, least",
        "R\u2011hat, most", "chains \u00d7 replicas", "sweeps", "CPU time",
    )  # fmt: skip
    rows = []
    for one in result.candidates:
        ladder = [plain(one.barrier, 2), plain(one.exchange_rate_min, 2), plain(one.exchange_rate_mean, 2),
                  _whole(one.round_trips)] if one.sweeps else [NOTHING] * 4  # fmt: skip
        unsampled = "exact" if one.phases is None else "Laplace"  # integrals over sets of phases are not exact
        rows.append(
            (
                Cell(candidate_label(one, result.candidates), "name"),
                verdict_cell(one.verdict),
                *map(Cell, ladder),
                _ess_cell(one.ess_min),
                _rhat_cell(one.rhat_max),
                Cell(f"{_whole(one.chains)} \u00d7 {_whole(one.replicas)}" if one.sweeps else unsampled),
                Cell(_whole(one.sweeps)),
                Cell(duration(one.cpu_seconds)),
            )
        )
    return Table(heads, tuple(rows), frozenset({result.candidates.index(result.best)}))


def integration_table(result: GroupResult) -> Table:
    """Together against apart, a row a candidate."""
    heads = ("candidate", "F together (nats)", "F apart, summed", "gain", "probability of integration", "verdict")
    rows = [
        (
            Cell(row.tag, "name"),
            Cell(nats(row.free_energy, row.standard_error)),
            Cell(nats(row.separate_free_energy, row.separate_standard_error)),
            Cell(nats(row.gain, row.gain_standard_error)),
            Cell(probability(row.probability, row.probability_error)),
            verdict_cell(row.verdict),
        )
        for row in result.rows
    ]
    best = result.best_row
    return Table(heads, tuple(rows), frozenset({result.rows.index(best)} if best is not None else ()))


def priors_table(one: Candidate) -> Table:
    """Priors of a candidate, and who chose them."""
    rows = tuple(
        (
            Cell(prior.get("parameter", ""), "name"),
            Cell(prior.get("prior", ""), "code"),
            Cell(pretty_unit(prior.get("unit", "")), "words"),
            Cell({"campaign": "campaign", "default": "default"}.get(prior.get("source", ""), NOTHING), "words"),
        )
        for prior in one.priors
    )
    return Table(("parameter", "prior", "unit", "from"), rows)


def runs_table(result: MeasurementResult) -> Table:
    """What is needed to repeat every run."""
    heads = ("candidate", "engine", "device", "seed", "burn-in", "wall time", "memory", "predicted", "key")
    rows = tuple(
        (
            Cell(one.tag, "name"),
            Cell(one.engine, "words"),
            Cell(one.device, "words"),
            Cell(_whole(one.seed)),
            Cell(_whole(one.burn_in)),
            Cell(duration(one.wall_seconds)),
            *(
                Cell(f"{memory:.0f} MB" if known(memory) else NOTHING)
                for memory in (one.peak_memory_mb, one.predicted_memory_mb)
            ),
            Cell(one.key[:16], "code"),
        )
        for one in result.candidates
    )
    return Table(heads, rows)
