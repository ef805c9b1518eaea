"""Where to measure next, from draws of candidates: against the linear Gaussian model, and what has no answer."""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from bayesbeam.config.schema import NextPoints
from bayesbeam.io.store import Measurement
from bayesbeam.report.next_view import places_words, promise
from bayesbeam.report.records import Advised
from bayesbeam.stages.next_points import Model, advise, even_places
from bayesbeam.stages.plan import table_text
from bayesbeam.stages.report import build_report
from bayesbeam.stages.rulebook import Rulebook
from stage_fixture import PEAKS, Lab, make_lab, peak

Array = NDArray[np.float64]
SD = 0.3
MEASURED = np.linspace(0.0, 4.0, 9)
POSTERIOR = np.array([[0.04, -0.01], [-0.01, 0.09]])  # of level and slope
CANDIDATES = """\
campaign: test
treatments: {default: {signal: {counts: true}}}
candidates:
  line:
    parts:
      - {component: linear, name: line, fixed: {pivot: 1},
         priors: {level: "normal(0, 5)", slope: "normal(0, 5)"}}
    derived: {start: {formula: line.level - line.slope, unit: y}}
    noise: {family: normal, sigma: 0.3}
  flat:
    parts: [{component: constant, name: flat, priors: {level: "normal(0, 5)"}}]
    noise: {family: normal, sigma: 0.3}
  counted:
    parts: [{component: constant, name: flat, priors: {level: "uniform(0, 100)"}}]
    noise: {family: poisson}
  stepped:
    parts:
      - {component: gaussian, name: peak, priors: {amplitude: "uniform(1, 2)", position: "uniform(1, 3)",
         sd: "uniform(0.4, 1)"}}
      - {component: shirley, acts_on: [peak]}
    noise: {family: normal, sigma: 0.3}
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    (tmp_path / "campaign.yaml").write_text(CANDIDATES, encoding="utf-8")
    (tmp_path / "measurements.tsv").write_text("id\tfile\nm\tm.csv\n", encoding="utf-8")
    return tmp_path


def measurement(**changed: object) -> Measurement:
    y = 1.0 + MEASURED
    return Measurement(**{"id": "m", "x": MEASURED, "y": y, "y_unit": "V", "noise_estimate": 0.3} | changed)  # type: ignore[arg-type]


def model(folder: Path, tag: str, states: Array, probability: float = 1.0) -> Model:
    return Model(load_campaign(folder).by_tag(tag).spec, probability, states[:, None])


def line_states(n: int = 400) -> Array:
    """Draws (n, 3) of level, slope and pivot whose covariance is exactly POSTERIOR."""
    raw = np.random.default_rng(3).standard_normal((n, 2))
    raw -= raw.mean(0)
    raw = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw / n)).T @ np.linalg.cholesky(POSTERIOR).T
    return np.column_stack([raw[:, 0] + 2.0, raw[:, 1] + 1.0, np.ones(n)])


def left_of(places: list[float], wanted: Array) -> float:
    """Exact standard deviation of a combination of level and slope after measurements at some places."""
    rows = np.array([[1.0, x - 1.0] for x in places])
    covariance = np.linalg.inv(np.linalg.inv(POSTERIOR) + rows.T @ rows / SD**2)
    return math.sqrt(wanted @ covariance @ wanted)


@pytest.mark.parametrize(
    ("about", "wanted", "unit"),
    [("line.slope", [0.0, 1.0], "V"), ("start", [1.0, -1.0], "V"), ("line.level - line.slope", [1.0, -1.0], "V")],
)
def test_what_is_left_is_that_of_the_linear_gaussian_model(
    campaign: Path, about: str, wanted: list[float], unit: str
) -> None:
    direction = np.array(wanted)
    content, record = advise(
        NextPoints(number=3, about=about, range=(-2.0, 6.0), possible=81),
        measurement(),
        [model(campaign, "line", line_states())],
    )
    assert record is not None
    places = [one["x"] for one in content["points"]]
    exact = [left_of(places[: k + 1], direction) for k in range(3)]
    assert [one["sd_after"] for one in content["points"]] == pytest.approx(exact, rel=1e-9)
    assert content["sd_before"] == pytest.approx(math.sqrt(direction @ POSTERIOR @ direction), rel=1e-9)
    evenly = [float(record.arrays["x"][k]) for k in even_places(3, 81)]
    assert evenly == pytest.approx([-0.7, 2.0, 4.7])
    assert content["even"]["sd_after"] == pytest.approx(left_of(evenly, direction), rel=1e-9)
    assert exact[-1] < left_of(evenly, direction)
    # The first point is the best of all possible ones, by the exact answer.
    best = min(record.arrays["x"], key=lambda x: left_of([float(x)], direction))
    assert places[0] == pytest.approx(best)
    assert content["unit"] == (unit if about != "line.slope" else "V")
    assert record.arrays["mean"] == pytest.approx(1.0 + record.arrays["x"], abs=1e-9)


def test_candidates_count_by_probability_and_their_difference_with_them(campaign: Path) -> None:
    flat = np.full((50, 1), 2.0)
    models = [model(campaign, "line", line_states(), 0.5), model(campaign, "flat", flat, 0.5)]
    content, record = advise(NextPoints(number=1, possible=5), measurement(), models)
    assert record is not None
    x = record.arrays["x"]
    own = np.array([np.array([1.0, a - 1.0]) @ POSTERIOR @ np.array([1.0, a - 1.0]) for a in x])
    assert record.arrays["spread"] == pytest.approx(np.sqrt(0.5 * own + 0.25 * (x - 1.0) ** 2), rel=1e-9)
    assert content["points"][0]["x"] == 4.0
    wanted, _ = advise(NextPoints(about="line.slope"), measurement(), models)
    assert (wanted["candidates"], wanted["share"]) == (1, 0.5)  # the other has no slope
    few = [models[0], model(campaign, "flat", flat, 1e-9)]
    assert advise(NextPoints(), measurement(), few)[0]["candidates"] == 1


def test_many_candidates_share_the_draws(campaign: Path) -> None:
    """Memory stays that of a few candidates, and the answer that of all draws to their own error."""
    models = [model(campaign, "line", line_states(), 1 / 64) for _ in range(64)]
    start = time.process_time()
    _, record = advise(NextPoints(number=20, possible=2000), measurement(), models)
    assert time.process_time() - start < 60
    _, one = advise(NextPoints(number=1, possible=2000), measurement(), models[:1])
    assert record is not None
    assert one is not None
    # 50 draws a candidate, the same ones: a standard deviation of them is right to a tenth.
    assert record.arrays["spread"] == pytest.approx(one.arrays["spread"], rel=0.4)


def test_noise_at_points_that_were_not_measured(campaign: Path) -> None:
    level = np.full((50, 1), 25.0) + np.linspace(-1, 1, 50)[:, None]
    counts = measurement(y=np.full(9, 25.0), counts=True)
    _, record = advise(NextPoints(possible=3), counts, [model(campaign, "counted", level)])
    assert record is not None
    assert record.arrays["noise"] == pytest.approx([5.0] * 3, rel=1e-6)  # root of the mean count
    (campaign / "campaign.yaml").write_text(CANDIDATES.replace("poisson}", "poisson, exposure: 20}"), encoding="utf-8")
    _, rates = advise(NextPoints(possible=3), counts, [model(campaign, "counted", level / 20.0)])
    assert rates is not None
    for name in ("mean", "spread", "noise", "gain"):  # rates of an exposure are shown as its counts
        assert rates.arrays[name] == pytest.approx(record.arrays[name], rel=1e-12)
    text = CANDIDATES.replace("sigma: 0.3}\n  flat", "sigma: column}\n  flat")
    text = text.replace("counts: true}", "counts: true}, uncertainty: {from: value, value: 1}")
    (campaign / "campaign.yaml").write_text(text, encoding="utf-8")
    own = measurement(uncertainty=np.linspace(0.1, 0.9, 9))
    _, record = advise(NextPoints(possible=3, range=(-1, 3)), own, [model(campaign, "line", line_states())])
    assert record is not None
    assert record.arrays["noise"] == pytest.approx([0.1, 0.3, 0.7])  # interpolated; beyond the ends, that of the end


def test_a_quantity_in_two_units_is_not_averaged(campaign: Path) -> None:
    """A level in counts under one candidate, in counts of a unit of exposure under another."""
    rated = CANDIDATES[CANDIDATES.index("  counted:") : CANDIDATES.index("  stepped:")].replace("counted", "rated")
    text = f"{CANDIDATES}{rated.replace('poisson}', 'poisson, exposure: 20}')}"
    (campaign / "campaign.yaml").write_text(text, encoding="utf-8")
    level = np.linspace(24, 26, 50)[:, None]
    models = [model(campaign, "counted", level, 0.5), model(campaign, "rated", level / 20.0, 0.5)]
    counts = measurement(y=np.full(9, 25.0), y_unit="counts", counts=True)
    content, nothing = advise(NextPoints(about="flat.level"), counts, models)
    assert nothing is None
    assert "expected one unit in all candidates" in content["reason"]
    assert advise(NextPoints(), counts, models)[0]["candidates"] == 2  # the curves are counts in both


def test_a_background_of_the_curve_needs_the_whole_of_it(campaign: Path) -> None:
    """Inside the measured range it is the same whatever part of the range is asked for; outside there is none."""
    states = np.random.default_rng(1).uniform([1.0, 1.9, 0.5, 0.2, 0.0], [1.2, 2.1, 0.6, 0.3, 0.1], (60, 5))
    spec = model(campaign, "stepped", states)
    _, whole = advise(NextPoints(possible=9), measurement(), [spec])
    _, part = advise(NextPoints(possible=3, range=(2.0, 3.0)), measurement(), [spec])
    assert whole is not None
    assert part is not None
    assert part.arrays["mean"][::2] == pytest.approx(whole.arrays["mean"][[4, 6]], rel=1e-12)
    content, nothing = advise(NextPoints(range=(2.0, 5.0)), measurement(), [spec])
    assert nothing is None
    assert content["points"] == []
    assert "possible points from 2 to 5; expected points from 0 to 4" in content["reason"]


def test_no_advice_about_what_no_likely_candidate_has(campaign: Path) -> None:
    models = [model(campaign, "flat", np.full((50, 1), 2.0))]
    content, nothing = advise(NextPoints(about="line.slope"), measurement(), models)
    assert nothing is None
    assert "line.slope: in no candidate that is in the running" in content["reason"]


def test_asking_makes_summaries_anew_and_samples_nothing(campaign: Path) -> None:
    def keys() -> tuple[dict[tuple[str, str], str], str]:
        book = Rulebook(campaign / "campaign.yaml", campaign / "results", campaign)
        return book.sample_keys, book.free_energy_key(next(iter(book.batches)))

    before = keys()
    file = campaign / "campaign.yaml"
    file.write_text(f"{CANDIDATES}report: {{next_points: 3}}\n", encoding="utf-8")
    asked = keys()
    file.write_text(f"{CANDIDATES}report: {{next_points: 4}}\n", encoding="utf-8")
    assert before[0] == asked[0] == keys()[0]
    assert len({before[1], asked[1], keys()[1]}) == 3


PEAKS_REPORT = PEAKS + "report: {next_points: {number: 3, about: 'peak[1].position', possible: 61}}\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One peak of which few points are measured, and a dead measurement."""
    dead = "".join(f"{x} nan\n" for x in range(20))
    lab = make_lab(tmp_path_factory.mktemp("next"), {"a": peak(0, points=13), "dead": dead}, PEAKS_REPORT)
    lab.separate()
    (lab.results / "batches.tsv").write_text(table_text({"a": "b", "dead": "b"}), encoding="utf-8")
    return lab


