"""Free energies, model probabilities and posterior summaries of a batch of measurements."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam import noise as noise_models
from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.specs import Expanded
from bayesbeam.errors import BayesbeamError, DamagedError, unforeseen
from bayesbeam.evidence.model_posterior import model_posterior
from bayesbeam.io.results import write_result
from bayesbeam.io.samples import Record, RecordsFile, records_file
from bayesbeam.io.store import Measurement, read_measurement
from bayesbeam.report.curves import AVERAGED, NEXT
from bayesbeam.stages.amount import SUMMARY, SUMMARY_SHOWN, kept_of_summary
from bayesbeam.stages.averaging import averages
from bayesbeam.stages.build import base_deviation
from bayesbeam.stages.marginals import marginals
from bayesbeam.stages.next_points import Model, advise
from bayesbeam.stages.noise_levels import noise_levels, weigh_levels
from bayesbeam.stages.pack import REFUSED
from bayesbeam.stages.phase_summary import PHASES, noise_words_of, phases_of, prior_rows_of, summarise_phases
from bayesbeam.stages.summary import PRIOR_DRAWS, Summary, noise_words, prior_rows, summarise
from bayesbeam.stages.terms import SPARSE, STATES, of_terms, terms_of, words_of

FORMAT = 1
COSTS = ("cpu_seconds", "wall_seconds", "peak_memory_mb", "predicted_memory_mb")

FloatArray = NDArray[np.float64]


def summarise_batch(
    campaign: LoadedCampaign,
    batch: str,
    ids: Sequence[str],
    measurements: Path,
    samples: Path,
    out_json: Path,
    out_h5: Path,
) -> None:
    """Write the free energies and posterior summaries of all candidates of the measurements of a batch.

    Parameters
    ----------
    samples : Path
        Folder of the batch's draws, one file a tag.
    out_json, out_h5 : Path
        Numbers and arrays; the arrays are written first, one measurement after the other, so that numbers never lack
        theirs and memory does not grow with the batch.
    """
    torch.set_num_threads(1)
    content: dict[str, Any] = {"format": FORMAT, "batch": batch, "records": [], "averaged": [], "counts": []}
    content |= {"refused": []}
    advised: list[dict[str, Any]] = []
    with ExitStack() as stack:
        add = stack.enter_context(records_file(out_h5))
        drawn = _Drawn(samples, stack)
        for name in ids:
            m = read_measurement(measurements / f"{name}.h5")
            if m.refused:
                content["refused"].append({"measurement": name, "reason": m.reason})
                continue
            found, reasons, kept, states = _candidates(campaign, m, drawn)
            content["records"] += found
            content["refused"] += [{"measurement": name, "tag": tag, "reason": why} for tag, why in reasons.items()]
            specs = {one.tag: one.spec for one in campaign.candidates_of(name)}
            if len(found) > 1:
                noises = {tag: (spec.noise.model, spec.noise.base, spec.noise.value) for tag, spec in specs.items()}
                rows, kept[AVERAGED] = averages(found, kept, noises)
                content["averaged"] += rows
                content["counts"] += marginals(found)
            asked = campaign.campaign.report.next_points
            if found and asked is not None and campaign.row(name).made is None:
                models = [Model(specs[one["tag"]], one["model_probability"], states[one["tag"]]) for one in found]
                advice, curves = advise(asked, m, models)
                advised.append(advice)
                kept |= {NEXT: curves} if curves is not None else {}
            for place, record in kept.items():
                add(f"{name}/{place}", record)
        if drawn.failed and not content["records"]:
            raise drawn.failed[0]
    content |= {"next_points": advised} if advised else {}
    write_result(out_json, content)


class _Drawn:
    """Files of the draws of a batch, each opened when it is needed first; and what nobody foresaw in them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._files: dict[str, RecordsFile] = {}
        self.failed: list[Exception] = []

    def of(self, tag: str, name: str) -> Record:
        """Draws of one candidate for one measurement."""
        path = self._folder / f"{tag}.h5"
        if tag not in self._files:
            self._files[tag] = self._stack.enter_context(closing(RecordsFile(path)))
        record = self._files[tag].read(name)
        if record is None:
            raise DamagedError.of(
                path, f"no draws of measurement {name}", "those of every usable one",
                "Run the workflow again: it is set aside and made anew.",
            )  # fmt: skip
        return record


def _candidates(
    campaign: LoadedCampaign, m: Measurement, drawn: _Drawn
) -> tuple[list[dict[str, Any]], dict[str, str], dict[str, Record], dict[str, FloatArray]]:
    """Records, refusals, arrays and some draws of all candidates of one measurement."""
    records, refused, arrays, states = [], {}, {}, {}
    for expanded in campaign.candidates_of(m.id):
        sampled = drawn.of(expanded.tag, m.id)
        if REFUSED in sampled.facts:
            refused[expanded.tag] = str(sampled.facts[REFUSED])
            continue
        try:
            record, summary = _summarised(campaign, expanded, m, sampled)
        except (BayesbeamError, MemoryError):
            raise
        except Exception as problem:
            # One of thousands is refused; where nothing of a batch can be summarised, the job fails with it.
            traceback.print_exc()
            drawn.failed.append(problem)
            refused[expanded.tag] = unforeseen(f"measurement {m.id}: candidate {expanded.tag}", problem)
            continue
        records.append(record)
        facts = {"columns": summary.columns, "labels": summary.labels}
        states_too = {word: sampled.arrays[word] for word in STATES if word in sampled.arrays}
        kept = kept_of_summary(summary.arrays, campaign.campaign.sampling.store)
        arrays[expanded.tag] = Record(kept | summary.members[m.id] | states_too, facts)
        states[expanded.tag] = summary.picked
    if records:
        _weigh(records)
        weigh_levels(records)
    return records, refused, arrays, states


