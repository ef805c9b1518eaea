"""How a campaign is doing, from its run log and what its jobs say, while a run is on or after it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bayesbeam.launch.record import Stand
from bayesbeam.launch.runlog import NAME, Entry, last_run
from bayesbeam.stages.progress import clock, read_state

_MOST = 8
_ENDS = {
    0: "finished", 1: "not finished: jobs failed", 3: "finished, but some measurements were refused",
    75: "stopped at a checkpoint: run again", 130: "interrupted: run again",
}  # fmt: skip


def status_lines(folder: Path) -> list[str]:
    """Return how the last run of a campaign stands, in a few lines.

    Parameters
    ----------
    folder : Path
        Results of the campaign.
    """
    entries = last_run(folder / "logs" / NAME)
    begin = next((one for one in entries if one["event"] == "run started"), None)
    if begin is None:
        return ["no run of this campaign is on record"]
    ended = next((one for one in entries if one["event"] == "run ended"), None)
    lines = [f"{begin['campaign']}: {begin['measurements']} measurements; {_state(begin, ended, entries[-1])}"]
    progress = next((one for one in reversed(entries) if one["event"] == "progress"), None)
    planned = next((one for one in entries if one["event"] == "jobs planned"), None)
    if progress is not None:
        lines.append(_stand_words(progress, over=ended is not None))
    elif planned is not None:
        lines.append(f"{planned['jobs']} jobs planned")
    if ended is None:
        lines += _running(entries, folder)
    return lines + _failed(entries)


def _state(begin: Entry, ended: Entry | None, last: Entry) -> str:
    """Whether the run is on, how long, or how it ended."""
    since = datetime.fromisoformat(begin["time"])
    now = datetime.fromisoformat(last["time"])
    if ended is not None:
        words = _ENDS.get(ended["exit_code"], "ended by an error of the program")
        return f"{words}, after {clock(ended['seconds'])}"
    ago = clock((datetime.now(UTC) - now).total_seconds())
    if begin["host"] == socket.gethostname():
        alive = psutil.pid_exists(begin["pid"])
        return f"running for {clock((datetime.now(UTC) - since).total_seconds())}" if alive else f"killed {ago} ago"
    return f"running on {begin['host']}, or killed there; last news {ago} ago"


def _stand_words(entry: Entry, over: bool) -> str:
    """Last progress line in words."""
    names = ("done", "total", "running", "failed", "spectra_per_minute", "seconds_left", "judged", "not_reliable")
    stand = Stand(**{name: entry[name] for name in names})
    if over:
        counts = f"{stand.done} of {stand.total} jobs done" + (f", {stand.failed} failed" if stand.failed else "")
        return f"{counts}; {stand.not_reliable} of {stand.judged} measurements not reliable" if stand.judged else counts
    return f"[{stand.done}/{stand.total}] {stand.words}"


def _running(entries: Sequence[Entry], folder: Path) -> list[str]:
    """Jobs at work, with how far they say they are."""
    going: dict[int, Entry] = {}
    for one in entries:
        if one["event"] == "job started":
            going[one["job"]] = one
        elif one["event"] in ("job finished", "job failed"):
            going.pop(one["job"], None)
    lines = []
    for one in list(going.values())[:_MOST]:
        names = [str(one[key]) for key in ("batch", "group") if one.get(key)]
        state = read_state(folder / "logs" / "progress" / f"{'-'.join([*names, str(one.get('tag'))])}.json")
        lines.append(f"  {one['name']}{f': {state.words}' if state is not None else ''}")
    return [*lines, f"  and {len(going) - _MOST} more"] if len(going) > _MOST else lines


def _failed(entries: Sequence[Entry]) -> list[str]:
    """Jobs that failed, with their logs."""
    failed = [one for one in entries if one["event"] == "job failed"]
    lines = [f"failed: {one['name']}, see {one.get('log') or 'the run log'}" for one in failed[:_MOST]]
    return [*lines, f"and {len(failed) - _MOST} more failed"] if len(failed) > _MOST else lines
