"""Reader of .xrdml: a real file, every shape of scans, counts and intensities, and what it says of the instrument."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.io.readers import RawData, kind_of, read_raw
from bayesbeam.io.readers.instrument import sentence

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from file_reading import read_text, refusal_of

POSITIONS = (
    '<positions axis="2Theta" unit="deg"><startPosition>10</startPosition><endPosition>12</endPosition></positions>'
)
WAVE = (
    '<usedWavelength intended="K-Alpha"><kAlpha1 unit="Angstrom">1.5405980</kAlpha1>'
    '<kAlpha2 unit="Angstrom">1.5444260</kAlpha2><ratioKAlpha2KAlpha1>0.5</ratioKAlpha2KAlpha1></usedWavelength>'
)
COUNTS = '<counts unit="counts">100 200 300 400 399</counts>'
SECONDS = "<commonCountingTime unit='seconds'>2.5</commonCountingTime>"


def points(*parts: str) -> str:
    return f"<dataPoints>{''.join(parts)}</dataPoints>"


def scan(*parts: str, axis: str = "Gonio", status: str = "Completed", after: str = "") -> str:
    return f'<scan scanAxis="{axis}" status="{status}">{points(*parts)}{after}</scan>'


def document(*scans: str, version: str = "2.1", mode: str = "Reflection", head: str = WAVE) -> str:
    name = f'xmlns="http://www.xrdml.com/XRDMeasurement/{version}"'
    measured = f'<xrdMeasurement sampleMode="{mode}">{head}{"".join(scans)}</xrdMeasurement>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<xrdMeasurements {name}>\n{measured}\n</xrdMeasurements>\n'


def read(folder: Path, text: str | bytes, **options: object) -> RawData:
    return read_text(folder / "a.xrdml", text, **options)


def refusal(folder: Path, text: str | bytes, **options: object) -> str:
    return refusal_of(folder / "a.xrdml", text, **options)


def test_real_file(root: Path) -> None:
    """Ends and counts as they stand in the file, which begins with a byte-order mark."""
    raw = read_raw(root / "tests/data/diffraction/v2o5_zro2_2min.xrdml")
    assert raw.x.size == 2071
    assert (raw.x[0], raw.x[-1], raw.x_unit) == (10.02173288, 99.99585608, "degree")
    np.testing.assert_array_equal(raw.y[:4], [1947, 1935, 1933, 1955])
    np.testing.assert_array_equal(np.round(raw.y), raw.y)
    assert raw.not_counts == ""
    assert dict(raw.instrument) == {
        "axis": "2theta",
        "radiation": "x-ray",
        "anode": "Cu",
        "wavelength_angstrom": 1.540598,
        "wavelength_2_angstrom": 1.544426,
        "ratio": 0.5,
        "intended": "K-Alpha 1",
        "geometry": "Bragg-Brentano",
        "radius_mm": 145.0,
        "filter": "Ni",
        "divergence": "Divergence slit 1°",
        "soller_rad": 0.04,
        "detector": "PIXcel1D-Medipix3 detector",
        "counting_time_s": 10.965,
        "sample": "V2O5_0p8011-ZrO2_0p2012--2min",
        "started": "2024-11-14T14:04:43-08:00",
    }
    assert "wavelength 1.540598 angstrom, second wavelength 1.544426 angstrom" in sentence(raw.instrument)


@pytest.mark.parametrize("version", ["1.0", "1.5", "2.3"])
def test_counts_of_every_version(tmp_path: Path, version: str) -> None:
    raw = read(tmp_path, document(scan(POSITIONS, SECONDS, COUNTS), version=version))
    np.testing.assert_allclose(raw.x, [10, 10.5, 11, 11.5, 12], rtol=1e-15)
    np.testing.assert_array_equal(raw.y, [100, 200, 300, 400, 399])
    assert raw.y_name == "counts"
    assert raw.uncertainty is not None
    np.testing.assert_allclose(raw.uncertainty, np.sqrt(raw.y + 1), rtol=1e-15)
    assert raw.instrument["counting_time_s"] == 2.5


def test_raw_counts_are_multiplied_by_attenuation_and_intensities_are_not(tmp_path: Path) -> None:
    """Versions 2 keep counts as detected, versions 1 intensities in which the attenuator is undone already."""
    factors = "<beamAttenuationFactors>1 1 100 100 1</beamAttenuationFactors>"
    counts = read(tmp_path, document(scan(POSITIONS, factors, "<counts>100 200 3 4 399</counts>")))
    listed = "<intensities>100 200 300 400 399</intensities>"
    intensities = read(tmp_path, document(scan(POSITIONS, factors, listed), version="1.3"))
    for raw in (counts, intensities):
        np.testing.assert_allclose(raw.y, [100, 200, 300, 400, 399], rtol=1e-15)
        assert raw.uncertainty is not None
        expected = [np.sqrt(101), np.sqrt(201), 100 * 2, 100 * np.sqrt(5), 20]
        np.testing.assert_allclose(raw.uncertainty, expected, rtol=1e-14)
        assert "attenuation factors up to 100" in raw.not_counts
        assert raw.instrument["attenuation"] == 100.0
    plain = read(tmp_path, document(scan(POSITIONS, factors, listed)), y="counts", columns=("attenuation",))
    np.testing.assert_allclose(plain.y, [100, 200, 3, 4, 399], rtol=1e-14)
    np.testing.assert_array_equal(plain.columns[0], [1, 1, 100, 100, 1])
    assert plain.not_counts == ""
    assert plain.uncertainty is None


def test_one_attenuation_factor_for_all(tmp_path: Path) -> None:
    factor = "<commonBeamAttenuationFactor>10</commonBeamAttenuationFactor>"
    raw = read(tmp_path, document(scan(POSITIONS, factor, COUNTS)))
    np.testing.assert_array_equal(raw.y, [1000, 2000, 3000, 4000, 3990])


def test_unequal_counting_times_give_a_rate(tmp_path: Path) -> None:
    times = "<countingTimes unit='seconds'>1 1 2 2 4</countingTimes>"
    raw = read(tmp_path, document(scan(POSITIONS, times, COUNTS)), columns=("counts", "counting_time"))
    np.testing.assert_allclose(raw.y, [100, 200, 150, 200, 99.75], rtol=1e-15)
    assert raw.uncertainty is not None
    np.testing.assert_allclose(raw.uncertainty, np.sqrt(raw.columns[0] + 1) / raw.columns[1], rtol=1e-14)
    assert (raw.y_name, raw.y_unit) == ("rate", "counts/s")
    assert raw.instrument["counting_times"] == "1 to 4 s"
    assert "counting_time_s" not in raw.instrument


def test_listed_positions_and_other_axes(tmp_path: Path) -> None:
    listed = '<positions axis="2Theta" unit="deg"><listPositions>1 2 4 8 16</listPositions></positions>'
    omega = (
        '<positions axis="Omega" unit="deg"><startPosition>1</startPosition><endPosition>3</endPosition></positions>'
    )
    still = '<positions axis="Phi" unit="deg"><commonPosition>7</commonPosition></positions>'
    raw = read(tmp_path, document(scan(omega, listed, still, COUNTS)), columns=("omega",))
    np.testing.assert_array_equal(raw.x, [1, 2, 4, 8, 16])
    np.testing.assert_array_equal(raw.columns[0], [1, 1.5, 2, 2.5, 3])
    assert "Phi" in refusal(tmp_path, document(scan(omega, listed, still, COUNTS)), x="Phi")
    rocking = read(tmp_path, document(scan(omega, still, COUNTS, axis="Omega")))
    np.testing.assert_array_equal(rocking.x, [1, 1.5, 2, 2.5, 3])
    assert rocking.instrument["axis"] == "Omega"
    assert rocking.instrument["geometry"] == "reflection, scan of Omega"


def test_several_scans(tmp_path: Path) -> None:
    """Which one has to be said, over equal positions they can be added, over others joined."""
    again = scan(POSITIONS, SECONDS, "<counts>1 2 3 4 5</counts>")
    text = document(scan(POSITIONS, SECONDS, COUNTS), again)
    message = refusal(tmp_path, text)
    assert "2 scans; expected one scan, 1 to 2. Set read.dataset to a number, or to sum" in message
    assert "1 Gonio 10 to 12; 2 Gonio 10 to 12" in message
    np.testing.assert_array_equal(read(tmp_path, text, dataset="2").y, [1, 2, 3, 4, 5])
    total = read(tmp_path, text, dataset="sum")
    np.testing.assert_array_equal(total.y, [101, 202, 303, 404, 404])
    assert total.instrument["counting_time_s"] == 5.0
    assert "2 scans added" in total.dialect
    further = POSITIONS.replace(">10<", ">13<").replace(">12<", ">15<")
    split = document(
        scan(POSITIONS, SECONDS, COUNTS), scan(further, "<commonCountingTime>5</commonCountingTime>", COUNTS)
    )
    joined = read(tmp_path, split, dataset="join")
    np.testing.assert_allclose(joined.x, [10, 10.5, 11, 11.5, 12, 13, 13.5, 14, 14.5, 15], rtol=1e-15)
    np.testing.assert_allclose(joined.y[[0, 5]], [40, 20], rtol=1e-15)
    assert "5 points from 13 to 15" in refusal(tmp_path, split, dataset="sum")
    assert "read.dataset '3' of 2 scans" in refusal(tmp_path, split, dataset="3")


def test_scans_of_several_measurements_are_numbered_through(tmp_path: Path) -> None:
    one = f"<xrdMeasurement>{scan(POSITIONS, COUNTS)}</xrdMeasurement>"
    raw = read(tmp_path, f"<xrdMeasurements>{one}{one.replace('100 200', '7 8')}</xrdMeasurements>", dataset="2")
    np.testing.assert_array_equal(raw.y, [7, 8, 300, 400, 399])


def test_facts_that_are_not_always_there(tmp_path: Path) -> None:
    bare = read(tmp_path, document(scan(POSITIONS, COUNTS, status="Aborted"), head="", mode=""))
    assert dict(bare.instrument) == {"axis": "2theta", "radiation": "x-ray", "status": "Aborted"}
    head = WAVE + (
        '<incidentBeamPath><radius unit="mm">240</radius><xRayMirror name="mirror"/><monochromator name="Ge 220 4x"/>'
        '<divergenceSlit name="slit"/></incidentBeamPath>'
    )
    warm = '<nonAmbientValues unit="Celsius">26 27</nonAmbientValues>'
    warm = f'<nonAmbientPoints type="Temperature">{warm}</nonAmbientPoints>'
    corrected = "<divergenceCorrections>1 1 1 2 2</divergenceCorrections>"
    raw = read(tmp_path, document(scan(POSITIONS, corrected, COUNTS, after=warm), head=head))
    assert raw.instrument["geometry"] == "parallel beam, reflection"
    assert raw.instrument["monochromator"] == "Ge 220 4x, incident beam"
    assert raw.instrument["divergence"] == "slit, its corrections in the file are not applied"
    assert raw.instrument["temperature_K"] == pytest.approx(299.65, abs=1e-12)


def test_divergence_corrections_of_one_are_none_and_temperatures_are_in_kelvin(tmp_path: Path) -> None:
    warm = '<nonAmbientPoints><nonAmbientValues type="Temperature">300 302</nonAmbientValues></nonAmbientPoints>'
    one = "<commonDivergenceCorrection>1.0</commonDivergenceCorrection>"
    raw = read(tmp_path, document(scan(POSITIONS, one, COUNTS, after=warm)))
    assert "divergence" not in raw.instrument
    assert raw.instrument["temperature_K"] == 301.0
    pressure = read(tmp_path, document(scan(POSITIONS, COUNTS, after=warm.replace("Temperature", "Pressure"))))
    assert "temperature_K" not in pressure.instrument


def test_wavelengths_of_unknown_anodes_are_no_facts(tmp_path: Path) -> None:
    raw = read(tmp_path, document(scan(POSITIONS, COUNTS), head=WAVE.replace("1.5405980", "0").replace("0.5<", "<")))
    assert "wavelength_angstrom" not in raw.instrument
    assert "ratio" not in raw.instrument


def test_format_is_known_by_content_and_by_name(tmp_path: Path) -> None:
    text = document(scan(POSITIONS, COUNTS))
    for name, content in {"a.xml": "\ufeff" + text, "b.xrdml": "rubbish", "c.dat": text.split("\n", 1)[1]}.items():
        (tmp_path / name).write_text(content, "utf-8")
        assert kind_of(tmp_path / name, "auto", name) == "xrdml"
    (tmp_path / "d.xml").write_text("<?xml version='1.0'?><other/>")
    assert kind_of(tmp_path / "d.xml", "auto", "d.xml") == "text"


REFUSED = {
    "truncated": (document(scan(POSITIONS, COUNTS))[:500], "broken XML"),
    "foreign": ("<?xml version='1.0'?>\n<html/>", "XML of <html>"),
    "no scan": (document(), "no scan"),
    "no points": (document('<scan scanAxis="Gonio"/>'), "neither counts nor intensities"),
    "words": (document(scan(POSITIONS, "<counts>1 2 x 4 5</counts>")), "scan 1: <counts>: 'x'; expected numbers"),
    "no positions": (document(scan(COUNTS)), "no axis that moves"),
    "few positions": (
        document(scan('<positions axis="2Theta"><listPositions>1 2</listPositions></positions>', COUNTS)),
        "axis 2Theta: 2 positions; expected one for each of 5 points",
    ),
    "few factors": (
        document(scan(POSITIONS, "<beamAttenuationFactors>1 2</beamAttenuationFactors>", COUNTS)),
        "2 values; expected one for each of 5 points",
    ),
    "factor 0": (
        document(scan(POSITIONS, "<beamAttenuationFactors>1 1 0 1 1</beamAttenuationFactors>", COUNTS)),
        "an attenuation factor of 0; expected factors above 0",
    ),
    "no end": (document(scan(POSITIONS.replace("<endPosition>12", "<endPosition>"), COUNTS)), "no start or no end"),
    "one point": (document(scan(POSITIONS, "<counts>1</counts>")), "1 points; expected 2 to"),
    "utf-16 said": (document(scan(POSITIONS, COUNTS)).replace("UTF-8", "UTF-16"), "broken XML"),
    "unknown encoding": (document(scan(POSITIONS, COUNTS)).replace("UTF-8", "klingon"), "XML"),
    "deep": ("<xrdMeasurements>" + "<a>" * 100 + "</a>" * 100 + "</xrdMeasurements>", "nested deeper than 40"),
    "many": ("<xrdMeasurements>" + "<a/>" * 200_001 + "</xrdMeasurements>", "more than 200000 elements"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(tmp_path: Path, name: str) -> None:
    text, words = REFUSED[name]
    assert words in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://example.org/a.dtd">',
    ],
    ids=["bomb", "file", "network"],
)
def test_document_types_are_refused_before_anything_is_expanded(tmp_path: Path, declared: str) -> None:
    text = document(scan(POSITIONS, "<counts>1 2 &b; &a; 5</counts>")).replace("?>\n", f"?>\n{declared}\n", 1)
    message = refusal(tmp_path, text)
    assert "a document type (DOCTYPE)" in message
    assert "line 2" in message


def test_huge_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesbeam.io.readers.xml_tree.MAX_BYTES", 200)
    assert "MiB of XML; expected at most" in refusal(tmp_path, document(scan(POSITIONS, COUNTS)))
