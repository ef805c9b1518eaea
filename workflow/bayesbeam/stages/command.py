"""How a script ends: its exit code, its last words, and what a signal does to it.

Decides nothing about results. Errors that a user can put right are one message and exit code 2; any other exception
is our own mistake, with traceback and exit code 1.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bayesbeam.errors import BayesbeamError, DamagedError
from bayesbeam.io.damage import set_aside
from bayesbeam.stages.leases import this_is_a_job

EXIT_USER_ERROR = 2
# EX_TEMPFAIL of sysexits.h: nothing is wrong, the same command goes on from here.
EXIT_STOPPED = 75
STOPPED = "Stopped as asked, at a checkpoint."
# EX_DATAERR of sysexits.h: a results file was damaged; it is out of the way, and the workflow makes it anew.
EXIT_DAMAGED = 65
SET_ASIDE = "It was set aside."
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
MOST_NAMED = 1000


def parser(description: str, **paths: str) -> argparse.ArgumentParser:
    """Return the argument parser of a script: ``--config``, and required paths by name with their help."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--config", type=Path, required=True, help="campaign.yaml, or its folder")
    meaning = "folder of all results, where it is written which files of incoming were accepted"
    arguments.add_argument("--arrivals", type=Path, help=meaning)
    for name, meaning in paths.items():
        arguments.add_argument(f"--{name}", type=Path, required=True, help=meaning)
    return arguments


def name_work(what: str, measurements: Iterable[str]) -> None:
    """Write what a job is about into its log, before anything else: the stage, and its measurements by their ids.

    Of the whole of a very long sheet, the first and the last are named.
    """
    ids = list(measurements)
    named = ids if len(ids) <= MOST_NAMED else [*ids[:3], "...", ids[-1]]
    print(f"{what}: {len(ids)} measurement{'' if len(ids) == 1 else 's'}", flush=True)
    print(f"measurements: {', '.join(named)}", flush=True)


def run(stage: Callable[[], None], stopped: type[Exception] | tuple[()] = ()) -> int:
    """Run a stage and return the exit code of its script.

    Parameters
    ----------
    stage : callable
        Reads files, does the work, writes files that appear complete or not at all.
    stopped : exception class
        What the stage raises when it has stopped at a checkpoint, as it was asked to.

    Returns
    -------
    int
        0; 2 after an error that a user can put right, whose message goes to stderr; 65 after a results file was found
        damaged and set aside; 75 after a stop at a checkpoint.
    """
    signal.signal(signal.SIGTERM, _terminated)
    this_is_a_job()
    try:
        stage()
    except DamagedError as error:
        print(f"{error}{_set_aside(error)}", file=sys.stderr)
        return EXIT_DAMAGED
    except BayesbeamError as error:
        print(error, file=sys.stderr)
        return EXIT_USER_ERROR
    except stopped:
        print(f"{STOPPED} Run again: it goes on from there.", file=sys.stderr)
        return EXIT_STOPPED
    except KeyboardInterrupt:
        print("Interrupted; the next run goes on from the last checkpoint.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _set_aside(error: DamagedError) -> str:
    """Put a damaged file out of the way, so that the workflow makes it anew; what was done, in words."""
    try:
        gone = set_aside(error.path) if error.path is not None else []
    except OSError as problem:
        return f" It cannot be set aside ({problem.strerror or problem})."
    return f" {SET_ASIDE} Run again: it is made anew." if gone else ""


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    """Leave through every ``finally``, so that no temporary file stays behind."""
    sys.exit(EXIT_TERMINATED)
