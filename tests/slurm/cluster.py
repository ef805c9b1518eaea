"""A SLURM of several nodes with fake GPUs on one machine, for tests: all of it in one folder, without systemd.

``python tests/slurm/cluster.py up [--nodes 3] [--gpus 1] --folder X`` starts it, ``down --folder X`` ends it; the
commands in X/bin speak to it. Needs Debian's packages slurm-wlm and munge, whose
``slurmd`` may run several times on one machine. Not for work: nothing keeps jobs within their memory or cores.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PACKAGES = ("slurm-wlm", "munge")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "munged")
# What stands in for a GPU; only devices get a number in CUDA_VISIBLE_DEVICES.
FAKES = (*(f"/dev/tty{number}" for number in range(1, 9)), "/dev/null", "/dev/zero", "/dev/full", "/dev/random")
COMMANDS = ("sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun")
DAEMONS = ("slurmd", "slurmctld", "slurmstepd", "munged")
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
START_S, STOP_S = 30.0, 20.0

CONFIG = """\
ClusterName=bayesbeam_test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
MinJobAge=300
KillWait=15
SlurmctldTimeout=30
SlurmdTimeout=60
TreeWidth=65533
"""


class ClusterError(RuntimeError):
    """The cluster cannot be started here; the message is one line that says why."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes
    ----------
    folder : Path
        Its configuration, state and logs.
    nodes : tuple of str
        Names of its nodes.
    """

    folder: Path
    nodes: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which the commands of SLURM speak to this cluster."""
        path = f"{self.folder / 'bin'}:{os.environ.get('PATH', '')}:{SBIN}"
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": path}

    def command(self, *words: str) -> str:
        """Run one of SLURM's commands and return what it says."""
        done = subprocess.run(
            words,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise ClusterError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def jobs(self, states: str = "all", form: str = "%i") -> list[str]:
        """Return one line a job in the states named."""
        return self.command("squeue", "--noheader", f"--states={states}", f"--format={form}").splitlines()

    def stop(self) -> None:
        """End all jobs and all daemons; nothing of the cluster is left running."""
        with suppress(ClusterError, subprocess.TimeoutExpired):
            self.command("scancel", "--user", str(os.getuid()), "--signal=KILL", "--full")
            self.command("scancel", "--user", str(os.getuid()))
        daemons = [f"slurmd.{node}.pid" for node in self.nodes]
        for name in (*daemons, "slurmctld.pid", "munged.pid"):
            _end(self.folder / name)
        _end_all(self.processes())

    def processes(self) -> list[psutil.Process]:
        """Return what still runs of the cluster: daemons, their steps, and what these have started."""
        found = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if _is_of(process, self.folder):
                    found |= {one.pid: one for one in (process, *process.children(recursive=True))}
        return list(found.values())


def missing() -> list[str]:
    """Return the programs of SLURM and munge that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SBIN}") is None]


def install() -> None:
    """Install the packages where they are missing.

    Raises
    ------
    ClusterError
        If that needs rights that we do not have, or does not work.
    """
    absent = missing()
    if not absent:
        return
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        needs = f"apt install {' '.join(PACKAGES)}, which only root on Debian can"
        raise ClusterError(f"{', '.join(absent)} not installed; needs {needs}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-qq", *words], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
    if done.returncode or missing():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ClusterError(f"apt-get could not install {' '.join(PACKAGES)}: {last}")


def start(folder: Path, nodes: int = 3, gpus: int = 1, cpus: int = 2, memory_mb: int = 6000) -> Cluster:
    """Start a cluster in an empty folder, each node with so many cores, fake GPUs and MB of memory.

    Raises
    ------
    ClusterError
        If a daemon does not come up; the message has the end of its log.
    """
    install()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    cluster = Cluster(folder, names)
    _write_config(folder, names, gpus, cpus, memory_mb)
    try:
        _start_munge(cluster)
        _launch(cluster, "slurmctld")
        _wait(lambda: "is UP" in cluster.command("scontrol", "ping"), folder / "slurmctld.log")
        for name in names:
            _launch(cluster, "slurmd", "-N", name)
        ready = ("sinfo", "--noheader", "--Node", "--partition=cpu", "--states=idle", "--format=%N")
        _wait(lambda: len(cluster.command(*ready).split()) == nodes, folder / "slurmd.n1.log")
    except BaseException:
        cluster.stop()
        raise
    return cluster


def found(folder: Path) -> Cluster:
    """Return the cluster that was started in a folder."""
    return Cluster(folder, tuple(sorted(path.name.removeprefix("spool.") for path in folder.glob("spool.*"))))


def _write_config(folder: Path, names: tuple[str, ...], gpus: int, cpus: int, memory_mb: int) -> None:
    """Write slurm.conf and its companions."""
    import getpass

    ports = _free_ports(len(names) + 1)
    host = socket.gethostname().split(".")[0]
    text = CONFIG.format(host=host, user=getpass.getuser(), folder=folder, port=ports[0])
    (folder / "state").mkdir(exist_ok=True)
    if gpus:
        text += "GresTypes=gpu\n"
        fakes = [path for path in map(Path, FAKES) if path.is_char_device()][:gpus]
        lines = [f"NodeName={name} Name=gpu File={fake}" for name in names for fake in fakes]
        (folder / "gres.conf").write_text("AutoDetect=off\n" + "\n".join(lines) + "\n")
    gres = f" Gres=gpu:{gpus}" if gpus else ""
    for name, port in zip(names, ports[1:], strict=True):
        (folder / f"spool.{name}").mkdir(exist_ok=True)
        text += f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus}"
        text += f" RealMemory={memory_mb}{gres} State=UNKNOWN\n"
    text += "PartitionName=cpu Nodes=ALL Default=YES MaxTime=1-00:00:00 State=UP\n"
    text += "PartitionName=gpu Nodes=ALL MaxTime=1-00:00:00 State=UP\n" if gpus else ""
    (folder / "slurm.conf").write_text(text)
    _write_commands(folder)
    (folder / "cgroup.conf").write_text("CgroupPlugin=autodetect\nConstrainCores=no\nConstrainRAMSpace=no\n")


def _write_commands(folder: Path) -> None:
    """Write commands that know this cluster: the executor plugin starts srun without SLURM_CONF."""
    (folder / "bin").mkdir(exist_ok=True)
    for name in COMMANDS:
        command = folder / "bin" / name
        command.write_text(f"#!/bin/sh\nSLURM_CONF='{folder / 'slurm.conf'}' exec /usr/bin/{name} \"$@\"\n")
        command.chmod(0o755)


def _start_munge(cluster: Cluster) -> None:
    """Start a munge of this cluster's own, with its own key."""
    folder = cluster.folder
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    files = {"key-file": key, "socket": folder / "munge.sock", "pid-file": folder / "munged.pid"}
    files |= {"log-file": folder / "munged.log", "seed-file": folder / "munged.seed"}
    # --force: the folder may lie below one that others may write to, as /tmp is.
    _launch(cluster, "munged", "--force", "--num-threads=2", *(f"--{name}={path}" for name, path in files.items()))
    _wait(lambda: (folder / "munge.sock").exists(), folder / "munged.log")


def _launch(cluster: Cluster, *words: str) -> None:
    """Start a daemon, which puts itself into the background."""
    with (cluster.folder / "daemons.log").open("a") as log:
        done = subprocess.run(
            words, env=cluster.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=30, check=False
        )
    if done.returncode:
        raise ClusterError(f"{words[0]} does not start: {_tail(cluster.folder / 'daemons.log')}")


def _wait(ready: Callable[[], bool], log: Path) -> None:
    """Wait until something is so."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with suppress(ClusterError):
            if ready():
                return
        time.sleep(0.1)
    raise ClusterError(f"{log.stem} did not come up in {START_S:.0f} s: {_tail(log)}")


def _tail(path: Path) -> str:
    """Last line of a log."""
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return lines[-1] if lines else f"nothing in {path}"


def _free_ports(number: int) -> list[int]:
    """Return ports that are free now."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _is_of(process: psutil.Process, folder: Path) -> bool:
    """Whether a process is a daemon of the cluster in a folder, or was started by it or to speak to it."""
    if process.environ().get("SLURM_CONF") == str(folder / "slurm.conf"):
        return True
    words = process.cmdline()
    if not words or Path(words[0].split(":")[0]).name not in DAEMONS:
        return False
    return str(folder) in " ".join(words)


def _end(pid_file: Path) -> None:
    """End the daemon of a pid file."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int(pid_file.read_text()))
        process.send_signal(signal.SIGTERM)
        _wait_gone([process])


def _end_all(processes: list[psutil.Process]) -> None:
    """Kill what is left."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    _wait_gone(processes)


def _wait_gone(processes: list[psutil.Process]) -> None:
    """Wait until processes have ended; whether anybody asks for their exit codes does not matter."""
    end = time.monotonic() + STOP_S
    while time.monotonic() < end and any(_alive(process) for process in processes):
        time.sleep(0.05)


def _alive(process: psutil.Process) -> bool:
    """Whether a process runs."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def main() -> int:
    """Start or end a cluster from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--gpus", type=int, default=1, help="fake GPUs a node")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.action == "down":
        found(folder).stop()
        return 0
    try:
        cluster = start(folder, arguments.nodes, arguments.gpus)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    print(cluster.command("sinfo", "--Node", "--long"), f"export PATH={folder / 'bin'}:$PATH", sep="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
