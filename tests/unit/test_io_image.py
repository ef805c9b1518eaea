"""Images of area detectors as patterns: what pyFAI is asked for, what becomes of its answer, and errors without it."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from bayesbeam.config.schema import Treatment
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.treatment import Read
from bayesbeam.errors import DataError
from bayesbeam.io.readers import ReadOptions, read_raw
from bayesbeam.io.readers.image import _added, _numbers, reduced
from bayesbeam.stages.preprocess import preprocess
from bayesbeam.stages.rulebook import Rulebook

PIXELS, DISTANCE, SIZE = 301, 0.2, 2e-4


class Rings:
    """Stand-in for pyFAI's integrator: pixels sorted into rings about the middle, each of one weight."""

    def integrate1d(self, counts: NDArray[Any], bins: int, **how: Any) -> SimpleNamespace:
        assert how["unit"] == "2th_deg"
        rows, columns = np.indices(counts.shape) - (np.array(counts.shape) // 2)[:, None, None]
        place = np.floor(np.hypot(rows, columns)).astype(int)
        there = (how["mask"] == 0) & (place < bins)
        norm = 0.5  # solid angle of a pixel
        count, total, squares = (
            np.bincount(place[there], weights, bins) for weights in (None, counts[there], counts[there] ** 2.0)
        )
        mean = np.divide(total, count * norm, out=np.zeros(bins), where=count > 0)
        scatter = squares - count * (mean * norm) ** 2
        variance = total if how["error_model"] == "poisson" else scatter
        return SimpleNamespace(count=count, sum_variance=variance, sum_normalization=count * norm, intensity=mean,
                               radial=np.arange(bins) + 0.5)  # fmt: skip


def test_points_are_means_of_rings_with_the_error_of_the_mean() -> None:
    counts = np.full((9, 9), 4, dtype=np.uint16)
    counts[4, 4] = 0
    usable = np.ones((9, 9), dtype=bool)
    usable[4, 6:] = False
    x, y, sd = reduced(Rings(), counts, usable, 12, "poisson", None)
    assert list(x) == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]  # no pixel is farther out
    assert y[0] == 0.0
    assert sd[0] == 2.0  # one count over half a weight: nothing seen is not nothing known
    assert (y[1:] == 8.0).all()
    inner = 8  # pixels of the ring around the middle
    assert sd[1] == pytest.approx(np.sqrt(4.0 * inner) / (0.5 * inner))


def test_scatter_within_rings_needs_more_than_one_pixel() -> None:
    counts = np.random.default_rng(0).poisson(50.0, (9, 9))
    x, _, sd = reduced(Rings(), counts, np.ones((9, 9), dtype=bool), 12, "azimuthal", None)
    assert list(x) == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert (sd > 0.0).all()


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where neither library is installed."""
    for name in ("pyFAI", "fabio"):
        monkeypatch.setitem(sys.modules, name, None)


def image_row(folder: Path, **image: Any) -> MeasurementRow:
    """Row of a sheet with an image, its geometry beside it."""
    (folder / "image.edf").write_bytes(b"\n{ Dim_1 = 9; }\n")
    (folder / "detector.poni").write_text("Distance: 0.2\n", encoding="utf-8")
    treatment = Treatment.model_validate({"image": {"geometry": "detector.poni", **image}})
    files = [folder / "detector.poni", *([folder / image["mask"]] if "mask" in image else [])]
    return MeasurementRow("a", folder / "image.edf", "image.edf", "ct", treatment, image=tuple(files))


def test_without_pyfai_an_image_is_refused_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = image_row(tmp_path)
    without(monkeypatch)
    with pytest.raises(DataError, match="fabio is not installed") as problem:
        read_raw(row.file, ReadOptions("image", geometry="detector.poni"))
    assert 'pip install "bayesbeam[detector]"' in str(problem.value)
    refused = preprocess(row, "key")
    assert refused.status == "refused"
    assert "is not installed" in refused.reason


def test_a_missing_geometry_or_mask_is_named(tmp_path: Path) -> None:
    row = image_row(tmp_path, mask="stop.edf")
    refused = preprocess(row, "key")
    assert "image.mask stop.edf: no such file" in refused.reason
    (tmp_path / "detector.poni").unlink()
    assert "image.geometry detector.poni: no such file" in preprocess(row, "key").reason
    assert "treatments.ct" in refused.reason


def test_the_uncertainty_of_an_image_is_used_unless_the_campaign_says_otherwise() -> None:
    image = {"geometry": "a.poni"}
    assert Treatment.model_validate({"image": image}).uncertainty.source == "column"
    chosen = Treatment.model_validate({"image": image, "uncertainty": {"from": "estimate"}})
    assert chosen.uncertainty.source == "estimate"


@pytest.mark.parametrize(
    ("more", "words"),
    [({"read": {"y": 3}}, "no more of read than dataset"), ({"signal": {"counts": True}}, "means over pixels")],
)
def test_columns_and_counts_do_not_go_with_an_image(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Treatment.model_validate({"image": {"geometry": "a.poni"}, **more})


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a geometry, where pyFAI is installed."""
    pytest.importorskip("fabio")
    pytest.importorskip("pyFAI")
    folder = tmp_path_factory.mktemp("detector")
    shape = {"pixel1": SIZE, "pixel2": SIZE, "max_shape": [PIXELS, PIXELS], "orientation": 3}
    geometry(folder / "detector.poni", shape, 1e-10)
    return folder