def test_a_campaign_is_told_where_to_measure(lab: Lab) -> None:
    file = lab.results / "free_energy" / "b.json"
    (advice,) = json.loads(file.read_text(encoding="utf-8"))["next_points"]
    assert (advice["measurement"], advice["unit"], advice["candidates"]) == ("a", "1", 2)
    assert advice["share"] == pytest.approx(1.0)
    places = np.array([one["x"] for one in advice["points"]])
    assert (np.abs(places - 1.5) < 0.8).all()  # on the peak at 1.5, whose sd is 0.2
    left = [advice["sd_before"], *(one["sd_after"] for one in advice["points"])]
    assert left == sorted(left, reverse=True)
    assert left[-1] < advice["even"]["sd_after"] < left[0]
    before = file.read_bytes(), file.with_suffix(".h5").read_bytes()
    assert lab.summarise().read_bytes() == before[0]
    assert file.with_suffix(".h5").read_bytes() == before[1]


def test_the_page_and_a_table_say_where(lab: Lab, tmp_path: Path) -> None:
    build_report(lab.campaign, lab.results, tmp_path / "report", "make run")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    (advice,) = json.loads((lab.results / "free_energy" / "b.json").read_text(encoding="utf-8"))["next_points"]
    with (tmp_path / "report" / "tables" / "next_points.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["x"]) for row in rows] == [one["x"] for one in advice["points"]]
    assert [float(row["sd_after"]) for row in rows] == [one["sd_after"] for one in advice["points"]]
    assert {(row["about"], row["unit"]) for row in rows} == {("peak[1].position", "1")}
    assert {float(row["even_sd_after"]) for row in rows} == {advice["even"]["sd_after"]}
    assert '<a href="#next">Where next</a>' in page
    assert "The standard deviation of peak[1].position, now" in page
    assert "three points spread evenly would leave" in page
    assert (tmp_path / "report" / "figures" / "a+next.svg").is_file()


def test_words_of_advice() -> None:
    points = tuple(
        {"x": x, "curve_sd": 1.0, "noise_sd": 1.0, "information": 0.7 * k} for k, x in enumerate((2, 1, 2), 1)
    )
    curve = Advised(points=points, even={"information": 0.5})
    assert promise(curve, "") == (
        "That is expected to tell 2.1 nats about the curve; three points spread evenly would tell 0.5."
    )
    assert places_words(["2.0", "1.0", "2.0"]) == ["2.0 (twice)", "1.0"]
    last = {**points[0], "sd_after": 0.012}
    one = Advised("a.position", unit="eV", sd_before=0.04, share=0.9, points=(last,), even={"sd_after": 0.03})
    assert promise(one, "eV") == (
        "The standard deviation of a.position, now 0.04 eV, is then expected to be 0.012 eV; one point in the middle "
        "would leave 0.03 eV. That is by the candidates which have it, of probability 0.90 together."
    )
