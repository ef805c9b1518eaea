"""Memory of sampling jobs: predicted when they are planned and when they run, measured at their end.

Decides what a rule asks a scheduler for. Nothing here changes a number of a result, or a key.
"""

from __future__ import annotations

import math
import resource
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch

from bayesbeam import noise as noise_models
from bayesbeam.config.library_files import cif_files
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.specs import CandidateSpec, PhasesSpec
from bayesbeam.io.store import stored_points
from bayesbeam.models.operators.base import Operator
from bayesbeam.models.trace import NotScalar
from bayesbeam.sampling.engines.choose import choose
from bayesbeam.sampling.engines.source import component_source
from bayesbeam.sampling.jumps import BINS
from bayesbeam.sampling.memory import (
    MIB,
    Sizes,
    groups_that_fit,
    most_mib,
    peak_mib,
    sizes_of_target,
    usual_rungs,
    usual_sweeps,
)
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages.cost import draws_bytes
from bayesbeam.targets.base import Target

# What a job of the workflow imports besides the sampler: the peak of a process that imports `bayesbeam.stages.sample`,
# less that of one that imports `bayesbeam.sampling.run`.
STAGE_MIB = 22.0
# Asked for above the prediction, which is good to 20 %; and the least, for other builds of torch hold more.
MARGIN, LEAST_MB = 1.25, 800
# What a job on a CPU may take, MiB, so that as many as a machine has cores fit into 2 GB each.
CPU_JOB_MIB = 1200.0
# Groups from which a CPU gains nothing by more at once: 250 spectra of 401 points took 0 to 3 % longer than twice 125.
MOST_ON_CPU = 128
# Where a GPU is used: its driver and libraries hold gigabytes of host memory. A bound, not a prediction.
LEAST_WITH_GPU_MB = 4000
MB_PER_MIB = 1.048576
# A search among the 181 structures of the shipped library took 710 MB, patterns of 3000 points after adding up.
PHASES_LEAST_MB, PHASES_EACH_MB = 800, 5
# Bins of a table of jumps where a campaign names starting points, as cloud.FINER has it.
BINS_WITH_STARTS = 4 * BINS
# Points of a measurement that has no file to look at.
USUAL_POINTS = 1000
# Bytes of a text file in which lines are counted; the rest is taken to be alike.
LOOK_BYTES = 1 << 16
_BINARY = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5")


def planned_mb(
    sizes: Sizes, settings: Settings, engine: str, device: str, attempt: int = 1, finished: float = 0.0
) -> int:
    """Memory to ask a scheduler for, MB: the prediction and a margin, as many times as the job is tried.

    Parameters
    ----------
    engine : str
        See planned_engine.
    device : str
        ``cuda``, or else ``cpu``.
    attempt : int
        1 for the first; a job that had too little asks for more.
    finished : float
        MiB of the results that it holds of groups which it sampled before, see finished_mib.
    """
    found = STAGE_MIB + finished + peak_mib(sizes, settings, engine)
    least = LEAST_WITH_GPU_MB if device == "cuda" else LEAST_MB
    return attempt * max(math.ceil(MARGIN * found * MB_PER_MIB), least)


def job_mb(sizes: Sizes, settings: Settings, engine: str, device: str, attempt: int, draws: int, store: str) -> int:
    """Memory to ask for a job that samples groups of these sizes, on a CPU some after the others; see planned_mb.

    ``draws`` and ``store`` say what of a run is kept.
    """
    if device != "cpu":
        return planned_mb(sizes, settings, engine, device, attempt)
    some = replace(sizes, groups=groups_at_once(sizes, settings, device, engine))
    finished = finished_mib(some, settings, sizes.groups - some.groups, draws, store)
    return planned_mb(some, settings, engine, device, attempt, finished)


def finished_mib(sizes: Sizes, settings: Settings, groups: int, draws: int, store: str) -> float:
    """MiB that a job holds of so many groups of these sizes which it has sampled and not yet written."""
    sweeps, rungs = usual_sweeps(sizes, settings), usual_rungs(sizes, settings)
    each = draws_bytes(sweeps, settings.chains, rungs, sizes.members * sizes.slots, draws, store)
    return groups * each / MIB


def phases_mb(spec: PhasesSpec, attempt: int = 1) -> int:
    """Memory to ask a scheduler for, MB, where phases are searched: it grows with the patterns of all structures."""
    try:
        structures = len(cif_files(map(Path, spec.library)))
    except OSError:
        structures = 0
    return attempt * (PHASES_LEAST_MB + PHASES_EACH_MB * structures)


