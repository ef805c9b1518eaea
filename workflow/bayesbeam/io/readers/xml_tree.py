"""XML of strangers as a tree: no document types (so no entities that grow), bounded in size, depth and number.

Names lose their namespaces, so that all versions of a schema look alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from bayesbeam.errors import DataError

MAX_BYTES = 64 * 1024 * 1024
_MAX_DEPTH = 40
_MAX_ELEMENTS = 200_000


class _Refused(Exception):
    """Something in the file that no file of a diffractometer needs."""


class _Builder:
    """Handlers of the parser, which build the tree and count."""

    def __init__(self) -> None:
        self.tree, self.depth, self.elements = TreeBuilder(), 0, 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        self.depth, self.elements = self.depth + 1, self.elements + 1
        if self.depth > _MAX_DEPTH:
            raise _Refused(f"elements nested deeper than {_MAX_DEPTH}")
        if self.elements > _MAX_ELEMENTS:
            raise _Refused(f"more than {_MAX_ELEMENTS} elements")
        self.tree.start(_bare(name), {_bare(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        """Close an element."""
        self.depth -= 1
        self.tree.end(_bare(name))

    def document_type(self, *_: Any) -> None:
        """Refuse a document type, which could define entities or name other files."""
        raise _Refused("a document type (DOCTYPE)")


def read_xml(path: Path, label: str) -> Element:
    """Root of an XML file.

    Raises
    ------
    DataError
        If the file is too big, is no well-formed XML, or has a document type; names the line.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        found = f"{size / 2**20:.0f} MiB of XML"
        raise DataError.at(label, found, f"at most {MAX_BYTES // 2**20} MiB", "Export one pattern a file.")
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.StartDoctypeDeclHandler = builder.document_type
    try:
        parser.Parse(path.read_bytes(), True)
        return builder.tree.close()
    except expat.ExpatError as problem:
        reason = expat.errors.messages.get(problem.code, "is not well-formed")
        where = f"{label}: line {problem.lineno}"
        remedy = "Copy the file again; it is truncated or damaged."
        raise DataError.at(where, f"broken XML ({reason})", "a complete XML file", remedy) from problem
    except _Refused as problem:
        where = f"{label}: line {parser.CurrentLineNumber}"
        remedy = "Export the measurement anew from the program of the instrument."
        raise DataError.at(where, str(problem), "plain XML of a diffractometer", remedy) from problem
    except (LookupError, ValueError, AssertionError) as problem:
        remedy = "Save it as UTF-8."
        raise DataError.at(
            label, f"XML that cannot be read ({problem})", "XML in a known encoding", remedy
        ) from problem


def _bare(name: str) -> str:
    """Name without its namespace."""
    return name.rsplit(" ", 1)[-1]
