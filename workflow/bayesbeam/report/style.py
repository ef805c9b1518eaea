"""How figures look: sizes of a journal column, colours that colour-blind readers tell apart, text kept as text.

Every colour has one meaning and one code, so that the page can exchange it in dark mode (``svg.inline``).
Component colours: Okabe and Ito, Color Universal Design, jfly.uni-koeln.de/color (2008).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike

from bayesbeam.report.text import clean, plain, raised

WIDTH = 7.2  # inches: two columns of a journal, 183 mm
INK, MUTED, GRID, PAPER = "#1a1d21", "#5f6b76", "#e3e7eb", "#ffffff"
BAND95, BAND68, POINTS, PRIOR = "#dde3ea", "#b7c3d0", "#6a7682", "#cfd5dc"
GOOD, BAD = "#00735d", "#b2380e"
COMPONENTS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MAX_VECTOR_POINTS = 20_000
_LETTER = 4.4  # points that a letter of a title takes, about

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.facecolor": "none",
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.1,
    "lines.solid_capstyle": "round",
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 6),
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "bayesbeam",
    "pdf.fonttype": 42,
    "path.simplify_threshold": 0.05,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Figures made inside look like ours; settings of the reader's matplotlib are ignored and restored."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)  # type: ignore[arg-type]
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Empty figure of a size in inches, bound to no window system."""
    return Figure(figsize=(width, height))


def component_colour(place: int) -> str:
    """Colour of a component by its place."""
    return COMPONENTS[place % len(COMPONENTS)]


def component_line(place: int) -> str:
    """Line style of a component by its place: changes where the colours begin again."""
    return ("-", (0, (4, 1.5)), (0, (1, 1)))[place // len(COMPONENTS) % 3]  # type: ignore[return-value]


def dots(
    axes: Axes, x: ArrayLike, y: ArrayLike, size: float = 2.6, colour: str = POINTS, most: int = MAX_VECTOR_POINTS
) -> None:
    """Points as one path of round dots: a tenth of the bytes of one mark a point; an image where there are more."""
    outline = _strokes(x, y, x, y)
    patch = PathPatch(outline, fill=False, edgecolor=colour, lw=size, capstyle="round", zorder=3)
    patch.set_rasterized(len(np.asarray(x)) > most)
    axes.add_patch(patch)


def bars(
    axes: Axes, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str = POINTS, width: float = 0.5,
    most: int = MAX_VECTOR_POINTS,
) -> None:  # fmt: skip
    """Vertical bars as one path; an image where there are more."""
    patch = PathPatch(_strokes(x, low, x, high), fill=False, edgecolor=colour, lw=width, zorder=2)
    patch.set_rasterized(len(np.asarray(x)) > most)
    axes.add_patch(patch)


def limits(axes: Axes, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
    """Limits of axes, from small to large; a single value gets room around it."""
    for setter, pair in ((axes.set_xlim, x), (axes.set_ylim, y)):
        if pair is not None:
            low, high = pair
            pad = 0.0 if high > low else max(abs(low), 1.0) * 0.1
            setter(low - pad, high + pad)


def quiet_grid(axes: Axes, which: str = "y") -> None:
    """Faint guide lines behind the data."""
    axes.grid(True, axis=which, color=GRID, lw=0.6, zorder=0)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def panel_title(axes: Axes, words: str) -> None:
    """Short title at the left above a panel."""
    axes.set_title(words, loc="left", color=MUTED, pad=4)


def panel_head(axes: Axes, name: str, unit: str, side: str = "y") -> None:
    """Title with the unit; where a panel is too narrow for both, the unit goes to the axis x or y instead."""
    room = int(72 * axes.get_position().width * axes.get_figure(root=True).get_figwidth() / _LETTER)  # type: ignore[union-attr]
    whole = f"{name} ({unit})" if unit else name
    panel_title(axes, whole if len(whole) <= room else clean(name, room))
    if unit and len(whole) > room:
        (axes.set_ylabel if side == "y" else axes.set_xlabel)(unit)


def power_ticks(axes: Axes, which: str) -> None:
    """Log ticks written as raised powers (matplotlib's own need the mathematics we keep off)."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: raised(round(np.log10(value))) if value > 0 else "0"))
    axis.set_minor_formatter(NullFormatter())


def log_ticks(axes: Axes) -> None:
    """Ticks of a logarithmic y axis, at least two of them with a number, however short the axis is."""
    low, high = axes.get_ylim()
    if high >= 100.0 * low:
        power_ticks(axes, "y")
        return
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for steps in ((1, 2, 5), range(1, 10)):
        ticks = np.sort(np.outer(decades, steps).ravel())
        inside = ticks[(ticks >= low) & (ticks <= high)]
        if inside.size >= 2:
            break
    else:
        inside = np.array([one for one in MaxNLocator(3).tick_values(low, high) if low <= one <= high])
    axes.set_yticks(inside, [plain(float(one), 3) for one in inside])
    axes.set_yticks([], minor=True)


def _strokes(x0: ArrayLike, y0: ArrayLike, x1: ArrayLike, y1: ArrayLike) -> Outline:
    """Separate strokes as one path that is never simplified."""
    starts = np.column_stack([np.asarray(x0, dtype=float), np.asarray(y0, dtype=float)])
    ends = np.column_stack([np.asarray(x1, dtype=float), np.asarray(y1, dtype=float)])
    vertices = np.stack([starts, ends], axis=1).reshape(-1, 2)
    vertices = vertices[np.repeat(np.isfinite(vertices).reshape(-1, 4).all(1), 2)]
    codes = np.tile([Outline.MOVETO, Outline.LINETO], len(vertices) // 2)
    outline = Outline(vertices, codes.astype(Outline.code_type))
    outline.should_simplify = False
    return outline
