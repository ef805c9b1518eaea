"""What measurements share up to offsets, factors and formulas of a column: against closed forms of the stacked problem.

Every case runs on the same path as a campaign: its file, the rewritten candidate, the target, the sampler, the tables.
"""

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
from bayesbeam.config.load import load_campaign
from bayesbeam.config.reference_sharing import EXAMPLE_SHARING
from bayesbeam.config.sharing import Joint, joint_spec
from bayesbeam.errors import ModelError
from bayesbeam.evidence.closed_form import Solution, known_noise
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.stages.build import build_target
from bayesbeam.targets.sum import SumTarget
from short_runs import shorten
from stage_fixture import HASTY, Lab, make_lab, rows

Array = NDArray[np.float64]
LEVEL, SLOPE, OFFSET, NOISE = 3.0, 2.0, 0.7, 0.3
SAMPLING = "{target_standard_error: 0.05, seed: 11, chains: 8, replicas: 8, draws: 500, device: cpu}"
TEMPERATURES = (100.0, 180.0, 300.0)
LINE = f"""\
  line:
    solve: sample
    parts:
      - component: linear
        priors: {{level: "normal(0, {LEVEL})", slope: "normal(0, {SLOPE})"}}
        fixed: {{pivot: 0}}
    noise: {{sigma: {NOISE}}}
"""
WAYS = {
    "offset": '{parameter: linear.slope, offset: "normal(mean=0.2, sd=0.7)"}',
    "reference": '{parameter: linear.slope, offset: "normal(mean=0.2, sd=0.7)", reference: b}',
    "formula": '{parameter: linear.slope, formula: "common.c0 + common.c1 * temperature / 100", '
    'common: {c0: "normal(0, 1.5)", c1: "normal(0, 0.4)"}}',
    "itself": '{parameter: linear.slope, formula: "linear.slope + common.c1 * (temperature - 200) / 100", '
    'common: {c1: {prior: "normal(0, 0.4)", unit: y/x}}}',
}


def data() -> dict[str, tuple[Array, Array]]:
    """Three straight lines on axes of different lengths."""
    found = {}
    for k, name in enumerate("abc"):
        rng = np.random.default_rng(k)
        x = np.linspace(-1.0, 1.0 + 0.3 * k, 12 + 3 * k)
        found[name] = (x, 0.5 * k + (1.0 + 0.4 * k) * x + NOISE * rng.standard_normal(x.size))
    return found


def stacked(way: str, points: dict[str, tuple[Array, Array]]) -> tuple[Array, Array, Array, Array, list[str]]:
    """Design, data, prior means and widths of the joint problem as a person would write it down."""
    levels = [(f"level {name}", 0.0, LEVEL) for name in points]
    slope = [("slope", 0.0, SLOPE)]
    others = {
        "offset": [*slope, *((f"offset {name}", 0.2, OFFSET) for name in points)],
        "reference": [*slope, *((f"offset {name}", 0.2, OFFSET) for name in points if name != "b")],
        "formula": [("c0", 0.0, 1.5), ("c1", 0.0, 0.4)],
        "itself": [*slope, ("c1", 0.0, 0.4)],
    }[way]
    columns = [*levels, *others]
    blocks = []
    for (name, (x, _)), temperature in zip(points.items(), TEMPERATURES, strict=True):
        of = {f"level {name}": np.ones_like(x), "slope": x, f"offset {name}": x, "c0": x}
        of["c1"] = x * (temperature if way == "formula" else temperature - 200.0) / 100.0
        blocks.append(np.stack([of.get(word, np.zeros_like(x)) for word, _, _ in columns], 1))
    y = np.concatenate([y for _, y in points.values()])
    mean, sd = (np.array([column[k] for column in columns]) for k in (1, 2))
    return np.concatenate(blocks), y, mean, sd, [word for word, _, _ in columns]


def exact(way: str) -> tuple[Solution, list[str]]:
    design, y, mean, sd, names = stacked(way, data())
    return known_noise(design, y, NOISE, mean, sd), names


