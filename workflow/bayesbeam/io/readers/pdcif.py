"""Powder patterns in CIF (pdCIF): measured or processed intensities of one data block, read by gemmi.

Facts are looked for in the block itself and then in the other blocks, where only one of them states a thing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bayesbeam.errors import DataError
from bayesbeam.io.readers.base import MAX_POINTS, Array, RawData, ReadOptions
from bayesbeam.io.readers.counted import counted
from bayesbeam.io.readers.instrument import kept, number
from bayesbeam.io.readers.named import Named, chosen
from bayesbeam.io.readers.pdcif_counts import regions_of_weights
from bayesbeam.io.readers.pdcif_facts import facts

if TYPE_CHECKING:
    from gemmi import cif

MAX_BYTES = 64 * 1024 * 1024
MOST_LISTED = 12
AXES = {
    "_pd_proc_2theta_corrected": ("2theta", "degree"),
    "_pd_meas_2theta_corrected": ("2theta", "degree"),
    "_pd_meas_2theta_scan": ("2theta", "degree"),
    "_pd_proc_d_spacing": ("d", "angstrom"),
    "_pd_proc_recip_len_q": ("Q", "1/angstrom"),
    "_pd_meas_time_of_flight": ("time of flight", "us"),
}
SIGNALS = (
    "_pd_meas_counts_total",
    "_pd_meas_intensity_total",
    "_pd_proc_intensity_total",
    "_pd_proc_intensity_net",
)
_RANGES = ("_pd_meas_2theta_range", "_pd_proc_2theta_range")
_WEIGHT, _TIME = "_pd_proc_ls_weight", "_pd_meas_step_count_time"


def read_cif(path: Path, options: ReadOptions, label: str) -> RawData:
    """Columns of a pdCIF.

    Raises
    ------
    DataError
        If it is no CIF, has no powder pattern, or several and ``read.dataset`` does not say which.
    """
    document = _document(path, label)
    patterns = {block.name: block for block in document if _signals(block)}
    block = _which(patterns, len(document), options.dataset, label)
    others = [one for one in document if one.name != block.name]
    return chosen(_named(block, others, f"{label}: data_{block.name[:60]}"), options, label)


def _document(path: Path, label: str) -> cif.Document:
    """Read the file."""
    from gemmi import cif

    size = path.stat().st_size
    if size > MAX_BYTES:
        found = f"{size / 2**20:.0f} MiB of CIF"
        raise DataError.at(label, found, f"at most {MAX_BYTES // 2**20} MiB", "Write one pattern a file.")
    try:
        return cif.read_string(path.read_bytes().decode("latin-1").removeprefix("\xef\xbb\xbf"))
    except (ValueError, RuntimeError) as problem:
        reason = " ".join(str(problem).split())[:120].removeprefix("string:")
        remedy = "Copy the file again; it is truncated or damaged."
        raise DataError.at(label, f"cannot be read as CIF ({reason})", "a complete CIF", remedy) from problem


def _signals(block: cif.Block) -> list[str]:
    """Names of the intensities in a block that come with an axis."""
    if not _axes(block) and not any(block.find_value(f"{name}_inc") for name in _RANGES):
        return []
    return [name for name in SIGNALS if len(block.find_loop(name)) > 0]


def _axes(block: cif.Block) -> list[str]:
    """Names of the axes in a block."""
    return [name for name in AXES if len(block.find_loop(name)) > 0]


def _which(patterns: dict[str, cif.Block], blocks: int, asked: str | None, label: str) -> cif.Block:
    """Block that is meant: the only one with a pattern, or by its name."""
    if not patterns:
        remedy = f"Looked for {', '.join(SIGNALS)} in a loop with an axis. Crystal structures belong to a library."
        raise DataError.at(label, f"no powder pattern in its {blocks} data blocks", "one", remedy)
    if asked is None and len(patterns) == 1:
        return next(iter(patterns.values()))
    wanted = (asked or "").strip().removeprefix("data_").lower()
    found = [block for name, block in patterns.items() if name.lower() == wanted]
    if found:
        return found[0]
    names = ", ".join(name[:80] for name in list(patterns)[:MOST_LISTED])
    what = f"{len(patterns)} powder patterns" if asked is None else f"no powder pattern in a block {asked[:80]!r}"
    raise DataError.at(label, what, "one", f"Set read.dataset to the name of a block: {names}.")


def _column(block: cif.Block, name: str, label: str) -> Array:
    """Numbers of a loop; what is not known is nan."""
    texts = list(block.find_loop(name))
    if len(texts) > MAX_POINTS:
        raise DataError.at(f"{label} {name}", f"{len(texts)} points", f"at most {MAX_POINTS}", "Write one a file.")
    values = np.empty(len(texts))
    for k, text in enumerate(texts):
        value = np.nan if text in ("?", ".") else number(text)
        if value is None:
            found = f"{text[:40]!r} at point {k + 1}"
            raise DataError.at(f"{label} {name}", found, "a number", "Mend the value.")
        values[k] = value
    return values


def _named(block: cif.Block, others: list[cif.Block], label: str) -> Named:
    """Columns by their names in the dictionary of pdCIF without its prefix, and facts."""
    signal = _signals(block)[0]
    y = _column(block, signal, label)
    columns, units, x = _positions(block, y.size, label)
    for name in (*_axes(block), *_signals(block), _WEIGHT, _TIME):
        if len(block.find_loop(name)) == y.size:
            columns[name] = _column(block, name, label)
    axis, unit = AXES.get(x, ("2theta", "degree"))
    units[x] = unit
    stated = facts(block, others, axis)
    seconds = columns.get(_TIME)
    if seconds is None and (once := number(block.find_value(_TIME))) is not None:
        seconds = np.full(y.size, once)
    if signal == "_pd_meas_counts_total":
        return counted(columns, units, x, y, None, seconds, "CIF", stated)
    weight = columns.get(_WEIGHT)
    if weight is None:
        return Named(columns, units, x, signal, "", "CIF", kept(stated))
    columns["sd"], not_counts = _deviation(weight), {}
    found = regions_of_weights(columns[x], y, weight)
    if found is not None:
        counts, times = found
        columns |= {"counts": counts, "counting_time": times, "sd": np.sqrt(counts + 1.0) / times}
        stated = {**stated, "counting_times": f"{times.min():g} to {times.max():g} s, from the weights"}
        not_counts[signal] = "counts a second"
    elif not np.allclose(weight * np.maximum(y, 1.0), 1.0, rtol=0.05):
        not_counts[signal] = "intensities with weights that are not those of counts"
    return Named(columns, units, x, signal, "sd", "CIF", kept(stated), not_counts)


def _deviation(weight: Array) -> Array:
    """Standard deviations of weights; points of weight 0, which were left out of the fit, have none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 0, 1.0 / np.sqrt(weight), np.inf)


def _positions(block: cif.Block, count: int, label: str) -> tuple[dict[str, Array], dict[str, str], str]:
    """Axis of a block: as a loop, else from the ends and the step of its range."""
    for name in _axes(block):
        if (size := len(block.find_loop(name))) != count:
            remedy = "Copy the file again; it is truncated or damaged."
            raise DataError.at(f"{label} {name}", f"{size} positions", f"one for each of {count} points", remedy)
        return {}, {}, name
    for name in _RANGES:
        low, high, step = (number(block.find_value(f"{name}_{end}")) for end in ("min", "max", "inc"))
        if low is None or high is None or not step:
            continue
        points = round((high - low) / step) + 1
        if points != count:
            found = f"{low:g} to {high:g} in steps of {step:g}, which are {points} points"
            remedy = "Copy the file again; it is truncated or damaged."
            raise DataError.at(f"{label} {name}", found, f"the {count} points of the intensities", remedy)
        return {"2theta": np.asarray(low + step * np.arange(count), dtype=np.float64)}, {}, "2theta"
    raise DataError.at(label, "a pattern without positions", "2theta, d or Q of each point", "Choose another block.")
