"""What files say of the instrument: headers of tables, HDF5 entries, and the way into the measurement's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.treatment import Treatment
from bayesbeam.errors import DataError
from bayesbeam.io.readers import ReadOptions, read_raw
from bayesbeam.io.readers.guarded import guarded_reader
from bayesbeam.io.readers.instrument import WORDS, kept, sentence
from bayesbeam.io.store import Measurement, read_measurement, write_measurement
from bayesbeam.stages.preprocess import preprocess

ROWS = "".join(f"{10 + 0.02 * k:.2f} {100 + k % 7}\n" for k in range(40))
DATA = "tests/data/diffraction"
MEASURED = "pd_proc_660_cert_cif_mosaic_consensus_100a_meas"

WAVE = {"wavelength_angstrom": 1.5406}
HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "11-BM": ("# Calibrated wavelength = 1.5406\n# Temp (K) = 6.778\n", WAVE | {"temperature_K": 6.778}),
    "metres": ("# Wavelength: 1.5406e-10 m\n", WAVE),
    "nanometres": ("! wavelength (nm) 0.15406\n", WAVE),
    "angstrom": ("# lambda = 1.5406 Å\n", WAVE),
    "celsius": ("# Temperature: 26.85 °C\n", {"temperature_K": 300.0}),
    "csv of PANalytical": (
        "[Measurement conditions]\nAnode material,Cu\nK-Alpha1 wavelength,1.5406\nK-Alpha2 wavelength,1.54443\n"
        "Ratio K-Alpha2/K-Alpha1,0.50000\nScan step time,0.5\n",
        WAVE | {"anode": "Cu", "wavelength_2_angstrom": 1.54443, "ratio": 0.5, "counting_time_s": 0.5},
    ),
    "uxd of Bruker": (
        "; comment\n_ANODE='Cu'\n_WL1=1.540600\n_WL2=1.544390\n_WLRATIO=0.500000\n_STEPTIME=2.0\n",
        WAVE | {"anode": "Cu", "wavelength_2_angstrom": 1.54439, "ratio": 0.5, "counting_time_s": 2.0},
    ),
    "the first counts": ("# wavelength 1.5406\n# wavelength 0.7\n", WAVE),
    "blank before a 2": ("# wavelength 2.5\n", {"wavelength_angstrom": 2.5}),
    "light": ("# wavelength = 500 nm\n", {}),
    "other units": ("# wavelength = 8 keV\n# temperature = 300 F\n# step time 3 h\n", {}),
    "no unit": ("# Temp = 300\n", {}),
    "several": ("# wavelengths: 1.54 1.544\n# wavelength range 1.5\n", {}),
    "not a number": ("# wavelength: Cu\n# wavelength 1.54x\n", {}),
    "zero": ("# wavelength 0\n# counting time -1\n", {}),
}


@pytest.mark.parametrize("name", HEADERS)
def test_header_of_a_table(tmp_path: Path, name: str) -> None:
    header, expected = HEADERS[name]
    (tmp_path / "a.xye").write_text(header + ROWS, "utf-8")
    raw = read_raw(tmp_path / "a.xye")
    assert dict(raw.instrument) == pytest.approx(expected)
    assert raw.x.size == 40


def test_only_what_stands_above_the_numbers_counts(tmp_path: Path) -> None:
    (tmp_path / "a.xy").write_text(ROWS + "# wavelength 1.5406\n")
    assert dict(read_raw(tmp_path / "a.xy").instrument) == {}


def test_prn_of_the_round_robin(root: Path) -> None:
    """Two columns with nothing above them: no facts, and none made up."""
    raw = read_raw(root / DATA / "cpd_1e_start.prn")
    assert raw.x.size == 500
    np.testing.assert_array_equal(raw.x[[0, 1, -1]], [5.0, 5.02, 14.98])
    np.testing.assert_array_equal(raw.y[:3], [177, 182, 174])
    assert dict(raw.instrument) == {}


def entry(path: Path, **scalars: tuple[float, str]) -> Path:
    """An entry with an instrument, a sample and a detector; scalars by ``group__name``."""
    with h5py.File(path, "w") as file:
        top = file.create_group("entry")
        top.attrs["NX_class"] = "NXentry"
        data = top.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": "polar_angle"})
        data["polar_angle"], data["counts"] = np.arange(10.0), np.arange(10.0)
        data["polar_angle"].attrs["units"] = "degree"
        parts = {"mono": "NXmonochromator", "beam": "NXbeam", "sample": "NXsample", "detector": "NXdetector"}
        for name, kind in parts.items():
            top.create_group(name).attrs["NX_class"] = kind
        top["sample/name"] = "Ü"
        for key, (value, unit) in scalars.items():
            top[key.replace("__", "/")] = value
            top[key.replace("__", "/")].attrs["units"] = unit
    return path


def test_facts_of_a_nexus_entry(tmp_path: Path) -> None:
    path = entry(
        tmp_path / "a.nxs",
        mono__wavelength=(0.0413263, "nm"),
        sample__temperature=(20.0, "Celsius"),
        detector__count_time=(1.5, "s"),
        detector__temperature=(77.0, "K"),
    )
    expected = {
        "axis": "2theta",
        "wavelength_angstrom": 0.413263,
        "counting_time_s": 1.5,
        "temperature_K": 293.15,
        "sample": "Ü",
    }
    assert dict(read_raw(path).instrument) == pytest.approx(expected)
    with guarded_reader() as read:
        assert dict(read(path, ReadOptions(), "").instrument) == pytest.approx(expected)


def test_energy_is_a_wavelength_and_contradictions_are_no_facts(tmp_path: Path) -> None:
    """12.398 419 843 keV has 1 angstrom; eV and MeV are told apart by their letters."""
    one = read_raw(entry(tmp_path / "a.nxs", mono__energy=(12398.419843320026, "eV"))).instrument
    assert one["wavelength_angstrom"] == pytest.approx(1.0, rel=1e-15)
    unknown = read_raw(entry(tmp_path / "b.nxs", mono__energy=(12.0, "MeV"))).instrument
    assert "wavelength_angstrom" not in unknown
    two = read_raw(
        entry(tmp_path / "c.nxs", mono__wavelength=(1.0, "angstrom"), beam__incident_wavelength=(1.1, "angstrom"))
    ).instrument
    assert "wavelength_angstrom" not in two


def row(file: Path, **treatment: Any) -> MeasurementRow:
    return MeasurementRow("m1", file, file.name, "default", Treatment(**treatment), {})


def stored(folder: Path, measurement: Measurement) -> Measurement:
    write_measurement(folder / "m.h5", measurement)
    return read_measurement(folder / "m.h5")


def test_facts_reach_the_measurement_and_its_record(root: Path, tmp_path: Path) -> None:
    given = row(root / DATA / "v2o5_zro2_2min.xrdml", signal={"counts": True, "unit": "counts"}, range=[12, 80])
    m = stored(tmp_path, preprocess(given, "k"))
    assert (m.status, m.counts, m.x_unit) == ("ok", True, "degree")
    assert m.instrument["wavelength_angstrom"] == 1.540598
    assert m.instrument["geometry"] == "Bragg-Brentano"
    assert m.treatment[0].startswith("Read 2071 points from v2o5_zro2_2min.xrdml (xrdml): x is 2Theta in degree, y is")
    assert m.treatment[1].startswith("The file says of the instrument: axis 2theta, radiation x-ray, anode Cu, wavele")
    assert m.treatment[2].startswith("Kept the range [12, 80 degree]")


def test_rates_are_no_counts_and_their_counts_can_be_read(root: Path, tmp_path: Path) -> None:
    file = root / DATA / "lab6_nist_660c_three_regions.cif"
    refused = preprocess(row(file, read={"dataset": MEASURED}, signal={"counts": True}), "k")
    assert "y are counts a second; expected counts as they were detected. Set signal.counts to false" in refused.reason
    counts = preprocess(row(file, read={"dataset": MEASURED, "y": "counts"}, signal={"counts": True}), "k")
    assert (counts.status, float(counts.y[0])) == ("ok", 38.0)
    read = {"dataset": MEASURED, "uncertainty": "sd", "columns": {"time": "counting_time"}}
    rates = stored(tmp_path, preprocess(row(file, read=read), "k"))
    assert rates.uncertainty is not None
    assert float(rates.uncertainty[0]) == pytest.approx(np.sqrt(39.0) / 2.0, rel=1e-15)
    assert sorted(set(rates.columns["time"])) == [1.0, 2.0, 3.0]
    assert rates.instrument["radius_mm"] == 217.5


def test_a_unit_against_the_file_is_refused(root: Path) -> None:
    file = root / DATA / "cucr2o4_7K_start.fxye"
    refused = preprocess(row(file, axis={"unit": "angstrom"}), "k")
    assert "x is in 'degree', axis.unit says 'angstrom'" in refused.reason
    assert preprocess(row(file, axis={"unit": "deg"}), "k").status == "ok"


def test_what_no_file_can_mean_is_not_kept() -> None:
    stated: dict[str, float | str | None] = {
        "wavelength_angstrom": float("nan"),
        "radius_mm": -3.0,
        "sample": "a\n\x00b  c" + "x" * 500,
        "anode": "  ",
        "filter": None,
        "unknown": "word",
        "ratio": 0.5,
    }
    facts = kept(stated)
    assert facts["sample"] == ("a b c" + "x" * 500)[:200]
    assert list(facts) == ["ratio", "sample"]
    assert sentence({}) == ""
    assert sentence({"radius_mm": 145.0}) == "The file says of the instrument: radius 145 mm."


def test_bruker_raw_and_zip_have_their_remedies(tmp_path: Path) -> None:
    for content, words in {b"RAW1.01\0\0": "is a Bruker RAW file", b"PK\x03\x04xx": "Unpack it"}.items():
        (tmp_path / "a.raw").write_bytes(content)
        with pytest.raises(DataError, match=words):
            read_raw(tmp_path / "a.raw")


def test_every_word_is_in_the_reference(root: Path) -> None:
    reference = (root / "config/README.md").read_text("utf-8")
    assert [word for word in WORDS if f"`{word}`" not in reference] == []
