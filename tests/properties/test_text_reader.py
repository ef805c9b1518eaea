"""Text reader against generated files: what is written is read, and nothing but a data error comes of rubbish."""

from __future__ import annotations

import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bayesbeam.errors import DataError
from bayesbeam.io.readers import ReadOptions, read_raw

NUMBER = st.floats(allow_nan=False, allow_infinity=False, width=64)
ROWS = st.lists(st.tuples(NUMBER, NUMBER, NUMBER), min_size=1, max_size=12)
FORMS = st.sampled_from(["{!r}", "{:.17g}", "{:.17e}", "{:+.17E}"])


@given(
    rows=ROWS,
    form=FORMS,
    delimiter=st.sampled_from([",", ", ", ";", "\t", " ", "   "]),
    decimal=st.sampled_from([".", ","]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    header=st.sampled_from(
        ["", "energy{d}counts{d}sd{e}", "# made by hand{e}energy{d}counts{d}sd{e}", "# a{e}{e}! b{e}"]
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    quoted=st.booleans(),
)
def test_round_trip(
    rows: list[tuple[float, float, float]],
    form: str,
    delimiter: str,
    decimal: str,
    end: str,
    header: str,
    encoding: str,
    quoted: bool,
) -> None:
    """Numbers of a table in any dialect come back to the last bit."""
    if decimal == "," and delimiter.startswith(","):
        delimiter = ";"
    written = [[form.format(value).replace(".", decimal) for value in row] for row in rows]
    if quoted:
        written = [[f'"{field}"' for field in row] for row in written]
    text = header.format(d=delimiter, e=end) + "".join(delimiter.join(row) + end for row in written)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.dat"
        path.write_bytes(text.encode(encoding))
        raw = read_raw(path, ReadOptions(uncertainty=2, decimal=decimal))
    expected = np.array(rows)
    assert raw.uncertainty is not None
    np.testing.assert_array_equal(np.stack([raw.x, raw.y, raw.uncertainty], axis=1), expected)


@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(alphabet="0123456789.,;\t \n\r\"'#%+-eEdDnaif\x1a\ufeff", max_size=300).map(str.encode),
        st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
    column=st.one_of(st.integers(0, 4), st.text(max_size=5)),
    decimal=st.sampled_from([".", ","]),
    delimiter=st.sampled_from(["auto", ",", ";", "tab", "space"]),
    comment=st.sampled_from(["#", "", ";", "1"]),
)
def test_rubbish_gives_numbers_or_a_data_error(
    content: bytes, column: int | str, decimal: str, delimiter: str, comment: str
) -> None:
    """Whatever the bytes: columns of equal length, or an error of three parts."""
    options = ReadOptions(x=column, y=1, decimal=decimal, delimiter=delimiter, comment=comment, skip=len(content) % 3)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.dat"
        path.write_bytes(content)
        message = ""
        try:
            raw = read_raw(path, options)
        except DataError as problem:
            message = str(problem)
    if message:
        assert message.startswith("a.dat")
        assert "; expected " in message
    else:
        assert raw.x.shape == raw.y.shape == raw.places.shape
        assert raw.x.size > 0


@given(cut=st.integers(0, 2000), flips=st.lists(st.tuples(st.integers(0, 1999), st.integers(0, 255)), max_size=3))
def test_damaged_table(cut: int, flips: list[tuple[int, int]]) -> None:
    """A real table with bytes changed or cut off: numbers or a data error."""
    content = bytearray(b"# E I\n" + b"".join(b"%.3f %d\n" % (280 + 0.1 * i, 100 + i) for i in range(150)))
    for place, value in flips:
        if place < len(content):
            content[place] = value
    with TemporaryDirectory() as folder, contextlib.suppress(DataError):
        path = Path(folder) / "table.txt"
        path.write_bytes(bytes(content[:cut]))
        read_raw(path)
