"""Campaign YAML to plain values with the line of every key.

Decides what YAML a campaign may hold: plain values only, no tags, no duplicate keys, bounded size, depth and aliases.
Plain words follow YAML 1.2 (``no`` and ``2024-01-01`` stay words, ``1e-3`` is a number). It knows no key of a campaign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from bayesbeam.errors import Problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 100_000
KeyPath = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN"), float("nan")),
}


@dataclass(frozen=True)
class YamlText:
    """Values of a YAML file, the line of every key path, and what is wrong with the text itself."""

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, path: KeyPath) -> int | None:
        """Line (from 1) of a key, or of the nearest enclosing key that has one."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


class _TextError(Exception):
    """YAML that is well formed and still not accepted; carries line and the three parts."""

    def __init__(self, line: int, found: str, expected: str, remedy: str) -> None:
        self.line, self.found, self.expected, self.remedy = line, found, expected, remedy
        super().__init__(found)


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):  # type: ignore[misc]
    """Composer of YAML nodes without any constructor, with a limit on depth."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose one node, at most ``MAX_DEPTH`` deep."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            line = self.peek_event().start_mark.line + 1
            raise _TextError(line, f"more than {MAX_DEPTH} levels inside one another", "a flat campaign", "")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def read_yaml(path: Path, shown: str) -> YamlText:
    """Return values, lines and problems of a YAML file; never raises for what the file holds.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        How messages call it.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return _refused(
                Problem(shown, f"{size} bytes", f"at most {MAX_BYTES} bytes", "Put lists of measurements in the sheet.")
            )
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _refused(
            Problem(shown, f"a byte at position {error.start} that is not UTF-8", "UTF-8 text", "Save it as UTF-8.")
        )
    except OSError as error:
        return _refused(Problem(shown, error.strerror or "an unreadable file", "a readable file", "Check the path."))
    return parse_yaml(text, shown)


def parse_yaml(text: str, shown: str) -> YamlText:
    """Return values, lines and problems of YAML text.

    Parameters
    ----------
    text : str
        The text, decoded.
    shown : str
        How messages call the file.
    """
    try:
        node = _Loader(text).get_single_node()
        if node is None:
            return _refused(Problem(shown, "an empty file", "a campaign", "Start from a shipped one."))
        walk = _Walk()
        value = walk.value(node, ())
    except _TextError as error:
        return _refused(Problem(f"{shown} line {error.line}", error.found, error.expected, error.remedy))
    except yaml.YAMLError as error:
        return _refused(_syntax_problem(error, text, shown))
    problems = tuple(Problem(f"{shown} line {e.line}", e.found, e.expected, e.remedy) for e in walk.errors)
    return YamlText(value, walk.lines, problems)


class _Walk:
    """One pass over composed nodes that builds values and remembers lines."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.errors: list[_TextError] = []
        self._values = 0

    def value(self, node: Any, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self._values += 1
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            raise _TextError(line, "aliases (*name) that multiply without end", "few aliases", "Write the values out.")
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.split(":")[-1] not in ("str", "seq", "map"):
            raise _TextError(line, f"the YAML tag {_shown_tag(node.tag)}", "plain values", "Remove the tag.")
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return node.value if node.style is not None else plain(node.value)

    def _pairs(self, node: Any, path: KeyPath) -> Iterator[tuple[str, Any]]:
        first: dict[str, int] = {}
        for key_node, value_node in _rejoined(node) if node.flow_style else node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise _TextError(line, "a list or mapping as a key", "a word as a key", "Put quotes around the key.")
            key = key_node.value
            if key in first:
                found = f"the key {key!r} a second time (first on line {first[key]})"
                self.errors.append(_TextError(line, found, "every key once", "Remove or rename one of them."))
                continue
            first[key] = line
            self.lines[(*path, key)] = line
            yield key, self.value(value_node, (*path, key))


def _rejoined(node: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of a mapping in braces, with ``prior(a, b)`` that YAML split at its commas put together again."""
    pairs = list(node.value)
    while pairs:
        key, value = pairs.pop(0)
        while pairs and _open_brackets(value) > 0 and _is_loose(*pairs[0]):
            more = pairs.pop(0)[0]
            text = f"{value.value}, {more.value}"
            value = yaml.ScalarNode(value.tag, text, value.start_mark, more.end_mark, style=value.style)
        yield key, value


def _open_brackets(node: Any) -> int:
    """Brackets opened and not closed in an unquoted word."""
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return 0
    return int(node.value.count("(") - node.value.count(")"))


def _is_loose(key: Any, value: Any) -> bool:
    """Whether a pair is one unquoted word without a value, as it is left over from a split."""
    bare = [isinstance(node, yaml.ScalarNode) and node.style is None for node in (key, value)]
    return all(bare) and value.value == ""


def plain(text: str) -> Any:
    """Value of an unquoted YAML word: null, true, false, a whole number, a number, or the word itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if len(text) <= 64 and _NUMBER.fullmatch(text):
        return float(text)
    return text


def _shown_tag(tag: str) -> str:
    short = tag.removeprefix("tag:yaml.org,2002:")
    return f"!!{short[:60]}" if short != tag else tag[:60]


def _syntax_problem(error: yaml.YAMLError, text: str, shown: str) -> Problem:
    """Three parts for text that is not YAML."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Problem(shown, "a character that text files do not hold", "UTF-8 text", "Save it again as plain text.")
    line_number = mark.line + 1
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    where = f"{shown} line {line_number}"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Problem(where, "a tab at the start of the line", "spaces", "Replace each tab by two spaces.")
    what = str(getattr(error, "problem", None) or "text that is not YAML")
    context = getattr(error, "context", None)
    if "mapping values are not allowed" in what:
        remedy = "Check that keys of one section start in the same column, and put quotes around text with ': ' in it."
        return Problem(where, f"a ':' where none may stand in {line.strip()[:60]!r}", "key: value lines", remedy)
    if "another document" in what:
        return Problem(where, "a second document after ---", "one campaign a file", "Put it into a file of its own.")
    if "undefined alias" in what:
        remedy = "A word that starts with '*', such as a pattern, needs quotes: \"*\"."
        return Problem(where, f"an alias without its anchor in {line.strip()[:60]!r}", "a plain value", remedy)
    found = f"{what.replace(chr(9), 'tab')}" + (f" ({context})" if context else "")
    remedy = "Check indentation, brackets and quotes on this line and the one above."
    return Problem(where, found, "YAML", remedy)


def _refused(problem: Problem) -> YamlText:
    return YamlText(problems=(problem,))
