"""What is said of a measurement whatever the candidate: averages of quantities and of the curve over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.evidence.averaging import average, mixture_quantiles
from bayesbeam.evidence.model_posterior import model_posterior
from bayesbeam.io.samples import Record

FloatArray = NDArray[np.float64]

# A candidate that lacks a quantity is passed over up to this probability; above, there is no average.
NEGLIGIBLE = 1e-6
TOTAL = "total_"


@dataclass(frozen=True)
class _Quantity:
    """One quantity under one candidate."""

    unit: str
    kind: str
    draws: FloatArray
    mean: float
    sd: float


def averages(records: Sequence[Mapping[str, Any]], arrays: Mapping[str, Record]) -> tuple[list[dict[str, Any]], Record]:
    """Rows of quantities that all candidates of a measurement have, and its curve, averaged by their probabilities.

    Parameters
    ----------
    records, arrays :
        Of the candidates of one measurement; arrays by tag.

    Returns
    -------
    list of dict and Record
        Parameters of parts of which there is one, derived quantities, noise, and total areas of all peaks of a part:
        mean, sd, quantiles, and ``error``, that of the mean by the errors of F. Curve: ``x``, ``mean``, ``sd``,
        ``error``.
    """
    f = np.array([one["free_energy"] for one in records])
    errors = np.array([one["standard_error"] for one in records])
    probability = model_posterior(f, errors).probability
    tables = [_quantities(one, arrays[one["tag"]]) for one in records]
    _add_nothing(records, tables)
    rows = []
    for name in dict.fromkeys(name for table in tables for name in table):
        has = np.array([name in table for table in tables])
        if probability[~has].sum() > NEGLIGIBLE:
            continue
        found = [table[name] for table in tables if name in table]
        if len({one.unit for one in found}) > 1:  # counts under one candidate, rates under another
            continue
        mean, sd = np.array([one.mean for one in found]), np.array([one.sd for one in found])
        if not (np.isfinite(mean).all() and np.isfinite(sd).all()):
            continue
        whole = average(f[has], errors[has], mean, sd)
        low, middle, high = mixture_quantiles(probability[has], [one.draws for one in found])
        rows.append(
            {
                "measurement": records[0]["measurement"], "parameter": name, "unit": found[0].unit,
                "kind": found[0].kind, "mean": float(whole.mean), "sd": float(whole.sd), "q025": float(low),
                "median": float(middle), "q975": float(high), "error": float(whole.error), "candidates": len(found),
            }
        )  # fmt: skip
    return rows, _curve(f, errors, [arrays[one["tag"]] for one in records])


def _quantities(record: Mapping[str, Any], arrays: Record) -> dict[str, _Quantity]:
    """What a candidate says of quantities that do not depend on the number of peaks."""
    found: dict[str, _Quantity] = {}
    areas: dict[str, list[FloatArray]] = {}
    for k, row in enumerate(record["parameters"]):
        draws = arrays.arrays["draws"][..., k]
        if row["index"] is None:
            given = (row["mean"], row["sd"])
            mean, sd = (np.nan if value is None else float(value) for value in given)
            found[row["parameter"]] = _Quantity(row["unit"], row["kind"], draws, mean, sd)
        elif row["kind"] == "derived" and row["parameter"].endswith(".area"):
            areas.setdefault(row["parameter"], []).append(draws)
            units = row["unit"]
    for name, columns in areas.items():
        part, _, word = name.rpartition(".")
        total = np.sum(columns, axis=0)
        found[f"{part}.{TOTAL}{word}"] = _Quantity(units, "derived", total, float(total.mean()), float(total.std()))
    return found


def _add_nothing(records: Sequence[Mapping[str, Any]], tables: Sequence[dict[str, _Quantity]]) -> None:
    """Add total areas of zero where a candidate counts a part as none that others have."""
    known = {name: one for table in tables for name, one in table.items() if f".{TOTAL}" in name}
    for record, table in zip(records, tables, strict=True):
        for name, one in known.items():
            if record.get("counts", {}).get(name.rpartition(".")[0]) == 0:
                table[name] = _Quantity(one.unit, one.kind, np.zeros_like(one.draws), 0.0, 0.0)


def _curve(f: FloatArray, errors: FloatArray, arrays: Sequence[Record]) -> Record:
    """Curve averaged over candidates, point by point."""
    mean, sd = (np.stack([one.arrays[name] for one in arrays]) for name in ("curve_mean", "curve_sd"))
    whole = average(f, errors, mean, sd)
    curves = {"x": arrays[0].arrays["x"], "mean": whole.mean, "sd": whole.sd, "error": whole.error}
    return Record(curves, {"candidates": len(arrays)})
