"""Columns of the data and powers of x: from a file to the curve of a candidate, and what is said of mistakes."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.load import load_campaign
from bayesbeam.errors import ConfigErrors, DataError
from bayesbeam.io.readers import ReadOptions, read_raw
from bayesbeam.io.readers.guarded import guarded_reader
from bayesbeam.io.store import Measurement, read_measurement, write_measurement
from bayesbeam.io.treatment import Steps, treat
from bayesbeam.models.mathspace import TORCH
from bayesbeam.models.regressors import of_column, of_power, power
from bayesbeam.models.trace import trace
from bayesbeam.sampling.engines.choose import choose
from bayesbeam.stages.build import build_target
from bayesbeam.stages.members import member_key
from stage_fixture import HASTY, Lab, make_lab, record, strict

X = np.arange(1.0, 13.0)
LOAD = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0])
Y = 2.0 * LOAD - 0.5 * X + 1.0
TABLE = "t,y,load\n" + "".join(f"{x:g},{y:g},{load:g}\n" for x, y, load in zip(X, Y, LOAD, strict=True))
READ = "{read: {x: t, y: y, columns: [load]}}"
CANDIDATE = """\
  line:
    parts:
      - {component: column, name: load, column: load, priors: {coefficient: "normal(0, 5)"}}
      - {component: power, name: drift, exponent: 1}
      - {component: constant}
    noise: {family: normal, sigma: 0.5}
