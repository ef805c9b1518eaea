"""Reader of powder patterns in CIF: NIST's LaB6, the ways in which axes and intensities stand there, every refusal."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.errors import DataError
from bayesbeam.io.readers import RawData, ReadOptions, kind_of, read_raw
from bayesbeam.io.readers.guarded import guarded_reader
from bayesbeam.io.readers.pdcif_counts import regions_of_weights

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from file_reading import read_text, refusal_of

NIST = "tests/data/diffraction/lab6_nist_660c_three_regions.cif"
MEASURED = "pd_proc_660_cert_cif_mosaic_consensus_100a_meas"


def read(folder: Path, text: str | bytes, **options: object) -> RawData:
    return read_text(folder / "a.cif", text, **options)


def refusal(folder: Path, text: str | bytes, **options: object) -> str:
    return refusal_of(folder / "a.cif", text, **options)


def loop(*names: str, rows: str) -> str:
    return "loop_\n" + "".join(f"{name}\n" for name in names) + rows + "\n"


def test_nist_lab6(root: Path) -> None:
    """The rate as it stands there, its facts from other blocks, and the counts and times behind it, exactly."""
    options = ReadOptions(dataset=MEASURED, columns=("counts", "counting_time", "_pd_proc_ls_weight"))
    raw = read_raw(root / NIST, options)
    assert (raw.x.size, raw.x[0], raw.x[-1], raw.x_unit) == (623, 20.3, 38.4, "degree")
    np.testing.assert_array_equal(raw.y[:3], [19.0, 10.5, 12.0])
    counts, seconds, weight = raw.columns
    np.testing.assert_array_equal([seconds[0], seconds[191], seconds[422]], [2.0, 1.0, 3.0])
    assert sorted(set(seconds)) == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(counts, np.round(counts))
    np.testing.assert_allclose(counts / seconds, raw.y, atol=0.0051)  # the file has two decimals
    np.testing.assert_allclose(seconds**2 / (counts + 1), weight, rtol=0.01)  # and weights of three digits, cut off
    assert raw.uncertainty is not None
    np.testing.assert_array_equal(raw.uncertainty, np.sqrt(counts + 1) / seconds)
    assert raw.not_counts == "counts a second"
    assert dict(raw.instrument) == {
        "axis": "2theta",
        "radiation": "x-ray",
        "anode": "Cu",
        "intended": "Cu Kalpha",
        "geometry": "Bragg-Brentano",
        "radius_mm": 217.5,
        "monochromator": "26.6 degree graphite mosaic, diffracted beam",
        "counting_times": "1 to 3 s, from the weights",
        "displacement_mm": -0.07877,
        "temperature_K": 294.0,
        "sample": "SRM 660c LaB6",
    }


def test_a_block_has_to_be_named_and_a_second_process_reads_the_same(root: Path) -> None:
    with pytest.raises(DataError, match=f"2 powder patterns; expected one. Set read.dataset .*{MEASURED}, .*_calc"):
        read_raw(root / NIST)
    here = read_raw(root / NIST, ReadOptions(dataset=MEASURED, columns=("counts",)))
    with guarded_reader() as guarded:
        there = guarded(root / NIST, ReadOptions(dataset=f"data_{MEASURED}", columns=("counts",)), "x")
    np.testing.assert_array_equal(there.y, here.y)
    np.testing.assert_array_equal(there.columns[0], here.columns[0])
    assert (dict(there.instrument), there.not_counts) == (dict(here.instrument), here.not_counts)


def test_counts_with_a_range(tmp_path: Path) -> None:
    ends = "_pd_meas_2theta_range_min 10.0\n_pd_meas_2theta_range_max 10.4\n_pd_meas_2theta_range_inc 0.1\n"
    text = f"data_a\n{ends}_pd_meas_step_count_time 2.0\n_diffrn_radiation_wavelength 1.5418\n"
    raw = read(tmp_path, text + loop("_pd_meas_counts_total", rows="10 20 30 20 10"))
    np.testing.assert_allclose(raw.x, [10, 10.1, 10.2, 10.3, 10.4], rtol=1e-14)
    np.testing.assert_array_equal(raw.y, [10, 20, 30, 20, 10])
    assert raw.instrument["wavelength_angstrom"] == 1.5418
    assert raw.instrument["counting_time_s"] == 2.0
    assert raw.not_counts == ""
    message = refusal(tmp_path, text + loop("_pd_meas_counts_total", rows="10 20 30"))
    assert "10 to 10.4 in steps of 0.1, which are 5 points; expected the 3 points" in message


def test_counts_with_a_time_each_are_a_rate(tmp_path: Path) -> None:
    names = ("_pd_meas_2theta_scan", "_pd_meas_counts_total", "_pd_meas_step_count_time")
    raw = read(tmp_path, "data_a\n" + loop(*names, rows="10 100 1\n11 100 2\n12 100 4"))
    np.testing.assert_array_equal(raw.y, [100, 50, 25])
    assert raw.not_counts == "counts a second, of 1 to 4 s"


@pytest.mark.parametrize(
    ("name", "words", "unit"),
    [
        ("_pd_proc_d_spacing", "d", "angstrom"),
        ("_pd_proc_recip_len_Q", "Q", "1/angstrom"),
        ("_pd_meas_time_of_flight", "time of flight", "us"),
    ],
)
def test_other_axes(tmp_path: Path, name: str, words: str, unit: str) -> None:
    raw = read(tmp_path, "data_a\n" + loop(name, "_pd_proc_intensity_total", rows="1 5.5(3)\n2 6.5(3)"))
    np.testing.assert_array_equal(raw.y, [5.5, 6.5])
    assert (raw.instrument["axis"], raw.x_unit) == (words, unit)
    assert raw.uncertainty is None


def test_doublet_with_weights_of_its_lines(tmp_path: Path) -> None:
    waves = loop("_diffrn_radiation_wavelength", "_diffrn_radiation_wavelength_wt", rows="1.544426 0.5\n1.540598 1.0")
    points = loop("_pd_meas_2theta_scan", "_pd_meas_intensity_total", rows="1 5\n2 6")
    raw = read(tmp_path, f"data_waves\n{waves}\ndata_points\n{points}")
    assert raw.instrument["wavelength_angstrom"] == 1.540598
    assert raw.instrument["wavelength_2_angstrom"] == 1.544426
    assert raw.instrument["ratio"] == 0.5


def test_blocks_that_disagree_say_nothing(tmp_path: Path) -> None:
    points = loop("_pd_meas_2theta_scan", "_pd_meas_intensity_total", rows="1 5\n2 6")
    wave = "_diffrn_radiation_wavelength"
    raw = read(tmp_path, f"data_a\n{wave} 1.5\ndata_b\n{wave} 0.7\ndata_points\n{points}")
    assert "wavelength_angstrom" not in raw.instrument


def test_points_left_out_of_a_fit_have_no_deviation(tmp_path: Path) -> None:
    names = ("_pd_meas_2theta_scan", "_pd_meas_intensity_total", "_pd_proc_ls_weight")
    raw = read(tmp_path, "data_a\n" + loop(*names, rows="1 5.5 0.25\n2 6.5 0\n3 ? 1"))
    assert raw.uncertainty is not None
    np.testing.assert_array_equal(raw.uncertainty, [2.0, np.inf, 1.0])
    assert np.isnan(raw.y[2])
    assert raw.not_counts == "intensities with weights that are not those of counts"


def test_counts_are_found_only_where_they_are_whole() -> None:
    """Regions of 3 and 20 s; one rate or one weight that does not fit, and nothing is claimed."""
    counts = np.array([30, 40, 55, 41, 28, 600, 700, 900, 690, 610.0])
    seconds = np.repeat([3.0, 20.0], 5)
    x = np.array([1, 2, 3, 4, 5, 15, 16, 17, 18, 19.0])
    rate, weight = np.round(counts / seconds, 2), seconds**2 / (counts + 1)
    found = regions_of_weights(x, rate, weight)
    assert found is not None
    np.testing.assert_array_equal(found[0], counts)
    np.testing.assert_array_equal(found[1], seconds)
    assert regions_of_weights(x, rate + 0.1 * (x == 3), weight) is None
    assert regions_of_weights(x, rate, weight * (1 + 0.2 * (x == 3))) is None
    assert regions_of_weights(x, -rate, weight) is None


POINTS = loop("_pd_meas_2theta_scan", "_pd_meas_intensity_total", rows="1 5\n2 6")
REFUSED = {
    "structure": ("data_a\n_cell_length_a 4.15\n", "no powder pattern in its 1 data blocks"),
    "empty of blocks": ("# nothing\n", "no powder pattern in its 0 data blocks"),
    "truncated loop": ("data_a\n" + POINTS[:-2], "cannot be read as CIF"),
    "truncated text": ("data_a\n_a\n;text\n" + POINTS, "cannot be read as CIF"),
    "no header": ("1 2\n3 4\n", "cannot be read as CIF"),
    "twice": ("data_a\n_x 1\n_x 2\n" + POINTS, "duplicate tag _x"),
    "word": ("data_a\n" + POINTS.replace("2 6", "2 six"), "'six' at point 2; expected a number"),
    "no ends": (
        "data_a\n_pd_meas_2theta_range_inc 0.1\n" + loop("_pd_meas_counts_total", rows="1 2"),
        "a pattern without positions",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(tmp_path: Path, name: str) -> None:
    text, words = REFUSED[name]
    assert words in refusal(tmp_path, text)


def test_columns_are_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "data_a\n" + POINTS, y="_pd_meas_intensity")
    assert "no column is called '_pd_meas_intensity'" in message
    assert "Columns of this file: _pd_meas_2theta_scan, _pd_meas_intensity_total." in message
    assert "column 3 (counted from 0)" in refusal(tmp_path, "data_a\n" + POINTS, columns=(3,))
    numbered = read(tmp_path, "data_a\n" + POINTS, x=None, y=0)
    np.testing.assert_array_equal(numbered.x, [1, 2])
    assert numbered.x_unit == ""


def test_format_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.CIF").write_text("data_a\n" + POINTS)
    assert kind_of(tmp_path / "b.CIF", "auto", "b.CIF") == "cif"
    monkeypatch.setattr("bayesbeam.io.readers.pdcif.MAX_BYTES", 20)
    assert "MiB of CIF; expected at most" in refusal(tmp_path, "data_a\n" + POINTS)
