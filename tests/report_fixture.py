"""Result files as a finished campaign leaves them, made up from known curves: for tests of the report.

Nothing is sampled: posteriors are normal around the truth, free energies are stated. The layout is the real one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bayesbeam.io.seal import seal
from bayesbeam.io.store import Measurement, write_measurement
from bayesbeam.report.records import Facts

Array = NDArray[np.float64]
NASTY = "<script>alert(1)</script>"
NASTY_TITLE = "a$b_{<&\"'>}$ " + NASTY
CHAINS, DRAWS = 4, 250


@dataclass(frozen=True)
class Spectrum:
    """Truth of one made-up measurement."""

    id: str
    title: str
    peaks: Array  # (K, 3): amplitude, position, sd
    low: float
    high: float
    n_points: int
    sigma: float
    level: float = 0.0
    unit: str = "eV"
    x_quantity: str = "energy"
    y_unit: str = "arb. units"
    decreasing: bool = False


SPECTRA = (
    Spectrum(
        "nagata",
        "Three overlapping lines",
        np.array([[0.587, 1.210, 0.102], [1.522, 1.455, 0.083], [1.183, 1.703, 0.078]]),
        0.0,
        3.0,
        301,
        0.1,
    ),
    Spectrum(
        "pet.c1s",
        NASTY_TITLE,
        np.array([[9100.0, 284.7, 0.55], [3000.0, 286.3, 0.5], [2800.0, 288.7, 0.42]]),
        280.0,
        294.0,
        281,
        140.0,
        level=1200.0,
        x_quantity="binding energy",
        y_unit="counts",
        decreasing=True,
    ),
    Spectrum(
        "run2",
        "Three overlapping lines, again",
        np.array([[0.5, 1.212, 0.1], [1.4, 1.457, 0.083], [1.0, 1.701, 0.078]]),
        0.0,
        3.0,
        301,
        0.12,
    ),
)
RELATIVE_F = {1: 195.01, 2: 96.6, 3: 0.0, 4: 0.22}


def facts(n_copies: int = 0) -> Facts:
    """Return the campaign as the report takes it."""
    names = [one.id for one in SPECTRA] + [f"copy{number}" for number in range(n_copies)] + ["bad"]
    return Facts("made_up", "A made-up campaign", tuple(names), ("sampleA",))


def write_one(folder: Path) -> tuple[Facts, Path]:
    """Write the result files of a campaign with one measurement; return the campaign and the folder."""
    (folder / "measurements").mkdir(parents=True)
    _write_spectrum(folder, SPECTRA[0])
    _write_batch(folder, "b0", SPECTRA[:1], most=2)
    (folder / "batches.tsv").write_text(f"measurement\tbatch\n{SPECTRA[0].id}\tb0\n", encoding="utf-8")
    return Facts("small", "", (SPECTRA[0].id,)), folder


def write_results(folder: Path, n_copies: int = 0) -> Path:
    """Write the result files of a campaign: three spectra, a refused measurement, one group; return the folder."""
    spectra = list(SPECTRA) + [_copy(number) for number in range(n_copies)]
    (folder / "measurements").mkdir(parents=True)
    for spectrum in spectra:
        _write_spectrum(folder, spectrum)
    refused = Measurement(
        id="bad",
        status="refused",
        reason=f"data/{NASTY}.txt: 0 numbers; expected at least 8. Check the file.",
        metadata={"title": f"Broken {NASTY}"},
        provenance={"input_file": f"{NASTY}.txt", "input_sha256": "0" * 64, "key": "k", "code_version": "0.1.0"},
    )
    write_measurement(folder / "measurements" / "bad.h5", refused)
    _write_batch(folder, "b0", [one for one in spectra if not one.decreasing])
    _write_batch(folder, "b1", [one for one in spectra if one.decreasing])
    rows = [f"{one.id}\t{'b1' if one.decreasing else 'b0'}\n" for one in spectra]
    (folder / "batches.tsv").write_text("measurement\tbatch\n" + "".join(rows), encoding="utf-8")
    _write_group(folder, [SPECTRA[0], SPECTRA[2]])
    return folder


def write_campaign(folder: Path) -> Path:
    """Write a campaign folder that fits the results; its data files do not exist, which the report never notices."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [*(one.id for one in SPECTRA), "bad"]
    rows = "".join(f"{name}\tdata/{name}.txt\n" for name in names)
    (folder / "measurements.tsv").write_text("id\tfile\n" + rows, encoding="utf-8")
    (folder / "campaign.yaml").write_text(
        """campaign: made_up
measurements: measurements.tsv
treatments:
  default: {axis: {quantity: energy, unit: eV}}
candidates:
  peaks:
    parts:
      - name: peaks
        component: gaussian
        count: 1..4
        priors: {position: "uniform(low=0, high=3)", sd: "log_uniform(low=0.01, high=1)"}
    noise: {family: normal, sigma: 0.1}
  doublets:
    measurements: [pet.c1s]
    parts: [{name: peaks, component: gaussian, count: 2..3}]
    noise: {family: normal, sigma: estimate}
integration:
  - {group: sampleA, measurements: [nagata, run2], candidate: peaks, shared: [peaks.position, peaks.sd]}
report: {title: A made-up campaign}
""",
        encoding="utf-8",
    )
    return folder / "campaign.yaml"


