"""Components that hold constants of nature in one unit of x, against the units that treatments state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bayesbeam.config.places import Problems
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.specs import Expanded
from bayesbeam.units import same_unit


def check_axis_units(
    members: Mapping[str, Sequence[str]],
    rows: Sequence[MeasurementRow],
    models: Mapping[str, Sequence[Expanded]],
    problems: Problems,
) -> None:
    """Note components whose x is stated in another unit; one that only the data file knows is checked with the data."""
    stated = {row.id: row.treatment.axis.convert_to or row.treatment.axis.unit for row in rows}
    treatments = {row.id: row.treatment_name for row in rows}
    for name, found in models.items():
        for index, part in enumerate(found[-1].spec.parts if found else ()):
            needed = part.build().axis_unit
            bad = [i for i in members[name] if needed and stated[i] and not same_unit(stated[i], needed)]
            if bad:
                words = f"{part.component} for {bad[0]}, whose x is in {stated[bad[0]]}"
                remedy = (
                    f"Calibrate or convert the axis of treatments.{treatments[bad[0]]}, or choose another component."
                )
                problems.add(("candidates", name, "parts", index, "component"), words, f"x in {needed}", remedy)
