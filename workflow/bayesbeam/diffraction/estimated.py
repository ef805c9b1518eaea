"""A search under errors of the model that the pattern itself tells, where it is complete.

Errors that are estimated before all phases are found are as large as the lines of those that are missing; so a search
under stated errors comes first, and errors are estimated from what its settled set leaves. Where something is open
they stay as stated.
"""

from __future__ import annotations

from dataclasses import replace

from bayesbeam.diffraction.complete import complete_fit
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.search import Answer, find_phases


def searched(asked: Question, seed: int = 0, estimate: bool = False) -> tuple[Question, Answer]:
    """A question with the errors that were taken in the end, and its answer.

    Parameters
    ----------
    estimate : bool
        Whether to search once more under the errors of intensities and forms that the settled set of the first search
        tells, if it leaves no unknown lines. They are within an eighth and four times those stated.
    """
    answer = find_phases(asked, seed)
    if not estimate:
        return asked, answer
    settled = complete_fit(asked, answer.fit)
    if not settled.estimated:
        return asked, answer
    anew = replace(asked, tolerance=settled.tolerance)
    return anew, find_phases(anew, seed)