def _copy(number: int) -> Spectrum:
    """One more spectrum, to see what many cost."""
    first = SPECTRA[0]
    return Spectrum(f"copy{number}", f"Copy {number}", first.peaks, first.low, first.high, 301, first.sigma)


def _generator(*words: object) -> np.random.Generator:
    """Generator keyed by words, so that files do not depend on order."""
    return np.random.default_rng([ord(letter) for letter in " ".join(map(str, words))])


def _shape(x: Array, theta: Array) -> Array:
    """Gaussian peaks, (..., K, N) for theta (..., K, 3)."""
    amplitude, position, sd = (theta[..., place, None] for place in range(3))
    return np.asarray(amplitude * np.exp(-0.5 * ((x - position) / sd) ** 2))


def _data(spectrum: Spectrum) -> tuple[Array, Array]:
    """Data of a spectrum."""
    x = np.linspace(spectrum.low, spectrum.high, spectrum.n_points)
    noise = spectrum.sigma * _generator(spectrum.id).standard_normal(x.size)
    return x, _shape(x, spectrum.peaks).sum(0) + spectrum.level + noise


def _write_spectrum(folder: Path, spectrum: Spectrum) -> None:
    """Measurement file of a spectrum."""
    x, y = _data(spectrum)
    measurement = Measurement(
        id=spectrum.id,
        x=x,
        y=y,
        uncertainty=np.full(x.size, spectrum.sigma),
        x_quantity=spectrum.x_quantity,
        x_unit=spectrum.unit,
        y_quantity="intensity",
        y_unit=spectrum.y_unit,
        decreasing=spectrum.decreasing,
        noise_estimate=spectrum.sigma,
        metadata={"title": spectrum.title, "temperature_K": 300.0},
        treatment=(
            f"Read {x.size} points from columns 0 (x) and 1 (y) of {spectrum.id}.txt.",
            f"Kept {spectrum.low:g} to {spectrum.high:g} {spectrum.unit}: {x.size} of {x.size} points.",
        ),
        provenance={
            "input_file": f"{spectrum.id}.txt",
            "input_sha256": "ab" * 32,
            "key": "cd" * 32,
            "code_version": "0.1.0",
            "format_version": "1",
        },
    )
    write_measurement(folder / "measurements" / f"{spectrum.id}.h5", measurement)


