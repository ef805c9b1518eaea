"""How much of a run is kept: thinned evenly, its end always there, and free energies are of the whole run."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.keys import sampling_key
from bayesbeam.config.schema import Sampling
from bayesbeam.io.samples import read_records
from bayesbeam.stages.amount import kept_of_run, kept_of_summary
from stage_fixture import PEAKS, QUICK, make_lab, peak


@given(st.integers(1, 3000), st.integers(1, 900), st.sampled_from(["full", "draws", "summary"]))
def test_what_is_kept_is_evenly_spread_and_has_the_end(sweeps: int, draws: int, store: str) -> None:
    theta, likelihood = np.arange(float(draws)), np.arange(float(sweeps))
    kept, of_rungs = kept_of_run(
        np.broadcast_to(theta[:, None, None, None], (draws, 1, 10, 2)),
        np.broadcast_to(likelihood[:, None, None], (sweeps, 10, 3)),
        store,
    )
    assert kept[-1, 0, 0, 0] == draws - 1
    assert of_rungs[-1, 0, 0] == sweeps - 1
    for values, most in (
        (kept[:, 0, 0, 0], 100 if store == "summary" else draws),
        (of_rungs[:, 0, 0], {"full": sweeps, "draws": draws, "summary": 32}[store]),
    ):
        assert len(values) <= max(most, 1)
        assert len(set(np.diff(values))) <= 1


def test_a_summary_keeps_fewer_draws_of_the_prior() -> None:
    arrays = {"draws": np.zeros((10, 90, 3)), "prior_draws": np.zeros((2000, 3)), "trace": np.zeros((2000, 3))}
    found = {name: one.shape for name, one in kept_of_summary(arrays, "summary").items()}
    assert found == {"draws": (10, 30, 3), "prior_draws": (400, 3), "trace": (2000, 3)}
    assert len(kept_of_summary(arrays, "draws")["prior_draws"]) == 2000


def test_what_is_kept_has_a_key_of_its_own_and_all_has_that_of_before() -> None:
    keys = {store: sampling_key(Sampling(store=store)) for store in ("full", "draws", "summary")}
    assert len(set(keys.values())) == 3
    assert keys["full"] == sampling_key(Sampling())


@pytest.mark.parametrize("store", ["draws", "summary"])
def test_free_energies_do_not_depend_on_what_is_kept(tmp_path_factory: pytest.TempPathFactory, store: str) -> None:
    found = {}
    for word in ("full", store):
        sampling = QUICK.replace("error: 5", "error: 0.001").replace("draws: 100", f"draws: 100, store: {word}")
        lab = make_lab(tmp_path_factory.mktemp(word), {"a": peak(0)}, PEAKS.replace("1..2", "1"), sampling=sampling)
        lab.preprocess()
        found[word] = read_records(lab.sample("peaks"))["a"]
    whole, part = found["full"], found[store]
    same = {"free_energy", "estimators", "verdict", "reasons", "sweeps", "likelihood_rows", "barrier", "round_trips"}
    assert {name: whole.facts[name] for name in same} == {name: part.facts[name] for name in same}
    assert len(part.arrays["log_likelihood"]) < len(whole.arrays["log_likelihood"])
    step = len(whole.arrays["theta"]) // len(part.arrays["theta"])
    np.testing.assert_array_equal(part.arrays["theta"], whole.arrays["theta"][::-1][::step][::-1])
    np.testing.assert_array_equal(part.arrays["rhat"], whole.arrays["rhat"])
