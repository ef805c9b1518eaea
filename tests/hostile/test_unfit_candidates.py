"""Candidates that no data could have come from, and data that a candidate cannot take: named, and the others go on."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from short_runs import shorten
from stage_fixture import HASTY, Lab, make_lab, rows

X = np.linspace(0.0, 3.0, 30)
COUNTS = rows(X, np.random.default_rng(3).poisson(5.0, 30).astype(float))
SHIFTED = rows(X + 100.0, np.random.default_rng(4).poisson(5.0, 30).astype(float))
DEAD = rows(X, np.zeros(30))
COARSE = rows(10 * X, np.random.default_rng(5).poisson(5.0, 30).astype(float))
FEW = rows(X[:8], np.arange(8.0) % 3)
THREE_PEAKS = '{component: gaussian, name: p, count: 3, priors: {position: "uniform(0, 3)"}}'


@dataclass(frozen=True)
class Unfit:
    """A candidate, the measurements it does not fit, and words of the reason."""

    part: str
    noise: str
    unfit: dict[str, str]
    words: str
    counts: bool = True


CASES = {
    "impossible Poisson": Unfit(
        '{component: constant, priors: {level: "uniform(-3, -1)"}}', "{family: poisson}",
        {"good": COUNTS, "low": COUNTS},
        r"measurement \w+: constant \(constant\): a curve of -1 at most, at .*counts were measured; .*background",
    ),
    "Poisson noise and peaks without a background": Unfit(
        '{component: gaussian, name: p, count: 2, priors: {position: "uniform(0, 3)", sd: "log_uniform(0.03, 0.04)"}}',
        "{family: poisson}", {"good": COUNTS, "low": COUNTS},
        r"measurement \w+: p \(gaussian\): the 2 of them vanish 0\.\d+ from the middle at most, and counts were "
        r"measured from 0 to 3.*; expected a curve above 0 wherever there are counts.* strictly positive background",
    ),
    "position outside the data": Unfit(
        '{component: gaussian, name: p, priors: {position: "uniform(0, 3)"}}', "{sigma: 1}",
        {"far": SHIFTED}, r"far: prior of p\.position: uniform\(low=0, high=3\) lies outside all of its data",
    ),
    "dead detector, level to be estimated": Unfit(
        '{component: constant, priors: {level: "uniform(-9, 9)"}}', "{sigma: estimate}",
        {"dead": DEAD}, r"measurement dead: all of its points are 0; expected a signal that varies",
    ),
    "dead detector, prior without a width": Unfit(
        '{component: constant, priors: {level: "half_normal(sd=y_span)"}}', "{sigma: 1}",
        {"dead": DEAD}, r"measurement dead: prior of constant\.level: half_normal\(sd=y_span\) does not fit its data",
    ),
    "more parameters than points": Unfit(
        THREE_PEAKS, "{sigma: 1}", {"few": FEW}, r"measurement few: it has 8 points for 9 parameters",
    ),
    "more parameters than points within reach": Unfit(
        '{component: gaussian, name: p, count: 2, priors: {position: "uniform(0, 3)", sd: "uniform(0.2, 0.3)"}}',
        "{sigma: 1}", {"coarse": COARSE},
        r"measurement coarse: p: 4 points within reach of 2 peaks with 6 parameters",
    ),
    "peaks narrower than the spacing of points": Unfit(
        '{component: gaussian, name: p, priors: {position: "uniform(0, 3)", sd: "log_uniform(0.02, 0.2)"}}',
        "{sigma: 1}", {"coarse": COARSE},
        r"measurement coarse: p: peaks narrower at half height than 0\.517, half the spacing of its points",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)


def lab_of(
    folder: Path, case: Unfit, data: dict[str, str], joined: str = "other", shared: str = "constant.level"
) -> Lab:
    candidates = f"  model:\n    parts: [{case.part}]\n    noise: {case.noise}\n"
    candidates += (
        '  other:\n    parts: [{component: constant, priors: {level: "uniform(-9, 9)"}}]\n    noise: {sigma: 2}\n'
    )
    members = ", ".join(data)
    integration = f"  - {{group: all, measurements: [{members}], candidate: {joined}, shared: [{shared}]}}\n"
    treatment = "{signal: {counts: true}}"
    return make_lab(folder, data, candidates, integration, treatment=treatment, sampling=HASTY)


def strict(path: Path) -> dict[str, Any]:
    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} in {path.name}")

    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    return content


@pytest.mark.parametrize("name", CASES)
def test_an_unfit_pair_is_refused_with_its_reason_and_all_others_are_analysed(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    lab = lab_of(tmp_path, case, {"good": COUNTS, **case.unfit})
    content = strict(lab.separate())
    assert {(one["measurement"], one["tag"]) for one in content["refused"]} == {(one, "model") for one in case.unfit}
    for refused in content["refused"]:
        assert re.search(case.words, refused["reason"]), refused["reason"]
        assert "; expected " in refused["reason"]
    expected = {(one, tag) for one in {"good", *case.unfit} for tag in ("model", "other")}
    analysed = {(one["measurement"], one["tag"]) for one in content["records"]}
    assert analysed == expected - {(one, "model") for one in case.unfit}
    assert all(np.isfinite(one["free_energy"]) for one in content["records"])
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_group_that_the_candidate_cannot_describe_is_not_integrated(tmp_path: Path) -> None:
    case = CASES["impossible Poisson"]
    lab = lab_of(tmp_path, case, {"good": COUNTS, "too": COUNTS}, "model")
    lab.separate()
    lab.join("all")
    answer = strict(lab.integrate("all"))
    assert (answer["rows"], answer["best"]) == ([], None)
    assert answer["decision"].startswith("Not integrated: ")


def test_members_that_do_not_fit_are_left_out_of_the_group(tmp_path: Path) -> None:
    case = CASES["more parameters than points"]
    lab = lab_of(tmp_path, case, {"good": COUNTS, "too": COUNTS, **case.unfit}, "model", "p.position")
    lab.separate()
    lab.join("all")
    answer = strict(lab.integrate("all"))
    assert answer["measurements"] == ["good", "too"]
    assert answer["rows"][0]["members"] == ["good", "too"]