"""


def lab(folder: Path, candidates: str = CANDIDATE, treatment: str = READ, table: str = TABLE) -> Lab:
    return make_lab(folder, {"a": table}, candidates, treatment=treatment, sampling=HASTY)


def mistakes(folder: Path, old: str = "", new: str = "", treatment: str = READ) -> str:
    assert old in CANDIDATE
    with pytest.raises(ConfigErrors) as caught:
        lab(folder, CANDIDATE.replace(old, new), treatment)
    return "\n".join(map(str, caught.value.problems))


def test_text_files_have_further_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    raw = read_raw(path, ReadOptions(x="t", y="y", columns=("load", 0)))
    np.testing.assert_array_equal(raw.columns, [LOAD, X])
    assert raw.uncertainty is None
    with_sd = read_raw(path, ReadOptions(x=None, y="y", uncertainty=2, columns=("t",)))
    np.testing.assert_array_equal(with_sd.columns[0], X)
    np.testing.assert_array_equal(with_sd.uncertainty, LOAD)
    assert with_sd.uncertainty_name == "load"
    for twice in (("y",), (1,), ("load", 2)):
        with pytest.raises(DataError, match="chosen already; expected columns that are not y, and each once"):
            read_raw(path, ReadOptions(x="t", y="y", columns=twice))
    with pytest.raises(DataError, match=r"no column is called 'laod'.* Did you mean load"):
        read_raw(path, ReadOptions(x="t", y="y", columns=("laod",)))


def test_hdf5_files_have_further_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name, values in (("t", X), ("y", Y), ("load", LOAD), ("short", X[:3])):
            file[name] = values
    with guarded_reader() as read:
        raw = read(path, ReadOptions(x="t", y="y", dataset="/y", columns=("load", "t")), "")
        np.testing.assert_array_equal(raw.columns, [LOAD, X])
        with pytest.raises(DataError, match="/y has 12 points and /short has 3; expected as many as y"):
            read(path, ReadOptions(x="t", dataset="/y", columns=("short",)), "")
        with pytest.raises(DataError, match="column 2 of an HDF5 file; expected a name or a path"):
            read(path, ReadOptions(x="t", dataset="/y", columns=(2,)), "")


def test_columns_go_with_their_points(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE.replace("12,", "0,"))
    raw = read_raw(path, ReadOptions(x="t", y="y", columns=("load",)))
    kept = treat(raw, Steps(mask=((3.5, 4.5),), columns=("load",)), "", "a")
    order = np.argsort(raw.x)
    order = order[raw.x[order] != 4.0]
    np.testing.assert_array_equal(kept.points.columns["load"], LOAD[order])
    joined = treat(raw, Steps(rebin=2, columns=("load",)), "", "a")
    np.testing.assert_array_equal(joined.points.columns["load"], LOAD[np.argsort(raw.x)].reshape(-1, 2).mean(1))
    path.write_text(TABLE.replace(",9\n", ",nan\n"))
    raw = read_raw(path, ReadOptions(x="t", y="y", columns=("load",)))
    with pytest.raises(DataError, match="a: line 7: column load = nan at x = 6; expected finite numbers"):
        treat(raw, Steps(columns=("load",)), "", "a")


def test_a_measurement_keeps_its_columns(tmp_path: Path) -> None:
    m = Measurement("a", X, Y, noise_estimate=0.1, columns={"load": LOAD, "size": X**2})
    write_measurement(tmp_path / "a.h5", m)
    found = read_measurement(tmp_path / "a.h5")
    assert list(found.columns) == ["load", "size"]
    np.testing.assert_array_equal(found.columns["size"], X**2)
    made = lab(tmp_path)
    made.preprocess()
    np.testing.assert_array_equal(read_measurement(made.measurements / "a.h5").columns["load"], LOAD)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 7.0, 10.0, -1.0, -3.0, 0.5, -1.5])
def test_powers_are_those_of_numpy(exponent: float) -> None:
    x = np.concatenate([-X, X]) if exponent == int(exponent) else X
    found = power(TORCH, torch.from_numpy(x), exponent).numpy()
    # half a unit in the last place for each of a handful of products; a logarithm of 2.5 costs as many for others
    np.testing.assert_allclose(found, x**exponent, rtol=2e-15)
    component = of_power(exponent)
    trace(component.formula, ("x",), component.parameter_names)
    assert component is of_power(exponent)
    assert component.parameters[0].unit == {0.0: "y", 2.0: "y/x^2", -1.0: "y*x^1"}.get(
        exponent, component.parameters[0].unit
    )


def test_the_curve_is_that_of_columns_and_powers(tmp_path: Path) -> None:
    made = lab(tmp_path)
    made.preprocess()
    m = read_measurement(made.measurements / "a.h5")
    target = build_target(made.campaign.by_tag("line").spec, [[m], [m]])
    assert target.dtype == torch.float64
    theta = torch.tensor([2.0, -0.5, 1.0], dtype=torch.float64).expand(2, 1, 1, 1, 3)
    for curve in (target.rows(theta).sum(0), target.curves(theta).sum(0)):
        np.testing.assert_allclose(curve[1, 0, 0, 0], Y, rtol=1e-14)
    np.testing.assert_allclose(target.select(torch.tensor([1])).rows(theta[:1]).sum(0)[0, 0, 0, 0], Y, rtol=1e-14)
    assert choose(target) == ("eager", "a part is a column of the data")
    powers = lab(
        tmp_path / "p",
        CANDIDATE.replace("component: column, name: load, column: load", "component: constant, name: other").replace(
            "coefficient", "level"
        ),
    )
    assert choose(build_target(powers.campaign.by_tag("line").spec, [[m]])).engine == "cpu"


def test_columns_are_sampled_and_known_by_their_numbers(tmp_path: Path) -> None:
    made = lab(tmp_path)
    content = strict(made.separate())
    assert content["refused"] == []
    rows = {row["parameter"]: row for row in record(content, "line")["parameters"]}
    assert rows["load.coefficient"]["unit"] == "1/[load]"
    assert abs(rows["load.coefficient"]["mean"] - 2.0) < 5.0 * rows["load.coefficient"]["sd"]
    m = read_measurement(made.measurements / "a.h5")
    other = Measurement("a", m.x, m.y, noise_estimate=m.noise_estimate, columns={"load": LOAD + 1.0})
    keys = {member_key(made.campaign, made.campaign.by_tag("line"), [one]) for one in (m, other)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", column: load", "", "component: column without column; expected column: a column of the treatment's"),
        (", exponent: 1", "", "component: power without exponent; expected exponent: the power of x"),
        ("{component: constant}", "{component: constant, exponent: 2}", "exponent with component constant; expected"),
        ("column: load", "column: lod", "the column 'lod', which a does not have; .* Did you mean load"),
        (', priors: {coefficient: "normal(0, 5)"}', "", "no prior of coefficient; expected one, for its unit is"),
        ("exponent: 1", "exponent: 0.5", r"no prior of amplitude; expected one, for its unit is .* x\^0.5"),
        ("exponent: 1", "exponent: 1, tied: {amplitude: constant.level}", "a tie of a power; expected a prior"),
        ("exponent: 1", "exponent: 99", "expected a number at most 64"),
        ("{component: constant}", "{component: constant, tied: {level: load.coefficient}}", "load, a column of the"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert re.search(message, mistakes(tmp_path, old, new)), mistakes(tmp_path, old, new)


def test_a_treatment_without_the_column_is_named(tmp_path: Path) -> None:
    words = mistakes(tmp_path, treatment="{read: {x: t, y: y}}")
    assert "expected a column that treatments.plain reads. Write read: {columns: [load]} there." in words
    words = mistakes(tmp_path, treatment="{read: {x: t, y: y, columns: [load, load]}}")
    assert "the column 'load' twice" in words
    words = mistakes(tmp_path, treatment="{read: {x: t, y: y, columns: [2]}}")
    assert "a list with 2; expected names of the file's columns" in words


@pytest.mark.parametrize(
    ("exponent", "x", "found"),
    [
        (-1.0, X - 3.0, "drift: x = 0 to the power -1; expected x other than 0"),
        (0.5, X - 3.0, "drift: x = -2 to the power 0.5; expected x above 0"),
        (60.0, 1e4 * X, "drift: x = 120000 to the power 60; expected powers below 1e150"),
    ],
)
def test_powers_that_x_does_not_have_are_refused(tmp_path: Path, exponent: float, x: Any, found: str) -> None:
    prior = f'exponent: {exponent}, priors: {{amplitude: "normal(0, 1)"}}'
    spec = lab(tmp_path, CANDIDATE.replace("exponent: 1", prior)).campaign.by_tag("line").spec
    with pytest.raises(DataError) as caught:
        build_target(spec, [[Measurement("a", x, Y, noise_estimate=0.1, columns={"load": LOAD})]])
    assert found in str(caught.value)
    plain = lab(tmp_path / "b").campaign.by_tag("line").spec
    with pytest.raises(DataError, match=r"measurement a: no column 'load' \(its columns: lod\)"):
        build_target(plain, [[Measurement("a", X, Y, noise_estimate=0.1, columns={"lod": LOAD})]])


def test_a_column_has_no_values_elsewhere(tmp_path: Path) -> None:
    study = """\
simulate:
  - {name: s, candidate: line, axis: {start: 1, stop: 9, points: 20}, noise_levels: [0.1], replicates: 1, seed: 1,
     truth: {load.coefficient: 1, drift.amplitude: 1, constant.level: 0}}
"""
    made = lab(tmp_path)
    path = tmp_path / "campaign" / "campaign.yaml"
    path.write_text(path.read_text() + study)
    with pytest.raises(ConfigErrors) as caught:
        load_campaign(path)
    assert "the part load, a column of a file; expected a candidate computed from x" in str(caught.value)
    assert made.campaign.by_tag("line").spec.part("load").build() is of_column("load")
