"""Mistakes in simulated and thinned studies: all of them are named before anything runs, with place and remedy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from campaign_problems import problems_of

CAMPAIGN = """\
campaign: test
treatments:
  counted: {{signal: {{counts: true}}}}
  plain: {{}}
  divided: {{signal: {{counts: true}}, normalise: area}}
candidates:
  peaks:
    measurements: ["s_*", run1, "t_*"]
    parts:
      - {{name: line, component: gaussian, count: 1..3,
         priors: {{amplitude: "gamma(2, 2 / exposure)", position: "uniform(0, 3)", sd: "log_uniform(0.05, 1)"}}}}
      - {{name: flat, component: constant, priors: {{level: "{flat}"}}}}
    noise: {{family: poisson{more}}}
  normal:
    measurements: [run2, run3, run4]
    parts: [{{component: constant}}]
  outliers:
    measurements: [run1]
    parts: [{{component: constant}}]
    noise: {{family: student_t, sigma: 0.1}}
  relative:
    measurements: [run2]
    parts: [{{component: constant}}]
    noise: {{family: normal_relative, sigma: 0.1}}
simulate:
  - name: {name}
    candidate: {candidate}
    truth: {truth}
    axis: {axis}
    {levels}
    replicates: {replicates}
thin:
  - {thin}
