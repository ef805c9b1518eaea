"""A folder of CIFs as a library of candidates, with lines kept in a cache by the content of each file.

Decides what is read and kept on disk; what a CIF is worth is decided in ``bayesbeam.crystals``.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bayesbeam.crystals.cell import Floats
from bayesbeam.crystals.geometry import spacing_of_angle
from bayesbeam.crystals.groups import grouped
from bayesbeam.crystals.library import LINES_VERSION, Entry, Library, Skipped, admit, check_elements, of_elements
from bayesbeam.crystals.likeness import Window, cosines
from bayesbeam.crystals.lines import B_UNKNOWN, Lines, Physics
from bayesbeam.crystals.scattering import Table, TabulatedFactors
from bayesbeam.errors import DataError
from bayesbeam.io.atomic import atomic_path

MARGIN = 0.02  # of the smallest spacing: what strain may bring into the range
MOST_FILES = 20_000
LIBRARY = "library"
BROKEN_CACHE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


@dataclass(frozen=True)
class LineRequest:
    """What lines are asked for: the window of a pattern, and what is in a structure factor.

    Attributes
    ----------
    window : Window
        Wavelength, range and geometry.
    table : str
        Scattering factors: ``waasmaier_kirfel`` or ``itc92``.
    anomalous, displacements : bool
        Whether f' and f'', and whether displacements of atoms, are counted.
    b_unknown : float
        B in angstrom^2 of atoms whose file says nothing.
    """

    window: Window
    table: Table = "waasmaier_kirfel"
    anomalous: bool = True
    displacements: bool = True
    b_unknown: float = B_UNKNOWN

    @property
    def least_spacing(self) -> float:
        """Smallest spacing that may come into the window, angstrom."""
        smallest = float(spacing_of_angle(self.window.most_deg, self.window.wavelength))
        return max(smallest, self.window.wavelength / 2.0) / (1.0 + MARGIN)

    @property
    def physics(self) -> Physics:
        """What is in a structure factor."""
        wavelength = self.window.wavelength if self.anomalous else None
        return Physics(TabulatedFactors(wavelength, self.table), self.displacements, self.b_unknown)


@dataclass(eq=False)
class _Cache:
    """What is known of files: by name and content, and of pairs of their structures."""

    known: dict[str, tuple[Entry, Lines] | Skipped] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    likeness: Floats = field(default_factory=lambda: np.zeros((0, 0)))


def crystal_library(
    folder: Path | str | Mapping[str, Path], request: LineRequest, elements: Collection[str] | None = None,
    cache: Path | str | None = None,
) -> Library:  # fmt: skip
    """Library of the CIFs in a folder: the broken ones left out by name, copies merged, look-alikes named.

    Parameters
    ----------
    folder : Path, or mapping of str to Path
        Folder with ``*.cif``; others in it, and folders, are not read. Or the CIFs themselves by their names.
    request : LineRequest
    elements : collection of str, optional
        Elements that may be there: structures with others are left out.
    cache : Path, optional
        Folder in which lines are kept, by the content of each CIF and by the request.

    Raises
    ------
    DataError
        If the folder cannot be read, has no CIFs, or none that can be used; or the elements exclude all.
    ConfigError
        If an element is none.
    """
    if elements is not None:
        check_elements(elements)
    contents = _contents(folder)
    kept = None if cache is None else Path(cache) / f"lines-{_request_key(request)}.npz"
    before = _Cache() if kept is None else _read(kept)
    keys = {file: _key(file, content) for file, content in contents.items()}
    known = {
        keys[file]: before.known.get(keys[file]) or admit(content, file, request.least_spacing, request.physics)
        for file, content in contents.items()
    }
    library, used = _assembled(known, LIBRARY if isinstance(folder, Mapping) else str(folder))
    same = before.keys == used
    likeness = before.likeness if same else cosines(library.lines, request.window)
    if kept is not None and not (same and known.keys() == before.known.keys()):
        _write(kept, _Cache(known, used, likeness))
    if elements is not None:
        whole = library.names
        library = of_elements(library, elements)
        inside = [whole.index(name) for name in library.names]
        likeness = likeness[np.ix_(inside, inside)]
    return grouped(library, likeness)


def _contents(folder: Path | str | Mapping[str, Path]) -> dict[str, bytes]:
    """Content of all CIFs of a folder, or of those given, by name, in order."""
    where = LIBRARY if isinstance(folder, Mapping) else str(folder)
    try:
        if isinstance(folder, Mapping):
            files = dict(sorted(folder.items()))
        else:
            found = sorted(one for one in Path(folder).iterdir() if one.suffix.lower() == ".cif" and one.is_file())
            files = {file.name: file for file in found}
        if not 0 < len(files) <= MOST_FILES:
            raise DataError.at(where, f"{len(files)} CIFs", f"1 to {MOST_FILES}", "Put the candidates there as *.cif.")
        return {name: file.read_bytes() for name, file in files.items()}
    except OSError as problem:
        expected = "a folder of CIFs"
        raise DataError.at(
            where, f"a folder that cannot be read ({problem.strerror})", expected, "Correct the path."
        ) from problem


def _assembled(known: Mapping[str, tuple[Entry, Lines] | Skipped], folder: str) -> tuple[Library, tuple[str, ...]]:
    """Library of what is usable, by name, and the keys of its entries; of two with one name the first is taken."""
    skipped, used = [], {}
    for key, item in known.items():
        if isinstance(item, Skipped):
            skipped.append(item)
        elif not len(item[1].hkl):
            skipped.append(Skipped(item[0].file, ("no line with a spacing that the range of the pattern reaches",)))
        elif item[0].name in used:
            skipped.append(Skipped(item[0].file, (f"named {item[0].name} as another file; rename it",)))
        else:
            used[item[0].name] = (key, *item)
    if not used:
        reasons = "; ".join(f"{item.file}: {item.reasons[0]}" for item in skipped[:3])
        raise DataError.at(
            folder, f"no CIF of {len(known)} that can be used ({reasons})", "at least one", "Correct or replace them."
        )
    items = [used[name] for name in sorted(used)]
    library = Library(tuple(item[1] for item in items), tuple(item[2] for item in items), tuple(skipped))
    return library, tuple(item[0] for item in items)


def _key(file: str, content: bytes) -> str:
    """What a file's lines depend on: its name and content."""
    return hashlib.sha256(file.encode("utf-8", "surrogateescape") + b"\0" + content).hexdigest()


