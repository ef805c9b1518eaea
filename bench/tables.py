"""Plain-text tables of what was measured: costs, and ratios to this project's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bench.contenders import OURS, Contender
from bench.pieces import STATES
from bench.scores import Score, score

Record = dict[str, Any]
Row = Sequence[str]

FREE_ENERGY_HEAD = (
    "K", "contender", "runs", "CPU s/run", "bias", "RMSE", "stated", "CPU s to 0.1", "ratio", "as stated", "its ratio",
    "reliable", "compile s", "peak MiB", "imports",
)  # fmt: skip
ROWS_HEAD = ("in flight", "eager 1", "eager 2", "cpu 1", "cpu 2", "cpu/eager 1", "cpu/eager 2", "cpu ns/row")
MANY_HEAD = (
    "K", "batch", "first batch", "spectra", "CPU s/spectrum", "ratio", "wall s/spectrum", "stated", "reliable",
    "compile s", "peak MiB", "predicted", "predicted/peak",
)  # fmt: skip
GPU_ROWS_HEAD = ("in flight", "kernels", "eager", "cpu", "share", "kernels/eager", "kernels/cpu")
GPU_SPECTRA_HEAD = (
    "spectra", "K", "engine", "wall s", "wall s/spectrum", "x cpu", "stated", "reliable", "rows/s", "GPU MiB",
)  # fmt: skip
SUPPORTS_HEAD = (
    "p", "most", "how", "threads", "sets", "wall s", "CPU s", "M sets/CPU s", "x numpy", "F", "peak MiB",
)  # fmt: skip
PEERS_HEAD = (
    "K", "bayesbeam", "cheapest peer", "its CPU s to 0.1", "ratio", "our RMSE", "its CPU s to that", "ratio there",
)  # fmt: skip


def aligned(head: Row, rows: Iterable[Row]) -> str:
    """Columns side by side; a row with fewer cells ends in words, which take the rest of the line."""
    rows = list(rows)
    whole = [head, *(row for row in rows if len(row) == len(head))]
    short = [row[:-1] for row in rows if len(row) < len(head)]
    widths = [max(len(row[i]) for row in [*whole, *short] if i < len(row)) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(_line(row, widths) for row in lines)


def _line(row: Row, widths: Sequence[int]) -> str:
    """One line; cells to the right, words at the end of a short row to the left."""
    cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=False)]
    if len(row) < len(widths):
        cells[-1] = row[-1]
    return "  ".join(cells).rstrip()


def number(value: float, digits: int = 3) -> str:
    """Number with some significant digits, without exponent where it is of everyday size."""
    if math.isnan(value):
        return "-"
    if value == 0.0 or not 1e-3 <= abs(value) < 1e7:
        return f"{value:.{digits}g}"
    return f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}"


def free_energies(records: Sequence[Record], contenders: Sequence[Contender]) -> str:
    """Cost, bias and RMSE of every contender by number of peaks; who did not run is named with the reason."""
    rows: list[Row] = []
    for count in sorted({record["count"] for record in records}):
        found = {one.name: _of(records, one, count) for one in contenders}
        scores = {one.name: score(one, count, runs) for one in contenders if (runs := found[one.name][0])}
        for one in contenders:
            if one.name in scores:
                rows.append(_score_row(one, count, scores[one.name], scores.get(OURS.name)))
            for reason in found[one.name][1] or ([] if one.name in scores else ["not run"]):
                rows.append((str(count), one.title, reason))
    return aligned(FREE_ENERGY_HEAD, rows)


def best_peers(records: Sequence[Record], contenders: Sequence[Contender]) -> str:
    """For each number of peaks the peer that costs least, and how many times this project's cost that is.

    At an RMSE of 0.1, and at that of this project's runs, where the peer's cost grows as one over its square.
    """
    rows: list[Row] = []
    for count in sorted({record["count"] for record in records}):
        scores = {one: score(one, count, runs) for one in contenders if (runs := _of(records, one, count)[0])}
        ours = scores.pop(OURS, None)
        if ours is None or not scores:
            rows.append((str(count), "nothing to compare"))
            continue
        best = min(scores, key=lambda one: scores[one].cost)
        peer = scores[best]
        equal = peer.cpu_seconds * (peer.rmse / ours.rmse) ** 2
        cells = (number(ours.cost), best.title, number(peer.cost), number(peer.cost / ours.cost))
        rows.append((str(count), *cells, number(ours.rmse), number(equal), number(equal / ours.cpu_seconds)))
    return aligned(PEERS_HEAD, rows)


def engine_rows(records: Sequence[Record]) -> str:
    """Rows a second of the engines (with 1 and 2 threads) by states in flight, and their ratios."""
    parts = []
    for kind in ("replicas", "groups"):
        rates = {
            (one["engine"], one["threads"], one["states"]): one["value"]
            for one in records
            if one["kind"] == kind and "value" in one
        }
        failed = sorted({f"{one['engine']}: {one['failed']}" for one in records if "failed" in one})
        rows = [_rates_row(rates, states) for states in STATES if any(key[2] == states for key in rates)]
        parts.append(f"{kind} in flight\n" + aligned(ROWS_HEAD, [*rows, *((reason,) for reason in failed)]))
    first = [one["value"]["first_block_cpu_seconds"] for one in records if "value" in one and one["engine"] == "cpu"]
    parts.append(f"first call of the compiled engine, nothing cached: {number(max(first, default=math.nan))} CPU s")
    return "\n\n".join(parts)


def many(records: Sequence[Record]) -> str:
    """Cost a spectrum of the first batch and of all, by number of peaks, with the sums over these."""
    rows: list[Row] = []
    for batch in sorted({one["batch"] for one in records}):
        firsts = []
        for count in sorted({one["count"] for one in records if one["batch"] == batch}):
            same = [one for one in records if (one["batch"], one["count"]) == (batch, count)]
            done = list({one["first"]: one for one in same if "value" in one}.values())
            rows += [(str(count), str(batch), one["failed"]) for one in same if "failed" in one]
            if done:
                firsts.append(min(done, key=lambda one: one["first"]))
                rows.append(_many_row(count, batch, done))
        total = sum(one["value"]["cpu_seconds"] for one in firsts)
        rows.append(("all", str(batch), f"first batch of each K together: {number(total)} CPU s"))
    return aligned(MANY_HEAD, rows)


def supports(records: Sequence[Record]) -> str:
    """Seconds and rates of searches, and how many times numpy's rate that is."""
    rows: list[Row] = []
    for columns, most in sorted({(one["columns"], one["most"]) for one in records}):
        same = [one for one in records if (one["columns"], one["most"]) == (columns, most)]
        rate = {
            (one["how"], one["threads"]): one["value"]["sets"] / one["value"]["cpu_seconds"]
            for one in same if "value" in one
        }  # fmt: skip
        for one in same:
            head = (str(columns), str(most), one["how"], str(one["threads"]))
            if "failed" in one:
                rows.append((*head, one["failed"]))
                continue
            value, own = one["value"], rate[one["how"], one["threads"]]
            error = f" +- {number(value['standard_error'])}" if value["standard_error"] else ""
            rows.append((
                *head, str(value["sets"]) if value["sets"] else "sampled", number(value["wall_seconds"]),
                number(value["cpu_seconds"]), number(own / 1e6) if value["sets"] else "-",
                number(own / rate["numpy", 1]) if value["sets"] and ("numpy", 1) in rate else "-",
                f"{value['free_energy']:.4f}{error}" if math.isfinite(value["free_energy"]) else "-",
                number(one["peak_mib"]),
            ))  # fmt: skip
    return aligned(SUPPORTS_HEAD, rows)


