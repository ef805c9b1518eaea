"""Results files that are damaged are found by their sha256 and made anew, with the bytes that they had."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.workflow.test_kills import bytes_of, differences

from bayesbeam.io.damage import damages, set_aside
from bayesbeam.io.provenance import file_sha256
from bayesbeam.launch.damage import list_report, verify
from bayesbeam.launch.places import Place
from bayesbeam.launch.snakemake import Order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.workflow.conftest import Lab


def flipped(content: bytes) -> bytes:
    """One bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


MODES: dict[str, Callable[[bytes], bytes]] = {
    "one bit": flipped,
    "truncated": lambda content: content[: len(content) // 3],
    "emptied": lambda content: b"",
    "others of the same size": lambda content: bytes(len(content)),
}


def damage(path: Path, mode: str) -> None:
    """Change a file and nothing of what the system says of it, but for its size."""
    status = path.stat()
    path.write_bytes(MODES[mode](path.read_bytes()))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def sealed(results: Path) -> list[Path]:
    """Return all files that carry their sha256."""
    found = [path for path in results.rglob("*") if path.suffix in (".h5", ".json") and path.is_file()]
    return [
        results / "batches.tsv",
        *sorted(path for path in found if path.relative_to(results).parts[0] not in ("report", "logs")),
    ]


@pytest.mark.parametrize("mode", MODES)
def test_every_file_that_is_read_again_carries_its_digest(finished: Lab, mode: str) -> None:
    assert not list(damages(finished.results))
    files = sealed(finished.results)
    kinds = {path.relative_to(finished.results).parts[0] for path in files}
    assert kinds == {"batches.tsv", "measurements", "samples", "free_energy", "integration"}
    for path in files:
        before = path.read_bytes()
        damage(path, mode)
        (found,) = damages(finished.results)
        assert found.path == path
        assert str(path) in str(found)
        path.write_bytes(before)


def test_damage_is_made_good_by_the_same_run(finished: Lab) -> None:
    """First what a job meets while it runs, then what nobody would have read."""
    before = bytes_of(finished.results)
    measured = finished.results / "measurements" / "c.h5"
    damage(measured, "one bit")
    (finished.results / "report" / "index.html").unlink()
    done = finished.cli("run", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{measured.name}: the file was damaged or changed; expected" in done.stdout
    assert "It was set aside. Run again: it is made anew." in done.stdout
    assert "Running once more, to make that anew." in done.stdout
    assert measured.with_name("c.h5.damaged").is_file()
    assert differences(bytes_of(finished.results), before | {f"measurements/{measured.name}.damaged": b"?"}) == [
        f"measurements/{measured.name}.damaged"
    ]
    measured.with_name("c.h5.damaged").unlink()

    (summary,) = (
        path for path in (finished.results / "free_energy").glob("*.json") if b"peaks-k1" not in path.read_bytes()
    )
    damage(summary, "others of the same size")
    draws = finished.results / "samples" / summary.stem / "flat.h5"
    damage(draws, "truncated")
    done = finished.cli("run", "--verify", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{summary}: the file is truncated, or of another program or version; expected" in done.stdout
    assert f"{draws}: the file is truncated, or of another program; expected" in done.stdout
    assert "Checked the results: 2 damaged files." in done.stdout
    for path in (summary, draws):
        path.with_name(f"{path.name}.damaged").unlink()
    assert differences(bytes_of(finished.results), before) == []


@pytest.mark.nightly
@pytest.mark.parametrize("mode", MODES)
def test_all_files_at_once(finished: Lab, mode: str) -> None:
    before = bytes_of(finished.results)
    files = sealed(finished.results)
    for path in files:
        damage(path, mode)
    done = finished.cli("run", "--verify", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    for path in finished.results.rglob("*.damaged"):
        path.unlink()
    assert differences(bytes_of(finished.results), before) == []


def test_a_measurement_of_a_long_sheet_takes_its_table_along(tmp_path: Path) -> None:
    folder = tmp_path / "measurements"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.h5").write_bytes(b"content")
    (folder / "b01234567.tsv").write_text("measurement\tsha256\na\t0\n")
    (folder / "b89abcdef.tsv").write_text("measurement\tsha256\nb\t0\n")
    assert set_aside(folder / "a.h5") == [folder / "a.h5", folder / "b01234567.tsv"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.h5.damaged", "b.h5", "b89abcdef.tsv"]
    assert set_aside(folder / "b.h5") == [folder / "b.h5", folder / "b89abcdef.tsv"]
    assert set_aside(folder / "c.h5") == []


def test_a_report_is_listed_as_sha256sum_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = tmp_path / "report" / "tables"
    tables.mkdir(parents=True)
    (tables / "a.csv").write_text("1\n")
    (tmp_path / "report" / "index.html").write_text("<p>")
    list_report(tmp_path)
    rows = (tmp_path / "logs" / "report.sha256").read_text().splitlines()
    assert f"{file_sha256(tables / 'a.csv')}  report/tables/a.csv" in rows
    order = Order(tmp_path, tmp_path, Place(tmp_path, tmp_path), 1)
    assert verify(order, tmp_path) == order
    assert "Checked the results: 0 damaged files." in capsys.readouterr().out
    (tables / "a.csv").write_text("2\n")
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "draws.h5").write_text("no draws")
    assert verify(order, tmp_path).targets == ("all", "samples/draws.h5")
    assert not (tmp_path / "report" / "index.html").exists()
    assert "a.csv: the file was damaged, changed or lost" in capsys.readouterr().out
