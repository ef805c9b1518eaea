"""A campaign of more measurements than a page shows one by one: counts, choice and table against what was put in."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.report.all_table import all_table
from bayesbeam.report.figures.many import Spread, spreads_figure
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.many import MANY, chosen, is_many, judged_all, main_rows, reasons_of, selected
from bayesbeam.report.many_view import hidden_views, many_view
from bayesbeam.report.records import Candidate, Facts, MeasurementResult, Results, Row
from bayesbeam.report.studied import Member, Study
from bayesbeam.report.style import figure_style
from bayesbeam.report.tables import write_tables

BAD = "forward and backward estimates differ by {} standard errors"


def result(
    number: int, odds: float = 0.9, verdict: str = "reliable", reasons: tuple[str, ...] = ()
) -> MeasurementResult:
    """Two candidates, of which the second has these odds and this verdict; its line lies at 10 + number."""
    name = f"m{number:03d}"
    rows = (
        Row("peak.amplitude", None, "counts", mean=3.0, sd=0.2),
        Row("peak.position", None, "eV", mean=10.0 + number, sd=0.5, q025=9.0 + number, q975=11.0 + number),
        Row("level.level", None, "counts", mean=1.0, sd=0.0),
    )
    one, two = (
        Candidate(
            name, "peaks", f"peaks-k{k}", k, free_energy=20.0 - k, standard_error=0.1, model_probability=p,
            probability_error=0.01, parameters=rows, predictive_p=0.5, rhat_max=1.0 + number / 1000,
            verdict=verdict if k == 2 else "reliable", reasons=reasons if k == 2 else (),
        )
        for k, p in ((1, 1 - odds), (2, odds))
    )  # fmt: skip
    return MeasurementResult(name, name, None, (one, two))


def results() -> Results:
    """Fifty decided for two, four of these not reliable; five for one; three undecided; two refused."""
    found = [result(n) for n in range(46)]
    found += [result(46 + n, 0.95, "not reliable", (BAD.format(3.1 + n), "rare")) for n in range(4)]
    found += [result(50 + n, 0.1) for n in range(5)]
    found += [result(55 + n, 0.55 + 0.05 * n) for n in range(3)]
    found += [MeasurementResult(f"m{n:03d}", f"m{n:03d}", None, refusal=f"m{n:03d}.txt: 0 numbers") for n in (58, 59)]
    return Results(Facts("c", "", tuple(one.id for one in found)), tuple(found), ())


def test_from_how_many_on_a_campaign_is_large() -> None:
    everything = results()
    few = Results(everything.facts, everything.measurements[:MANY], ())
    assert is_many(everything)
    assert not is_many(few)


def test_models_verdicts_and_reasons_are_counted() -> None:
    everything = judged_all(results())
    found = {one.label: (one.total, one.undecided, one.shaky) for one in selected(everything)}
    assert found == {"K = 2": (53, 3, 4), "K = 1": (5, 0, 0)}
    reasons = [(one.verdict, one.words, one.total, one.examples[0]) for one in reasons_of(everything)]
    assert reasons == [
        ("refused", "….txt: … numbers", 2, "m058"),
        ("not reliable", BAD.format("…"), 4, "m046"),
        ("not reliable", "rare", 4, "m046"),
    ]


def test_shown_are_the_worst_the_refused_the_least_decided_and_typical_ones() -> None:
    why = chosen(results())
    assert list(why) == sorted(why)
    by_why: dict[str, list[str]] = {}
    for name, words in why.items():
        by_why.setdefault(words, []).append(name)
    assert by_why["among the least reliable"] == ["m047", "m048", "m049"]  # of the largest R-hat
    assert by_why["refused"] == ["m058", "m059"]
    assert by_why["among the least decided"] == ["m055", "m056"]
    assert by_why["typical of those with its best model"] == ["m023", "m052"]
    hidden = hidden_views(results())
    assert len(hidden) + len(why) == 60
    assert {one.answer.verdict for one in hidden} == {"reliable", "not reliable"}


def test_where_few_are_not_reliable_the_least_described_are_shown() -> None:
    found = list(results().measurements)
    for number, p in ((3, 1e-5), (7, 1e-9), (9, 1e-7)):
        one, two = (replace(each, predictive_p=p) for each in found[number].candidates)
        found[number] = replace(found[number], candidates=(one, two))
    kept = [one for one in found if one.id not in ("m046", "m047")]  # two that are not reliable are left
    why = chosen(Results(Facts("c", "", tuple(one.id for one in kept)), tuple(kept), ()))
    assert [name for name, words in why.items() if "reservations" in words] == ["m007"]
    assert [name for name, words in why.items() if words == "among the least reliable"] == ["m048", "m049"]


def test_of_a_study_the_first_of_each_level_is_shown_as_before() -> None:
    plain = results()
    study = Study("s", "noise_level", tuple(Member(one.id, 0.1, k) for k, one in enumerate(plain.measurements, 1)))
    why = chosen(Results(Facts("c", "", plain.facts.measurements, (), (study,)), plain.measurements, ()))
    assert why["m000"] == "the first of its level in a study"
    assert "m049" in why


def test_main_quantities_are_free_and_places_come_first() -> None:
    assert main_rows(judged_all(results())) == [("peak.position", "eV"), ("peak.amplitude", "counts")]


def test_table_has_every_measurement_with_numbers_to_sort_by() -> None:
    table = all_table(judged_all(results()), {"m049": "#fit--m049"})
    columns = {one.head: one for one in table.columns}
    assert columns["measurement"].texts == tuple(f"m{n:03d}" for n in range(60))
    assert columns["peak.position (eV)"].keys[:3] == (10.0, 11.0, 12.0)
    assert columns["peak.position (eV)"].texts[0] == "10.0\u00a0±\u00a00.5"
    assert math.isnan(columns["probability"].keys[59])
    assert columns["best model"].texts[50] == "K = 1"
    assert columns["next"].texts[50] == "K = 2 (0.10)"
    assert columns["why"].texts[58] == "m058.txt: 0 numbers"
    data = json.loads(table.data)
    assert data["links"][49] == "#fit--m049"
    assert data["kinds"][49:51] == ["bad", "good"]
    assert data["columns"][3]["keys"][59] is None
    assert len(table.first) == 50


def test_names_from_data_cannot_end_the_script_element() -> None:
    nasty = MeasurementResult("m", "</script><script>alert(1)</script>&\u2028", None, refusal="<b>no</b>")
    table = all_table(judged_all(Results(Facts("c", "", ("m",)), (nasty,), ())), {})
    assert not set("<>&\u2028") & set(table.data)
    assert json.loads(table.data)["columns"][1]["texts"] == [nasty.name]


def test_rows_of_all_measurements_are_in_a_table(tmp_path: Path) -> None:
    write_tables(results(), tmp_path)
    with (tmp_path / "measurements.csv").open(encoding="utf-8") as file:
        rows = {row["measurement"]: row for row in csv.DictReader(file)}
    assert len(rows) == 60
    assert (rows["m050"]["count"], rows["m050"]["model_probability"], rows["m050"]["next_count"]) == ("1", "0.9", "2")
    assert rows["m046"]["reasons"].startswith("K = 2: forward and backward")
    assert (rows["m059"]["verdict"], rows["m059"]["count"]) == ("refused", "")


def test_view_says_what_holds_for_all(tmp_path: Path) -> None:
    with figure_style():
        view = many_view(results(), {}, Gallery(tmp_path))
    assert view.overview == "60 measurements: 54 reliable, 4 not reliable and 2 refused."
    assert view.sentences == (
        "Of 58 measurements that were analysed, the most probable model is K = 2 in 53 and K = 1 in 5.",
        "In 3 of them no model has a probability of 0.75 or more: m055, m056 and m057.",
    )
    assert view.quantities is not None
    # Positions are 10 to 67 in steps of one: the middle is 38.5, and 68 of 100 of them lie in 0.68 x 57.
    assert [cell.text for cell in view.quantities.rows[0]][2:] == ["58", "38.5", "19.12", "57.88", "0.5", "39"]
    assert view.along is not None
    assert (tmp_path / "figures" / "all+spreads.svg").is_file()


def test_histogram_counts_every_value() -> None:
    values = np.concatenate([np.linspace(0, 1, 1000), [1e6, -1e6]])
    with figure_style():
        figure = spreads_figure([Spread("x", "eV", values)])
    assert figure is not None
    patch = figure.axes[0].patches[0]
    counts = patch.get_data().values  # type: ignore[attr-defined]
    assert int(counts.sum()) == len(values)


@pytest.mark.parametrize("value", [2.0, 0.0])
def test_histogram_of_one_value_has_a_width(value: float) -> None:
    with figure_style():
        figure = spreads_figure([Spread("x", "", np.full(50, value))])
    assert figure is not None
    low, high = figure.axes[0].get_xlim()
    assert low < value < high
