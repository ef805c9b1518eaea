"""Result files as a finished campaign leaves them, made up from known curves: for tests of the report.

Nothing is sampled: posteriors are normal around the truth, free energies are stated. The layout is the real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from bayesbeam.io.results import write_result
from bayesbeam.io.seal import seal
from bayesbeam.io.store import Measurement, write_measurement
from bayesbeam.report.records import Facts
from bayesbeam.stages.plan import table_text
from made_up_records import averaged_rows, group_row, measurement_records
from made_up_spectra import NASTY, NASTY_TITLE, SPECTRA, Spectrum, copy_of, data_of

__all__ = ["NASTY", "NASTY_TITLE", "facts", "write_campaign", "write_one", "write_results"]


def facts(n_copies: int = 0) -> Facts:
    """Return the campaign as the report takes it."""
    names = [one.id for one in SPECTRA] + [f"copy{number}" for number in range(n_copies)] + ["bad"]
    return Facts("made_up", "A made-up campaign", tuple(names), ("sampleA",))


def write_one(folder: Path) -> tuple[Facts, Path]:
    """Write the result files of a campaign with one measurement; return the campaign and the folder."""
    (folder / "measurements").mkdir(parents=True)
    _write_spectrum(folder, SPECTRA[0])
    _write_batch(folder, "b0", SPECTRA[:1], most=2)
    (folder / "batches.tsv").write_text(table_text({SPECTRA[0].id: "b0"}), encoding="utf-8")
    return Facts("small", "", (SPECTRA[0].id,)), folder


def write_results(folder: Path, n_copies: int = 0) -> Path:
    """Write the result files of a campaign: three spectra, a refused measurement, one group; return the folder."""
    spectra = list(SPECTRA) + [copy_of(number) for number in range(n_copies)]
    (folder / "measurements").mkdir(parents=True)
    for spectrum in spectra:
        _write_spectrum(folder, spectrum)
    refused = Measurement(
        id="bad",
        status="refused",
        reason=f"data/{NASTY}.txt: 0 numbers; expected at least 5. Check the file.",
        metadata={"title": f"Broken {NASTY}"},
        provenance={"input_file": f"{NASTY}.txt", "input_sha256": "0" * 64, "key": "k", "code_version": "0.1.0"},
    )
    write_measurement(folder / "measurements" / "bad.h5", refused)
    _write_batch(folder, "b0", [one for one in spectra if not one.decreasing])
    _write_batch(folder, "b1", [one for one in spectra if one.decreasing])
    table = {one.id: "b1" if one.decreasing else "b0" for one in spectra}
    (folder / "batches.tsv").write_text(table_text(table), encoding="utf-8")
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


def _write_spectrum(folder: Path, spectrum: Spectrum) -> None:
    """Measurement file of a spectrum."""
    x, y = data_of(spectrum)
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


def _write_batch(folder: Path, batch: str, spectra: Sequence[Spectrum], most: int = 4) -> None:
    """Free energies of a batch."""
    (folder / "free_energy").mkdir(exist_ok=True)
    records, averaged = [], []
    with h5py.File(folder / "free_energy" / f"{batch}.h5", "w") as file:
        for spectrum in spectra:
            found = measurement_records(file, spectrum, most)
            records += found
            averaged += averaged_rows(file, found)
    seal(folder / "free_energy" / f"{batch}.h5")
    content = {"format": 1, "batch": batch, "records": records, "averaged": averaged, "refused": []}
    write_result(folder / "free_energy" / f"{batch}.json", content)


def _write_group(folder: Path, members: Sequence[Spectrum]) -> None:
    """Write the integration of two spectra with shared positions and widths."""
    (folder / "integration").mkdir()
    rows = []
    with h5py.File(folder / "integration" / "sampleA.h5", "w") as file:
        for count in range(1, 5):
            rows.append(group_row(file, members, count))
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
    write_result(folder / "integration" / "sampleA.json", content)