def lab_of(
    folder: Path, shared: str, candidates: str = LINE, texts: dict[str, str] | None = None, sampling: str = SAMPLING
) -> Lab:
    """Lab of a group of three at three temperatures."""
    texts = {name: rows(x, y) for name, (x, y) in data().items()} if texts is None else texts
    name = candidates.split(":")[0].strip()
    group = f"  - {{group: all, measurements: ['*'], candidate: {name}, shared: [{shared}]}}\n"
    make_lab(folder, texts, candidates, sampling=sampling)
    sheet = "id\tfile\ttemperature\n" + "".join(
        f"{name}\t{name}.txt\t{t}\n" for name, t in zip(texts, TEMPERATURES, strict=False)
    )
    (folder / "campaign" / "measurements.tsv").write_text(sheet)
    with (folder / "campaign" / "campaign.yaml").open("a") as file:
        file.write(f"integration:\n{group}")
    lab = Lab(load_campaign(folder / "campaign"), folder / "results")
    lab.preprocess()
    return lab


def target_of(lab: Lab) -> tuple[Joint, SumTarget]:
    """The rewritten candidate and the target of all members, in double precision."""
    asked = lab.campaign.group("all")
    joint = joint_spec(lab.campaign.expanded(asked.candidate)[0].spec, asked.shared)
    members = [read_measurement(lab.measurements / f"{name}.h5") for name in asked.measurements]
    return joint, build_target(joint.spec, [members], joint.shared, "float64")


def states(target: SumTarget, n: int = 200) -> torch.Tensor:
    """States (1, D, n, 1, P) of the prior."""
    shape = (len(target.slots), 1, target.members, n, 1)
    return target.from_uniform(torch.rand(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64))


def posterior(target: SumTarget, theta: torch.Tensor) -> Array:
    """Log-likelihood plus log-prior of states, (n,)."""
    value = target.log_likelihood(target.rows(theta).sum(0), theta).sum(1) + target.log_prior(theta)
    found: Array = value[0, :, 0].numpy()
    return found


def of_person(way: str, target: SumTarget, theta: torch.Tensor) -> tuple[Array, Array]:
    """Log posterior, as a person would write it down, of the same states; and that of numbers without effect."""
    design, y, mean, sd, names = stacked(way, data())
    place = {slot.name: j for j, slot in enumerate(target.slots)}
    values = theta[0, :, :, 0].numpy()
    known = {"slope": "linear.slope", "c0": "common.c0", "c1": "common.c1"}
    columns = []
    for name in names:
        kind, _, member = name.partition(" ")
        word = {"level": "linear.level", "offset": "common.linear_slope_offset"}.get(kind, known.get(kind, ""))
        columns.append(values["abc".index(member) if member else 0, :, place[word]])
    numbers = np.stack(columns, 1)
    found = stats.norm.logpdf(y, numbers @ design.T, NOISE).sum(-1) + stats.norm.logpdf(numbers, mean, sd).sum(-1)
    idle = np.zeros(len(numbers))
    if way == "reference":
        idle = stats.norm.logpdf(values[1, :, place["common.linear_slope_offset"]], 0.2, OFFSET)
    return found, idle


@pytest.mark.parametrize("way", WAYS)
def test_the_joint_density_is_that_of_the_stacked_problem(tmp_path: Path, way: str) -> None:
    _, target = target_of(lab_of(tmp_path, WAYS[way]))
    theta = states(target)
    found, idle = of_person(way, target, theta)
    # rtol: data files hold nine digits
    np.testing.assert_allclose(posterior(target, theta), found + idle, rtol=1e-8)


@pytest.mark.parametrize("way", WAYS)
def test_the_sampler_finds_the_closed_form(tmp_path: Path, way: str) -> None:
    """Three numbers of four runs: a false alarm in 12 * 6e-5 of all seeds."""
    lab = lab_of(tmp_path, WAYS[way])
    lab.sample("line")
    lab.summarise()
    lab.join("all")
    lab.integrate("all")
    solution, names = exact(way)
    (row,) = json.loads((lab.results / "integration" / "all.json").read_text())["rows"]
    assert row["verdict"] == "reliable", row["reasons"]
    assert abs(row["free_energy"] - solution.free_energy) < 4 * row["standard_error"]
    assert row["standard_error"] < 0.06
    words = {"slope": "linear.slope", "c0": "common.c0", "c1": "common.c1", "offset c": "common.linear_slope_offset"}
    for k, name in enumerate(names):
        if name not in words:
            continue
        member = name.partition(" ")[2] or None
        (one,) = [r for r in row["parameters"] if (r["parameter"], r["measurement"]) == (words[name], member)]
        mean, sd = solution.posterior.mean[k], solution.posterior.sd[k]
        assert abs(one["mean"] - mean) < 4 * sd / math.sqrt(one["ess"])
        assert one["sd"] == pytest.approx(sd, rel=4 / math.sqrt(2 * one["ess"]))


