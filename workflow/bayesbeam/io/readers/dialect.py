"""Dialects of text tables: encoding, delimiter, decimal sign, comment lines, numbers. Reads no columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.errors import DataError

COMMENT_MARKS = ("#", "%", ";", "!", "//")
DELIMITERS = {"tab": "\t", ";": ";", ",": ",", "space": ""}
DELIMITER_WORDS = {"\t": "tabs", ";": "semicolons", ",": "commas", "": "spaces"}
SAMPLE = 400
MAX_LINES = 4_000_000
MAX_LINE = 100_000

_BOMS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_FOREIGN = {
    b"\x89HDF": ("is an HDF5 file", "Set read.format to nexus."),
    b"PK\x03\x04": ("is a zip archive or a spreadsheet", "Unpack it, or export the sheet as CSV."),
    b"RAW1.01": ("is a Bruker RAW file", "Export it as .xy, .xye or .cif."),
    b"RAW4.00": ("is a Bruker RAW file", "Export it as .xy, .xye or .cif."),
    b"\x1f\x8b": ("is compressed with gzip", "Unpack it first."),
    b"BZh": ("is compressed with bzip2", "Unpack it first."),
    b"\xfd7zXZ": ("is compressed with xz", "Unpack it first."),
    b"%PDF": ("is a PDF", "Export the numbers as text."),
    b"<?xml": ("is XML", "Export the spectrum as two columns of text."),
}
_BINARY = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_DIGITS = r"[+-]?(?:\d+{point}?\d*|{point}\d+)(?:[eEdD][+-]?\d{{1,4}})?"
_NUMBER = {mark: re.compile(_DIGITS.format(point=point), re.ASCII) for mark, point in ((".", r"\."), (",", ","))}
_WORDS = {"nan", "inf", "infinity"}
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(?:[eEdD][+-]?\d{1,4})?", re.ASCII)


@dataclass(frozen=True)
class Dialect:
    """How the lines of one file are taken apart."""

    delimiter: str
    decimal: str
    comments: tuple[str, ...]
    encoding: str

    def fields(self, line: str) -> list[str]:
        """Fields of a line, without surrounding blanks and quotes."""
        return split(line, self.delimiter)

    def number(self, field: str) -> float | None:
        """Value of a field, None if it is no number."""
        return number(field, self.decimal)

    def is_comment(self, line: str) -> bool:
        """Whether a stripped line is a comment; ``;1;2`` is a row with an empty field, not one."""
        if not line.startswith(self.comments):
            return False
        if not line.startswith(";") or self.delimiter != ";":
            return True
        rest = [field for field in split(line, ";") if field]
        return not rest or any(self.number(field) is None for field in rest)

    def uncommented(self, line: str) -> str:
        """Row without a comment behind its numbers."""
        for mark in self.comments:
            start = line.find(mark)
            if start > 0 and line[start - 1].isspace() and mark != self.delimiter:
                line = line[:start]
        return line

    def words(self) -> str:
        """Description for the treatment record."""
        comma = ", decimal comma" if self.decimal == "," else ""
        return f"{self.encoding} text separated by {DELIMITER_WORDS[self.delimiter]}{comma}"


def decode(content: bytes, label: str) -> tuple[list[str], str]:
    """Lines of a text file and the name of its encoding (by byte-order mark, else utf-8, else latin-1)."""
    head = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:8]
    for mark, (found, remedy) in _FOREIGN.items():
        if head.startswith(mark):
            raise DataError.at(label, f"the file {found}", "a table of numbers as text", remedy)
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as problem:
        if encoding != "utf-8":
            found = f"broken {encoding} text at byte {problem.start}"
            raise DataError.at(label, found, "text", "Copy the file again, or save it as UTF-8.") from problem
        encoding = "latin-1"
        text = content.decode(encoding)
    binary = _BINARY.search(text)
    if binary:
        place = text.count("\n", 0, binary.start()) + 1
        found = f"binary data (byte {ord(binary[0]):#04x})"
        raise DataError.at(f"{label}: line {place}", found, "a table of numbers as text", "Export it as text.")
    return _lines(text.rstrip("\x1a"), label), "utf-8" if encoding == "utf-8-sig" else encoding


def sniff(lines: Sequence[str], delimiter: str, decimal: str, comment: str, encoding: str, label: str) -> Dialect:
    """Dialect of the lines, with the delimiter under which most of the first lines are numbers.

    Raises
    ------
    DataError
        If the lines have a decimal comma that was not declared.
    """
    comments = tuple(mark for mark in (comment, *COMMENT_MARKS) if mark)
    sample = [(place, line) for place, line in enumerate(lines, 1) if line.strip()][: 4 * SAMPLE]
    given = DELIMITERS.get(delimiter, delimiter)
    if delimiter == "auto":
        choices = [mark for mark in DELIMITERS.values() if not (mark == "," and decimal == ",")]
        given = max(choices, key=lambda mark: _score(sample, mark, decimal))
    dialect = Dialect(given, decimal, comments, encoding)
    rows = [(place, line) for place, line in sample if not dialect.is_comment(line.strip())]
    if decimal == "." and delimiter != ",":
        _refuse_decimal_comma(rows, dialect, label)
    return dialect


def split(line: str, delimiter: str) -> list[str]:
    """Fields of a line; an empty delimiter means any run of blanks."""
    if '"' in line:
        try:
            row = next(csv.reader([line.strip()], delimiter=delimiter or " ", skipinitialspace=True), [])
        except csv.Error:
            row = line.split(delimiter or None)
        fields = [field.strip() for field in row]
        return fields if delimiter else [field for field in fields if field]
    return [field.strip() for field in line.split(delimiter)] if delimiter else line.split()


def number(field: str, decimal: str) -> float | None:
    """Value of a field with this decimal sign, Fortran exponents and nan/inf included; None if it is no number."""
    if _NUMBER[decimal].fullmatch(field):
        return float(field.replace(",", ".").replace("d", "e").replace("D", "e"))
    return float(field) if field.lstrip("+-").lower() in _WORDS and len(field) < 12 else None


def _lines(text: str, label: str) -> list[str]:
    """Lines of a text, however they end; bounded in number and length."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    count = text.count("\n") + 1
    if count > MAX_LINES:
        raise DataError.at(label, f"{count} lines", f"at most {MAX_LINES}", "Export one spectrum a file.")
    lines = text.split("\n")
    for place, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            found = f"a line of {len(line)} characters"
            raise DataError.at(f"{label}: line {place}", found, f"at most {MAX_LINE}", "Write one point a line.")
    return lines