def geometry(path: Path, shape: dict[str, Any], wavelength: float | None) -> None:
    """A .poni file with the beam in the middle of the detector."""
    import json

    middle = SIZE * PIXELS / 2
    lines = [f"poni_version: 2.1\nDetector: Detector\nDetector_config: {json.dumps(shape)}\nDistance: {DISTANCE}",
             f"Poni1: {middle}\nPoni2: {middle}\nRot1: 0\nRot2: 0\nRot3: 0"]  # fmt: skip
    lines += [f"Wavelength: {wavelength}"] if wavelength else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rings(seed: int, at: float = 6.0) -> NDArray[np.int32]:
    """Counts of a ring at an angle, in degrees, on a level."""
    rows, columns = (np.indices((PIXELS, PIXELS)) + 0.5 - PIXELS / 2) * SIZE
    angle = np.degrees(np.arctan(np.hypot(rows, columns) / DISTANCE))
    mean = 3.0 + 40.0 * np.exp(-0.5 * ((angle - at) / 0.1) ** 2)
    return np.random.default_rng(seed).poisson(mean).astype(np.int32)


def written(path: Path, image: NDArray[Any]) -> Path:
    importlib.import_module("fabio.edfimage").EdfImage(data=image).write(str(path))
    return path


@pytest.mark.parametrize("error", ["poisson", "azimuthal"])
def test_a_ring_is_found_at_its_angle_and_its_uncertainty_is_that_of_repeated_images(
    detector: Path, error: str
) -> None:
    """12 images, 115 points: the mean square of deviations over stated ones is 1 to three sd of chi square, 0.12."""
    options = ReadOptions("image", geometry=str(detector / "detector.poni"), bins=200, error=error)
    made = [read_raw(written(detector / "image.edf", rings(seed)), options) for seed in range(12)]
    assert made[0].x_unit == "degree"
    assert made[0].instrument["wavelength_angstrom"] == pytest.approx(1.0)
    places = [float(one.x[one.y.argmax()]) for one in made]
    assert np.mean(places) == pytest.approx(6.0, abs=0.03)
    # Rings of the corners have few pixels, and the innermost: those have no error that scatter could tell.
    inside = slice(5, 120)
    y = np.array([one.y[inside] for one in made])
    sd = np.array([one.uncertainty[inside] for one in made if one.uncertainty is not None])
    z = (y - y.mean(0)) / sd
    freedom = (len(made) - 1) / len(made)
    assert float(np.square(z).mean()) / freedom == pytest.approx(1.0, abs=0.12)


def test_masked_negative_and_overflown_pixels_do_not_count(detector: Path) -> None:
    clean = rings(1)
    mask = np.zeros(clean.shape, dtype=np.uint8)
    mask[:, :150] = 1
    spoiled = clean.copy()
    spoiled[:, :150] = 100_000
    spoiled[200, 200] = -1
    clean[200, 200] = -2
    written(detector / "mask.edf", mask)
    how = ReadOptions("image", geometry=str(detector / "detector.poni"), mask=str(detector / "mask.edf"), bins=200)
    one, other = (read_raw(written(detector / "image.edf", image), how) for image in (clean, spoiled))
    assert one.y.tobytes() == other.y.tobytes()
    clean[200, 200] = 0
    big = clean.astype(np.uint16)
    big[220:230] = 65535
    small = clean.copy()
    small[220:230] = -1
    one, other = (read_raw(written(detector / "image.edf", image), how) for image in (big, small))
    assert np.abs(one.y - other.y).max() < 1e-4 * one.y.max()


