"""Sampling of batches: what the file holds, what is sampled again and what is not, refusals, an interrupted job."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.keys import candidate_key
from bayesbeam.config.load import load_campaign
from bayesbeam.errors import SamplingError, StoreError
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.stages import sample as stage
from bayesbeam.stages.resources import settings_of
from bayesbeam.stages.sample import sample_batch
from short_runs import shorten
from stage_fixture import FLAT, HASTY, PEAKS, QUICK, content, lab_of, make_lab, no_news, peak

BAD = "0 1\n1 nan\n" + "".join(f"{i} 1\n" for i in range(2, 60))
GROUP = "  - {group: pair, measurements: [a, b], candidate: peaks, shared: [peak.position]}\n"


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be short: these tests ask about files, not about numbers."""
    shorten(monkeypatch.setattr)


def refuse_to_sample(*_: object) -> NoReturn:
    raise AssertionError("the sampler was called")


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that the sampler was asked for."""
    names: list[str] = []

    def watched(target: Any, groups: list[GroupName], *rest: Any) -> Any:
        names.extend(group.name for group in groups)
        return replica_exchange(target, groups, *rest)

    monkeypatch.setattr(stage, "replica_exchange", watched)
    return names


def test_layout_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1}, PEAKS, sampling=QUICK)
    found = read_records(lab.sample("peaks-k2"))
    said = re.search(r"peaks-k2: peak memory (\d+) MiB, predicted (\d+) MiB, \d+ MiB for", capsys.readouterr().err)
    assert said is not None
    assert float(said[2]) == pytest.approx(found["a"].facts["predicted_memory_mb"], abs=0.6)
    assert list(found) == ["a", "b"]
    for name, record in found.items():
        arrays, facts = record.arrays, record.facts
        steps = facts["sweeps"] - facts["burn_in"]
        assert arrays["log_likelihood"].shape == (steps, 4, 8)
        draws, members, chains, slots = arrays["theta"].shape
        assert (members, chains, slots) == (1, 4, 6)
        assert 0 < draws <= 2 * 100
        assert arrays["beta"].shape == (8,)
        assert arrays["exchange_rate"].shape == (7,)
        assert arrays["effective_draws"].shape == arrays["rhat"].shape == (7,)
        assert (arrays["beta"][0], arrays["beta"][-1]) == (0.0, 1.0)
        assert all(np.isfinite(values).all() for values in arrays.values())
        assert facts["members"] == [name]
        assert (facts["seed"], facts["device"], facts["settings"]["max_sweeps"]) == (7, "cpu", 300)
        assert set(facts["estimators"]) == {"bar", "bridge", "smc", "stepping_stone_forward", "stepping_stone_backward"}
        assert set(facts["free_energy"]) == set(facts["estimators"]["bar"])
        assert facts["free_energy"] not in facts["estimators"].values(), "it is made of all draws at once"
        assert facts["verdict"] == ("not reliable" if facts["reasons"] else "reliable")
        assert facts["wall_seconds"] > 0
        assert facts["peak_memory_mb"] > 100
        assert 300 < facts["predicted_memory_mb"] < 600
        assert set(facts["versions"]) == {"bayesbeam", "torch", "numpy"}


def test_unchanged_means_no_sampling_and_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1})
    out = lab.sample("flat")
    before = out.read_bytes()
    lab.preprocess()
    monkeypatch.setattr(stage, "replica_exchange", refuse_to_sample)
    lab.sample("flat")
    assert out.read_bytes() == before


def test_words_that_change_no_number_sample_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = lab_of(tmp_path, {"a": 0}).sample("flat").read_bytes()
    titled = FLAT.replace("    parts", "    title: another title\n    parts")
    lab = lab_of(tmp_path, {"a": 0}, titled + PEAKS)
    monkeypatch.setattr(stage, "replica_exchange", refuse_to_sample)
    assert lab.sample("flat").read_bytes() == before


def test_changed_data_of_one_of_two(tmp_path: Path, sampled: list[str]) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1})
    before = read_records(lab.sample("flat"))
    sampled.clear()
    lab = lab_of(tmp_path, {"a": 0, "b": 5})
    after = read_records(lab.sample("flat"))
    assert sampled == ["b/flat"]
    assert content(after["a"]) == content(before["a"])
    assert after["a"].facts == before["a"].facts
    assert after["b"].facts["key"] != before["b"].facts["key"]
    assert after["b"].facts["free_energy"] != before["b"].facts["free_energy"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("sigma: 0.1", "sigma: 0.2"), ("uniform(-3, 3)", "uniform(-3, 4)"), ("sigma: 0.1", "sigma: estimate")],
)
def test_a_changed_question_is_asked_anew(tmp_path: Path, sampled: list[str], old: str, new: str) -> None:
    lab_of(tmp_path, {"a": 0}).sample("flat")
    lab_of(tmp_path, {"a": 0}, FLAT.replace(old, new)).sample("flat")
    assert sampled == ["a/flat", "a/flat"]


def test_a_measurement_more_or_less_leaves_the_others(tmp_path: Path, sampled: list[str]) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1, "c": 2})
    first = read_records(lab.sample("flat", ["b"]))
    second = read_records(lab.sample("flat", ["a", "b", "c"]))
    third = read_records(lab.sample("flat", ["a", "c"]))
    assert sampled == ["b/flat", "a/flat", "c/flat"]
    assert (set(second), set(third)) == ({"a", "b", "c"}, {"a", "c"})
    assert content(second["b"]) == content(first["b"])
    assert content(third["c"]) == content(second["c"])


# The last is long sums of odd lengths, where the order in which torch adds depends on the shape of a batch.
@pytest.mark.parametrize(
    ("count", "points", "sampling"),
    [(1, (60, 60, 45, 60), HASTY), (6, (59, 59), HASTY.replace("replicas: 8", "replicas: 7"))],
)
def test_alone_or_in_a_batch_gives_the_same_bytes(
    tmp_path: Path, count: int, points: tuple[int, ...], sampling: str
) -> None:
    data = {f"m{k}": peak(k, points=n) for k, n in enumerate(points)}
    lab = make_lab(tmp_path, data, PEAKS.replace("1..2", str(count)), sampling=sampling)
    lab.preprocess()
    together = read_records(lab.sample("peaks"))
    for name in list(data)[1:3]:
        alone = read_records(lab.sample("peaks", [name], batch=f"only-{name}"))
        assert content(alone[name]) == content(together[name])


def test_a_refused_measurement_is_passed_over(tmp_path: Path) -> None:
    lab = make_lab(tmp_path, {"a": peak(0), "bad": BAD}, FLAT, sampling=HASTY)
    lab.preprocess()
    assert read_measurement(lab.measurements / "bad.h5").refused
    assert set(read_records(lab.sample("flat"))) == {"a"}


def test_a_batch_of_refused_measurements_gives_an_empty_file(tmp_path: Path) -> None:
    lab = make_lab(tmp_path, {"bad": BAD}, FLAT, sampling=HASTY)
    lab.preprocess()
    assert read_records(lab.sample("flat")) == {}
    assert read_records(lab.sample("flat", [])) == {}


def test_a_misfit_is_recorded_with_its_reason_and_the_others_sampled(tmp_path: Path, sampled: list[str]) -> None:
    nine = PEAKS.replace("1..2", "3")
    lab = make_lab(tmp_path, {"few": peak(1, points=8), "a": peak(0)}, nine, sampling=HASTY)
    lab.preprocess()
    found = read_records(lab.sample("peaks"))
    assert sampled == ["a/peaks"]
    assert found["few"].facts["refused"].startswith("measurement few: it has 8 points for 9 parameters; expected")
    assert found["few"].arrays == {}
    assert "refused" not in found["a"].facts


def test_counts_that_are_declared_later_are_looked_at_again(tmp_path: Path) -> None:
    text = FLAT.replace("{family: normal, sigma: 0.1}", "{family: poisson}").replace("(-3, 3)", "(1, 9)")
    data = {"a": "".join(f"{i} {3 + i % 4}\n" for i in range(30))}
    lab = make_lab(tmp_path, data, text, treatment="{signal: {counts: true}}", sampling=HASTY)
    lab.preprocess()
    record = read_records(lab.sample("flat"))["a"]
    m = read_measurement(lab.measurements / "a.h5")
    spec = lab.campaign.candidates_of("a")[0]
    undeclared = type(m)(**{**vars(m), "counts": False})
    assert record.facts["key"] == stage.member_key(lab.campaign, spec, [m])
    assert record.facts["key"] != stage.member_key(lab.campaign, spec, [undeclared])


@pytest.mark.parametrize(
    ("prior", "keys"),
    [
        ("gamma(shape=5, rate=5 / exposure)", ""),
        ("uniform(0, 9)", ", exposure: exposure"),
        ("uniform(0, 9)", ", dark: bg"),
    ],
)
def test_another_exposure_is_another_model_and_is_sampled_anew(
    tmp_path: Path, sampled: list[str], prior: str, keys: str
) -> None:
    text = FLAT.replace("{family: normal, sigma: 0.1}", f"{{family: poisson{keys}}}")
    text = text.replace("uniform(-3, 3)", prior)
    data = {"a": "".join(f"{i} {3 + i % 4}\n" for i in range(30))}
    drawn = []
    for exposure in (2, 2, 5):
        lab = make_lab(tmp_path, data, FLAT, treatment="{signal: {counts: true}}", sampling=HASTY)
        home = tmp_path / "campaign"
        (home / "measurements.tsv").write_text(f"id\tfile\texposure\tbg\na\ta.txt\t{exposure}\t{exposure}\n")
        (home / "campaign.yaml").write_text((home / "campaign.yaml").read_text().replace(FLAT, text))
        lab = type(lab)(load_campaign(home), lab.results)
        lab.preprocess()
        drawn.append(read_records(lab.sample("flat"))["a"].arrays["theta"])
    assert sampled == ["a/flat", "a/flat"]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[1], drawn[2])


def test_a_prior_of_the_level_that_did_not_fit_is_looked_at_again(tmp_path: Path) -> None:
    """By words of the data, which only the job knows; one by numbers is checked before, and leaves draws alone."""
    found = []
    for level in ("uniform(noise / 9, noise / 8)", "uniform(noise / 5, 20 * noise)"):
        text = FLAT.replace("sigma: 0.1", f'sigma: 0.1, level: "{level}"')
        lab = make_lab(tmp_path, {"a": peak(0)}, text, sampling=HASTY)
        lab.preprocess()
        found.append(read_records(lab.sample("flat"))["a"].facts.get("refused"))
    assert found[0] is not None
    assert "prior of the noise level" in found[0]
    assert found[1] is None
    texts = [FLAT.replace("sigma: 0.1", f'sigma: 0.1, level: "uniform(0.1, {high})"') for high in (1, 2)]
    labs = [make_lab(tmp_path, {"a": peak(0)}, text, sampling=HASTY) for text in texts]
    specs = [lab.campaign.candidates_of("a")[0].spec for lab in labs]
    assert candidate_key(specs[0], None) == candidate_key(specs[1], None)


def test_a_component_with_a_unit_is_looked_at_again_where_the_axis_has_another(tmp_path: Path) -> None:
    text = "  line:\n    parts: [{component: moessbauer_singlet}]\n"
    found = []
    for unit in ("", "mm/s"):
        lab = make_lab(tmp_path, {"a": peak(0)}, text, treatment=f"{{axis: {{unit: {unit!r}}}}}", sampling=HASTY)
        lab.preprocess()
        found.append(read_records(lab.sample("line"))["a"].facts.get("refused"))
    assert found[0] is not None
    assert "x without a unit" in found[0]
    assert found[1] is None


def test_a_damaged_old_file_is_made_anew(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0})
    out = lab.sample("flat")
    before = content(read_records(out)["a"])
    out.write_bytes(out.read_bytes()[:-200])
    with pytest.raises(StoreError):
        read_records(out)
    assert content(read_records(lab.sample("flat"))["a"]) == before


def test_an_exception_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0})
    out = lab.sample("flat")
    before = out.read_bytes()
    lab = lab_of(tmp_path, {"a": 9})

    def interrupt(done: float, *_: Any, **__: Any) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample_batch(lab.campaign, ["a"], "flat", lab.measurements, out, interrupt)
    assert out.read_bytes() == before
    assert sorted(file.name for file in out.parent.iterdir()) == ["flat.h5", "flat.h5.costs"]


KILLED = """
import os, signal, sys
from pathlib import Path
from bayesbeam.config.keys import candidate_key
from bayesbeam.config.load import load_campaign
from bayesbeam.stages.sample import sample_batch

