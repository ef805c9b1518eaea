"""Mistakes in what a campaign follows or wants to measure next: named before anything runs, with the nearest word."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.reference_series import EXAMPLE_SERIES
from campaign_problems import problems_of

CAMPAIGN = """\
campaign: test
candidates:
  peaks:
    parts:
      - {{name: line, component: gaussian, count: 1..3}}
      - {{name: flat, component: constant, fixed: {{level: 0}}}}
    derived: {{highest: {{formula: "line[1].amplitude", unit: y}}}}
  edge:
    parts: [{{name: edge, component: arctan_step}}]
report:
  series: {series}
"""
SHEET = "id\tfile\ttemperature\twho\tsame\na\ta.csv\t1\tme\t5\nb\tb.csv\t2\tyou\t5\n"


def problems(folder: Path, series: str, sheet: str = SHEET, campaign: str = CAMPAIGN) -> list[str]:
    """Messages of the campaign; empty where it loads."""
    return problems_of(folder, campaign.format(series=series), sheet)


@pytest.mark.parametrize(
    "series",
    [
        "[{quantity: line.position, against: temperature}]",
        "{quantity: 'line[3].position - line[1].position', against: temperature, candidate: peaks, count: 3}",
        "[{quantity: highest, against: temperature}, {quantity: line.area_fraction, against: temperature}]",
        "[{quantity: noise.scale, against: temperature}, {quantity: edge.position, against: temperature}]",
        "[{quantity: 'line[1].area / (line[1].area + line[2].area)', against: temperature}]",
    ],
)
def test_what_may_be_followed(tmp_path: Path, series: str) -> None:
    assert problems(tmp_path, series) == []


def test_an_estimated_noise_level_is_followed_by_its_own_name(tmp_path: Path) -> None:
    """Without a stated level the results have a sigma; they have a factor where there is one."""
    sigma, scale = (f"[{{quantity: noise.{word}, against: temperature}}]" for word in ("sigma", "scale"))
    assert problems(tmp_path, scale) == []
    free = CAMPAIGN.replace("    parts:", "    noise: {{sigma: half_normal(1)}}\n    parts:")
    assert problems(tmp_path, sigma, campaign=free) == []
    (message,) = problems(tmp_path, scale, campaign=free)
    assert "noise.scale, which no result has" in message


MANY = "id\tfile\ttime\n" + "".join(f"m{k}\ta.csv\t{k}\n" for k in range(6))


def test_the_example_of_the_reference_may_be_asked(tmp_path: Path) -> None:
    (tmp_path / "cifs").mkdir()
    (tmp_path / "cifs" / "CuO-Tenorite.cif").write_text("data_x\n")
    candidates = """\
  bands: {measurements: ["b*"], parts: [{name: band, component: gaussian, count: 2}]}
  oxides: {measurements: ["m*"], phases: {library: cifs}}
"""
    sheet = "id\tfile\ttemperature\tminutes\n"
    sheet += "".join(f"b{k}\ta.csv\t{k}\t\nm{k}\ta.csv\t\t{4 * k}\n" for k in range(6))
    assert problems_of(tmp_path, f"campaign: test\ncandidates:\n{candidates}{EXAMPLE_SERIES}", sheet) == []


@pytest.mark.parametrize("laws", ["true", "exponential", "[constant, two exponentials]", "false"])
def test_laws_that_may_be_compared(tmp_path: Path, laws: str) -> None:
    series = f"{{quantity: edge.position, against: time, laws: {laws}{', start: 2' * (laws != 'false')}}}"
    assert problems(tmp_path, series, MANY) == []


@pytest.mark.parametrize(
    ("laws", "found", "words"),
    [
        ("laws: exponental", "exponental", "Did you mean exponential?"),
        ("laws: []", "a list []", "true, or a list of laws"),
        ("laws: 3", "3", "true, or a list of laws"),
        ("start: 2", "a start of 2 without laws", "Add laws: true."),
        ("laws: true, start: 5", "a start at 5, the last value being 5", "before the last value of 'time'"),
    ],
)
def test_laws_that_may_not(tmp_path: Path, laws: str, found: str, words: str) -> None:
    (message,) = problems(tmp_path, f"[{{quantity: edge.position, against: time, {laws}}}]", MANY)
    assert "report.series[0]" in message
    assert found in message
    assert words in message


def test_laws_of_too_few_measurements(tmp_path: Path) -> None:
    (message,) = problems(tmp_path, "[{quantity: edge.position, against: temperature, laws: true}]")
    assert "laws along 'temperature', which has 2 different values; expected 6 or more" in message


PHASES = """\
campaign: test
candidates:
  which: {{phases: {{library: cifs}}}}
report:
  series: [{{quantity: {series}, against: time}}]
