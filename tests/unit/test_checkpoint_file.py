"""Checkpoint files: the same bits back, never half a file, never a foreign or damaged one, never an object."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesbeam.errors import StoreError
from bayesbeam.io.checkpoint import checkpoint_path, read_checkpoint, remove_checkpoint, write_checkpoint
from bayesbeam.io.seal import seal
from bayesbeam.sampling.checkpoint import MemoryKeeper, Saved
from bayesbeam.stages import keep
from bayesbeam.stages.keep import FileKeeper, Running, StopRequest

KEY = "k" * 64
ARRAYS: dict[str, Any] = {
    "theta": np.linspace(-1.0, 1.0, 24).reshape(2, 3, 4),
    "single": np.array([1.0, np.nan, -np.inf, -0.0], dtype=np.float32),
    "nans": np.array([0x7FF8000000000123, 0xFFF0000000000001], dtype=np.uint64).view(np.float64),
    "places": np.array([[3, -(2**62)]], dtype=np.int64),
    "moved": np.array([True, False]),
    "scalar": np.array(7.5),
    "nothing": np.empty((0, 3)),
    "file": np.arange(3, dtype=np.uint32),
}
FACTS: dict[str, Any] = {"sweep": 2**60, "scale": 0.1 + 0.2, "phase": "tuning", "done": [1, 2], "worst": float("inf")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return checkpoint_path(tmp_path / "samples" / "peaks.h5")


def same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Whether arrays agree in name, type, shape and every bit."""
    return found.keys() == expected.keys() and all(
        (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        for a, b in ((found[name], np.asarray(expected[name])) for name in expected)
    )


def test_the_same_bits_come_back(path: Path) -> None:
    turned = np.asfortranarray(ARRAYS["theta"][0])[:, ::2]
    write_checkpoint(path, KEY, {**ARRAYS, "turned": turned}, FACTS)
    arrays, facts = read_checkpoint(path, KEY)
    assert same(arrays, {**ARRAYS, "turned": turned})
    assert facts == FACTS
    assert all(values.flags.c_contiguous and values.flags.writeable for values in arrays.values())
    assert path.name == ".peaks.h5.checkpoint"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_every_kind_of_damage_is_seen(path: Path) -> None:
    write_checkpoint(path, KEY, ARRAYS, FACTS)
    whole = path.read_bytes()
    source = random.Random(1)
    for place in [0, len(whole) - 1, *(source.randrange(len(whole)) for _ in range(60))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << source.randrange(8))]) + whole[place + 1 :])
        with pytest.raises(StoreError, match="expected a results file"):
            read_checkpoint(path, KEY)
    for length in [0, 1, len(whole) - 1, *(source.randrange(len(whole)) for _ in range(20))]:
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError):
            read_checkpoint(path, KEY)


