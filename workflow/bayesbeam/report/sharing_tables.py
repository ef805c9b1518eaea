"""Tables of groups: every sharing, who disagrees, who belongs together, mergers."""

from __future__ import annotations

from bayesbeam.report.records import GroupResult, Results
from bayesbeam.report.sharing import conflict_rows, is_richer, merger_rows, pairs, sharing_rows
from bayesbeam.report.table_columns import Rows


def integration(results: Results) -> Rows:
    """Every sharing of every group, a row each; gain and probability are those of the row."""
    for group in results.groups:
        shared = "+".join(group.shared)
        told = str(group.sharing.get("tag", "")) if is_richer(group) else None
        for row in group.rows:
            if row.tag == told:
                yield from _sharings(group, row.tag)
                continue
            apart = None if row.probability is None else 1.0 - row.probability
            yield (
                group.id, f"{row.tag}: {shared}", row.free_energy, row.standard_error, row.gain, row.probability,
                row.verdict,
            )  # fmt: skip
            yield (
                group.id, f"{row.tag}: none", row.separate_free_energy, row.separate_standard_error, 0.0, apart,
                row.verdict,
            )  # fmt: skip


def _sharings(group: GroupResult, tag: str) -> Rows:
    """All sharings that were compared at one model."""
    for one in sharing_rows(group):
        yield (
            group.id, f"{tag}: {one.sharing}", one.free_energy, one.standard_error, one.gain, one.probability,
            one.verdict,
        )  # fmt: skip


def conflict(results: Results) -> Rows:
    """Each measurement of a group against the others, a row a shared parameter."""
    names = (
        "measurement", "parameter", "index", "mean", "sd", "rest_mean", "rest_sd", "difference", "tension", "gain",
        "gain_standard_error", "chi_square", "freedom", "p_value", "doubt",
    )  # fmt: skip
    for group in results.groups:
        for one in conflict_rows(group):
            yield (group.id, *(one.get(name) for name in names))


def partitions(results: Results) -> Rows:
    """Probability that two measurements of a group share, where its divisions were compared."""
    for group in results.groups:
        for one in pairs(group):
            yield (group.id, *one)


def mergers(results: Results) -> Rows:
    """Mergers of the trees of large groups."""
    for group in results.groups:
        for one in merger_rows(group):
            kept = "yes" if one["kept"] else "no"
            first, second = "+".join(one["first"]), "+".join(one["second"])
            yield group.id, int(one["step"]), first, second, float(one["gain"]), float(one["total"]), kept