def test_files_that_do_not_fit_are_refused_by_name(detector: Path) -> None:
    image = written(detector / "image.edf", rings(1))
    how = ReadOptions("image", geometry=str(detector / "detector.poni"))
    with pytest.raises(DataError, match="10 x 10 pixels; expected 301 x 301"):
        read_raw(written(detector / "small.edf", np.ones((10, 10), dtype=np.int32)), how)
    (detector / "cut.edf").write_bytes(image.read_bytes()[:700])
    with pytest.raises(DataError, match=r"cut\.edf"):
        read_raw(detector / "cut.edf", how)
    shape = {"pixel1": SIZE, "pixel2": SIZE, "max_shape": [PIXELS, PIXELS]}
    geometry(detector / "bare.poni", shape, None)
    with pytest.raises(DataError, match="no wavelength"):
        read_raw(image, ReadOptions("image", geometry=str(detector / "bare.poni")))
    (detector / "broken.poni").write_text("Distance: far\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"broken\.poni"):
        read_raw(image, ReadOptions("image", geometry=str(detector / "broken.poni")))
    with pytest.raises(DataError, match="no pixel that counts"):
        read_raw(written(detector / "dark.edf", np.full((PIXELS, PIXELS), -1, dtype=np.int32)), how)


def test_frames_of_a_file_are_patterns_each_or_their_sum(detector: Path) -> None:
    frames = [rings(seed, 5.0 + seed) for seed in range(3)]
    frames[1][200, 200] = -1
    several = importlib.import_module("fabio.edfimage").EdfImage(data=frames[0])
    for one in frames[1:]:
        several.append_frame(data=one)
    several.write(str(detector / "series.edf"))
    how = ReadOptions("image", geometry=str(detector / "detector.poni"), bins=200)
    for number, one in enumerate(frames, 1):
        found = read_raw(detector / "series.edf", replace(how, dataset=str(number)))
        alone = read_raw(written(detector / "image.edf", one), how)
        assert found.y.tobytes() == alone.y.tobytes()
        assert f"frame {number} of 3" in found.dialect
    whole = sum(frames)
    whole[200, 200] = -1
    found = read_raw(detector / "series.edf", replace(how, dataset="sum"))
    alone = read_raw(written(detector / "image.edf", whole), how)
    assert found.y == pytest.approx(alone.y, rel=1e-6)
    assert found.uncertainty == pytest.approx(alone.uncertainty, rel=1e-6)
    assert "3 frames added up, 1 left out" in found.dialect
    with pytest.raises(DataError, match=r"3 frames; expected the number of a frame, 1 to 3, or sum\. Write it in"):
        read_raw(detector / "series.edf", how)
    with pytest.raises(DataError, match="dataset '4' of 3 frames"):
        read_raw(detector / "series.edf", replace(how, dataset="4"))


def test_frames_of_hdf5_are_read_too(detector: Path) -> None:
    frames = np.array([rings(seed).astype(np.uint32) for seed in range(2)])
    with h5py.File(detector / "eiger.h5", "w") as file:
        file.create_dataset("entry/data/data_000001", data=frames)
    how = ReadOptions("image", geometry=str(detector / "detector.poni"), bins=200, dataset="2")
    alone = read_raw(written(detector / "image.edf", rings(1)), replace(how, dataset=None))
    assert read_raw(detector / "eiger.h5", how).y == pytest.approx(alone.y, rel=1e-6)


@pytest.mark.parametrize(
    ("asked", "frames", "expected"),
    [(None, 1, [0]), ("1", 1, [0]), ("3", 3, [2]), ("sum", 3, [0, 1, 2])],
)
def test_frames_are_counted_from_one(asked: str | None, frames: int, expected: list[int]) -> None:
    assert list(_numbers(asked, frames, "file")) == expected


@pytest.mark.parametrize(("asked", "frames"), [(None, 3), (None, 0), ("0", 3), ("4", 3), ("sum", 0), ("first", 3)])
def test_frames_that_are_not_there_are_refused(asked: str | None, frames: int) -> None:
    with pytest.raises(DataError, match="frames; expected"):
        _numbers(asked, frames, "file")


def test_pixels_of_a_sum_count_in_every_frame() -> None:
    one, other = np.array([[1, 2, 65535]], dtype=np.uint16), np.array([[4, 0, 1]], dtype=np.uint16)
    found = _added([one, other], (1, 3))
    assert found[0, :2].tolist() == [5.0, 2.0]
    assert np.isnan(found[0, 2])


def test_the_column_dataset_chooses_a_frame(tmp_path: Path) -> None:
    row = image_row(tmp_path)
    chosen = row.treatment.model_copy(update={"read": Read.model_validate({"dataset": "2"})})
    asked: list[str | None] = []

    def read(path: Path, options: ReadOptions, label: str) -> Any:
        asked.append(options.dataset)
        raise DataError.at("image", "a test", "nothing", "")

    assert preprocess(replace(row, treatment=chosen), "key", read).status == "refused"
    assert asked == ["2"]


def test_geometry_and_mask_are_files_that_a_job_depends_on(tmp_path: Path) -> None:
    (tmp_path / "campaign.yaml").write_text(
        "campaign: images\ntreatments:\n  ct:\n    image: {geometry: detector.poni, mask: stop.edf}\n"
        "candidates:\n  level: {parts: [{component: constant}], noise: {sigma: column}}\n",
        encoding="utf-8",
    )
    (tmp_path / "measurements.tsv").write_text("id\tfile\na\timage.edf\n", encoding="utf-8")
    for name in ("detector.poni", "image.edf"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    book = Rulebook(tmp_path / "campaign.yaml", tmp_path / "results")
    assert book.campaign.row("a").beside == (tmp_path / "detector.poni", tmp_path / "stop.edf")
    assert {Path(one).name for one in book.data_files(["a"])} == {
        "detector.poni",
        "image.edf",
    }  # what is missing, the job refuses
    before = book.preprocess_key(["a"])
    (tmp_path / "stop.edf").write_text("x", encoding="utf-8")
    assert book.preprocess_key(["a"]) != before