def _theta(spectrum: Spectrum, count: int) -> Array:
    """Peaks that a candidate with so many would find."""
    peaks = spectrum.peaks
    if count == 1:
        return np.array([[peaks[:, 0].mean(), np.average(peaks[:, 1], weights=peaks[:, 0]), 2.2 * peaks[0, 2]]])
    if count == 2:
        merged = np.array([[peaks[1:, 0].mean(), peaks[1:, 1].mean(), 1.8 * peaks[1, 2]]])
        return np.concatenate([peaks[:1], merged])
    if count == 3:
        return peaks
    small = [[0.08 * peaks[0, 0], peaks[2, 1] + 3 * peaks[2, 2], peaks[2, 2]]]
    return np.concatenate([peaks, np.array(small)])


def _columns(spectrum: Spectrum, count: int) -> list[dict[str, Any]]:
    """Describe the columns: three parameters and an area a peak, a level, the noise."""
    y, x = spectrum.y_unit, spectrum.unit
    kinds = [("amplitude", y, "parameter"), ("position", x, "parameter"), ("sd", x, "parameter")]
    columns: list[dict[str, Any]] = [
        {"name": f"peaks.{name}", "index": index, "unit": unit, "kind": kind}
        for name, unit, kind in [*kinds, ("area", f"{y} {x}", "derived")]
        for index in range(1, count + 1)
    ]
    if spectrum.level:
        columns.append({"name": "constant.level", "index": None, "unit": y, "kind": "parameter"})
    return [*columns, {"name": "noise.scale", "index": None, "unit": "1", "kind": "noise"}]


def _draws(spectrum: Spectrum, count: int, shrink: float, *words: object) -> tuple[Array, Array, Array]:
    """Posterior (C, S, Q) and prior (2000, Q) draws, and peaks of the posterior (C, S, K, 3)."""
    generator = _generator(spectrum.id, count, *words)
    truth = _theta(spectrum, count)
    signal = truth[:, 0] / spectrum.sigma * np.sqrt(truth[:, 2] / (spectrum.high - spectrum.low) * spectrum.n_points)
    wanted = np.stack([truth[:, 0], truth[:, 2], truth[:, 2]], axis=-1) / signal[:, None] * shrink
    theta = truth + wanted * generator.standard_normal((CHAINS, DRAWS, count, 3))
    span = spectrum.high - spectrum.low
    prior = np.stack(
        [
            generator.gamma(5.0, truth[:, 0].max() / 5, (2000, count)),
            np.sort(spectrum.low + span * generator.random((2000, count)), axis=-1),
            truth[0, 2] * np.exp(0.5 * generator.standard_normal((2000, count))),
        ],
        axis=-1,
    )
    parts = [_flat(theta), _flat(prior)]
    if spectrum.level:
        level = spectrum.level + 10 * generator.standard_normal((CHAINS, DRAWS, 1))
        parts = [np.concatenate([parts[0], level], -1)], [spectrum.level * 2 * generator.random((2000, 1))]
        parts = [parts[0][0], np.concatenate([_flat(prior), parts[1][0]], -1)]
    noise = 1 + 0.04 * generator.standard_normal((CHAINS, DRAWS, 1))
    posterior = np.concatenate([parts[0], noise], -1)
    return posterior, np.concatenate([parts[1], np.exp(generator.standard_normal((2000, 1)))], -1), theta


def _flat(theta: Array) -> Array:
    """Columns of peaks: amplitudes, positions, widths, areas."""
    area = theta[..., 0] * np.abs(theta[..., 2]) * np.sqrt(2 * np.pi)
    return np.concatenate([theta[..., 0], theta[..., 1], theta[..., 2], area], -1)


def _summary(columns: Sequence[dict[str, Any]], posterior: Array) -> list[dict[str, Any]]:
    """Summary rows of draws."""
    rows = []
    for place, column in enumerate(columns):
        values = posterior[..., place].ravel()
        quantiles = np.quantile(values, [0.025, 0.16, 0.5, 0.84, 0.975])
        names = ("q025", "q16", "median", "q84", "q975")
        rest = {key: value for key, value in column.items() if key != "name"}
        row = {
            "parameter": column["name"],
            **rest,
            "mean": float(values.mean()),
            "sd": float(values.std()),
            "ess": 812.0,
            "rhat": 1.004,
        }
        rows.append(row | dict(zip(names, map(float, quantiles), strict=True)))
    return rows


