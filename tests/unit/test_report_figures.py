"""Figures as files and in the page: names of elements, escaping, colours, equal bytes."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.report import style, svg
from bayesbeam.report.curves import Column, Draws, Fit
from bayesbeam.report.drawing import measurement_views
from bayesbeam.report.figures.fit import fit_figure
from bayesbeam.report.figures.models import models_figure
from bayesbeam.report.figures.parameters import parameters_figure
from bayesbeam.report.loading import load_results
from bayesbeam.report.page import Content, render
from bayesbeam.report.records import Candidate, Results, Row
from bayesbeam.sampling.known import ENGINE

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture
from report_fixture import NASTY_TITLE


def fit_of(n_points: int) -> Fit:
    """Fit with one peak on a level."""
    x = np.linspace(280.0, 290.0, n_points)
    peak, level = 5 * np.exp(-0.5 * ((x - 285) / 0.5) ** 2), np.full(n_points, 1.0)
    sd, noise = np.full(n_points, 0.3), np.random.default_rng(1).standard_normal(n_points)
    total = peak + level
    bands = total + np.array([-1.96, -1.0, 1.0, 1.96])[:, None] * sd
    return Fit(
        x, total + 0.3 * noise, sd, np.stack([total] * 5), bands, np.stack([np.stack([c] * 3) for c in (peak, level)]),
        (NASTY_TITLE, "constant"), noise,
    )  # fmt: skip


def drawn(n_points: int = 101, decreasing: bool = False, label: str = NASTY_TITLE) -> bytes:
    """SVG of a fit with a nasty axis label."""
    with style.figure_style():
        return svg.svg_bytes(fit_figure(fit_of(n_points), label, "counts", decreasing), label)


def texts(content: bytes) -> list[str]:
    """Texts of an SVG."""
    return ["".join(one.itertext()) for one in ElementTree.fromstring(content).iter("{http://www.w3.org/2000/svg}text")]


def test_names_from_data_appear_as_they_are() -> None:
    """Neither mathematics nor markup: dollar, brace, angle bracket and quotes come out letter by letter."""
    assert NASTY_TITLE in texts(drawn())
    assert b"<script" not in drawn()


def test_letters_that_no_font_has_are_no_warning() -> None:
    assert "試料 \U0001f600" in texts(drawn(label="試料 \U0001f600"))


def test_equal_figures_give_equal_bytes() -> None:
    assert drawn() == drawn()
    with style.figure_style():
        one, two = (svg.pdf_bytes(fit_figure(fit_of(50), "x", "y", False), NASTY_TITLE) for _ in range(2))
    assert one == two


def test_inlined_figures_share_no_name() -> None:
    pages = [svg.inline(drawn(), prefix, "a <b>") for prefix in ("f1", "f2")]
    names = [re.findall(r' id="([^"]+)"', page) for page in pages]
    assert names[0]
    assert not set(names[0]) & set(names[1])
    for page, own in zip(pages, names, strict=True):
        used = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
        assert used == set(own)
        ElementTree.fromstring(page)


def test_inlined_figures_follow_light_and_dark() -> None:
    page = svg.inline(drawn(), "f1", "title")
    assert "var(--fig-ink)" in page
    assert not re.search(r"(fill|stroke): #", page)
    assert 'role="img"' in page
    assert "<metadata" not in page


def points_of(outline: str) -> list[tuple[str, float, float]]:
    """What an outline draws: absolute or relative moves and lines, closed or not."""
    found, at, begun, command = list[tuple[str, float, float]](), (0.0, 0.0), (0.0, 0.0), ""
    words = re.findall(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)", outline)
    while words:
        command = words.pop(0) if words[0].isalpha() else {"M": "L", "m": "l"}.get(command, command)
        if command == "z":
            at = begun
        elif command == "h":
            at = at[0] + float(words.pop(0)), at[1]
        else:
            x, y = float(words.pop(0)), float(words.pop(0))
            at = (x, y) if command.isupper() else (at[0] + x, at[1] + y)
            begun = at if command in "Mm" else begun
        found.append((command.upper(), *at))
    return found


def test_outlines_in_steps_are_the_same_outlines() -> None:
    """Lines, dots, closed ones, and one after another; what is curved stays as it is."""
    rng = np.random.default_rng(2)
    places = (np.cumsum(rng.integers(-300, 301, (3000, 2)), axis=0) + 4000) / 20
    row = " ".join(f"{x:g} {y:g}" for x, y in places)
    dots = " ".join(f"M {x:g} {y:g} h0" for x, y in places)
    closed = "M 1 2 3.05 4 -5 0 z M 7 8.5 0 0 z"
    assert svg._in_steps(closed) == "m1 2 2.05 2-8.05-4zm6 6.5-7-8.5z"
    for outline in (f"M {row}", dots, closed, f"M {row} z M 0 0 0.05 0 {dots}"):
        short = svg._in_steps(outline)
        assert len(short) < (0.9 if len(outline) > 100 else 1.0) * len(outline)
        for one, other in zip(points_of(outline), points_of(short), strict=True):
            assert one[0] == other[0]
            assert one[1:] == pytest.approx(other[1:], abs=1e-6)
    assert svg._in_steps("M 0 0 C 1 1 2 2 3 3") == "M 0 0 C 1 1 2 2 3 3"
    assert svg._in_steps("") == ""


def test_axis_runs_as_the_field_draws_it() -> None:
    def ticks(decreasing: bool) -> list[float]:
        shown = [re.sub("\u2212", "-", one) for one in texts(drawn(decreasing=decreasing))]
        return [float(one) for one in shown if re.fullmatch(r"28\d|290", one)]

    with style.figure_style():
        figure = fit_figure(fit_of(51), "binding energy (eV)", "counts", True)
    low, high = figure.axes[0].get_xlim()
    assert low > high
    assert figure.axes[1].get_xlim() == (low, high)
    assert ticks(True)


def test_many_points_stay_small() -> None:
    """Ten thousand points: a mark a point would be above 2 MB; above twenty thousand they become an image."""
    assert len(svg.inline(drawn(10_001), "f1", "t")) < 900_000
    assert len(svg.inline(drawn(25_001), "f1", "t")) < 900_000


def test_smaller_is_better_is_said_on_the_axis() -> None:
    candidates = [
        Candidate("m", "peaks", f"peaks-k{k}", k, free_energy=f, standard_error=0.1, model_probability=p, verdict=v)
        for k, f, p, v in ((1, 900.0, 0.0, "reliable"), (2, 3.0, 0.3, "not reliable"), (3, 2.0, 0.7, "reliable"))
    ]
    with style.figure_style():
        content = svg.svg_bytes(models_figure(candidates, ["K = 1", "K = 2", "K = 3"], candidates[2]), "t")
    assert any("smaller is better" in one for one in texts(content))
    assert {"K = 1", "K = 2", "K = 3"} <= set(texts(content))


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_models_without_numbers_are_drawn_all_the_same(missing: float | None) -> None:
    candidates = [
        Candidate("m", "a", "a", free_energy=1.0, standard_error=0.1, model_probability=1.0, verdict="reliable"),
        Candidate("m", "b", "b", free_energy=missing, standard_error=missing, model_probability=missing),
    ]
    with style.figure_style():
        assert svg.svg_bytes(models_figure(candidates, ["a", "b"], candidates[0]), "t")


def test_fixed_quantities_have_no_panel() -> None:
    generator = np.random.default_rng(2)
    values = np.stack([generator.standard_normal((2, 50)), np.full((2, 50), 3.0)], axis=-1)
    columns = (Column("peaks.position", 1, "eV"), Column("constant.level", None, "counts"))
    with style.figure_style():
        figure = parameters_figure(Draws(values, values.reshape(-1, 2), columns))
        assert figure is not None
        assert len(figure.axes) == 1
        still = Draws(values[..., 1:], values[..., 1:].reshape(-1, 1), columns[1:])
        assert parameters_figure(still) is None


def test_settings_of_the_reader_are_left_alone() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    drawn()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["peaks.amplitude 3", "band[3].depth / (band[1].depth + band[2].depth)"])
def test_heads_of_panels_stay_with_their_panels(name: str) -> None:
    """Name and unit in the title where there is room, else the unit beside an axis: neighbours are not reached."""
    with style.figure_style():
        figure = style.new_figure(2.0)
        panels = figure.subplots(1, 3, gridspec_kw={"left": 0.09, "right": 0.985, "wspace": 0.34})
        for one in panels:
            style.panel_head(one, name, "counts/exposure")
        figure.draw_without_rendering()
        far = [one.get_window_extent().x0 for one in panels] + [figure.bbox.x1]
        for one, next_left in zip(panels, far[1:], strict=True):
            assert one._left_title.get_window_extent().x1 < next_left
            assert one.get_ylabel() == "counts/exposure"
            title = one.get_title(loc="left")
            assert title == name if len(name) < 20 else title == f"{name[: len(title) - 1]}…"
        (whole,) = style.new_figure(2.0).subplots(1, 1, squeeze=False)[0]
        style.panel_head(whole, name, "counts/exposure")
    assert (whole.get_title(loc="left"), whole.get_ylabel()) == (f"{name} (counts/exposure)", "")


def test_a_part_that_is_alone_has_no_number() -> None:
    """Where the campaign leaves no count open: in legends, titles and labels; those of several keep theirs."""
    rows = (
        Row("first.position", 1, alone=True), Row("band.position", 1), Row("band.position", 2),
    )  # fmt: skip
    assert [row.label for row in rows] == ["first.position", "band.position 1", "band.position 2"]
    fit = replace(fit_of(9), labels=("first 1", "band 1", "band 2", "flat"))
    assert fit.marked(rows).labels == ("first", "band 1", "band 2", "flat")
    columns = tuple(Column(row.name, row.index, "eV") for row in rows)
    values = np.random.default_rng(0).standard_normal((2, 50, 3))
    draws = Draws(values, values[0], columns)
    assert [one.label for one in draws.marked(rows).columns] == [row.label for row in rows]
    with style.figure_style():
        figure = parameters_figure(draws.marked(rows))
    assert figure is not None
    assert {axes.get_title(loc="left") for axes in figure.axes} == {
        "first position (eV)", "position 1 (eV)", "position 2 (eV)",
    }  # fmt: skip


def test_a_title_without_room_for_its_part_names_the_quantity_if_that_is_enough() -> None:
    names = (
        "doublet.amplitude_of_it",
        "doublet.level",
        "background.level_of_the_rest",
        "foot.level_of_the_rest",
        "a.b",
    )
    draws = np.random.default_rng(0).standard_normal((2, 50, len(names)))
    with style.figure_style():
        figure = parameters_figure(Draws(draws, draws[0], tuple(Column(name, None, "eV") for name in names)))
    assert figure is not None
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == "amplitude_of_it (eV)"
    assert titles[1] == "doublet level (eV)"
    assert titles[2].startswith("background level_")
    assert titles[2].endswith("…")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.011, 0.09, ["0.02", "0.05"]),
        (2.1e-3, 3.9e-3, ["0.003"]),
        (31.0, 33.0, []),
        (1e-4, 1.0, ["10⁻⁴", "10⁻²", "10⁰"]),
    ],
)
def test_a_short_logarithmic_axis_has_numbers(low: float, high: float, expected: list[str]) -> None:
    with style.figure_style():
        figure = style.new_figure(2.0)
        axes = figure.add_subplot()
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        style.log_ticks(axes)
        figure.draw_without_rendering()
        bottom, top = axes.get_ylim()
        shown = [one.get_text() for one, at in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
                 if bottom <= at <= top]  # fmt: skip
    assert len(shown) >= 2
    assert set(expected) <= set(shown)
    assert (bottom, top) == (low, high)


@pytest.mark.parametrize(("label", "number"), [("edge", False), ("line 1", True)])
def test_one_component_alone_is_found_without_a_number(label: str, number: bool) -> None:
    with style.figure_style():
        one = fit_figure(replace(fit_of(101), labels=(label, "constant")), "x", "y", False)
    numbers = [text.get_text() for text in one.axes[0].texts]
    assert numbers == (["1"] if number else [])
    legends = [words.get_text() for axes in one.axes if axes.get_legend() for words in axes.get_legend().get_texts()]
    assert label in legends
    two = fit_of(101)
    shifted = np.roll(two.components[0], 20, axis=-1)
    several = replace(two, components=np.stack([two.components[0], shifted]), labels=("edge", "line"))
    with style.figure_style():
        figure = fit_figure(several, "x", "y", False)
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2"]
    legends = [words.get_text() for axes in figure.axes if axes.get_legend() for words in axes.get_legend().get_texts()]
    assert {"1  edge", "2  line"} <= set(legends)


def test_a_candidate_with_nothing_to_sample_has_no_figure_of_its_sampling(tmp_path: Path) -> None:
    found = load_results(report_fixture.facts(), report_fixture.write_results(tmp_path / "results"))
    one = found.measurements[0]
    known = replace(one.candidates[0], engine=ENGINE)
    results = Results(found.facts, (replace(one, candidates=(known, *one.candidates[1:])),), ())
    with style.figure_style():
        views = measurement_views(results.measurements, tmp_path / "page")
    drawn_ = {choice.tag: choice.sampling is not None for choice in views[0].choices}
    assert drawn_ == {choice.tag: choice.tag != known.tag for choice in views[0].choices}
    page = render(Content(results, views, [], [], [], "make run"))
    assert page.count("there was nothing to sample") == 1


def test_where_there_is_little_room_only_candidates_in_question_have_figures(tmp_path: Path) -> None:
    found = load_results(report_fixture.facts(), report_fixture.write_results(tmp_path / "results"))
    one = max(found.measurements, key=lambda one: len(one.candidates))
    first, second, third, *others = one.candidates
    odds = [replace(first, model_probability=0.97), replace(second, model_probability=0.02), *others]
    odds = [replace(k, model_probability=0.0, verdict="reliable") if k in others else k for k in odds]
    odds.insert(2, replace(third, model_probability=0.005, verdict="not reliable"))
    (view,) = measurement_views([replace(one, candidates=tuple(odds))], tmp_path / "page", brief=True)
    assert [choice.tag for choice in view.choices] == [first.tag, second.tag, third.tag]
    assert view.left_out == len(others) > 0
    pdfs = {path.stem for path in (tmp_path / "page" / "figures").glob("*.pdf")}
    assert pdfs == {f"{one.id}+{first.tag}+{what}" for what in ("fit", "parameters")}
