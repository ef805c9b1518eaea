"""The table of all measurements of a large campaign, a row each, as CSV."""

from __future__ import annotations

from bayesbeam.report.many import is_many, judged_all
from bayesbeam.report.records import Results
from bayesbeam.report.table_columns import Rows


def measurement_rows(results: Results) -> Rows:
    """Best and second best model of every measurement with the verdict and its reasons; no rows for few measurements.

    Their parameters are in the table of all parameters, by measurement, candidate and count.
    """
    for one in judged_all(results) if is_many(results) else ():
        result, reasons = one.result, "; ".join(one.reasons)
        if not result.candidates:
            yield (result.id, one.verdict, *[None] * 9, reasons)
            continue
        best, second = result.best, result.ranked[1] if len(result.candidates) > 1 else None
        yield (
            result.id, one.verdict, best.candidate, best.count, best.model_probability, best.probability_error,
            best.free_energy, best.standard_error, second.candidate if second else None,
            second.count if second else None, second.model_probability if second else None, reasons or None,
        )  # fmt: skip


MANY_ROWS = {"measurements": measurement_rows}
