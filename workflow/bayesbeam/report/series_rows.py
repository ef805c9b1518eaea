"""Tables of what happens along series, and of cells; each is written where it has a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bayesbeam.report.cell_words import cell_report_rows
from bayesbeam.report.change_rows import change_rows, turn_rows
from bayesbeam.report.laws_view import law_rows
from bayesbeam.report.records import Results
from bayesbeam.report.splitting_view import splitting_rows, transition_rows
from bayesbeam.report.table_columns import Rows

SERIES_ROWS: Mapping[str, Callable[[Results], Rows]] = {
    "changes": change_rows,
    "turns": turn_rows,
    "laws": law_rows,
    "splitting": splitting_rows,
    "transitions": transition_rows,
    "cell_report": cell_report_rows,
}
