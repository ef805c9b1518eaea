"""What a campaign asks of the sampler, and the device it gets."""

from __future__ import annotations

import math
import sys
import warnings
from functools import cache

import torch

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.errors import BayesbeamError, SamplingError
from bayesbeam.sampling.settings import DEFAULT_CHAINS, Settings
from bayesbeam.stages.leases import lease_device

NO_GPU = "torch sees no GPU here"


def settings_of(campaign: LoadedCampaign, members: int = 1, threads: int = 1) -> Settings:
    """Sampler settings from a campaign, for an analysis of so many measurements together on so many threads.

    A joint free energy is compared with the sum of as many separate ones, whose errors add in squares; so its own
    target may be wider by the square root of their number.
    """
    sampling = campaign.campaign.sampling
    return Settings(
        seed=sampling.seed,
        target_standard_error=sampling.target_standard_error * math.sqrt(members),
        chains=DEFAULT_CHAINS if sampling.chains == "auto" else int(sampling.chains),
        replicas=None if sampling.replicas == "auto" else int(sampling.replicas),
        max_sweeps=sampling.max_sweeps,
        draws=sampling.draws,
        engine=sampling.engine,
        threads=threads,
    )


def choose_device(asked: str, engine: str = "auto") -> str:
    """Device to compute on: ``auto`` takes a GPU where there is one that works, unless the engine asked for is ``cpu``.

    Raises
    ------
    SamplingError
        If a GPU is asked for and there is none, or its driver fails.
    """
    if _on_cpu(asked, engine):
        return "cpu"
    reason = why_no_gpu()
    if not reason:
        return "cuda"
    if asked == "cuda":
        raise SamplingError.at(
            "sampling.device", f"cuda, but {reason}", "a GPU with its driver", "Write device: auto, or cpu."
        )
    return "cpu"


def planned_device(asked: str, engine: str = "auto") -> str:
    """Device that a job will ask for, as far as planning can tell: it does not start a GPU, which takes its memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return "cpu" if _on_cpu(asked, engine) or not (asked == "cuda" or torch.cuda.is_available()) else "cuda"


def _on_cpu(asked: str, engine: str) -> bool:
    """Whether a campaign leaves no choice but the CPU."""
    return asked == "cpu" or (asked == "auto" and engine == "cpu")


@cache
def why_no_gpu() -> str:
    """Reason why no GPU can be used, in one line; empty where one works.

    A driver that is too old, or damaged, lets torch warn when it is asked, or fail at the first number. Where one
    works, a job has taken its device then: the only one, or one that others leave free.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            if torch.cuda.is_available():
                leased = lease_device(torch.cuda.device_count(), _say)
                if leased is not None:
                    torch.cuda.set_device(leased)
                torch.zeros(1, device="cuda").item()
                return ""
        except BayesbeamError:
            raise
        except Exception as error:
            return f"the GPU does not work: {_first_line(str(error))}"
    said = [_first_line(str(one.message)) for one in heard if "CUDA" in str(one.message)]
    return f"the GPU does not work: {said[0]}" if said else NO_GPU


def _say(text: str) -> None:
    """Write a line into the log of a job."""
    print(text, file=sys.stderr, flush=True)


def _first_line(text: str) -> str:
    """First line of a message, without its full stop, and no longer than a line of a terminal."""
    line = text.strip().split("\n")[0].rstrip(".")
    return line if len(line) <= 160 else f"{line[:157]}..."


def device_words(device: str) -> str:
    """Device by its name, for results."""
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"
