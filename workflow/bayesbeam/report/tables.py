"""Tables of a report as CSV, with the columns of ``table_columns``.

Numbers are written in full (they read back to the last bit); an absent one is an empty field.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from bayesbeam.report import phase_tables, sparse_tables
from bayesbeam.report.exact_view import exact_rows
from bayesbeam.report.followed import FORMULA
from bayesbeam.report.limit import limits
from bayesbeam.report.many import is_many
from bayesbeam.report.many_tables import MANY_ROWS
from bayesbeam.report.phase_together import together_rows
from bayesbeam.report.records import Results, Row
from bayesbeam.report.series_data import all_series, along, line_of, members_of, value_of
from bayesbeam.report.series_rows import SERIES_ROWS
from bayesbeam.report.sharing_tables import conflict, integration, mergers, partitions
from bayesbeam.report.table_columns import COLUMNS, Rows, Value
from bayesbeam.report.told import told_rows

# What the record of a noise curve calls the columns of ``noise_level`` after the first three.
_ONLY_IF_ANY = (
    ("conflict", conflict), ("partitions", partitions), ("mergers", mergers), *SERIES_ROWS.items(),
    ("phases_together", together_rows), *MANY_ROWS.items(),
)  # fmt: skip
_LEVEL = (
    "sigma", "best", "best_sd", "best_error", "lowest", "lowest_error", "lowest_probability",
    "lowest_probability_error", "marginal", "marginal_error", "marginal_probability", "marginal_probability_error",
    "prior",
)  # fmt: skip


def write_tables(results: Results, folder: Path) -> None:
    """Write all tables into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    makers: dict[str, Callable[[Results], Rows]] = {
        "free_energy": _free_energy,
        "parameters": _parameters,
        "modes": _modes,
        "noise_curve": _noise_curve,
        "noise_level": _noise_level,
        "checks": _checks,
        "numbering": _numbering,
        "counts": _counts,
        "terms": sparse_tables.terms,
        "supports": sparse_tables.supports,
        "sizes": sparse_tables.sizes,
        "density_of_states": sparse_tables.density_of_states,
        **phase_tables.MAKERS,
        "averaged": _averaged,
        "next_points": _next_points,
        "exact": exact_rows,
        "integration": integration,
        "conflict": conflict,
        "partitions": partitions,
        "mergers": mergers,
        "integration_averaged": _integration_averaged,
        "measurement_limit": _measurement_limit,
        "distinguish": told_rows,
        "series": _series,
        "series_lines": _series_lines,
        "phases_together": together_rows,
        **SERIES_ROWS,
        **MANY_ROWS,
        "runtime": _runtime,
    }
    for name in tables_of(results):
        _write(folder / f"{name}.csv", COLUMNS[name], makers[name](results))


def tables_of(results: Results) -> tuple[str, ...]:
    """Names of the tables of these results, those that would be empty left out where they answer a special question."""
    candidates = [one for result in results.measurements for one in result.candidates]
    empty = set() if results.facts.distinguished else {"distinguish"}
    if not any(row.mode is not None for one in candidates for row in one.parameters):
        empty.add("modes")
    if not any(one.noise_curve for one in candidates):
        empty |= {"noise_curve", "noise_level"}
    if not any(one.sparse for one in candidates):
        empty |= {"terms", "supports", "sizes", "density_of_states"}
    empty |= phase_tables.empty_ones(results)
    if not any(exact_rows(results)):
        empty.add("exact")
    if not any(_numbering(results)):
        empty.add("numbering")
    if not any(_next_points(results)):
        empty.add("next_points")
    if not any(result.averaged for result in results.measurements):
        empty.add("averaged")
    if not any(group.averaged for group in results.groups):
        empty.add("integration_averaged")
    for name, maker in _ONLY_IF_ANY:
        if not any(maker(results)):
            empty.add(name)
    if not any(result.counts for result in results.measurements):
        empty.add("counts")
    return tuple(name for name in COLUMNS if name not in empty)


def _free_energy(results: Results) -> Rows:
    """Free energies; a refused measurement has a row without numbers."""
    for result in results.measurements:
        if not result.candidates:
            yield (result.id, None, None, None, None, None, None, "refused")
        for one in result.candidates:
            yield (
                one.measurement, one.candidate, one.count, one.free_energy, one.standard_error,
                one.model_probability, one.probability_error, one.verdict,
            )  # fmt: skip


def _parameters(results: Results) -> Rows:
    """Posterior summaries of every candidate."""
    for result in results.measurements:
        for one in result.candidates:
            for row in one.parameters:
                yield (
                    one.measurement, one.candidate, one.count, row.name, row.index, row.unit, row.mean, row.sd,
                    row.q025, row.median, row.q975, row.ess, row.rhat,
                )  # fmt: skip


def _modes(results: Results) -> Rows:
    """Modes of every candidate that has one, and what was sampled or follows from it."""
    for result in results.measurements:
        for one in result.candidates:
            for row in one.parameters:
                yield (
                    one.measurement, one.candidate, one.count, row.name, row.index, row.unit, row.mode, row.laplace_sd,
                    row.information_sd,
                )  # fmt: skip


def _noise_curve(results: Results) -> Rows:
    """Free energy at levels of the noise over the stated one, and the best of them, which each row repeats."""
    for result in results.measurements:
        for one in result.candidates:
            curve = one.noise_curve or {}
            rows = zip(*(curve.get(name, ()) for name in ("factor", "free_energy", "standard_error")), strict=True)
            for row in rows:
                yield (one.measurement, one.candidate, one.count, *row, curve.get("best"), curve.get("best_sd"))


