"""A user's own component file: its bytes, their hash, the component it declares, and the lines of its mistakes.

The file is Python and runs when it is loaded. Exactly the bytes that were hashed are run, and nothing is written
beside them, so a result knows which formula it was made with.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from bayesbeam.errors import ModelError, Problem
from bayesbeam.models.base import Component
from bayesbeam.models.check import component_faults
from bayesbeam.models.check_table import WORD, Fault

MAX_BYTES = 1 << 20
REQUIRED = ("name", "title", "parameters", "formula", "exchangeable")
OPTIONAL = (
    "derived", "order_by", "locations", "widths", "amplitude", "references", "reference_values", "tensors_only",
    "axis_unit",
)  # fmt: skip


@dataclass(frozen=True)
class OwnFile:
    """A component file: where it lies, and the sha256 of its bytes when it was read."""

    path: Path
    sha256: str


class ComponentError(ModelError):
    """Everything wrong with a component file, each fault with its line where that is known."""

    def __init__(self, path: Path, faults: Collection[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.problems(f"component file {path}"))))

    def problems(self, where: str) -> list[Problem]:
        """Return the faults as messages about a file that is called ``where``."""
        return [Problem(_place(where, fault), fault.found, fault.expected, fault.remedy) for fault in self.faults]


class _Loader(SourceFileLoader):
    """Runs the bytes it is given; no bytecode is read or written."""

    def __init__(self, path: Path, content: bytes) -> None:
        super().__init__(path.stem, str(path))
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the bytes."""
        code: CodeType = self.source_to_code(self._content, self.path)
        return code


def read_own_file(path: Path | str) -> OwnFile:
    """Name a component file by its content, without running it.

    Raises
    ------
    ComponentError
        If there is no Python file of moderate size.
    """
    return OwnFile(Path(path), hashlib.sha256(_content(Path(path))).hexdigest())


@cache
def own_component(file: OwnFile, taken: tuple[str, ...] = ()) -> Component:
    """Component of a user's own file, checked; made once a process.

    Parameters
    ----------
    file : OwnFile
    taken : tuple of str
        Names that it may not have.

    Raises
    ------
    ComponentError
        With every fault of the table, or the first one of each formula.
    ModelError
        If the file has changed since it was named.
    """
    content = _content(file.path)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        remedy = "Run again, and leave it alone meanwhile."
        raise ModelError.at(f"component file {file.path}", "changed while it was in use", "the same content", remedy)
    module = _run(file.path, content)
    missing = [word for word in REQUIRED if not hasattr(module, word)]
    if missing:
        remedy = "Declare them at the top level of the file; models/gaussian.py is an example."
        raise ComponentError(file.path, [Fault("", f"no {', '.join(missing)}", "them declared", remedy)])
    component = component_of(module)
    faults = [*_name_faults(component.name, taken)] or component_faults(component)
    if faults:
        raise ComponentError(file.path, with_lines(faults, content))
    return component


def with_lines(faults: Iterable[Fault], content: bytes) -> list[Fault]:
    """Faults of a file that can be run, each with the line where its thing is declared."""
    tree = ast.parse(content)
    return [fault if fault.line is not None else replace(fault, line=_line_of(tree, fault.thing)) for fault in faults]


def component_of(module: ModuleType) -> Component:
    """Component of a file that declares all that is required; lists are taken for tuples."""
    declared: dict[str, Any] = {}
    for word in (*REQUIRED, *OPTIONAL):
        if hasattr(module, word):
            value = getattr(module, word)
            declared[word] = tuple(value) if isinstance(value, list) else value
    return Component(**declared)


def declared_name(path: Path) -> str | None:
    """Name that a file gives its component, as far as its text tells; for a file that cannot be loaded."""
    try:
        text = path.read_bytes()[:MAX_BYTES].decode("utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^name\s*(?::\s*str\s*)?=\s*[\"']([^\"'\n]*)[\"']", text, flags=re.MULTILINE)
    return found[1] if found and WORD.fullmatch(found[1]) else None


def _content(path: Path) -> bytes:
    """Bytes of a component file."""
    expected = "a file *.py"
    try:
        if path.suffix != ".py" or not path.is_file():
            raise ComponentError(path, [Fault("", "no Python file", expected, "Check the path.")])
        if path.stat().st_size > MAX_BYTES:
            remedy = "A formula needs a few lines."
            raise ComponentError(path, [Fault("", f"more than {MAX_BYTES} bytes", "a component", remedy)])
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ComponentError(path, [Fault("", reason, expected, "Check its permissions.")]) from error


def _run(path: Path, content: bytes) -> ModuleType:
    """Module of a file, run once."""
    loader = _Loader(path, content)
    spec = importlib.util.spec_from_file_location(path.stem, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        found = f"{type(error).__name__}: {_text(error)}"
        fault = Fault("", found, "a file that can be imported", _advice(error), _line(error, path))
        raise ComponentError(path, [fault]) from error
    return module


def _text(error: BaseException) -> str:
    """Words of an error, without the place that a syntax error repeats."""
    return error.msg if isinstance(error, SyntaxError) else str(error)[:200]


def _advice(error: BaseException) -> str:
    """What to do about a file that cannot be run."""
    if isinstance(error, ModuleNotFoundError):
        return "A component file stands alone: import installed packages only, and copy in what lies in other files."
    return "Mend this line."


def _line(error: BaseException, path: Path) -> int | None:
    """Line of the file at which running it failed."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    line, trail = None, error.__traceback__
    while trail is not None:
        if trail.tb_frame.f_code.co_filename == str(path):
            line = trail.tb_lineno
        trail = trail.tb_next
    return line


def _name_faults(name: object, taken: tuple[str, ...]) -> list[Fault]:
    """Fault of a name that is none, or not free."""
    if isinstance(name, str) and WORD.fullmatch(name) and name not in taken:
        return []
    expected = "lower-case letters, digits and _, and a name not in use"
    return [Fault("name", f"the name {name!r}", expected, "Choose another name.")]


def _line_of(tree: ast.Module, thing: str) -> int | None:
    """Line of ``parameter step``, ``derived area`` or any other name of a file."""
    kind, _, name = thing.partition(" ")
    line = _line_of_row(tree, kind.capitalize(), name) if name else None
    return line or _line_of_name(tree, {"parameter": "parameters"}.get(kind, kind).partition("[")[0])


def _line_of_row(tree: ast.Module, kind: str, name: str) -> int | None:
    """Line of ``Parameter("name", ...)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == kind:
            first = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "name")]
            if any(isinstance(value, ast.Constant) and value.value == name for value in first):
                return node.lineno
    return None


def _line_of_name(tree: ast.Module, name: str) -> int | None:
    """Line at which a name is given its value at the top level of a file."""
    line = None
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        if name in names or getattr(node, "name", None) == name:
            line = node.lineno
    return line


def _place(where: str, fault: Fault) -> str:
    """File, line and thing of a fault."""
    line = f" line {fault.line}" if fault.line is not None else ""
    return f"{where}{line}: {fault.thing}" if fault.thing else f"{where}{line}"
