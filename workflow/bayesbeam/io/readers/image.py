"""Images of area detectors, reduced to a pattern over 2 theta by pyFAI, with the uncertainty of every point.

Decides which pixels count, and that none is shared between points: points are then independent, as noise models take
them to be. pyFAI and fabio are needed for nothing else, and are asked for only here.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import DataError
from bayesbeam.io.readers.base import Array, RawData, ReadOptions

MOST_PIXELS = 64_000_000
_INSTALL = 'Install it with pip install "bayesbeam[detector]", or reduce the images elsewhere and read patterns.'
_BAD_FILE = (OSError, ValueError, RuntimeError, KeyError, IndexError, TypeError, AttributeError, EOFError, MemoryError)
_METHOD = ("no", "csr", "cython")


def read_image(path: Path, options: ReadOptions, label: str) -> RawData:
    """Pattern of an image.

    Parameters
    ----------
    path : Path
        Image of any format of fabio, with one frame or several.
    options : ReadOptions
        ``geometry`` (a .poni file), ``mask``, ``bins``, ``error``, ``polarisation`` and ``dataset`` are used: the
        number of a frame, from 1, or ``sum``, in which a pixel counts if it does so in every frame.
    label : str
        What error messages call the file.

    Raises
    ------
    DataError
        If pyFAI is not installed, the image, the geometry or the mask cannot be read, or they do not fit each other.
    """
    fabio, pyfai = (_needed(name, label) for name in ("fabio", "pyFAI"))
    counts, words = _counts(fabio, path, label, options.dataset)
    shown = Path(options.geometry).name
    try:
        integrator = pyfai.load(options.geometry)
    except _BAD_FILE as problem:
        found = f"no geometry that can be read ({str(problem)[:120]})"
        raise DataError.at(shown, found, "a .poni file of pyFAI", "Calibrate the detector again.") from problem
    usable = _usable(counts, integrator, label, shown)
    if options.mask:
        mask, _ = _counts(fabio, Path(options.mask), Path(options.mask).name, None)
        _same_shape(mask, counts.shape, Path(options.mask).name, label)
        usable &= mask == 0
    if not usable.any():
        raise DataError.at(label, "no pixel that counts", "an image with counts", "Check image.mask of the treatment.")
    x, y, sd = reduced(integrator, counts, usable, options.bins, options.error, options.polarisation)
    left = int((~usable).sum())
    about = f"image of {counts.shape[0]} x {counts.shape[1]} pixels{words}, {left} left out, by pyFAI {pyfai.version}"
    wavelength = float(integrator.wavelength) * 1e10
    scatter = "scatter of the pixels of a ring" if options.error == "azimuthal" else "counting statistics"
    return RawData(
        x, y, sd, np.arange(1, len(x) + 1, dtype=np.int64), "point", "2theta", "mean of the pixels of a ring",
        f"{scatter}, of the mean", "degree", "", about, (),
        {"wavelength_angstrom": wavelength, "geometry": "Debye-Scherrer", "detector": str(integrator.detector.name)},
        "means over pixels",
    )  # fmt: skip


def reduced(
    integrator: Any, counts: NDArray[Any], usable: NDArray[np.bool_], bins: int, error: str, polarisation: float | None
) -> tuple[Array, Array, Array]:
    """Pattern over 2 theta (degrees): mean of the pixels of each ring, and its standard deviation.

    Parameters
    ----------
    integrator
        With ``integrate1d`` of pyFAI.
    counts, usable : array (rows, columns)
        Pixels, and whether each counts.
    error : str
        ``poisson``, where a ring without a count has the variance of one; or ``azimuthal``, by the scatter within it.

    Notes
    -----
    Rings of a single pixel have no scatter: their points are left out with ``azimuthal``.
    """
    found = integrator.integrate1d(
        counts.astype(np.float32 if counts.dtype.itemsize < 4 else np.float64), bins, unit="2th_deg", error_model=error,
        mask=(~usable).astype(np.int8), polarization_factor=polarisation, method=_METHOD,
    )  # fmt: skip
    count, variance = np.asarray(found.count, dtype=np.float64), np.asarray(found.sum_variance, dtype=np.float64)
    norm = np.asarray(found.sum_normalization, dtype=np.float64)
    kept = (count >= 1.0) & (norm > 0.0)
    if error == "poisson":
        variance = np.maximum(variance, 1.0)
    else:
        kept &= (count >= 2.0) & (variance > 0.0)
    x, y = (np.asarray(one, dtype=np.float64)[kept] for one in (found.radial, found.intensity))
    return x, y, np.sqrt(variance[kept]) / norm[kept]


class _Heard(logging.Handler):
    """What a library calls an error and reads on."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.said.append(record.getMessage())


