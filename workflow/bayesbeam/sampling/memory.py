"""Peak resident memory of a sampling job, from sizes that are known before it runs.

Counts what is alive where the peak may lie: the prior draws of the populations, the first curves of all of them, and
the exchanges with all that is kept. How long ladder and run will be is not known before: both are estimated from the
number of parameters and the target, and bounded by the settings. Memory on a GPU is told apart: it bounds a batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bayesbeam.sampling.jumps import BINS
from bayesbeam.sampling.settings import DEFAULT_CHAINS, MOST_REPLICAS, Settings
from bayesbeam.targets.base import Target

MIB = 2.0**20

# Those of populations.py and of ladders.py, which bring in what takes a second to import; a test keeps them equal.
ANCESTORS, SWEEPS, PRIOR_DRAWS = 16, 8, 256
LAST_BLOCKS, BLOCK, FIRST_CHECK, LIGHT = 6, 50, 100, 20000

# What a process holds that has imported the sampler and moved the smallest target by a block: interpreter, torch,
# numpy, scipy, and with compiled loops numba and their machine code, half way between reading it from the cache (358)
# and compiling it (420). Measured on Linux x86_64, torch 2.13 for CPUs, numba 0.68, Python 3.11. To measure again:
# `python -m bench single --peaks 1 --seeds 1`, and a run of one spectrum with the engine eager.
BASE_MIB = {"eager": 253.0, "cpu": 389.0}

# The C library gives arrays from this size on back when they go; of smaller ones, made and dropped in turn, it holds
# about this much more than is alive, least for curves.
LARGE = 32 * MIB
HEAP, CURVE_HEAP = 1.8, 1.3

# Arrays of the size of one uniform number each, alive while four are drawn beside four that are kept: 16 are made, but
# at no moment more than these are there (1 to 64 spectra, one to four peaks). Draws of the prior keep one of four.
UNIFORMS, PRIOR_UNIFORMS = 12, 5
# Curves alive beside those of the terms where a log-likelihood is computed, and where the caches are built anew.
LIKELIHOOD, REBUILD = 5, 6
# Records are held by the trace and, of groups at a check and of those that are done, once more.
COPIES = 2
# Arrays of the size of a group's log-likelihoods, alive while it is assessed.
ASSESSMENT = 3
# Bytes a point of the data: columns in double precision, and those of the compiled loops.
DATA = 150

# On a GPU: curves a state, padded to whole tiles, and numbers a slot of a state and a rung of a sweep.
FUSED_CURVES, NUMBERS_A_SLOT, NUMBERS_A_RUNG = 1.4, 16, 3
# Part of the memory of a GPU that a batch may fill.
DEVICE_MARGIN = 0.7

# Sweeps a parameter that ten chains need for a standard error of 0.1 nats; rungs of a ladder: of peaks on 301 and 2000
# points, K = 1..8.
SWEEPS_EACH, USUAL_ERROR = 30, 0.1
FEWEST_RUNGS, RUNGS_EACH = 6, 2.0


@dataclass(frozen=True)
class Sizes:
    """Sizes of a target.

    Attributes
    ----------
    groups, members, points : int
    slots, moving : int
        Parameters of a member, and those of them that are not fixed.
    terms : int
        Components whose curves are added.
    item : int
        Bytes of one number of a curve.
    bins : int
        Bins of the tables of jumps.
    """

    groups: int
    members: int
    points: int
    slots: int
    moving: int
    terms: int
    item: int = 4
    bins: int = BINS


def sizes_of_target(target: Target, bins: int = BINS) -> Sizes:
    """Sizes of a target."""
    item, slots, moving = target.dtype.itemsize, len(target.slots), len(target.moving)
    return Sizes(target.groups, target.members, target.points, slots, moving, len(target.terms), item, bins)


def peak_mib(
    sizes: Sizes, settings: Settings, engine: str, sweeps: int | None = None, rungs: int | None = None
) -> float:
    """Peak resident memory of a process that samples one target, MiB.

    Parameters
    ----------
    engine : str
        ``cpu`` or ``eager``.
    sweeps, rungs : int or None
        Length of the run and of the ladder; None takes the usual ones.

    Notes
    -----
    Within 20 % of the peak of runs with 1 to 64 spectra of 301 and 2000 points, one to four peaks, both engines; the
    rest is how the C library finds room. A run that needs more sweeps than usual needs more memory: see most_mib.
    Checked against: those runs (tests/unit/test_memory.py).
    """
    sweeps = usual_sweeps(sizes, settings) if sweeps is None else min(sweeps, settings.max_sweeps)
    rungs = usual_rungs(sizes, settings) if rungs is None else rungs
    cells = sizes.groups * sizes.members * settings.chains
    exchange = _kept(sizes, cells, rungs) + _record(sizes, settings, sweeps, rungs)
    if engine == "eager":
        exchange += _eager_moves(sizes, cells, rungs)
    data = DATA * sizes.groups * sizes.members * sizes.points
    return BASE_MIB[engine] + (data + max(_prior(sizes, cells, engine), exchange)) / MIB


def most_mib(sizes: Sizes, settings: Settings, engine: str) -> float:
    """Peak memory of the longest run and ladder that the settings allow, MiB."""
    return peak_mib(sizes, settings, engine, settings.max_sweeps, settings.replicas or MOST_REPLICAS)


def device_mib(sizes: Sizes, settings: Settings, engine: str) -> float:
    """Memory on a GPU that a run holds at its peak, MiB, library and driver not counted: more rather than less.

    Counts curves and numbers of all prior draws, or of all rungs of the longest ladder usual, and one block of sweeps.
    """
    cells, rungs = sizes.groups * sizes.members * settings.chains, usual_rungs(sizes, settings)
    states = cells * max(PRIOR_DRAWS, rungs)
    curves = 2 * sizes.terms + REBUILD if engine == "eager" else FUSED_CURVES
    each = curves * sizes.points * sizes.item + 8.0 * NUMBERS_A_SLOT * sizes.slots
    block = block_of(sizes) * cells * (8.0 * rungs * NUMBERS_A_RUNG + 8.0 * sizes.slots)
    if engine == "eager":
        block += UNIFORMS * 8.0 * block_of(sizes) * 2 * sizes.slots * cells * rungs
    record = _record(sizes, settings, usual_sweeps(sizes, settings), rungs)
    return (states * each + block + record + _kept(sizes, cells, rungs)) / MIB


def groups_that_fit(sizes: Sizes, settings: Settings, engine: str, whole_mib: float) -> int:
    """Groups that a run on a GPU of so much memory may have at once; one at least."""
    one = device_mib(replace(sizes, groups=1), settings, engine)
    return max(int(DEVICE_MARGIN * whole_mib / one), 1)


def usual_sweeps(sizes: Sizes, settings: Settings) -> int:
    """Sweeps after which a run usually ends: the more parameters, the more; as one over the square of the error."""
    error = (USUAL_ERROR / settings.target_standard_error) ** 2
    wanted = SWEEPS_EACH * sizes.moving * error * DEFAULT_CHAINS / settings.chains
    return min(max(math.ceil(wanted), FIRST_CHECK), settings.max_sweeps)


def usual_rungs(sizes: Sizes, settings: Settings) -> int:
    """Usual length of a ladder: its barrier grows as the root of the number of parameters."""
    if settings.replicas is not None:
        return settings.replicas
    return min(math.ceil(FEWEST_RUNGS + RUNGS_EACH * math.sqrt(sizes.moving * sizes.members)), MOST_REPLICAS)


def block_of(sizes: Sizes) -> int:
    """Sweeps of a block of exchanges, as ladders.sweeps_a_block of a target."""
    return max(1, min(BLOCK, BLOCK * LIGHT // max(sizes.points * sizes.moving, 1)))


def _held(array: float, alive: float, heap: float = HEAP) -> float:
    """Bytes held for so many arrays of equal size that come and go."""
    return array * alive * (heap if array < LARGE else 1.0)


def _prior(sizes: Sizes, cells: int, engine: str) -> float:
    """Bytes at the draws of the prior, or at their first curves where that is more."""
    states = PRIOR_DRAWS * cells
    drawn = 8.0 * states * sizes.slots
    # Compiled loops make no curves; that the prior can be computed is checked on those of one chain all the same.
    curves = states if engine == "eager" else ANCESTORS * sizes.groups * sizes.members
    row = float(curves * sizes.points * sizes.item)
    alive = max(sizes.terms + LIKELIHOOD, 2 * sizes.terms + 2)
    return max(_held(drawn, PRIOR_UNIFORMS), 4 * _held(drawn, 1) + _held(row, alive, CURVE_HEAP))


def _kept(sizes: Sizes, cells: int, rungs: int) -> float:
    """Bytes of what the populations saw, of about as many stages as there are rungs, and of jump tables on rungs."""
    # One for even chains and one for odd, of each member.
    tables = 2 * sizes.groups * sizes.members * 8 * sizes.slots * (sizes.bins + 1)
    likelihoods = 8 * ANCESTORS * (SWEEPS + 1)
    stage = cells * (likelihoods / sizes.members + 8 * ANCESTORS * sizes.slots) + tables
    last = 8 * ANCESTORS * LAST_BLOCKS * SWEEPS // 2 * sizes.slots
    return float(rungs * (stage + tables) + cells * last)


def _record(sizes: Sizes, settings: Settings, sweeps: int, rungs: int) -> float:
    """Bytes of records of all groups, and of the assessment of one."""
    chains = settings.chains
    likelihoods = 8 * sweeps * chains * rungs
    draws = 8 * min(sweeps, 2 * settings.draws) * sizes.members * chains * sizes.slots
    exchanges = 8 * sweeps * rungs
    return float(COPIES * sizes.groups * (likelihoods + draws + exchanges) + ASSESSMENT * likelihoods)


def _eager_moves(sizes: Sizes, cells: int, rungs: int) -> float:
    """Bytes of the random numbers of a block of sweeps, and of curves on all rungs."""
    words = 8.0 * block_of(sizes) * 2 * sizes.slots * cells * rungs
    row = float(cells * rungs * sizes.points * sizes.item)
    return _held(words, UNIFORMS) + _held(row, 2 * sizes.terms + REBUILD, CURVE_HEAP)
