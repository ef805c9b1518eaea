"""Figures drawn by several processes are those of one, also where a helper fails or its caller dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bayesbeam.report import drawing
from bayesbeam.stages import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture

COMMAND = "make run CAMPAIGN=made_up"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_fixture.write_results(tmp_path_factory.mktemp("drawn") / "results")


@pytest.fixture(scope="module")
def alone(results: Path) -> dict[str, bytes]:
    return drawn(results, results / "alone", 1)


def drawn(results: Path, out: Path, processes: int) -> dict[str, bytes]:
    report.report_from_files(report_fixture.facts(), results, out, COMMAND, processes)
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_helpers_draw_the_same_bytes(results: Path, alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    popen = subprocess.Popen

    def start(words: list[str], **more: int) -> subprocess.Popen[bytes]:
        started.append(words)
        return popen(words, **more)

    monkeypatch.setattr(drawing.subprocess, "Popen", start)
    assert drawn(results, results / "together", 3) == alone
    assert len(started) == 2
    assert sum(name.endswith(".svg") for name in alone) > 10


def test_what_a_helper_does_not_do_is_done(
    results: Path, alone: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed, as for lack of memory."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nkill -9 $$\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert drawn(results, results / "killed", 2) == alone


def test_a_helper_ends_when_its_caller_does(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.write_bytes(b"no work")
    words = [sys.executable, "-c", "import sys, time\nfrom bayesbeam.report import drawing\n"
             "drawing.pickle.loads = lambda content: time.sleep(60)\n"
             "drawing._help(drawing.Path(sys.argv[1]))", str(work)]  # fmt: skip
    helper = subprocess.Popen(words, stdin=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        helper.wait(3.0)
    assert helper.stdin is not None
    helper.stdin.close()
    assert helper.wait(20.0) == 1
