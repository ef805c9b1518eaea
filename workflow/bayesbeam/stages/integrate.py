"""Joint analysis of a group compared with the separate analyses of its measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bayesbeam.config.grouping import GroupModel, called_alone, linked
from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.patterns import of_phases, samples_jointly
from bayesbeam.config.shared import Shared
from bayesbeam.config.sharing import joint_spec
from bayesbeam.errors import DamagedError, StoreError
from bayesbeam.evidence.model_posterior import model_posterior
from bayesbeam.integration.decide import Decision, decide, decision_words
from bayesbeam.io.results import read_result, write_result
from bayesbeam.io.samples import Record, read_records, write_records
from bayesbeam.io.store import Measurement
from bayesbeam.report.curves import AVERAGED
from bayesbeam.stages.averaging import group_averages, member_group
from bayesbeam.stages.free_energy import FORMAT, diagnostics, finite
from bayesbeam.stages.members import member_key
from bayesbeam.stages.mixed import summarise_mixed
from bayesbeam.stages.multiplied import multiplied_rows
from bayesbeam.stages.pack import REFUSED
from bayesbeam.stages.phase_summary import PHASES, phases_of, summarise_one_sample
from bayesbeam.stages.sample import usable
from bayesbeam.stages.sharings import NOT_RELIABLE, RELIABLE, compare_group, read_found, sharing_decision
from bayesbeam.stages.summary import Summary, summarise


def integrate_group(campaign: LoadedCampaign, group: str, results: Path, out_json: Path, out_h5: Path) -> None:
    """Write the comparison of a group at every count, and of the best with the best.

    Parameters
    ----------
    results : Path
        Folder of the campaign's results, with joint draws and separate free energies.

    Raises
    ------
    StoreError
        If a separate free energy is missing, or was made of other data or settings.
    """
    torch.set_num_threads(1)
    asked = campaign.group(group)
    present = usable(asked.measurements, results / "measurements")
    models = campaign.group_models(group)
    separate = _separate(campaign, models, present, results)
    rows: list[dict[str, Any]] = []
    counts: dict[str, dict[str, int]] = {}
    arrays: dict[str, Record] = {}
    common: set[str] = set()
    reason = "fewer than two measurements of the group can be used with this candidate."
    for model in models if samples_jointly(asked) else ():
        sampled = read_records(results / "integration" / group / f"{model.tag}.h5").get(group)
        if sampled is None or REFUSED in sampled.facts:
            reason = str(sampled.facts[REFUSED]) if sampled is not None else reason
            continue
        inside = [m for m in present if m.id in sampled.facts["members"]]
        summary, labels, names = _summary(campaign, group, model, inside, sampled)
        alone = [_find(separate, m.id, model.of(m.id).tag) for m in inside]
        rows.append(_row(model, sampled, summary, alone) | {"called": called_alone(model, asked.shared)})
        counts[model.tag] = model.counts
        arrays |= _arrays(model.tag, summary, labels)
        common |= names
    if not samples_jointly(asked):
        rows, arrays = multiplied_rows(read_found(results, asked), partial(_find, separate))
        counts = {row["tag"]: {} for row in rows}
    answer: dict[str, Any] = {
        "format": FORMAT,
        "group": group,
        "candidate": " and ".join(dict.fromkeys(one.candidate for one, _ in models[0].parts)),
        "measurements": [m.id for m in present],
        "shared": [str(one) for one in asked.shared],
        "common": sorted(common),
        "own": _own_numbers(models, asked.shared),
        "rows": rows,
        "best": None,
        "decision": f"Not integrated: {reason}",
    }
    if rows:
        answer |= _best(rows, separate)
        answer["averaged"] = _over_counts(rows, counts, arrays)
        members = [m for m in present if m.id in answer["measurements"]]
        if not of_phases(asked):
            answer["sharing"] = compare_group(campaign, group, members, results, answer["best"]["tag_integrated"])
        answer["decision"] = sharing_decision(answer.get("sharing", {})) or answer["decision"]
    write_records(out_h5, arrays)
    write_result(out_json, answer)


def _summary(
    campaign: LoadedCampaign, group: str, model: GroupModel, members: Sequence[Measurement], sampled: Record
) -> tuple[Summary, dict[str, list[str]], frozenset[str]]:
    """Summary of joint draws, names of the curves of each measurement, and names of what all have in common."""
    name, entries = f"{group}/{model.tag}", campaign.group(group).shared
    if phases_of(sampled) is not None:
        alike = summarise_one_sample(sampled)
        return alike, {}, frozenset(one["name"] for one in alike.columns if one["kind"] == "parameter")
    if len(model.parts) == 1:
        joint = joint_spec(model.parts[0][0].spec, entries)
        seed, modes = int(sampled.facts["seed"]), campaign.campaign.report.modes
        summary = summarise(joint.spec, members, sampled, joint.shared, seed, name, modes)
        return summary, {m.id: summary.labels for m in members}, joint.shared
    there = [[m for m in members if m.id in ids] for _, ids in model.parts]
    chosen = [(one, tuple(m.id for m in own)) for (one, _), own in zip(model.parts, there, strict=True) if own]
    left = replace(model, parts=tuple(chosen))
    summary, labels = summarise_mixed(left, entries, [own for own in there if own], sampled, name)
    return summary, labels, frozenset(new for part in linked(left, entries) for new in part.names.values())


def _own_numbers(models: Sequence[GroupModel], entries: Sequence[Shared]) -> dict[str, dict[str, Any]]:
    """Offsets and factors of each measurement by their names: what they move, and who has none."""
    if any(len(model.parts) > 1 for model in models):
        return {}
    made = {name: one for model in models for name, one in joint_spec(model.parts[0][0].spec, entries).own.items()}
    return {
        name: {"kind": one.kind, "moves": list(one.parameter), "reference": one.reference or ""}
        for name, one in made.items()
    }


def _row(model: GroupModel, sampled: Record, summary: Summary, alone: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Comparison at one count."""
    free_energy, phases = float(sampled.facts["free_energy"]["value"]), phases_of(sampled)
    error = float(sampled.facts["free_energy"]["standard_error"])
    # Of scans that are searched for phases it is relative to those apart.
    free_energy += sum(float(one["free_energy"]) for one in alone) if phases is not None else 0.0
    decision = decide(
        free_energy,
        error,
        [one["free_energy"] for one in alone],
        [one["standard_error"] for one in alone],
    )
    doubts = [f"{one['measurement']} alone: {reason}" for one in alone for reason in one["reasons"]]
    facts = diagnostics(sampled)
    facts["reasons"] = [*facts["reasons"], *doubts]
    facts["verdict"] = RELIABLE if not facts["reasons"] else NOT_RELIABLE
    return {
        "tag": model.tag,
        "count": model.count,
        "tags": {name: model.of(name).tag for name in sampled.facts["members"]},
        "members": list(sampled.facts["members"]),
        "free_energy": free_energy,
        "standard_error": error,
        **asdict(decision),
        "decision": decision_words(decision, facts["verdict"] == RELIABLE),
        "predictive_p": summary.p_values,
        "checks": summary.checks,
        "numbering": summary.numbering,
        "parameters": [finite(row) for row in summary.rows],
        **facts,
        **({PHASES: phases["phases"]} if phases is not None else {}),
    }


