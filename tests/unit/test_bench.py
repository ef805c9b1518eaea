"""The benchmark: same problem for all contenders, scores and tables right, none dropped in silence."""

from __future__ import annotations

import importlib
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.targets.sum import SumTarget

# The benchmark lies beside the package, where no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench import __main__ as command
from bench import gpu, many, ours, pieces, problem, results, rows, tables, worker
from bench.contenders import ALL, OURS, PEERS
from bench.crew import Worker
from bench.outcome import Outcome
from bench.peers import numpy_exchange, unit_cube
from bench.scores import score
from bench.store import Store

FOREIGN = ("jax", "jax.numpy", "blackjax", "dynesty", "ultranest", "ultranest.popstepsampler")


def outcome(value: float, cpu: float = 1.0, stated: float | None = 0.1) -> dict[str, Any]:
    return asdict(Outcome(value, stated, cpu, 2.0, 10, "made up", None))


def record(
    contender: str, seed: int | None, value: dict[str, Any] | None, count: int = 3, **more: Any
) -> dict[str, Any]:
    own = {"key": "a", "contender": contender, "count": count, "seed": seed, "imports_mib": 50.0, "peak_mib": 100.0}
    return own | ({"value": value} if value else {}) | {"machine": "m", "versions": {"python": "3"}} | more


def plan(folder: Path, **words: Any) -> pieces.Plan:
    return pieces.Plan(**{
        "seeds": 1, "peaks": (1,), "spectra": 2, "batch": 2, "peers_python": sys.executable, "limit_s": 60.0,
        "folder": folder, **words,
    })  # fmt: skip


@pytest.mark.parametrize("count", [1, 3])
def test_the_likelihood_is_that_of_the_package(count: int) -> None:
    theta = problem.prior_draws(count, 50, np.random.default_rng(3))
    target = ours.target_of(count, dtype=torch.float64)
    states = torch.from_numpy(theta.reshape(1, 1, 1, 50, 3 * count))
    found = target.log_likelihood(target.rows(states).sum(0), states).numpy().ravel() + ours.NORMALISER
    np.testing.assert_allclose(found, problem.log_likelihood(theta), rtol=1e-9)
    prior = target.log_prior(states).numpy().reshape(50, -1).sum(-1)
    np.testing.assert_allclose(prior, problem.log_prior(theta), rtol=1e-9)


def test_the_data_are_those_of_the_campaign(root: Path) -> None:
    x, y = np.loadtxt(root / "config/campaigns/nagata2012/data/nagata2012.csv", delimiter=",", skiprows=1).T
    np.testing.assert_allclose(problem.X, x, atol=1e-12)
    np.testing.assert_allclose(problem.Y, y, atol=1e-12)


def test_coordinates_and_unit_cube_keep_the_prior() -> None:
    rng = np.random.default_rng(4)
    theta = problem.prior_draws(2, 20, rng)
    z = problem.to_log(theta)
    np.testing.assert_allclose(problem.from_log(z), theta, rtol=1e-12)
    # Jacobian of a = exp(z): the product of what is exponentiated
    jacobian = z[..., [0, 2]].sum((-1, -2))
    np.testing.assert_allclose(problem.log_prior_in_log(z), problem.log_prior(theta) + jacobian, rtol=1e-12)
    draws = unit_cube.states_of(rng.random((4000, 6)))
    assert (np.diff(draws[..., 1], axis=1) >= 0).all()
    # Means of the prior within five of their errors, 4 means: false alarm below 1e-5, and the seed is set.
    for values, mean, sd in ((draws[..., 0], 1.0, 5**-0.5), (draws[..., 2], 125.0, 125 / 5**0.5)):
        assert abs(values.mean() - mean) < 5 * sd / 8000**0.5
    assert abs(draws[..., 1].mean() - 1.5) < 5 * 5**-0.5 / 8000**0.5