def _score(sample: Sequence[tuple[int, str]], delimiter: str, decimal: str) -> int:
    """How many lines of the sample have at least two numbers under a delimiter."""
    return sum(
        sum(number(field, decimal) is not None for field in split(line, delimiter)[:50]) > 1 for _, line in sample
    )


def _refuse_decimal_comma(rows: Sequence[tuple[int, str]], dialect: Dialect, label: str) -> None:
    """Refuse lines such as ``284,81;352,4`` unless a decimal comma was declared."""
    hits = [(place, field) for place, line in rows if (field := _decimal_comma(line))]
    plain = sum(_score([(0, line)], dialect.delimiter, ".") for _, line in rows if not _decimal_comma(line))
    if hits and len(hits) >= plain:
        place, field = hits[0]
        found = f"{field!r}, which looks like a number with a decimal comma"
        remedy = "Set read.decimal to ',' (in quotes); if the comma separates columns, set read.delimiter to ','."
        raise DataError.at(f"{label}: line {place}", found, "a decimal point", remedy)


def _decimal_comma(line: str) -> str:
    """First number with a decimal comma in a line that makes sense as a row of such numbers, else nothing."""
    for mark in (";", "\t", ", ", *([","] if '"' in line else []), ""):
        fields = split(line, mark) if len(mark) < 2 else line.strip().split(mark)
        commas = [field for field in fields if _COMMA_NUMBER.fullmatch(field)]
        others = [field for field in fields if number(field, ".") is not None]
        if commas and len(commas) + len(others) > 1 and not any("." in field for field in others):
            return commas[0]
    return ""
