"""Sentences on phases: each warning where its cause is planted, and nowhere else."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bayesbeam.io.store import Measurement
from bayesbeam.report.phase_series import follow_each_other
from bayesbeam.report.phase_view import library_words, phases_table, sets_table, unknown_table
from bayesbeam.report.phase_words import (
    arm_words,
    details,
    error_words,
    refined_words,
    reservations,
    searched,
    sentence,
    time_words,
)
from bayesbeam.report.records import Candidate, MeasurementResult
from bayesbeam.report.weighed import extra_phases, named_words, same_formula, weighed_of, weighed_words
from bayesbeam.report.wording import CHECK, GOOD, measurement_answer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from made_up_spectra import NASTY


def amount(mean: float, sd: float) -> dict[str, float]:
    return {"mean": mean, "sd": sd, "q025": mean - 1.96 * sd, "median": mean, "q975": mean + 1.96 * sd}


def phase(name: str, probability: float, mean: float = 0.5, **more: Any) -> dict[str, Any]:
    """One phase that nothing speaks against."""
    kind = "present" if probability > 0.5 else "not present"
    return {
        "name": name, "formula": name, "probability": probability, "probability_half": probability,
        "probability_double": probability, "kind": kind, "family": None, "lines_seen": 9, "lines_in_range": 20,
        "weight_fraction": amount(mean, 0.01) if probability > 0.5 else None, "share": amount(mean, 0.02), "cell": [],
    } | more  # fmt: skip


def facts(*phases: dict[str, Any], lines: int = 0, **more: Any) -> dict[str, Any]:
    """Facts of an answer that nothing speaks against."""
    best = [one["name"] for one in phases if one["kind"] != "not present"]
    left = [{"two_theta": 20.0 + 7.3 * k, "d": 4.4 - 0.7 * k, "z": 9.0 + k} for k in range(lines)]
    return {
        "phases": list(phases), "families": [], "best": best, "error": 0.0, "sets_looked_at": 40,
        "library": {"name": "lib", "entries": 188, "candidates": 175}, "beam": {"wavelengths": [1.54]},
        "sets": [{"phases": best, "probability": 0.99, "free_energy": 0.0}],
        "unknown": {"open": lines > 1, "share": 0.08, "lines": left},
        "noise": {"line": 0.15, "form": 0.1, "estimated": True},
        "arms": {"exchange": {"top": best}, "variational": {"top": best, "agrees": True}},
    } | more  # fmt: skip


PAIR = phase("ZnO", 0.999, 0.3), phase("CaF2", 0.98, 0.7)


def plain_text(words: str) -> str:
    return words.replace("\u00a0", " ")


def test_the_sentence_names_phases_by_their_weight_and_says_that_nothing_is_left() -> None:
    assert plain_text(sentence(facts(*PAIR))) == (
        "CaF2 (70.0 ± 1.0 wt %) and ZnO (30.0 ± 1.0 wt %); nothing is unexplained."
    )
    assert sentence(facts(phase("ZnO", 0.99, 1.0))) == "ZnO alone; nothing is unexplained."
    assert sentence(facts(phase("ZnO", 0.1))) == "none of the candidates is seen; nothing is unexplained."
    assert reservations(facts(*PAIR)) == []
    assert details(facts(*PAIR)) == []


def test_lines_of_no_candidate_are_told_first() -> None:
    said = plain_text(sentence(facts(*PAIR, lines=3)))
    assert said.startswith(
        "something here is none of the 175 candidates: 3 lines that no phase explains, the clearest at 34.60° "
        "(d 3.000 Å), 8 % of the intensity; besides it CaF2 ("
    )
    assert "alone" not in sentence(facts(phase("ZnO", 0.99, 1.0), lines=3))
    assert "not complete" in reservations(facts(*PAIR, lines=3))[0]
    assert sentence(facts(*PAIR, lines=1)).endswith("; one line is left at 20.00° unexplained.")
    assert reservations(facts(*PAIR, lines=1)) == []


def test_a_trace_is_told_apart_from_what_is_there() -> None:
    trace = phase("NiO", 0.7, 0.004, kind="possible trace", lines_seen=2)
    found = facts(*PAIR, trace)
    assert "NiO" not in sentence(found)
    (said,) = reservations(found)
    assert plain_text(said) == (
        "possible trace, with too few lines of its own: NiO (0.4 ± 1.0 wt %, probability 0.70, 2 of 20 lines)"
    )
    many = [phase(f"p{k}", 0.7, 0.004, kind="possible trace") for k in range(10)]
    (said,) = reservations(facts(*PAIR, *many))
    assert said.startswith("possible traces, with too few lines of their own: p0 (")
    assert said.endswith("and 2 more")


def test_look_alikes_share_an_answer() -> None:
    family = {"name": "Al", "members": ["Al", "Ag", "Au"], "probability": 0.99}
    even = facts(phase("Al", 0.45), phase("Ag", 0.4), phase("Au", 0.14), families=[family])
    assert sentence(even).startswith("one of Al (0.45), Ag (0.40) or Au (0.14);")
    assert reservations(even) == ["the pattern does not tell Al (0.45), Ag (0.40) from Au (0.14): they look alike"]
    leaning = facts(phase("Al", 0.7, 1.0), phase("Ag", 0.28), phase("Au", 0.01), families=[family])
    assert sentence(leaning).startswith("Al or Ag alone;")
    assert len(reservations(leaning)) == 1
    both = facts(phase("Al", 0.99, 0.6), phase("Ag", 0.98, 0.4), families=[family])
    assert plain_text(sentence(both)).startswith("Al (60.0 ± 1.0 wt %) and Ag (40.0 ± 1.0 wt %);")
    trace = facts(phase("Al", 0.8, 0.1, kind="possible trace"), phase("Ag", 0.2), families=[family])
    assert sentence(trace).startswith("none of the candidates is seen;")
    sure = facts(phase("Al", 0.99, 1.0), phase("Ag", 0.01), families=[family])
    assert sentence(sure).startswith("Al alone;")
    assert reservations(sure) == []


def test_an_estimated_error_is_told_beside_the_one_that_was_taken() -> None:
    assert error_words(facts(*PAIR)) == (
        "model error estimated as 15 % of a line's intensity and 10 % of its form for amounts and cells"
    )
    noise = {"line": 0.05, "form": 0.025, "estimated": True, "assumed": {"line": 0.15, "form": 0.1}, "again": False}
    assert error_words(facts(*PAIR, noise=noise)) == (
        "model error taken as 15 % of a line's intensity and 10 % of its form for the search; then estimated as 5 % of "
        "a line's intensity and 2.5 % of its form for amounts and cells"
    )
    again = noise | {"assumed": {"line": 0.06, "form": 0.03}, "again": True}
    assert error_words(facts(*PAIR, noise=again)).startswith(
        "model error estimated as 6 % of a line's intensity and 3 %"
    )
    assert error_words(facts(*PAIR, noise=noise | {"estimated": False})).startswith("model error taken as 5 %")
    (said,) = reservations(facts(phase("ZnO", 0.9, probability_estimated=0.4)))
    assert said == "probabilities hang on the model error: ZnO (0.90, 0.40 with what the pattern tells of it)"


def test_what_more_sets_would_change_is_told() -> None:
    assert searched(facts(*PAIR)) == (
        "175 candidates, 40 sets of the likely ones looked at, outwards from the best; with more of them no "
        "probability moves"
    )
    assert searched(facts(*PAIR, error=0.013)).endswith("with more of them probabilities move by 0.01")


@pytest.mark.parametrize(("half", "double", "told"), [(0.6, 0.97, 1), (0.98, 0.4, 1), (0.9, 0.8, 0), (None, None, 0)])
def test_an_answer_that_hangs_on_the_model_error_says_so(half: float | None, double: float | None, told: int) -> None:
    """A change by more than a quarter, or to the other side of a half."""
    found = reservations(facts(phase("ZnO", 0.9, probability_half=half, probability_double=double)))
    assert len(found) == told
    assert all("probabilities hang on the model error: ZnO (0.90, " in one for one in found)
    words = "with half of it" if half == 0.6 else "with twice as much"
    assert all(words in one for one in found)
    trace = phase("ZnO", 0.9, probability_half=half, probability_double=double, kind="possible trace")
    assert not any("hang" in one for one in reservations(facts(trace)))


def test_another_answer_of_the_variational_search_is_told() -> None:
    # It is the answer that is compared, whatever both arms say of one set of columns.
    arms = {"variational": {"top": ["ZnO", "NiO"], "agrees": True}}
    (said,) = reservations(facts(*PAIR, arms=arms))
    assert said == "the variational search finds another set, with NiO and without CaF2: the exact one is shown"
    assert reservations(facts(*PAIR, arms={"variational": None})) == []
    assert reservations(facts(*PAIR, arms={"variational": {"top": ["CaF2", "ZnO"], "agrees": False}})) == []


def test_agreement_and_time_are_told_too() -> None:
    assert arm_words(facts(*PAIR)) == "The variational search finds the same set"
    assert arm_words(facts(*PAIR, arms={"variational": {"top": ["NiO"], "agrees": True}})) == ""
    assert arm_words(facts(*PAIR, arms={"variational": None})) == ""
    assert (
        time_words(facts(*PAIR, seconds={"search": 9.53, "library": 0.04}))
        == "Found in 9.6 s: search 9.5 s, library 0.0 s"
    )
    assert time_words(facts(*PAIR)) == ""


def test_the_next_set_is_named_where_the_first_is_not_sure() -> None:
    sets = [{"phases": ["ZnO", "CaF2"], "probability": 0.8, "free_energy": 0.0},
            {"phases": ["ZnO", "CaF2", "NiO"], "probability": 0.15, "free_energy": 1.67},
            {"phases": [], "probability": 0.05, "free_energy": 2.8}]  # fmt: skip
    assert details(facts(*PAIR, sets=sets)) == ["this set 0.80; next: with NiO, 0.15"]
    rows = [[cell.text for cell in row] for row in sets_table(facts(*PAIR, sets=sets)).rows]
    assert rows[0] == ["1", "ZnO and CaF2", "2", "0.80", "0"]
    assert rows[1] == ["2", "with NiO", "3", "0.15", "1.67"]
    assert rows[2][1] == "no phase at all"


def sampled(**more: Any) -> dict[str, Any]:
    """A set of which the normal approximation was right."""
    return {
        "phases": ["ZnO", "CaF2"], "free_energy": 12.4, "laplace": 12.2, "verdict": "reliable", "reasons": [],
        "cell_change": 0.12, "height_change": 0.04, "sd_ratio": [0.9, 1.1],
    } | more  # fmt: skip


def test_it_is_told_whether_the_normal_approximation_was_borne_out() -> None:
    assert refined_words(facts(*PAIR)) == refined_words(facts(*PAIR, refined=[])) == ""
    assert refined_words(facts(*PAIR, refined=[sampled()])) == (
        "Cells, widths and amounts of one set were sampled: the normal approximation is borne out (free energy off by "
        "0.2 nats, cells and amounts by 0.1 sd at most, their sd 0.9 to 1.1 times as large)"
    )
    for wrong in ({"laplace": 9.0}, {"cell_change": 0.8}, {"height_change": 2.0}, {"sd_ratio": [0.9, 2.0]},
                  {"sd_ratio": [0.5, 1.0]}):  # fmt: skip
        assert "of 2 sets were sampled: the normal approximation is not borne out (free energies off" in refined_words(
            facts(*PAIR, refined=[sampled(), sampled(**wrong)])
        )
    short = sampled(verdict="not reliable", reasons=["too few draws"], laplace=0.0)
    assert refined_words(facts(*PAIR, refined=[short])) == (
        "Sampling of ZnO + CaF2 is not reliable (too few draws): what is shown of it is the normal approximation"
    )


def result_of(found: dict[str, Any], **columns: float) -> MeasurementResult:
    data = Measurement(id="m", metadata={name.replace("_", "."): value for name, value in columns.items()})
    one = Candidate("m", "powder", "powder", phases=found, verdict="reliable", model_probability=1.0)
    return MeasurementResult("m", "m", data, (one,))


def test_the_verdict_is_that_of_the_search_with_what_speaks_against_it() -> None:
    assert measurement_answer(result_of(facts(*PAIR))).verdict == GOOD
    answer = measurement_answer(result_of(facts(*PAIR, lines=4)))
    assert answer.verdict == CHECK
    assert len(answer.reasons) == 1


def test_probabilities_under_other_errors_are_in_one_cell_of_the_table() -> None:
    alike = phase("ZnO", 0.9999, probability_half=0.9998, probability_double=0.9999, probability_estimated=0.99999)
    other = phase("CaF2", 0.98, probability_estimated=0.4)
    table = phases_table(facts(alike, other))
    assert table.heads[-1] == "error halved / doubled / estimated"
    assert [plain_text(row[-1].text) for row in table.rows] == ["all > 0.999", "0.98 / 0.98 / 0.40"]
    assert [row[-1].kind for row in table.rows] == ["number", "number bad"]
    assert phases_table(facts(*PAIR)).heads[-1] == "error halved / doubled"


def test_free_energies_of_sets_stand_with_their_errors() -> None:
    best = {"phases": ["ZnO"], "probability": 0.9, "free_energy": 0.0, "error": 0.03}
    rest = [
        {"phases": ["ZnO", name], "probability": 0.05, "free_energy": 2.9, "error": error}
        for name, error in (("NiO", 0.05), ("CaO", None))
    ]
    cells = [plain_text(row[-1].text) for row in sets_table(facts(*PAIR, sets=[best, *rest])).rows]
    assert cells == ["0", "2.90 ± 0.05", "2.90"]


def test_weighed_phases_are_found_by_name_by_formula_and_by_family() -> None:
    found = facts(
        phase("TiO2-Anatase", 0.99, 0.4, formula="O2 Ti"), phase("Al", 0.9, 0.5), phase("NiO", 0.99, 0.1),
        families=[{"name": "Al", "members": ["Al", "Ag"], "probability": 0.99}],
    )  # fmt: skip
    result = result_of(found, weighed_TiO2=45.0, weighed_Ag=45.0, weighed_MgO=10.0)
    rows = {one.label: one for one in weighed_of(result, found)}
    assert (rows["TiO2"].phases, rows["TiO2"].by) == (("TiO2-Anatase",), "formula")
    assert (rows["Ag"].phases, rows["Ag"].by) == (("Al",), "look-alike")
    assert not rows["MgO"].found
    assert rows["Ag"].among == pytest.approx(50.0)
    assert rows["Ag"].covered
    assert not rows["TiO2"].covered  # 40 +- 2 against 50
    assert [one["name"] for one in extra_phases(result, found)] == ["NiO"]
    said = weighed_words(tuple(rows.values()), ["NiO"])
    assert said == (
        "2 of 3 weighed phases found (not MgO); largest difference 10 wt % of TiO2; 1 of 2 intervals (95 %) hold what "
        "was weighed; not weighed in, but found: NiO"
    )
    assert weighed_of(result_of(found), found) == ()
    assert extra_phases(result_of(found), found) == []
    table = phases_table(found, tuple(rows.values()))
    assert [row[0].text for row in table.rows][-1] == "MgO"
    assert "Al2O3-Corundum" not in str(table)


def test_a_weighed_copy_is_found_as_what_it_was_merged_into() -> None:
    found = facts(phase("Al2O3-Sapphire", 0.99, 1.0, formula="?"))
    assert not weighed_of(result_of(found, **{"weighed_Al2O3-Corundum": 100.0}), found)[0].found
    found["library"]["copies"] = [{"kept": "Al2O3-Sapphire", "copy": "Al2O3-Corundum"}]
    (row,) = weighed_of(result_of(found, **{"weighed_Al2O3-Corundum": 100.0}), found)
    assert (row.phases, row.by) == (("Al2O3-Sapphire",), "name")


def test_named_phases_are_looked_for_and_others_told() -> None:
    found = facts(phase("MnO-225", 0.99, 0.6, formula="Mn O"), phase("LiF", 0.9, 0.4))
    data = Measurement(id="m", metadata={"named": "MnO TiO2"})
    result = replace(result_of(found), measurement=data)
    assert named_words(result, found) == "1 of 2 named phases found (not TiO2); not named, but found: LiF"
    assert named_words(replace(result, measurement=Measurement(id="m", metadata={"named": "MnO LiF"})), found) == (
        "2 of 2 named phases found; no other"
    )
    assert named_words(result_of(found), found) == ""
    assert "1 of 2 named phases found" in measurement_answer(result).details[-1]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [("Al2O3", "O3 Al2", True), ("Al4O6", "Al2O3", True), ("La(OH)3", "La(OH)3", True), ("NiO", "NiO2", False),
     ("La(OH)3", "La2O3", False), ("phase 4", "M4O", False)],
)  # fmt: skip
def test_formulas_are_compared_by_their_elements(first: str, second: str, same: bool) -> None:
    assert same_formula(first, second) == same


def test_unrelated_samples_are_no_series() -> None:
    def members(*sets: str) -> list[tuple[MeasurementResult, Candidate]]:
        found = [result_of(facts(*(phase(name, 0.99) for name in names))) for names in sets]
        return [(one, one.candidates[0]) for one in found]

    assert follow_each_other(members("ab", "ab", "abc", "bc", "c"))
    assert follow_each_other(members("a", "a", "b", "b"))
    assert not follow_each_other(members("a", "bc", "def", "gh"))
    assert not follow_each_other(members("ab", "bc", "cd", "de"))


def test_tables_say_what_was_left_out_and_which_lines_are_left() -> None:
    found = facts(*PAIR, lines=2)
    found["library"] |= {"skipped": [{"file": NASTY}], "copies": [{}, {}], "outside": ["a"], "elements": ["Zn", "O"]}
    assert library_words(found) == (
        "Library lib: 175 candidates of 188 files; 1 left out, 2 merged as copies and 1 outside the elements; "
        "only Zn, O"
    )
    rows = [[cell.text for cell in row] for row in unknown_table(found).rows]
    assert rows == [["20.000", "4.4000", "9.0"], ["27.300", "3.7000", "10.0"]]
