"""What must fit together in a campaign: candidates with measurements, noise with treatments, groups with both.

Decides relations only; single values are checked by the types, single candidates by ``resolve``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bayesbeam.config.places import Problems
from bayesbeam.config.regressors import check_columns
from bayesbeam.config.schema import Campaign
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.errors import nearest


@dataclass(frozen=True)
class Context:
    """What the checks look at.

    ``cut`` names key paths with mistakes of their own; ``sheet_is_whole`` is False where rows had mistakes;
    ``declared`` are the candidates of the file, also those that were left out.
    """

    campaign: Campaign
    rows: Sequence[MeasurementRow]
    cut: frozenset[str]
    sheet_is_whole: bool
    declared: frozenset[str]

    def cut_below(self, *keys: str) -> bool:
        """Whether something at or below a key path was left out."""
        path = ".".join(keys)
        return any(key == path or key.startswith((f"{path}.", f"{path}[")) for key in self.cut)


def applies(campaign: Campaign, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Measurements of each candidate, in the order of the sheet.

    Parameters
    ----------
    campaign : Campaign
        The campaign.
    ids : sequence of str
        Ids of the sheet.
    """
    return {
        name: tuple(i for i in ids if any(fnmatchcase(i, pattern) for pattern in candidate.measurements))
        for name, candidate in campaign.candidates.items()
    }


def matching(patterns: Sequence[str], ids: Sequence[str]) -> tuple[str, ...]:
    """Measurements that are named, or match patterns, each once: in the order of the patterns, then of the sheet."""
    return tuple(dict.fromkeys(i for pattern in patterns for i in ids if fnmatchcase(i, pattern)))


def check_campaign(context: Context, problems: Problems) -> None:
    """Note everything that does not fit together.

    Parameters
    ----------
    context : Context
        Campaign and sheet.
    problems : Problems
        Where mistakes are noted.
    """
    ids = [row.id for row in context.rows]
    members = applies(context.campaign, ids)
    _check_names(context, problems)
    if context.sheet_is_whole:
        _check_patterns(context, ids, problems)
        _check_coverage(context, members, problems)
    if not context.cut_below("treatments"):
        _check_noise(context, members, problems)
        check_columns(context, members, problems)
        _check_sides(context, members, problems)


def _check_names(context: Context, problems: Problems) -> None:
    """Candidate names that a file system may take for one."""
    first: dict[str, str] = {}
    for name in context.campaign.candidates:
        earlier = first.setdefault(name.lower(), name)
        if earlier != name:
            found = f"the name {name!r} beside {earlier!r}, from which only the case differs"
            problems.add(("candidates", name), found, "names that differ", "Rename one of them.")


def _check_patterns(context: Context, ids: Sequence[str], problems: Problems) -> None:
    """Words under ``measurements`` of a candidate that match nothing."""
    for name, candidate in context.campaign.candidates.items():
        if context.cut_below("candidates", name):
            continue
        for index, pattern in enumerate(candidate.measurements):
            if not any(fnmatchcase(i, pattern) for i in ids):
                kind = "pattern" if any(sign in pattern for sign in "*?[") else "id"
                found = f"the {kind} {pattern[:80]!r}, which no measurement has"
                remedy = nearest(pattern, _some(ids))
                problems.add(("candidates", name, "measurements", index), found, "an id of the sheet", remedy)


def _check_coverage(context: Context, members: Mapping[str, Sequence[str]], problems: Problems) -> None:
    """Measurements that no candidate describes."""
    if context.cut_below("candidates"):
        return
    covered = {identifier for ids in members.values() for identifier in ids}
    left = [row.id for row in context.rows if row.id not in covered]
    if left:
        found = f"{len(left)} without a candidate: {', '.join(_some(left))}"
        problems.add(
            ("candidates",), found, "at least one candidate for every measurement", "Widen a measurements list."
        )


def _check_noise(context: Context, members: Mapping[str, Sequence[str]], problems: Problems) -> None:
    """Poisson noise without counts, and sigma: column without uncertainties."""
    rows = {row.id: row for row in context.rows}
    for name, candidate in context.campaign.candidates.items():
        if context.cut_below("candidates", name):
            continue
        noise = candidate.noise
        if noise.family == "poisson":
            bad = [i for i in members[name] if not rows[i].treatment.signal.counts]
            path, needed = ("candidates", name, "noise", "family"), "signal: {counts: true}"
            _note_rows(problems, path, "poisson noise", bad, rows, needed)
            _check_count_changes(problems, name, members[name], rows)
        if noise.sigma == "column":
            bad = [i for i in members[name] if rows[i].treatment.uncertainty.source == "none"]
            path, needed = ("candidates", name, "noise", "sigma"), "uncertainty: {from: column} or another source"
            _note_rows(problems, path, "sigma: column", bad, rows, needed)


def _check_count_changes(problems: Problems, name: str, ids: Sequence[str], rows: Mapping[str, MeasurementRow]) -> None:
    """Counts that are divided or turned into logarithms, so that they are counts no more."""
    bad = [i for i in ids if rows[i].treatment.signal.counts and rows[i].treatment.normalise != "none"]
    path = ("candidates", name, "noise", "family")
    _note_rows(problems, path, "poisson noise on normalised counts", bad, rows, "normalise: none")
    bad = [i for i in ids if rows[i].treatment.signal.counts and rows[i].treatment.signal.transform != "none"]
    _note_rows(problems, path, "poisson noise on the logarithm of counts", bad, rows, "signal: {transform: none}")


def _check_sides(context: Context, members: Mapping[str, Sequence[str]], problems: Problems) -> None:
    """Backgrounds of lost energy that rise to the side where there are none, by what the axis is said to be."""
    rows = {row.id: row for row in context.rows}
    for name, candidate in context.campaign.candidates.items():
        if context.cut_below("candidates", name):
            continue
        for index, part in enumerate(candidate.parts):
            if part.component not in ("shirley", "tougaard") or "side" in {*part.priors, *part.tied}:
                continue
            side = part.fixed.get("side", 1.0)
            word, other = ("binding", -1) if side > 0 else ("kinetic", 1)
            bad = [i for i in members[name] if word in rows[i].treatment.axis.quantity.lower()]
            if bad:
                found = f"side {side:g}, as of a {'kinetic' if side > 0 else 'binding'} energy"
                where = f"{word} energy in {', '.join(_some(bad))}"
                remedy = f"Write fixed: {{side: {other}}}."
                problems.add(
                    ("candidates", name, "parts", index), f"{found}, but x is {where}", f"side {other}", remedy
                )


def _note_rows(
    problems: Problems,
    path: tuple[str, ...],
    what: str,
    ids: Sequence[str],
    rows: Mapping[str, MeasurementRow],
    needed: str,
) -> None:
    """Note a candidate that asks for what some of its measurements do not have."""
    if ids:
        treatments = sorted({rows[i].treatment_name for i in ids})
        found = f"{what} for {', '.join(_some(ids))}"
        remedy = f"Change treatments.{treatments[0]}, the noise, or the measurements of the candidate."
        problems.add(path, found, f"{needed} in the treatment {', '.join(treatments)}", remedy)


def _some(words: Sequence[str], limit: int = 12) -> list[str]:
    """First words of a long list."""
    return [*words[:limit], f"and {len(words) - limit} more"] if len(words) > limit else list(words)
