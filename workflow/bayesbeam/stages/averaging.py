"""What is said of a measurement or a group whatever the candidate: quantities and curves averaged over all of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
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
# Measurement that a quantity belongs to, where there are several, and its name.
_Key = tuple[str | None, str]


@dataclass(frozen=True)
class _Quantity:
    """One quantity under one candidate."""

    unit: str
    kind: str
    draws: FloatArray
    mean: float
    sd: float


def averages(
    records: Sequence[Mapping[str, Any]], arrays: Mapping[str, Record], noises: Mapping[str, Hashable] | None = None
) -> tuple[list[dict[str, Any]], Record]:
    """Rows of quantities that all candidates of a measurement have, and its curve, averaged by their probabilities.

    Parameters
    ----------
    records, arrays :
        Of the candidates of one measurement; arrays by tag.
    noises :
        What the parameters of the noise of each candidate are factors on, and of which model, by tag: they are averaged
        where that is the same for all.

    Returns
    -------
    list of dict and Record
        Parameters of parts of which there is one, derived quantities, noise, and total areas of all peaks of a part:
        mean, sd, quantiles, and ``error``, that of the mean by the errors of F. Curve: ``x``, ``mean``, ``sd``,
        ``error``.
    """
    found = [arrays[one["tag"]] for one in records]
    rows = [row | {"measurement": records[0]["measurement"]} for row in _rows(records, found, noises or {})]
    return rows, _curve(*_free_energies(records), found)


def group_averages(
    records: Sequence[Mapping[str, Any]], arrays: Mapping[str, Record]
) -> tuple[list[dict[str, Any]], dict[str, Record]]:
    """As averages, for the joint analyses of a group at several counts, and curves of all members by their names.

    Parameters
    ----------
    records :
        Of the counts, all of the same ``members``. Rows have the member that a quantity belongs to, or None.
    arrays :
        Draws by tag, and curves by tag and member, as :func:`member_group` names them.
    """
    rows = _rows(records, [arrays[one["tag"]] for one in records], {})
    f, errors = _free_energies(records)
    curves = {
        name: _curve(f, errors, [arrays[member_group(one["tag"], name)] for one in records])
        for name in records[0]["members"]
    }
    return rows, curves


def member_group(tag: str, name: str) -> str:
    """Return where a file keeps the curves of a member of a group."""
    return f"{tag}/members/{name}"


def _free_energies(records: Sequence[Mapping[str, Any]]) -> tuple[FloatArray, FloatArray]:
    """Free energies of candidates and their errors."""
    return np.array([one["free_energy"] for one in records]), np.array([one["standard_error"] for one in records])


def _rows(
    records: Sequence[Mapping[str, Any]], arrays: Sequence[Record], noises: Mapping[str, Hashable]
) -> list[dict[str, Any]]:
    """Averages of all quantities that are known under every candidate that counts."""
    f, errors = _free_energies(records)
    probability = model_posterior(f, errors).probability
    tables = [_quantities(one, found) for one, found in zip(records, arrays, strict=True)]
    _add_nothing(records, tables)
    rows = []
    for key in dict.fromkeys(key for table in tables for key in table):
        has = np.array([key in table for table in tables])
        if probability[~has].sum() > NEGLIGIBLE:
            continue
        found = [table[key] for table in tables if key in table]
        if len({one.unit for one in found}) > 1:  # counts under one candidate, rates under another
            continue
        meant = {noises.get(one["tag"]) for one, own in zip(records, tables, strict=True) if key in own}
        if found[0].kind == "noise" and len(meant) > 1:
            continue
        mean, sd = np.array([one.mean for one in found]), np.array([one.sd for one in found])
        if not (np.isfinite(mean).all() and np.isfinite(sd).all()):
            continue
        whole = average(f[has], errors[has], mean, sd)
        low, middle, high = mixture_quantiles(probability[has], [one.draws for one in found])
        rows.append(
            {
                "measurement": key[0], "parameter": key[1], "unit": found[0].unit, "kind": found[0].kind,
                "mean": float(whole.mean), "sd": float(whole.sd), "q025": float(low), "median": float(middle),
                "q975": float(high), "error": float(whole.error), "candidates": len(found),
            }
        )  # fmt: skip
    return rows


def _quantities(record: Mapping[str, Any], arrays: Record) -> dict[_Key, _Quantity]:
    """What a candidate says of quantities that do not depend on the number of peaks."""
    found: dict[_Key, _Quantity] = {}
    areas: dict[_Key, list[FloatArray]] = {}
    for k, row in enumerate(record["parameters"]):
        draws, key = arrays.arrays["draws"][..., k], (row.get("measurement"), row["parameter"])
        if row["index"] is None:
            given = (row["mean"], row["sd"])
            mean, sd = (np.nan if value is None else float(value) for value in given)
            found[key] = _Quantity(row["unit"], row["kind"], draws, mean, sd)
        elif row["kind"] == "derived" and row["parameter"].endswith(".area"):
            areas.setdefault(key, []).append(draws)
            units = row["unit"]
    for (member, name), columns in areas.items():
        part, _, word = name.rpartition(".")
        total = np.sum(columns, axis=0)
        quantity = _Quantity(units, "derived", total, float(total.mean()), float(total.std()))
        found[member, f"{part}.{TOTAL}{word}"] = quantity
    return found


def _add_nothing(records: Sequence[Mapping[str, Any]], tables: Sequence[dict[_Key, _Quantity]]) -> None:
    """Add total areas of zero where a candidate counts a part as none that others have."""
    known = {key: one for table in tables for key, one in table.items() if f".{TOTAL}" in key[1]}
    for record, table in zip(records, tables, strict=True):
        for key, one in known.items():
            if record.get("counts", {}).get(key[1].rpartition(".")[0]) == 0:
                table[key] = _Quantity(one.unit, one.kind, np.zeros_like(one.draws), 0.0, 0.0)


def _curve(f: FloatArray, errors: FloatArray, arrays: Sequence[Record]) -> Record:
    """Curve averaged over candidates, point by point."""
    mean, sd = (np.stack([one.arrays[name] for one in arrays]) for name in ("curve_mean", "curve_sd"))
    whole = average(f, errors, mean, sd)
    curves = {"x": arrays[0].arrays["x"], "mean": whole.mean, "sd": whole.sd, "error": whole.error}
    return Record(curves, {"candidates": len(arrays)})
