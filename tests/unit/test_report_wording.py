"""Sentences of the report: never an argmax alone, never reliable where the diagnostics do not carry it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bayesbeam.report import wording
from bayesbeam.report.curves import Column, Draws, Fit
from bayesbeam.report.integration_words import group_answer
from bayesbeam.report.numbering_words import numbering_notes
from bayesbeam.report.records import Candidate, Facts, GroupResult, GroupRow, MeasurementResult, Results, Row
from bayesbeam.report.view import model_table

PM = "\u00a0±\u00a0"


def candidate(count: int, share: float, **more: object) -> Candidate:
    """Candidate with a probability."""
    facts = {"verdict": "reliable", "probability_error": 0.02, "free_energy": -np.log(share), "predictive_p": 0.4}
    return Candidate("pet", "peaks", f"peaks-k{count}", count, model_probability=share, **(facts | more))  # type: ignore[arg-type]


def measured(*candidates: Candidate) -> MeasurementResult:
    """Measurement with candidates."""
    return MeasurementResult("pet", "PET C 1s", None, candidates)


def test_clear_choice_names_its_probability_and_the_next() -> None:
    answer = wording.measurement_answer(measured(candidate(2, 0.005), candidate(3, 0.96), candidate(4, 0.035)))
    assert answer.sentence == f"three components (probability 0.96{PM}0.02; next: four components, 0.04{PM}0.02)."
    assert (answer.verdict, answer.kind, answer.decided) == ("reliable", "good", True)


@pytest.mark.parametrize("share", [0.5, 0.56, 0.74])
def test_close_race_is_undecided_and_names_both(share: float) -> None:
    answer = wording.measurement_answer(measured(candidate(3, share), candidate(4, 1 - share)))
    assert answer.sentence.startswith("undecided between three components (0.")
    assert "four components (0." in answer.sentence
    assert not answer.decided


def test_likely_is_not_said_as_sure() -> None:
    assert wording.choice(measured(candidate(3, 0.8), candidate(4, 0.2)).ranked).startswith("probably three components")


@pytest.mark.parametrize("shares", [(0.999, 0.001), (0.6, 0.4), (0.8, 0.2), (0.3, 0.3, 0.25, 0.15)])
def test_no_candidate_is_named_without_a_probability(shares: tuple[float, ...]) -> None:
    sentence = wording.choice(measured(*(candidate(k, share) for k, share in enumerate(shares, 1))).ranked)
    assert "0." in sentence


def test_only_candidate_was_not_chosen() -> None:
    assert "nothing was chosen" in wording.choice(measured(candidate(3, 1.0)).ranked)


def test_unreliable_rival_makes_the_answer_unreliable() -> None:
    """A rival whose free energy is not known well enough may be the better one."""
    answer = wording.measurement_answer(
        measured(candidate(3, 0.97), candidate(4, 0.03, verdict="not reliable", reasons=("2 round trips",)))
    )
    assert (answer.verdict, answer.kind) == ("not reliable", "bad")
    assert answer.reasons == ("K = 4: 2 round trips",)


def test_unreliable_candidate_far_behind_is_a_reservation() -> None:
    answer = wording.measurement_answer(measured(candidate(3, 1 - 1e-9), candidate(8, 1e-9, verdict="not reliable")))
    assert (answer.verdict, answer.kind) == ("with reservations", "check")
    assert "K = 8" in answer.reasons[0]


def test_none_of_these_is_said() -> None:
    answer = wording.measurement_answer(
        measured(candidate(1, 0.99, predictive_p=1e-4), candidate(2, 0.01, predictive_p=1e-3))
    )
    assert answer.verdict == "with reservations"
    assert "none of the candidates describes the data" in answer.reasons[0]


def checks(**found: float) -> dict[str, float]:
    """Checks that all went well but for those given; the farthest place is from 284.21 to 284.87, below the curve."""
    well = {"squares": 0.4, "runs": 0.3, "local": 0.2, "together": 0.3}
    return well | {"x_from": 284.87, "x_to": 284.21, "deviation": -6.04, "excess": -31.0, "share": 0.0312} | found


def test_none_of_these_says_which_check_and_where() -> None:
    one = candidate(1, 0.99, checks=checks(local=1e-7, together=3e-7))
    reason = wording.measurement_answer(measured(one)).reasons[0]
    assert "below the curve between 284.21 and 284.87" in reason
    assert "by 6.0 standard deviations (3.1 % of the height of the curve)" in reason
    assert "(p below 10⁻⁶)" in reason
    stiff = wording.measurement_answer(measured(candidate(1, 0.99, checks=checks(runs=1e-7, together=3e-7))))
    assert "residuals of one sign stand together" in stiff.reasons[0]
    wide = wording.measurement_answer(measured(candidate(1, 0.99, checks=checks(squares=1e-7, together=0.004))))
    assert "scatter about the curve by more than the noise allows" in wide.reasons[0]


def test_noise_that_is_stated_too_large_is_said_so_and_is_no_stiff_curve() -> None:
    quiet = checks(squares=0.99, runs=1e-15, local=0.99, together=3e-15)
    reasons = wording.measurement_answer(measured(candidate(1, 0.99, predictive_p=1.0, checks=quiet))).reasons
    assert len(reasons) == 1
    assert "closer to the curve than the noise allows" in reasons[0]
    loud = checks(squares=0.99, runs=1e-3, local=1e-9, together=3e-9)
    reasons = wording.measurement_answer(measured(candidate(1, 0.99, predictive_p=1.0, checks=loud))).reasons
    assert "the only candidate does not describe the data" in reasons[0]


def test_rounding_of_numbers_is_no_misfit() -> None:
    left = checks(runs=1e-30, together=1e-30, share=2e-16)
    assert wording.measurement_answer(measured(candidate(1, 0.99, checks=left))).verdict == "reliable"


def test_coefficients_of_a_regression_are_told_by_the_unit_of_their_column() -> None:
    rows = (
        Row("load.coefficient", mean=0.0311, sd=0.0071, unit="nm/[load]"),
        Row("alloy.coefficient", mean=0.86, sd=0.25, unit="nm"),
        Row("start.level", mean=0.4, sd=0.3, unit="nm"),
    )
    one = wording.measurement_answer(measured(candidate(1, 0.99, parameters=rows)))
    (said,) = [line.replace("\u00a0", " ") for line in one.details if "coefficient" in line]
    assert said == "coefficients, a unit of the column: load 0.031 ± 0.007 nm and alloy 0.86 ± 0.25 nm"
    many = tuple(Row(f"c{k}.coefficient", mean=1.0, sd=0.1) for k in range(7))
    crowd = wording.measurement_answer(measured(candidate(1, 0.99, parameters=many)))
    assert not any("coefficient" in line for line in crowd.details)


def test_the_table_says_by_which_title_an_answer_calls_a_candidate() -> None:
    first = Candidate("m", "by_load", "by_load", title="load", parts="constant + column + column")
    second = Candidate("m", "none", "none", title="a constant", parts="2 x gaussian + linear")
    made = [row[-1].text for row in model_table(measured(first, second)).rows]
    assert made == ["load: constant + 2 \u00d7 column", "a constant: 2 \u00d7 gaussian + linear"]
    (alone,) = model_table(measured(first)).rows
    assert alone[-1].text == "constant + 2 \u00d7 column"


def test_a_candidate_in_the_running_that_passes_the_checks_is_no_none_of_these() -> None:
    pair = candidate(1, 0.9, checks=checks(together=1e-7)), candidate(2, 0.1, checks=checks())
    assert wording.measurement_answer(measured(*pair)).verdict == "reliable"


def test_very_small_probabilities_are_not_told_to_their_power() -> None:
    one = candidate(1, 0.99, checks=checks(local=1e-200, together=3e-200))
    assert "(p below 10⁻²⁰)" in wording.measurement_answer(measured(one)).reasons[0]


def test_fields_and_shifts_are_named_in_the_answer() -> None:
    rows = (
        Row("iron.field", None, "T", "parameter", 33.04, 0.006),
        Row("iron.isomer_shift", None, "mm/s", "parameter", 0.0, 0.001),
    )
    answer = wording.measurement_answer(measured(candidate(1, 0.99, parameters=rows)))
    assert answer.details[:2] == (
        f"isomer shift 0.0000{PM}0.0010 mm/s",
        f"field 33.040{PM}0.006 T",
    )


def test_refused_measurement_says_why() -> None:
    answer = wording.measurement_answer(MeasurementResult("a", "a", None, refusal="0 of 9 points left"))
    assert (answer.verdict, answer.kind, answer.reasons) == ("refused", "gone", ("0 of 9 points left",))


def test_shares_of_areas_carry_their_uncertainty() -> None:
    """Areas 2 : 1 with independent errors of 1% of the whole: shares 66.7 and 33.3 with sd near 0.75."""
    generator = np.random.default_rng(7)
    values = np.array([2.0, 1.0]) + 0.03 * generator.standard_normal((4, 500, 2))
    columns = tuple(Column("peaks.area", index, "eV", "derived") for index in (1, 2))
    assert wording.area_shares(Draws(values, np.empty((0, 2)), columns)) == "areas 67 : 33 of 100 (±1)"


def grouped(share: float, gain: float, verdict: str = "reliable") -> tuple[GroupResult, Results]:
    """Group of two measurements, with all that its sentence needs."""
    alone = Row("peaks.position", 1, "eV", "parameter", 284.71, 0.01)
    one = Candidate("a", "peaks", "peaks-k1", 1, verdict="reliable", model_probability=1.0, parameters=(alone,))
    members = tuple(MeasurementResult(name, name, None, (one,)) for name in ("a", "b"))
    shared = Row("peaks.position", 1, "eV", "parameter", 284.70, 0.004)
    row = GroupRow(
        "peaks-k1", 1, gain=gain, gain_standard_error=0.2, probability=share, verdict=verdict, parameters=(shared,)
    )
    best = {"tag_integrated": "peaks-k1", "gain": gain, "gain_standard_error": 0.2, "probability": share}
    group = GroupResult("g", "peaks", ("a", "b"), ("peaks.position",), (row,), best, arrays=Path("none.h5"))
    return group, Results(Facts("c", "", ("a", "b"), ("g",)), members, (group,))


@pytest.mark.parametrize(
    ("share", "gain", "expected"),
    [
        (
            0.9999,
            12.3,
            "integrate a and b: one common position describes both (probability of integration above\u00a00.999",
        ),
        (
            1e-6,
            -14.0,
            "keep a and b apart: no common position describes both (probability of integration below\u00a00.001",
        ),
        (0.6, 0.4, "undecided whether one common position describes a and b (probability of integration 0.60"),
    ],
)
def test_integration_is_decided_in_words(share: float, gain: float, expected: str) -> None:
    answer = group_answer(*grouped(share, gain), {})
    assert answer.sentence.startswith(expected)
    assert ("lower" if gain > 0 else "higher") in answer.sentence
    told = f"peaks.position 1: 284.700{PM}0.004 eV; best single measurement 284.710{PM}0.010 (2.5 times wider)"
    assert answer.details == (() if share < 0.5 else (told,))


def test_unreliable_integration_is_no_decision() -> None:
    answer = group_answer(*grouped(0.9999, 12.3, "not reliable"), {})
    assert answer.verdict == "not reliable"
    assert answer.sentence.startswith("no decision, since a run behind it is not reliable; as computed, integrate")


@pytest.mark.parametrize("verdict", ["not reliable", "with reservations"])
def test_integration_inherits_the_doubts_of_its_members(verdict: str) -> None:
    answer = group_answer(*grouped(0.9999, 12.3), {"a": wording.Answer("a", "a", verdict, "")})
    assert answer.verdict == "with reservations"
    assert answer.reasons[0].startswith("a alone")


def test_end_of_the_range_is_said() -> None:
    """The largest count that was asked is the best, or nearly: the list of candidates may be too short."""
    last = wording.measurement_answer(measured(candidate(3, 0.01), candidate(4, 0.99))).details
    assert last == ("four is the largest count that was asked: larger ones were not compared",)
    assert wording.measurement_answer(measured(candidate(3, 0.99), candidate(4, 0.01))).details == ()
    near = wording.measurement_answer(measured(candidate(3, 0.7), candidate(4, 0.3))).details
    assert near == ("four is the largest count that was asked: larger ones were not compared",)


def test_peaks_that_cannot_be_told_apart_are_named_the_most_alike_first() -> None:
    pairs = [{"first": a, "second": a + 1, "overlap": 0.06 + 0.1 * a} for a in range(1, 6)]
    part = {"part": "peaks", "by": "order", "doubtful": pairs}
    details = wording.measurement_answer(measured(candidate(5, 0.99, numbering=(part,)), candidate(4, 0.01))).details
    assert details[-1] == (
        "peaks 5 and 6 (overlap 56 %), 4 and 5 (overlap 46 %), 3 and 4 (overlap 36 %) and 2 and 3 (overlap 26 %) "
        "and 1 more pair cannot be told apart"
    )
    (note,) = numbering_notes([part])
    assert note.startswith("Peaks 5 and 6")
    assert note.endswith(": what is said of each alone holds for a label, not a peak.")


def test_peaks_numbered_by_assignment_are_said_to_be() -> None:
    assert numbering_notes([{"part": "peaks", "by": "order", "doubtful": []}]) == []
    (note,) = numbering_notes([{"part": "peaks", "by": "assignment", "doubtful": []}])
    assert note.startswith(
        "peaks: their positions cross, so every draw is assigned to the peaks that it resembles most"
    )
    assert "told apart" not in note


def test_waves_in_the_residuals_are_a_reservation() -> None:
    x = np.linspace(0.0, 1.0, 400)
    bands = np.zeros((5, x.size))
    wavy = Fit(x, x, x, bands, bands[:4], bands[None, :3], ("a",), np.sin(40 * x))
    answer = wording.measurement_answer(measured(candidate(3, 0.99), candidate(4, 0.01)), None, wavy)
    assert answer.verdict == "with reservations"
    assert "neighbouring residuals are alike" in answer.reasons[0]
    joined = measured(candidate(3, 0.99, predictive_p=1e-4), candidate(4, 0.01, predictive_p=1e-4))
    (reason,) = wording.measurement_answer(joined, None, wavy).reasons
    assert reason.startswith("none of the candidates describes the data within its noise")
    assert "neighbouring residuals are alike (autocorrelation 0.99), so the uncertainties are too small" in reason
    loose = measured(candidate(3, 0.99, predictive_p=0.999), candidate(4, 0.01))
    closer, waves = wording.measurement_answer(loose, None, wavy).reasons
    assert "closer to the curve than the noise allows" in closer
    assert waves.endswith("the curve misses something in the data")  # and no word of uncertainties that are too small


def test_overview_counts_every_verdict() -> None:
    answers = [wording.Answer(str(n), "", verdict, "") for n, verdict in enumerate(("reliable", "reliable", "refused"))]
    assert wording.overview(answers, []) == "Three measurements: 2 reliable and 1 refused."
    assert wording.overview(answers, [], 3) == "Three measurements: 2 reliable and 1 refused."
    some = "500 measurements, three of them one by one: 2 reliable and 1 refused."
    assert wording.overview(answers, [], 500) == some
    asked = wording.overview(answers, [], 500, answers[:1])
    assert asked == some.removesuffix(".") + "; one question before there are data."
