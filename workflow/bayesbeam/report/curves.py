"""Arrays behind the figures: draws and curves of one candidate, read when they are needed.

Decides nothing; a group or data set that is missing is a StoreError that names it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import DamagedError, StoreError
from bayesbeam.io.seal import check_seal
from bayesbeam.report.records import Row
from bayesbeam.report.text import clean

Array = NDArray[np.float64]

AVERAGED = "all-averaged"
"""Group of the curve over all candidates; no candidate can have this name, for names hold no "-"."""
NEXT = "all-next"
"""Group of what measuring is expected to tell, point by point."""


@dataclass(frozen=True)
class Column:
    """One column of the draws."""

    name: str
    index: int | None = None
    unit: str = "1"
    kind: str = "parameter"
    measurement: str | None = None
    alone: bool = False

    @property
    def label(self) -> str:
        """Name with the number of the peak, where its part may have several."""
        return self.name if self.index is None or self.alone else f"{self.name} {self.index}"

    @property
    def key(self) -> tuple[str, int | None]:
        """Name and number, as in the summary rows."""
        return self.name, self.index


@dataclass(frozen=True, eq=False)
class Draws:
    """Posterior draws (C, S, Q), draws of the prior (any, Q), and what the columns are."""

    posterior: Array
    prior: Array
    columns: tuple[Column, ...]

    def find(self, name: str, index: int | None, measurement: str | None = None) -> int | None:
        """Place of a column, None where it is not kept; ``measurement`` only matters for joint draws."""
        for place, column in enumerate(self.columns):
            if column.key == (name, index) and column.measurement in (None, measurement):
                return place
        return None

    def marked(self, rows: Sequence[Row]) -> Draws:
        """The same with columns that need no number where the summary rows say so."""
        alone = {row.name for row in rows if row.alone}
        return replace(self, columns=tuple(replace(one, alone=one.name in alone) for one in self.columns))

    def flat(self, place: int) -> Array:
        """Posterior draws of one column, all chains."""
        return np.asarray(self.posterior[..., place], dtype=np.float64).ravel()


@dataclass(frozen=True, eq=False)
class Fit:
    """Data of a measurement with the curves of one candidate (axes: 5, 4, G or 3 by N)."""

    x: Array
    y: Array
    sd: Array
    prediction: Array
    predictive: Array
    components: Array
    labels: tuple[str, ...]
    residuals: Array

    def marked(self, rows: Sequence[Row]) -> Fit:
        """The same with labels that have no number where the summary rows need none."""
        alone = {f"{row.part} {row.index}": row.part for row in rows if row.alone}
        return replace(self, labels=tuple(alone.get(one, one) for one in self.labels))


@dataclass(frozen=True, eq=False)
class AveragedCurve:
    """Curve over all candidates of a measurement: mean, standard deviation, and error of the mean from those of F."""

    x: Array
    mean: Array
    sd: Array
    error: Array


@dataclass(frozen=True, eq=False)
class NextCurves:
    """By possible point (N,): curve over all candidates, its sd, that of the noise there, and what measuring tells."""

    x: Array
    mean: Array
    spread: Array
    noise: Array
    gain: Array


@dataclass(frozen=True, eq=False)
class States:
    """Density of states: edges (B+1,) of free energy, and by size (K+1, B) numbers of sets and their errors."""

    edges: Array
    counts: Array
    errors: Array


@dataclass(frozen=True, eq=False)
class Pattern:
    """A powder pattern with the fit of its best set of phases: (N,) each, ``parts`` (K, N) a phase.

    ``sd`` is that of the noise, ``whole`` says whether errors of the model are in it or counting alone. ``ticks`` (T,)
    are places of lines, ``owner`` (T,) the phase of each, ``planes`` (T, 3) their indices.
    """

    x: Array
    y: Array
    sd: Array
    whole: bool
    model: Array
    background: Array
    parts: Array
    ticks: Array
    owner: NDArray[np.int64]
    planes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Run:
    """What the sampler left for judging it: trace (C, S), ladder (R), exchange rates (R-1)."""

    trace: Array
    beta: Array
    exchange_rate: Array
    log_likelihood_mean: Array


def read_draws(path: Path, group: str) -> Draws:
    """Draws kept under a group of a result file."""
    with _opened(path) as file:
        node = _node(file, path, group)
        stored = _data(node, path, "draws")
        columns = tuple(_column(one) for one in _described(node, stored, "columns"))
        if len(columns) != stored.shape[-1]:
            raise _missing(path, f"describes {len(columns)} of the {stored.shape[-1]} columns of {node.name}/draws")
        prior = np.asarray(node["prior_draws"], dtype=np.float64) if "prior_draws" in node else None
        posterior = np.asarray(stored, dtype=np.float64)
    empty = np.empty((0, len(columns)))
    return Draws(posterior, empty if prior is None else prior, columns)


def read_fit(path: Path, group: str) -> Fit:
    """Curves kept under a group of a result file."""
    with _opened(path) as file:
        node = _node(file, path, group)
        names = ("x", "y", "sd", "prediction", "predictive", "components", "residuals")
        arrays = {name: np.asarray(_data(node, path, name), dtype=np.float64) for name in names}
        labels = _described(node, node["components"], "labels")
    return Fit(labels=tuple(clean(one, 60) for one in labels), **arrays)


def read_residuals(path: Path, groups: Sequence[str]) -> list[Array | None]:
    """Residuals kept under several groups of a result file, None where there are none."""
    with _opened(path) as file:
        stored = [file.get(f"{group}/residuals") for group in groups]
        return [np.asarray(one, dtype=np.float64) if isinstance(one, h5py.Dataset) else None for one in stored]


def read_averaged(path: Path, measurement: str) -> AveragedCurve:
    """Curve of a measurement over all candidates."""
    with _opened(path) as file:
        node = _node(file, path, f"{measurement}/{AVERAGED}")
        return AveragedCurve(*(np.asarray(_data(node, path, name)) for name in ("x", "mean", "sd", "error")))


def read_next(path: Path, measurement: str) -> NextCurves:
    """What measuring any possible point is expected to tell."""
    with _opened(path) as file:
        node = _node(file, path, f"{measurement}/{NEXT}")
        names = ("x", "mean", "spread", "noise", "gain")
        return NextCurves(*(np.asarray(_data(node, path, name), dtype=np.float64) for name in names))


def read_run(path: Path, group: str) -> Run:
    """Trace and ladder kept under a group of a result file."""
    with _opened(path) as file:
        node = _node(file, path, group)
        names = ("trace", "beta", "exchange_rate", "log_likelihood_mean")
        return Run(*(np.asarray(_data(node, path, name), dtype=np.float64) for name in names))


def read_states(path: Path, group: str) -> States:
    """Density of states kept under a group of a result file."""
    with _opened(path) as file:
        node = _node(file, path, group)
        names = ("state_edges", "state_counts", "state_errors")
        return States(*(np.asarray(_data(node, path, name), dtype=np.float64) for name in names))


def read_pattern(path: Path, group: str) -> Pattern:
    """Powder pattern kept under a group of a result file."""
    with _opened(path) as file:
        node = _node(file, path, group)
        names = ("x", "y", "model", "background", "parts", "ticks")
        found = {name: np.asarray(_data(node, path, f"phase_{name}"), dtype=np.float64) for name in names}
        whole = "phase_sd" in node
        sd = _data(node, path, "phase_sd")[()] if whole else np.sqrt(_data(node, path, "phase_variance")[()])
        owner = np.asarray(_data(node, path, "phase_tick_owner"), dtype=np.int64)
        planes = np.asarray(_data(node, path, "phase_tick_hkl"), dtype=np.int64).reshape(-1, 3)
    found["parts"] = found["parts"].reshape(-1, len(found["x"]))
    return Pattern(sd=np.asarray(sd, dtype=np.float64), whole=whole, owner=owner, planes=planes, **found)


def _opened(path: Path) -> h5py.File:
    """Open a result file for reading, once it is known to be whole."""
    status = path.stat() if path.is_file() else None
    _whole(path, status.st_size if status else -1, status.st_mtime_ns if status else -1)
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as problem:
        raise _missing(path, f"cannot be read as HDF5 ({clean(problem, 120)})") from problem


@lru_cache(maxsize=256)
def _whole(path: Path, size: int, changed: int) -> None:
    """Check the seal of a file, once as long as it stays the same; a damaged one can crash the HDF5 library."""
    check_seal(path)


def _node(file: h5py.File, path: Path, group: str) -> h5py.Group:
    """Group of a result file."""
    node = file.get(group)
    if not isinstance(node, h5py.Group):
        raise _missing(path, f"has no group {group}")
    return node


def _data(node: h5py.Group, path: Path, name: str) -> h5py.Dataset:
    """Data set of a group."""
    stored = node.get(name)
    if not isinstance(stored, h5py.Dataset):
        raise _missing(path, f"has no data set {node.name}/{name}")
    return stored


def _missing(path: Path, found: str) -> StoreError:
    """Store error for a result file that lacks something."""
    remedy = "Run the workflow again: it is set aside and made anew."
    return DamagedError.of(path, found, "the arrays of a finished run", remedy)


def _described(node: h5py.Group, stored: h5py.Dataset, name: str) -> list[Any]:
    """Description of the axes of a data set: JSON beside it, at its group, or among the facts of the group."""
    for attributes in (stored.attrs, node.attrs):
        if name in attributes:
            return list(json.loads(_text(attributes[name])))
    return list(json.loads(_text(node.attrs.get("facts", "{}"))).get(name, []))


def _column(record: dict[str, Any]) -> Column:
    """Column from its JSON description."""
    return Column(
        clean(record["name"], 120),
        record.get("index"),
        clean(record.get("unit") or "1", 60),
        clean(record.get("kind") or "parameter", 30),
        record.get("measurement"),
    )


def _text(value: Any) -> str:
    """HDF5 attribute as text."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
