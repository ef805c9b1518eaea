"""Ranges of counts: one row of models, a grid of them, models without a part, and what cannot be."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign, outline_campaign
from bayesbeam.config.keys import candidate_key
from bayesbeam.config.reference_counts import EXAMPLE_COUNTS
from bayesbeam.config.specs import Expanded
from bayesbeam.errors import ConfigErrors
from bayesbeam.report.records import Candidate, Marginal, MeasurementResult
from bayesbeam.report.view import counts_tables
from bayesbeam.report.wording import candidate_label, choice, measurement_answer
from bayesbeam.stages.marginals import marginals
from stage_fixture import make_lab, peak

BROAD = '{name: broad, component: gaussian, count: 0..2, priors: {position: "uniform(0, 1)"}}'
SHARP = '{name: sharp, component: gaussian, count: 0..1, priors: {position: "uniform(1, 3)"}}'
FLAT = '{component: constant, priors: {level: "uniform(-1, 1)"}}'


def write(folder: Path, *parts: str, more: str = "", text: str = "") -> Path:
    body = text or f"candidates:\n  lines:\n    parts: [{', '.join(parts)}]\n{more}"
    (folder / "campaign.yaml").write_text("campaign: counted\n" + body)
    (folder / "measurements.tsv").write_text("id\tfile\na\ta.txt\n")
    return folder


def models(folder: Path, *parts: str, more: str = "", text: str = "", name: str = "lines") -> tuple[Expanded, ...]:
    return load_campaign(write(folder, *parts, more=more, text=text)).expanded(name)


def test_two_ranges_are_a_grid_of_models(tmp_path: Path) -> None:
    found = models(tmp_path, BROAD, SHARP, FLAT)
    assert [one.count for one in found] == list(product((0, 1, 2), (0, 1)))
    assert [one.tag for one in found][:3] == ["lines-k0-0", "lines-k0-1", "lines-k1-0"]
    assert found[-1].title == "lines, K = (2, 1)"
    assert dict(found[-1].counts) == {"broad": 2, "sharp": 1}
    for one in found:
        there = {part.name: part.count for part in one.spec.parts}
        assert there == {name: count for name, count in {**dict(one.counts), "constant": 1}.items() if count}
    assert outline_campaign(tmp_path).tags("a") == tuple(one.tag for one in found)
    assert len({candidate_key(one.spec, one.count) for one in found}) == len(found)


def test_one_range_from_zero_keeps_its_names_and_begins_with_the_rest_alone(tmp_path: Path) -> None:
    found = models(tmp_path, BROAD, FLAT)
    assert [(one.count, one.tag, one.title) for one in found] == [
        (k, f"lines-k{k}", f"lines, K = {k}") for k in (0, 1, 2)
    ]
    (alone,) = models(tmp_path, FLAT)
    assert found[0].spec == alone.spec


def test_the_example_of_the_reference_is_what_it_says(tmp_path: Path) -> None:
    found = models(tmp_path, text=EXAMPLE_COUNTS)
    assert len(found) == 12
    named = {one.tag: one for one in found}["lines-k3-1"]
    assert named.count == (3, 1)
    assert [(part.name, part.count) for part in named.spec.parts] == [
        ("broad", 3), ("sharp", 1), ("known", 1), ("constant", 1),
    ]  # fmt: skip


def test_what_belongs_to_an_absent_part_alone_goes_with_it(tmp_path: Path) -> None:
    tied = BROAD[:-1] + ", tied: {sd: common.width}}"
    shirley = "{component: shirley, acts_on: [broad], fixed: {side: 1}}"
    more = "    common: {width: {prior: 'uniform(0.1, 1)', unit: x}}\n"
    more += "    starts: [{broad.position: 0.5}, {constant.level: 0}]\n"
    none, one, two = models(tmp_path, tied, shirley, FLAT, more=more)
    assert [part.name for part in none.spec.parts] == ["constant"]
    assert none.spec.common == ()
    assert [len(model.spec.starts) for model in (none, one, two)] == [1, 2, 2]
    for there in (one, two):
        assert [part.name for part in there.spec.parts] == ["broad", "shirley", "constant"]
        assert [common.name for common in there.spec.common] == ["width"]


def test_a_background_of_two_kinds_acts_on_those_that_are_there(tmp_path: Path) -> None:
    shirley = "{component: shirley, acts_on: [broad, sharp], fixed: {side: 1}}"
    acts = {
        one.count: [part.acts_on for part in one.spec.parts if part.name == "shirley"]
        for one in models(tmp_path, BROAD, SHARP, shirley, FLAT)
    }
    assert acts[0, 0] == []
    assert acts[1, 0] == [("broad",)]
    assert acts[0, 1] == [("sharp",)]
    assert acts[2, 1] == [("broad", "sharp")]


MANY = [BROAD.replace("broad", f"p{k}").replace("0..2", "1..5") for k in range(3)]
MISTAKES = [
    (MANY, r"5 \(p0\) x 5 \(p1\) x 5 \(p2\) = 125 models; expected at most 64"),
    ([BROAD], r"parts\[0\]\.count: a count of 0, which leaves no part at all"),
    (
        [SHARP, "{name: other, component: gaussian, tied: {sd: sharp.sd}}", FLAT],
        r"parts\[1\]\.tied\.sd: sd tied to sharp, of which there may be none",
    ),
]


@pytest.mark.parametrize(("parts", "words"), MISTAKES)
def test_counts_that_cannot_be_are_mistakes_of_the_campaign(tmp_path: Path, parts: list[str], words: str) -> None:
    with pytest.raises(ConfigErrors, match=words):
        models(tmp_path, *parts, more="    noise: {sigma: 0.1}\n")


@pytest.mark.parametrize(
    ("truth", "tag"),
    [
        ("broad.amplitude: [1, 2], broad.position: [0.2, 0.6], broad.sd: [0.1, 0.1]", "lines-k2-0"),
        ("sharp.amplitude: [1], sharp.position: [2], sharp.sd: [0.1]", "lines-k0-1"),
        (
            "broad.amplitude: [1, 2], broad.position: [0.2, 0.6], broad.sd: [0.1, 0.1], sharp.amplitude: [1], "
            "sharp.position: [2], sharp.sd: [0.1]",
            "lines-k2-1",
        ),
    ],
)
def test_the_truth_of_a_study_is_the_model_of_its_lists(tmp_path: Path, truth: str, tag: str) -> None:
    parts = ", ".join((BROAD, SHARP, FLAT))
    text = f"candidates:\n  lines: {{parts: [{parts}], noise: {{sigma: 0.1}}}}\nsimulate:\n  - name: s\n"
    text += (
        "    candidate: lines\n    axis: {start: 0, stop: 3, points: 31}\n    noise_levels: [0.1]\n    replicates: 2\n"
    )
    text += f"    truth: {{{truth}, constant.level: 0.1}}\n"
    (tmp_path / "campaign.yaml").write_text("campaign: counted\n" + text)
    (tmp_path / "measurements.tsv").write_text("id\tfile\na\ta.txt\n")
    campaign = load_campaign(tmp_path)
    assert {study.expanded.tag for study in campaign.truths.values()} == {tag}


F = {(0, 0): 30.0, (0, 1): 12.0, (1, 0): 10.0, (1, 1): 9.5, (2, 0): 11.0, (2, 1): 10.7}
ERROR = 0.2


def records() -> list[dict[str, object]]:
    grid = [
        {
            "measurement": "a", "candidate": "lines", "counts": dict(zip(("broad", "sharp"), count, strict=True)),
            "free_energy": value, "standard_error": ERROR,
        }
        for count, value in F.items()
    ]  # fmt: skip
    other = {"measurement": "a", "candidate": "flat", "counts": {}, "free_energy": 0.0, "standard_error": 0.1}
    row = {**other, "candidate": "row", "counts": {"broad": 1}}
    return [*grid, other, row]


def test_marginals_sum_the_grid_and_their_errors_are_those_of_redrawn_free_energies() -> None:
    rows = marginals(records())
    assert [(one["part"], one["count"]) for one in rows] == [("broad", k) for k in (0, 1, 2)] + [
        ("sharp", 0),
        ("sharp", 1),
    ]
    weights = np.exp(-np.array(list(F.values())))
    expected = {("broad", k): sum(w for (a, _), w in zip(F, weights, strict=True) if a == k) for k in (0, 1, 2)}
    expected |= {("sharp", k): sum(w for (_, b), w in zip(F, weights, strict=True) if b == k) for k in (0, 1)}
    rng = np.random.default_rng(1)
    drawn = np.exp(-(np.array(list(F.values())) + ERROR * rng.standard_normal((20_000, 6))))
    drawn /= drawn.sum(1, keepdims=True)
    for one in rows:
        share = expected[one["part"], one["count"]] / weights.sum()
        assert one["probability"] == pytest.approx(share, rel=1e-12)
        place = 0 if one["part"] == "broad" else 1
        has = [count[place] == one["count"] for count in F]
        # 4000 against 20000 draws: 1.2 %
        assert one["error"] == pytest.approx(np.sqrt(np.mean((drawn[:, has].sum(1) - share) ** 2)), rel=0.06)


def result() -> MeasurementResult:
    weights = np.exp(-np.array(list(F.values())))
    candidates = tuple(
        Candidate(
            "a", "lines", f"lines-k{count[0]}-{count[1]}", count, dict(zip(("broad", "sharp"), count, strict=True)),
            title=f"Lines, K = {count}", free_energy=F[count], standard_error=0.2, model_probability=float(p),
            probability_error=0.03, verdict="reliable", predictive_p=0.5,
        )
        for count, p in zip(F, weights / weights.sum(), strict=True)
    )  # fmt: skip
    known = ("candidate", "part", "count", "probability", "error")
    rows = tuple(Marginal(**{key: row[key] for key in known}) for row in marginals(records()))
    return MeasurementResult("a", "A", None, candidates, counts=rows)


def test_models_of_a_grid_are_named_by_both_numbers_on_the_page() -> None:
    found = result()
    assert candidate_label(found.best, found.candidates) == "K = (1, 1)"
    assert choice(found.ranked).startswith("undecided between one broad and one sharp (0.")
    assert "one broad and no sharp" in choice(found.ranked)
    details = measurement_answer(found).details
    assert details == ("one is the largest count of sharp that was asked: larger ones were not compared",)


def test_tables_of_a_grid_show_margins_and_pairs() -> None:
    (_, margins), (_, pairs) = counts_tables(result())
    assert margins.heads == ("number of", "0", "1", "2")
    assert [row[0].text for row in margins.rows] == ["broad", "sharp"]
    assert margins.rows[1][3].text == ""
    assert pairs.heads[1:] == ("0", "1")
    assert [row[0].text for row in pairs.rows] == ["0 broad", "1 broad", "2 broad"]
    assert pairs.rows[0][1].text == "<\u00a00.001"


def test_tables_say_whether_other_candidates_share_the_probability() -> None:
    found = result()
    assert [words for words, _ in counts_tables(found)] == [
        "How many of each in lines", "Probabilities of the pairs in lines",
    ]  # fmt: skip
    rival = replace(found.best, candidate="other", tag="other", count=None, counts={})
    both = replace(found, candidates=(*found.candidates, rival))
    assert [words for words, _ in counts_tables(both)] == [
        "How many of each in lines, if that is the right candidate",
        "Probabilities of the pairs in lines, among all candidates",
    ]


def test_parts_that_a_model_may_lack_are_checked_and_shared_like_others(tmp_path: Path) -> None:
    parts = ", ".join((SHARP, FLAT))
    text = f"candidates:\n  lines: {{parts: [{parts}]}}\n"
    text += "integration:\n  - {group: both, measurements: [a, b], candidate: lines, shared: [sharp.position]}\n"
    (tmp_path / "campaign.yaml").write_text("campaign: counted\n" + text)
    (tmp_path / "measurements.tsv").write_text("id\tfile\na\ta.txt\nb\tb.txt\n")
    assert [str(one) for one in load_campaign(tmp_path).group("both").shared] == ["sharp.position"]
    foil = "{name: foil, component: moessbauer_singlet, count: 0..1}"
    candidates = f"  lines: {{parts: [{foil}, {FLAT}]}}\n"
    with pytest.raises(ConfigErrors, match=r"parts\[0\].*mm/s"):
        make_lab(tmp_path / "lab", {"a": peak(0)}, candidates, treatment="{axis: {unit: eV}}")
