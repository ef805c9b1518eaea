"""Bad measurements among many: the rest is processed, each bad one is named with its reason, as the exit code says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import pytest

from bayesbeam.io.seal import check_seal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflow.conftest import Lab

MANY = """\
campaign: tiny
candidates:
  flat:
    solve: sample
    parts: [{component: constant}]
    noise: {family: normal, sigma: 0.1}
sampling: {target_standard_error: 10, seed: 1, max_sweeps: 200, chains: 4, replicas: 8, draws: 100, batch: 200}
"""


def spoil(lab: Lab, count: int) -> dict[str, str]:
    """Write so many measurements, four of them bad; return the reasons to refuse those."""
    names = [f"m{k:03d}" for k in range(count)]
    for seed, name in enumerate(names):
        lab.data(name, seed)
    files = {name: f"data/{name}.txt" for name in names}
    locked, dangling, junk, damaged = names[1], names[2], names[4], names[-2]
    folder = lab.campaign.parent / "data"
    (folder / f"{locked}.txt").chmod(0)
    (folder / f"{dangling}.txt").unlink()
    (folder / f"{dangling}.txt").symlink_to("nowhere.txt")
    (folder / f"{junk}.txt").write_bytes(bytes(range(256)) * 20)
    files[damaged] = f"data/{damaged}.h5"
    with h5py.File(folder / f"{damaged}.h5", "w") as file:
        file["x"], file["y"] = range(31), range(31)
    content = bytearray((folder / f"{damaged}.h5").read_bytes())
    content[100:1500:7] = bytes(byte ^ 0xFF for byte in content[100:1500:7])
    (folder / f"{damaged}.h5").write_bytes(content)
    rows = "".join(f"{name}\t{file}\n" for name, file in files.items())
    (lab.campaign.parent / "measurements.tsv").write_text("id\tfile\n" + rows)
    return {
        locked: r"cannot be read \(Permission denied\)",
        dangling: "no such file",
        junk: "line 1: binary data",
        damaged: "cannot be opened as HDF5",
    }


def without_privileges(words: list[str]) -> list[str]:
    """Let a command of root obey the permissions of files, as those of others do."""
    if os.getuid() != 0:
        return words
    if shutil.which("setpriv") is None:
        pytest.skip("root reads every file, and there is no setpriv to give that up")
    dropped = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}", *words]


def run(lab: Lab) -> subprocess.CompletedProcess[str]:
    words = without_privileges([sys.executable, *lab.cli_words("run", "--cores", "2")])
    return subprocess.run(words, cwd=lab.workdir, capture_output=True, text=True, timeout=600, check=False)


def without_bad_ones(lab: Lab, bad: dict[str, str], elsewhere: Path) -> Lab:
    """Return a copy of the campaign that has no bad measurement."""
    other = type(lab)(elsewhere)
    shutil.copytree(lab.campaign.parent, other.campaign.parent, symlinks=True, ignore=shutil.ignore_patterns(*bad))
    sheet = lab.campaign.with_name("measurements.tsv").read_text().splitlines(keepends=True)
    kept = [line for line in sheet if line.split("\t")[0] not in bad]
    other.campaign.with_name("measurements.tsv").write_text("".join(kept))
    return other


def check(lab: Lab, count: int) -> dict[str, str]:
    """Run a campaign with four bad measurements; all others have results, and those are named."""
    lab.campaign.write_text(MANY)
    bad = spoil(lab, count)
    done = run(lab)
    assert done.returncode == 3, done.stdout + done.stderr
    page = (lab.results / "report" / "index.html").read_text()
    for name, reason in bad.items():
        assert re.search(rf"refused {name}: data/{name}\.\w+: {reason}", done.stdout), done.stdout
        assert re.search(reason, page)
        assert name in page
    table = (lab.results / "report" / "tables" / "free_energy.csv").read_text()
    finite = {line.split(",")[0] for line in table.splitlines()[1:] if "refused" not in line}
    assert len(finite) == count - 4
    assert not finite & set(bad)
    return bad


def test_four_bad_ones_among_eight(lab: Lab) -> None:
    bad = check(lab, 8)
    # Once the reason is gone the next run takes it in, and nothing else.
    first = next(iter(bad))
    (lab.campaign.parent / "data" / f"{first}.txt").chmod(0o644)
    again = run(lab)
    assert again.returncode == 3
    assert f"refused {first}" not in again.stdout
    assert re.findall(r"preprocess (\w+)\n", again.stdout) == [first]


@pytest.mark.nightly
def test_four_bad_ones_among_two_hundred(lab: Lab, tmp_path: Path) -> None:
    bad = check(lab, 200)
    other = without_bad_ones(lab, bad, tmp_path / "good ones")
    done = run(other)
    assert done.returncode == 0, done.stdout + done.stderr
    good = sorted(other.results.glob("measurements/m*.h5"))
    assert len(good) == 196
    for path in good:
        check_seal(path)
        assert path.read_bytes() == (lab.results / "measurements" / path.name).read_bytes()
    draws, of_good = (next(one.results.glob("samples/*/flat.h5")) for one in (lab, other))
    assert draws.read_bytes() == of_good.read_bytes()