def kill(done, *_, **__):
    if done > 0:
        os.kill(os.getpid(), signal.SIGKILL)

home, measurements, out = map(Path, sys.argv[1:])
sample_batch(load_campaign(home), ["a", "b"], "flat", measurements, out, kill)
"""


def test_kill_9_in_the_middle_leaves_the_old_file_and_the_next_run_finishes(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1})
    out = lab.sample("flat")
    old = out.read_bytes()
    lab = lab_of(tmp_path, {"a": 0, "b": 5})
    words = [sys.executable, "-c", KILLED, str(lab.campaign.folder), str(lab.measurements), str(out)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert out.read_bytes() == old
    undisturbed = lab.sample("flat", batch="other")
    resumed, expected = read_records(lab.sample("flat")), read_records(undisturbed)
    assert {name: content(record) for name, record in resumed.items()} == {
        name: content(record) for name, record in expected.items()
    }


def test_a_tag_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0}, PEAKS)
    with pytest.raises(
        SamplingError, match=r"measurement a: no candidate peaks-k9; expected one of peaks-k1, peaks-k2"
    ):
        sample_batch(lab.campaign, ["a"], "peaks-k9", lab.measurements, tmp_path / "x.h5", no_news)
    assert not (tmp_path / "x.h5").exists()


def test_a_measurement_file_that_is_damaged_stops_with_a_store_error(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0})
    file = lab.measurements / "a.h5"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(StoreError, match=r"a\.h5"):
        lab.sample("flat")


def test_news_reach_the_watcher(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0})
    news: list[tuple[Any, ...]] = []

    def watch(
        done: float, total: float, free_energy: float | None = None, standard_error: float | None = None, text: str = ""
    ) -> None:
        news.append((done, total, free_energy, standard_error, text))

    sample_batch(lab.campaign, ["a"], "flat", lab.measurements, tmp_path / "x.h5", watch)
    assert news[0][0] == 0
    assert news[0][2:4] == (None, None)
    assert news[0][4].startswith("from the prior to the posterior, beta ")
    assert "tuning" in [text for *_, text in news]
    assert news[-1][4] == "sampling"
    facts = read_records(tmp_path / "x.h5")["a"].facts
    assert news[-1][:2] == (facts["sweeps"], 100)
    assert news[-1][2] == facts["free_energy"]["value"]


def test_a_group_of_draws_has_shared_values_in_every_member(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1}, PEAKS.replace("1..2", "1"), integration=GROUP)
    lab.join("pair")
    record = read_records(lab.results / "integration" / "pair" / "peaks.h5")["pair"]
    theta = record.arrays["theta"]
    assert theta.shape[1:] == (2, 2, 3)
    assert record.facts["members"] == ["a", "b"]
    np.testing.assert_array_equal(theta[:, 0, :, 1], theta[:, 1, :, 1])
    assert (theta[:, 0, :, 0] != theta[:, 1, :, 0]).mean() > 0.9


def test_an_unchanged_group_is_not_sampled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = lab_of(tmp_path, {"a": 0, "b": 1}, PEAKS.replace("1..2", "1"), integration=GROUP)
    lab.join("pair")
    out = lab.results / "integration" / "pair" / "peaks.h5"
    before = out.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(stage, "replica_exchange", refuse_to_sample)
        lab.join("pair")
    assert out.read_bytes() == before
    other = lab_of(tmp_path, {"a": 0, "b": 7}, PEAKS.replace("1..2", "1"), integration=GROUP)
    other.join("pair")
    assert out.read_bytes() != before


def test_settings_come_from_the_campaign(tmp_path: Path) -> None:
    campaign = make_lab(tmp_path, {"a": peak(0)}, FLAT).campaign
    found = settings_of(campaign)
    assert (found.seed, found.chains, found.replicas, found.max_sweeps, found.draws) == (7, 4, 8, 300, 100)
    assert found.target_standard_error == 5
