"""Groups of several candidates, axes and noises that share a number: against closed forms of the stacked problem."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.grouping import linked
from bayesbeam.config.load import load_campaign
from bayesbeam.errors import ModelError
from bayesbeam.evidence.closed_form import Solution, known_noise
from bayesbeam.io.checkpoint import checkpoint_path
from bayesbeam.io.samples import read_records
from bayesbeam.sampling.checkpoint import Interrupted
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.sampling.engines.joint import JointEngine
from bayesbeam.stages.keep import Running, never
from bayesbeam.stages.mixed import mixed_target
from bayesbeam.stages.mixed_sample import present_of
from bayesbeam.stages.sample import sample_group
from bayesbeam.targets.joint import joint_target
from short_runs import shorten
from stage_fixture import HASTY, Lab, no_news, rows

Array = NDArray[np.float64]
SAMPLING = "{target_standard_error: 0.05, seed: 11, chains: 8, replicas: 8, draws: 400, device: cpu}"
CAMPAIGN = """\
campaign: test
treatments:
  energy: {{axis: {{unit: eV}}, signal: {{unit: V}}}}
  time: {{axis: {{unit: s}}, signal: {{unit: V}}}}
sampling: {sampling}
candidates:
  line:
    measurements: ["line_*"]
    parts:
      - {{component: linear, name: ramp, fixed: {{pivot: 0}}, priors: {{level: "normal(1, 2)", slope: "normal(0, 1)"}}}}
    noise: {{sigma: 0.3}}
  flat:
    measurements: ["flat_*"]
    parts: [{{component: constant, name: base, priors: {{level: "normal(1, 2)"}}}}]
    noise: {{sigma: 0.1}}
integration:
  - group: all
    measurements: ["*"]
    candidate: {{"line_*": line, "flat_*": flat}}
    shared: [{shared}]
