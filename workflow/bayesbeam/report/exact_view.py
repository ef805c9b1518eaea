"""What the report says of candidates that are solved exactly: alone, or beside the sampler to compare the two."""

from __future__ import annotations

from bayesbeam.report.records import Candidate, Results
from bayesbeam.report.table_columns import Rows
from bayesbeam.report.text import known, nats, plain, plus_minus, pretty_unit
from bayesbeam.report.view import Cell, Table

SOLVED = "exact"
"""Engine of a candidate that was solved exactly."""
NOTHING_FREE = "none"
"""Engine of a candidate with nothing free."""
ALL_SETS = "all sets"
"""Engine of a candidate that chooses among sets of terms, all of which were looked at."""


def unsampled_words(one: Candidate, unit: str) -> str:
    """Why there is nothing of a sampler to show; empty where there is."""
    if one.phases is not None:
        return "sets of phases were compared by their free energies in closed form: no chains or exchange to judge."
    if one.engine == NOTHING_FREE:
        return "nothing is left open, so its free energy is minus the log-likelihood, and there was nothing to sample."
    if one.engine == ALL_SETS:
        return "all sets of terms were looked at, each with its exact free energy, and nothing was sampled."
    if one.engine != SOLVED:
        return ""
    level = " and quadrature of the noise level" if any(row.kind == "noise" for row in one.parameters) else ""
    return (
        f"it is linear in all that is free, so its free energy and posterior are exact, by closed forms{level}; the "
        f"draws are independent of each other. There are no chains, exchange rates or estimators to judge."
        f"{_least(one, unit)}"
    )


def compared_words(one: Candidate) -> str:
    """How the sampler's free energy lies to the exact one, or why there is none of this candidate; empty for others."""
    if one.not_solved:
        found = one.not_solved.partition(": ")[2].split("; expected")[0]
        return f"sampled, and not solved exactly: {found}."
    if one.exact is None or one.engine == SOLVED:
        return ""
    z = one.exact.get("z")
    apart = f", {plain(z, 2)} of its standard errors from the exact one" if known(z) else ""
    return (
        f"sampled F {plus_minus(one.free_energy, one.standard_error)}{apart}; exact F {nats(one.exact['free_energy'])}."
    )


def compared_table(one: Candidate) -> Table | None:
    """Sampled and exact mean and standard deviation of every parameter; None where only one of the two is known."""
    rows = [row for row in one.parameters if row.exact_mean is not None]
    if not rows:
        return None
    heads = ("parameter", "sampled mean ± sd", "exact mean ± sd", "unit", "difference over its standard error")
    return Table(
        heads,
        tuple(
            (
                Cell(row.label, "name"), Cell(plus_minus(row.mean, row.sd)),
                Cell(plus_minus(row.exact_mean, row.exact_sd)), Cell(pretty_unit(row.unit), "unit"),
                Cell(plain(row.z, 2)),
            )
            for row in rows
        ),
    )  # fmt: skip


def exact_rows(results: Results) -> Rows:
    """Exact numbers beside sampled ones, a row each: the free energy, then every parameter."""
    for result in results.measurements:
        for one in result.candidates:
            if one.exact is None or one.engine == SOLVED:
                continue
            head = one.measurement, one.candidate, one.count
            yield (*head, "free_energy", None, "nats", one.exact.get("free_energy"), 0.0, one.free_energy, None,
                   one.exact.get("z"))  # fmt: skip
            for row in one.parameters:
                if row.exact_mean is not None:
                    yield (*head, row.name, row.index, row.unit, row.exact_mean, row.exact_sd, row.mean, row.sd, row.z)


def _least(one: Candidate, unit: str) -> str:
    """Level of the noise that the candidate itself asks for."""
    level = (one.exact or {}).get("least_level")
    sigma, scale = one.noise.get("sigma_mean"), _scale(one)
    if level is None or sigma is None or not scale:
        return ""
    words = f"{plain(level * sigma / scale, 4)} {pretty_unit(unit)}".strip()
    return f" Its free energy is least for a noise of {words}."


def _scale(one: Candidate) -> float | None:
    """Mean of the factor on the given noise, 1 where it is known."""
    row = next((row for row in one.parameters if row.kind == "noise"), None)
    return 1.0 if row is None else row.mean
