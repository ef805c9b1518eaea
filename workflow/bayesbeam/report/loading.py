"""Records from the result files of a campaign.

Decides what is read and what is cleaned; a file that is there but is no result file is a StoreError, and whatever is
absent becomes a refusal that the page names.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bayesbeam.errors import StoreError
from bayesbeam.io.results import read_result
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

ABOUT = ("technique", "sample")  # columns of the sheet that say what a measurement is, where it has them


def load_results(facts: Facts, results: Path) -> Results:
    """Results of a campaign, in the order of its sheet; whatever is absent is a refusal with its reason.

    Raises
    ------
    StoreError
        If a file is there but is not a result file of this format.
    """
    batches = _batches(results)
    files = {name: _read_json(results / "free_energy" / f"{name}.json") for name in sorted(set(batches.values()))}
    measurements = tuple(_measurement(one, results, batches.get(one), files) for one in facts.measurements)
    groups = tuple(_group(one, results) for one in facts.groups)
    laws = results / "series" / "laws.json"
    wanted = any(one.laws for one in facts.series)
    told = _tidy(_records(_read_json(laws), "laws", laws)) if wanted else ()
    edges = (_read_json(results / "series" / f"splitting-{name}.json") for name in facts.splittings)
    return Results(facts, measurements, groups, told, tuple(_tidy(one) for one in edges if one))


def _batches(results: Path) -> dict[str, str]:
    """Batch of every measurement, from batches.tsv."""
    path = results / "batches.tsv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
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
    remedy = "Remove it and run the workflow again; it is made anew."
    return StoreError.at(str(path), found, "a result file of this version", remedy)


def _measurement(
    name: str, results: Path, batch: str | None, files: Mapping[str, Mapping[str, Any]]
) -> MeasurementResult:
    """One measurement with its candidates."""
    path = results / "measurements" / f"{name}.h5"
    if not path.is_file():
        return MeasurementResult(name, name, None, refusal="It was not read: there is no preprocessed file.")
    data = read_measurement(path)
    title = clean(data.metadata.get("title") or name, 120)
    if data.status != "ok":
        return MeasurementResult(name, title, data, refusal=clean(data.reason))
    content = files.get(batch, {}) if batch is not None else {}
    where = results / "free_energy" / f"{batch}.json"
    refused = [one for one in _records(content, "refused", where) if one.get("measurement") == name]
    reasons = tuple((clean(one.get("tag") or ""), clean(one.get("reason") or "no reason given")) for one in refused)
    found = [one for one in _records(content, "records", where) if one.get("measurement") == name]
    if not found:
        words = "; ".join(dict.fromkeys(reason for _, reason in reasons))
        return MeasurementResult(name, title, data, refusal=words or "It was not sampled: no free energy is on file.")
    candidates = tuple(_candidate(one, where) for one in found)
    over_all = [one for one in _records(content, "averaged", where) if one.get("measurement") == name]
    averaged = tuple(_average(one) for one in over_all)
    numbers = [one for one in _records(content, "counts", where) if one.get("measurement") == name]
    counts = tuple(Marginal(**_fields(Marginal, one)) for one in numbers)
    advice = [one for one in _records(content, "next_points", where) if one.get("measurement") == name]
    said = (data.metadata.get(key) for key in ABOUT)
    about = ", ".join(clean(one, 60) for one in said if isinstance(one, str) and one)
    return MeasurementResult(
        name,
        title,
        data,
        candidates,
        arrays=where.with_suffix(".h5"),
        about=about,
        left_out=reasons,
        averaged=averaged,
        counts=counts,
        advised=next((Advised(**_fields(Advised, one)) for one in advice), None),
    )


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
    return tuple(replace(row, alone=not open_count and row.part not in several) for row in rows)


def _records(content: Mapping[str, Any], name: str, where: Path) -> list[Mapping[str, Any]]:
    """List of records under a name, empty where there is none."""
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise _foreign(where, f"holds no list of records under {name!r}")
    return found


def _fields(kind: type, record: Mapping[str, Any], **known: Any) -> dict[str, Any]:
    """Arguments of a record: the keys it knows, texts cleaned, lists as tuples."""
    wanted = {one.name for one in fields(kind)} - set(known)
    return known | {key: _tidy(value) for key, value in record.items() if key in wanted and value is not None}


def _tidy(value: Any) -> Any:
    """JSON value with its texts cleaned and its lists as tuples."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return tuple(_tidy(one) for one in value)
    if isinstance(value, dict):
        return {clean(key): _tidy(one) for key, one in value.items()}
    return value
