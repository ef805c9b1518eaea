"""From the draws of a search for phases to what a report shows: columns with statistics, curves, priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.specs import PhasesSpec
from bayesbeam.io.samples import Record
from bayesbeam.stages.statistics import statistics
from bayesbeam.stages.summary import MOST_DRAWS, Summary

FloatArray = NDArray[np.float64]

PHASES = "phases"
ARRAYS = (
    "phase_x", "phase_y", "phase_variance", "phase_sd", "phase_model", "phase_background", "phase_parts", "phase_ticks",
    "phase_tick_owner", "phase_tick_hkl",
)  # fmt: skip
BACKGROUND = "background"
_BARE = ("mean", "sd", "q025", "q16", "median", "q84", "q975")


def phases_of(record: Record) -> dict[str, Any] | None:
    """What is known of the phases of a library; None for a candidate without one."""
    found: dict[str, Any] | None = record.facts.get(PHASES)
    return found


def summarise_phases(record: Record, name: str) -> Summary:
    """Summary of a search for phases on a measurement.

    Statistics of what belongs to a phase are those of the draws in which it is there; curves are those of the most
    probable set.
    """
    columns, rows, arrays = _told(record)
    curves = _curves(record.arrays) | {word: record.arrays[word] for word in ARRAYS}
    labels = [BACKGROUND, *record.facts[PHASES]["best"]]
    return Summary(columns, rows, arrays, {name: curves}, labels, [], {}, {}, np.zeros((0, 1, 0)))


def summarise_one_sample(record: Record) -> Summary:
    """Summary of what scans of one sample have in common; it has no curves."""
    return Summary(*_told(record), {}, [], [], {}, {}, np.zeros((0, 1, 0)))


def _told(record: Record) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, FloatArray]]:
    """Columns of the draws, their statistics, and arrays."""
    facts = record.facts[PHASES]
    draws = record.arrays["theta"][:, 0].transpose(1, 0, 2)  # (C, S, Q)
    present = _in_chains(record.arrays["phase_present"], draws.shape)
    columns = [
        {"name": one["name"], "index": None, "unit": one["unit"], "kind": one["kind"], "measurement": None}
        for one in facts["quantities"]
    ]
    rows = [_row(column, draws[..., k], present[..., k]) for k, column in enumerate(columns)]
    kept = draws[:, :: max(1, -(-draws.shape[1] // MOST_DRAWS))]
    likelihood = record.arrays["log_likelihood"]
    arrays = {
        "draws": kept,
        "prior_draws": np.zeros((0, draws.shape[-1])),
        "trace": likelihood[:, :, -1].T,
        "beta": record.arrays["beta"],
        "exchange_rate": record.arrays["exchange_rate"],
        "log_likelihood_mean": likelihood.mean(axis=(0, 1)),
    }
    return columns, rows, arrays


def _in_chains(present: FloatArray, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether the phase of each quantity is in a draw, as the draws are: (C, S, Q)."""
    chains, length, columns = shape
    whole = present[: length * chains].reshape(length, chains, columns)
    return np.asarray(whole.transpose(1, 0, 2) > 0.5)


def _row(column: Mapping[str, Any], draws: FloatArray, there: NDArray[np.bool_]) -> dict[str, Any]:
    """Statistics of one quantity, of the draws in which its phase is."""
    rest = {key: value for key, value in column.items() if key != "name"}
    found = {"parameter": column["name"], **rest}
    if there.all():
        return found | statistics(draws) | {"inclusion": 1.0}
    some = draws[there] if there.any() else draws.ravel()
    quantiles = np.quantile(some, (0.025, 0.16, 0.5, 0.84, 0.975))
    values = [some.mean(), some.std(), *quantiles]
    return found | dict(zip(_BARE, map(float, values), strict=True)) | {"inclusion": float(there.mean())}


def _curves(arrays: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Data and curves by the names that every candidate has them under."""
    x, y, model = (arrays[f"phase_{word}"] for word in ("x", "y", "model"))
    sd, background = arrays["phase_sd"], arrays["phase_background"]
    parts = np.concatenate([background[None], arrays["phase_parts"].reshape(-1, len(x))])
    zero = np.zeros(len(x))
    return {
        "x": x,
        "y": y,
        "sd": sd,
        "prediction": np.tile(model, (5, 1)),
        "predictive": np.array([model - 2.0 * sd, model - sd, model + sd, model + 2.0 * sd]),
        "components": np.tile(parts[:, None], (1, 3, 1)),
        "residuals": (y - model) / sd,
        "curve_mean": model,
        "curve_sd": zero,
    }


def prior_rows_of(spec: PhasesSpec) -> list[dict[str, str]]:
    """Priors as they were used, for the report."""
    told = (
        ("phases in a set", f"poisson(mean={spec.expected:g}), at most {spec.most}", "1"),
        ("<phase>.share", "half_normal(sd=0.5)", "1"),
        ("<phase>: change of an edge of the cell", f"normal(mean=0, sd={spec.cell:g})", "1"),
        ("<phase>: log of a factor of widths", f"normal(mean=0, sd={spec.width:g})", "1"),
        ("<phase>: log of texture", f"normal(mean=0, sd={spec.texture:g})", "1"),
    )
    return [{"parameter": name, "prior": prior, "unit": unit, "source": "campaign"} for name, prior, unit in told]


def noise_words_of(spec: PhasesSpec) -> dict[str, Any]:
    """The noise in one sentence."""
    words = (
        f"counting statistics, and a model that is wrong by {100 * spec.line:g} % of a line, by {100 * spec.form:g} % "
        "of its form, and by more where no phase has a line"
    )
    return {"family": "counts and model error", "words": words, "sigma_mean": None, "sigma_sd": None}
