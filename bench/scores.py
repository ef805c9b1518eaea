"""What the runs of one contender say: bias and root mean square error of F, and cost to a standard error of 0.1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contenders import Contender
from bench.problem import GOLD

WANTED = 0.1
# A bias beyond so many of its standard errors is marked, from so many runs on.
BIASED, FEWEST = 2.5, 5


@dataclass(frozen=True)
class Score:
    """Summary of the runs of one contender with one number of peaks.

    Attributes
    ----------
    bias, bias_error, rmse : float, nats
        Of F against the gold value.
    stated : float, nats
        Root mean square of the standard errors it states; nan where it states none.
    cost : float, CPU seconds
        To an RMSE of 0.1.
    cost_as_stated : float, CPU seconds
        To a stated standard error of 0.1.
    """

    runs: int
    cpu_seconds: float
    bias: float
    bias_error: float
    rmse: float
    stated: float
    cost: float
    cost_as_stated: float
    compile_seconds: float
    peak_mib: float
    imports_mib: float
    reliable: str

    @property
    def biased(self) -> bool:
        """Whether the bias is more than chance; then no cost buys the error that is wanted."""
        return self.runs >= FEWEST and abs(self.bias) > BIASED * self.bias_error


def score(contender: Contender, count: int, records: Sequence[dict[str, Any]]) -> Score:
    """Summary of runs.

    Notes
    -----
    Variances fall as one over cost. A contender that stops at the error it was told costs what its runs cost, and more
    if its RMSE is larger than told, but never less: it could not have known. For the others cost is scaled to the RMSE
    that is wanted, up or down.
    """
    values = [record["value"] for record in records]
    error = np.array([value["free_energy_exc"] for value in values]) - GOLD[count][0]
    cpu = float(np.mean([value["cpu_seconds"] for value in values]))
    claims = [value["stated_standard_error"] for value in values]
    stated = math.nan if None in claims else float(np.sqrt(np.mean(np.square(claims))))
    rmse = float(np.sqrt(np.mean(error**2)))
    cost, as_stated = cpu * (rmse / WANTED) ** 2, cpu * (stated / WANTED) ** 2
    if contender.stops_at_target:
        cost, as_stated = max(cost, cpu), cpu
    verdicts = [value["reliable"] for value in values]
    return Score(
        runs=len(values),
        cpu_seconds=cpu,
        bias=float(error.mean()),
        bias_error=float(error.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan,
        rmse=rmse,
        stated=stated,
        cost=cost,
        cost_as_stated=as_stated,
        compile_seconds=max(value["compile_seconds"] for value in values),
        peak_mib=max(record["peak_mib"] for record in records),
        imports_mib=max(record["imports_mib"] for record in records),
        reliable="-" if None in verdicts else f"{sum(verdicts)}/{len(verdicts)}",
    )