def sealed(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    seal(path)
    return path


def zipped(parts: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", compression) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return whole.getvalue()


def whole(layout: object, numbers: bytes = b"0" * 16, compression: int = zipfile.ZIP_STORED, **changed: Any) -> bytes:
    """Return a checkpoint without its seal."""
    head = {"format": "bayesbeam checkpoint", "format_version": 2, "key": KEY, "facts": {}, "arrays": layout}
    return zipped({"checkpoint.json": json.dumps(head | changed).encode(), "numbers.bin": numbers}, compression)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read"),
        (b"not a zip", "File is not a zip file"),
        (zipped({}), "checkpoint.json"),
        (zipped({"checkpoint.json": b"[1]"}), "cannot be read"),
        (whole([], format_version=1), "another format or version"),
        (whole([], key="abc"), "other data, another model, other settings"),
        (whole([["a", "<f8", [2]]], compression=zipfile.ZIP_DEFLATED), "compressed parts"),
        (whole([["a", "|O", [2]]]), "an array of type object, which is none of numbers"),
        (whole([["a", "<f8,<f8", [1]]]), "which is none of numbers"),
        (whole([["a", "<f8", [3]]]), "16 bytes of numbers where 24 are named"),
        (whole([["a", "<f8", [10**15]]]), "16 bytes of numbers where 8000000000000000 are named"),
        (whole([["a", "<f8", [-1]], ["b", "<f8", [3]]]), "16 bytes of numbers where 16 are named"),
        (whole([["a", "<f8", [-1, -2]]]), "cannot be read"),
        (whole([["a", "nonsense", [2]]]), "cannot be read"),
        (whole([["a", "<f8"]]), "cannot be read"),
        (whole(7), "cannot be read"),
        (zipped({"checkpoint.json": zipfile.ZipFile(io.BytesIO(whole([]))).read("checkpoint.json")}), "numbers.bin"),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_of_this_job(path: Path, content: bytes, words: str) -> None:
    with pytest.raises(StoreError, match=r"expected a checkpoint of this very job") as caught:
        read_checkpoint(sealed(path, content), KEY)
    assert words in str(caught.value)


def test_objects_are_not_written(path: Path) -> None:
    with pytest.raises(ValueError, match="an array of type object, which is none of numbers"):
        write_checkpoint(path, KEY, {"a": np.array([object()])}, {})
    assert not path.parent.exists()


def test_a_failed_write_leaves_the_checkpoint_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(path, KEY, ARRAYS, FACTS)
    before = path.read_bytes()

    def full(file: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bayesbeam.io.checkpoint.seal", full)
    with pytest.raises(StoreError, match="No space left on device"):
        write_checkpoint(path, KEY, {"theta": np.zeros(3)}, {})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


WRITER = """
import sys
from pathlib import Path
import numpy as np
from bayesbeam.io.checkpoint import write_checkpoint
number = 0
while True:
    number += 1
    write_checkpoint(Path(sys.argv[1]), "key", {"a": np.full(300_000, float(number))}, {"number": number})
    print(number, flush=True)
"""


def test_kill_9_while_writing_leaves_a_whole_checkpoint(path: Path) -> None:
    path.parent.mkdir()
    source = random.Random(2)
    for _ in range(4):
        words = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(source.uniform(0.0, 0.03))
            process.kill()
            said = process.stdout.read().split()
        arrays, facts = read_checkpoint(path, "key")
        assert facts["number"] >= int(said[-1] if said else 1)
        assert np.all(arrays["a"] == facts["number"])
    remove_checkpoint(path)
    assert not list(path.parent.iterdir())


def test_a_keeper_returns_what_it_saved_and_the_time_it_took(path: Path) -> None:
    lines: list[str] = []
    one = FileKeeper(path, KEY, tell=lines.append)
    assert one.load() is None
    began = time.process_time()
    while time.process_time() - began < 0.02:
        pass
    one.save(Saved(ARRAYS, FACTS))
    wall, cpu = one.spent
    other = FileKeeper(path, KEY, tell=lines.append)
    found = other.load()
    assert found is not None
    assert same(found.arrays, ARRAYS)
    assert found.facts == FACTS
    assert lines == [f"Going on from the checkpoint {path}."]
    # What the first start used is counted; the little that came after its save is not.
    assert 0.02 <= other.spent[0]
    assert other.spent[1] >= 0.5 * cpu
    assert wall < 60
    other.remove()
    assert not path.exists()
    other.remove()


def test_a_keeper_ignores_what_it_cannot_use_in_one_line(path: Path) -> None:
    lines: list[str] = []
    FileKeeper(path, KEY).save(Saved(ARRAYS, FACTS))
    assert FileKeeper(path, "other", tell=lines.append).load() is None
    path.write_bytes(path.read_bytes()[:-100])
    assert FileKeeper(path, KEY, tell=lines.append).load() is None
    write_checkpoint(path, KEY, {}, {"strange": 1})
    assert FileKeeper(path, KEY, tell=lines.append).load() is None
    path.unlink()
    path.mkdir()
    assert FileKeeper(path, KEY, tell=lines.append).load() is None
    assert len(lines) == 4
    assert all("\n" not in line and "starts anew" in line for line in lines[:3])


def test_a_keeper_that_cannot_write_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("a file where the folder should be")
    lines: list[str] = []
    keeper = FileKeeper(checkpoint_path(tmp_path / "samples" / "peaks.h5"), KEY, tell=lines.append)
    keeper.save(Saved(ARRAYS, FACTS))
    assert len(lines) == 1
    assert lines[0].startswith("No checkpoint: ")


def test_saves_are_due_by_the_clock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(keep.time, "monotonic", lambda: now)
    keeper = FileKeeper(path, KEY)
    now += 44.9
    assert not keeper.due()
    now += 0.2
    assert keeper.due()
    keeper.save(Saved({}, {}))
    assert not keeper.due()
    # A block lasts ten seconds at most, so a killed job loses less than a minute.
    assert keep.EVERY_S + 10.0 < 60.0
    assert FileKeeper(path, KEY, Running(every_s=0.0)).due()


def test_signals_ask_to_stop(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGUSR1):
        with StopRequest() as stop:
            keeper = FileKeeper(path, KEY, Running(stop=stop))
            assert not keeper.stop_asked()
            os.kill(os.getpid(), number)
            assert keeper.stop_asked()
            # A second signal at once is the same wish, as of one who signals a whole process group.
            os.kill(os.getpid(), number)
            assert keeper.stop_asked()
    assert signal.getsignal(signal.SIGTERM) == before
    monkeypatch.setattr(keep, "SAME_WISH_S", 0.0)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.001)
        with pytest.raises(SystemExit) as caught:
            os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == 143


def test_the_keeper_of_tests_keeps_copies() -> None:
    keeper = MemoryKeeper(stop_after=1)
    values = np.zeros(2)
    assert not keeper.stop_asked()
    keeper.save(Saved({"a": values}, {}))
    values += 1.0
    assert keeper.stop_asked()
    found = keeper.load()
    assert found is not None
    assert found.arrays["a"].tolist() == [0.0, 0.0]
