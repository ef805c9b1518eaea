"""Integration of simulated pairs: decided rightly, refused members, missing or outdated separate results."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.errors import DamagedError, StoreError
from bayesbeam.integration.decide import decide, decision_words
from bayesbeam.io.results import read_result, write_result
from bayesbeam.io.samples import read_records
from bayesbeam.io.seal import seal_text
from short_runs import shorten
from stage_fixture import HASTY, Lab, make_lab, peak

ONE = """\
  peaks:
    parts:
      - {component: gaussian, name: peak, count: COUNT,
         priors: {amplitude: "uniform(0, 3)", position: "uniform(0, 3)"}, fixed: {sd: 0.2}}
    noise: {family: normal, sigma: 0.1}
"""
SAMPLING = "{target_standard_error: 0.4, seed: 7, max_sweeps: 6000, chains: 6, replicas: 8, draws: 200, device: cpu}"
BAD = "0 1\n1 nan\n" + "".join(f"{i} 1\n" for i in range(2, 60))


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be short where numbers do not matter; the fixtures of the module come before."""
    shorten(monkeypatch.setattr)


def group(*members: str) -> str:
    return f"  - {{group: pair, measurements: [{', '.join(members)}], candidate: peaks, shared: [peak.position]}}\n"


def strict(path: Path) -> dict[str, Any]:
    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} in {path.name}")

    json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    content: dict[str, Any] = read_result(path)
    return content


def lab_of(
    folder: Path, data: dict[str, str], members: tuple[str, ...], count: str = "1", sampling: str = HASTY
) -> Lab:
    lab = make_lab(folder, data, ONE.replace("COUNT", count), integration=group(*members), sampling=sampling)
    lab.separate()
    lab.join("pair")
    return lab


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Two spectra of one position, and a third that is refused."""
    data = {"a": peak(0, 1.5), "b": peak(1, 1.5), "bad": BAD}
    lab = lab_of(tmp_path_factory.mktemp("same"), data, ("a", "bad", "b"), sampling=SAMPLING)
    lab.integrate("pair")
    return lab


@pytest.fixture(scope="module")
def different(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Two spectra whose positions differ by one standard deviation of the peak, some twenty of the posterior."""
    data = {"a": peak(0, 1.4), "b": peak(1, 1.6)}
    lab = lab_of(tmp_path_factory.mktemp("different"), data, ("a", "b"), sampling=SAMPLING)
    lab.integrate("pair")
    return lab


def answer(lab: Lab) -> dict[str, Any]:
    return strict(lab.results / "integration" / "pair.json")


def separate(lab: Lab) -> dict[str, dict[str, Any]]:
    records = strict(lab.results / "free_energy" / "b.json")["records"]
    return {one["measurement"]: one for one in records}


