"""One run from its start to its last words: watched, stopped if asked to, and how it ended.

Decides the exit code of a run and what is said at its end.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

from bayesbeam.errors import DamagedError, StoreError
from bayesbeam.launch.answers import answers, summaries
from bayesbeam.launch.damage import ROUNDS, list_report, met_damage, put_aside
from bayesbeam.launch.display import Display, printable
from bayesbeam.launch.ending import Said, disk_words, killed_words, summary_words
from bayesbeam.launch.lock import RunLock, campaign_locks, check_lock, clear_locks, foreign_lock, live_snakemake
from bayesbeam.launch.orphans import end_orphans, end_processes, sweep
from bayesbeam.launch.record import Record
from bayesbeam.launch.snakemake import Order, follow, start, stop
from bayesbeam.launch.watch import Run
from bayesbeam.stages.command import EXIT_STOPPED, STOPPED
from bayesbeam.stages.rulebook import Rulebook

EXIT_FAILED, EXIT_REFUSED, EXIT_INTERRUPTED = 1, 3, 130
_TAIL, _WIDEST = 15, 600
_SHOWN_FAILURES = 3


def clear_dead_run(lock: RunLock, order: Order, book: Rulebook) -> None:
    """Clear what a run that was killed has left; a lock that is not ours is not touched.

    Raises
    ------
    StoreError
        If a Snakemake that was started by hand holds the results, or may hold them.
    """
    workdir = order.place.workdir
    locks = campaign_locks(workdir, str(book.folder))
    if locks:
        pid = live_snakemake(workdir)
        if pid is not None or not lock.after_crash:
            raise foreign_lock(workdir / book.folder, pid)
    clear_locks(locks)
    shutil.rmtree(workdir / book.path("logs", "progress"), ignore_errors=True)
    if lock.after_crash:
        print("The last run did not come to its end; going on from where it was.")


def end_dead_run(folder: Path) -> None:
    """End the jobs of a run whose main process was killed: they would write what the next run writes."""
    ended = end_orphans(folder)
    if ended:
        words = ", ".join(map(str, ended))
        print(f"Stopped what a killed run had left at work (processes {words}); it goes on from the last checkpoint.")


def watched_run(lock: RunLock, order: Order, book: Rulebook) -> int:
    """Run Snakemake to its end, say how it ended, and return the exit code; all of it is in the run log."""
    record, code = Record(order, book), None
    record.started()
    try:
        code = _to_its_end(lock, order, book, record)
    finally:
        record.ended(code)
    return code


def _to_its_end(lock: RunLock, order: Order, book: Rulebook, record: Record) -> int:
    """Run Snakemake, once more where files were damaged, say how it ended, and return the exit code."""
    log_path = order.place.workdir / book.path("logs", "run.log")
    log_path.parent.mkdir(parents=True, exist_ok=True)
    log_path.unlink(missing_ok=True)
    for _ in range(ROUNDS):
        code, damage = _one_run(lock, order, book, record)
        if not damage:
            return code
        print(printable("\n".join(["", *damage, "Running once more, to make that anew."])), flush=True)
    print(f"Files were damaged {ROUNDS} times over. Is the disk in order?")
    return EXIT_FAILED


def _one_run(lock: RunLock, order: Order, book: Rulebook, record: Record) -> tuple[int, list[str]]:
    """Run Snakemake once; return the exit code, and what was said of files that were found damaged and set aside."""
    folder = order.place.workdir / book.folder
    log_path = folder / "logs" / "run.log"
    display = Display(sys.stdout, folder / "logs" / "progress")
    with closing(Said(log_path)) as log:
        process = start(order, [lock.descriptor], folder)
        lock.record(process.pid)
        try:
            run = follow(process, display, log, partial(check_lock, lock, folder), record)
        except StoreError:
            display.end()
            stop(process)
            end_processes(folder)
            raise
        except KeyboardInterrupt:
            display.end()
            stop(process)
            end_processes(folder)
            print("Stopped. Run again: it goes on from the last checkpoint (at most a minute is lost).", flush=True)
            return EXIT_INTERRUPTED, []
    if run.locked:
        raise foreign_lock(folder, live_snakemake(order.place.workdir))
    if process.returncode != 0:
        _clear_ended(process.returncode, order, book)
        damage = met_damage(run, order.place.workdir)
        return (EXIT_FAILED, damage) if damage else (say_failure(run, order, log_path, log.last, book), [])
    if lock.after_crash or not run.nothing_to_do:
        sweep(folder)
        list_report(folder)
    print("Nothing to do: all results are up to date." if run.nothing_to_do else f"Done in {display.elapsed()}.")
    try:
        return _say_answers(order, book), []
    except DamagedError as problem:
        return EXIT_FAILED, [put_aside(problem)]


def _clear_ended(code: int, order: Order, book: Rulebook) -> None:
    """Leave neither jobs nor locks of a Snakemake that something killed: its jobs do not end with it."""
    folder = order.place.workdir / book.folder
    end_processes(folder)
    if code < 0:
        clear_locks(campaign_locks(order.place.workdir, str(book.folder)))
        jobs = "those of its jobs that a cluster has go on there" if order.elsewhere else "its jobs were stopped"
        print(f"\nSnakemake was ended by signal {-code}; {jobs}. Run again: it goes on from where it was.")


def say_failure(run: Run, order: Order, log_path: Path, said: str = "", book: Rulebook | None = None) -> int:
    """Say which jobs failed, why, and how to repeat them by hand; and which were stopped at a checkpoint."""
    ends = [(failure, [_tail(order.place.workdir / log) for log in failure.logs]) for failure in run.failures]
    stopped = [failure for failure, tails in ends if any(STOPPED in tail for tail in tails)]
    failed = [(failure, tails) for failure, tails in ends if failure not in stopped]
    for failure in stopped:
        print(f"\nStopped at a checkpoint, as something asked it to: {run.name_of(failure)}")
    for failure, tails in failed[:_SHOWN_FAILURES]:
        print(f"\nFailed: {run.name_of(failure)}")
        for log, tail in zip(failure.logs, tails, strict=True):
            print(f"The end of {log}:\n{tail}")
        if book is not None and run.was_killed(failure):
            print(killed_words(book, failure.command))
        print(f"Again by hand, in {order.place.workdir}:\n  {failure.command}")
    if stopped and not failed:
        print("\nNot finished. Run again: it goes on from the checkpoints.")
        return EXIT_STOPPED
    folder = order.place.workdir / book.folder if book is not None else None
    trouble = disk_words(folder, "\n".join([said, *(tail for _, tails in ends for tail in tails)])) if folder else ""
    if not run.failures and not trouble:
        print(f"\nThe workflow could not be run. The end of {log_path}:\n{_tail(log_path)}")
    print(f"\nNot finished: {max(len(failed), 1)} failed. All that Snakemake said is in {log_path}")
    if trouble:
        print(printable(f"\n{trouble}"))
    return EXIT_FAILED


def _say_answers(order: Order, book: Rulebook) -> int:
    """Say the answers, what was refused, and where the report is."""
    workdir = order.place.workdir
    report = workdir / book.path("report", "index.html")
    if order.extra or not report.is_file():
        return 0
    found = summaries(book, workdir)
    print("\n" + printable("\n".join(answers(book, workdir, found))))
    lines, without = summary_words(book, workdir, found)
    print("\n" + "\n".join(lines))
    print(f"\nReport: {report}")
    return EXIT_REFUSED if without else 0


def _tail(path: Path) -> str:
    """Return the last lines of a file, indented."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = ["(no log was written)"]
    return "\n".join(f"  {printable(line)[:_WIDEST]}" for line in lines[-_TAIL:])