@pytest.mark.parametrize("way", WAYS)
def test_without_sampling_the_closed_form_is_met(tmp_path: Path, way: str) -> None:
    lab = lab_of(tmp_path, WAYS[way], LINE.replace("solve: sample", "solve: exact"))
    lab.sample("line")
    lab.summarise()
    lab.join("all")
    lab.integrate("all")
    (row,) = json.loads((lab.results / "integration" / "all.json").read_text())["rows"]
    # data files hold nine digits
    assert row["free_energy"] == pytest.approx(exact(way)[0].free_energy, abs=1e-6)
    assert row["standard_error"] == 0.0


def test_a_planted_mistake_is_seen(tmp_path: Path) -> None:
    """A column of the wrong order, offsets left out, a reference that has one: F moves by more than is allowed."""
    right = {way: exact(way)[0].free_energy for way in WAYS}
    design, y, mean, sd, names = stacked("formula", data())
    design[:, names.index("c1")] = design[:, names.index("c0")] * np.repeat([3.0, 1.0, 1.8], [12, 15, 18])
    shuffled = known_noise(design, y, NOISE, mean, sd).free_energy
    design, y, mean, sd, names = stacked("offset", data())
    keep = [k for k, name in enumerate(names) if not name.startswith("offset")]
    without = known_noise(design[:, keep], y, NOISE, mean[keep], sd[keep]).free_energy
    for wrong, way in ((shuffled, "formula"), (without, "offset"), (right["offset"], "reference")):
        assert abs(wrong - right[way]) > 4 * 0.06
    _, target = target_of(lab_of(tmp_path, WAYS["offset"]))
    theta = states(target)
    found, _ = of_person("offset", target, theta.flip(1))
    assert np.abs(posterior(target, theta) - found).max() > 1


def test_a_factor_against_quadrature(tmp_path: Path) -> None:
    """One level, equal up to factors: over the level by a fine grid, over each factor by another, exact to 1e-9."""
    candidates = """\
  flat:
    parts: [{component: constant, priors: {level: "normal(2, 0.5)"}}]
    noise: {sigma: 0.2}
"""
    values = {name: 2.0 + 0.3 * k + 0.2 * np.random.default_rng(k).standard_normal(6) for k, name in enumerate("abc")}
    texts = {name: rows(np.arange(6.0), y) for name, y in values.items()}
    lab = lab_of(tmp_path, '{parameter: constant.level, scale: "normal(1, 0.2)", reference: a}', candidates, texts)
    lab.sample("flat")
    lab.summarise()
    lab.join("all")
    facts = read_records(lab.results / "integration" / "all" / "flat.h5")["all"].facts["free_energy"]
    level, factor = np.linspace(-1.0, 5.0, 1201), np.linspace(-0.4, 2.4, 1401)
    total = stats.norm.logpdf(level, 2.0, 0.5)
    for name, y in values.items():
        if name == "a":
            total += stats.norm.logpdf(y[:, None], level, 0.2).sum(0)
            continue
        inner = stats.norm.logpdf(y[:, None, None], level[:, None] * factor, 0.2).sum(0)
        density = np.exp(inner + stats.norm.logpdf(factor, 1.0, 0.2))
        total += np.log(np.trapezoid(density, factor, axis=1))
    truth = -math.log(np.trapezoid(np.exp(total), level))
    assert abs(facts["value"] - truth) < 4 * facts["standard_error"]
    assert facts["standard_error"] < 0.06