def _best(rows: Sequence[Mapping[str, Any]], separate: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    """Best integrated candidate against the best separate one of each measurement, and the cost of it all.

    Where a count left out a member, free energies are of fewer data and do not compare: only the most members count.
    """
    members = max((row["members"] for row in rows), key=len)
    joint = min((row for row in rows if row["members"] == members), key=_by_free_energy)
    alone = {name: min((one for (m, _), one in separate.items() if m == name), key=_by_free_energy) for name in members}
    decision: Decision = decide(
        joint["free_energy"],
        joint["standard_error"],
        [one["free_energy"] for one in alone.values()],
        [one["standard_error"] for one in alone.values()],
    )
    believed = joint["verdict"] == RELIABLE and all(one["verdict"] == RELIABLE for one in alone.values())
    best = {
        "tag_integrated": joint["tag"],
        "tag_separate": {name: one["tag"] for name, one in alone.items()},
        **asdict(decision),
    }
    summed = {name: sum(row[name] or 0 for row in rows) for name in ("cpu_seconds", "wall_seconds", "likelihood_rows")}
    copied = {name: joint[name] for name in ("device", "engine", "seed", "key", "versions")}
    memory = {"peak_memory_mb": max(row["peak_memory_mb"] or 0.0 for row in rows)}
    words = {"measurements": list(members), "best": best, "decision": decision_words(decision, believed)}
    return words | summed | memory | copied


def _over_counts(
    rows: Sequence[dict[str, Any]], counts: Mapping[str, Mapping[str, int]], arrays: dict[str, Record]
) -> list[dict[str, Any]]:
    """Averages over the counts of the most members, their curves added to the arrays, the probabilities to the rows."""
    members = max((row["members"] for row in rows), key=len)
    alike = [row for row in rows if row["members"] == members]
    posterior = model_posterior(
        np.array([row["free_energy"] for row in alike]), np.array([row["standard_error"] for row in alike])
    )
    for row, p, error in zip(alike, posterior.probability, posterior.standard_error, strict=True):
        row["model_probability"], row["model_probability_error"] = float(p), float(error)
    if len(alike) < 2:
        return []
    averaged, curves = group_averages([row | {"counts": counts[row["tag"]]} for row in alike], arrays)
    arrays |= {member_group(AVERAGED, name): curve for name, curve in curves.items()}
    return averaged


def _by_free_energy(record: Mapping[str, Any]) -> float:
    """Sorting key."""
    return float(record["free_energy"])


def _arrays(tag: str, summary: Summary, labels: Mapping[str, list[str]]) -> dict[str, Record]:
    """Arrays of one count: draws at its top, curves a member below."""
    facts = {"columns": summary.columns, "labels": summary.labels}
    members = {
        member_group(tag, name): Record(curves, facts | {"labels": labels[name]})
        for name, curves in summary.members.items()
    }
    return {tag: Record(summary.arrays, facts), **members}


def _separate(
    campaign: LoadedCampaign, models: Sequence[GroupModel], present: Sequence[Measurement], results: Path
) -> dict[tuple[str, str], dict[str, Any]]:
    """Separate results by measurement and tag, as far as they were made of the present data and settings."""
    known = {m.id: {one.of(m.id).tag: one.of(m.id) for one in models} for m in present}
    keys = {(m.id, tag): member_key(campaign, e, [m]) for m in present for tag, e in known[m.id].items()}
    found = {}
    for path in sorted((results / "free_energy").glob("*.json")):
        for record in _records(path):
            name = record["measurement"], record["tag"]
            if record["key"] == keys.get(name):
                found[name] = record
    return found


def _records(path: Path) -> list[dict[str, Any]]:
    """Records of one file of free energies."""
    try:
        records: list[dict[str, Any]] = read_result(path)["records"]
    except (KeyError, TypeError) as problem:
        remedy = "Run the workflow again: it is set aside and made anew."
        raise DamagedError.of(path, f"has no records ({problem})", "free energies of a batch", remedy) from problem
    return records


def _find(separate: Mapping[tuple[str, str], dict[str, Any]], measurement: str, tag: str) -> dict[str, Any]:
    """Separate result of one measurement at one tag."""
    if (measurement, tag) not in separate:
        raise StoreError.at(
            f"measurement {measurement}", f"no free energy of {tag} by itself", "one, to compare with",
            "Run the workflow again: the free_energy step makes it.",
        )  # fmt: skip
    return separate[measurement, tag]