def gpu_rows(records: Sequence[Record]) -> str:
    """Rows a second on a GPU by states in flight, and the compiled loops beside."""
    own = [one for one in records if one["what"] == "rows"]
    found = {(one["engine"], one["states"]): one["value"] for one in own if "value" in one}
    failed = {(one["engine"], one["states"]): one["failed"] for one in own if "failed" in one}
    rows: list[Row] = []
    for states in sorted({states for _, states in found}):
        rate = {name: found.get((name, states), {}).get("rows_a_second", math.nan) for name in ("cuda", "eager", "cpu")}
        share = found.get(("cuda", states), {}).get("share", math.nan)
        ratios = rate["cuda"] / rate["eager"], rate["cuda"] / rate["cpu"]
        rows.append((str(states), *(number(value) for value in (*rate.values(), share, *ratios))))
    for (engine, states), reason in sorted(failed.items()):
        if (engine, states) not in found:
            rows.append((str(states), f"{engine}: {reason}"))
    return aligned(GPU_ROWS_HEAD, rows)


def gpu_spectra(records: Sequence[Record]) -> str:
    """Seconds to free energies on a GPU, and of the compiled loops on two cores over them."""
    own = [one for one in records if one["what"] == "spectra"]
    found = {(one["size"], one["count"], one["device"]): one["value"] for one in own if "value" in one}
    rows: list[Row] = []
    for size in sorted({size for size, _, _ in found}):
        done = []
        for count in sorted({count for other, count, device in found if other == size and device == "cuda"}):
            value = found[size, count, "cuda"]
            cpu = found.get((size, count, "cpu"), {}).get("wall_seconds", math.nan)
            seconds, stated = value["wall_seconds"], value["standard_error"]
            done.append(seconds)
            rows.append(
                (
                    str(size), str(count), value["engine"], number(seconds), number(seconds / size),
                    number(cpu / seconds), number(float(np.sqrt(np.mean(np.square(stated))))),
                    f"{sum(value['reliable'])}/{size}", number(value["rows"] / seconds), f"{value['device_mib']:.0f}",
                )
            )  # fmt: skip
        rows.append((str(size), "all", f"of each K together: {number(sum(done))} s"))
    return aligned(GPU_SPECTRA_HEAD, rows)