PEAKS = """\
  peaks:
    parts:
      - component: gaussian
        name: peak
        count: 2
        priors: {amplitude: "uniform(0.5, 3)", position: "uniform(0, 3)", sd: "uniform(0.1, 0.3)"}
      - component: gaussian
        name: other
        priors: {amplitude: "uniform(0.5, 3)"}
        tied: {sd: common.width, position: common.place}
    common: {width: {prior: "uniform(0.1, 0.3)", unit: x}, place: {prior: "uniform(1, 2)", unit: x}}
    noise: {sigma: 0.1}
"""


def peaks_lab(folder: Path, shared: str, sampling: str = SAMPLING) -> Lab:
    x = np.linspace(-1.0, 4.0, 80)
    texts = {name: rows(x, np.exp(-0.5 * ((x - 1.5) / 0.2) ** 2)) for name in "abc"}
    return lab_of(folder, shared, PEAKS, texts, sampling)


def curves(target: SumTarget, theta: torch.Tensor, move: Any) -> Array:
    """Curves (D, n, N) of the two peaks and the third as a person would write them down."""
    x = np.linspace(-1.0, 4.0, 80)
    values, total = theta[0, :, :, 0].numpy(), 0.0
    at = {(slot.name, slot.index): j for j, slot in enumerate(target.slots)}
    for index in (1, 2):
        a, p, s = (values[..., at[f"peak.{word}", index], None] for word in ("amplitude", "position", "sd"))
        total = total + a * np.exp(-0.5 * ((x - move(p, values, at)) / s) ** 2)
    a, p, s = (
        values[..., at["other.amplitude", 1], None],
        *(values[..., at[f"common.{word}", None], None] for word in ("place", "width")),
    )
    return np.asarray(total + a * np.exp(-0.5 * ((x - p) / s) ** 2))


MOVES = {
    '{parameter: peak.position, offset: "normal(0, 0.2)"}': lambda p, v, at: (
        p + v[..., at["common.peak_position_offset", None], None]
    ),
    '{parameter: peak.position, formula: "peak.position * exp(common.k * temperature)", '
    'common: {k: "normal(0, 0.001)"}}': lambda p, v, at: (
        p * np.exp(v[..., at["common.k", None], None] * np.array(TEMPERATURES)[:, None, None])
    ),
}


@pytest.mark.parametrize("shared", MOVES)
def test_several_peaks_are_moved_together_and_stay_in_order(tmp_path: Path, shared: str) -> None:
    joint, target = target_of(peaks_lab(tmp_path, f"{shared}, common.width"))
    assert {"peak.position", "common.width"} <= joint.shared
    theta = states(target)
    # Each of the two peaks is ordered by its own place, which is free and shared.
    assert [target.slots[one.order_slot].shared for one in target.instances if one.part == "peak"] == [True, True]
    found = target.rows(theta).sum(0)[0, :, :, 0].numpy()
    # atol: the axis is written with nine digits
    np.testing.assert_allclose(found, curves(target, theta, MOVES[shared]), rtol=0, atol=1e-6)
    wrong = curves(target, theta, lambda p, v, at: p)
    assert np.abs(found - wrong).max() > 0.1


@pytest.mark.parametrize("shared", MOVES)
def test_groups_are_the_same_bytes_again(tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)
    found = []
    for folder in ("one", "two"):
        lab = peaks_lab(tmp_path / folder, shared, HASTY)
        lab.join("all")
        found.append(read_records(lab.results / "integration" / "all" / "peaks.h5")["all"].arrays)
    assert all(np.array_equal(found[0][key], found[1][key]) for key in found[0])