def _request_key(request: LineRequest) -> str:
    """What lines and likeness depend on besides the files."""
    text = json.dumps([LINES_VERSION, asdict(request)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _read(file: Path) -> _Cache:
    """Cache of a file; an empty one where there is none or it is damaged, for it is made anew."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            told = json.loads(arrays["told"].tobytes())
            parts = {name: arrays[name] for name in ("hkl", "multiplicity", "squared_factor", "likeness")}
        known: dict[str, tuple[Entry, Lines] | Skipped] = {}
        start = 0
        for key, item in told["files"]:
            stop = start + item.get("lines", 0)
            known[key] = _from_json(item, {name: part[start:stop] for name, part in parts.items()})
            start = stop
        return _Cache(known, tuple(told["keys"]), parts["likeness"])
    except BROKEN_CACHE:
        return _Cache()


def _write(file: Path, cache: _Cache) -> None:
    """Write a cache, complete or not at all."""
    lines = [item[1] for item in cache.known.values() if not isinstance(item, Skipped)]
    told = {"files": [[key, _to_json(item)] for key, item in cache.known.items()], "keys": cache.keys}
    with atomic_path(file) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            told=np.frombuffer(json.dumps(told).encode(), dtype=np.uint8),
            hkl=np.concatenate([np.zeros((0, 3), np.int64), *(item.hkl for item in lines)]).astype(np.int32),
            multiplicity=np.concatenate([np.zeros(0, np.int64), *(item.multiplicity for item in lines)]).astype(
                np.int32
            ),
            squared_factor=np.concatenate([np.zeros(0), *(item.squared_factor for item in lines)]),
            likeness=cache.likeness,
        )


def _to_json(item: tuple[Entry, Lines] | Skipped) -> dict[str, Any]:
    """One structure without its arrays."""
    if isinstance(item, Skipped):
        return {"file": item.file, "reasons": item.reasons}
    entry, lines = item
    return {"entry": asdict(entry), "ties": lines.ties, "mass": lines.mass, "lines": len(lines.hkl)}


def _from_json(item: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> tuple[Entry, Lines] | Skipped:
    """One structure as it was."""
    if "reasons" in item:
        return Skipped(item["file"], tuple(item["reasons"]))
    told = item["entry"]
    entry = Entry(**{**told, "cell": tuple(told["cell"]), "notes": tuple(told["notes"])})
    lines = Lines(
        entry.name,
        entry.cell,
        tuple(item["ties"]),
        arrays["hkl"].astype(np.int64),
        arrays["multiplicity"].astype(np.int64),
        arrays["squared_factor"],
        entry.volume,
        item["mass"],
    )
    if len(lines.hkl) != item["lines"] or not math.isfinite(lines.mass):
        raise ValueError("fewer lines than told")
    return entry, lines
