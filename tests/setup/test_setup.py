"""The set-up by scripts/setup.sh: what it does, when it does nothing, and what it says when it cannot go on.

Most tests put stand-ins for Python and pip on an otherwise bare PATH, so that no package is installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOOLS = """
sh awk sed grep tee date dirname mkdir rm cat cksum tr df du cut tail flock sleep env cp chmod touch locale
""".split()

# Answers to the questions setup.sh asks a Python; FAKE_PIP holds what its pip does.
STUB = """#!/bin/sh
case "$*" in
*"(3, 11))"*) exit {old} ;;
*">= (3, 14)"*) exit {new} ;;
*ensurepip*) exit {bare} ;;
*python_version*) echo {version} ;;
*"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo venv >>calls ;;
*"-m pip --version"*) exit 0 ;;
*"-m pip install"*) echo "pip $*" >>calls; eval "$FAKE_PIP" ;;
esac
"""


@dataclass
class Place:
    """A bare copy of the repository and a PATH on which there is only what a test puts there."""

    folder: Path
    path: Path
    variables: dict[str, str] = field(default_factory=dict)

    def tool(self, name: str, text: str) -> None:
        """Put an executable script on the PATH."""
        file = self.path / name
        file.unlink(missing_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def python(self, name: str = "python3", version: str = "3.12.4", old: int = 0, new: int = 0, bare: int = 0) -> None:
        """Put a stand-in for Python on the PATH."""
        self.tool(name, STUB.format(version=version, old=old, new=new, bare=bare))

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.path), "HOME": str(self.path), "FAKE_PIP": "exit 0", **self.variables}

    def setup(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the set-up and return what it said."""
        command = ["sh", str(self.folder / "scripts" / "setup.sh")]
        return subprocess.run(
            command, env=self.environment | variables, capture_output=True, text=True, timeout=60, check=False
        )

    @property
    def calls(self) -> list[str]:
        """What the stand-ins were asked to do."""
        file = self.folder / "calls"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def stamps(self) -> list[Path]:
        return list((self.folder / ".venv").glob(".installed-*"))


@pytest.fixture
def place(tmp_path: Path, root: Path) -> Place:
    """Folder with a space and an umlaut in its name, without any Python on the PATH."""
    folder = tmp_path / "beam time März"
    for file in ("scripts/setup.sh", "pyproject.toml", "envs/constraints.txt"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / file, folder / file)
    path = tmp_path / "bin"
    path.mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (path / tool).symlink_to(found)
    return Place(folder, path)


def refused(result: subprocess.CompletedProcess[str], *words: str) -> str:
    """Check that a set-up stopped with one clear line holding these words, and return the line."""
    assert result.returncode == 2, result.stderr + result.stdout
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert lines[0].startswith("set-up: ")
    assert "; expected " in lines[0]
    for word in words:
        assert word in lines[0]
    return lines[0]


def test_first_call_installs_pinned_and_shows_steps(place: Place) -> None:
    place.python()
    result = place.setup()
    assert result.returncode == 0, result.stderr
    assert [line.split()[1] for line in result.stdout.splitlines()[:4]] == ["1/4", "2/4", "3/4", "4/4"]
    assert result.stderr == ""
    pip = [call for call in place.calls if call.startswith("pip")]
    assert all("--constraint envs/constraints.txt" in call for call in pip)
    assert pip[-1].endswith("--no-build-isolation --editable .[workflow,slurm,dev]")
    assert len(place.stamps) == 1


def test_a_folder_of_wheels_is_asked_and_no_index(place: Place) -> None:
    place.python()
    (place.folder / "wheel house").mkdir()
    refused(place.setup(WHEELHOUSE="wheel house"), "WHEELHOUSE=wheel house holds no wheels")
    assert place.calls == []
    (place.folder / "wheel house" / "x-1-py3-none-any.whl").touch()
    assert place.setup(WHEELHOUSE="wheel house").returncode == 0
    pip = [call for call in place.calls if call.startswith("pip") and "install" in call]
    assert pip
    assert all("--no-index --find-links wheel house" in call for call in pip)


def test_second_call_does_nothing(place: Place) -> None:
    place.python()
    place.setup()
    before = place.calls
    began = time.monotonic()
    again = place.setup()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert place.calls == before
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("file", "line", "installs"),
    [
        ("envs/constraints.txt", "\nzzz==1.0\n", True),
        ("pyproject.toml", '\n[project.urls]\nhome = "x"\n', True),
        ("pyproject.toml", "\n[tool.other]\nline-length = 3\n", False),
    ],
)
def test_only_a_change_of_requirements_installs_again(place: Place, file: str, line: str, installs: bool) -> None:
    place.python()
    place.setup()
    before = len(place.calls)
    with (place.folder / file).open("a", encoding="utf-8") as handle:
        handle.write(line)
    result = place.setup()
    assert result.returncode == 0
    assert (len(place.calls) > before) == installs
    assert place.calls.count("venv") == 1
    assert len(place.stamps) == 1


def test_moved_folder_is_installed_again(place: Place) -> None:
    place.python()
    place.setup()
    before = len(place.calls)
    place.folder = place.folder.rename(place.folder.with_name("moved"))
    assert place.setup().returncode == 0
    assert len(place.calls) > before


def test_environment_whose_python_vanished_is_made_again(place: Place) -> None:
    place.python()
    place.setup()
    (place.folder / ".venv/bin/python").unlink()
    assert place.setup().returncode == 0
    assert place.calls.count("venv") == 2


