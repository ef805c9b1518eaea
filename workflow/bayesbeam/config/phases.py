"""Types of the section ``phases`` of a candidate: crystalline phases that a powder pattern may have, from a library.

Decides keys and defaults; whether a library and its elements are there is checked in ``phase_candidates``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from bayesbeam.config.fields import Real, Section, refuse, shown

MOST_PHASES = 40


def _places(value: Any) -> Any:
    """Return folders and files as a tuple."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not items or not all(isinstance(one, str) and one for one in items):
        refuse(shown(value), "a folder of CIFs, or a list of folders and CIFs", "Write e.g. structures.")
    return tuple(items)


def _elements(value: Any) -> Any:
    """Return chemical symbols as a tuple, or the name of a column of the sheet."""
    if isinstance(value, str) and value.strip():
        if re.search(r"[\s,;]", value.strip()):
            listed = ", ".join(re.split(r"[\s,;]+", value.strip()))
            refuse(shown(value), "a list of elements, or the name of one column of the sheet", f"Write [{listed}].")
        return value.strip()
    if not isinstance(value, list | tuple) or not value or not all(isinstance(one, str) for one in value):
        refuse(shown(value), "a list of elements, or the name of a column of the sheet", "Write e.g. [Ti, V, O].")
    return tuple(value)


_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
Places = Annotated[tuple[str, ...], BeforeValidator(_places), WithJsonSchema(_TEXTS)]
Elements = Annotated[str | tuple[str, ...], BeforeValidator(_elements), WithJsonSchema(_TEXTS)]
Share = Annotated[Real, Field(gt=0.0, le=1.0)]


class PhaseError(Section):
    """How wrong calculated lines may be: a pattern never fits to counting statistics."""

    line: Share = Field(
        0.15,
        description="Relative error of the intensity of a line, alike over the whole line: wrong structures, texture, "
        "few grains. The larger it is, the more must be seen of a phase before it is believed.",
    )
    form: Share = Field(0.10, description="Relative error of the form and the place of a line.")
    unknown: Share = Field(
        0.25, description="Error of a line where the phases have none, as a share of its height: lines of a phase that "
        "is in no library shall not call in others.",
    )  # fmt: skip
    estimate: bool = Field(
        False,
        description="true: line and form are where a search begins; if it leaves no unknown lines, they are estimated "
        "from what the set that was found leaves, and the search is done again under these, in twice the time. Where "
        "something is open they stay as stated. Left out, probabilities go with the errors as stated, and stand "
        "beside those under the estimated ones. Groups of scans are searched under those stated.",
    )


class Phases(Section):
    """Crystalline phases of a powder pattern: which structures of a library are there, see below."""

    library: Places = Field(
        description="Folder of CIFs, relative to the campaign's folder (or absolute); or a list of folders and CIFs, "
        "or of files .txt that name one a line, relative to themselves. Broken CIFs are left out by name.",
        examples=["structures", "[structures, more/ZnO.cif]"],
    )
    elements: Elements | None = Field(
        None,
        description="Elements that may be there: structures with others are left out, and the search is faster and "
        "surer. Write all of them, oxygen too; or the name of a column of the sheet, with the elements of each "
        "measurement between blanks or commas, an empty cell for all. Left out, the whole library.",
        examples=["[Ti, V, O]", "elements"],
    )
    most: int = Field(12, ge=1, le=MOST_PHASES, description="Most phases in one set.")
    expected: Annotated[Real, Field(gt=0.0, le=MOST_PHASES)] = Field(
        3.0, description="Number of phases that is expected, of a Poisson prior; which ones, nothing is known of."
    )
    cell: Annotated[Real, Field(gt=0.0, le=0.02)] = Field(
        0.002,
        description="Relative change of the edges of a cell that is usual (standard deviation): more for solid "
        "solutions and high temperatures, less where the structures are known to fit. Beyond three times as much, or "
        "1 %, nothing is found.",
    )
    texture: Annotated[Real, Field(gt=0.0, le=1.0)] = Field(
        0.15,
        description="Preferred orientation that is usual: standard deviation of the logarithm of March's r, along c; "
        "more for plates and needles.",
    )
    width: Annotated[Real, Field(gt=0.0, le=2.0)] = Field(
        0.35,
        description="By how much lines of one phase may be wider or narrower than those of another: standard deviation "
        "of the logarithm of the Lorentzian widths that go with size and strain.",
    )
    low_angle_loss: Annotated[Real, Field(ge=0.0, le=1.0)] = Field(
        0.1,
        description="Standard deviation of q in the factor exp(-q / sin(theta)) of all intensities: what a flat "
        "specimen loses where it is rough, or the beam is wider than it. 0.1 takes 21 % at a 2theta of 50 "
        "degrees, 25 % at 40 and 44 % at 20. 0 where nothing is lost. A capillary has none.",
    )
    background: int = Field(
        14,
        ge=3,
        le=40,
        description="Number of smooth curves that the background is made of: Chebyshev polynomials, and 1/x for the "
        "scatter of air. A hump of glass, capillary or polymer takes more, about 2.5 times the range over its full "
        "width at half maximum: 24 for 8 degrees in a range of 80. Too few leave lines there that nothing explains; "
        "more cost little, as long as a line is far narrower than what a curve of them can follow.",
    )
    structure: Annotated[Real, Field(ge=0.0, le=1.0)] = Field(
        0.05,
        description="What weight fractions may be wrong by because a structure is not quite right: relative standard "
        "deviation of the scale of a phase. It widens intervals, and changes nothing of the search.",
    )
    grain_radius: Annotated[Real, Field(ge=0.0, le=100.0)] = Field(
        2.0,
        description="Micrometres; radii of grains have a half-normal prior of this scale. Grains that absorb more than "
        "their surroundings look like less than there is (microabsorption): weights "
        "are put right for the mean radius, 0.8 times it, and intervals are wider. 0 for fine powders.",
    )
    cell_report: bool = Field(
        False,
        description="Whether the edges of the cell of a pattern of one phase are told with a statistical and a "
        "systematic standard deviation apart: lines are then what the geometry of the instrument makes of the "
        "spectrum. Lengths are those of the treatment (`instrument: source_mm` and those after it).",
    )
    refine: Literal["none", "winners"] = Field(
        "none",
        description="winners: after the search the most probable set, and others with more than 5 % (three at most), "
        "are sampled: cells, widths and amounts are then draws of replica exchange, and not of a normal approximation "
        "around the best fit, so that skew intervals are right, and the report says whether the approximation would "
        "have done. It changes no probability of a phase, and takes much longer than the search: minutes, more with "
        "more phases.",
    )
    search: Literal["both", "exact"] = Field(
        "both",
        description="both: sets by their free energies, one after the other, and besides, as a check, all candidates "
        "at once by variational inference; the report says where that finds another set. exact: without the check, "
        "which saves the more time the more candidates there are, and changes no number.",
    )
    error: PhaseError = Field(default_factory=PhaseError, description="How wrong calculated lines may be.")