def _needed(name: str, label: str) -> Any:
    """Optional library that reduces images."""
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        found = f"an image, and {name} is not installed"
        raise DataError.at(label, found, "pyFAI and fabio, which reduce images", _INSTALL) from problem


def _counts(fabio: Any, path: Path, label: str, asked: str | None) -> tuple[NDArray[Any], str]:
    """Counts of the frame that is asked for, or of all of them added up, and words on that."""
    heard = _Heard()
    log = logging.getLogger("fabio")
    log.addHandler(heard)
    try:
        with fabio.open(str(path)) as image:
            frames = int(image.nframes)
            numbers = _numbers(asked, frames, label)
            data = _checked(image.get_frame(numbers[0]).data, label)
            if len(numbers) > 1:
                data = _added((_checked(image.get_frame(one).data, label) for one in numbers), data.shape)
    except _BAD_FILE as problem:
        found = f"no image that can be read ({str(problem)[:120]})"
        raise DataError.at(label, found, "an image of a detector", "Copy the file again.") from problem
    finally:
        log.removeHandler(heard)
    # A file that ends too early is filled up with zeros, and nothing is raised.
    if heard.said:
        raise DataError.at(label, f"a damaged image ({heard.said[0][:120]})", "a whole image", "Copy the file again.")
    which = f"{len(numbers)} frames added up" if len(numbers) > 1 else f"frame {numbers[0] + 1} of {frames}"
    return data, f", {which}" if frames > 1 else ""


def _numbers(asked: str | None, frames: int, label: str) -> range:
    """Frames that are meant, from 0."""
    if frames > 0 and (asked == "sum" or (asked is None and frames == 1)):
        return range(frames)
    if asked is not None and asked.isdecimal() and 1 <= int(asked) <= frames:
        return range(int(asked) - 1, int(asked))
    found = f"{frames} frames" if asked is None else f"dataset {asked!r} of {frames} frames"
    remedy = "Write it in the column dataset of the sheet, a row for each frame that is a pattern, or as read.dataset."
    raise DataError.at(label, found, f"the number of a frame, 1 to {frames}, or sum", remedy)


def _checked(data: Any, label: str) -> NDArray[Any]:
    """A frame, if it is one."""
    frame = np.asarray(data)
    if frame.ndim != 2 or not 0 < frame.size <= MOST_PIXELS or frame.dtype.kind not in "iufb":
        expected = f"rows and columns of numbers, at most {MOST_PIXELS:,} in all"
        raise DataError.at(label, f"shape {frame.shape} of {frame.dtype}", expected, "Is this an image?")
    return frame


def _added(frames: Iterable[NDArray[Any]], shape: tuple[int, ...]) -> Array:
    """Sum of frames; nan where a pixel does not count in one of them."""
    whole = np.zeros(shape)
    for frame in frames:
        whole += np.where(_counting(frame), frame, np.nan)
    return whole


def _counting(counts: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels with a count: no negative or overflown ones."""
    usable = np.isfinite(counts) & (counts >= 0)
    if counts.dtype.kind == "u" and counts.dtype.itemsize > 1:
        usable &= counts != np.iinfo(counts.dtype).max
    return np.asarray(usable)


def _usable(counts: NDArray[Any], integrator: Any, label: str, shown: str) -> NDArray[np.bool_]:
    """Pixels with a count, and not of the gaps of the detector."""
    if integrator.wavelength is None:
        raise DataError.at(shown, "no wavelength", "Wavelength in the .poni file", "Add it in metres and save.")
    shape = integrator.detector.max_shape
    if shape is not None:
        _same_shape(counts, tuple(shape), label, shown)
    usable = _counting(counts)
    gaps = integrator.detector.mask
    return usable if gaps is None else usable & (np.asarray(gaps) == 0)


def _same_shape(image: NDArray[Any], shape: tuple[int, ...], label: str, other: str) -> None:
    """Refuse an image of another shape."""
    if image.shape != tuple(shape):
        found = f"{image.shape[0]} x {image.shape[1]} pixels"
        raise DataError.at(label, found, f"{shape[0]} x {shape[1]}, as {other} has them", "Take those of one detector.")
