"""The pieces of the benchmark: which calls they make, in which order, and what is kept of each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contenders import OURS, Contender
from bench.crew import ROOT, Worker
from bench.machine import load, machine
from bench.store import Store, code_key

HERE = ROOT / "bench"
PACKAGE = ROOT / "workflow" / "bayesbeam"
# Far from the seeds that count.
WARM_UP_SEED = 1_000_000
STATES = (1, 4, 16, 64, 256, 1024)
GPU_STATES, GPU_SPECTRA = (16, 160, 1600, 16000, 160000, 1000000), (64, 1024, 10000)
SUPPORTS, WAYS = ((60, 5), (200, 4)), (("loops", 1), ("loops", 2), ("torch", 1), ("numpy", 1), ("exchange", 2))
ENGINES = (("eager", 1), ("eager", 2), ("cpu", 1), ("cpu", 2))


@dataclass(frozen=True)
class Plan:
    """What is asked for.

    Attributes
    ----------
    seeds : int
        Runs of each contender and number of peaks: seeds 0, 1, ...
    peaks : tuple of int
    spectra, batch : int
        Of the piece ``many``: how many, and how many form one target.
    peers_python : str
        Python of the peers.
    limit_s : float
        Seconds after which a call is given up.
    folder : Path
        Where results are kept.
    """

    seeds: int
    peaks: tuple[int, ...]
    spectra: int
    batch: int
    peers_python: str
    limit_s: float
    folder: Path

    def python_of(self, contender: Contender) -> str:
        """Python that a contender runs in."""
        return sys.executable if contender.own else self.peers_python


def say(text: str) -> None:
    """Print a line of progress."""
    print(text, flush=True)


def own_key(*files: str) -> str:
    """Hash of this project's sampler and of files of the benchmark."""
    return code_key(PACKAGE, HERE / "problem.py", HERE / "ours.py", *(HERE / file for file in files))


def key_of(contender: Contender, versions: dict[str, str]) -> str:
    """Hash of everything that a contender's results depend on."""
    if contender.own:
        return own_key()
    own = HERE / "peers" / f"{contender.name}.py"
    return code_key(own, HERE / "problem.py", HERE / "peers" / "unit_cube.py", str(sorted(versions.items())))


def rows(plan: Plan) -> None:
    """Rows a second of the engines."""
    store, key = Store("rows", plan.folder), own_key("rows.py")
    for engine, threads in ENGINES:
        with Worker(cores=threads, empty_cache=True) as worker:
            for kind in ("replicas", "groups"):
                for states in STATES:
                    asked = {"key": key, "engine": engine, "threads": threads, "kind": kind, "states": states}
                    if store.done(asked):
                        continue
                    found = worker.ask("bench.rows", "measure", engine, kind, states, threads, limit_s=plan.limit_s)
                    store.add(asked | found | _here(worker, OURS))
                    rate = f"{found['value']['rows_a_second']:.4g} rows/s" if "value" in found else found["failed"]
                    say(f"rows {engine}, {threads} threads, {states} {kind}: {rate}")


def many(plan: Plan) -> None:
    """Cost of many spectra."""
    store, key = Store("many", plan.folder), own_key("many.py")
    starts = range(0, plan.spectra, plan.batch)
    for count in plan.peaks:
        with Worker(empty_cache=True) as worker:
            for first in starts:
                size = min(plan.batch, plan.spectra - first)
                asked = {"key": key, "count": count, "batch": plan.batch, "first": first, "spectra": size}
                if store.done(asked):
                    continue
                found = worker.ask("bench.many", "measure", count, first, size, limit_s=plan.limit_s)
                store.add(asked | found | _here(worker, OURS))
                cost = f"{found['value']['cpu_seconds'] / size:.3f} CPU s each" if "value" in found else found["failed"]
                say(f"many K={count}, spectra {first} to {first + size - 1}: {cost}")