@pytest.mark.parametrize("contender", PEERS, ids=lambda one: one.name)
def test_a_peer_needs_nothing_else_to_import(contender: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOREIGN:
        monkeypatch.setitem(sys.modules, name, MagicMock())
    monkeypatch.delitem(sys.modules, contender.module, raising=False)
    module = importlib.import_module(contender.module)
    monkeypatch.delitem(sys.modules, contender.module)
    assert callable(module.run)
    assert set(module.PACKAGES) <= set(contender.packages)


@pytest.mark.parametrize("contender", [one for one in PEERS if one.packages != ("numpy",)], ids=lambda one: one.name)
def test_a_missing_peer_says_so(contender: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOREIGN:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith("bench.peers.")]:
        monkeypatch.delitem(sys.modules, name)
    said = worker.answer({"module": contender.module, "function": "run", "arguments": [1, 0]})
    assert set(said) == {"failed"}
    assert contender.packages[0] in said["failed"]


def test_one_run_of_this_project_and_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_exchange, "BURN_IN", 500)
    monkeypatch.setattr(numpy_exchange, "SWEEPS", 1000)
    for found, bound in ((ours.run(1, 0), 0.1), (numpy_exchange.run(1, 0), 1.0)):
        assert found.stated_standard_error is not None
        assert found.stated_standard_error <= bound
        # Five of its errors: below 1e-3 even with 9 degrees of freedom, and the seed is set.
        assert abs(found.free_energy_exc - problem.GOLD[1][0]) < 5 * found.stated_standard_error
        assert found.cpu_seconds > 0
        assert found.likelihood_evaluations > 10_000


def test_many_spectra_at_once_are_told_apart() -> None:
    found = many.measure(1, 0, 2)
    assert len(found["reliable"]) == 2
    assert max(found["standard_error"]) <= ours.TARGET
    assert abs(found["free_energy_exc"][0] - problem.GOLD[1][0]) < 5 * found["standard_error"][0]
    # The other noise has another misfit, by far more than 0.1.
    assert abs(found["free_energy_exc"][1] - found["free_energy_exc"][0]) > 1.0
    assert 200 < found["predicted_mib"] < 600


