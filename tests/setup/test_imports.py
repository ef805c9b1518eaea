"""The library part stands alone, and the sources are those of every declared Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CORE = "priors models noise targets sampling evidence integration testsystems".split()

# What the `workflow` extra brings: refused here as if it were not installed.
BLOCKED = "snakemake pydantic yaml jinja2 matplotlib pandas h5py xarray h5netcdf pint psutil".split()

ALONE = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed", name=name)

sys.meta_path.insert(0, Absent())
for part in {core!r}:
    package = importlib.import_module("bayesbeam." + part)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
"""


def run_python(code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


def test_core_imports_without_the_workflow_packages() -> None:
    result = run_python(ALONE.format(blocked=BLOCKED, core=CORE), "-W", "error")
    assert result.returncode == 0, result.stderr


def test_blocking_works() -> None:
    result = run_python(ALONE.format(blocked=BLOCKED, core=["config"]))
    assert "is not installed" in result.stderr


def works(python: str) -> bool:
    try:
        done = subprocess.run([python, "-c", "pass"], capture_output=True, timeout=20, check=False)
    except OSError:
        return False
    return done.returncode == 0


def interpreter(version: str) -> str | None:
    """Path of a Python of this version that runs: on the PATH, or among pyenv's."""
    homes = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(map(str, homes.glob(f"{version}.*/bin/python")))]
    return next((found for found in candidates if found and works(found)), None)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_sources_compile_without_warning(version: str, root: Path, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    folders = [str(root / name) for name in ("workflow", "scripts", "tests")]
    code = (
        "import compileall, pathlib, sys; sys.pycache_prefix = sys.argv[1]\n"
        "sys.exit(not all(compileall.compile_dir(p, quiet=1, force=True) for p in sys.argv[2:]))"
    )
    result = subprocess.run(
        [python, "-W", "error", "-c", code, str(tmp_path), *folders],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
