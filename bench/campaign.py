"""A whole campaign against its bare engine: ``python -m bench.campaign --spectra 1000``.

Measures how many spectra the workflow processes end to end (files, jobs, summaries, report) beside what the same
sampler does with the same spectra in memory on as many cores, its peak memory, and what `bayesbeam plan` foretold.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.machine import load, machine

HERE = Path(__file__).resolve().parents[1]
DEMO = HERE / "config" / "campaigns" / "scale_demo" / "campaign.yaml"
TICK_S = 0.5


@dataclass(frozen=True)
class Workflow:
    """A run of the workflow: seconds, highest memory of all its processes together, exit code, size of the results."""

    seconds: float
    peak_mib: float
    code: int
    disk_mib: float


def campaign_of(spectra: int, candidates: int, points: int | None, folder: Path) -> Path:
    """Write the shipped campaign with so many spectra of so many points, and lines up to so many, into a folder."""
    text = DEMO.read_text(encoding="utf-8")
    text, sizes = re.subn(r"replicates: \d+", f"replicates: {spectra}", text)
    text, ranges = re.subn(r"count: 1\.\.\d+", f"count: 1..{candidates}", text)
    text, axes = re.subn(r"points: \d+", f"points: {points}" if points else r"\g<0>", text)
    if (sizes, ranges, axes) != (1, 1, 1):
        raise SystemExit(f"{DEMO}: found {sizes} sizes, {ranges} ranges of counts, {axes} axes; expected one of each.")
    folder.mkdir(parents=True)
    path = folder / "campaign.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def run_workflow(campaign: Path, results: Path, cores: int) -> Workflow:
    """Run the workflow as a user does, and watch its memory."""
    command = [sys.executable, "-m", "bayesbeam.cli", "run", str(campaign), "--results", str(results)]
    began = time.perf_counter()
    process = psutil.Popen([*command, "--cores", str(cores)], stdout=subprocess.DEVNULL)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - began
    watcher.join()
    disk = sum(path.stat().st_size for path in results.rglob("*") if path.is_file()) / 2**20
    return Workflow(seconds, peak[0], code, disk)


def _watch(process: psutil.Process, peak: list[float]) -> None:
    """Keep the highest memory of a process and all its children; shared pages are counted once (PSS)."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        total = 0
        try:
            family = [process, *process.children(recursive=True)]
        except psutil.Error:
            return
        for one in family:
            try:
                total += one.memory_full_info().pss
            except (psutil.Error, OSError):
                continue
        peak[0] = max(peak[0], total / 2**20)
        time.sleep(TICK_S)


def run_engine(campaign: Path, wanted: slice, cores: int, batch: int) -> float:
    """Seconds of the sampler alone with some of the spectra in memory: imports and compiling are over before."""
    context = multiprocessing.get_context("spawn")
    tasks, ready, go = context.Queue(), context.Barrier(cores + 1), context.Barrier(cores + 1)
    from bayesbeam.config.load import load_campaign

    loaded = load_campaign(campaign)
    ids = list(loaded.ids)[wanted]
    tags = sorted(loaded.tags(ids[0]), reverse=True)  # those with most lines first, as the workflow does
    for tag in tags:
        for first in range(0, len(ids), batch):
            tasks.put((tag, ids[first : first + batch]))
    for _ in range(cores):
        tasks.put(None)
    workers = [context.Process(target=_engine, args=(campaign, tasks, ready, go)) for _ in range(cores)]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    go.wait()
    for worker in workers:
        worker.join()
    return time.perf_counter() - began


def _engine(campaign: Path, tasks: Any, ready: Any, go: Any) -> None:
    """Sample what the queue holds."""
    import torch

    from bayesbeam.config.load import load_campaign
    from bayesbeam.io.store import read_measurement
    from bayesbeam.sampling.run import GroupName, replica_exchange
    from bayesbeam.stages.build import build_target
    from bayesbeam.stages.preprocess import preprocess_rows
    from bayesbeam.stages.resources import settings_of

    torch.set_num_threads(1)
    loaded = load_campaign(campaign)
    with tempfile.TemporaryDirectory() as folder:
        preprocess_rows(loaded, loaded.ids, folder)
        data = {identifier: read_measurement(Path(folder) / f"{identifier}.h5") for identifier in loaded.ids}

    def sample(tag: str, ids: Sequence[str]) -> None:
        names = [GroupName(f"{identifier}/{tag}", (identifier,)) for identifier in ids]
        precision = loaded.campaign.sampling.precision
        target = build_target(loaded.by_tag(tag).spec, [[data[name]] for name in ids], frozenset(), precision, "cpu")
        replica_exchange(target, names, settings_of(loaded, 1))

    for tag in loaded.tags(loaded.ids[0]):
        sample(tag, loaded.ids[:1])
    ready.wait()
    go.wait()
    while (task := tasks.get()) is not None:
        sample(*task)


def foretold(campaign: Path, results: Path, cores: int) -> dict[str, Any]:
    """Return what `bayesbeam plan` says of a campaign."""
    command = [sys.executable, "-m", "bayesbeam.cli", "plan", str(campaign), "--results", str(results)]
    subprocess.run([*command, "--cores", str(cores)], check=True, stdout=subprocess.DEVNULL)
    plan: dict[str, Any] = json.loads(next(results.glob("*/plan.json")).read_text(encoding="utf-8"))
    return plan


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.campaign", description=__doc__)
    parser.add_argument("--spectra", type=int, default=64)
    parser.add_argument("--candidates", type=int, default=4, help="numbers of lines: one to so many")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--points", type=int, help="points of each spectrum; those of the campaign if left out")
    parser.add_argument("--bare", type=int, help="spectra that the bare engine samples; all if left out")
    parser.add_argument("--batch", type=int, default=125, help="spectra that the bare engine samples together")
    parser.add_argument("--folder", type=Path, help="an empty folder to work in; a temporary one if left out")
    parser.add_argument("--without-engine", action="store_true", help="the workflow and its plan only")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        campaign = campaign_of(asked.spectra, asked.candidates, asked.points, folder / "campaign")
        print(f"{machine()}; load {load():.1f} at the start")
        plan = foretold(campaign, folder / "results", asked.cores)
        disk = plan["disk_bytes"][plan["store"]] / 2**20
        print(f"foretold: {plan['jobs']} jobs, {plan['seconds']:.0f} s, {disk:.0f} MiB")
        # Half of it before and half after, for a machine that others share is not equally fast at all times.
        number = 0 if asked.without_engine else min(asked.bare or asked.spectra, asked.spectra)
        bare = run_engine(campaign, slice(0, number // 2), asked.cores, asked.batch) if number else 0.0
        done = run_workflow(campaign, folder / "results", asked.cores)
        rate = asked.spectra / done.seconds * 60.0
        print(f"workflow: {done.seconds:.0f} s, exit code {done.code}, {rate:.1f} spectra a minute, "
              f"peak {done.peak_mib:.0f} MiB, {done.disk_mib:.0f} MiB on disk")  # fmt: skip
        print(f"foretold / taken: {plan['seconds'] / done.seconds:.2f}")
        if number:
            halves = bare, run_engine(campaign, slice(number // 2, number), asked.cores, asked.batch)
            bare_rate = number / sum(halves) * 60.0
            print(f"bare engine: {number} spectra in {halves[0]:.0f} s before and {halves[1]:.0f} s after, "
                  f"{bare_rate:.1f} spectra a minute; workflow / bare throughput {rate / bare_rate:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