def _checks(results: Results) -> Rows:
    """Whether the data look like those of each candidate, and where they do so least."""
    names = ("squares", "runs", "local", "together", "x_from", "x_to", "deviation", "excess", "share")
    for result in results.measurements:
        for one in result.candidates:
            found = one.checks or {}
            yield (one.measurement, one.candidate, one.count, one.predictive_p, *(found.get(name) for name in names))


def _numbering(results: Results) -> Rows:
    """Parts whose peaks are not numbered by position in every draw, and pairs of peaks that cannot be told apart."""
    for result in results.measurements:
        for one in result.candidates:
            for part in one.numbering:
                head = one.measurement, one.candidate, one.count, part.get("part"), part.get("by")
                for pair in part.get("doubtful", ()):
                    yield (*head, pair.get("first"), pair.get("second"), pair.get("overlap"))
                if part.get("by") == "assignment" and not part.get("doubtful"):
                    yield (*head, None, None, None)


def _counts(results: Results) -> Rows:
    """Probabilities of the counts of each part of candidates with several ranges."""
    for result in results.measurements:
        for one in result.counts:
            yield (result.id, one.candidate, one.part, one.count, one.probability, one.error)


def _averaged(results: Results) -> Rows:
    """Quantities averaged over the candidates of a measurement."""
    for result in results.measurements:
        for row in result.averaged:
            yield (
                result.id, row.name, row.unit, row.mean, row.sd, row.q025, row.median, row.q975, row.error,
                row.candidates,
            )  # fmt: skip


def _integration_averaged(results: Results) -> Rows:
    """Quantities of joint analyses averaged over counts; without a measurement those that all members share."""
    for group in results.groups:
        for row in group.averaged:
            yield (
                group.id, row.measurement, row.name, row.unit, row.mean, row.sd, row.q025, row.median, row.q975,
                row.error, row.candidates,
            )  # fmt: skip


def _next_points(results: Results) -> Rows:
    """Points to measure next, in their order; even_ of as many points spread evenly, the same in all rows."""
    for result in results.measurements:
        advised = result.advised
        for order, one in enumerate(advised.points if advised is not None else (), start=1):
            assert advised is not None
            yield (
                result.id, advised.about or None, advised.unit if advised.about else None, order, one["x"],
                one["curve_sd"], one["noise_sd"], one["information"], advised.even.get("information"),
                advised.sd_before, one.get("sd_after"), advised.even.get("sd_after"),
            )  # fmt: skip


def _noise_level(results: Results) -> Rows:
    """Best level of the noise over the stated one, and candidates at their best level and without it."""
    for result in results.measurements:
        for one in result.candidates:
            if one.noise_curve:
                numbers = (one.noise_curve.get(name) for name in _LEVEL)
                yield (one.measurement, one.candidate, one.count, *numbers)


def _measurement_limit(results: Results) -> Rows:
    """Selection and precision in studies, a row a level and parameter of the true model."""
    for limit in limits(results):
        for level in limit.levels:
            share = level.selected
            ends = share.interval if share.among else (None, None)
            head = (
                limit.study.name, limit.study.column, level.value, level.replicates, share.among, level.unreliable,
                limit.tag, share.cases, share.value, *ends, level.probability,
            )  # fmt: skip
            if not level.parameters:
                yield (*head, *[None] * 11)
            for one in level.parameters:
                covered = one.covered
                yield (
                    *head, one.name, one.index, one.unit, one.truth, one.sd_median, one.sd_low, one.sd_high,
                    covered.cases, covered.value, *(covered.interval if covered.among else (None, None)),
                )  # fmt: skip


def _series(results: Results) -> Rows:
    """All candidates of all measurements along every series; of very many what is not asked for is the best alone."""
    series, most = all_series(results), 1 if is_many(results) and not results.facts.series else None
    points = [(one.column, one.tag, point) for one in series for trend in one.trends for point in trend]
    formulas: dict[tuple[str, str, str], list[Row]] = {}
    for column, tag, point in points:
        if point.row.kind == FORMULA:
            formulas.setdefault((column, tag, point.measurement), []).append(point.row)
    for column, study in dict.fromkeys((one.column, one.study) for one in series):
        for member in along(column, members_of(results, study)):
            for one in member.ranked[:most]:
                head = (
                    column, value_of(member, column), member.id, one.candidate, one.count, one.model_probability,
                    one.probability_error, one.verdict,
                )  # fmt: skip
                for row in (*one.parameters, *formulas.get((column, one.tag, member.id), ())):
                    yield (*head, row.name, row.index, row.unit, row.mean, row.sd, row.q025, row.q975, study or None)


def _series_lines(results: Results) -> Rows:
    """Straight line of every parameter along every series; unit is that of the parameter."""
    for one in all_series(results):
        for trend in one.trends:
            fit, row = line_of(trend), trend[0].row
            if fit is not None:
                yield (
                    one.column, one.tag, row.name, row.index, row.unit, fit.slope, fit.standard_error, *fit.interval,
                    fit.scatter, fit.stretch, fit.points, one.study or None,
                )  # fmt: skip


def _runtime(results: Results) -> Rows:
    """Cost of every run."""
    for result in results.measurements:
        for one in result.candidates:
            yield (
                f"sample/{one.measurement}/{one.tag}", one.device, one.cpu_seconds, one.wall_seconds,
                one.peak_memory_mb, one.likelihood_rows,
            )  # fmt: skip
    for group in results.groups:
        if group.rows:
            yield (
                f"integrate/{group.id}", group.device, group.cpu_seconds, group.wall_seconds, group.peak_memory_mb,
                group.likelihood_rows,
            )  # fmt: skip


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Value, ...]]) -> None:
    """Write one table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_field(value) for value in row] for row in rows)


def _field(value: Value) -> str:
    """Field of a table."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(value) if isinstance(value, float) else str(value)
