"""Preprocess: data files become measurements. A bad data file becomes a refused measurement with its reason."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bayesbeam import units
from bayesbeam.errors import BayesbeamError, ConfigError, DataError, nearest, unforeseen
from bayesbeam.io.bragg import after_conversion
from bayesbeam.io.calibration import calibrate
from bayesbeam.io.provenance import file_sha256, provenance
from bayesbeam.io.readers import RawData, ReadOptions, read_raw
from bayesbeam.io.readers.guarded import Reader, guarded_reader
from bayesbeam.io.readers.instrument import kept
from bayesbeam.io.readers.instrument import sentence as instrument_sentence
from bayesbeam.io.store import Measurement, write_measurement
from bayesbeam.io.treatment import treat
from bayesbeam.stages.options import read_options, steps_of

if TYPE_CHECKING:
    from bayesbeam.config.outline import CampaignOutline
    from bayesbeam.config.sheet import MeasurementRow
    from bayesbeam.config.treatment import Treatment


_LINES = ("wavelength_angstrom", "wavelength_2_angstrom", "ratio", "intended")
"""Facts of a file that do not stand beside a wavelength of the campaign."""


def preprocess_rows(campaign: CampaignOutline, ids: Iterable[str], out_dir: Path | str) -> list[Measurement]:
    """Write ``<id>.h5`` into a folder for each named measurement of a campaign.

    Parameters
    ----------
    campaign : CampaignOutline
        The campaign and its sheet.
    ids : iterable of str
        Measurements to do, ids of the sheet.
    out_dir : Path
        Folder of the measurement files; made if needed.

    Returns
    -------
    list of Measurement
        In the order of ``ids``; those with bad data have ``status == "refused"`` and a reason.

    Raises
    ------
    ConfigError
        If an id is not in the sheet.
    StoreError
        If the folder cannot be written.
    """
    from bayesbeam.config.keys import measurement_key

    rows = {row.id: row for row in campaign.sheet}
    done = []
    names = list(ids)
    for name in names:
        if name not in rows:
            found = f"unknown measurement {name!r}"
            raise ConfigError.at("measurements", found, "an id of the sheet", nearest(name, list(rows)))
    with guarded_reader() as read:
        for name in names:
            row, key = rows[name], measurement_key(rows[name])
            measurement = _of_row(row, key, campaign, read)
            write_measurement(Path(out_dir) / f"{name}.h5", measurement)
            done.append(measurement)
    return done


def _of_row(row: MeasurementRow, key: str, campaign: CampaignOutline, read: Reader) -> Measurement:
    """Measurement of a row, whatever its data do: what nobody foresaw is a reason to refuse it, and not all others."""
    try:
        return _made(row, key, campaign) if _is_simulated(row) else preprocess(row, key, read)
    except (BayesbeamError, MemoryError):
        raise
    except Exception as problem:
        traceback.print_exc()
        return _refused(
            row, provenance(row.file, _sha256_if_any(row.file), key), unforeseen(row.file_in_sheet, problem)
        )


def preprocess(row: MeasurementRow, key: str, read: Reader = read_raw) -> Measurement:
    """Measurement of one row of the sheet, refused with the reason if its data are bad.

    Parameters
    ----------
    row : MeasurementRow
        Id, file, treatment and metadata.
    key : str
        Hash of everything that decides the result, for the record.
    read : callable
        Reader of files; ``guarded_reader`` gives one that survives damaged HDF5.
    """
    label = row.file_in_sheet
    sha256 = ""
    try:
        raw, stated = _with_stated(read(row.file, read_options(row), label), row.treatment)
        sha256 = file_sha256(row.file)
        _check_points(raw, row.treatment.read.points, label)
        _check_counts(raw, row.treatment.signal.counts or row.made is not None, label)
        record = provenance(row.file, sha256, key) | _beside_image(row)
        unit = raw.x_unit if row.calibration else _axis_unit(raw, row.treatment.axis.unit, label)
        sentences = [_read_sentence(raw, row.treatment, unit, row.file.name)]
        sentences += stated
        if row.calibration is not None:
            raw, words = _calibrated(raw, row, row.calibration, label, record)
            sentences.append(words)
        if row.made is None:
            return _measurement(row, raw, record, label, tuple(sentences))
        from bayesbeam.stages.virtual import thinned, thinned_sentence

        return _measurement(row, thinned(raw, row, label), record, label, (*sentences, thinned_sentence(row)))
    except DataError as problem:
        sha256 = sha256 or _sha256_if_any(row.file)
        return _refused(row, provenance(row.file, sha256, key), str(problem))


def _check_points(raw: RawData, points: int | None, label: str) -> None:
    """Refuse a file that has another number of points than a complete one."""
    if points is not None and raw.x.size != points:
        remedy = "The file is truncated, or of another kind: read it again from its source, or leave it out."
        raise DataError.at(label, f"{raw.x.size} points", f"{points}, as read.points says", remedy)


def _with_stated(raw: RawData, chosen: Treatment) -> tuple[RawData, list[str]]:
    """Columns with facts of the instrument as file and campaign state them, and the sentences that say so."""
    stated = kept(chosen.instrument.stated())
    said = [(raw.instrument, "file"), (stated, "campaign")]
    sentences = [instrument_sentence(facts, who) for facts, who in said if facts]
    lost = _LINES if "wavelength_angstrom" in stated else ()
    left = {name: value for name, value in raw.instrument.items() if name not in lost}
    return replace(raw, instrument=kept({**left, **stated})), sentences


def _check_counts(raw: RawData, wanted: bool, label: str) -> None:
    """Refuse as counts what the file says are none, though they may be whole numbers."""
    if wanted and raw.not_counts:
        remedy = "Set signal.counts to false and read.uncertainty to sd, or read.y to counts."
        raise DataError.at(label, f"y are {raw.not_counts}", "counts as they were detected", remedy)


def _calibrated(
    raw: RawData, row: MeasurementRow, table: Path, label: str, record: dict[str, str]
) -> tuple[RawData, str]:
    """Columns with x as the treatment's table says; what the table was goes into the record."""
    shown = f"axis.calibration {row.treatment.axis.calibration}"
    if not table.is_file():
        remedy = f"Correct axis.calibration of treatments.{row.treatment_name}: it is relative to the sheet's folder."
        raise DataError.at(shown, "no such file", "a table of two columns", remedy)
    columns = read_raw(table, ReadOptions(format="text"), shown)
    record["calibration_file"], record["calibration_sha256"] = table.name, file_sha256(table)
    return calibrate(raw, columns, label, table.name)


