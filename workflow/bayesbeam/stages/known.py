"""What is known exactly of a parameter: in place of the statistics of draws, or beside those of a sampler."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bayesbeam.io.samples import Record
from bayesbeam.sampling.solved import ENGINE, QUANTILES
from bayesbeam.targets.quantities import Quantity
from bayesbeam.targets.sum import SumTarget

NAMES = ("q025", "q16", "median", "q84", "q975")
assert len(NAMES) == len(QUANTILES)


def known_of(target: SumTarget, q: Quantity, record: Record, row: Mapping[str, Any]) -> dict[str, float]:
    """Entries of a row that its exact solution gives; none where there is no such solution.

    Of what was solved the statistics are the exact ones; of what was sampled the exact mean and sd stand beside them,
    with ``z``, the difference of the means over the standard error of the sampled one.
    """
    if "exact_mean" not in record.arrays or q.kind == "derived":
        return {}
    member = q.member or 0
    slot = next(j for j, one in enumerate(target.slots) if (one.name, one.index) == (q.name, q.index))
    mean, sd = (float(record.arrays[name][member, slot]) for name in ("exact_mean", "exact_sd"))
    if not math.isfinite(mean):
        return {}
    if record.facts["engine"] == ENGINE:
        values = record.arrays["exact_quantiles"][:, member, slot]
        quantiles = {name: float(value) for name, value in zip(NAMES, values, strict=True) if math.isfinite(value)}
        return {"mean": mean, "sd": sd} | quantiles
    error = sd / math.sqrt(row["ess"]) if row["ess"] > 0 else math.nan
    z = (row["mean"] - mean) / error if error > 0 else math.nan
    return {"exact_mean": mean, "exact_sd": sd, "z": z}