"""
SHEET = """\
id\tfile\ttreatment\texposure
run1\ta.csv\tcounted\t100
run2\tb.csv\tplain\t100
run3\tc.csv\tdivided\t100
run4\tc.csv\tcounted\t
"""
GOOD = {
    "name": "s",
    "flat": "uniform(0, 1000)",
    "candidate": "peaks",
    "truth": "{line.amplitude: [1, 2], line.position: [1, 2], line.sd: 0.2, flat.level: 0.5}",
    "axis": "{start: 0, stop: 3, points: 31}",
    "levels": "exposures: [1, 10]",
    "replicates": "2",
    "more": "",
    "thin": "{name: t, measurement: run1, exposures: [10], replicates: 2}",
}


def problems(folder: Path, sheet: str = SHEET, **changes: str) -> list[str]:
    """Messages of the campaign with some of its values replaced; empty where it loads."""
    return problems_of(folder, CAMPAIGN.format(**{**GOOD, **changes}), sheet)


def test_the_campaign_that_the_tests_spoil_is_good(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("key", "value", "place", "words"),
    [
        ("candidate", "peeks", "simulate[0].candidate", ["the unknown candidate 'peeks'", "mean peaks?"]),
        ("truth", "{line.amplitude: [1, 2], line.position: [1, 2]}", "truth", ["no value of line.sd, flat.level"]),
        ("truth", GOOD["truth"].replace("line.sd", "line.fwhm"), "truth.line.fwhm", ["unknown parameter 'line.fwhm'"]),
        ("truth", GOOD["truth"].replace("sd: 0.2", "sd: 2"), "truth.line.sd", ["line.sd = 2", "log_uniform"]),
        ("truth", GOOD["truth"].replace("position: [1, 2]", "position: [1, 4]"), "line.position", ["= 4"]),
        ("truth", GOOD["truth"].replace("level: 0.5", "level: 200"), "flat.level", ["= 2000 at exposure 10"]),
        ("truth", GOOD["truth"].replace("amplitude: [1, 2]", "amplitude: [1, 2, 3]"), "truth", ["as many of both"]),
        ("truth", "{line.amplitude: 1, line.position: 1, line.sd: 0.2, flat.level: 0.5}", "truth", ["no lists"]),
        ("truth", "{}", "simulate[0].truth", ["expected"]),
        ("axis", "{start: 3, stop: 0, points: 31}", "simulate[0].axis", ["start 3 and stop 0", "Exchange"]),
        ("axis", "{start: 0, stop: 3, points: 1}", "simulate[0].axis.points", ["at least 3"]),
        ("levels", "exposures: [0, 10]", "simulate[0].exposures[0]", ["above 0"]),
        ("levels", "exposures: [-1]", "simulate[0].exposures[0]", ["above 0"]),
        ("levels", "exposures: [10, 10.0]", "simulate[0]", ["10 twice in exposures"]),
        ("levels", "seed: 1", "simulate[0]", ["neither exposures nor noise_levels"]),
        ("levels", "noise_levels: [0.1]", "simulate[0].noise_levels", ["whose noise is poisson"]),
        ("replicates", "0", "simulate[0].replicates", ["at least 1"]),
        ("name", "a/b", "simulate[0].name", ["Ids become file names"]),
        ("name", "x" * 60, "simulate[0].name", ["which makes the id"]),
        ("name", "t", "thin[0].name", ["the id t_T10_001, which is that of the study t"]),
        (
            "thin",
            "{name: t, measurement: run9, exposures: [10]}",
            "thin[0].measurement",
            ["unknown measurement 'run9'"],
        ),
        ("thin", "{name: t, measurement: run2, exposures: [10]}", "thin[0].measurement", ["not declared as counts"]),
        ("thin", "{name: t, measurement: run3, exposures: [10]}", "thin[0].measurement", ["normalised"]),
        ("thin", "{name: t, measurement: run4, exposures: [10]}", "thin[0]", ["no measuring time of run4"]),
        ("thin", "{name: t, measurement: run1, exposures: [100]}", "thin[0].exposures", ["shorter times"]),
        ("thin", "{name: t, measurement: run1, exposures: []}", "thin[0].exposures", ["expected"]),
    ],
)
def test_mistake(tmp_path: Path, key: str, value: str, place: str, words: list[str]) -> None:
    found = problems(tmp_path, **{key: value})
    assert any(place in one and all(word in one for word in words) for one in found), found


def test_noise_levels_need_normal_noise(tmp_path: Path) -> None:
    found = problems(tmp_path, candidate="relative", truth="{constant.level: 1}", levels="noise_levels: [0.1]")
    assert any("whose noise is normal_relative" in one and "normal or poisson" in one for one in found)
    found = problems(tmp_path, candidate="outliers", truth="{constant.level: 1}", levels="noise_levels: [0.1]")
    assert any("whose noise is student_t" in one and "normal or poisson" in one for one in found)
    found = problems(tmp_path, candidate="normal", truth="{constant.level: 1}")
    assert any("whose noise is normal" in one and "Write noise_levels instead" in one for one in found)


def test_counts_need_a_rate_everywhere(tmp_path: Path) -> None:
    dark = GOOD["truth"].replace("level: 0.5", "level: 0")
    found = problems(tmp_path, truth=dark, axis="{start: -3, stop: 3, points: 31}")
    assert any("a rate of " in one and "at x = -3" in one and "Add a positive background" in one for one in found), (
        found
    )


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        ("fixed(0.5)", ["flat.level", "fixed at 0.5 where 5 is true at exposure 10", '"fixed(0.5 * exposure)"']),
        ("fixed(y_min)", ["flat.level", "y_min of data that are not made yet", "Fix it at a number"]),
    ],
)
def test_fixed_values_are_those_of_the_curve(tmp_path: Path, prior: str, words: list[str]) -> None:
    truth = GOOD["truth"].replace(", flat.level: 0.5", "")
    found = problems(tmp_path, truth=truth, flat=prior)
    assert any("simulate[0].truth" in one and all(word in one for word in words) for one in found), found
    assert problems(tmp_path, truth=truth, flat="fixed(0.5 * exposure)") == []


def test_a_fixed_level_is_thinned_like_the_counts(tmp_path: Path) -> None:
    truth = GOOD["truth"].replace(", flat.level: 0.5", "")
    found = problems(tmp_path, truth=truth, flat="fixed(5)")
    words = [
        "candidates.peaks",
        "flat.level, which is fixed at 5 at exposure 10, as at 100; expected 0.5",
        "thinned for t",
    ]
    assert any(all(word in one for word in (*words, '"fixed(0.05 * exposure)"')) for one in found), found
    assert not any("thinned" in one for one in problems(tmp_path, truth=truth, flat="fixed(0.05 * exposure)"))
    assert not any("thinned" in one for one in problems(tmp_path, truth=truth, flat="fixed(0)"))


def test_an_id_of_the_sheet_is_not_made_again(tmp_path: Path) -> None:
    found = problems(tmp_path, sheet=SHEET + "S_t10_002\ta.csv\tcounted\t5\n")
    assert any(
        "simulate[0].name" in one and "the id s_T10_002, which is that of a row of the sheet" in one for one in found
    )


def test_exposure_in_a_prior_needs_the_column(tmp_path: Path) -> None:
    found = problems(
        tmp_path, sheet=SHEET.replace("counted\t100", "counted\t"), thin=GOOD["thin"][:-1] + ", exposure: 50}"
    )
    assert any("candidates.peaks" in one and "exposure for run1, which has none" in one for one in found), found


def test_a_true_candidate_must_be_asked_of_its_measurements(tmp_path: Path) -> None:
    found = problems(tmp_path, name="other")
    assert any("other_T1_001" in one for one in found)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("exposure: 10", ["exposure: 10 for s_T1_001, which is made at an exposure of its own", "exposure: exposure"]),
        ("exposure: time", ["the column 'time', which the sheet does not have"]),
        ("dark: 2", ["dark without exposure for s_T1_001", "expected exposure: exposure"]),
        ("exposure: exposure, dark: bg", ["the column 'bg', which the sheet does not have"]),
        ("exposure: exposure, dark: 'gamma(2, 2)'", ["no value of dark.level"]),
    ],
)
def test_exposures_of_studies_are_those_at_which_they_are_made(tmp_path: Path, more: str, words: list[str]) -> None:
    found = problems(tmp_path, more=f", {more}")
    assert any(all(word in one for word in words) for one in found), found


def test_rates_of_studies_are_good(tmp_path: Path) -> None:
    assert problems(tmp_path, more=", exposure: exposure, dark: 0.5") == []


def test_a_thinned_rate_has_the_exposure_of_the_sheet(tmp_path: Path) -> None:
    thin = "{name: t, measurement: run1, exposure: 300, exposures: [10]}"
    assert problems(tmp_path, thin=thin) == []
    (found,) = problems(tmp_path, thin=thin, more=", exposure: exposure")
    assert "thin[0].exposure: 300, where the sheet has 100 for run1, whose curve is a rate" in found


def test_a_known_level_does_not_grow_where_it_is_a_rate(tmp_path: Path) -> None:
    truth = GOOD["truth"].replace(", flat.level: 0.5", "")
    assert problems(tmp_path, truth=truth, flat="fixed(0.5)", more=", exposure: exposure") == []
    found = problems(tmp_path, truth=truth, flat="fixed(0.5 * exposure)", more=", exposure: exposure")
    assert any("fixed at 5 where 0.5 is true at exposure 10" in one for one in found), found
    (thinned,) = (one for one in found if "thinned for t" in one)
    assert "flat.level, which is 5 at exposure 10; expected 50, as the counts are thinned" in thinned
    assert "fixed(...) with a number" in thinned


def test_one_study_without_a_list_names_a_bad_level_once(tmp_path: Path) -> None:
    text = CAMPAIGN.format(**{**GOOD, "levels": "exposures: [1, -1]"})
    head, rest = text.split("simulate:\n  - ")
    found = problems_of(tmp_path, head + "simulate:\n    " + rest, SHEET)
    assert sum("simulate.exposures[1]: -1" in message for message in found) == 1


def test_study_with_a_mistake_is_not_taken_for_a_missing_sheet(tmp_path: Path) -> None:
    campaign = (
        "campaign: test\n"
        "candidates: {line: {parts: [{component: linear}], noise: {sigma: column}}}\n"
        "simulate:\n"
        "  - {name: s, candidate: line, truth: {linear.slope: 1, linear.level: 0}, pointz: 3, noise_levels: 1,\n"
        "     axis: {start: 0, stop: 1, points: 9}}\n"
        "integration: [{group: g, measurements: [s_sd1_001, s_sd1_002], candidate: line, shared: [linear.slope]}]\n"
    )
    said = "\n".join(problems_of(tmp_path, campaign, None))
    assert "simulate[0].pointz: the unknown key 'pointz'" in said
    assert "no such file" not in said
    assert "s_sd1" not in said