def _of(records: Sequence[Record], contender: Contender, count: int) -> tuple[list[Record], list[str]]:
    """Results of a contender, one a seed, and reasons of failures that nothing has made good."""
    own = [one for one in records if (one["contender"], one["count"]) == (contender.name, count)]
    done = {one["seed"]: one for one in own if "value" in one}
    failed = [one for one in own if "failed" in one and one["seed"] not in done]
    seeds: dict[str, set[int]] = {}
    for one in failed:
        if one["seed"] is not None or not done:
            seeds.setdefault(one["failed"], set()).update([] if one["seed"] is None else [one["seed"]])
    words = [
        (f"seeds {', '.join(map(str, sorted(which)))}: " if which else "") + reason for reason, which in seeds.items()
    ]
    return list(done.values()), words


def _score_row(contender: Contender, count: int, own: Score, ours: Score | None) -> Row:
    """Cells of one contender."""
    cost = number(own.cost) + ("*" if own.biased else "")
    return (
        str(count),
        contender.title,
        str(own.runs),
        number(own.cpu_seconds),
        f"{own.bias:+.3f}" + (f"({own.bias_error:.3f})" if own.runs > 1 else ""),
        number(own.rmse),
        number(own.stated),
        cost,
        number(own.cost / ours.cost if ours else math.nan),
        number(own.cost_as_stated),
        number(own.cost_as_stated / ours.cost_as_stated if ours else math.nan),
        own.reliable,
        number(own.compile_seconds, 2),
        f"{own.peak_mib:.0f}",
        f"{own.imports_mib:.0f}",
    )


def _rates_row(rates: dict[tuple[str, int, int], dict[str, float]], states: int) -> Row:
    """Cells of one number of states."""

    def rate(engine: str, threads: int, word: str = "rows_a_second") -> float:
        return rates.get((engine, threads, states), {}).get(word, math.nan)

    each = [rate(engine, threads) for engine in ("eager", "cpu") for threads in (1, 2)]
    ratios = [rate("cpu", threads) / rate("eager", threads) for threads in (1, 2)]
    per_row = 1e9 / rate("cpu", 1, "rows_a_cpu_second")
    return (str(states), *(number(value) for value in each), *(number(value) for value in ratios), number(per_row))


def _many_row(count: int, batch: int, done: Sequence[Record]) -> Row:
    """Cells of one number of peaks."""
    first = min(done, key=lambda one: one["first"])
    spectra = sum(one["spectra"] for one in done)
    values = [one["value"] for one in done]
    cost = sum(value["cpu_seconds"] for value in values) / spectra
    wall = sum(value["wall_seconds"] for value in values) / spectra
    stated = [error for value in values for error in value["standard_error"]]
    reliable = [word for value in values for word in value["reliable"]]
    of_first = first["value"]["cpu_seconds"] / first["spectra"]
    # All batches go through one process, whose peak is that of the largest.
    peak = max(one["peak_mib"] for one in done)
    predicted = max(value.get("predicted_mib", math.nan) for value in values)
    return (
        str(count),
        str(batch),
        number(of_first),
        str(spectra),
        number(cost),
        number(cost / of_first),
        number(wall),
        number(float(np.sqrt(np.mean(np.square(stated))))),
        f"{sum(reliable)}/{len(reliable)}",
        number(values[0]["compile_seconds"], 2),
        f"{peak:.0f}",
        "-" if math.isnan(predicted) else f"{predicted:.0f}",
        number(predicted / peak, 2),
    )
