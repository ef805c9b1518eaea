"""Figures for a paper: all files of a folder, numbers read back, other people's folders left alone."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import pytest

from bayesbeam import cli
from bayesbeam.errors import StoreError
from bayesbeam.report import style
from bayesbeam.report.paper import PaperFigure, PaperValue, write_paper

VALUES = [
    PaperValue("one", "F <K=3>", 172.31, 0.04, 172.275, 0.009, "nats", "5 runs"),
    PaperValue("one", "stuck", 3.0),
    PaperValue("two", "level", 0.1 + 0.2, math.nan, 0.3, source="truth"),
]


def write(folder: Path, title: str = "A <title>") -> Path:
    with style.figure_style():
        figures = []
        for name in ("one", "two"):
            figure = style.new_figure(2.0)
            figure.add_subplot().plot([0, 1], [1, 0])
            figures.append(PaperFigure(name, f"Figure {name}", f"What {name} & others show.", figure))
        return write_paper(folder, title, "About.", figures, VALUES)


def test_every_figure_has_its_files_and_the_page_shows_them_with_numbers(tmp_path: Path) -> None:
    page = write(tmp_path / "paper")
    assert page == tmp_path / "paper" / "index.html"
    names = {f"{name}.{kind}" for name in ("one", "two") for kind in ("svg", "pdf")}
    assert {one.name for one in (tmp_path / "paper" / "figures").iterdir()} == names
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg xmlns") == 2
    assert "A &lt;title&gt;" in text
    assert "What one &amp; others show." in text
    assert "172.31\u00a0±\u00a00.04" in text
    assert "F &lt;K=3&gt;" in text
    assert "<script" not in text
    assert not list(tmp_path.glob(".paper*"))


def test_maps_are_pictures_that_the_policy_of_the_page_lets_through(tmp_path: Path) -> None:
    with style.figure_style():
        figure = style.new_figure(2.0)
        figure.add_subplot().imshow([[0.0, 1.0], [1.0, 0.0]])
        page = write_paper(tmp_path / "paper", "Map", "About.", [PaperFigure("map", "Map", "A map.", figure)], VALUES)
    text = page.read_text(encoding="utf-8")
    assert 'href="data:image/png' in text
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "img-src data:" in policy[1]


def test_numbers_read_back_to_the_last_bit(tmp_path: Path) -> None:
    write(tmp_path / "paper")
    with (tmp_path / "paper" / "values.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["quantity"] for row in rows] == [one.quantity for one in VALUES]
    for row, one in zip(rows, VALUES, strict=True):
        for column in ("value", "standard_error", "reference", "reference_error"):
            number = getattr(one, column)
            assert (row[column] == "") if math.isnan(number) else (float(row[column]) == number)


def test_older_figures_are_replaced_and_other_files_are_left_alone(tmp_path: Path) -> None:
    first = write(tmp_path / "paper").read_bytes()
    assert write(tmp_path / "paper").read_bytes() == first
    (tmp_path / "paper" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match=r"holds notes\.txt, which is no part of a paper's figures; expected "):
        write(tmp_path / "paper")
    assert (tmp_path / "paper" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_campaign_without_figures_says_so_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["figures", "first_look", "--results", str(tmp_path / "results")]) == cli.EXIT_MISTAKE
    assert "figures.py: no such file; expected a script that draws figures" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()
