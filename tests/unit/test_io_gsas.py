"""Reader of GSAS powder data: a real file, the record types and bins of the manual, every refusal."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.io.readers import RawData, kind_of, read_raw

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from file_reading import read_text, refusal_of


def read(folder: Path, text: str | bytes, **options: object) -> RawData:
    return read_text(folder / "a.gsa", text, **options)


def refusal(folder: Path, text: str | bytes, **options: object) -> str:
    return refusal_of(folder / "a.gsa", text, **options)


def std(*points: tuple[int, int]) -> str:
    """Records 10(I2, F6.0), 80 characters a line, blank where one detector counted."""
    fields = [f"{detectors if detectors > 1 else '':>2}{counts:>6}" for detectors, counts in points]
    return "\n".join("".join(fields[k : k + 10]).ljust(80) for k in range(0, len(fields), 10)) + "\n"


def test_real_file(root: Path) -> None:
    """First and last of 200 points of 11-BM, and what its header says."""
    raw = read_raw(root / "tests/data/diffraction/cucr2o4_7K_start.fxye")
    assert raw.x.size == 200
    np.testing.assert_allclose(raw.x[[0, 1, -1]], [0.5, 0.502, 0.898], rtol=1e-14)
    np.testing.assert_array_equal(raw.y[:2], [65.247734, 91.168869])
    assert raw.uncertainty is not None
    np.testing.assert_array_equal(raw.uncertainty[:2], [11.584726, 13.679734])
    assert (raw.x_unit, raw.x_name) == ("degree", "2theta")
    assert dict(raw.instrument) == {
        "axis": "2theta",
        "wavelength_angstrom": 0.413263,
        "counting_time_s": 0.1,
        "temperature_K": 6.778,
    }


def test_constant_steps_of_counts(tmp_path: Path) -> None:
    """The default records, with detectors that are averaged, and zeros that fill up the last record."""
    points = [(1, 100 + k) for k in range(11)] + [(4, 50)] + [(1, 0)] * 8
    raw = read(tmp_path, "title\nBANK 1 12 2 CONST 1000.0 2.5 0 0\n" + std(*points))
    np.testing.assert_allclose(raw.x, 10 + 0.025 * np.arange(12), rtol=1e-14)
    np.testing.assert_array_equal(raw.y, [*range(100, 111), 50])
    assert raw.uncertainty is not None
    np.testing.assert_allclose(raw.uncertainty[[0, -1]], [np.sqrt(101), np.sqrt(201) / 4], rtol=1e-14)
    assert raw.not_counts == "means of up to 4 detectors"
    alone = read(tmp_path, "title\nBANK 1 11 2 CONST 1000.0 2.5 0 0 STD\n" + std(*points[:11]))
    assert alone.not_counts == ""
    assert alone.y.size == 11


def test_intensities_with_deviations(tmp_path: Path) -> None:
    rows = "".join(f"{100.5 + k:8.2f}{2.25 + k:8.3f}" for k in range(5)) + "\n" + f"{7.5:8.2f}{0.5:8.3f}\n"
    raw = read(tmp_path, "title\nBANK 1 6 2 CONS 500 1 0 0 ESD\n" + rows)
    np.testing.assert_allclose(raw.x, [5, 5.01, 5.02, 5.03, 5.04, 5.05], rtol=1e-14)
    np.testing.assert_array_equal(raw.y, [100.5, 101.5, 102.5, 103.5, 104.5, 7.5])
    assert raw.uncertainty is not None
    np.testing.assert_array_equal(raw.uncertainty, [2.25, 3.25, 4.25, 5.25, 6.25, 0.5])


def test_without_deviations(tmp_path: Path) -> None:
    raw = read(tmp_path, "title\nBANK 1 3 3 CONS 500 1 0 0 FXY\n500 1\n501 2\n502 4.5\n")
    np.testing.assert_array_equal(raw.y, [1, 2, 4.5])
    assert raw.uncertainty is None
    assert "no uncertainty" in refusal(tmp_path, (tmp_path / "a.gsa").read_text(), uncertainty=2)


def test_times_of_flight(tmp_path: Path) -> None:
    """Bins that grow with the time: positions in 1/32 microseconds in ALT records, in microseconds in FXYE."""
    alt = "".join(f"{32 * (1000 + 10 * k):8d}{1500 + k:7d}{100:5d}" for k in range(4)) + "\n"
    raw = read(tmp_path, "title\n# x\nBANK 1 4 1 RALF 32000 320 32000 0.01 ALT\n" + alt)
    np.testing.assert_array_equal(raw.x, [1000, 1010, 1020, 1030])
    np.testing.assert_allclose(raw.y, [1.5, 1.501, 1.502, 1.503], rtol=1e-14)
    assert (raw.x_unit, raw.x_name, raw.instrument["axis"]) == ("us", "time of flight", "time of flight")
    slog = read(tmp_path, "title\nBANK 1 2 2 SLOG 1000 1010 0.01 0 FXYE\n1000.5 3.25 1\n1010.5 4.5 2\n")
    np.testing.assert_array_equal(slog.x, [1000.5, 1010.5])
    counted = read(tmp_path, "title\nBANK 1 4 1 RALF 32000 640 33280 0.1 STD\n" + std(*[(1, 5)] * 4))
    edges = np.array([1000, 1020, 1040, 1144, 1258.4])
    np.testing.assert_allclose(counted.x, 0.5 * (edges[1:] + edges[:-1]), rtol=1e-14)


def test_several_banks(tmp_path: Path) -> None:
    text = (
        "title\nBANK 1 2 2 CONS 500 1 0 0 FXY\n500 1\n501 2\n# between\nBANK 7 2 2 CONS 500 1 0 0 FXY\n500 3\n501 4\n"
    )
    message = refusal(tmp_path, text)
    assert "2 banks; expected one. Set read.dataset to the number of a bank: 1 (2 points), 7 (2 points)." in message
    np.testing.assert_array_equal(read(tmp_path, text, dataset="7").y, [3, 4])
    assert "0 banks with the number '2'" in refusal(tmp_path, text, dataset="2")


def test_format_is_known_by_content(tmp_path: Path) -> None:
    text = "title\nBANK 1 2 2 CONS 500 1 0 0 FXY\n500 1\n501 2\n"
    for name in ("a.raw", "a.dat", "b.fxye"):
        (tmp_path / name).write_text(text)
        assert kind_of(tmp_path / name, "auto", name) == "gsas"
    (tmp_path / "c.dat").write_text("BANK of England\n1 2\n2 3\n")
    assert kind_of(tmp_path / "c.dat", "auto", "c.dat") == "text"


HEAD = "title\nBANK 1 3 3 CONS 500 1 0 0 FXYE\n"
ROWS = "500 1 1\n501 2 1\n502 3 1\n"
REFUSED = {
    "no bank": ("title\n1 2\n", "no line that begins with BANK"),
    "truncated": (HEAD + ROWS[:-8], "2 points follow; expected 3, as the BANK record says"),
    "cut in a row": (HEAD + ROWS[:-3], "line 5: '502 3'; expected 3 numbers"),
    "more": (HEAD + ROWS + "503 4 1\n", "4 points follow; expected 3"),
    "words": (HEAD + ROWS.replace("501 2", "501 x"), "line 4: '501 x 1'; expected 3 numbers"),
    "broken bank": ("title\nBANK one\n", "line 2: 'BANK one'; expected BANK <number>"),
    "other bins": (HEAD.replace("CONS", "TIME_MAP") + ROWS, "bins of the type TIME_MAP; expected one of CONS"),
    "no step": ("title\nBANK 1 1 1 CONS 500\n" + std((1, 5)), "1 points; expected 2 to"),
    "no start": ("title\nBANK 1 2 1 CONS\n" + std((1, 5), (1, 6)), "0 numbers behind CONS"),
    "beyond 180": (HEAD + "50000 1 1\n50001 2 1\n50002 3 1\n", "2theta up to 500.02 degrees"),
    "other widths": ("title\nBANK 1 4 1 CONS 500 1\n20 21 26 29\n", "numbers in columns 2, 6 characters wide"),
    "slog counts": ("title\nBANK 1 2 1 SLOG 1 2 0.1 0 STD\n" + std((1, 5), (1, 6)), "SLOG bins without x"),
    "huge number": ("title\nBANK 1 99999999 9 CONS 1 1\n", "99999999 points; expected 2 to 2000000"),
    "binary": (b"BANK 1 2 2 CONS 500 1 \x00\x01\n", "binary data"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(tmp_path: Path, name: str) -> None:
    text, words = REFUSED[name]
    assert words in refusal(tmp_path, text)
