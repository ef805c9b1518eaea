"""Parts of a batch that are sampled at once: measurements that are alike, as many as the device holds."""

from __future__ import annotations

from collections import deque

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.specs import CandidateSpec
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.engines.choose import choose
from bayesbeam.stages.build import row_precision
from bayesbeam.stages.memory import groups_at_once, planned_engine, sizes_of
from bayesbeam.stages.resources import NO_GPU, choose_device, settings_of, why_no_gpu
from bayesbeam.targets.base import Target


def parts_of(
    campaign: LoadedCampaign, spec: CandidateSpec, measurements: list[Measurement]
) -> deque[list[Measurement]]:
    """Measurements to be sampled at once: alike, and no more than the device holds."""
    sampling = campaign.campaign.sampling
    parts: deque[list[Measurement]] = deque()
    device, engine = choose_device(sampling.device, sampling.engine), planned_engine(spec, sampling.engine)
    for alike in _alike(spec, measurements, sampling.precision):
        sizes = sizes_of(spec, (len(alike), 1, alike[0].x.size), sampling.precision)
        number = -(-len(alike) // groups_at_once(sizes, settings_of(campaign), device, engine))
        most = -(-len(alike) // number)  # as many in each, so that none is left to a last short one
        parts.extend(alike[start : start + most] for start in range(0, len(alike), most))
    return parts


def choice_words(target: Target, asked: str, device: str) -> str:
    """What a job says of its engine and device, and why they are not the fastest that there may be."""
    engine, reason = choose(target, asked)
    words = f"engine {engine}" + (f", for {reason}" if reason else "")
    failed = why_no_gpu() if device == "auto" and asked != "cpu" else ""
    return words if failed in ("", NO_GPU) else f"{words}; on the CPU, for {failed}"


def _alike(spec: CandidateSpec, measurements: list[Measurement], precision: str) -> list[list[Measurement]]:
    """Measurements of equal length and precision together: padding or rounding would change the last bit of a sum."""
    kinds: dict[tuple[int, str], list[Measurement]] = {}
    for m in measurements:
        kinds.setdefault((m.x.size, str(row_precision(spec, [[m]], precision))), []).append(m)
    return list(kinds.values())
