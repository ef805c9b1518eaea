"""What multiplied posteriors say of a group, ready for files: who disagrees, in what, and the shared parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.specs import CandidateSpec
from bayesbeam.integration.conflict import Dissent, dissent
from bayesbeam.integration.single import Single
from bayesbeam.integration.two_stage import Product
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.stages.rates import signal_unit
from bayesbeam.stages.singles import Singles
from bayesbeam.stages.statistics import statistics
from bayesbeam.units import resolve_unit

FloatArray = NDArray[np.float64]

DRAWS = 8000


def conflict_rows(singles: Singles, together: Product) -> list[dict[str, Any]]:
    """Each measurement against the others, a row a shared parameter.

    Parameters
    ----------
    together : Product
        All of them multiplied.
    """
    found = dissent(singles.each, singles.prior, together)
    return [row for one, single in zip(found, singles.each, strict=True) for row in _rows(singles, single, one)]


def _rows(singles: Singles, single: Single, one: Dissent) -> list[dict[str, Any]]:
    """Rows of one measurement."""
    rest = one.rest.draw(DRAWS) if isinstance(one.rest, Product) else one.rest.draws
    own, others = singles.values(single.draws), singles.values(rest)
    whole = {
        "gain": one.gain,
        "gain_standard_error": one.standard_error,
        "chi_square": one.tension.chi_square,
        "freedom": one.tension.freedom,
        "p_value": one.tension.p_value,
        "doubt": one.doubt,
    }
    return [
        {
            "measurement": one.member,
            "parameter": name,
            "index": index,
            "mean": float(own[:, k].mean()),
            "sd": float(own[:, k].std()),
            "rest_mean": float(others[:, k].mean()),
            "rest_sd": float(others[:, k].std()),
            "difference": float(own[:, k].mean() - others[:, k].mean()),
            "tension": float(one.tension.z[k]),
            **whole,
        }
        for k, (name, index) in enumerate(singles.names)
    ]


def whole_record(singles: Singles, together: Product, first: Measurement, spec: CandidateSpec) -> Record:
    """Shared parameters of all measurements multiplied, as draws and as rows of a table."""
    draws = singles.values(together.draw(DRAWS))
    columns = [
        {
            "name": name,
            "index": index,
            "unit": resolve_unit(unit, first.x_unit, signal_unit(spec, first)),
            "kind": "parameter",
            "measurement": None,
        }
        for (name, index), unit in zip(singles.names, singles.units, strict=True)
    ]
    rows = []
    for k, column in enumerate(columns):
        rest = {key: value for key, value in column.items() if key != "name"}
        numbers = statistics(draws[None, :, k]) | {"ess": together.effective_points, "rhat": None}
        rows.append({"parameter": column["name"], **rest, **numbers})
    facts = {"columns": columns, "labels": [], "rows": rows, "effective_draws": float(together.effective_draws.min())}
    return Record({"draws": draws[None], "prior_draws": np.empty((0, len(columns)))}, facts)
