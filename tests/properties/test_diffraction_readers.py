"""Readers of diffractometer files against damage: numbers or a data error, whatever bytes are changed or cut off."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesbeam.errors import DataError
from bayesbeam.io.readers import RawData, ReadOptions, read_raw

FOLDER = Path(__file__).parents[1] / "data" / "diffraction"
FILES = {
    "a.xrdml": ("v2o5_zro2_2min.xrdml", None),
    "a.fxye": ("cucr2o4_7K_start.fxye", None),
    "a.cif": ("lab6_nist_660c_three_regions.cif", "pd_proc_660_cert_cif_mosaic_consensus_100a_meas"),
}
FLIPS = st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 255)), max_size=6)


def numbers_or_message(path: Path, options: ReadOptions) -> tuple[RawData | None, str]:
    try:
        return read_raw(path, options), ""
    except DataError as problem:
        return None, str(problem)


@pytest.mark.parametrize("name", FILES)
@settings(deadline=None, max_examples=60)
@given(cut=st.one_of(st.none(), st.integers(0, 2**31)), flips=FLIPS)
def test_damaged_file(name: str, cut: int | None, flips: list[tuple[int, int]]) -> None:
    source, dataset = FILES[name]
    content = bytearray((FOLDER / source).read_bytes())
    for place, value in flips:
        content[place % len(content)] = value
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(bytes(content if cut is None else content[: cut % len(content)]))
        raw, message = numbers_or_message(path, ReadOptions(dataset=dataset))
    if raw is None:
        assert message.startswith(name)
        assert "; expected " in message
    else:
        assert raw.x.shape == raw.y.shape == raw.places.shape
        assert raw.uncertainty is None or raw.uncertainty.shape == raw.y.shape
        assert all(isinstance(value, float | str) for value in raw.instrument.values())


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(["a.xrdml", "a.fxye", "a.cif", "a.gsa"]),
    text=st.text(alphabet="<>/\"'=&; \n#_0123456789.eE+-ABCKNOSTadopst", max_size=200),
)
def test_rubbish(name: str, text: str) -> None:
    head = {"a.xrdml": "<xrdMeasurements>", "a.fxye": "t\nBANK 1 2 2 ", "a.cif": "data_a\nloop_\n_pd_", "a.gsa": ""}
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(head[name] + text)
        raw, message = numbers_or_message(path, ReadOptions())
    if raw is None:
        assert message.startswith(name)
    else:
        assert raw.x.shape == raw.y.shape
        assert raw.x.size > 0