def position(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = [row for row in rows if row["parameter"] == "peak.position"]
    return row


def test_fields(same: Lab) -> None:
    found = answer(same)
    assert (found["format"], found["group"], found["candidate"]) == (1, "pair", "peaks")
    assert found["measurements"] == ["a", "b"]
    assert found["shared"] == ["peak.position"]
    (row,) = found["rows"]
    wanted = """tag count free_energy standard_error separate_free_energy separate_standard_error gain reasons key
        gain_standard_error probability probability_error verdict parameters cpu_seconds likelihood_rows device seed
        peak_memory_mb engine versions""".split()
    assert set(wanted) <= set(row)
    best = "tag_integrated tag_separate gain gain_standard_error probability probability_error".split()
    assert set(best) <= set(found["best"])
    assert found["best"]["tag_separate"] == {"a": "peaks", "b": "peaks"}
    owners = {(one["parameter"], one["measurement"]) for one in row["parameters"]}
    assert {("peak.position", None), ("peak.amplitude", "a"), ("peak.amplitude", "b")} <= owners


@pytest.mark.parametrize("name", ["same", "different"])
def test_gain_is_the_sum_of_the_separate_free_energies_minus_the_joint_one(
    name: str, request: pytest.FixtureRequest
) -> None:
    lab: Lab = request.getfixturevalue(name)
    found, alone = answer(lab), separate(lab)
    (row,) = found["rows"]
    total = sum(one["free_energy"] for one in alone.values())
    error = np.hypot(*(one["standard_error"] for one in alone.values()))
    assert row["separate_free_energy"] == pytest.approx(total, rel=1e-12)
    assert row["separate_standard_error"] == pytest.approx(error, rel=1e-12)
    assert row["gain"] == pytest.approx(total - row["free_energy"], abs=1e-9)
    assert row["gain_standard_error"] == pytest.approx(np.hypot(error, row["standard_error"]), rel=1e-12)
    assert row["probability"] == pytest.approx(1 / (1 + np.exp(-row["gain"])), abs=1e-9)
    assert (found["best"]["gain"], found["best"]["probability"]) == (row["gain"], row["probability"])


def test_one_truth_is_integrated(same: Lab) -> None:
    found = answer(same)
    assert found["rows"][0]["verdict"] == "reliable", found["rows"][0]["reasons"]
    # two positions known to 0.01 in a prior 3 wide: about ln(3 / (0.014 sqrt(2 pi))) = 4.4 nats, less their difference
    assert 2 < found["best"]["gain"] < 6
    assert found["decision"].startswith("Integrate: F_int - sum F_sep = -")


def test_two_truths_are_not_integrated(different: Lab) -> None:
    found = answer(different)
    assert found["rows"][0]["verdict"] == "reliable", found["rows"][0]["reasons"]
    assert found["best"]["gain"] < -20
    assert found["best"]["probability"] < 1e-6
    assert found["decision"].startswith("Do not integrate: F_int - sum F_sep = ")


def test_the_integrated_interval_is_narrower_than_each_separate_one_and_holds_the_truth(same: Lab) -> None:
    joint = position(answer(same)["rows"][0]["parameters"])
    width = joint["q975"] - joint["q025"]
    for one in separate(same).values():
        row = position(one["parameters"])
        assert width < 0.9 * (row["q975"] - row["q025"])  # expected: 1 / sqrt(2)
    assert abs(joint["mean"] - 1.5) < 4 * joint["sd"]


def test_arrays(same: Lab) -> None:
    found = read_records(same.results / "integration" / "pair.h5")
    assert set(found) == {"peaks", "peaks/members/a", "peaks/members/b"}
    columns = found["peaks"].facts["columns"]
    assert found["peaks"].arrays["draws"].shape[2] == len(columns)
    assert found["peaks"].arrays["prior_draws"].shape == (2000, len(columns))
    assert [column["measurement"] for column in columns if column["name"] == "peak.position"] == [None]
    for name in ("a", "b"):
        member = found[f"peaks/members/{name}"]
        assert member.arrays["prediction"].shape == (5, 60)
        alone = read_records(same.results / "free_energy" / "b.h5")[f"{name}/peaks"]
        np.testing.assert_array_equal(member.arrays["y"], alone.arrays["y"])


def test_doubts_about_a_separate_result_are_doubts_about_the_comparison(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": peak(0), "b": peak(1)}, ("a", "b"))
    summary = lab.results / "free_energy" / "b.json"
    content = json.loads(summary.read_text())
    content["records"][1] |= {"verdict": "not reliable", "reasons": ["chains disagree"]}
    write_result(summary, content)
    lab.integrate("pair")
    found = answer(lab)
    assert found["rows"][0]["verdict"] == "not reliable"
    assert "b alone: chains disagree" in found["rows"][0]["reasons"]
    assert found["decision"].startswith("No decision: a run behind it is not reliable (")


@pytest.mark.parametrize("others", [(BAD,), (BAD, BAD)])
def test_fewer_than_two_usable_members(tmp_path: Path, others: tuple[str, ...]) -> None:
    data = {"a": peak(0)} | {f"bad{k}": text for k, text in enumerate(others)}
    lab = lab_of(tmp_path, data, tuple(data))
    assert read_records(lab.results / "integration" / "pair" / "peaks.h5") == {}
    lab.integrate("pair")
    found = answer(lab)
    assert (found["rows"], found["best"], found["measurements"]) == ([], None, ["a"])
    assert found["decision"].startswith("Not integrated: fewer than two measurements of the group can be used")
    assert read_records(lab.results / "integration" / "pair.h5") == {}


def test_a_count_too_large_for_one_member_does_not_compare_fewer_data_with_more(tmp_path: Path) -> None:
    data = {"a": peak(0), "b": peak(1), "few": peak(2, points=9)}
    lab = lab_of(tmp_path, data, ("a", "b", "few"), count="4..5")
    lab.integrate("pair")
    found = answer(lab)
    assert [len(row["members"]) for row in found["rows"]] == [3, 2]
    assert found["measurements"] == ["a", "b", "few"]
    assert found["best"]["tag_integrated"] == "peaks-k4"
    assert set(found["best"]["tag_separate"]) == {"a", "b", "few"}
    best = next(row for row in found["rows"] if row["tag"] == found["best"]["tag_integrated"])
    assert found["best"]["gain"] <= best["gain"] + 1e-9
    # free energies of fewer data do not weigh against those of more
    assert found["averaged"] == []
    assert [row.get("model_probability") for row in found["rows"]] == [1.0, None]


def test_what_does_not_depend_on_the_count_is_averaged_over_counts(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": peak(0), "b": peak(1)}, ("a", "b"), count="1..2")
    lab.integrate("pair")
    found, arrays = answer(lab), read_records(lab.results / "integration" / "pair.h5")
    free = np.array([row["free_energy"] for row in found["rows"]])
    p = np.exp(free.min() - free) / np.exp(free.min() - free).sum()
    assert [row["model_probability"] for row in found["rows"]] == pytest.approx(p, rel=1e-9)
    averaged = {(one["measurement"], one["parameter"]): one for one in found["averaged"]}
    assert set(averaged) == {("a", "peak.total_area"), ("b", "peak.total_area")}
    for name in "ab":
        totals = [
            sum(r["mean"] for r in row["parameters"] if (r["parameter"], r["measurement"]) == ("peak.area", name))
            for row in found["rows"]
        ]
        assert averaged[name, "peak.total_area"]["mean"] == pytest.approx(p @ totals, rel=1e-9)
        assert averaged[name, "peak.total_area"]["candidates"] == 2
        curves = [arrays[f"peaks-k{k}/members/{name}"].arrays["curve_mean"] for k in (1, 2)]
        whole = arrays[f"all-averaged/members/{name}"].arrays
        np.testing.assert_allclose(whole["mean"], p @ np.stack(curves), rtol=1e-9, atol=1e-12)
        assert np.array_equal(whole["x"], arrays[f"peaks-k1/members/{name}"].arrays["x"])


def test_a_missing_separate_result_is_said_by_name(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": peak(0), "b": peak(1)}, ("a", "b"))
    lab.summarise(ids=["a"])
    with pytest.raises(StoreError, match=r"measurement b: no free energy of peaks by itself; .*free_energy step"):
        lab.integrate("pair")
    assert not (lab.results / "integration" / "pair.json").exists()


def test_an_outdated_separate_result_is_none(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": peak(0), "b": peak(1)}, ("a", "b"))
    (lab.results / "free_energy" / "b.json").rename(lab.results / "free_energy" / "old.json")
    (lab.campaign.folder / "b.txt").write_text(peak(5))
    lab.preprocess()
    lab.join("pair")
    with pytest.raises(StoreError, match="measurement b: no free energy of peaks by itself"):
        lab.integrate("pair")
    lab.sample("peaks")
    lab.summarise()
    lab.integrate("pair")
    new = strict(lab.results / "free_energy" / "b.json")["records"]
    total = sum(one["free_energy"] for one in new)
    assert answer(lab)["rows"][0]["separate_free_energy"] == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("text", ["{", '{"format": 1}', '{\n "format": 1\n}\n', "[]", ""])
def test_a_damaged_separate_result_is_a_store_error(tmp_path: Path, text: str) -> None:
    lab = make_lab(tmp_path, {"a": peak(0), "b": peak(1)}, ONE.replace("COUNT", "1"), integration=group("a", "b"))
    lab.preprocess()
    (lab.results / "free_energy").mkdir()
    (lab.results / "free_energy" / "b.json").write_text(seal_text(text) if text.endswith("}\n") else text)
    with pytest.raises(DamagedError, match=r"b\.json: (the file is truncated|has no records).*made anew"):
        lab.integrate("pair")


@pytest.mark.parametrize(
    ("gain", "error", "reliable", "words"),
    [
        (8.0, 0.3, True, "Integrate"),
        (-8.0, 0.3, True, "Do not integrate"),
        (1.0, 0.3, True, "Undecided"),
        (8.0, 5.0, True, "Undecided"),
        (8.0, 0.3, False, "No decision"),
    ],
)
def test_decisions_in_words(gain: float, error: float, reliable: bool, words: str) -> None:
    decision = decide(100.0 - gain, error / np.sqrt(2), [60.0, 40.0], [error / 2, error / 2])
    assert (decision.gain, decision.gain_standard_error) == (pytest.approx(gain), pytest.approx(error))
    text = decision_words(decision, reliable)
    assert text.startswith(words + (": " if reliable else ": a run"))
    assert f"F_int - sum F_sep = {-gain:.2f} +- {error:.2f} nats" in text
