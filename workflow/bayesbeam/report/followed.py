"""Quantities that a campaign follows along a series: rows of its results, or summaries of formulas of draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.formula import FormulaSpec, parse_formula, split_name
from bayesbeam.report.curves import Draws, read_draws
from bayesbeam.report.records import Candidate, MeasurementResult, Row

Array = NDArray[np.float64]
FORMULA = "formula"  # the kind of rows that are in no table of parameters


def rows_of(member: MeasurementResult, model: Candidate, quantity: str) -> list[Row]:
    """Rows of a quantity of one model, one a peak where the number is left open; none where the model lacks it.

    Parameters
    ----------
    quantity : str
        As in the campaign: a name, or a formula of names.
    """
    if model.phases is not None:
        # Names of structures are no words of formulas.
        return [row for row in model.parameters if row.name == quantity.strip() and row.sd]
    formula = None if "." not in quantity else parse_formula(quantity)
    if formula is None or str(formula) in formula.names:
        name, number = _split(quantity if formula is None else str(formula))
        rows = [row for row in model.parameters if row.name == name and row.sd]
        return [row for row in rows if number is None or (row.index or 1) == number]
    if member.arrays is None:
        return []
    values = _values(formula, read_draws(member.arrays, f"{member.id}/{model.tag}"))
    return [] if values is None else [_row(quantity, *values)]


def values_of(quantity: str, draws: Draws) -> tuple[Array, str] | None:
    """Values of one quantity for every draw and its unit, None where the draws lack it.

    Parameters
    ----------
    quantity : str
        As in the campaign: a name, that of a peak among several with its number, or a formula of names.
    """
    if "." in quantity:
        return _values(parse_formula(quantity), draws)
    place = draws.find(quantity, None)
    return None if place is None else (draws.flat(place), draws.columns[place].unit)


def place_of(row: Row) -> tuple[str, int | None]:
    """What tells rows of one series apart."""
    return row.name, row.index


def _split(name: str) -> tuple[str, int | None]:
    """Name as in the results, and the number of the peak."""
    if "." not in name:
        return name, None
    part, number, word = split_name(name)
    return f"{part}.{word}", number


def _values(formula: FormulaSpec, draws: Draws) -> tuple[Array, str] | None:
    """Values of a formula for every draw and their unit, None where one of its names is not among the draws."""
    columns, units = [], set()
    for name in formula.names:
        plain, number = _split(name)
        places = [k for k, one in enumerate(draws.columns) if one.name == plain and (one.index or 1) == (number or 1)]
        if not places:
            return None
        columns.append(draws.flat(places[0]))
        units.add(draws.columns[places[0]].unit)
    values, doubled = _of(formula, columns), _of(formula, [2.0 * column for column in columns])
    # In one unit only: a formula that doubles with everything in it has that unit too, one that stays has none.
    alike = np.isclose(doubled, 2.0 * values, rtol=1e-9, atol=0).all() and len(units) == 1
    return values, units.pop() if alike else ""


def _of(formula: FormulaSpec, columns: list[Array]) -> Array:
    """Values of a formula; numpy has the functions of formulas under the names that formulas use."""
    with np.errstate(all="ignore"):
        values = formula.function()(np, *columns)  # type: ignore[arg-type]
        return np.broadcast_to(np.asarray(values, dtype=np.float64), columns[0].shape)


def _row(quantity: str, values: Array, unit: str) -> Row:
    """Summary of draws; those without a value (a logarithm of nothing, say) take the numbers away."""
    if not np.isfinite(values).all():
        return Row(quantity, unit=unit, kind=FORMULA)
    low, q16, median, q84, high = (float(q) for q in np.quantile(values, (0.025, 0.16, 0.5, 0.84, 0.975)))
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return Row(quantity, None, unit, FORMULA, mean, sd, low, q16, median, q84, high)
