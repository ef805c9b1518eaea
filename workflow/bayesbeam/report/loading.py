"""Records from the result files of a campaign.

Decides what is read and what is cleaned; a file that is there but is no result file is a StoreError, and whatever is
absent becomes a refusal that the page names.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bayesbeam.errors import DamagedError, StoreError
from bayesbeam.io.results import read_result
from bayesbeam.io.seal import unsealed_table
from bayesbeam.io.store import IDENTIFIER, read_measurement
from bayesbeam.report.records import (
    Advised,
    Averaged,
    Candidate,
    Facts,
    GroupResult,
    GroupRow,
    Marginal,
    MeasurementResult,
    Results,
    Row,
)
from bayesbeam.report.text import clean

_KINDS = ("records", "refused", "averaged", "counts", "next_points")
ABOUT = ("technique", "sample")  # columns of the sheet that say what a measurement is, where it has them


def load_results(facts: Facts, results: Path, points: bool = True) -> Results:
    """Results of a campaign, in the order of its sheet; whatever is absent is a refusal with its reason.

    ``points``: whether the data points of measurements are kept; of thousands they take hundreds of MB.

    Raises
    ------
    StoreError
        If a file is there but is not a result file of this format.
    """
    measurements = _measurements(facts.measurements, results, points)
    groups = tuple(_group(one, results) for one in facts.groups)
    laws = results / "series" / "laws.json"
    wanted = any(one.laws for one in facts.series)
    told = _tidy(_records(_read_json(laws), "laws", laws)) if wanted else ()
    edges = (_read_json(results / "series" / f"splitting-{name}.json") for name in facts.splittings)
    return Results(facts, measurements, groups, told, tuple(_tidy(one) for one in edges if one))


def _measurements(names: Sequence[str], results: Path, points: bool) -> tuple[MeasurementResult, ...]:
    """Measurements in their order, read batch by batch: records take little memory, the files as a whole much."""
    batches, found = _batches(results), {}
    members: dict[str | None, list[str]] = {}
    for name in names:
        members.setdefault(batches.get(name), []).append(name)
    for batch, ids in members.items():
        where = results / "free_energy" / f"{batch}.json"
        content = {} if batch is None else _read_json(where)
        kinds = {kind: _by_measurement(_records(content, kind, where)) for kind in _KINDS}
        for name in ids:
            records = {kind: of_name.get(name, []) for kind, of_name in kinds.items()}
            one = _measurement(name, results, where, records)
            found[name] = one if points or one.measurement is None else _without_points(one)
    return tuple(found[name] for name in names)


def _by_measurement(records: Sequence[Mapping[str, Any]]) -> dict[Any, list[Mapping[str, Any]]]:
    """Records of every measurement."""
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for one in records:
        found.setdefault(one.get("measurement"), []).append(one)
    return found


def _batches(results: Path) -> dict[str, str]:
    """Batch of every measurement, from batches.tsv."""
    path = results / "batches.tsv"
    if not path.is_file():
        return {}
    rows = csv.DictReader(unsealed_table(path).splitlines(), delimiter="\t")
    return {row["measurement"]: row["batch"] for row in rows if row.get("measurement") and row.get("batch")}


def _read_json(path: Path) -> dict[str, Any]:
    """Content of a result file, empty where there is no file."""
    if not path.is_file():
        return {}
    try:
        content = read_result(path)
    except (ValueError, OSError) as problem:
        raise _foreign(path, f"is not readable as JSON ({clean(problem, 120)})") from problem
    if not isinstance(content, dict) or content.get("format") != 1:
        raise _foreign(path, "is not a result file of format 1")
    return content


def _foreign(path: Path, found: str) -> StoreError:
    """Store error for a file that is not ours."""
    remedy = "Run the workflow again: it is set aside and made anew."
    return DamagedError.of(path, found, "a result file of this version", remedy)


def _measurement(
    name: str, results: Path, where: Path, records: Mapping[str, Sequence[Mapping[str, Any]]]
) -> MeasurementResult:
    """One measurement with its candidates, from its records in the file ``where``."""
    path = results / "measurements" / f"{name}.h5"
    if not path.is_file():
        return MeasurementResult(name, name, None, refusal="It was not read: there is no preprocessed file.")
    data = read_measurement(path)
    title = clean(data.metadata.get("title") or name, 120)
    if data.status != "ok":
        return MeasurementResult(name, title, data, refusal=clean(data.reason))
    reasons = tuple(
        (clean(one.get("tag") or ""), clean(one.get("reason") or "no reason given")) for one in records["refused"]
    )
    if not records["records"]:
        words = "; ".join(dict.fromkeys(reason for _, reason in reasons))
        return MeasurementResult(name, title, data, refusal=words or "It was not sampled: no free energy is on file.")
    said = (data.metadata.get(key) for key in ABOUT)
    return MeasurementResult(
        name,
        title,
        data,
        tuple(_candidate(one, where) for one in records["records"]),
        arrays=where.with_suffix(".h5"),
        about=", ".join(clean(one, 60) for one in said if isinstance(one, str) and one),
        left_out=reasons,
        averaged=tuple(_average(one) for one in records["averaged"]),
        counts=tuple(Marginal(**_fields(Marginal, one)) for one in records["counts"]),
        advised=next((Advised(**_fields(Advised, one)) for one in records["next_points"]), None),
    )


def _without_points(one: MeasurementResult) -> MeasurementResult:
    """The same without data points."""
    assert one.measurement is not None
    nothing = np.empty(0)
    return replace(one, measurement=replace(one.measurement, x=nothing, y=nothing, uncertainty=None, columns={}))


def _average(record: Mapping[str, Any]) -> Averaged:
    """Average over candidates from its JSON record."""
    return Averaged(**_fields(Averaged, record, name=clean(record.get("parameter", ""))))


def _candidate(record: Mapping[str, Any], where: Path) -> Candidate:
    """Candidate from its JSON record."""
    found = Candidate(**_fields(Candidate, record, parameters=_rows(record, where)))
    if not IDENTIFIER.match(found.tag):
        raise _foreign(where, f"has the tag {found.tag!r}, which cannot be part of a file name")
    return found


def _group(name: str, results: Path) -> GroupResult:
    """One group with its rows."""
    path = results / "integration" / f"{name}.json"
    content = _read_json(path)
    if not content:
        return GroupResult(name, refusal="It was not integrated: no result is on file.")
    rows = tuple(
        GroupRow(**_fields(GroupRow, one, parameters=_rows(one, path))) for one in _records(content, "rows", path)
    )
    refusal = "" if rows else clean(content.get("decision") or "It was not integrated, and no reason is on file.")
    averaged = tuple(_average(one) for one in _records(content, "averaged", path))
    extra = {"id": name, "rows": rows, "averaged": averaged, "arrays": path.with_suffix(".h5"), "refusal": refusal}
    return GroupResult(**_fields(GroupResult, content, **extra))


def _rows(record: Mapping[str, Any], where: Path) -> tuple[Row, ...]:
    """Summary rows of a record."""
    found = _records(record, "parameters", where)
    rows = [Row(**_fields(Row, one, name=clean(one.get("parameter", "")))) for one in found]
    counted = record.get("counts") or {}
    several = {row.part for row in rows if (row.index or 1) > 1} | set(counted)
    # A count that says not of which part, as in a group, may be that of any.
    open_count = record.get("count") is not None and not counted
    alone = [not open_count and row.part not in several for row in rows]
    return tuple(replace(row, alone=True) if is_so else row for row, is_so in zip(rows, alone, strict=True))


def _records(content: Mapping[str, Any], name: str, where: Path) -> list[Mapping[str, Any]]:
    """List of records under a name, empty where there is none."""
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise _foreign(where, f"holds no list of records under {name!r}")
    return found


def _fields(kind: type, record: Mapping[str, Any], **known: Any) -> dict[str, Any]:
    """Arguments of a record: the keys it knows, texts cleaned, lists as tuples."""
    wanted = _names(kind)
    kept = {key: value for key, value in record.items() if key in wanted and key not in known and value is not None}
    return known | {key: _tidy(value) for key, value in kept.items()}


@lru_cache(maxsize=32)
def _names(kind: type) -> frozenset[str]:
    """Names of the fields of a record."""
    return frozenset(one.name for one in fields(kind))


def _tidy(value: Any) -> Any:
    """JSON value with its texts cleaned and its lists as tuples."""
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return tuple(_tidy(one) for one in value)
    if isinstance(value, dict):
        return {clean(key): _tidy(one) for key, one in value.items()}
    return value