def predicted_mib(target: Target, settings: Settings, starts: bool) -> tuple[float, float] | None:
    """Peak memory of a job that samples a target with these settings, MiB: expected, and at most; None with a GPU."""
    if target.device.type != "cpu":
        return None
    sizes = sizes_of_target(target, BINS_WITH_STARTS if starts else BINS)
    engine = choose(target, settings.engine).engine
    return STAGE_MIB + peak_mib(sizes, settings, engine), STAGE_MIB + most_mib(sizes, settings, engine)


def groups_at_once(sizes: Sizes, settings: Settings, device: str, engine: str) -> int:
    """Groups of a batch to be sampled at once: on a CPU some that fit CPU_JOB_MIB, with a GPU what fits its memory.

    All of its memory, not what is free just now: a job that was killed finds its checkpoint only if its batches are
    those of before. For the same reason the bound on a CPU is a constant; a group that does not fit is run alone.
    ``engine`` is that of planned_engine, for a CPU. A model that turns out not to suit kernels takes more than is
    foretold here, and is halved when it does not fit.
    """
    if device != "cuda":
        few, many = (peak_mib(replace(sizes, groups=n), settings, engine) for n in (1, 1025))
        left = CPU_JOB_MIB - STAGE_MIB - few
        return min(sizes.groups, MOST_ON_CPU, 1 + max(int(1024 * left / (many - few)), 0))
    _, whole = torch.cuda.mem_get_info()
    engine = "eager" if settings.engine == "eager" else "cuda"
    return min(sizes.groups, groups_that_fit(sizes, settings, engine, whole / MIB))


def measured_mib() -> float:
    """Largest resident memory of this process so far, MiB.

    Linux hands the peak that getrusage knows down to children, so the process's own record comes first.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024.0
    except (OSError, StopIteration):
        unit = 1024.0**2 if sys.platform == "darwin" else 1024.0
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def memory_words(measured: float, predicted: tuple[float, float] | None) -> str:
    """What a job says of its memory at its end."""
    if predicted is None:
        return f"peak memory {measured:.0f} MiB"
    expected, most = predicted
    return f"peak memory {measured:.0f} MiB, predicted {expected:.0f} MiB, {most:.0f} MiB for the longest run allowed"


def sizes_of(spec: CandidateSpec, shape: tuple[int, int, int], precision: str) -> Sizes:
    """Sizes of the target of a candidate for so many groups, members and points, in the precision of a campaign."""
    item = 8 if precision == "float64" else 4
    each = [(part.count, parameter) for part in spec.parts for parameter in part.parameters]
    each += [(1, parameter) for parameter in (*spec.common, *spec.noise.parameters)]
    slots = sum(count for count, _ in each)
    moving = sum(count for count, parameter in each if not parameter.prior.fixed)
    terms = sum(part.count for part in spec.parts)
    return Sizes(*shape, slots, moving, terms, item, BINS_WITH_STARTS if spec.starts else BINS)


def planned_engine(spec: CandidateSpec, asked: str) -> str:
    """Engine that a candidate will be run by on a CPU, as far as can be told without data."""
    noise = noise_models.get(spec.noise.model)
    if asked == "eager" or noise.point is None or find_spec("numba") is None:
        return "eager"
    components = [part.build() for part in spec.parts]
    if any(component.column for component in components):
        return "eager"
    try:
        for component in components:
            if not isinstance(component, Operator):
                component_source(component, noise, True)
    except NotScalar:
        return "eager"
    return "cpu"


def points_of(rows: Sequence[MeasurementRow], treated: Path) -> int:
    """Points of the longest measurement, about: of the largest file, its own number where it is preprocessed.

    Opens one file, for planning is to be quick. What a treatment cuts off is not known before, but for rebinning.

    Parameters
    ----------
    treated : Path
        Folder of the preprocessed measurements.
    """
    done = [path for row in rows if _size(path := treated / f"{row.id}.h5")]
    if done and (points := stored_points(max(done, key=_size))):
        return points
    simulated = max((row.made.points for row in rows if row.made is not None), default=0)
    if simulated:
        return simulated
    row = max(rows, key=lambda row: _size(row.file))
    return max(_lines(row.file) // row.treatment.rebin, 1)


def _size(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _lines(path: Path) -> int:
    """Lines of a text file, about; the usual number of points for what is no text or not there."""
    size = _size(path)
    if not size or path.suffix.lower() in _BINARY:
        return USUAL_POINTS
    try:
        with path.open("rb") as file:
            head = file.read(LOOK_BYTES)
    except OSError:
        return USUAL_POINTS
    lines = max(head.count(b"\n"), head.count(b"\r"))
    return math.ceil(lines * size / len(head)) if lines else USUAL_POINTS
