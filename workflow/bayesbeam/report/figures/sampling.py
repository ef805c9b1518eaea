"""Whether a run can be believed: exchange along the ladder, barrier, traces, estimators side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayesbeam.report import style
from bayesbeam.report.curves import Run
from bayesbeam.report.records import Candidate
from bayesbeam.report.text import clean, known

_CHAINS, _SHOWN = 4, 300
_ESTIMATORS = {
    "stepping_stone_forward": "forward",
    "stepping_stone_backward": "backward",
    "bar": "BAR",
    "smc": "SMC",
    "bridge": "bridge",
}


def sampling_figure(run: Run, candidate: Candidate) -> Figure:
    """Four panels: exchange rates, cumulative barrier, traces at beta = 1, estimators of F."""
    figure = style.new_figure(2.05)
    places = ((0.05, 0.16), (0.265, 0.165), (0.505, 0.22), (0.825, 0.155))
    rates, barrier, traces, estimators = (figure.add_axes((left, 0.235, wide, 0.635)) for left, wide in places)
    _draw_rates(rates, run)
    _draw_barrier(barrier, run)
    _draw_traces(traces, run)
    _draw_estimators(estimators, candidate)
    return figure


def _draw_rates(axes: Axes, run: Run) -> None:
    """Exchange rate of every neighbouring pair."""
    pairs = np.arange(1, run.exchange_rate.size + 1)
    style.quiet_grid(axes)
    axes.plot(pairs, run.exchange_rate, color=style.COMPONENTS[0], marker="o", markersize=3, lw=0.9)
    axes.set_ylim(0, 1)
    axes.set_xlabel("pair of replicas")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    style.panel_title(axes, "exchange rate")


def _draw_barrier(axes: Axes, run: Run) -> None:
    """Cumulative barrier against the inverse temperature, without the prior's own rung."""
    rejection = np.concatenate([[0.0], np.cumsum(1.0 - run.exchange_rate)])
    inner = run.beta > 0
    style.quiet_grid(axes)
    axes.plot(run.beta[inner], rejection[: run.beta.size][inner], color=style.COMPONENTS[0], lw=1.2, marker=".")
    axes.set_xscale("log")
    style.power_ticks(axes, "x")
    decades = int(np.ceil(-np.log10(run.beta[inner].min()))) if inner.any() else 1
    axes.set_xticks([10.0**-power for power in range(0, decades + 1, max(1, decades // 3))])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("inverse temperature β")
    style.panel_title(axes, "cumulative barrier Λ")


def _draw_traces(axes: Axes, run: Run) -> None:
    """Log-likelihood of a few chains at beta = 1."""
    length = run.trace.shape[-1] if run.trace.ndim == 2 else 0
    step = max(1, -(-length // _SHOWN))
    for chain, values in enumerate(run.trace[:_CHAINS]):
        colour = style.component_colour(chain)
        axes.plot(np.arange(0, length, step), values[::step], color=colour, lw=0.55, alpha=0.85)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("stored draw")
    style.panel_title(axes, "log-likelihood at β = 1")


def _draw_estimators(axes: Axes, candidate: Candidate) -> None:
    """Free energy by every estimator with its error, relative to the reported one."""
    rows = _estimates(candidate)
    base = candidate.free_energy or 0.0
    style.quiet_grid(axes, "x")
    if known(candidate.standard_error):
        reach = 2 * float(candidate.standard_error or 0.0)
        axes.axvspan(-reach, reach, color=style.BAND95, lw=0, zorder=0)
    axes.axvline(0, color=style.MUTED, lw=0.6)
    for place, (_, value, error) in enumerate(rows):
        axes.errorbar(value - base, place, xerr=error, color=style.INK, marker="o", markersize=3.5, lw=1, capsize=2)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.set_xlabel("F \u2212 reported (nats)")
    style.panel_title(axes, "estimators of F")


def _estimates(candidate: Candidate) -> list[tuple[str, float, float | None]]:
    """Name, value and standard error of every estimator that gave a number."""
    rows: list[tuple[str, float, float | None]] = []
    for name, one in candidate.estimators.items():
        value = one.get("value") if isinstance(one, Mapping) else None
        if value is not None and known(value):
            error = one.get("standard_error")
            rows.append((clean(_ESTIMATORS.get(name, name), 12), value, error if known(error) else None))
    return rows
