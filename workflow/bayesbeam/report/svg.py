"""Figures as bytes: SVG and PDF for paper, and an SVG that can stand beside others in one page.

Decides names of elements, colours that follow light and dark, and that equal figures give equal bytes.
"""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ElementTree

from matplotlib.figure import Figure

from bayesbeam.report import style
from bayesbeam.report.text import clean

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_SPACES, _CURVED = re.compile(r" {2,}"), re.compile(r"[CQ]")
# Of a dot: a stroke without a length.
_DOT = re.compile(r"M (\S+ \S+) \1(?= M|$| *$)")
_LETTERS, _ZERO = re.compile(r"[A-Za-z]"), re.compile(r"^(-?)0\.")
_FONT = re.compile(r"'?DejaVu Sans'?(?:, ?[^;:\"]+)?")
_NAMES = {
    style.INK: "ink",
    style.MUTED: "muted",
    style.GRID: "grid",
    style.PAPER: "paper",
    style.BAND95: "band95",
    style.BAND68: "band68",
    style.POINTS: "points",
    style.PRIOR: "prior",
    style.GOOD: "good",
    style.BAD: "bad",
} | {colour: f"c{place}" for place, colour in enumerate(style.COMPONENTS)}
_COLOUR = re.compile("|".join(_NAMES))


def svg_bytes(figure: Figure, title: str) -> bytes:
    """Figure as SVG with its text as text and no date."""
    metadata = {"Title": clean(title), "Date": None, "Creator": None}
    return _saved(figure, "svg", metadata)


def pdf_bytes(figure: Figure, title: str) -> bytes:
    """Figure as PDF with its fonts inside and no date."""
    printable = clean(title).encode("latin-1", "replace").decode("latin-1")
    return _saved(figure, "pdf", {"Title": printable, "CreationDate": None, "Creator": None, "Producer": None})


def inline(svg: bytes, prefix: str, title: str) -> str:
    """SVG for a page: no name that another figure has, colours by variable, described for screen readers.

    Parameters
    ----------
    svg : bytes
        What ``svg_bytes`` gave.
    prefix : str
        Letters, digits and hyphens, different for every figure of the page.
    title : str
        What the figure shows, in words.
    """
    _register()
    root = ElementTree.fromstring(svg)
    for child in list(root):
        if child.tag == f"{{{_SVG}}}metadata":
            root.remove(child)
    used = _references(root)
    for element in root.iter():
        _rename(element, prefix, used)
        if "style" in element.attrib:
            element.set("style", _coloured(element.attrib["style"]))
        if "d" in element.attrib:
            element.set("d", _short(element.attrib["d"]))
    _describe(root, title)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _saved(figure: Figure, kind: str, metadata: dict[str, str | None]) -> bytes:
    """Bytes of a figure; letters that the font lacks are no reason to warn."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*missing.*")
        figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def _register() -> None:
    """Plain names for the two namespaces."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)


def _references(root: ElementTree.Element) -> set[str]:
    """Names that something in the figure refers to."""
    used: set[str] = set()
    for element in root.iter():
        used.update(value[1:] for key, value in element.attrib.items() if key.endswith("href") and value[:1] == "#")
        for value in element.attrib.values():
            used.update(_REFERENCE.findall(value))
    return used


def _rename(element: ElementTree.Element, prefix: str, used: set[str]) -> None:
    """Give a name that is used the prefix, drop one that is not, and follow in the references."""
    name = element.attrib.pop("id", None)
    if name in used:
        element.set("id", f"{prefix}-{name}")
    for key, value in list(element.attrib.items()):
        if key.endswith("href") and value.startswith("#"):
            del element.attrib[key]
            element.set("href", f"#{prefix}-{value[1:]}")
        elif "url(#" in value:
            element.set(key, _REFERENCE.sub(lambda found: f"url(#{prefix}-{found[1]})", value))


def _short(value: str) -> str:
    """Outline with coordinates to a twentieth of a point; a row of L without its repeated letter, in steps."""
    rounded = _NUMBER.sub(lambda found: f"{round(20 * float(found[0])) / 20:g}", value)
    tight = _SPACES.sub(" ", rounded.replace("\n", " "))
    return tight if _CURVED.search(tight) else _in_steps(_DOT.sub(r"M \1 h0", tight.replace(" L ", " ")))


def _in_steps(value: str) -> str:
    """The same outline of straight lines from point to point, each by how far it is from the last one: a third less.

    Steps are whole twentieths, so that none is rounded.
    """
    words = value.split()
    if not words or not set(_LETTERS.findall(value)) <= {"M", "h", "z"}:
        return value
    made, at, begun, place = "", (0, 0), (0, 0), 0
    while place < len(words):
        word = words[place]
        if word in ("M", "z", "h0"):
            made += {"M": "m", "z": "z", "h0": "h0"}[word]
            is_begin = word == "M"
            at = begun if word == "z" else at
            place += 1
            if not is_begin:
                continue
        else:
            is_begin = False
        point = round(20 * float(words[place])), round(20 * float(words[place + 1]))
        for step in (point[0] - at[0], point[1] - at[1]):
            text = _ZERO.sub(r"\1.", f"{step / 20:g}")
            made += text if made[-1] in "mhz" or text[0] == "-" else f" {text}"
        at, begun, place = point, point if is_begin else begun, place + 2
    return made


def _coloured(value: str) -> str:
    """Style with colours and font by variable."""
    named = _COLOUR.sub(lambda found: f"var(--fig-{_NAMES[found[0]]})", value)
    return _FONT.sub("var(--sans)", named)


def _describe(root: ElementTree.Element, title: str) -> None:
    """Size by the page, and a description in words."""
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", clean(title))
    root.set("preserveAspectRatio", "xMidYMid meet")
    for child in root:
        if child.tag == f"{{{_SVG}}}defs":
            for sheet in child.findall(f"{{{_SVG}}}style"):
                child.remove(sheet)