def test_engines_agree_on_moved_peaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled loops see the same log-likelihood as plain torch in every state they report."""
    shorten(monkeypatch.setattr)
    shared = next(iter(MOVES))
    lab = peaks_lab(tmp_path, shared, HASTY.replace("device: cpu", "device: cpu, engine: cpu"))
    lab.join("all")
    record = read_records(lab.results / "integration" / "all" / "peaks.h5")["all"]
    _, target = target_of(lab)
    # A record has draws, members, chains and parameters; a target has groups, members, chains, replicas.
    states = torch.from_numpy(record.arrays["theta"].transpose(1, 2, 0, 3).copy())[None]
    value = target.log_likelihood(target.rows(states).sum(0), states).sum(1)[0]
    assert record.facts["engine"].startswith("cpu")
    # atol: curves in single precision, of heights up to thirty times the noise
    np.testing.assert_allclose(value.numpy().T, record.arrays["log_likelihood"][:, :, -1], atol=0.02)


def test_what_the_page_and_tables_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The offset once a measurement but for the reference, the parameter in common once and in each; modes as well."""
    shorten(monkeypatch.setattr)
    shared = '{parameter: peak.position, offset: "normal(0, 0.2)", reference: b}, peak.sd'
    lab = peaks_lab(tmp_path, shared, HASTY)
    text = (lab.campaign.folder / "campaign.yaml").read_text() + "report: {modes: true}\n"
    (lab.campaign.folder / "campaign.yaml").write_text(text)
    lab = Lab(load_campaign(lab.campaign.folder), lab.results)
    lab.sample("peaks")
    lab.summarise()
    lab.join("all")
    lab.integrate("all")
    content = json.loads((lab.results / "integration" / "all.json").read_text())
    assert content["shared"] == ["peak.position up to an offset of each measurement", "peak.sd"]
    assert content["common"] == ["peak.position", "peak.sd"]
    (row,) = content["rows"]
    owners: dict[str, list[str]] = {}
    for one in row["parameters"]:
        owners.setdefault(one["parameter"], []).append(f"{one['measurement']} {one['index']} {one['kind']}")
    assert owners["common.peak_position_offset"] == ["a None parameter", "c None parameter"]
    common = ["None 1 parameter", "None 2 parameter"]
    assert owners["peak.position"] == common + [f"{name} {k} derived" for name in "abc" for k in (1, 2)]
    assert owners["peak.sd"] == common
    assert not any("there" in name or "common_" in name for name in owners)
    arrays = read_records(lab.results / "integration" / "all.h5")["peaks"]
    assert arrays.arrays["draws"].shape[2] == arrays.arrays["prior_draws"].shape[1] == len(row["parameters"])
    at = {(c["name"], c["index"], c["measurement"]): k for k, c in enumerate(arrays.facts["columns"])}
    draws = arrays.arrays["draws"]
    moved = draws[..., at["peak.position", 1, None]] + draws[..., at["common.peak_position_offset", None, "c"]]
    np.testing.assert_array_equal(draws[..., at["peak.position", 1, "c"]], moved)
    same = draws[..., at["peak.position", 1, "b"]]
    np.testing.assert_array_equal(same, draws[..., at["peak.position", 1, None]])


def test_the_campaign_of_the_reference_is_good(tmp_path: Path) -> None:
    """What config/README.md shows loads, with a candidate that has these parts."""
    candidates = """\
  peaks:
    parts:
      - {component: lorentzian, name: line, priors: {position: "uniform(0, 9)", fwhm: "uniform(0.1, 1)"}}
      - {component: erf_step, name: step, priors: {position: "uniform(0, 9)"}}
"""
    make_lab(tmp_path, {"run_300K": rows(np.arange(9.0), np.ones(9)), "run_9K": ""}, candidates)
    home = tmp_path / "campaign"
    (home / "campaign.yaml").write_text((home / "campaign.yaml").read_text() + EXAMPLE_SHARING)
    (home / "measurements.tsv").write_text("id\tfile\ttemperature\nrun_300K\ta\t300\nrun_9K\tb\t9\n")
    loaded = load_campaign(home)
    joint = joint_spec(loaded.by_tag("peaks").spec, loaded.group("cooling").shared)
    assert joint.shared == {"line.fwhm", "line.position", "common.start", "common.rise"}
    assert loaded.group_members("cooling") == ("run_300K", "run_9K")


def test_out_of_range_is_refused_before_sampling(tmp_path: Path) -> None:
    """Widths that an offset makes negative in some of the prior."""
    with pytest.raises(ModelError, match=r"measurement a: peak.sd: its tie leads to -.*Narrow the priors"):
        target_of(peaks_lab(tmp_path, '{parameter: peak.sd, offset: "normal(0, 0.2)"}'))
