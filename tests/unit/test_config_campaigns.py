"""The shipped campaigns: they load, say what the papers say, and their data are what their provenance says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.config import load_campaign

FILES = ("first_look/data", "nagata2012/data")
OTHERS = (
    "raman_references", "ruby_luminescence", "pet_c1s", "au4f_channels", "fermi_edge_gold", "olivine_reflectance",
    "ferrihydrite_moessbauer", "au4f_integration",
)  # fmt: skip
ALONE = ("ruby_next_points", "au4f_integration", "raman_two_lasers", "moessbauer_temperatures")  # one candidate
DATA = (".csv", ".txt", ".dat")


@pytest.fixture
def campaigns(root: Path) -> Path:
    return root / "config" / "campaigns"


@pytest.mark.parametrize("folder", FILES)
def test_nagata_data_are_the_published_recipe_to_the_bit(campaigns: Path, folder: str) -> None:
    x = np.linspace(0.0, 3.0, 301)
    peaks = ((0.587, 1.210, 95.689), (1.522, 1.455, 146.837), (1.183, 1.703, 164.469))
    curve = np.asarray(sum(a * np.exp(-b * (x - mu) ** 2 / 2) for a, mu, b in peaks))
    y = curve + 0.1 * np.random.RandomState(0).randn(301)
    found = np.loadtxt(campaigns / folder / "nagata2012.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(found[:, 0], x)
    # exp may differ by one unit in the last place between machines; the noise is exact
    np.testing.assert_allclose(found[:, 1], y, rtol=0, atol=2.8e-16)


@pytest.mark.parametrize("folder", [*FILES, *(f"{name}/data" for name in (*OTHERS, *ALONE))])
def test_provenance_names_the_bytes_of_every_file(campaigns: Path, folder: str) -> None:
    text = (campaigns / folder / "PROVENANCE.md").read_text(encoding="utf-8")
    sums = set(re.findall(r"\b[0-9a-f]{64}\b", text))
    data = [file for file in (campaigns / folder).iterdir() if file.suffix in DATA]
    assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in data} == sums
    for file in data:
        assert file.name in text


@pytest.mark.parametrize("name", [*OTHERS, *ALONE])
def test_campaigns_of_real_data_load_and_hold_what_they_use(campaigns: Path, name: str) -> None:
    campaign = load_campaign(campaigns / name)
    assert campaign.campaign.campaign == name
    used = {file.name for row in campaign.sheet for file in (row.file, row.calibration) if file is not None}
    assert used == {file.name for file in (campaigns / name / "data").iterdir() if file.suffix in DATA}
    for measurement in campaign.ids:
        assert len(campaign.candidates_of(measurement)) >= (1 if name in ALONE else 2)


def test_nagata2012_is_the_paper(campaigns: Path) -> None:
    campaign = load_campaign(campaigns / "nagata2012")
    assert [model.count for model in campaign.candidates_of("nagata2012")] == list(range(1, 9))
    (part,) = campaign.by_tag("peaks-k3").spec.parts
    values = {p.name: p.prior.resolve({}) for p in part.parameters}
    assert str(values["amplitude"]) == "gamma(shape=5, rate=5)"
    assert str(values["precision"]) == "gamma(shape=5, rate=0.04)"
    mean, sd = values["position"].values
    assert (mean, 1 / sd**2) == (1.5, pytest.approx(5.0, rel=1e-15))
    noise = campaign.by_tag("peaks-k3").spec.noise
    assert (noise.model, noise.value) == ("normal", 0.1)
    assert campaign.campaign.sampling.seed == 2012


def test_first_look_asks_what_it_should(campaigns: Path) -> None:
    campaign = load_campaign(campaigns / "first_look")
    assert [model.count for model in campaign.candidates_of("nagata2012")] == [1, 2, 3, 4]
    assert [model.count for model in campaign.candidates_of("pet_c1s")] == [1, 2, 3, 4]
    assert [model.tag for model in campaign.candidates_of("au4f_ch2")] == ["au4f_gauss", "au4f_lorentz", "au4f_voigt"]
    assert campaign.group("au4f").candidate == "au4f_voigt"
    channels = campaign.group_members("au4f")
    assert len(channels) >= 4
    assert "au4f_ch9" in channels
    assert [str(one) for one in campaign.group("au4f").shared] == ["doublet.splitting", "doublet.fwhm"]
    for channel in channels:
        row = campaign.row(channel)
        assert row.treatment.read.y == int(channel.removeprefix("au4f_ch"))
        assert row.treatment.uncertainty.source == "counts"
        assert any(low <= 84.0 and high >= 84.0409 for low, high in row.treatment.mask)
    assert {row.file.is_file() for row in campaign.sheet} == {True}


def test_both_campaigns_use_the_same_spectrum_and_model(campaigns: Path) -> None:
    one, two = (load_campaign(campaigns / name) for name in ("first_look", "nagata2012"))
    assert one.by_tag("peaks-k3").spec == two.by_tag("peaks-k3").spec
    assert one.row("nagata2012").file.read_bytes() == two.row("nagata2012").file.read_bytes()
