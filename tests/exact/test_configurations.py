"""Results of a campaign are the same bytes in any batches, orders, numbers of threads and processes, and restarts.

Every configuration of a table samples the same measurements and is compared with the first one of its engine: all
arrays, free energies, verdicts, sweeps. Nightly in processes started fresh, with runs of full blocks, large enough for
torch to split its work; short runs of a few of them at every change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path

import pytest
import torch

# Plain helpers beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.io.checkpoint import finished_path
from bayesbeam.io.store import read_measurement
from bayesbeam.stages.build import row_precision
from configured_campaign import ALL, PARTS, TAGS, Job, Lab, differences, found_in, jobs_of, lab_of
from sample_configured import Order, sample
from short_runs import shorten

PROGRAM = Path(__file__).resolve().parents[1] / "sample_configured.py"
TIMEOUT_S = 500.0
STOPPED = 75
GOING_ON = "Going on from the checkpoint"

Stop = tuple[str, int]


@dataclass(frozen=True)
class Configuration:
    """One way to sample the measurements a to i and the joint analyses of pairs of them, ``ab`` and ``cd``.

    Attributes
    ----------
    batches : str
        Measurements sampled together, in their order.
    threads : int
        Threads of the compiled loops.
    others : int
        Threads of everything else: torch (where the stage does not set them), OpenMP, BLAS, numba.
    workers : int
        Processes at once, among which the batches are dealt out.
    library : bool
        Whether the sampler is called by itself, with joint analyses batched too; else through the stage.
    cold : bool
        Whether nothing has been compiled before.
    stops : tuple of (phase, int)
        When the first start, the second, ... stop themselves by a signal: a phase that begins for the so-manieth time.
        The last goes to the end.
    then : str
        Batches after a stop, if they are others: what was finished before is kept.
    """

    name: str
    batches: str
    engine: str = "cpu"
    threads: int = 1
    others: int = 1
    workers: int = 1
    library: bool = False
    cold: bool = False
    stops: tuple[Stop, ...] = ()
    then: str = ""


CLIMBING, TUNING, SAMPLING = "from the prior", "tuning", "sampling"
SINGLE, PAIRS = "a b c d e f g h i", "ab cd ef gh i"
FIRST = {
    "cpu": Configuration("all at once", ALL),
    "eager": Configuration("eager, all at once", ALL, "eager"),
}
TABLE = [
    Configuration("one by one", SINGLE),
    Configuration("pairs across lengths", "af bg ch di e"),
    Configuration("uneven, in disorder", "ifb g hdca e"),
    Configuration("backwards, three threads", "ihgfedcba", threads=3),
    Configuration("one by one, two threads, two processes", SINGLE, threads=2, workers=2),
    Configuration("pairs, three processes, two threads for all else", PAIRS, others=2, workers=3),
    Configuration("uneven, three threads for all, two processes", "gbe iha dfc", threads=3, others=3, workers=2),
    Configuration("library, backwards, two threads for all else", "ihgfedcba", others=2, library=True),
    Configuration("library, uneven, three threads for all", "hb aci gdfe", threads=3, others=3, library=True),
    Configuration("library, one by one, three processes", SINGLE, threads=2, others=2, workers=3, library=True),
    Configuration("nothing compiled", ALL, cold=True),
    Configuration("nothing compiled, two processes", PAIRS, threads=2, workers=2, cold=True),
    Configuration("stopped, uneven, two threads", "ebi gcdafh", threads=2, stops=((SAMPLING, 3),)),
    Configuration("stopped, pairs, two processes", PAIRS, workers=2, stops=((SAMPLING, 2), (CLIMBING, 3), (TUNING, 1))),
    Configuration("stopped, then in other batches", ALL, threads=2, stops=((CLIMBING, 2),), then="hie gdb caf"),
    Configuration("eager, one by one, two processes", SINGLE, "eager", workers=2),
    Configuration("eager, uneven, stopped", "ebi gcdafh", "eager", others=2, stops=((TUNING, 2), (SAMPLING, 3))),
    Configuration("eager, library, backwards, two threads", "ihgfedcba", "eager", others=2, library=True),
    Configuration("eager, library, pairs, three threads", PAIRS, "eager", others=3, library=True),
    Configuration("eager, library, one by one, three processes", SINGLE, "eager", workers=3, library=True),
]
# Tried at every change, with one of the three models, and compared with the first one.
FEW = {
    "uneven, three threads for all, two processes",
    "library, backwards, two threads for all else",
    "stopped, uneven, two threads",
}


@dataclass(frozen=True)
class Bench:
    """Campaigns by engine, and a folder for what configurations make of them."""

    labs: dict[str, Lab]
    folder: Path
    kind: str

    def run(self, one: Configuration) -> dict[str, str]:
        """Hashes of everything that a configuration found."""
        out = self.folder / one.name
        out.mkdir()
        asked = one.batches
        for number, stop in enumerate((*one.stops, None)):
            jobs = jobs_of(asked, self.kind, one.library, out)
            if self.kind == "short" and one.workers == 1 and not one.stops:
                self.here(one, jobs)
                break
            started = [self.start(one, jobs[k :: one.workers], out, stop) for k in range(one.workers)]
            for process in started:
                _, said = process.communicate(timeout=TIMEOUT_S)
                assert process.returncode == (STOPPED if stop else 0), said
                assert (GOING_ON in said) == (number > 0 and not one.then), said
            if stop and one.then:
                assert finished_path(Path(jobs[0][1])).exists()
                asked = one.then
        return found_in(jobs)

    def order(self, one: Configuration, jobs: list[Job], stop: Stop | None = None) -> Order:
        """What one process is asked for."""
        place = str(self.labs[one.engine].measurements)
        return Order(jobs, place, one.threads, one.others, one.library, self.kind == "short", stop)

    def here(self, one: Configuration, jobs: list[Job]) -> None:
        """Sample some batches in this process, which spares short runs the time of a start."""
        threads = torch.get_num_threads()
        torch.set_num_threads(one.others)
        try:
            with pytest.MonkeyPatch.context() as patch:
                shorten(patch.setattr)
                sample(self.labs[one.engine].campaign, self.order(one, jobs))
        finally:
            torch.set_num_threads(threads)

    def start(self, one: Configuration, jobs: list[Job], out: Path, stop: Stop | None) -> subprocess.Popen[str]:
        """Start a process that samples some batches."""
        kinds = ("OMP", "MKL", "OPENBLAS", "NUMBA")
        environment = {**os.environ, **{f"{kind}_NUM_THREADS": str(one.others) for kind in kinds}}
        environment["OMP_WAIT_POLICY"] = "passive"
        if one.cold:
            environment["HOME"] = str(out)
        order = json.dumps(asdict(self.order(one, jobs, stop)))
        words = [sys.executable, str(PROGRAM), str(self.labs[one.engine].campaign.folder), order]
        return subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)


Benches = Callable[[str], Bench]
First = Callable[[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Benches:
    """Return what makes the campaigns of short or of full runs."""

    @cache
    def of_kind(kind: str) -> Bench:
        folder = tmp_path_factory.mktemp(kind)
        (folder / "draws").mkdir()
        return Bench({engine: lab_of(folder / engine, kind, engine) for engine in FIRST}, folder / "draws", kind)

    return of_kind


@pytest.fixture(scope="module")
def first(benches: Benches) -> First:
    """Return the results of an engine in its first configuration, made once."""

    @cache
    def of_engine(kind: str, engine: str) -> dict[str, str]:
        return benches(kind).run(FIRST[engine])

    return of_engine


def test_the_measurements_are_of_all_kinds(benches: Benches, first: First) -> None:
    """Two lengths and two precisions, and every array is found for each, no two of them alike."""
    lab = benches("short").labs["cpu"]
    spec = lab.campaign.candidates_of("a")[0].spec
    rows = [read_measurement(lab.measurements / f"{name}.h5") for name in ALL]
    kinds = {(m.x.size, str(row_precision(spec, [[m]], "auto"))) for m in rows}
    assert kinds == {(60, "torch.float32"), (45, "torch.float32"), (60, "torch.float64")}
    found = first("short", "cpu")
    assert len(found) == (len(TAGS["short"]) * len(ALL) + 2) * len(PARTS)
    draws = [value for key, value in found.items() if key.endswith(" theta")]
    assert len(set(draws)) == len(draws)


@pytest.mark.parametrize("one", [one for one in TABLE if one.name in FEW], ids=attrgetter("name"))
def test_short_runs_give_the_same_bytes(one: Configuration, benches: Benches, first: First) -> None:
    assert differences(benches("short").run(one), first("short", one.engine)) == []


@pytest.mark.nightly
@pytest.mark.parametrize("one", TABLE, ids=attrgetter("name"))
def test_full_runs_give_the_same_bytes(one: Configuration, benches: Benches, first: First) -> None:
    assert differences(benches("full").run(one), first("full", one.engine)) == []
