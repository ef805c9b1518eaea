"""Types of the section ``treatments``: how a data file becomes a measurement.

Decides keys, defaults and meanings; the steps themselves are done by the preprocess stage.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from bayesbeam.config.fields import Column, Interval, PartName, PartOfFile, Real, Section, refuse
from bayesbeam.config.numbered import numbered


class Read(Section):
    """How the numbers are found in a file."""

    format: Literal["auto", "text", "nexus", "xrdml", "gsas", "cif"] = Field(
        "auto", description="File format; auto looks at the file's name and first bytes."
    )
    x: Column | None = Field(
        0,
        description="Column of x: its number (the first is 0) or its name; null: the file has none, x is the number of "
        "the point (the channel), from 1, and y the first column unless stated.",
        examples=["energy"],
    )
    y: Column = Field(1, description="Column of y: number or name.", examples=["counts"])
    uncertainty: Column | None = Field(
        None, description="Column of the standard uncertainty of y; none if the file has none.", examples=[2]
    )
    columns: dict[PartName, Column] = Field(
        default_factory=dict,
        max_length=1000,
        description="Further columns of numbers, for parts with component: column: names of one's own with number or "
        "name in the file, or a list of names of the file, in which c01..c60 stands for sixty.",
        examples=["[size, width]", "{load: 3}"],
    )
    delimiter: Literal["auto", ",", ";", "tab", "space"] = Field("auto", description="What separates the columns.")
    decimal: Literal[".", ","] = Field(".", description="Decimal sign of the numbers.")
    comment: str = Field("#", max_length=8, description="Lines that start with this are skipped.")
    skip: int = Field(0, ge=0, le=100_000, description="Lines to skip at the top of the file.")
    points: int | None = Field(
        None,
        ge=1,
        le=2_000_000,
        description="Number of points of a complete file; one that has another number is refused as truncated.",
        examples=[1023],
    )
    dataset: PartOfFile | None = Field(
        None,
        description="Part of the file: HDF5: path of the NXdata group; .xrdml: number of the scan, sum (scans over "
        "equal positions are added) or join (one after the other); GSAS: number of the bank; CIF: name of the block; "
        "images: number of the frame, or sum.",
        examples=["/entry/data", 2, "sum"],
    )

    @model_validator(mode="before")
    @classmethod
    def _one_column(cls, value: Any) -> Any:
        """Without a column of x the first one is y."""
        numbered = isinstance(value, dict) and "x" in value and value["x"] is None
        return {"y": 0, **value} if numbered else value

    @field_validator("columns", mode="before")
    @classmethod
    def _named_as_in_the_file(cls, value: Any) -> Any:
        """A list of names stands for columns that are called so."""
        if not isinstance(value, list):
            return value
        for name in value:
            if value.count(name) > 1:
                refuse(f"the column {name!r} twice", "every column once", "Remove one.")
            if not isinstance(name, str):
                remedy = "Write names of your own: {load: 3}."
                refuse(f"a list with {name!r}", "names of the file's columns", remedy)
        return {name: name for text in value for name in numbered(text)}


class Axis(Section):
    """What x is."""

    quantity: str = Field("x", max_length=80, description="Name of x on axes.", examples=["binding energy"])
    unit: str = Field("", max_length=40, description="Unit of x in the file.", examples=["eV"])
    calibration: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Table of what x in the file means, a file like the data files: its first column has x of the "
        "file, its second what it is, in axis.unit; between rows go straight lines, and beyond them nothing.",
        examples=["data/velocity.csv"],
    )
    convert_to: str | None = Field(
        None,
        max_length=40,
        description="Unit to convert x to; 2theta (degree), d (angstrom) and Q (1/angstrom) become each other with the "
        "wavelength of the instrument.",
        examples=["nm"],
    )
    offset: Real = Field(0.0, description="Added to x, in the unit after conversion.", examples=[-0.35])
    decreasing: bool = Field(False, description="Draw the axis from large to small, as for binding energies.")


class Signal(Section):
    """What y is."""

    quantity: str = Field("intensity", max_length=80, description="Name of y on axes.")
    unit: str = Field("", max_length=40, description="Unit of y.", examples=["counts"])
    counts: bool = Field(False, description="Whether y are numbers of counted events, needed for Poisson noise.")
    transform: Literal["none", "log"] = Field(
        "none",
        description="log: analyse the natural logarithm of y, as for reflectance; it is taken last, its uncertainty is "
        "that of y over y, and y must be above 0.",
    )


GEOMETRY = ("source_mm", "specimen_mm", "detector_mm", "slit_mm", "divergence_deg", "soller_deg", "zero_sd_deg")
"""What is known of an instrument that shows in the form and the place of lines."""


class Instrument(Section):
    """What is known of the instrument where the data file does not say it, or not right."""

    wavelength_angstrom: Real | None = Field(
        None,
        gt=0,
        le=100,
        description="Wavelength, of K alpha 1 in a doublet; it takes the place of all wavelengths of the file.",
        examples=[1.5405929],
    )
    wavelength_2_angstrom: Real | None = Field(
        None, gt=0, le=100, description="Second wavelength, such as K alpha 2.", examples=[1.5444274]
    )
    ratio: Real | None = Field(
        None, gt=0, le=10, description="Intensity of the second wavelength over that of the first.", examples=[0.5]
    )
    geometry: str | None = Field(
        None, min_length=1, max_length=200, description="Geometry in words.", examples=["Bragg-Brentano"]
    )
    radius_mm: Real | None = Field(None, gt=0, description="Radius of the goniometer.", examples=[173])
    monochromator: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Monochromator, and the beam that it stands in.",
        examples=["graphite, diffracted beam"],
    )
    temperature_K: Real | None = Field(None, gt=0, description="Temperature of the sample.", examples=[295])
    source_mm: Real | None = Field(
        None, gt=0, description="Length of the source along the axis of the goniometer; for `cell_report` of phases, "
        "as all that follows.", examples=[12],
    )  # fmt: skip
    specimen_mm: Real | None = Field(
        None, gt=0, description="Length of what the beam meets of the specimen, along the axis.", examples=[15]
    )
    detector_mm: Real | None = Field(
        None, gt=0, description="Length of the detector or its slit, along the axis.", examples=[15]
    )
    slit_mm: Real | None = Field(None, gt=0, description="Width of the slit before the detector.", examples=[0.2])
    divergence_deg: Real | None = Field(
        None, gt=0, le=10, description="Angle of the beam in the plane of diffraction.", examples=[1.05]
    )
    soller_deg: Real | None = Field(
        None, gt=0, le=30, description="Whole angle that Soller slits let pass along the axis, of both beams.",
        examples=[6.8],
    )  # fmt: skip
    zero_sd_deg: Real | None = Field(
        None, gt=0, le=1, description="How well the zero of 2theta is known, a standard deviation.", examples=[0.002]
    )

    @model_validator(mode="after")
    def _whole_doublet(self) -> Self:
        """A second wavelength stands beside a first one, with its intensity."""
        doublet = [self.wavelength_angstrom, self.wavelength_2_angstrom, self.ratio]
        if doublet[1:] != [None, None] and None in doublet:
            refuse("a part of a doublet", "both wavelengths and their ratio", "Write all three, or the first alone.")
        return self

    def stated(self) -> dict[str, float | str]:
        """Facts that the campaign states, by their words."""
        return self.model_dump(exclude_none=True)


class Image(Section):
    """How images of an area detector become patterns over 2theta (degree), by pyFAI."""

    geometry: str = Field(
        ...,
        min_length=1,
        max_length=500,
        description="Geometry and wavelength: the .poni file that pyFAI's calibration saved, relative to the sheet.",
        examples=["data/detector.poni"],
    )
    mask: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Image of the same size: pixels that are not 0 there are left out, besides gaps of the detector "
        "and pixels that are negative or overflown.",
        examples=["data/beamstop.edf"],
    )
    points: int = Field(
        1000,
        ge=50,
        le=100_000,
        description="Points of the pattern; a ring without a pixel gives none.",
        examples=[2500],
    )
    error: Literal["poisson", "azimuthal"] = Field(
        "poisson",
        description="Uncertainty of a point: poisson, by counting, for pixels that count photons; azimuthal, by the "
        "scatter within a ring, for all others and for grains that are few.",
    )
    polarisation: Real | None = Field(
        None,
        ge=-1,
        le=1,
        description="Divided out: 0.99 for a synchrotron (polarised horizontally). None for tubes: what a tube does is "
        "in the calculated intensities.",
        examples=[0.99],
    )


class Uncertainty(Section):
    """Where the standard uncertainty of every point comes from."""

    source: Literal["none", "column", "counts", "value", "estimate"] = Field(
        "none",
        alias="from",
        description="column: from the file (the default where read.uncertainty is set); counts: square root of the "
        "counts; value: the same for all points; estimate: a robust estimate from second differences; none.",
    )
    value: Real | None = Field(None, gt=0, description="The uncertainty, with from: value.", examples=[0.1])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.source == "value" and self.value is None:
            refuse("from: value without a value", "value: <number>", "Add the uncertainty as value.")
        if self.source != "value" and self.value is not None:
            refuse(f"a value with from: {self.source}", "from: value", "Write from: value, or remove value.")
        return self


class Treatment(Section):
    """How a file becomes a measurement; each step is written into the results."""

    read: Read = Field(default_factory=Read, description="Where the numbers are in the file.")
    axis: Axis = Field(default_factory=Axis, description="What x is.")
    signal: Signal = Field(default_factory=Signal, description="What y is.")
    instrument: Instrument = Field(
        default_factory=Instrument, description="Facts of a diffractometer, which go before those of the file."
    )
    image: Image | None = Field(None, description="How images become patterns; without it files hold columns.")
    range: Interval | None = Field(
        None, description="Part of x that is kept, after conversion and offset.", examples=["[282, 294]"]
    )
    mask: tuple[Interval, ...] = Field((), description="Parts of x that are left out.", examples=["[[284.9, 285.1]]"])
    repeats: Literal["refuse", "keep"] = Field(
        "refuse", description="Whether several points may have the same x, as in designed experiments."
    )
    rebin: int = Field(1, ge=1, le=10_000, description="Neighbouring points joined into one.", examples=[2])
    normalise: Literal["none", "maximum", "area", "mean"] = Field(
        "none", description="What y (and its uncertainty) is divided by."
    )
    uncertainty: Uncertainty = Field(default_factory=Uncertainty, description="Where the uncertainty of y comes from.")

    @model_validator(mode="before")
    @classmethod
    def _column_means_column(cls, value: Any) -> Any:
        """An uncertainty column that is named, or that of an image, is used, unless the campaign says otherwise."""
        if isinstance(value, dict) and "uncertainty" not in value:
            if value.get("image") is not None:
                return {**value, "uncertainty": {"from": "column"}}
            read = value.get("read")
            named = read.uncertainty if isinstance(read, Read) else isinstance(read, dict) and read.get("uncertainty")
            if named is not None and named is not False:
                return {**value, "uncertainty": {"from": "column"}}
        return value

    @model_validator(mode="after")
    def _columns_or_image(self) -> Self:
        """An image has no columns, and its points are no counts."""
        if self.image is None:
            return self
        if self.read != Read(dataset=self.read.dataset):
            refuse("image beside read", "one of the two", "Leave no more of read than dataset: images have no columns.")
        if self.signal.counts:
            refuse("counts: true beside image", "counts: false", "Points of an image are means over pixels.")
        return self
