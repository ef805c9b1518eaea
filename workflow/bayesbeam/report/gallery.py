"""Figures of one report: files beside the page, and the same figure for the page itself."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayesbeam.report import svg


@dataclass(frozen=True)
class Shown:
    """One figure in the page: markup, and where its files are."""

    markup: Markup
    title: str
    svg_file: str
    pdf_file: str
    data_file: str = ""


class Gallery:
    """Writes figures into ``<folder>/figures`` and gives every one in the page names of its own.

    Galleries of one page have different prefixes.
    """

    def __init__(self, folder: Path, prefix: str = "f") -> None:
        self._folder = folder / "figures"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._count, self._prefix = 0, prefix

    def add(
        self, name: str, figure: Figure | None, title: str, pdf: bool = True,
        data: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> Shown | None:  # fmt: skip
        """Write a figure and return what the page shows; None for no figure.

        Parameters
        ----------
        name : str
            File name without ending, made of checked identifiers.
        title : str
            What the figure shows, for screen readers.
        pdf : bool
            Whether a PDF is wanted as well; one costs a fifth of a second.
        data : mapping, optional
            Columns behind the figure by their heads, written as CSV beside it.
        """
        if figure is None:
            return None
        self._count += 1
        content = svg.svg_bytes(figure, title)
        (self._folder / f"{name}.svg").write_bytes(content)
        if pdf:
            (self._folder / f"{name}.pdf").write_bytes(svg.pdf_bytes(figure, title))
        if data is not None:
            with (self._folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(data)
                writer.writerows([repr(float(value)) for value in row] for row in zip(*data.values(), strict=True))
        # The serialised tree is markup that matplotlib and ElementTree have escaped.
        markup = Markup(svg.inline(content, f"{self._prefix}{self._count}", title))
        pdf_file, data_file = f"figures/{name}.pdf" if pdf else "", f"figures/{name}.csv" if data is not None else ""
        return Shown(markup, title, f"figures/{name}.svg", pdf_file, data_file)
