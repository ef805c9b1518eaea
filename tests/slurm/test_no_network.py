"""Without a network: a campaign runs here and through SLURM, in a network namespace that has only itself."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slurm, pytest.mark.nightly, pytest.mark.xdist_group("slurm")]
# From the kernel: linux/sockios.h and linux/if.h.
SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP, IFF_RUNNING = 0x8914, 0x8916, 0x1, 0x40
SOMEWHERE = ("192.0.2.1", 80)


def cut_off() -> bool:
    """Whether nothing outside this machine can be reached."""
    try:
        socket.create_connection(SOMEWHERE, timeout=5).close()
    except OSError as problem:
        return "unreachable" in str(problem)
    return False


def loopback_up() -> None:
    """Let processes of a new namespace speak to each other.

    A second address on the same device: SLURM resolves names, and numbers, only where some address is not 127.0.0.1.
    """
    second = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("10.255.255.1"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, SIOCSIFADDR, struct.pack("16s16s", b"lo:1", second))
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP | IFF_RUNNING, b""))


def main(folder: Path) -> None:
    """Run the campaign both ways; called in the namespace."""
    from tests.slurm.cluster import missing, start
    from tests.slurm.conftest import Site

    loopback_up()
    print(f"cut off: {cut_off()}", flush=True)
    here = Site(folder / "here").make(batch=1)
    here.run()
    if missing():
        print(f"no SLURM: {', '.join(missing())} not installed")
        return
    cluster = start(folder / "cluster")
    try:
        there = Site(folder / "there", cluster, {"slurm-init-seconds-before-status-checks": 2}).make(batch=1)
        there.run()
        print(f"same: {there.content() == here.content() != {}}")
    finally:
        cluster.stop()


@pytest.mark.usefixtures("alone")
def test_a_campaign_without_a_network(tmp_path: Path) -> None:
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root may make a network namespace, with unshare")
    words = ["unshare", "--net", sys.executable, str(Path(__file__)), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cut off: True" in done.stdout
    if "no SLURM" in done.stdout:
        pytest.skip(done.stdout.splitlines()[-1])
    assert "same: True" in done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
