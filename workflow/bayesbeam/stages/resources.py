"""What a campaign asks of the sampler, and the device it gets."""

from __future__ import annotations

import math

import torch

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.errors import SamplingError
from bayesbeam.sampling.settings import DEFAULT_CHAINS, Settings


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


def choose_device(asked: str) -> str:
    """Device to compute on: ``auto`` takes a GPU where there is one.

    Raises
    ------
    SamplingError
        If a GPU is asked for and there is none.
    """
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise SamplingError.at(
            "sampling.device",
            "cuda, but torch sees no GPU here",
            "a GPU with its driver",
            "Write device: auto, or cpu.",
        )
    return "cuda" if there and asked in ("auto", "cuda") else "cpu"


def device_words(device: str) -> str:
    """Device by its name, for results."""
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"
