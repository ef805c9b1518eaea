"""Records of made-up spectra, as the free-energy and integration stages write them; free energies are stated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from bayesbeam.io.samples import Record
from bayesbeam.report.curves import AVERAGED
from bayesbeam.stages.averaging import averages
from made_up_spectra import (
    CHAINS,
    DRAWS,
    NASTY,
    Spectrum,
    columns_of,
    data_of,
    draws_of,
    generator_of,
    peaks_at,
    summary_of,
)

RELATIVE_F = {1: 195.01, 2: 96.6, 3: 0.0, 4: 0.22}


def measurement_records(file: h5py.File, spectrum: Spectrum, most: int) -> list[dict[str, Any]]:
    """Records of all candidates of a spectrum."""
    records = []
    for candidate, count in _candidates(spectrum)[: most if most < 4 else None]:
        tag = f"{candidate}-k{count}"
        rows = _write_arrays(file.create_group(f"{spectrum.id}/{tag}"), spectrum, count)
        shift = 4.0 if candidate == "doublets" else 3.0 * (spectrum.id == "run2" and count == 4)
        records.append(_record(spectrum, candidate, count, tag, RELATIVE_F[count] + shift, rows))
    weights = np.exp([-one["free_energy"] + min(r["free_energy"] for r in records) for one in records])
    for record, share in zip(records, weights / weights.sum(), strict=True):
        record["model_probability"] = float(share)
        record["probability_error"] = float(share * (1 - share) * 0.12)
    return records


def averaged_rows(file: h5py.File, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Averages over the candidates of a spectrum, and its averaged curve in the file."""
    name = records[0]["measurement"]
    wanted = ("draws", "curve_mean", "curve_sd", "x")
    arrays = {
        one["tag"]: Record({key: file[f"{name}/{one['tag']}/{key}"][()] for key in wanted}, {}) for one in records
    }
    rows, curve = averages(records, arrays)
    for key, values in curve.arrays.items():
        file[f"{name}/{AVERAGED}/{key}"] = values
    return rows


def _candidates(spectrum: Spectrum) -> list[tuple[str, int]]:
    """Candidates of a spectrum: one family, or two of them."""
    family = [("peaks", count) for count in range(1, 5)]
    return [*family, ("doublets", 2), ("doublets", 3)] if spectrum.decreasing else family