"""
EQUAL = "{parameters: {line: ramp.level, flat: base.level}}"
OFFSET = '{parameters: {line: ramp.level, flat: base.level}, offset: "normal(0, 0.5)", reference: flat_a}'
FORMULA = (
    '{parameters: {line: ramp.level, flat: base.level}, formula: "common.c0 + common.c1 * temperature / 100", '
    'common: {c0: "normal(0, 1)", c1: "normal(0, 2)"}}'
)
SHEET = "id\tfile\ttreatment\ttemperature\n"
TEMPERATURE = {"line_a": 100.0, "line_b": 250.0, "flat_a": 300.0, "flat_b": 50.0}


def data() -> dict[str, tuple[Array, Array]]:
    """Two sloping lines over energy, and two flat ones over time, of other lengths and noise."""
    found = {}
    for k, name in enumerate(TEMPERATURE):
        rng = np.random.default_rng(k)
        x = np.linspace(-1.0, 1.5, 9) if name < "l" else np.linspace(0.0, 2.0 + k, 14)
        slope, sd = (0.0, 0.1) if name < "l" else (0.5 + 0.5 * k, 0.3)
        found[name] = (x, 1.3 + slope * x + sd * rng.standard_normal(x.size))
    return found


def lab_of(folder: Path, shared: str, sampling: str = SAMPLING) -> Lab:
    home = folder / "campaign"
    home.mkdir(parents=True, exist_ok=True)
    (home / "campaign.yaml").write_text(CAMPAIGN.format(shared=shared, sampling=sampling))
    sheet = SHEET
    for name, (x, y) in data().items():
        (home / f"{name}.txt").write_text(rows(x, y))
        sheet += f"{name}\t{name}.txt\t{'energy' if name > 'l' else 'time'}\t{TEMPERATURE[name]}\n"
    (home / "measurements.tsv").write_text(sheet)
    lab = Lab(load_campaign(home), folder / "results")
    lab.preprocess()
    return lab


def stacked(shared: str) -> tuple[list[str], Solution]:
    """Columns and exact answer of the joint problem as a person would write it down."""
    columns = [("slope line_a", 0.0, 1.0), ("slope line_b", 0.0, 1.0)]
    columns += {
        EQUAL: [("level", 1.0, 2.0)],
        OFFSET: [("level", 1.0, 2.0), *((f"offset {m}", 0.0, 0.5) for m in TEMPERATURE if m != "flat_a")],
        FORMULA: [("c0", 0.0, 1.0), ("c1", 0.0, 2.0)],
    }[shared]
    design, y, noise = [], [], []
    for name, (x, values) in data().items():
        one = np.ones_like(x)
        of = {f"slope {name}": x, "level": one, f"offset {name}": one, "c0": one, "c1": one * TEMPERATURE[name] / 100}
        design.append(np.stack([of.get(word, 0 * one) for word, _, _ in columns], 1))
        y.append(values)
        noise.append(np.full_like(x, 0.3 if name > "l" else 0.1))
    mean, sd = (np.array([c[k] for c in columns]) for k in (1, 2))
    solution = known_noise(np.concatenate(design), np.concatenate(y), np.concatenate(noise), mean, sd)
    return [word for word, _, _ in columns], solution


@pytest.mark.parametrize("shared", [EQUAL, OFFSET, FORMULA])
def test_the_whole_way_gives_the_closed_form(tmp_path: Path, shared: str) -> None:
    lab = lab_of(tmp_path, shared)
    lab.sample("line", ["line_a", "line_b"])
    lab.sample("flat", ["flat_a", "flat_b"])
    lab.summarise()
    lab.join("all")
    lab.integrate("all")
    content = json.loads((lab.results / "integration" / "all.json").read_text())
    (row,) = content["rows"]
    assert row["verdict"] == "reliable", row["reasons"]
    names, solution = stacked(shared)
    assert row["standard_error"] < 0.06
    assert abs(row["free_energy"] - solution.free_energy) < 4 * row["standard_error"]
    known = {"level": "ramp.level", "c0": "common.c0", "c1": "common.c1", "slope line_b": "ramp.slope"}
    known["offset flat_b"] = "common.base_level_offset"
    for k, name in enumerate(names):
        if name in known:
            member = name.partition(" ")[2] or None
            (one,) = [r for r in row["parameters"] if (r["parameter"], r["measurement"]) == (known[name], member)]
            mean, sd = solution.posterior.mean[k], solution.posterior.sd[k]
            assert abs(one["mean"] - mean) < 4 * sd / math.sqrt(one["ess"])
            assert one["sd"] == pytest.approx(sd, rel=4 / math.sqrt(2 * one["ess"]))
    alone = {(r["measurement"], r["tag"]): r["free_energy"] for r in records(lab)}
    assert set(alone) == {("line_a", "line"), ("line_b", "line"), ("flat_a", "flat"), ("flat_b", "flat")}
    assert row["gain"] == pytest.approx(sum(alone.values()) - row["free_energy"], abs=1e-9)
    assert content["best"]["tag_separate"] == {name: tag for name, tag in alone}
    assert content["candidate"] == "line and flat"


def records(lab: Lab) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((lab.results / "free_energy" / "b.json").read_text())["records"]
    return found


def test_a_planted_mistake_is_seen() -> None:
    """One noise for all, or a level of its own, moves the exact answer by more than is allowed above."""
    right = stacked(EQUAL)[1].free_energy
    assert abs(stacked(OFFSET)[1].free_energy - right) > 4 * 0.06
    assert abs(stacked(FORMULA)[1].free_energy - right) > 4 * 0.06


def test_density_of_all_numbers(tmp_path: Path) -> None:
    """Log-likelihood and prior of any state are those of the numbers by name."""
    lab = lab_of(tmp_path, EQUAL)
    (model,) = lab.campaign.group_models("all")
    assert model.tag == "line.flat"
    model, present = present_of(model, lab.measurements)
    target = mixed_target(model, lab.campaign.group("all").shared, present, "float64")
    shape = (len(target.slots), 1, 1, 50, 1)
    theta = target.from_uniform(torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    found = target.log_likelihood(target.rows(theta).sum(0), theta)[0, 0, :, 0] + target.log_prior(theta)[0, :, 0]
    names = [slot.name for slot in target.slots]
    assert sorted(names) == ["ramp.level", "ramp.pivot", "ramp.pivot", "ramp.slope", "ramp.slope"]
    values = {k: theta[0, 0, :, 0, k].numpy() for k in range(len(names))}
    level = values[names.index("ramp.level")]
    slopes = [values[k] for k, name in enumerate(names) if name == "ramp.slope"]
    total = stats.norm.logpdf(level, 1, 2) + sum(stats.norm.logpdf(slope, 0, 1) for slope in slopes)
    for name, (x, y) in data().items():
        slope = slopes["ab".index(name[-1])][:, None] if name > "l" else 0.0
        sd = 0.3 if name > "l" else 0.1
        total = total + stats.norm.logpdf(y, level[:, None] + slope * x, sd).sum(1)
    # rtol: data files hold nine digits
    np.testing.assert_allclose(found.numpy(), total, rtol=1e-7)


def test_the_same_bytes_again_and_draws_that_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)
    found = []
    for folder in ("one", "two"):
        lab = lab_of(tmp_path / folder, EQUAL, HASTY)
        lab.join("all")
        path = lab.results / "integration" / "all" / "line.flat.h5"
        found.append(read_records(path)["all"])
    assert all(np.array_equal(found[0].arrays[key], found[1].arrays[key]) for key in found[0].arrays)
    before = path.read_bytes()
    lab.join("all")
    assert path.read_bytes() == before
    assert set(found[0].facts["members"]) == set(TEMPERATURE)


def test_different_priors_are_refused_by_the_target_too(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, EQUAL)
    (model,) = lab.campaign.group_models("all")
    model, present = present_of(model, lab.measurements)
    parts = linked(model, lab.campaign.group("all").shared)
    target = mixed_target(model, lab.campaign.group("all").shared, present, "float64")
    first, second = target.sums
    other = type(second.priors[0])(second.priors[0].family, {k: v + 1 for k, v in second.priors[0].values.items()})
    changed = type(second)(**{**vars_of(second), "priors": (other, *second.priors[1:])})
    with pytest.raises(ModelError, match=r"ramp.level: different priors in two candidates"):
        joint_target([first, changed], [part.names for part in parts], [["a", "b"], ["c", "d"]])


def vars_of(target: Any) -> dict[str, Any]:
    return {name: getattr(target, name) for name in target.__dataclass_fields__}


class StopOnce:
    """Asks to stop when it is asked for the second time."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked == 2