"""


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        ("CuO-Tenorite.weight_fraction", ""),
        ("CuO-Tenorite.a", ""),
        ("instrument.zero", ""),
        ("CuO-Tenorite.weight", "'CuO-Tenorite.weight', which no phase has"),
        ("CuO-Tenorit.a", "'CuO-Tenorit.a', of no structure of the library"),
        ("weight_fraction", "'weight_fraction', of no structure of the library"),
    ],
)
def test_quantities_of_phases_are_named_by_their_structures(tmp_path: Path, quantity: str, message: str) -> None:
    (tmp_path / "cifs").mkdir()
    (tmp_path / "cifs" / "CuO-Tenorite.cif").write_text("data_x\n")
    found = problems(tmp_path, quantity, MANY, PHASES)
    assert len(found) == bool(message)
    assert all(message in one for one in found)
    if "Tenorit" in message:
        assert "Did you mean" in found[0]


@pytest.mark.parametrize(
    ("quantity", "found", "words"),
    [
        ("line.postion", "line.postion, which no result has", "Did you mean line.position?"),
        ("lime.position", "lime.position, which no result has", "line.position"),
        ("heighest", "'heighest', which no result has", "Did you mean highest?"),
        ("'line[4].position'", "line[4].position, but there are 3 at most", "a number from 1 to 3"),
        ("'line.area / line.sd'", "line.area, of which there are up to 3", "line[1].area"),
        ("flat.level", "flat.level, which is fixed", "Give it a prior"),
        ("'line[1].area ^ 2'", "'^ 2' in", "There are no powers"),
        ("'2 * 3'", "the same everywhere", "a quantity of the results"),
        ("__import__", "'__import__', which no result has", "Choose one of"),
        ("3", "the number 3", "a formula"),
    ],
)
def test_bad_quantities(tmp_path: Path, quantity: str, found: str, words: str) -> None:
    messages = problems(tmp_path, f"[{{quantity: {quantity}, against: temperature}}]")
    assert messages
    assert "report.series[0].quantity" in messages[0]
    assert found in messages[0]
    assert words in messages[0]


@pytest.mark.parametrize(
    ("against", "found", "words"),
    [
        ("temprature", "'temprature', which is no column", "Did you mean temperature?"),
        ("who", "the column 'who', which holds words", "Write numbers"),
        ("same", "all measurements are alike", "Choose another column"),
    ],
)
def test_bad_columns(tmp_path: Path, against: str, found: str, words: str) -> None:
    (message,) = problems(tmp_path, f"[{{quantity: line.position, against: {against}}}]")
    assert "report.series[0].against" in message
    assert found in message
    assert words in message


def test_no_column_of_numbers(tmp_path: Path) -> None:
    (message,) = problems(
        tmp_path, "[{quantity: line.position, against: temperature}]", "id\tfile\na\ta.csv\nb\tb.csv\n"
    )
    assert "The sheet has none" in message


@pytest.mark.parametrize(
    ("rest", "found", "words"),
    [
        ("candidate: peeks", "the unknown candidate 'peeks'", "Did you mean peaks?"),
        ("candidate: peaks, count: 4", "the count 4 of 'peaks'", "one of 1 to 3"),
        ("candidate: edge, count: 2", "the count 2 of 'edge'", "a range of counts"),
        ("count: 2", "the count 2 of no candidate", "peaks, edge"),
        ("candidate: edge", "line.position, which no result has", "edge.position"),
    ],
)
def test_bad_candidates(tmp_path: Path, rest: str, found: str, words: str) -> None:
    (message,) = problems(tmp_path, f"[{{quantity: line.position, against: temperature, {rest}}}]")
    assert found in message
    assert words in message


GRID = """\
campaign: test
candidates:
  mixed:
    parts:
      - {name: broad, component: gaussian, count: 1..2}
      - {name: sharp, component: lorentzian, count: 0..3}
      - {name: flat, component: constant, priors: {level: "uniform(0, 100)"}}
    noise: {family: poisson}
simulate:
  - {name: longer, candidate: mixed, truth: {broad.amplitude: [1], broad.position: [2], broad.sd: [1],
     sharp.amplitude: [1], sharp.position: [4], sharp.fwhm: [0.5], flat.level: 0.5},
     axis: {start: 0, stop: 9, points: 40}, exposures: [10, 20, 40], replicates: 2}
  - {name: once, candidate: mixed, truth: {broad.amplitude: [1], broad.position: [2], broad.sd: [1],
     sharp.amplitude: [1], sharp.position: [4], sharp.fwhm: [0.5], flat.level: 0.5},
     axis: {start: 0, stop: 9, points: 40}, exposures: [10], replicates: 2}
thin: {name: thinner, measurement: a, exposures: [1, 2], replicates: 2}
treatments: {default: {signal: {counts: true}}}
report:
  series: [{quantity: QUANTITY, against: AGAINST, REST}]
