"""All sharings of a group as the report reads them: rows of the comparison, who disagrees, mergers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayesbeam.report.records import RELIABLE, Candidate, GroupResult, Results, Row
from bayesbeam.report.text import known, pretty_unit

NONE, ALL, PATTERN, DIVISION = "none", "all", "pattern", "division"


@dataclass(frozen=True)
class SharingRow:
    """One way to share; ``blocks`` are the measurements that share with one another."""

    sharing: str
    kind: str
    shared: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    free_energy: float | None
    standard_error: float | None
    gain: float | None
    gain_standard_error: float | None
    probability: float | None
    probability_error: float | None
    method: str
    verdict: str
    reasons: tuple[str, ...]

    @property
    def reliable(self) -> bool:
        """Whether the diagnostics carry the numbers."""
        return self.verdict == RELIABLE

    @property
    def candidate(self) -> Candidate:
        """The same as a figure of candidates takes it."""
        return Candidate(
            measurement="", candidate=self.sharing, tag=self.sharing, free_energy=self.free_energy,
            standard_error=self.standard_error, model_probability=self.probability,
            probability_error=self.probability_error, verdict=self.verdict,
        )  # fmt: skip


def sharing_rows(result: GroupResult) -> tuple[SharingRow, ...]:
    """Ways to share that were compared, none and all first; empty where there is only what the group's own rows say."""
    rows = result.sharing.get("rows") or ()
    return tuple(_row(one) for one in rows if isinstance(one, Mapping))


def is_richer(result: GroupResult) -> bool:
    """Whether more than sharing all and sharing nothing was compared."""
    return any(one.kind in (PATTERN, DIVISION) for one in sharing_rows(result))


def best_sharing(rows: Sequence[SharingRow]) -> SharingRow:
    """Most probable one."""
    return max(rows, key=lambda one: one.probability or 0.0)


def is_refused(result: GroupResult) -> bool:
    """Whether it is more probable that nothing is shared than that anything is."""
    rows, row = sharing_rows(result), result.best_row
    if is_richer(result):
        return best_sharing(rows).kind == NONE
    odds = result.best.get("probability")
    odds = odds if known(odds) or row is None else row.probability
    return odds is not None and odds < 0.5


def conflict_rows(result: GroupResult) -> tuple[Mapping[str, Any], ...]:
    """Who disagrees with the others in which parameter, a row each."""
    return tuple(one for one in result.sharing.get("conflict") or () if isinstance(one, Mapping))


def worst_conflicts(result: GroupResult) -> list[Mapping[str, Any]]:
    """Of each measurement the parameter in which it disagrees most, the measurement that disagrees most first."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in conflict_rows(result):
        name = str(one["measurement"])
        if name not in found or abs(float(one["tension"])) > abs(float(found[name]["tension"])):
            found[name] = one
    return sorted(found.values(), key=lambda one: float(one["p_value"]))


def parameter_of(result: GroupResult, one: Mapping[str, Any]) -> tuple[str, str]:
    """Label and unit for display of the parameter of a conflict."""
    name, index = str(one["parameter"]), one.get("index")
    rows = result.best_row.parameters if result.best_row is not None else ()
    for row in rows:
        if row.measurement is None and (row.name, row.index) == (name, index):
            return row.label, pretty_unit(row.unit)
    return Row(name, index).label, ""


def rows_alone(result: GroupResult, results: Results, shared: Row, only: str = "") -> list[Row]:
    """A shared parameter in each measurement alone, or in ``only`` one, by the candidate of the joint analysis."""
    row, found = result.best_row, list[Row]()
    for name in ([only] if only else result.measurements) if row is not None else ():
        assert row is not None
        member, tag = results.measurement(name), row.tags.get(name, row.tag)
        called = row.called.get(name, {}).get(shared.name, shared.name)
        for one in member.candidates if member is not None else ():
            if one.tag == tag:
                found += [r for r in one.parameters if (r.name, r.index) == (called, shared.index) and r.sd]
    return found


def merger_rows(result: GroupResult) -> tuple[Mapping[str, Any], ...]:
    """Mergers of a tree in order."""
    return tuple(one for one in result.sharing.get("mergers") or () if isinstance(one, Mapping))


def pairs(result: GroupResult) -> list[tuple[str, str, float, float]]:
    """Probability that two measurements share, and its error, of every pair, where divisions were compared."""
    names, together = result.sharing.get("members") or (), result.sharing.get("together") or ()
    error = result.sharing.get("together_error") or ()
    places = [(a, b) for a in range(len(names)) for b in range(a + 1, len(names))] if together else []
    return [(names[a], names[b], float(together[a][b]), float(error[a][b])) for a, b in places]


def _row(one: Mapping[str, Any]) -> SharingRow:
    """Row from its JSON record."""
    numbers = ("free_energy", "standard_error", "gain", "gain_standard_error", "probability", "probability_error")
    found = {name: (float(one[name]) if known(one.get(name)) else None) for name in numbers}
    return SharingRow(
        sharing=str(one.get("sharing", "")),
        kind=str(one.get("kind", "")),
        shared=tuple(one.get("shared") or ()),
        blocks=tuple(tuple(block) for block in one.get("blocks") or ()),
        method=str(one.get("method", "")),
        verdict=str(one.get("verdict", "not reliable")),
        reasons=tuple(one.get("reasons") or ()),
        **found,
    )
