"""CIFs of a library: which files the folders and files of a campaign stand for, and the hash of what they hold.

Decides what counts as a CIF; what is in one is read elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

LIST = ".txt"


def cif_files(places: Iterable[Path]) -> dict[str, Path]:
    """Files by their names, in order; of several with one name the later ones have that of their folder before it.

    Parameters
    ----------
    places : iterable of Path
        Folders, of which all ``*.cif`` are taken; lists, files ``*.txt`` with a place a line relative to the list, in
        which ``#`` begins a comment; and other files, taken whatever they are called.

    Raises
    ------
    OSError
        If a place is not there or cannot be read.
    """
    found, taken = dict[str, Path](), set[Path]()
    for place in dict.fromkeys(one for named in places for one in _listed(named)):
        files = [place]
        if place.is_dir():
            files = sorted(one for one in place.iterdir() if one.suffix.lower() == ".cif" and one.is_file())
        for file in files:
            if file not in taken:
                taken.add(file)
                name = file.name if file.name not in found else f"{file.parent.name}/{file.name}"
                found[name if name not in found else str(file)] = file
    return found


def _listed(place: Path) -> list[Path]:
    """Places that a list stands for, or the place itself."""
    if place.suffix.lower() != LIST or place.is_dir():
        return [place]
    text = place.read_text(encoding="utf-8", errors="replace")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [place.parent / line for line in lines if line]


def content_of(places: Iterable[Path]) -> str:
    """Sha256 of names and contents of the CIFs of a library, wherever they lie.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    whole = hashlib.sha256()
    for name, file in sorted(cif_files(places).items()):
        named = name if not Path(name).is_absolute() else file.name
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f"{named}\0{content}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