def gpu(plan: Plan) -> None:
    """Engines on a GPU beside those on the CPU, and free energies there; nothing where there is none."""
    store, key = Store("gpu", plan.folder), own_key("gpu.py", "rows.py")
    with Worker(cores=2) as worker:
        found = worker.ask("bench.worker", "device")
        if not found.get("value"):
            say("gpu: there is no CUDA device here")
            return
        here = _here(worker, OURS) | {"machine": f"{found['value']}; {machine()}"}
        here["versions"] |= worker.ask("bench.worker", "versions", ["triton"]).get("value", {})
        for engine, device in (("cuda", "cuda"), ("eager", "cuda"), ("cpu", "cpu")):
            for states in GPU_STATES:
                asked = {"key": key, "what": "rows", "engine": engine, "states": states}
                if store.done(asked) or (device == "cpu" and states > STATES[-1]):
                    continue
                found = worker.ask("bench.gpu", "engine_rows", engine, device, states, 2, limit_s=plan.limit_s)
                store.add(asked | found | here)
                rate = f"{found['value']['rows_a_second']:.4g} rows/s" if "value" in found else found["failed"]
                say(f"gpu rows {engine}, {states} in flight: {rate}")
        for size in (1, *GPU_SPECTRA):
            for count in plan.peaks if size == 1 else plan.peaks[:4]:
                for device in ("cuda", "cpu") if size <= GPU_SPECTRA[0] else ("cuda",):
                    asked = {"key": key, "what": "spectra", "device": device, "count": count, "size": size}
                    if size > plan.spectra or store.done(asked):
                        continue
                    found = worker.ask("bench.gpu", "spectra", count, size, device, 2, limit_s=plan.limit_s)
                    store.add(asked | found | here)
                    cost = f"{found['value']['wall_seconds']:.2f} s" if "value" in found else found["failed"]
                    say(f"gpu K={count}, {size} spectra on {device}: {cost}")


def supports(plan: Plan) -> None:
    """Searches through all supports of two dictionaries, in turn, and exchange Monte Carlo on the same."""
    store, key = Store("supports", plan.folder), own_key("supports.py")
    for columns, most in SUPPORTS:
        for how, threads in WAYS:
            asked = {"key": key, "columns": columns, "most": most, "how": how, "threads": threads}
            if store.done(asked):
                continue
            with Worker(cores=threads) as worker:
                found = worker.ask("bench.supports", "measure", how, columns, most, threads, limit_s=plan.limit_s)
                store.add(asked | found | _here(worker, OURS) | {"load": load()})
            cost = f"{found['value']['wall_seconds']:.2f} s" if "value" in found else found["failed"]
            say(f"supports of up to {most} of {columns}, {how}, {threads} threads: {cost}")


def free_energies(piece: str, contenders: Sequence[Contender], plan: Plan) -> None:
    """Free energies by all contenders in turn, seed after seed, so that all meet the same machine."""
    store = Store(piece, plan.folder)
    for count in plan.peaks:
        crew = list(_crew(store, contenders, count, plan))
        try:
            for seed in range(plan.seeds):
                # Who begins changes from seed to seed.
                turn = seed % max(len(crew), 1)
                for one in [*crew[turn:], *crew[:turn]]:
                    one.run(seed)
        finally:
            for one in crew:
                one.worker.close()


@dataclass(frozen=True)
class _Runner:
    """A contender with its process for one number of peaks."""

    contender: Contender
    worker: Worker
    store: Store
    asked: dict[str, Any]
    here: dict[str, Any]
    limit_s: float

    def run(self, seed: int) -> None:
        """Run one seed that has no result yet."""
        asked = self.asked | {"seed": seed}
        if self.store.done(asked):
            return
        count = self.asked["count"]
        found = self.worker.ask(self.contender.module, "run", count, seed, limit_s=self.limit_s)
        self.store.add(asked | found | self.here | {"load": load()})
        say(f"K={count} seed {seed} {self.contender.title}: {_told(found)}")


def _crew(store: Store, contenders: Iterable[Contender], count: int, plan: Plan) -> Iterable[_Runner]:
    """Contenders that have something to do, imported and compiled; one that cannot is noted and left out."""
    for contender in contenders:
        worker = Worker(plan.python_of(contender), empty_cache=contender.own)
        here = _here(worker, contender)
        asked = {"key": key_of(contender, here["versions"]), "contender": contender.name, "count": count}
        left = [seed for seed in range(plan.seeds) if not store.done(asked | {"seed": seed})]
        found = worker.ask("bench.worker", "imports", contender.module, limit_s=plan.limit_s) if left else {}
        here["imports_mib"] = found.get("value")
        if left and contender.compiles and "value" in found:
            found = worker.ask(contender.module, "run", count, WARM_UP_SEED, limit_s=plan.limit_s)
        if "failed" in found:
            store.add(asked | {"seed": None} | found | here)
            say(f"K={count} {contender.title}: {found['failed']}")
        if not left or "failed" in found:
            worker.close()
            continue
        yield _Runner(contender, worker, store, asked, here, plan.limit_s)


def _here(worker: Worker, contender: Contender) -> dict[str, Any]:
    """Machine and versions."""
    found = worker.ask("bench.worker", "versions", list(contender.packages))
    return {"machine": machine(), "versions": found.get("value", {})}


def _told(found: dict[str, Any]) -> str:
    """One line about a result."""
    if "failed" in found:
        return str(found["failed"])
    value = found["value"]
    stated = value["stated_standard_error"]
    error = "" if stated is None else f" +- {stated:.3f}"
    return f"F {value['free_energy_exc']:.3f}{error} in {value['cpu_seconds']:.2f} CPU s ({value['notes']})"
