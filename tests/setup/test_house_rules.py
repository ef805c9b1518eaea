"""Rules of the house that no linter knows: sizes, nothing that runs a stranger's text, a core without files."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CORE = "crystals priors models noise targets sampling evidence integration sparse diffraction testsystems".split()
MOST_LINES_A_FILE = 300
MOST_LINES_A_FUNCTION = 60

# Calls that run or unpickle what they are given, wherever they appear.
NEVER = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "torch.load",
    "torch.save",
    "yaml.load",
    "yaml.unsafe_load",
    "os.system",
}
NEVER_MODULES = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}

# The numerical core is from arrays to arrays.
NOT_IN_CORE = {"open", "print", "input", "os.getenv", "logging.basicConfig", "torch.set_default_device"}
NOT_IN_CORE |= {"torch.set_default_dtype", "torch.manual_seed", "numpy.random.seed", "np.random.seed"}


def sources(root: Path, *parts: str) -> list[Path]:
    folders = [root / part for part in parts]
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


def dotted(node: ast.expr) -> str:
    """Name of what is called, as written: ``torch.load``."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    return ((node.lineno, dotted(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module.split(".")[0]


def dangerous(text: str) -> list[tuple[int, str]]:
    tree = ast.parse(text)
    found = [item for item in calls(tree) if item[1] in NEVER]
    return found + [item for item in imports(tree) if item[1] in NEVER_MODULES]


def impure(text: str) -> list[tuple[int, str]]:
    tree = ast.parse(text)
    found = [item for item in calls(tree) if item[1] in NOT_IN_CORE]
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return found + [(node.lineno, "os.environ") for node in attributes if dotted(node) == "os.environ"]


def places(root: Path, files: list[Path], find: Callable[[str], list[tuple[int, str]]]) -> list[str]:
    return [
        f"{file.relative_to(root)}:{line}: {word}" for file in files for line, word in find(file.read_text("utf-8"))
    ]


def test_nothing_runs_or_unpickles_what_it_reads(root: Path) -> None:
    assert places(root, sources(root, "workflow/bayesbeam", "scripts"), dangerous) == []


def test_core_has_no_files_environment_or_global_state(root: Path) -> None:
    assert places(root, sources(root, *(f"workflow/bayesbeam/{part}" for part in CORE)), impure) == []


@pytest.mark.parametrize(
    "text", ["eval('1')", "import pickle", "from pickle import loads", "torch.load(f)", "import yaml\nyaml.load(f, L)"]
)
def test_dangerous_code_is_found(text: str) -> None:
    assert dangerous(text)


@pytest.mark.parametrize("text", ["open('x')", "import os\nos.environ['A']", "torch.manual_seed(1)"])
def test_impure_code_is_found(text: str) -> None:
    assert impure(text)


def test_files_and_functions_stay_small(root: Path) -> None:
    long = []
    for file in sources(root, "workflow/bayesbeam", "scripts"):
        text = file.read_text("utf-8")
        if (lines := len(text.splitlines())) > MOST_LINES_A_FILE:
            long.append(f"{file.relative_to(root)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (lines := body_lines(node)) > MOST_LINES_A_FUNCTION:
                long.append(f"{file.relative_to(root)}: {node.name} has {lines} lines")
    assert long == []


def body_lines(node: ast.FunctionDef) -> int:
    """Lines of a function's body, its docstring not counted."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0