"""


def grid_problems(folder: Path, rest: str, against: str = "temperature", quantity: str = "sharp.position") -> list[str]:
    """Messages of a campaign with a grid of counts and studies; empty where it loads."""
    text = GRID.replace("QUANTITY", quantity).replace("AGAINST", against).replace("REST", rest)
    return problems_of(folder, text, "id\tfile\texposure\ttemperature\na\ta.csv\t4\t1\nb\tb.csv\t4\t2\n")


@pytest.mark.parametrize(
    ("rest", "against"),
    [
        ("candidate: mixed, count: {broad: 2, sharp: 1}", "temperature"),
        ("candidate: mixed, count: {sharp: 3}", "temperature"),
        ("candidate: mixed, study: longer", "exposure"),
        ("study: longer", "exposure"),
    ],
)
def test_models_of_a_grid_and_studies_may_be_followed(tmp_path: Path, rest: str, against: str) -> None:
    assert grid_problems(tmp_path, rest, against) == []


@pytest.mark.parametrize(
    ("rest", "key", "found", "words"),
    [
        ("candidate: mixed, count: 2", "count", "the count 2 of 'mixed'", "Write e.g. {broad: 1, sharp: 0}."),
        (
            "candidate: mixed, count: {broad: 3}",
            "count",
            "the counts {broad: 3}",
            "broad from 1 to 2, sharp from 0 to 3",
        ),
        ("candidate: mixed, count: {shrap: 1}", "count", "the counts {shrap: 1}", "Did you mean sharp?"),
        ("candidate: mixed, count: {sharp: two}", "count", "{'sharp': 'two'}", "one for each of some parts"),
        ("candidate: mixed, count: two", "count", "'two'", "a whole number"),
        ("candidate: mixed, count: {}", "count", "{}", "Write e.g. 3"),
        ("count: {sharp: 1}", "count", "the counts {sharp: 1} of no candidate", "Name the candidate: mixed."),
        ("study: longest", "study", "the unknown study 'longest'", "Did you mean longer?"),
        ("study: thinner", "study", "are all of the same counts", "measurement_limit.csv"),
        ("study: longer", "against", "'temperature'", "expected exposure"),
    ],
)
def test_bad_models_of_a_grid_and_bad_studies(tmp_path: Path, rest: str, key: str, found: str, words: str) -> None:
    (message,) = grid_problems(tmp_path, rest)
    assert f"report.series[0].{key}" in message
    assert found in message
    assert words in message


def test_a_study_of_one_level_is_no_series_and_one_level_of_a_column_may_be_that_of_a_study(tmp_path: Path) -> None:
    (message,) = grid_problems(tmp_path, "study: once", "exposure")
    assert (
        "of which the study once has one value; expected at least two. Add another to simulate: exposures." in message
    )
    (message,) = grid_problems(tmp_path, "candidate: mixed", "noise_level")
    assert "'noise_level', which is no column of the sheet" in message
    (message,) = grid_problems(tmp_path, "candidate: mixed, count: {sharp: 0}", quantity="sharp.position")
    assert "sharp.position, which no result has" in message


def test_mistakes_of_candidates_are_not_blamed_on_the_series(tmp_path: Path) -> None:
    campaign = CAMPAIGN.replace("component: gaussian", "component: gausian")
    found = problems(tmp_path, "[{quantity: line.position, against: temperature}]", campaign=campaign)
    assert found
    assert not any("report.series" in message for message in found)


def next_problems(folder: Path, asked: str) -> list[str]:
    """Messages of a campaign that asks where to measure next; empty where it loads."""
    return problems(folder, "[]", campaign=CAMPAIGN + f"  next_points: {asked.replace('{', '{{').replace('}', '}}')}\n")


@pytest.mark.parametrize(
    "asked",
    ["3", "true", "{number: 2, about: 'line[1].position'}", "{about: highest}",
     "{range: [5, 1], criterion: information}", "{about: 'line[2].position - line[1].position'}"],
)  # fmt: skip
def test_what_may_be_asked_of_the_next_points(tmp_path: Path, asked: str) -> None:
    assert next_problems(tmp_path, asked) == []


@pytest.mark.parametrize(
    ("asked", "place", "words"),
    [
        ("0", "report.next_points: 0", "at least 1"),
        ("many", "report.next_points", "a whole number"),
        ("[3]", "report.next_points", "a section"),
        ("{nubmer: 3}", "report.next_points.nubmer", "Did you mean number?"),
        ("{about: line.position}", "report.next_points.about", "line.position, of which there are up to 3"),
        ("{about: line.width}", "report.next_points.about", "line.width, which no result has"),
        ("{about: flat.level}", "report.next_points.about", "flat.level, which is fixed"),
        ("{about: highest, criterion: information}", "report.next_points.criterion", "information beside about"),
        ("{criterion: entropy}", "report.next_points.criterion", "variance"),
        ("{possible: 1}", "report.next_points.possible", "at least 2"),
        ("{range: [1, 1]}", "report.next_points.range", "two different finite numbers"),
    ],
)
def test_bad_wishes_for_the_next_points(tmp_path: Path, asked: str, place: str, words: str) -> None:
    messages = next_problems(tmp_path, asked)
    assert len(messages) == 1
    assert place in messages[0]
    assert words in messages[0]


def test_no_advice_for_measurements_that_nobody_makes(tmp_path: Path) -> None:
    text = GRID.partition("thin:")[0] + "report: {next_points: 2}\n"
    (problem,) = problems_of(tmp_path, text, None)
    assert (
        "report.next_points: advice, but every measurement is simulated; expected a measurement of the sheet" in problem
    )