def _is_simulated(row: MeasurementRow) -> bool:
    """Whether a measurement comes from a model and not from a file."""
    return row.made is not None and not row.made.thinned


def _made(row: MeasurementRow, key: str, campaign: CampaignOutline) -> Measurement:
    """Measurement of a simulated row, by the truth of its study."""
    from bayesbeam.config.load import LoadedCampaign
    from bayesbeam.config.truth import grid
    from bayesbeam.stages.virtual import simulated, simulated_sentence

    assert isinstance(campaign, LoadedCampaign)
    assert row.made is not None
    study = next(one for _, one in campaign.campaign.simulations if one.name == row.made.study)
    truth = campaign.truths[study.name]
    raw, sentence = simulated(row, truth, grid(study)), simulated_sentence(row, truth)
    record = provenance("simulated", "", key)
    try:
        return _measurement(row, raw, record, row.id, (sentence,))
    except DataError as problem:
        return _refused(row, record, str(problem))


def _measurement(
    row: MeasurementRow, raw: RawData, record: dict[str, str], label: str, first: tuple[str, ...]
) -> Measurement:
    """Treated data with names, units and sentences."""
    chosen = row.treatment
    x_unit = _axis_unit(raw, chosen.axis.unit, label)
    y_unit = chosen.signal.unit or raw.y_unit
    treated = treat(raw, steps_of(chosen, x_unit), y_unit, label)
    return Measurement(
        id=row.id,
        x=treated.points.x,
        y=treated.points.y,
        uncertainty=treated.points.uncertainty,
        x_quantity=chosen.axis.quantity,
        x_unit=treated.x_unit,
        y_quantity=("ln " if chosen.signal.transform == "log" else "") + chosen.signal.quantity,
        y_unit=treated.y_unit,
        counts=treated.counts,
        decreasing=chosen.axis.decreasing,
        noise_estimate=treated.noise_estimate,
        columns=treated.points.columns,
        metadata=dict(row.metadata),
        instrument=after_conversion(raw.instrument, x_unit, treated.x_unit),
        treatment=(*first, *treated.sentences),
        provenance=record,
    )


def _refused(row: MeasurementRow, record: dict[str, str], reason: str) -> Measurement:
    """Measurement without data that says why."""
    chosen = row.treatment
    return Measurement(
        id=row.id,
        x_quantity=chosen.axis.quantity,
        x_unit=chosen.axis.convert_to or chosen.axis.unit,
        y_quantity=chosen.signal.quantity,
        y_unit=chosen.signal.unit,
        decreasing=chosen.axis.decreasing,
        metadata=dict(row.metadata),
        provenance=record,
        status="refused",
        reason=reason,
    )


def _beside_image(row: MeasurementRow) -> dict[str, str]:
    """What geometry and mask of an image were, for the record."""
    found: dict[str, str] = {}
    for word, file in zip(("geometry", "mask"), row.image, strict=False):
        found |= {f"{word}_file": file.name, f"{word}_sha256": file_sha256(file)}
    return found


def _axis_unit(raw: RawData, stated: str, label: str) -> str:
    """Unit of x: as the campaign says, else as the file says; an HDF5 file must not contradict."""
    if not stated or not raw.x_unit or raw.place_word != "point" or units.same_unit(stated, raw.x_unit):
        return stated or raw.x_unit
    remedy = f"Set axis.unit to {raw.x_unit}, and axis.convert_to to {stated} if that is wanted."
    raise DataError.at(label, f"x is in {raw.x_unit!r}, axis.unit says {stated!r}", "the unit of the file", remedy)


def _read_sentence(raw: RawData, chosen: Treatment, x_unit: str, name: str) -> str:
    """First sentence of the treatment: what was read, and what was not used."""
    unit = f" in {x_unit}" if x_unit else ""
    text = f"Read {raw.x.size} points from {name} ({raw.dialect}): x is {raw.x_name}{unit}, y is {raw.y_name}"
    if raw.uncertainty is not None:
        used = chosen.uncertainty.source == "column"
        text += f", uncertainty is {raw.uncertainty_name}" + ("" if used else ", which is not used")
    if chosen.read.columns:
        text += f"; further columns: {', '.join(chosen.read.columns)}"
    if raw.x_unit and x_unit and raw.place_word == "line" and not units.same_unit(x_unit, raw.x_unit):
        text += f"; the header of x says {raw.x_unit}"
    return f"{text}."


def _sha256_if_any(file: Path) -> str:
    """Hash of a file that may be missing or unreadable."""
    try:
        return file_sha256(file) if file.is_file() else ""
    except OSError:
        return ""