def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)
    found = []
    for folder, stop in (("whole", never), ("stopped", StopOnce())):
        lab = lab_of(tmp_path / folder, OFFSET, HASTY)
        out = lab.results / "integration" / "all" / "line.flat.h5"
        running = Running(every_s=0.0, stop=stop)
        if folder == "stopped":
            with pytest.raises(Interrupted):
                sample_group(lab.campaign, "all", "line.flat", lab.measurements, out, no_news, running)
            assert checkpoint_path(out).exists()
            assert not out.exists()
        sample_group(lab.campaign, "all", "line.flat", lab.measurements, out, no_news, running)
        assert not checkpoint_path(out).exists()
        found.append(read_records(out)["all"].arrays)
    assert all(np.array_equal(found[0][key], found[1][key]) for key in found[0])


def test_a_refused_measurement_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a kind, both of a kind, and all but one: two at least are needed, of whatever kind."""
    shorten(monkeypatch.setattr)
    lab = lab_of(tmp_path, EQUAL, HASTY)
    left = list(TEMPERATURE)
    for gone, tag in (("line_a", "line.flat"), ("line_b", "line.flat"), ("flat_a", "line.flat")):
        (lab.campaign.folder / f"{gone}.txt").write_text("0 1\n1 nan\n")
        left.remove(gone)
        lab.preprocess()
        lab.join("all")
        found = read_records(lab.results / "integration" / "all" / f"{tag}.h5")
        assert set(found["all"].facts["members"] if found else ()) == (set(left) if len(left) > 1 else set())
        lab.sample("line", [name for name in left if name > "l"])
        lab.sample("flat", [name for name in left if name < "l"])
        lab.summarise(ids=left)
        content = json.loads(lab.integrate("all").read_text())
        assert content["measurements"] == left
        assert len(content["rows"]) == (1 if len(left) > 1 else 0)


PEAKS = """\
  {name}:
    measurements: [{member}]
    parts:
      - {{component: gaussian, name: peak, count: 2, fixed: {{sd: 0.2}},
         priors: {{amplitude: "uniform(0, 3)", position: "uniform(0, 3)"}}}}
      - {{component: constant, priors: {{level: "normal(0, 1)"}}}}
    noise: {{sigma: 0.3}}