def _record(
    spectrum: Spectrum, candidate: str, count: int, tag: str, relative: float, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """Record of one candidate."""
    value = -244.2 + relative if not spectrum.level else 1834.5 + relative
    bad = spectrum.decreasing and count == 4
    error = 0.62 if bad else 0.08
    reasons = ["forward and backward estimates differ by 3.1 standard errors", "3 round trips; at least 20 wanted"]
    priors = [
        ("peaks.amplitude", "gamma(shape=5, rate=5)", spectrum.y_unit, "campaign"),
        ("peaks.position", f"uniform(low={spectrum.low:g}, high={spectrum.high:g})", spectrum.unit, "default"),
        ("peaks.sd", "log_uniform(low=0.01, high=1)", spectrum.unit, "default"),
        ("noise.scale", "log_uniform(low=0.1, high=10)", "1", "default"),
    ]
    return {
        "measurement": spectrum.id,
        "candidate": candidate,
        "count": count,
        "tag": tag,
        "title": ("Gaussian peaks" if candidate == "peaks" else f"Two-line groups {NASTY}") + f", K = {count}",
        "free_energy": value,
        "standard_error": error,
        "free_energy_excess": value + 416.4776 if not spectrum.level else None,
        "estimators": {
            "stepping_stone_forward": {"value": value + 0.1, "standard_error": 0.14},
            "stepping_stone_backward": {"value": value - (2.4 if bad else 0.07), "standard_error": 0.13},
            "bar": {"value": value, "standard_error": error},
        },
        "verdict": "not reliable" if bad else "reliable",
        "reasons": reasons if bad else [],
        "barrier": 7.2,
        "exchange_rate_min": 0.48,
        "exchange_rate_mean": 0.61,
        "round_trips": 3 if bad else 214,
        "ess_min": 41.0 if bad else 690.0,
        "rhat_max": 1.13 if bad else 1.006,
        "chains": CHAINS,
        "replicas": 16,
        "sweeps": 4000,
        "burn_in": 1000,
        "noise": {
            "family": "normal",
            "words": "Normal noise, its level estimated; the file's errors are relative weights.",
            "sigma_mean": spectrum.sigma,
            "sigma_sd": 0.04 * spectrum.sigma,
        },
        "predictive_p": 0.0004 if count == 1 else 0.43,
        "checks": {
            "squares": 0.0004 if count == 1 else 0.43,
            "runs": 1e-9 if count == 1 else 0.61,
            "local": 1e-40 if count == 1 else 0.12,
            "together": 3e-40 if count == 1 else 0.22,
            "x_from": 284.2,
            "x_to": 285.0,
            "deviation": 13.4 if count == 1 else -2.1,
            "excess": 0.31,
            "share": 0.12,
        },
        "numbering": [{"part": "peaks", "by": "assignment" if count == 4 else "order", "doubtful": _doubtful(count)}],
        "cpu_seconds": 3.2 * count,
        "wall_seconds": 1.7 * count,
        "peak_memory_mb": 312.0,
        "predicted_memory_mb": 330.0,
        "likelihood_rows": 1.2e6 * count,
        "engine": "eager",
        "device": "cpu",
        "seed": 2012,
        "versions": {"bayesbeam": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6"},
        "key": f"{count:02x}" * 32,
        "priors": [dict(zip(("parameter", "prior", "unit", "source"), one, strict=True)) for one in priors],
        "parameters": rows,
        "parts": f"{count} gaussian" + (" + constant" if spectrum.level else ""),
    }


def _doubtful(count: int) -> list[dict[str, Any]]:
    """Peaks that cannot be told apart: where there are four, the last two."""
    return [{"first": 3, "second": 4, "overlap": 0.21}] if count == 4 else []


def group_row(file: h5py.File, members: Sequence[Spectrum], count: int) -> dict[str, Any]:
    """One candidate of the group: shared positions and widths, own amplitudes."""
    tag = f"peaks-k{count}"
    posterior, prior, _ = draws_of(members[0], count, 0.7, "integrated")
    columns = columns_of(members[0], count)
    own = [place for place, one in enumerate(columns) if one["name"] not in ("peaks.position", "peaks.sd")]
    shared = [place for place in range(len(columns)) if place not in own]
    described = [columns[place] | {"measurement": None} for place in shared]
    described += [columns[place] | {"measurement": member.id} for member in members for place in own]
    order = shared + own * len(members)
    node = file.create_group(tag)
    node.create_dataset("draws", data=posterior[..., order]).attrs["columns"] = json.dumps(described)
    node["prior_draws"] = prior[:, order]
    for member in members:
        _write_arrays(node.create_group(f"members/{member.id}"), member, count)
    gain = {1: 1.1, 2: 4.0, 3: 12.3, 4: 12.9}[count]
    share = 1 / (1 + np.exp(-gain))
    separate = -480.0 + 2 * RELATIVE_F[count]
    return {
        "tag": tag,
        "count": count,
        "free_energy": separate - gain,
        "standard_error": 0.11,
        "separate_free_energy": separate,
        "separate_standard_error": 0.12,
        "gain": gain,
        "gain_standard_error": 0.16,
        "probability": float(share),
        "probability_error": float(share * (1 - share) * 0.16),
        "verdict": "reliable",
        "reasons": [],
        "parameters": summary_of(described, posterior[..., order]),
    }


def _write_arrays(node: h5py.Group, spectrum: Spectrum, count: int) -> list[dict[str, Any]]:
    """Arrays of one candidate; returns its summary rows."""
    x, y = data_of(spectrum)
    columns = columns_of(spectrum, count)
    posterior, prior, theta = draws_of(spectrum, count, 1.0)
    node.create_dataset("draws", data=posterior).attrs["columns"] = json.dumps(columns)
    node["prior_draws"] = prior
    curves = peaks_at(x, theta.reshape(-1, count, 3)[::4])
    total = curves.sum(1) + spectrum.level
    levels = np.full((curves.shape[0], 1, x.size), spectrum.level)
    groups = np.concatenate([curves, levels], 1) if spectrum.level else curves
    sd = np.full(x.size, spectrum.sigma)
    median = np.median(total, axis=0)
    node["x"], node["y"], node["sd"] = x, y, sd
    node["prediction"] = np.quantile(total, [0.025, 0.16, 0.5, 0.84, 0.975], axis=0)
    node["predictive"] = median + np.array([-1.96, -1, 1, 1.96])[:, None] * sd
    parts = np.moveaxis(np.quantile(groups, [0.025, 0.5, 0.975], axis=0), 0, 1)
    labels = [f"peaks {index}" for index in range(1, count + 1)] + (["constant"] if spectrum.level else [])
    node.create_dataset("components", data=parts).attrs["labels"] = json.dumps(labels)
    node["residuals"] = (y - median) / sd
    node["curve_mean"], node["curve_sd"] = total.mean(0), total.std(0)
    generator = generator_of("run", spectrum.id, count)
    node["trace"] = -0.5 * x.size + 2 * generator.standard_normal((CHAINS, DRAWS))
    node["beta"] = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 15)])
    node["exchange_rate"] = np.clip(0.62 + 0.08 * generator.standard_normal(15), 0.05, 1)
    node["log_likelihood_mean"] = np.linspace(-3000, -0.5 * x.size, 16)
    return summary_of(columns, posterior)
