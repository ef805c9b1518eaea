"""``bayesbeam run``, ``watch``, ``plan``, ``figures``, ``page``, ``status`` and others: what `make` calls.

Exit codes: 0 all well, 1 a job failed, 2 a mistake that stopped everything before a job was started, 3 all finished
but some measurements were refused, 75 jobs were asked to stop and did so at a checkpoint: run again, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType
from typing import NoReturn

from bayesbeam.config.outline import outline_campaign
from bayesbeam.errors import BayesbeamError, ConfigError
from bayesbeam.launch.arrivals import add_arguments, take_complete, there
from bayesbeam.launch.damage import open_book, verify
from bayesbeam.launch.display import printable
from bayesbeam.launch.leftover import CANCEL, WAIT, settle
from bayesbeam.launch.lock import RunLock, campaign_locks, clear_locks, foreign_lock, live_snakemake, run_lock
from bayesbeam.launch.places import campaign_file, check_place, cores, place, repository, share_draws
from bayesbeam.launch.profiles import LOCAL, find_profile, job_prefix
from bayesbeam.launch.run import clear_dead_run, end_dead_run, watched_run
from bayesbeam.launch.snakemake import Order
from bayesbeam.launch.status import status_lines
from bayesbeam.stages.rulebook import Rulebook

EXIT_MISTAKE, EXIT_REFUSED, EXIT_INTERRUPTED = 2, 3, 130
FIGURES = "figures.py"
_PASSED_ON = {"-n", "--dry-run", "--dryrun", "--lint", "--report", "--summary", "--dag", "--rulegraph", "--list"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    extra: tuple[str, ...] = ()
    if "--" in words:
        extra, words = tuple(words[words.index("--") + 1 :]), words[: words.index("--")]
    options = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # a terminal that is closed, but not under nohup
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        return int(options.action(options, extra))
    except BayesbeamError as error:
        print(printable(str(error)), file=sys.stderr)
        return EXIT_MISTAKE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="bayesbeam", description="Bayesian measurement: campaigns to reports.")
    actions = parser.add_subparsers(required=True)
    for name, action, meaning in (
        ("run", _run, "analyse a campaign; arguments behind -- go to snakemake"),
        ("watch", _watch, "run again whenever files have landed or rows were added, and keep a live page"),
        ("figures", _figures, "draw the figures for a paper that a campaign's figures.py makes of its results"),
        ("page", _page, "make the pages of single measurements, with what a large report leaves out"),
        ("plan", _plan, "measure briefly, and say what a run will take before it does anything"),
        ("status", _status, "say how a run is doing, or how the last one ended"),
        ("validate", _validate, "check a campaign and stop"),
        (
            "unlock",
            _unlock,
            "remove the locks of a run that is gone, on another machine or of a snakemake started by hand",
        ),
    ):
        part = actions.add_parser(name, help=meaning, description=meaning)
        part.add_argument("campaign", nargs="?", help="name, folder or campaign.yaml; the default campaign if left out")
        if name == "page":
            part.add_argument("measurements", nargs="+", help="ids of measurements in the sheet")
        part.add_argument("--results", help="folder for results (default: results in the repository)")
        part.add_argument("--cores", type=_number_of_cores, default="all", help="cores to use, a number or all")
        meaning = "where jobs run: local (default), slurm, or a folder with a config.yaml"
        part.add_argument("--profile", default=LOCAL, help=meaning)
        meaning = "what to do with jobs of a former run on a cluster (default: wait)"
        part.add_argument("--leftover", choices=(WAIT, CANCEL), default=WAIT, help=meaning)
        part.add_argument("--cache", metavar="FOLDER", help="folder of draws that campaigns share (or BAYESBEAM_CACHE)")
        meaning = "check the sha256 of all results first; what is damaged is made anew"
        part.add_argument("--verify", action="store_true", help=meaning)
        part.set_defaults(action=action)
    add_arguments(actions.choices["watch"])
    return parser


def _number_of_cores(text: str) -> int:
    """Return a number of cores from a number or the word all."""
    number = cores() if text == "all" else int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}; expected 1 or more")
    return number


def _open(options: argparse.Namespace, extra: tuple[str, ...] = ()) -> tuple[Order, Rulebook]:
    """Find and check a campaign; paths in the rulebook are relative to the working directory of the run."""
    root = repository()
    share_draws(options.cache)
    where = place(options.results, root)
    order = Order(root, campaign_file(options.campaign, root), where, options.cores, extra)
    book = open_book(order)
    prefix = job_prefix(where.workdir / book.folder)
    return replace(order, profile=find_profile(options.profile, root), prefix=prefix), book


def _validate(options: argparse.Namespace, extra: tuple[str, ...]) -> int:
    """Check a campaign, and say what is in it."""
    order, book = _open(options)
    sheet, aside = there(order, book)
    models = {tag for tags in book.tags.values() for tag in tags}
    counts = f"{len(sheet)} measurements, {len(models)} candidate models, {len(book.groups)} groups"
    mistakes = f"{len(aside)} files left out" if aside else "No mistakes found"
    print("\n".join([*map(printable, aside), f"{book.campaign.campaign.campaign}: {counts}. {mistakes}."]))
    return EXIT_MISTAKE if aside else 0


def _unlock(options: argparse.Namespace, extra: tuple[str, ...]) -> int:
    """Remove the locks on a campaign, unless a run is alive on this machine; who asks knows of other machines."""
    order, book = _open(options)
    workdir, folder = order.place.workdir, order.place.workdir / book.folder
    check_place(order.place, folder)
    with run_lock(folder, gone=True):
        pid = live_snakemake(workdir)
        if pid is not None:
            raise foreign_lock(folder, pid)
        locks = campaign_locks(workdir, str(book.folder))
        clear_locks(locks)
    print(f"{folder}: {len(locks)} lock files removed.")
    return 0


def _run(options: argparse.Namespace, extra: tuple[str, ...]) -> int:
    """Analyse a campaign and print where its report is."""
    order, book = _open(options, extra)
    folder = order.place.workdir / book.folder
    check_place(order.place, folder)
    if any(word.split("=")[0] in _PASSED_ON for word in extra):
        os.execv(order.command[0], order.command)
    end_dead_run(folder)
    with run_lock(folder) as lock:
        settle(order, options.leftover)
        clear_dead_run(lock, order, book)
        if options.verify:
            order = verify(order, folder)
        book = take_complete(order, book)
        print(f"{book.campaign.campaign.campaign}: {len(book.campaign.sheet)} measurements, {order.cores} cores")
        code = watched_run(lock, order, book)
        return EXIT_REFUSED if code == 0 and book.campaign.aside else code


def _plan(options: argparse.Namespace, extra: tuple[str, ...]) -> int:
    """Measure what jobs take, and say what a run would do."""
    # It brings torch in, which nobody else who starts or looks at a run shall wait for.
    from bayesbeam.launch.plan import forecast, say_forecast

    order, book = _open(options)
    folder = order.place.workdir / book.folder
    check_place(order.place, folder)
    end_dead_run(folder)
    with run_lock(folder) as lock:
        clear_dead_run(lock, order, book)
        book = take_complete(order, book)
        found, book = forecast(order, book)
    say_forecast(found, book, folder)
    return 0


def _watch(options: argparse.Namespace, extra: tuple[str, ...]) -> int:
    """Analyse a campaign whenever there is something new, and keep its live page."""
    # It brings figures in, which others shall not wait for.
    from bayesbeam.launch.arrivals_watch import watch

    order, book = _open(options, extra)
    folder = order.place.workdir / book.folder
    check_place(order.place, folder)
    end_dead_run(folder)
    with run_lock(folder) as lock:
        settle(order, options.leftover)
        clear_dead_run(lock, order, book)

        def run(lock: RunLock, order: Order, book: Rulebook) -> int:
            """Run once no job of the run before is left, as of one whose Snakemake was killed."""
            settle(order, options.leftover)
            return watched_run(lock, order, book)

        return watch(lock, order, book, run, options.every, options.until_idle)


def _status(options: argparse.Namespace, extra: tuple[str, ...]) -> int:
    """Say how the run of a campaign is doing."""
    root = repository()
    name = outline_campaign(campaign_file(options.campaign, root)).campaign.campaign
    print(printable("\n".join(status_lines(place(options.results, root).results / name))))
    return 0


def _page(options: argparse.Namespace, extra: tuple[str, ...]) -> int:
    """Make the pages of single measurements and print where they are."""
    root = repository()
    # Drawing programs take a second to load, which others shall not wait for.
    from bayesbeam.launch.pages import make_pages

    for page in make_pages(
        campaign_file(options.campaign, root), place(options.results, root).results, options.measurements
    ):
        print(page)
    return 0


def _figures(options: argparse.Namespace, extra: tuple[str, ...]) -> int:
    """Analyse a campaign and run its own script for figures on the results."""
    order, book = _open(options, extra)
    script = order.campaign.with_name(FIGURES)
    if not script.is_file():
        expected = "a script that draws figures of this campaign's results for a paper"
        raise ConfigError.at(str(script), "no such file", expected, "Write one like that of nagata2012.")
    code = _run(options, extra)
    if code not in (0, EXIT_REFUSED):
        return code
    folder = order.place.workdir / book.folder
    command = [sys.executable, str(script), str(folder), str(folder / "paper")]
    return subprocess.run(command, check=False).returncode or code


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Treat a polite request to end like Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
