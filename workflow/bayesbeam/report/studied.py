"""Studies as the report sees them: measurements that nobody made, and questions that are asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Member:
    """A measurement of a study."""

    id: str
    level: float
    replicate: int


@dataclass(frozen=True)
class Study:
    """Measurements that nobody made, at several levels of ``column``: exposure or noise_level.

    A simulated study has the true model ``tag`` and ``truth``, values by name and number of the peak (1 where there is
    one) in one unit of exposure; a thinned one has the measurement ``whole`` and its ``exposure``. ``linear`` names
    the parameters of each model that grow with the exposure.
    """

    name: str
    column: str
    members: tuple[Member, ...]
    linear: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tag: str = ""
    truth: Mapping[tuple[str, int], float] = field(default_factory=dict)
    whole: str = ""
    exposure: float = 1.0


@dataclass(frozen=True)
class Theory:
    """Probabilities that the true model is the better one, without any simulated measurement.

    Attributes
    ----------
    points : tuple of int
        Numbers of points of the curves.
    curves : tuple of tuple of float
        For each level, the probability at each number of points.
    needed : tuple
        For each level, the least number of points from which on the wish is fulfilled; None where beyond ``most``.
    tolerated : tuple
        For each number of points that is asked for, the greatest level up to which it is fulfilled, or None.
    method : str
        How they were found.
    most : int
        Largest number of points that was looked at.
    standard_error : float
        Largest one of the curves.
    """

    points: tuple[int, ...]
    curves: tuple[tuple[float, ...], ...]
    needed: tuple[int | None, ...]
    tolerated: tuple[float | None, ...]
    method: str
    most: int
    standard_error: float = 0.0


@dataclass(frozen=True)
class Distinguished:
    """A question of the campaign: how many points, and what noise, tell the model ``tag`` from ``others``.

    ``studies`` are the simulated ones, one for each of ``points``; ``truth`` is said in words. Without a ``theory``
    there is a ``reason``.
    """

    name: str
    tag: str
    others: tuple[str, ...]
    wish: float
    column: str
    points: tuple[int, ...]
    levels: tuple[float, ...]
    studies: tuple[Study, ...]
    truth: str = ""
    theory: Theory | None = None
    reason: str = ""
