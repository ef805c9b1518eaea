"""The conda environments name the versions of envs/constraints.txt, the tested path, and nothing else."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

# Where conda's name of a package is not the Python one.
CONDA_NAMES = {
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "matplotlib-base": "matplotlib",
    "snakemake-minimal": "snakemake",
}
KINDS = {"cpu": "pytorch-cpu", "cuda": "pytorch-gpu"}


def pins(root: Path) -> dict[str, str]:
    """Versions of constraints.txt by canonical name."""
    lines = (root / "envs/constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(root: Path, *extras: str) -> list[Requirement]:
    declared = project(root)
    words = declared["dependencies"] + [word for extra in extras for word in declared["optional-dependencies"][extra]]
    return [Requirement(word) for word in words]


def conda(root: Path, kind: str) -> dict[str, Any]:
    return yaml.safe_load((root / f"envs/{kind}.yaml").read_text(encoding="utf-8"))


def conda_pins(root: Path, kind: str) -> dict[str, str]:
    """Versions of a conda environment under their Python names, without Python itself and pip."""
    pairs = dict(line.split("=") for line in conda(root, kind)["dependencies"] if "=" in line)
    pairs.pop("python")
    return {CONDA_NAMES.get(name, name): version for name, version in pairs.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_conda_versions_equal_the_constraints(root: Path, kind: str) -> None:
    wanted = {canonicalize_name(item.name) for item in requirements(root, "workflow")}
    locked = pins(root)
    assert conda_pins(root, kind) == {name: locked[name] for name in wanted}


@pytest.mark.parametrize(("kind", "torch"), KINDS.items())
def test_conda_environment_has_its_own_torch_and_a_supported_python(root: Path, kind: str, torch: str) -> None:
    lines = conda(root, kind)["dependencies"]
    assert any(line.startswith(f"{torch}=") for line in lines)
    python = next(line.split("=")[1] for line in lines if line.startswith("python="))
    assert SpecifierSet(project(root)["requires-python"]).contains(python)


def test_constraints_meet_every_declared_requirement(root: Path) -> None:
    locked = pins(root)
    for item in requirements(root, "workflow", "dev"):
        assert item.specifier.contains(locked[canonicalize_name(item.name)]), item


def test_constraints_are_exact_and_hold_no_address(root: Path) -> None:
    text = (root / "envs/constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == sorted(lines, key=lambda line: line.split("==")[0].lower())
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line), f"{line}: no range, address or local suffix"
    assert "//" not in text


def test_library_alone_needs_torch_numpy_scipy(root: Path) -> None:
    assert {item.name for item in requirements(root)} == {"torch", "numpy", "scipy"}
    torch = next(item for item in requirements(root) if item.name == "torch")
    assert torch.specifier.contains("2.9.0")
    assert not torch.specifier.contains("2.8.0")


def test_declared_pythons(root: Path) -> None:
    words = project(root)["classifiers"]
    declared = [word.rsplit(" ", 1)[1] for word in words if word.startswith("Programming Language :: Python :: 3.")]
    assert sorted(declared, key=Version) == ["3.11", "3.12", "3.13"]
    assert all(SpecifierSet(project(root)["requires-python"]).contains(version) for version in declared)


def test_every_rule_names_its_environment(root: Path) -> None:
    """Each rule that runs a command names envs/cpu.yaml, so that `--sdm conda` works."""
    for file in sorted((root / "workflow/rules").glob("*.smk")):
        blocks = re.split(r"(?m)^(?=(?:rule|checkpoint) \w+:)", file.read_text(encoding="utf-8"))[1:]
        for block in blocks:
            if "shell:" in block:
                assert re.search(r'conda:\s*"\.\./\.\./envs/(cpu|cuda)\.yaml"', block), f"{file.name}: {block[:40]}"
