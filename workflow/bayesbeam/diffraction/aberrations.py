"""What a diffractometer makes of a line: rays that leave the plane of diffraction, a flat specimen, a wide slit.

Every line becomes a bundle of lines of the same form, each with its place and its share. All is geometry, nothing is
fitted; what is not known of an instrument stays with the form of lines.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_AXIAL_NODES, _FLAT_NODES, _SLIT_NODES = 4, 3, 3


@dataclass(frozen=True)
class Diffractometer:
    """Lengths as shares of the distance of the specimen from source and detector; 0 for what is not known.

    Attributes
    ----------
    source, specimen, detector : float
        Half the length of each along the axis of the diffractometer. A source of length 0 sends its rays within the
        plane of diffraction, as a synchrotron does.
    divergence_deg : float
        Angle of the beam in the plane of diffraction, which a flat specimen does not focus well.
    slit : float
        Width of the slit before the detector.
    soller_deg : float
        Angle between the outermost rays along the axis that Soller slits let pass, of both beams.
    """

    source: float = 0.0
    specimen: float = 0.0
    detector: float = 0.0
    divergence_deg: float = 0.0
    slit: float = 0.0
    soller_deg: float = 0.0


def bundles(centre: FloatArray, of: Diffractometer) -> tuple[FloatArray, FloatArray]:
    """Where lines at ``centre`` (n,) degrees are seen, (n, T) degrees, and the shares (T,), adding up to 1.

    Notes
    -----
    A ray that comes in at an angle a to the plane of diffraction and leaves at b is seen at 2 phi, with

        cos 2theta = cos a cos b cos 2phi + sin a sin b.

    A ray at an angle g to the middle of the beam meets a flat specimen behind the circle that focuses, and is seen
    2 g^2 cot(theta) too low.

    Source
    ------
    Scalar product of both rays; Wilson, Mathematical Theory of X-ray Powder Diffractometry (1963), of which the mean
    shift of a flat specimen is -(divergence^2 / 6) cot(theta).
    """
    product, normal, flat, slit, share = _nodes(of)
    cosine = (np.cos(np.radians(centre))[:, None] - product) / normal
    seen = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    seen -= np.degrees(flat / np.tan(np.radians(0.5 * centre))[:, None])
    return seen + np.degrees(slit), share


@lru_cache(maxsize=16)
def _nodes(of: Diffractometer) -> tuple[FloatArray, ...]:
    """Nodes (T,): sin a sin b, cos a cos b, 2 g^2, place in the slit (radians), and their shares."""
    height = _even(_AXIAL_NODES)
    axial: list[tuple[float, float, float]] = []
    lengths = (of.source, of.specimen, of.detector)
    for places in itertools.product(*(height if length > 0.0 else [(0.0, 1.0)] for length in lengths)):
        (start, p), (middle, q), (end, r) = places
        incoming = np.arctan(of.specimen * middle - of.source * start) if of.source > 0.0 else 0.0
        leaving = np.arctan(of.detector * end - of.specimen * middle)
        pass_by = _passed(incoming, of.soller_deg) * _passed(leaving, of.soller_deg)
        axial.append(
            (float(np.sin(incoming) * np.sin(leaving)), float(np.cos(incoming) * np.cos(leaving)), p * q * r * pass_by)
        )
    flat = [(0.0, 1.0)]
    if of.divergence_deg > 0.0:
        largest = np.radians(0.5 * of.divergence_deg)
        # g is as often at either side: nodes for one of them.
        flat = [(2.0 * (largest * 0.5 * (1.0 + g)) ** 2, share) for g, share in _even(_FLAT_NODES)]
    slit = [(0.5 * of.slit * place, share) for place, share in _even(_SLIT_NODES)] if of.slit > 0.0 else [(0.0, 1.0)]
    found: dict[tuple[float, ...], float] = {}
    for (product, normal, a), (shift, b), (place, c) in itertools.product(axial, flat, slit):
        # Turned upside down an instrument is the same: such nodes are one.
        key = (round(product, 15), round(normal, 15), shift, place)
        found[key] = found.get(key, 0.0) + a * b * c
    columns = np.array(list(found)).T
    share = np.array(list(found.values()))
    return (*columns, share / share.sum())


def _passed(angle: float, soller_deg: float) -> float:
    """Share of rays at an angle (radians) to the plane of diffraction that Soller slits let pass."""
    return max(1.0 - abs(angle) / np.radians(0.5 * soller_deg), 0.0) if soller_deg > 0.0 else 1.0


def _even(count: int) -> list[tuple[float, float]]:
    """Places from -1 to 1 and their shares, of an even density."""
    node, weight = np.polynomial.legendre.leggauss(count)
    return [(float(x), float(w) / 2.0) for x, w in zip(node, weight, strict=True)]
