"""Preprocess stage: a row of the sheet becomes a measurement file that says what was done."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from pydantic import ValidationError

from bayesbeam import __version__
from bayesbeam.config.load import load_campaign
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.treatment import Treatment
from bayesbeam.errors import ConfigError, StoreError
from bayesbeam.io.store import Measurement, read_measurement
from bayesbeam.stages.preprocess import preprocess, preprocess_rows


def row(folder: Path, name: str, content: str, **treatment: Any) -> MeasurementRow:
    path = folder / name
    if content:
        path.write_text(content)
    return MeasurementRow("m1", path, f"data/{name}", "default", Treatment(**treatment), {"sample": "gold"})


def table(count: int = 20) -> str:
    return "Energy (eV),Counts,dC\n" + "".join(f"{300 - 0.1 * i:.1f},{100 + i % 3},{1 + i}\n" for i in range(count))


def test_a_row_becomes_a_measurement(tmp_path: Path) -> None:
    content = table()
    given = row(
        tmp_path,
        "a.csv",
        content,
        read={"x": "Energy", "uncertainty": "dC"},
        axis={"quantity": "binding energy", "unit": "eV", "decreasing": True, "offset": 0.5},
        signal={"unit": "counts", "counts": True},
        range=[298.7, 300.5],
    )
    m = preprocess(given, "the key")
    assert (m.status, m.reason, m.id) == ("ok", "", "m1")
    np.testing.assert_allclose(m.x, np.arange(2987, 3006) / 10.0)
    assert m.uncertainty is not None
    assert (m.y[-1], m.uncertainty[-1]) == (100.0, 1.0)
    assert (m.x_quantity, m.x_unit, m.y_unit, m.counts, m.decreasing) == ("binding energy", "eV", "counts", True, True)
    assert m.treatment == (
        "Read 20 points from a.csv (utf-8 text separated by commas): "
        "x is Energy in eV, y is Counts, uncertainty is dC.",
        "Added 0.5 eV to x.",
        "Reversed the order of the points: x descends in the file.",
        "Kept the range [298.7, 300.5 eV]: 19 of 20 points.",
        "Took the uncertainty of y from the file.",
    )
    assert m.provenance == {
        "input_file": "a.csv",
        "input_sha256": hashlib.sha256(content.encode()).hexdigest(),
        "key": "the key",
        "code_version": __version__,
        "format_version": "1",
    }
    assert m.metadata == {"sample": "gold"}


def test_a_part_of_a_file_may_be_a_number() -> None:
    assert Treatment(read={"dataset": 2}).read.dataset == "2"
    for wrong in (True, 0, "", 2.5, "x" * 501):
        with pytest.raises(ValidationError, match="a path, a name, or a number from 1"):
            Treatment(read={"dataset": wrong})


def test_unused_uncertainties_and_other_units_are_told(tmp_path: Path) -> None:
    m = preprocess(
        row(
            tmp_path, "a.csv", table(), read={"uncertainty": 2}, axis={"unit": "keV"}, uncertainty={"from": "estimate"}
        ),
        "k",
    )
    assert "uncertainty is dC, which is not used; the header of x says eV." in m.treatment[0]
    assert m.x_unit == "keV"
    assert preprocess(row(tmp_path, "a.csv", table()), "k").x_unit == "eV"


def test_bad_data_are_a_refused_measurement(tmp_path: Path) -> None:
    missing = preprocess(row(tmp_path, "no.csv", ""), "k")
    assert missing.refused
    assert missing.reason.startswith("data/no.csv: no such file; expected a data file.")
    assert (missing.provenance["input_sha256"], missing.provenance["key"]) == ("", "k")
    short = preprocess(row(tmp_path, "short.csv", table(3)), "k")
    assert short.reason.startswith("data/short.csv: 3 points; expected at least 5")
    assert len(short.provenance["input_sha256"]) == 64
    assert short.metadata == {"sample": "gold"}


def nexus(path: Path, unit: str) -> None:
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "I", "axes": "E"})
        data["E"] = np.arange(20.0) + 7.0
        data["E"].attrs["units"] = unit
        data["I"] = np.arange(20.0) % 4
        data["I_errors"] = np.full(20, 0.5)


def test_units_of_an_hdf5_file(tmp_path: Path) -> None:
    nexus(tmp_path / "a.nxs", "keV")
    taken = preprocess(row(tmp_path, "a.nxs", "", axis={"convert_to": "eV"}, uncertainty={"from": "column"}), "k")
    assert (taken.x_unit, taken.x[0]) == ("eV", 7000.0)
    assert taken.uncertainty is not None
    assert taken.treatment[0] == (
        "Read 20 points from a.nxs (HDF5): x is /data/E in keV, y is /data/I, uncertainty is /data/I_errors."
    )
    assert preprocess(row(tmp_path, "a.nxs", "", axis={"unit": "kiloelectron_volt"}), "k").status == "ok"
    reason = preprocess(row(tmp_path, "a.nxs", "", axis={"unit": "eV"}), "k").reason
    assert "x is in 'keV', axis.unit says 'eV'; expected the unit of the file. Set axis.unit to keV" in reason


CAMPAIGN = """
campaign: small
measurements: measurements.tsv
candidates:
  flat: {parts: [{component: constant}]}
"""


def campaign(folder: Path, names: list[str]) -> Path:
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    rows = "".join(f"{name.split('.')[0]}\t{name}\n" for name in names)
    (folder / "measurements.tsv").write_text("id\tfile\n" + rows)
    return folder


def test_rows_of_a_campaign(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table())
    nexus(tmp_path / "b.h5", "eV")
    loaded = load_campaign(campaign(tmp_path, ["a.csv", "b.h5", "c.csv"]))
    out = tmp_path / "out"
    done = preprocess_rows(loaded, ["c", "a", "b"], out)
    assert [(m.id, m.status) for m in done] == [("c", "refused"), ("a", "ok"), ("b", "ok")]
    assert sorted(path.name for path in out.iterdir()) == ["a.h5", "b.h5", "c.h5"]
    assert isinstance(read_measurement(out / "c.h5"), Measurement)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    preprocess_rows(loaded, ["a", "b", "c"], out)
    assert first == {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(ConfigError, match="unknown measurement 'd'"):
        preprocess_rows(loaded, ["a", "d"], out)
    with pytest.raises(StoreError, match="cannot be written"):
        preprocess_rows(loaded, ["a"], tmp_path / "a.csv")


def test_counts_of_numbered_channels_need_one_word(tmp_path: Path) -> None:
    given = row(tmp_path, "a.dat", "".join(f"{100 + i}\n" for i in range(9)), read={"x": None, "points": 9})
    m = preprocess(given, "the key")
    assert m.status == "ok"
    np.testing.assert_array_equal(m.x, np.arange(1.0, 10.0))
    np.testing.assert_array_equal(m.y, np.arange(100.0, 109.0))
    assert "x is the number of the point, y is column 0" in m.treatment[0]
