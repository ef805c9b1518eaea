"""Members of a batch that cannot be sampled while others can, and batches that memory does not hold.

Decides who is set aside and what is said of it. What is sampled with whom changes no number, so a batch that fails is
taken apart until the member that it fails for is alone.
"""

from __future__ import annotations

import resource
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import torch

from bayesbeam.errors import ConfigError, DataError, ModelError, SamplingError, StoreError, unforeseen
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.checkpoint import Interrupted
from bayesbeam.stages.keep import say
from bayesbeam.stages.pack import REFUSED

_NOBODYS_FAULT = (Interrupted, StoreError, ConfigError)
_MEMBERS_FAULT = (DataError, ModelError)
# What PyTorch says where a plain RuntimeError means that memory did not suffice.
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory")


class Aside:
    """Measurements of one job that failed, each alone, with the reason.

    Parameters
    ----------
    tag : str
        Expanded candidate that the job samples.
    """

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._found: dict[str, Exception] = {}

    def names(self) -> set[str]:
        """Return the measurements that are set aside so far."""
        return set(self._found)

    def attempt(self, m: Measurement, question: Callable[[], str]) -> str:
        """Return what a question about one measurement answers; nothing, and set it aside, where asking fails."""
        try:
            return question()
        except Exception as problem:
            self.split([m], problem)
            return ""

    def split(self, alike: list[Measurement], problem: Exception) -> list[list[Measurement]]:
        """Two halves of a batch that failed, to be tried each; none where a single one failed, which is set aside.

        Raises
        ------
        Exception
            ``problem`` itself where taking the batch apart does not help.
        SamplingError
            If memory does not hold even one measurement.
        """
        if isinstance(problem, _NOBODYS_FAULT):
            raise problem
        few = out_of_memory(problem)
        if len(alike) < 2:
            if few:
                raise too_large(self._tag, problem) from problem
            self._set_aside(alike[0].id, problem)
            return []
        middle = len(alike) // 2
        if few:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            where = "memory of the GPU" if isinstance(problem, torch.OutOfMemoryError) else "memory of this job"
            say(f"{self._tag}: the {where} does not hold {len(alike)} measurements at once; going on with {middle}")
        else:
            say(f"{self._tag}: {problem}. One of {len(alike)} measurements is the cause; going on with {middle}")
        return [alike[:middle], alike[middle:]]

    def records(self, keys: Mapping[str, str], others: bool) -> dict[str, Record]:
        """Records that refuse the candidate for what was set aside.

        Parameters
        ----------
        keys : mapping
            Key of every measurement.
        others : bool
            Whether the job had a result for any other measurement.

        Raises
        ------
        Exception
            If none had, and the reason is neither in the data nor in the model: then it is no matter of one of them.
        """
        unexpected = [one for one in self._found.values() if not isinstance(cause_of(one), _MEMBERS_FAULT)]
        if unexpected and not others and len(unexpected) == len(self._found):
            raise unexpected[0]
        return {name: Record({}, {"key": keys[name], REFUSED: self._reason(name)}) for name in self._found}

    def _set_aside(self, name: str, problem: Exception) -> None:
        """Keep a reason, and nothing of the arrays that the exception holds on to."""
        if not isinstance(cause_of(problem), _MEMBERS_FAULT):
            say("".join(traceback.format_exception(problem)).rstrip())
        traceback.clear_frames(problem.__traceback__)
        self._found[name] = problem
        say(f"{self._tag}: measurement {name} is set aside")

    def _reason(self, name: str) -> str:
        """Why a measurement was set aside, in words."""
        problem = self._found[name]
        if isinstance(cause_of(problem), (*_MEMBERS_FAULT, SamplingError)):
            return str(problem)
        return unforeseen(f"measurement {name}: candidate {self._tag}", problem)


def cause_of(problem: BaseException) -> BaseException:
    """What an exception was raised from, or itself."""
    return problem.__cause__ if isinstance(problem, SamplingError) and problem.__cause__ is not None else problem


def out_of_memory(problem: BaseException) -> bool:
    """Whether an exception says that memory did not suffice, of a GPU or of this process."""
    if isinstance(problem, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(problem, RuntimeError) and any(words in str(problem).lower() for words in _NO_MEMORY)


def too_large(tag: str, problem: BaseException) -> SamplingError:
    """What is said where not even one analysis fits."""
    said = (str(problem).splitlines() or [type(problem).__name__])[0]
    if isinstance(problem, torch.OutOfMemoryError):
        return SamplingError.at(
            f"candidate {tag}",
            f"more numbers than the memory of the GPU holds ({said})",
            "a device that holds one analysis",
            "Write device: cpu in the campaign's sampling, or free the GPU of other programs.",
        )
    return SamplingError.at(
        f"candidate {tag}",
        f"more numbers than memory holds ({said}); {free_mib():.0f} MiB are left to this job",
        "memory that holds one analysis",
        "Give the job more memory (mem_mb, ulimit -v), or lower chains or max_sweeps in the campaign's sampling.",
    )


def free_mib() -> float:
    """Memory that this process may still take, MiB: of the machine, of its control group, of its own limits."""
    left = [float(psutil.virtual_memory().available)]
    used = psutil.Process().memory_info()
    for limit, taken in ((resource.RLIMIT_AS, used.vms), (resource.RLIMIT_DATA, getattr(used, "data", 0))):
        soft, _ = resource.getrlimit(limit)
        left += [float(soft - taken)] if soft != resource.RLIM_INFINITY else []
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        left.append(
            float((group / "memory.max").read_text(encoding="ascii"))
            - float((group / "memory.current").read_text(encoding="ascii"))
        )
    return max(min(left), 0.0) / 2**20