"""


def test_exchangeable_peaks_in_a_mixed_group(tmp_path: Path) -> None:
    """Two copies of one candidate as a mixed group: the free energy of the group of one candidate, orders and all.

    One difference against its error, at four of them: a false alarm in 6e-5 of all seeds.
    """
    home = tmp_path / "campaign"
    home.mkdir()
    x = np.linspace(0.0, 3.0, 25)
    for k, name in enumerate("ab"):
        y = np.exp(-0.5 * ((x - 1.0) / 0.2) ** 2) + 0.8 * np.exp(-0.5 * ((x - 1.8) / 0.2) ** 2)
        (home / f"{name}.txt").write_text(rows(x, y + 0.3 * np.random.default_rng(k).standard_normal(x.size)))
    (home / "measurements.tsv").write_text("id\tfile\na\ta.txt\nb\tb.txt\n")
    candidates = [("both", '"*"'), ("first", "a"), ("second", "b")]
    text = f"campaign: test\nsampling: {SAMPLING}\ncandidates:\n"
    text += "".join(PEAKS.format(name=name, member=member) for name, member in candidates)
    text += "integration:\n"
    for group, candidate in (("plain", "both"), ("mixed", "{a: first, b: second}")):
        text += f"  - {{group: {group}, measurements: [a, b], candidate: {candidate}, shared: [constant.level]}}\n"
    (home / "campaign.yaml").write_text(text)
    lab = Lab(load_campaign(home), tmp_path / "results")
    lab.preprocess()
    found = []
    for group, tag in (("plain", "both"), ("mixed", "first.second")):
        lab.join(group)
        facts = read_records(lab.results / "integration" / group / f"{tag}.h5")[group].facts
        assert facts["verdict"] == "reliable", facts["reasons"]
        found.append(facts["free_energy"])
    error = math.hypot(*(one["standard_error"] for one in found))
    assert error < 0.15  # far below ln 2, by which a lost order of two peaks would be wrong
    assert abs(found[0]["value"] - found[1]["value"]) < 4 * error


def test_what_the_engine_keeps_is_what_the_target_says(tmp_path: Path) -> None:
    """After sweeps of steps and jumps, some accepted and some not, of own and of shared numbers."""
    lab = lab_of(tmp_path, OFFSET)
    (model,) = lab.campaign.group_models("all")
    model, present = present_of(model, lab.measurements)
    target = mixed_target(model, lab.campaign.group("all").shared, present, "float64")
    engine = engine_for(target)
    assert isinstance(engine, JointEngine)
    chains, replicas = 2, 3
    shape = (len(target.slots), 1, 1, chains, replicas)
    theta = target.from_uniform(torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    state = engine.start(theta)
    proposal = theta.flip(3)
    for slot in target.moving:
        term = engine._term_of_slot[slot]
        moved = state.theta.clone()
        moved[..., slot] = proposal[..., slot]
        row, prediction = engine._propose(state, term, moved)
        likelihood = target.log_likelihood(prediction, moved)
        torch.testing.assert_close(
            likelihood, target.log_likelihood(target.rows(moved).sum(0), moved), rtol=1e-12, atol=0
        )
        accept = torch.arange(chains * replicas).reshape(1, 1, chains, replicas) % 2 == slot % 2
        engine._settle(state, accept, term, row, prediction, moved, likelihood)
        # rtol: sums of points in another shape
        torch.testing.assert_close(state.rows, target.rows(state.theta), rtol=1e-12, atol=0)
        torch.testing.assert_close(state.log_likelihood, state.prediction[..., 0], rtol=0, atol=0)
    assert not torch.equal(state.theta, theta)