def _write_arrays(node: h5py.Group, spectrum: Spectrum, count: int) -> list[dict[str, Any]]:
    """Arrays of one candidate; returns its summary rows."""
    x, y = _data(spectrum)
    columns = _columns(spectrum, count)
    posterior, prior, theta = _draws(spectrum, count, 1.0)
    node.create_dataset("draws", data=posterior).attrs["columns"] = json.dumps(columns)
    node["prior_draws"] = prior
    curves = _shape(x, theta.reshape(-1, count, 3)[::4])
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
    generator = _generator("run", spectrum.id, count)
    node["trace"] = -0.5 * x.size + 2 * generator.standard_normal((CHAINS, DRAWS))
    node["beta"] = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 15)])
    node["exchange_rate"] = np.clip(0.62 + 0.08 * generator.standard_normal(15), 0.05, 1)
    node["log_likelihood_mean"] = np.linspace(-3000, -0.5 * x.size, 16)
    return _summary(columns, posterior)


def _candidates(spectrum: Spectrum) -> list[tuple[str, int]]:
    """Candidates of a spectrum: one family, or two of them."""
    family = [("peaks", count) for count in range(1, 5)]
    return [*family, ("doublets", 2), ("doublets", 3)] if spectrum.decreasing else family


def _write_batch(folder: Path, batch: str, spectra: Sequence[Spectrum], most: int = 4) -> None:
    """Free energies of a batch."""
    (folder / "free_energy").mkdir(exist_ok=True)
    records = []
    with h5py.File(folder / "free_energy" / f"{batch}.h5", "w") as file:
        for spectrum in spectra:
            records += _measurement_records(file, spectrum, most)
    seal(folder / "free_energy" / f"{batch}.h5")
    content = {"format": 1, "batch": batch, "records": records, "refused": []}
    (folder / "free_energy" / f"{batch}.json").write_text(json.dumps(content), encoding="utf-8")


def _measurement_records(file: h5py.File, spectrum: Spectrum, most: int) -> list[dict[str, Any]]:
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
        "cpu_seconds": 3.2 * count,
        "wall_seconds": 1.7 * count,
        "peak_memory_mb": 312.0,
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


def _write_group(folder: Path, members: Sequence[Spectrum]) -> None:
    """Write the integration of two spectra with shared positions and widths."""
    (folder / "integration").mkdir()
    rows = []
    with h5py.File(folder / "integration" / "sampleA.h5", "w") as file:
        for count in range(1, 5):
            rows.append(_group_row(file, members, count))
    seal(folder / "integration" / "sampleA.h5")
    best = rows[2]
    keys = ("gain", "gain_standard_error", "probability", "probability_error")
    content = {
        "format": 1,
        "group": "sampleA",
        "candidate": "peaks",
        "measurements": [one.id for one in members],
        "shared": ["peaks.position", "peaks.sd"],
        "rows": rows,
        "best": {
            "tag_integrated": "peaks-k3",
            "tag_separate": {one.id: "peaks-k3" for one in members},
            **{key: best[key] for key in keys},
        },
        "decision": "Integrate: one set of shared parameters describes both measurements better than two.",
        "cpu_seconds": 21.0,
        "wall_seconds": 11.0,
        "peak_memory_mb": 340.0,
        "likelihood_rows": 2.2e7,
        "device": "cpu",
        "seed": 2012,
        "versions": {"bayesbeam": "0.1.0"},
        "key": "ef" * 32,
    }
    (folder / "integration" / "sampleA.json").write_text(json.dumps(content), encoding="utf-8")


def _group_row(file: h5py.File, members: Sequence[Spectrum], count: int) -> dict[str, Any]:
    """One candidate of the group: shared positions and widths, own amplitudes."""
    tag = f"peaks-k{count}"
    posterior, prior, _ = _draws(members[0], count, 0.7, "integrated")
    columns = _columns(members[0], count)
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
        "parameters": _summary(described, posterior[..., order]),
    }
