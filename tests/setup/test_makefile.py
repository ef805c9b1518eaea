"""The Makefile as a newcomer meets it, and .ci/run as a build machine does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")

STAND_IN = """#!/bin/sh
for word in "$@"; do printf '<%s>' "$word"; done
"""


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    clean = {name: value for name, value in clean.items() if name not in {"CAMPAIGN", "CORES", "TESTS"}}
    command = ["make", "-C", str(folder), "--no-print-directory", *words]
    return subprocess.run(command, env=clean, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """A copy of the Makefile whose set-up does nothing and whose Python says how it was called."""
    folder = tmp_path / "beam time März"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts/setup.sh").write_text("exit 0\n", encoding="utf-8")
    (folder / ".venv/bin").mkdir(parents=True)
    python = folder / ".venv/bin/python"
    python.write_text(STAND_IN, encoding="utf-8")
    python.chmod(0o755)
    shutil.copy(root / "Makefile", folder)
    return folder


def test_make_alone_explains_and_installs_nothing(folder: Path) -> None:
    (folder / "scripts/setup.sh").write_text("exit 1\n", encoding="utf-8")
    said = make(folder)
    assert said.returncode == 0
    assert said.stdout == make(folder, "help").stdout
    for target in ("run", "figures", "test", "check", "nightly", "test-gpu"):
        assert f"make {target} " in said.stdout


def test_run_takes_the_default_campaign(folder: Path) -> None:
    assert make(folder, "run").stdout == "<-m><bayesbeam.cli><run><first_look><--cores><all><--profile><local>"


@pytest.mark.parametrize("campaign", ["nagata2012", "/data/my runs/März", "it's; rm -r", 'a"b'])
def test_campaign_reaches_the_command_as_it_is(folder: Path, campaign: str) -> None:
    said = make(folder, "run", f"CAMPAIGN={campaign}", "CORES=3")
    assert said.stdout == f"<-m><bayesbeam.cli><run><{campaign}><--cores><3><--profile><local>"


def test_figures_are_those_of_a_campaign(folder: Path) -> None:
    said = make(folder, "figures", "CAMPAIGN=nagata2012", "CORES=2")
    assert said.stdout == "<-m><bayesbeam.cli><figures><nagata2012><--cores><2><--profile><local>"


def test_jobs_run_where_the_profile_says(folder: Path) -> None:
    said = make(folder, "run", "PROFILE=slurm", "CORES=1")
    assert said.stdout == "<-m><bayesbeam.cli><run><first_look><--cores><1><--profile><slurm>"


@pytest.mark.parametrize("target", ["run", "figures", "test", "check", "nightly", "test-gpu"])
def test_nothing_runs_when_the_set_up_failed(folder: Path, target: str) -> None:
    (folder / "scripts/setup.sh").write_text("echo 'set-up: no'; exit 2\n", encoding="utf-8")
    said = make(folder, target)
    assert said.returncode != 0
    assert said.stdout == "set-up: no\n"


def test_check_runs_every_tool_and_stops_at_the_first_that_fails(folder: Path) -> None:
    drawn = folder / "config/campaigns/one/figures.py"
    drawn.parent.mkdir(parents=True)
    drawn.touch()
    said = make(folder, "check").stdout
    assert "<mypy><--no-warn-unused-configs><config/campaigns/one/figures.py>" in said
    for word in ("<ruff><check>", "<ruff><format>", "<snakefmt>", "<mypy>", "importlinter", "<--lint>", "generate"):
        assert word in said
    (folder / ".venv/bin/python").write_text('#!/bin/sh\ncase "$*" in *mypy*) exit 1 ;; esac\n', encoding="utf-8")
    failed = make(folder, "check")
    assert failed.returncode != 0
    assert "types" in failed.stdout
    assert "rules" not in failed.stdout
    (folder / ".venv/bin/python").write_text(
        '#!/bin/sh\ncase "$*" in *one/figures*) exit 1 ;; esac\n', encoding="utf-8"
    )
    failed = make(folder, "check")
    assert failed.returncode != 0
    assert "rules" not in failed.stdout


def test_tools_are_called_as_modules(root: Path) -> None:
    """The first line of an installed script holds an absolute path, which may not contain a space."""
    for name in ("Makefile", ".pre-commit-config.yaml", ".ci/run"):
        used = re.findall(r"\.venv/bin/(\S+)", (root / name).read_text(encoding="utf-8"))
        assert set(used) <= {"python", "python`", "python."}, name
    assert "$(CURDIR)" not in (root / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize(("tests", "checks"), [(0, 0), (1, 0), (0, 1)])
def test_ci_fails_when_tests_or_checks_fail(tmp_path: Path, root: Path, tests: int, checks: int) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(root / ".ci/run", tmp_path / ".ci/run")
    (tmp_path / "Makefile").write_text(
        f"test:\n\t@echo '== 7 passed in 1 s =='; exit {tests}\ncheck:\n\t@exit {checks}\n", encoding="utf-8"
    )
    said = subprocess.run([str(tmp_path / ".ci/run")], capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode == 0) == (tests == checks == 0)
    assert "7 passed" in said.stdout
