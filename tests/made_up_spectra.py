"""Made-up spectra with their truth, and the draws that an analysis of them might give: for tests of the report.

Nothing is sampled: posteriors are normal around the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def copy_of(number: int) -> Spectrum:
    """One more spectrum, to see what many cost."""
    first = SPECTRA[0]
    return Spectrum(f"copy{number}", f"Copy {number}", first.peaks, first.low, first.high, 301, first.sigma)


def generator_of(*words: object) -> np.random.Generator:
    """Generator keyed by words, so that files do not depend on order."""
    return np.random.default_rng([ord(letter) for letter in " ".join(map(str, words))])


def peaks_at(x: Array, theta: Array) -> Array:
    """Gaussian peaks, (..., K, N) for theta (..., K, 3)."""
    amplitude, position, sd = (theta[..., place, None] for place in range(3))
    return np.asarray(amplitude * np.exp(-0.5 * ((x - position) / sd) ** 2))


def data_of(spectrum: Spectrum) -> tuple[Array, Array]:
    """Data of a spectrum."""
    x = np.linspace(spectrum.low, spectrum.high, spectrum.n_points)
    noise = spectrum.sigma * generator_of(spectrum.id).standard_normal(x.size)
    return x, peaks_at(x, spectrum.peaks).sum(0) + spectrum.level + noise


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


def columns_of(spectrum: Spectrum, count: int) -> list[dict[str, Any]]:
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


def draws_of(spectrum: Spectrum, count: int, shrink: float, *words: object) -> tuple[Array, Array, Array]:
    """Posterior (C, S, Q) and prior (2000, Q) draws, and peaks of the posterior (C, S, K, 3)."""
    generator = generator_of(spectrum.id, count, *words)
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


def summary_of(columns: Sequence[dict[str, Any]], posterior: Array) -> list[dict[str, Any]]:
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