def _summarised(
    campaign: LoadedCampaign, expanded: Expanded, m: Measurement, sampled: Record
) -> tuple[dict[str, Any], Summary]:
    """Record and summary of one candidate on one measurement."""
    if expanded.spec.phases is not None:
        summary = summarise_phases(sampled, m.id)
    else:
        name, modes = f"{m.id}/{expanded.tag}", campaign.campaign.report.modes and expanded.spec.sparse is None
        seed, store = int(sampled.facts["seed"]), campaign.campaign.sampling.store
        of_prior = SUMMARY_SHOWN if store == SUMMARY else PRIOR_DRAWS
        summary = summarise(expanded.spec, [m], sampled, frozenset(), seed, name, modes, of_prior=of_prior)
        summary = of_terms(expanded.spec, summary, sampled, name)
    return _record(expanded, m, sampled, summary), summary


def _record(expanded: Expanded, m: Measurement, sampled: Record, summary: Summary) -> dict[str, Any]:
    """Everything that is known about one candidate on one measurement, as JSON can hold it."""
    facts, phases = sampled.facts, expanded.spec.phases
    value = float(facts["free_energy"]["value"])
    return {
        "measurement": m.id,
        "candidate": expanded.candidate,
        "count": expanded.count,
        "counts": dict(expanded.counts),
        "tag": expanded.tag,
        "title": expanded.title,
        "free_energy": value,
        "standard_error": float(facts["free_energy"]["standard_error"]),
        "degrees_of_freedom": int(facts["free_energy"]["degrees_of_freedom"]),
        "free_energy_excess": None if phases is not None else excess(expanded, m, value),
        "noise": noise_words_of(phases) if phases is not None else noise_words(expanded.spec, summary.rows, m),
        "noise_curve": noise_levels(expanded, m, sampled),
        "predictive_p": summary.p_values.get(m.id),
        "checks": summary.checks.get(m.id),
        "priors": prior_rows_of(phases) if phases is not None else prior_rows(expanded.spec, m),
        "numbering": summary.numbering,
        "parameters": [finite(row) for row in summary.rows],
        "parts": words_of(expanded.spec),
        **({PHASES: found} if (found := phases_of(sampled)) is not None else {}),
        **({SPARSE: terms} if (terms := terms_of(sampled)) is not None else {}),
        **diagnostics(sampled),
    }


def diagnostics(sampled: Record) -> dict[str, Any]:
    """What allows a result to be believed, and what it cost."""
    facts = sampled.facts
    rates = sampled.arrays["exchange_rate"]
    ess, rhat = sampled.arrays["effective_draws"], sampled.arrays["rhat"]
    chains = int(sampled.arrays["log_likelihood"].shape[1])
    copied = (
        "verdict", "reasons", "barrier", "round_trips", "sweeps", "burn_in", "likelihood_rows", "engine", "device",
        "seed", "versions", "key",
    )  # fmt: skip
    return {
        "estimators": {name: finite(value) for name, value in facts["estimators"].items()},
        "exchange_rate_min": float(rates.min()) if rates.size else None,
        "exchange_rate_mean": float(rates.mean()) if rates.size else None,
        "ess_min": _number(float(np.nanmin(ess))) if np.isfinite(ess).any() else None,
        "rhat_max": _number(float(np.nanmax(rhat))) if np.isfinite(rhat).any() else None,
        "chains": chains,
        "replicas": len(sampled.arrays["beta"]),
        **{name: facts[name] for name in copied},
        **{name: facts.get(name) for name in COSTS},
        **{name: facts[name] for name in ("exact", "not_solved") if name in facts},
    }


def excess(expanded: Expanded, m: Measurement, free_energy: float) -> float | None:
    """Free energy without the Gaussian normaliser, as in Nagata et al. (2012); None where sigma is not known."""
    noise = noise_models.get(expanded.spec.noise.model)
    data = noise.prepare(torch.from_numpy(m.y), torch.from_numpy(base_deviation(expanded.spec, m)))
    offset = noise.excess_offset(data)
    return None if offset is None else free_energy - float(offset)


def _weigh(records: list[dict[str, Any]]) -> None:
    """Add the posterior probability of each candidate, all having the same prior weight."""
    values = np.array([record["free_energy"] for record in records])
    errors = np.array([record["standard_error"] for record in records])
    posterior = model_posterior(values, errors)
    for record, p, error in zip(records, posterior.probability, posterior.standard_error, strict=True):
        record["model_probability"] = float(p)
        record["probability_error"] = float(error)


def finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """Row with null for what is not a number."""
    return {key: _number(value) if isinstance(value, float) else value for key, value in row.items()}


def _number(value: float) -> float | None:
    """Value, or None for nan and infinities, which JSON does not have."""
    return value if math.isfinite(value) else None
