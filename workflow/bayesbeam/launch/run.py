"""One run from its start to its last words: watched, stopped if asked to, and how it ended.

Decides the exit code of a run and what is said at its end.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bayesbeam.launch.answers import answers, refused, summaries
from bayesbeam.launch.display import Display, printable
from bayesbeam.launch.lock import RunLock, campaign_locks, clear_locks, foreign_lock, live_snakemake
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
    """Run Snakemake to its end, say how it ended, and return the exit code."""
    folder = order.place.workdir / book.folder
    log_path = folder / "logs" / "run.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    display = Display(sys.stdout, folder / "logs" / "progress")
    with log_path.open("w", encoding="utf-8") as log:
        process = start(order, [lock.descriptor])
        lock.record(process.pid)
        try:
            run = follow(process, display, log, record)
        except KeyboardInterrupt:
            display.end()
            stop(process)
            print("Stopped. Run again: it goes on from the last checkpoint (at most a minute is lost).", flush=True)
            return EXIT_INTERRUPTED
    if run.locked:
        raise foreign_lock(folder, live_snakemake(order.place.workdir))
    if process.returncode != 0:
        return say_failure(run, order, log_path)
    print("Nothing to do: all results are up to date." if run.nothing_to_do else f"Done in {display.elapsed()}.")
    return _say_answers(order, book)


def say_failure(run: Run, order: Order, log_path: Path) -> int:
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
        print(f"Again by hand, in {order.place.workdir}:\n  {failure.command}")
    if stopped and not failed:
        print("\nNot finished. Run again: it goes on from the checkpoints.")
        return EXIT_STOPPED
    if not run.failures:
        print(f"\nThe workflow could not be run. The end of {log_path}:\n{_tail(log_path)}")
    print(f"\nNot finished: {max(len(failed), 1)} failed. All that Snakemake said is in {log_path}")
    return EXIT_FAILED


def _say_answers(order: Order, book: Rulebook) -> int:
    """Say the answers, what was refused, and where the report is."""
    workdir = order.place.workdir
    report = workdir / book.path("report", "index.html")
    if order.extra or not report.is_file():
        return 0
    found = summaries(book, workdir)
    print("\n" + printable("\n".join(answers(book, workdir, found))))
    without = refused(found)
    for name, reason in without.items():
        print(printable(f"refused {name}: {reason}"))
    print(f"\nReport: {report}")
    return EXIT_REFUSED if without else 0


def _tail(path: Path) -> str:
    """Return the last lines of a file, indented."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = ["(no log was written)"]
    return "\n".join(f"  {printable(line)[:_WIDEST]}" for line in lines[-_TAIL:])