@pytest.mark.parametrize("kind", rows.SHAPES)
def test_rows_are_counted(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LEAST_SECONDS", 0.002)
    found = rows.measure("eager", kind, 4, 1)
    assert all(value > 0 for value in found.values())
    engine = EagerEngine(ours.target_of(3))
    state, tuned = ours.begin(engine, 1, 2)
    calls: list[int] = []
    row = SumTarget.row
    monkeypatch.setattr(SumTarget, "row", lambda *given: calls.append(1) or row(*given))
    engine.advance(state, tuned, ours.keys_of(1), 1, 5)
    # A block begins by computing the three curves anew, which is not counted.
    assert len(calls) == rows.rows_of(engine, 1, 5) + 3


def test_scores_by_hand() -> None:
    gold = problem.GOLD[3][0]
    peer = score(
        PEERS[2], 3, [record("dynesty_rwalk", s, outcome(gold + e, 2.0, 0.3)) for s, e in enumerate((0.1, -0.3))]
    )
    assert peer.rmse == pytest.approx(math.sqrt(0.05))
    assert peer.bias == pytest.approx(-0.1)
    assert peer.bias_error == pytest.approx(0.2)
    assert peer.cost == pytest.approx(2.0 * 5.0)
    assert peer.cost_as_stated == pytest.approx(2.0 * 9.0)
    good = score(OURS, 3, [record("ours", s, outcome(gold + e)) for s, e in enumerate((0.01, -0.01))])
    assert (good.cost, good.cost_as_stated) == (1.0, 1.0)
    bad = score(OURS, 3, [record("ours", s, outcome(gold + 0.2)) for s in range(5)])
    assert bad.cost == pytest.approx(4.0)
    assert bad.biased
    assert not good.biased


def test_tables_hold_ratios_and_every_contender() -> None:
    gold = problem.GOLD[3][0]
    made = [record("ours", s, outcome(gold + e)) for s, e in enumerate((0.05, -0.05))]
    made += [record("dynesty_rwalk", s, outcome(gold + e, 12.0)) for s, e in enumerate((0.2, -0.2))]
    made += [record("ultranest_slice", None, None, failed="needs ultranest, which is not installed")]
    made += [
        record("numpy_exchange", 0, outcome(gold + 0.1, 9.0)),
        *(record("numpy_exchange", seed, None, failed="too long") for seed in (1, 2, 2)),
    ]
    lines = tables.free_energies(made, ALL).splitlines()
    by_title = {one.title: [line for line in lines if f"  {one.title}" in line] for one in ALL}
    assert all(by_title.values())
    assert "48.0" in by_title["dynesty"][0].split()
    assert "needs ultranest" in by_title["UltraNest"][0]
    assert "not run" in by_title["BlackJAX tempered SMC"][0]
    assert "seeds 1, 2: too long" in by_title["numpy replica exchange"][1]
    best = tables.best_peers(made, ALL).splitlines()[-1].split()
    assert best[2:5] == ["numpy", "replica", "exchange"]
    assert best[6] == "9.00"
    # At an RMSE of 0.05 instead of 0.1 the peer costs four times as much.
    assert best[-3:] == ["0.0500", "36.0", "36.0"]


def test_tables_of_engines_and_of_many_spectra_hold_ratios() -> None:
    rate = {"rows_a_second": 1e5, "rows_a_cpu_second": 1e5, "first_block_cpu_seconds": 9.0}
    one = {"key": "a", "kind": "replicas", "states": 16, "threads": 1}
    made = [one | {"engine": "eager", "value": rate}]
    made += [one | {"engine": "cpu", "value": rate | {"rows_a_second": 1e6, "rows_a_cpu_second": 1e6}}]
    line = tables.engine_rows(made).splitlines()[3].split()
    assert line[0] == "16"
    assert line[5] == "10.0"
    assert line[-1] == "1000"
    batch = {"key": "a", "count": 2, "batch": 2, "spectra": 2, "peak_mib": 500.0}
    value = {"wall_seconds": 1.0, "compile_seconds": 9.0, "standard_error": [0.1, 0.1], "reliable": [True, False]}
    made = [batch | {"first": at, "value": value | {"cpu_seconds": cpu}} for at, cpu in ((0, 2.0), (2, 6.0))]
    assert tables.many(made).splitlines()[2].split()[-3:] == ["500", "-", "-"], "kept before peaks were predicted"
    for one in made:
        one["value"]["predicted_mib"] = 550.0
    cells = tables.many(made).splitlines()[2].split()
    assert cells[-3:] == ["500", "550", "1.1"]
    assert cells[:6] == ["2", "2", "1.00", "4", "2.00", "2.00"]
    assert "2/4" in cells


def test_a_gpu_is_measured_as_a_cpu_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same functions, here without a GPU."""
    monkeypatch.setattr(rows, "LEAST_SECONDS", 0.002)
    found = gpu.engine_rows("eager", "cpu", 4, 1)
    assert found["rows_a_second"] > 0
    assert math.isnan(found["share"])
    found = gpu.spectra(1, 2, "cpu", 1)
    assert (found["engine"], len(found["reliable"])) == ("cpu", 2)
    assert abs(found["free_energy_exc"][0] - problem.GOLD[1][0]) < 5 * found["standard_error"][0]


def test_tables_of_a_gpu_hold_shares_and_ratios() -> None:
    made = [
        {"what": "rows", "engine": engine, "states": 160, "value": {"rows_a_second": rate, "share": share}}
        for engine, rate, share in (("cuda", 2e9, 0.5), ("eager", 2e8, 0.05), ("cpu", 5e6, math.nan))
    ]
    made.append({"what": "rows", "engine": "eager", "states": 1000000, "failed": "out of memory"})
    value = {"wall_seconds": 2.0, "engine": "cuda", "rows": 10, "standard_error": [0.1, 0.1], "reliable": [True, False]}
    made += [
        {"what": "spectra", "device": device, "count": 1, "size": 2, "value": value | changed | {"device_mib": 7.0}}
        for device, changed in (("cuda", {}), ("cpu", {"wall_seconds": 120.0}))
    ]
    lines = tables.gpu_rows(made).splitlines()
    assert lines[2].split() == ["160", "2e+09", "2e+08", "5000000", "0.500", "10.0", "400"]
    assert lines[3].endswith("eager: out of memory")
    lines = tables.gpu_spectra(made).splitlines()
    assert lines[2].split() == ["2", "1", "cuda", "2.00", "1.00", "60.0", "0.100", "1/2", "5.00", "7"]
    assert lines[3].split()[-2:] == ["2.00", "s"]


def test_a_stopped_benchmark_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(_self: Any, module: str, function: str, *arguments: Any, limit_s: float = 0.0) -> dict[str, Any]:
        asked.append(f"{module}.{function}")
        if function == "versions":
            return {"value": {"python": "3"}}
        if function == "imports":
            return (
                {"failed": "needs ultranest, which is not installed"} if "ultranest" in arguments[0] else {"value": 9}
            )
        return {"value": outcome(367.3), "peak_mib": 100.0}

    monkeypatch.setattr(Worker, "ask", ask)
    pieces.free_energies("peers", ALL, plan(tmp_path, seeds=2))
    assert asked.count("bench.peers.dynesty_rwalk.run") == 2
    # One more to compile.
    assert asked.count("bench.ours.run") == 3
    text = results.text_of("peers", tmp_path)
    assert "needs ultranest" in text
    assert "ratio" in results.page(tmp_path)
    asked.clear()
    with (tmp_path / "peers.jsonl").open("a") as file:
        file.write('{"cut sho')
    pieces.free_energies("peers", ALL, plan(tmp_path, seeds=2))
    assert not [word for word in asked if word.endswith(".run")]


def test_results_of_older_code_are_left_out(tmp_path: Path) -> None:
    store = Store("peers", tmp_path)
    for key, value in (("old", 1.0), ("new", 2.0)):
        store.add(record("ours", 0, outcome(value)) | {"key": key})
    kept = store.latest(("contender", "count"))
    assert [one["value"]["free_energy_exc"] for one in kept] == [2.0]


def test_a_worker_answers_in_a_process_of_its_own() -> None:
    with Worker() as process:
        found = process.ask("math", "sqrt", 4)
        assert found["value"] == 2.0
        assert found["peak_mib"] > 1.0
        assert process.ask("math", "sqrt", -1)["failed"].startswith("ValueError")
        assert "not_there" in process.ask("not_there", "run")["failed"]
        assert process.ask("time", "sleep", 60, limit_s=0.2)["failed"] == "not done after 0 s"
    with Worker() as process:
        assert "code 3" in process.ask("os", "_exit", 3)["failed"]


def test_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    asked = command.arguments(["peers", "--seeds", "2", "--peaks", "1,3", "--folder", str(tmp_path)])
    assert command.plan_of(asked, "peers").peaks == (1, 3)
    for words in (["peers", "--peaks", "6"], ["peers", "--contenders", "nobody"], ["rows", "--peers-python", "/none"]):
        with pytest.raises(SystemExit):
            command.arguments(words)
        assert "expected" in capsys.readouterr().err
    store = Store("single", tmp_path)
    store.add(record("ours", 0, outcome(172.3)))
    assert json.loads(store.path.read_text())["seed"] == 0
    command.main(["table", "--folder", str(tmp_path)])
    assert "bayesbeam" in capsys.readouterr().out
