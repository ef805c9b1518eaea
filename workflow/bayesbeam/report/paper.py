"""Figures for a paper: SVG and PDF each, one CSV of our numbers beside known ones, and one page with all of them.

A campaign's own ``figures.py`` draws them and hands them over; nothing here knows any particular campaign.
"""

from __future__ import annotations

import csv
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from bayesbeam.errors import StoreError
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.page import render_paper
from bayesbeam.report.text import plain, plus_minus
from bayesbeam.report.view import Cell, Table

PAGE, VALUES = "index.html", "values.csv"
COLUMNS = ("figure", "quantity", "value", "standard_error", "reference", "reference_error", "unit", "source")
_OURS = {PAGE, VALUES, "figures"}


@dataclass(frozen=True)
class PaperFigure:
    """One figure: a file name without ending, a title, a caption in words, and the picture."""

    name: str
    title: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class PaperValue:
    """One number of a figure and, where one is known, the number it should be.

    Attributes
    ----------
    figure, quantity : str
        Name of the figure, and what is counted.
    value, standard_error : float
        Ours; the error is nan where there is none.
    reference, reference_error : float
        Known beforehand; nan where nothing is, or no error.
    unit, source : str
        Of both, and of the reference.
    """

    figure: str
    quantity: str
    value: float
    standard_error: float = math.nan
    reference: float = math.nan
    reference_error: float = math.nan
    unit: str = ""
    source: str = ""


def write_paper(
    out: Path, title: str, about: str, figures: Sequence[PaperFigure], values: Sequence[PaperValue]
) -> Path:
    """Write all files into a folder, which appears complete or not at all, and return its page.

    Parameters
    ----------
    out : Path
        Folder; an older one of this kind is replaced, anything else is left alone and an error.
    title, about : str
        Head of the page, and a paragraph below it.
    figures, values : sequence
        In the order of the page; drawn within :func:`bayesbeam.report.style.figure_style`.

    Raises
    ------
    StoreError
        If ``out`` holds other things.
    """
    foreign = sorted(one.name for one in out.iterdir() if one.name not in _OURS) if out.is_dir() else []
    if foreign:
        found = f"holds {foreign[0]}, which is no part of a paper's figures"
        raise StoreError.at(str(out), found, "an empty folder or older figures", "Move it away, or choose another.")
    fresh = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    gallery = Gallery(fresh)
    shown = [(one, gallery.add(one.name, one.figure, one.title)) for one in figures]
    _write_values(fresh / VALUES, values)
    parts = [(one, picture, _table(one.name, values)) for one, picture in shown]
    (fresh / PAGE).write_text(render_paper(title, about, parts), encoding="utf-8", newline="\n")
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return out / PAGE


def _write_values(path: Path, values: Sequence[PaperValue]) -> None:
    """Numbers in full, an absent one as an empty field."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in values:
            numbers = (one.value, one.standard_error, one.reference, one.reference_error)
            shown = ["" if math.isnan(number) else repr(float(number)) for number in numbers]
            writer.writerow([one.figure, one.quantity, *shown, one.unit, one.source])


def _table(name: str, values: Sequence[PaperValue]) -> Table | None:
    """Numbers of one figure beside the known ones; None where it has none."""
    rows = []
    for one in values:
        if one.figure == name:
            cells = (
                Cell(one.quantity, "name"), Cell(_number(one.value, one.standard_error)),
                Cell(_number(one.reference, one.reference_error)), Cell(one.unit, "unit"), Cell(one.source, "words"),
            )  # fmt: skip
            rows.append(cells)
    return Table(("quantity", "here", "known", "unit", "source of the known one"), tuple(rows)) if rows else None


def _number(value: float, error: float) -> str:
    """Number with its error where it has one."""
    return plus_minus(value, error) if error > 0 else plain(value, 6)