def test_shim_that_does_not_run_is_passed_over(place: Place) -> None:
    place.tool("python3", "#!/bin/sh\necho 'pyenv: python3: command not found' >&2\nexit 127\n")
    place.python("python3.12", version="3.12.9")
    result = place.setup()
    assert result.returncode == 0
    assert "Python 3.12.9" in result.stdout


def test_old_python_is_passed_over_for_a_newer_one(place: Place) -> None:
    place.python(version="3.9.2", old=1)
    place.python("python3.11", version="3.11.7")
    assert "Python 3.11.7" in place.setup().stdout


def test_named_python_is_used(place: Place, tmp_path: Path) -> None:
    place.python()
    place.python("chosen one", version="3.13.1")
    assert "Python 3.13.1" in place.setup(PYTHON=str(place.path / "chosen one")).stdout


def test_no_python(place: Place) -> None:
    refused(place.setup(), "no Python found", "apt install python3")
    assert not place.stamps


def test_named_python_that_is_not_there(place: Place) -> None:
    place.python()
    refused(place.setup(PYTHON="/nowhere/python3"), "PYTHON=/nowhere/python3", "Correct the path")


def test_too_old_python(place: Place) -> None:
    place.python(version="3.9.2", old=1)
    refused(place.setup(), "Python 3.9.2 (python3) is too old", "3.11 to 3.13", "PYTHON=/path/to/python3")


def test_too_new_python(place: Place) -> None:
    place.python(version="3.15.0", new=1)
    refused(place.setup(), "Python 3.15.0 (python3) is newer than tested", "3.11 to 3.13")


def test_no_venv_module(place: Place) -> None:
    place.python(bare=1)
    refused(place.setup(), "without its venv module", "apt install python3-venv")


def test_full_disk_is_seen_before_anything_is_made(place: Place) -> None:
    place.python()
    place.tool("df", "#!/bin/sh\necho Filesystem\necho '/dev/a disk 900 800 123456 99% /mnt/my disk'\n")
    refused(place.setup(), "disk full: 123 MB free", "4000 MB", "Free some space")
    assert place.calls == []


@pytest.mark.parametrize(
    ("pip_says", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", ["disk full"]),
        ("WARNING: Retrying (NewConnectionError: Temporary failure in name resolution)", ["no network", "proxy"]),
        ("ERROR: No matching distribution found for torch==2.13.0", ["no package index offers torch==2.13.0"]),
        ("WARNING: SSLError(SSLCertVerificationError(CERTIFICATE_VERIFY_FAILED))", ["certificate"]),
        ("ERROR: [Errno 13] Permission denied: '.venv/lib/x'", ["may not be written"]),
        ("ERROR: something new", ["something new", ".venv/setup.log"]),
    ],
)
def test_failing_pip_is_put_into_one_line(place: Place, pip_says: str, words: list[str]) -> None:
    place.python()
    result = place.setup(FAKE_PIP=f'echo "{pip_says}"; exit 1')
    refused(result, *words)
    assert not place.stamps
    assert place.setup().returncode == 0, "the next call must go on"
    assert place.calls.count("venv") == 1, "what was made is kept"


def test_installation_that_does_not_load(place: Place) -> None:
    place.python()
    place.tool("python3", (place.path / "python3").read_text().replace("esac", '*"import torch"*) exit 1 ;;\nesac'))
    refused(place.setup(), "does not load", "rm -r .venv")
    assert not place.stamps


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_set_up_goes_on(place: Place, how: signal.Signals) -> None:
    place.python()
    command = ["sh", str(place.folder / "scripts" / "setup.sh")]
    process = subprocess.Popen(
        command,
        env=place.environment | {"FAKE_PIP": "touch busy; exec sleep 30"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell that runs the tests in the background ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    give_up = time.monotonic() + 20
    while not (place.folder / "busy").exists():
        assert time.monotonic() < give_up
        time.sleep(0.02)
    os.killpg(process.pid, how)
    said = process.communicate(timeout=20)[1].decode()
    assert process.returncode != 0
    assert how == signal.SIGKILL or "run again and it goes on" in said
    assert not place.stamps
    assert place.setup().returncode == 0
    assert len(place.stamps) == 1


@pytest.mark.skipif(shutil.which("flock") is None, reason="needs flock")
def test_two_first_calls_at_once_install_once(place: Place) -> None:
    place.python()
    command = ["sh", str(place.folder / "scripts" / "setup.sh")]
    both = [
        subprocess.Popen(command, env=place.environment | {"FAKE_PIP": "sleep 0.3"}, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait(timeout=30) for process in both] == [0, 0]
    assert place.calls.count("venv") == 1
    assert sum(call.startswith("pip") for call in place.calls) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_read_only_folder(place: Place) -> None:
    place.python()
    place.folder.chmod(0o555)
    try:
        refused(place.setup(), "cannot be written", "Copy the repository")
    finally:
        place.folder.chmod(0o755)


def test_file_in_place_of_the_environment(place: Place) -> None:
    place.python()
    (place.folder / ".venv").write_text("", encoding="utf-8")
    refused(place.setup(), ".venv cannot be written", "Copy the repository")


def test_real_pip_without_network(place: Place) -> None:
    """A real environment and a real pip, whose index is a closed port of this machine."""
    (place.path / "python3").symlink_to(sys.executable)
    closed = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "1",
        "NO_PROXY": "127.0.0.1",
    }
    refused(place.setup(**closed), "no network", "proxy")
    refused(place.setup(PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull), "no package index offers setuptools==")
    assert not place.stamps
