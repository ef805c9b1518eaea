"""Damage that is found before or while the workflow runs: what is said, and when it runs once more by itself.

Files that are read again carry their own sha256. Those that nobody reads again, the report's, are listed with theirs
when a run ends.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bayesbeam.errors import DamagedError, StoreError
from bayesbeam.io.atomic import write_text
from bayesbeam.io.damage import damages, set_aside
from bayesbeam.io.provenance import file_sha256
from bayesbeam.launch.display import printable
from bayesbeam.launch.snakemake import Order
from bayesbeam.launch.watch import Failure, Run
from bayesbeam.stages.command import SET_ASIDE
from bayesbeam.stages.rulebook import Rulebook

# Damage found by one job may hide that of another file, which only the job after it reads: sheet, draws, summary.
ROUNDS = 4
LIST = "report.sha256"


def met_damage(run: Run, workdir: Path) -> list[str]:
    """Return what jobs of a run have said of damaged files that they have set aside, a line each."""
    return [line for failure in run.failures for line in _said(failure, workdir)]


def open_book(order: Order) -> Rulebook:
    """Return the rulebook of a campaign; a table of batches that is damaged is set aside, and made anew."""
    where = order.place
    try:
        return Rulebook(order.campaign, where.results, where.workdir)
    except DamagedError as problem:
        print(printable(put_aside(problem)))
        return Rulebook(order.campaign, where.results, where.workdir)


def verify(order: Order, folder: Path) -> Order:
    """Check all results of a campaign, set aside what is damaged and say so.

    Returns
    -------
    Order
        That asks for what was taken away: by itself Snakemake makes what is between data and report only for a job
        that needs it.
    """
    found = list(damages(folder))
    gone: list[Path] = []
    for problem in found:
        print(printable(put_aside(problem, gone)))
    wrong = _wrong_in_report(folder)
    for name in wrong:
        print(printable(f"{folder / name}: the file was damaged, changed or lost; the report is written anew."))
    if wrong:
        (folder / "report" / "index.html").unlink(missing_ok=True)
    print(f"Checked the results: {len(found) + len(wrong)} damaged files.")
    workdir = order.place.workdir
    names = [str(path.relative_to(workdir) if path.is_relative_to(workdir) else path) for path in gone]
    return replace(order, targets=("all", *names)) if names else order


def list_report(folder: Path) -> None:
    """Write down the sha256 of every file of the report, as sha256sum does."""
    files = sorted(path for path in (folder / "report").rglob("*") if path.is_file() and not path.name.startswith("."))
    rows = [f"{file_sha256(path)}  {path.relative_to(folder)}\n" for path in files]
    write_text(folder / "logs" / LIST, "".join(rows))


def _wrong_in_report(folder: Path) -> list[str]:
    """Files of the report that are not as they were written down."""
    try:
        rows = (folder / "logs" / LIST).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    listed = (row.partition("  ")[::2] for row in rows)
    return [name for digest, name in listed if not (folder / name).is_file() or file_sha256(folder / name) != digest]


def put_aside(problem: DamagedError, gone: list[Path] | None = None) -> str:
    """Set a damaged file aside, and return what is to be said of it; add what was taken away to ``gone``.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """
    assert problem.path is not None
    try:
        taken = set_aside(problem.path)
    except OSError as refusal:
        found = f"damaged, and cannot be set aside ({refusal.strerror or refusal})"
        raise StoreError.at(
            str(problem.path), found, "a results folder that can be written", "Change its permissions."
        ) from refusal
    if gone is not None:
        gone += taken
    return f"{problem} {SET_ASIDE}"


def _said(failure: Failure, workdir: Path) -> list[str]:
    """What the logs of a failed job say of files that were set aside."""
    lines: list[str] = []
    for log in failure.logs:
        try:
            text = (workdir / log).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        lines += [line for line in text.splitlines() if SET_ASIDE in line]
    return lines
