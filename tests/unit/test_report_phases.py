"""The page of a search of phases: answers, tables, the pattern with its phases, and found against weighed."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bayesbeam.io.seal import seal
from bayesbeam.report import phase_overview, phase_series
from bayesbeam.report.curves import Pattern, read_pattern
from bayesbeam.report.figures.frames import Frame, Trace, map_figure, waterfall_figure
from bayesbeam.report.figures.pattern import pattern_figure
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.loading import load_results
from bayesbeam.report.records import Results
from bayesbeam.report.style import dots, figure_style, new_figure
from bayesbeam.report.svg import inline, svg_bytes
from bayesbeam.report.weighed import weighed_of
from bayesbeam.stages.report import report_from_files

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from made_up_powders import FRAMES, TAG, WEIGHED, write_powders
from made_up_spectra import NASTY


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """Folder of the results of two searches, with four frames like the first, and the results as they are read."""
    facts, folder = write_powders(tmp_path_factory.mktemp("powders"))
    report_from_files(facts, folder, folder / "report", "make run")
    return folder, load_results(facts, folder)


@pytest.fixture(scope="module")
def page(made: tuple[Path, Results]) -> str:
    return (made[0] / "report" / "index.html").read_text(encoding="utf-8")


def facts_of(made: tuple[Path, Results], name: str) -> Mapping[str, Any]:
    found = made[1].measurement(name)
    assert found is not None
    assert found.best.phases is not None
    return found.best.phases


def article(page: str, name: str) -> str:
    """Part of the page on the phases of a measurement."""
    start = page.index(f'id="phases--{name}"')
    return page[start : page.index("</article>", start)]


def test_the_answer_comes_first_and_says_which_phases_and_how_much(page: str) -> None:
    answers = page[page.index('id="answers"') : page.index('id="phases"')].replace("\u00a0", " ")
    first = re.search(r"<b>:</b> (ZnO-Zincite \([^)]*\) and NiO-Bunsenite \([^)]*\)); nothing is unex", answers)
    assert first is not None
    shares = [float(one) for one in re.findall(r"\(([\d.]+) ±", first[1])]
    assert sum(shares) == pytest.approx(100.0, abs=1.5)  # rounded to their errors


def test_what_is_no_candidate_is_said_before_all_else(page: str, made: tuple[Path, Results]) -> None:
    unknown = facts_of(made, "open")["unknown"]
    clearest = max(unknown["lines"], key=lambda one: one["z"])
    said = f"omething here is none of the 5 candidates: {len(unknown['lines'])} lines that no phase explains"
    assert said in page[: page.index('id="phases"')]
    shown = article(page, "open")
    assert said in shown
    assert f"{clearest['two_theta']:.2f}\u00b0 (d {clearest['d']:.3f}" in shown
    assert "with reservations" in shown
    assert all(f">{one['two_theta']:.3f}<" in shown for one in unknown["lines"])
    assert "no candidate explains" not in article(page, "full")


def test_what_was_weighed_stands_beside_what_was_found(page: str, made: tuple[Path, Results]) -> None:
    shown = article(page, "full")
    assert "2 of 2 weighed phases found" in shown
    assert "2 of 3 weighed phases found (not Al2O3)" in article(page, "open")
    assert "weighed in, not found" in article(page, "open")
    assert "weighed" not in article(page, "frame0").lower().replace("unweighed", "")
    assert {"phases+matrix.svg", "phases+weighed.svg"} <= {one.name for one in (made[0] / "report/figures").iterdir()}
    assert "4 of 5 phases that were weighed into 2 samples are found" in page


def test_sections_of_components_are_left_out(page: str) -> None:
    for name in ("fit", "models"):
        assert f'id="{name}"' not in page
    assert 'href="#phases--full"' in page


def test_names_of_files_are_letters_and_nothing_else(page: str) -> None:
    assert NASTY not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.cif" in page


def test_the_curves_of_the_figure_lie_beside_it(made: tuple[Path, Results], page: str) -> None:
    found = made[1].measurement("full")
    assert found is not None
    assert found.arrays is not None
    pattern = read_pattern(found.arrays, f"full/{TAG}")
    assert pattern.whole
    with (made[0] / "report" / "figures" / f"full+{TAG}+pattern.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(one["observed"]) for one in rows] == list(pattern.y)
    total = [sum(float(value) for key, value in one.items() if key == "background" or key.startswith("phase "))
             for one in rows]  # fmt: skip
    np.testing.assert_allclose(total, pattern.model, rtol=1e-9)
    assert f'href="figures/full+{TAG}+pattern.csv"' in page


def test_the_pattern_has_a_row_of_ticks_a_phase_and_a_mark_at_every_unknown_line(made: tuple[Path, Results]) -> None:
    found, facts = made[1].measurement("open"), facts_of(made, "open")
    assert found is not None
    assert found.arrays is not None
    pattern = read_pattern(found.arrays, f"open/{TAG}")
    places = [one["two_theta"] for one in facts["unknown"]["lines"]]
    with figure_style():
        figure = pattern_figure(pattern, facts["best"], places)
    main, lines, below = figure.axes
    marks = [line.get_xdata()[0] for line in main.lines if line.get_marker() == "v"]
    assert marks == places
    assert [text.get_text() for text in lines.texts] == list(facts["best"])
    for place, patch in enumerate(lines.patches):
        ticks = patch.get_path().vertices[::2, 0]
        np.testing.assert_allclose(ticks, pattern.ticks[pattern.owner == place])
    left = below.lines[0].get_ydata()
    np.testing.assert_allclose(left, np.clip((pattern.y - pattern.model) / pattern.sd, -8.0, 8.0))
    # A root's axis: a line of a hundredth of the counts is a tenth as high.
    top = main.transData.transform((0.0, 10000.0))[1] - main.transData.transform((0.0, 0.0))[1]
    weak = main.transData.transform((0.0, 100.0))[1] - main.transData.transform((0.0, 0.0))[1]
    assert weak / top == pytest.approx(0.1)


def test_without_the_whole_noise_the_residual_is_in_units_of_counting(
    made: tuple[Path, Results], tmp_path: Path
) -> None:
    path = tmp_path / "b.h5"
    with h5py.File(made[0] / "free_energy" / "b.h5") as old, h5py.File(path, "w") as new:
        old.copy("full", new)
        del new[f"full/{TAG}/phase_sd"]
    seal(path)
    pattern = read_pattern(path, f"full/{TAG}")
    assert not pattern.whole
    assert (pattern.sd == np.sqrt(np.maximum(pattern.y, 1.0))).all()


def test_weighed_amounts_are_shares_of_what_was_found(made: tuple[Path, Results]) -> None:
    result = made[1].measurement("open")
    assert result is not None
    rows = {one.label: one for one in weighed_of(result, facts_of(made, "open"))}
    assert list(rows) == ["Al2O3", "ZnO", "NiO-Bunsenite"]  # most first
    assert not rows["Al2O3"].found
    assert rows["ZnO"].among == pytest.approx(100.0 * 39.0 / 60.0)
    record = json.loads((made[0] / "free_energy" / "b.json").read_text())["records"][1]["phases"]["phases"]
    own = next(one for one in record if one["name"] == "ZnO-Zincite")["weight_fraction"]
    assert rows["ZnO"].mean == pytest.approx(100.0 * own["mean"])
    assert rows["ZnO"].interval == pytest.approx((100.0 * own["q025"], 100.0 * own["q975"]))


def test_weight_fractions_along_a_series_are_those_of_its_patterns(made: tuple[Path, Results], page: str) -> None:
    with (made[0] / "report" / "figures" / "frames+1+map.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(one["temperature_K"]) for one in rows] == [100.0, 150.0, 200.0, 250.0]
    for row, (k, share) in zip(rows, FRAMES.items(), strict=True):
        assert float(row["ZnO-Zincite wt %"]) == pytest.approx(100.0 * share), k
        assert float(row["ZnO-Zincite q975"]) == pytest.approx(100.0 * share + 1.96)
    said = page[page.index("Phases along temperature_K") :].replace("\u00a0", " ")
    assert "4 patterns, temperature_K 100 to 250:" in said
    assert "ZnO-Zincite in all (90 to 5 wt %)" in said
    assert "NiO-Bunsenite in all (10 to 95 wt %)" in said
    # Columns of weighed amounts are no series.
    assert "along weighed" not in page.lower()


def test_a_map_shows_every_pattern_at_its_place_and_nothing_where_there_is_none() -> None:
    x = np.linspace(10.0, 60.0, 1501)
    frames = [Frame(f"f{k}", at, x, 100.0 * np.exp(-0.5 * ((x - 20.0 - 10.0 * k) / 0.1) ** 2))
              for k, at in enumerate((0.0, 1.0, 10.0))]  # fmt: skip
    nothing = np.full(3, np.nan)
    part = np.array([50.0, np.nan, 20.0])
    traces = [Trace("a", np.array([0.0, 1.0, 10.0]), part, part - 1.0, part + 1.0, np.array([True, False, False])),
              Trace("b", np.array([0.0, 1.0, 10.0]), nothing, nothing, nothing, np.zeros(3, dtype=bool))]  # fmt: skip
    with figure_style():
        left, right = map_figure(frames, traces, "time").axes
        curves = waterfall_figure(frames, "time").axes[0].lines
    image = left.images[0].get_array()
    assert image is not None
    low, high = left.images[0].get_extent()[2:]
    for at, where in ((0.2, 20.0), (1.5, 30.0), (6.0, 40.0), (14.0, 40.0)):
        row = image[int((at - low) / (high - low) * image.shape[0]), :, 3]
        assert 10.0 + 50.0 * float(row.argmax()) / image.shape[1] == pytest.approx(where, abs=0.1)
        assert (row > 0.01).mean() < 0.05
    assert len(curves) == 3
    sure = [line for line in right.lines if line.get_marker() == "o" and line.get_markerfacecolor() != "#ffffff"]
    assert sum(np.isfinite(line.get_xdata()).sum() for line in sure) == 1


def test_lines_and_weighed_amounts_have_tables(made: tuple[Path, Results]) -> None:
    def table(name: str) -> list[dict[str, str]]:
        with (made[0] / "report" / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    found = made[1].measurement("full")
    assert found is not None
    assert found.arrays is not None
    pattern = read_pattern(found.arrays, f"full/{TAG}")
    lines = [row for row in table("phase_lines") if row["measurement"] == "full"]
    assert [float(row["two_theta"]) for row in lines] == list(pattern.ticks)
    # 2 d sin(theta) = lambda: nickel oxide, cubic with a = 4.177 angstrom in the library, to the shift of its lines.
    nickel = [row for row in lines if row["phase"] == "NiO-Bunsenite"]
    squares = np.array([[int(row[h]) ** 2 for h in "hkl"] for row in nickel]).sum(1)
    edge = 0.5 * 1.5405929 * np.sqrt(squares) / np.sin(np.radians([0.5 * float(row["two_theta"]) for row in nickel]))
    np.testing.assert_allclose(edge, edge.mean(), rtol=2e-3)
    rows = {(row["measurement"], row["weighed_in"]): row for row in table("weighed")}
    assert set(rows) == {(name, key.removeprefix("weighed.")) for name, one in WEIGHED.items() for key in one}
    assert rows["open", "Al2O3"]["found"] == ""
    assert float(rows["open", "ZnO"]["weighed_among_found"]) == pytest.approx(65.0)
    assert rows["open", "ZnO"]["found_as"] == "ZnO-Zincite"
    assert rows["open", "ZnO"]["found_by"] == "formula"


def test_long_patterns_are_drawn_with_all_that_can_be_seen() -> None:
    """Twenty thousand points: every extreme of what is left is drawn, and a dot near enough to each point."""
    rng = np.random.default_rng(4)
    x = np.linspace(5.0, 145.0, 20_000)
    model = 100.0 + 5000.0 * np.exp(-0.5 * ((x - 40.0) / 0.1) ** 2)
    y = rng.poisson(model).astype(float)
    y[12_345] = 0.0
    nothing = np.zeros(0, dtype=np.int64)
    pattern = Pattern(x, y, np.sqrt(model), False, model, np.full(x.size, 100.0), np.zeros((0, x.size)), np.zeros(0),
                      nothing, np.zeros((0, 3), dtype=np.int64))  # fmt: skip
    with figure_style():
        figure = pattern_figure(pattern, [], [])
        content = svg_bytes(figure, "t")
    main, _, below = figure.axes
    left = below.lines[0]
    assert len(left.get_xdata()) <= 1800
    assert x[12_345] in left.get_xdata()
    drawn = main.patches[0].get_path().vertices[::2]
    assert 500 < len(drawn) < 8000
    ends = np.array([np.ptp(x), np.ptp(np.sqrt(y))])
    for place in rng.integers(0, x.size, 200):
        away = np.abs(np.column_stack([drawn[:, 0] - x[place], np.sqrt(drawn[:, 1]) - np.sqrt(y[place])])) / ends
        assert (away * (550, 250)).max(1).min() <= 1.0
    assert len(inline(content, "f1", "t")) < 400_000


def test_a_dot_in_the_page_is_a_stroke_without_a_length() -> None:
    with figure_style():
        figure = new_figure(1.0)
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        dots(axes, [1.0, 2.0], [3.0, 4.0])
        axes.set_xlim(0, 3)
        axes.set_ylim(0, 5)
        page = inline(svg_bytes(figure, "t"), "f1", "t")
    assert re.search(r'd="m[\d.]+ [\d.]+h0m[-\d. ]+h0"', page)


def test_of_very_many_patterns_some_are_drawn_and_listed(
    made: tuple[Path, Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if two were very many: every second of the four frames, and the first two of the six samples."""
    monkeypatch.setattr(phase_series, "_MOST_FRAMES", 2)
    monkeypatch.setattr(phase_overview, "_MOST_ROWS", 1)
    monkeypatch.setattr(phase_overview, "_MOST_LISTED", 2)
    with figure_style():
        (series,) = phase_series.phase_series(made[1], Gallery(tmp_path))
        (overview,) = phase_overview.overviews(made[1], Gallery(tmp_path))
    assert [row[1].text for row in series.table.rows] == ["frame0", "frame2"]
    assert series.note == "Of 2 patterns one is listed and drawn; all are in tables/phases.csv."
    assert len(overview.table.rows) == 2
    assert "no room for 5 samples" in overview.cut
    assert "they are in tables/phases.csv, the first 2 below too" in overview.cut
