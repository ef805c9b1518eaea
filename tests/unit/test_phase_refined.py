"""Winning sets sampled after a search: draws are those that were sampled, and the normal approximation is judged."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.diffraction.complete import Complete
from bayesbeam.diffraction.fractions import Doubt
from bayesbeam.diffraction.search import Answer, find_phases
from bayesbeam.io.samples import Record, read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages import phase_refined
from bayesbeam.stages.keep import Running
from bayesbeam.stages.phase_draws import Drawn, Shaped, draw, shaped_sets
from bayesbeam.stages.phase_question import Asked, asked_of
from bayesbeam.stages.sample import sample_batch
from phase_lab import X, counts, lab, library_in
from stage_fixture import COSTS, Lab, no_news, rows

NAME = "NiO-Bunsenite"
SAMPLED = "  which:\n    phases: {library: cifs, most: 2, refine: winners}\n"
PLAIN = SAMPLED.replace(", refine: winners", "")


def made(folder: Path, candidates: str = SAMPLED) -> Lab:
    """One phase, two candidates, 500 points."""
    library_in(folder, (NAME, "ZnO-Zincite"))
    done = lab(folder, {"a": rows(X[:500], counts(1, {NAME: 1.0})[:500])}, candidates)
    done.preprocess()
    return done


def sampled(done: Lab, threads: int = 1) -> Record:
    out = done.results / f"{threads}.h5"
    sample_batch(done.campaign, ["a"], "which", done.measurements, out, no_news, Running(threads=threads))
    return read_records(out)["a"]


def column(one: Record, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    names = [quantity["name"] for quantity in one.facts["phases"]["quantities"]]
    return np.asarray(one.arrays["theta"][:, 0, :, names.index(name)])


def test_a_set_is_sampled_and_its_draws_are_those_of_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phase_refined, "EFFECTIVE", 40.0)
    done = made(tmp_path)
    one = sampled(done, 2)
    (told,) = one.facts["phases"]["refined"]
    assert (told["phases"], told["verdict"], told["reasons"]) == ([NAME], "reliable", [])
    assert told["error"] < phase_refined.STANDARD_ERROR
    # Lines of a thousand counts tell cells and amounts well: the approximation of Laplace is a good one.
    assert abs(told["free_energy"] - told["laplace"]) < 1.0
    assert told["cell_change"] < 0.5
    assert 0.7 < told["sd_ratio"][0] <= told["sd_ratio"][1] < 1.4
    # As many values as were sampled, where the approximation has as many as there are draws.
    edges = column(one, f"{NAME}.a")
    assert len(np.unique(edges)) < min(told["draws"], edges.size) + 1
    (row,) = [each for each in one.facts["phases"]["phases"] if each["name"] == NAME]
    assert row["cell"][0]["sd"] == pytest.approx(edges.std(), rel=0.01)


def test_threads_change_no_byte_and_a_run_that_is_too_short_leaves_the_approximation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phase_refined, "MOST_SWEEPS", 8)
    monkeypatch.setattr(phase_refined, "CHAINS", 2)
    done = made(tmp_path / "sampled")
    one, two = (sampled(done, threads) for threads in (1, 2))
    assert timeless(one) == timeless(two)
    (told,) = one.facts["phases"]["refined"]
    assert told["verdict"] == "not reliable"
    assert told["reasons"]
    plain = sampled(made(tmp_path / "plain", PLAIN))
    assert plain.facts["phases"]["refined"] == []
    assert plain.arrays["theta"].tobytes() == one.arrays["theta"].tobytes()


def test_a_set_that_cannot_be_sampled_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise np.linalg.LinAlgError("Matrix is not positive definite")

    monkeypatch.setattr(phase_refined, "refined", broken)
    one = sampled(made(tmp_path))
    (told,) = one.facts["phases"]["refined"]
    assert (told["verdict"], told["free_energy"]) == ("not reliable", None)
    assert told["reasons"] == ["Matrix is not positive definite"]
    assert len(np.unique(column(one, f"{NAME}.a"))) == 2000


def timeless(one: Record) -> Any:
    """Everything but seconds."""
    phases = {key: value for key, value in one.facts["phases"].items() if key != "seconds"}
    phases["refined"] = [{key: value for key, value in row.items() if key != "seconds"} for row in phases["refined"]]
    facts = {key: value for key, value in one.facts.items() if key not in COSTS}
    return {key: values.tobytes() for key, values in one.arrays.items()}, facts | {"phases": phases}


@dataclass(frozen=True)
class Searched:
    """A search with the fits of its sets."""

    asked: Asked
    answer: Answer
    sets: list[Shaped]
    settled: Complete


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    done = made(tmp_path_factory.mktemp("searched"), PLAIN)
    spec = done.campaign.expanded("which")[0].spec.phases
    assert spec is not None
    asked = asked_of(spec, read_measurement(next(done.measurements.glob("*.h5"))))
    answer = find_phases(asked.question, 1)
    return Searched(asked, answer, *shaped_sets(asked.question, answer))


def drawn(searched: Searched, change: Callable[[np.ndarray[Any, Any]], None] | None) -> Drawn:
    """Draws with 40 shapes that were sampled for the first set, changed; none for no change."""
    sets, known = [replace(searched.sets[0], probability=1.0)], {}
    if change is not None:
        fit = sets[0].fit
        best = np.concatenate([fit.common, fit.members[0].own])
        shapes = np.tile(best, (40, 1))
        change(shapes)
        known = {0: (shapes, np.tile(fit.heights, (40, 1)))}
    return draw(searched.asked, searched.answer, sets, Doubt(0.05, 2.0), np.random.default_rng(1), known)


def test_each_of_the_places_that_were_sampled_is_drawn_as_often_as_the_others(searched: Searched) -> None:
    fit = searched.sets[0].fit
    at = len(fit.common)

    def moved(shapes: np.ndarray[Any, Any]) -> None:
        shapes[:, at] = 1e-4 * np.arange(40)

    edges = drawn(searched, moved).column(f"{NAME}.a")
    assert edges is not None
    values, times = np.unique(edges, return_counts=True)
    cell = fit.members[0].phase.cell[0]
    assert values == pytest.approx(cell * (1.0 + 1e-4 * np.arange(40)), rel=1e-12)
    assert set(times) == {50}
    normal = drawn(searched, None).column(f"{NAME}.a")
    assert normal is not None
    assert len(np.unique(normal)) == 2000


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [((0.5, 0.2, 0.14, 0.1, 0.06), [0, 1, 2]), ((0.92, 0.06, 0.02), [0, 1]), ((0.02, 0.01), [0])],
)
def test_likely_sets_are_sampled_three_at_most(
    searched: Searched, monkeypatch: pytest.MonkeyPatch, probabilities: tuple[float, ...], expected: list[int]
) -> None:
    def broken(*_: Any) -> None:
        raise np.linalg.LinAlgError("no")

    monkeypatch.setattr(phase_refined, "refined", broken)
    sets = [replace(searched.sets[0], probability=one) for one in probabilities]
    question = searched.asked.question
    found = phase_refined.refined_sets(question, sets, searched.settled, Settings(1), "a", lambda _: None)
    assert list(found) == expected
    assert [row["probability"] for row in phase_refined.refined_facts(found)] == [probabilities[k] for k in expected]
    assert phase_refined.believed(found) == {}


def test_nothing_is_sampled_where_no_phase_is_there(searched: Searched) -> None:
    nothing = replace(searched.sets[0], fit=replace(searched.sets[0].fit, members=()))
    question = searched.asked.question
    assert phase_refined.refined_sets(question, [nothing], searched.settled, Settings(1), "a", lambda _: None) == {}
