"""From a row of the sheet and its treatment to the options of the reader and the steps of the treatment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayesbeam.errors import DataError
from bayesbeam.io.readers import ReadOptions
from bayesbeam.io.treatment import Steps

if TYPE_CHECKING:
    from bayesbeam.config.sheet import MeasurementRow
    from bayesbeam.config.treatment import Treatment


def read_options(row: MeasurementRow) -> ReadOptions:
    """Reader's options from a treatment."""
    read, image = row.treatment.read, row.treatment.image
    if image is not None:
        for word, file in zip(("geometry", "mask"), row.image, strict=False):
            if not file.is_file():
                remedy = f"Correct it in treatments.{row.treatment_name}: it is relative to the sheet's folder."
                raise DataError.at(f"image.{word} {file.name}", "no such file", "a file", remedy)
        geometry, mask = (*map(str, row.image), "")[:2]
        return ReadOptions(
            "image", geometry=geometry, mask=mask, bins=image.points, error=image.error,
            polarisation=image.polarisation, dataset=read.dataset,
        )  # fmt: skip
    return ReadOptions(
        format=read.format,
        x=read.x,
        y=read.y,
        uncertainty=read.uncertainty,
        delimiter=read.delimiter,
        decimal=read.decimal,
        comment=read.comment,
        skip=read.skip,
        dataset=read.dataset,
        columns=tuple(read.columns.values()),
    )


def steps_of(chosen: Treatment, x_unit: str) -> Steps:
    """Steps from a treatment."""
    return Steps(
        unit=x_unit,
        convert_to=chosen.axis.convert_to,
        offset=chosen.axis.offset,
        range=chosen.range,
        mask=tuple(chosen.mask),
        repeats=chosen.repeats == "keep",
        rebin=chosen.rebin,
        counts=chosen.signal.counts,
        source=chosen.uncertainty.source,
        value=chosen.uncertainty.value,
        normalise=chosen.normalise,
        transform=chosen.signal.transform,
        columns=tuple(chosen.read.columns),
    )
