"""The typed campaign: every key of campaign.yaml with its type, default and meaning.

Decides the form of a campaign file. ``config/README.md`` and ``config/schema.json`` are generated from these types;
what needs more than one section or the registries is checked in ``checks``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from bayesbeam.config.candidate import Candidate, Common, Derived, Noise, Part
from bayesbeam.config.distinguish import Distinguish, studies_of
from bayesbeam.config.fields import (
    Automatic,
    CandidateName,
    CountRange,
    FormulaText,
    Identifier,
    Interval,
    Real,
    Section,
    refuse,
    shown,
)
from bayesbeam.config.group import Integration
from bayesbeam.config.incoming import Incoming
from bayesbeam.config.laws import Laws
from bayesbeam.config.phases import PhaseError, Phases
from bayesbeam.config.shared import Shared
from bayesbeam.config.sparse import Sparse, Terms
from bayesbeam.config.splitting import Splitting
from bayesbeam.config.treatment import Axis, Image, Instrument, Read, Signal, Treatment, Uncertainty
from bayesbeam.config.virtual import Grid, Simulation, Span, Thinning
from bayesbeam.config.yaml_text import KeyPath

__all__ = [
    "Axis",
    "Campaign",
    "Candidate",
    "Common",
    "CountRange",
    "Derived",
    "Distinguish",
    "Grid",
    "Image",
    "Incoming",
    "Instrument",
    "Integration",
    "NextPoints",
    "Noise",
    "Part",
    "PhaseError",
    "Phases",
    "Read",
    "Report",
    "Sampling",
    "Series",
    "Shared",
    "Signal",
    "Simulation",
    "Span",
    "Sparse",
    "Splitting",
    "Terms",
    "Thinning",
    "Treatment",
    "Uncertainty",
]


def _device(value: Any) -> Any:
    """Return ``cuda`` for the word that people use."""
    return "cuda" if value == "gpu" else value


class Sampling(Section):
    """How well and where it is computed; nothing here changes the question."""

    target_standard_error: Annotated[Real, Field(ge=0.001, le=10)] = Field(
        0.1, description="Standard error of every free energy to reach, in nats."
    )
    seed: int = Field(2012, ge=0, lt=2**63, description="Seed of all random numbers; the same seed, the same digits.")
    device: Annotated[Literal["auto", "cpu", "cuda"], BeforeValidator(_device)] = Field(
        "auto", description="auto takes a GPU where there is one."
    )
    engine: Literal["auto", "eager", "cpu", "cuda"] = Field(
        "auto",
        description="Program that moves the chains: cpu is compiled loops and cuda kernels on a GPU, for models of "
        "scalar formulas; eager is plain torch, for any; auto takes that of the device where it can. They agree "
        "within their errors, not to the digit.",
    )
    chains: Automatic = Field(
        "auto", description="Independent chains, from which all errors are computed.", examples=[8]
    )
    replicas: Automatic = Field("auto", description="Rungs of the ladder of inverse temperatures.", examples=[24])
    precision: Literal["auto", "float32", "float64"] = Field(
        "auto",
        description="Precision of the curves; sums are always float64. auto takes float32 unless the signal is more "
        "than 3000 times its noise.",
    )
    max_sweeps: int = Field(20_000, ge=100, le=10_000_000, description="Sweeps after which a run ends in any case.")
    draws: int = Field(1000, ge=100, le=1_000_000, description="Posterior draws kept, at most, a chain.")
    store: Literal["full", "draws", "summary"] = Field(
        "full",
        description="How much of each run is kept on disk: full, every log-likelihood of every rung; draws, no more of "
        "those than posterior draws; summary, a thousand draws in all, from which means and intervals are then made. "
        "Free energies and diagnostics are of the whole run in any case. `make plan` says what each takes.",
    )
    batch: Automatic = Field(
        "auto",
        description="Measurements sampled together; never changes a number. auto takes 16, of more than 128 an eighth "
        "and at most 128; after `make plan` batches are as many as cores, with jobs of seven minutes at most.",
        examples=[16],
    )


def _series_count(value: Any) -> Any:
    """Return a count, or counts by the names of parts."""
    named = value if isinstance(value, dict) else {"": value}
    if not named or not all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in named.values()):
        refuse(shown(value), "a whole number, or one for each of some parts", "Write e.g. 3, or {sharp: 2, broad: 1}.")
    if not all(isinstance(name, str) for name in named):
        refuse(shown(value), "names of parts", "Write e.g. {sharp: 2, broad: 1}.")
    return value


class Series(Section):
    """What is followed along a column of the sheet."""

    quantity: FormulaText = Field(
        description="A quantity of the results: `part.parameter` (each peak of several), `part[2].parameter` (the "
        "second one), the name of a derived one; or a formula of such, of which the posterior is shown. Of a phase "
        "`structure.weight_fraction`, share, a ... gamma, size_factor, strain_factor or texture.",
        examples=['"band[1].position"', '"band[3].depth / band[2].depth"', "CuO-Tenorite.weight_fraction"],
    )
    against: str = Field(
        min_length=1,
        max_length=200,
        description="Column of numbers in the sheet; of a study, exposure or noise_level.",
        examples=["temperature"],
    )
    candidate: str = Field(
        "",
        description="Candidate to follow in every measurement, at its most probable count; left out, the most probable "
        "candidate of each.",
        examples=["peaks"],
    )
    count: Annotated[int | dict[str, int], BeforeValidator(_series_count)] | None = Field(
        None,
        description="Count of the candidate, instead of the most probable one; of a candidate with ranges of several "
        "parts, those of parts by their names, the most probable one of all that have them.",
        examples=["3", "{sharp: 2, broad: 1}"],
    )
    study: str = Field(
        "",
        max_length=64,
        description="Name of a study of simulate: its measurements are followed, and not those of the sheet.",
        examples=["three_peaks"],
    )
    laws: Laws = Field(
        (),
        description="Which law it follows along the column, by free energy: true for all of constant, linear, "
        "exponential, two exponentials, stretched, avrami and sigmoid, or some of them. In tables/laws.csv and on the "
        "page, with parameters.",
        examples=["true", "[constant, exponential, avrami]"],
    )
    start: Real | None = Field(
        None, description="Where the column begins to act, for laws that begin; its least value if left out.",
        examples=[120],
    )  # fmt: skip


class NextPoints(Section):
    """Where to measure next, by what the posterior draws of all candidates predict there; a number alone says how many.

    The noise is taken as that of the measurement: its own uncertainties, interpolated, or what its noise model says.
    """

    number: int = Field(
        5, ge=1, le=100, description="How many points; each after the first takes those before it as measured."
    )
    about: FormulaText = Field(
        "",
        max_length=200,
        description="The one quantity that is wanted, named as under series, or a formula; left out, every difference "
        "of the curves counts, that between candidates too.",
        examples=['"peaks[1].position"', '"lines.splitting"'],
    )
    range: Interval | None = Field(
        None,
        description="Where measuring is possible; left out, from the first to the last measured point.",
        examples=["[690, 699]"],
    )
    possible: int = Field(201, ge=2, le=2000, description="Possible points, evenly spaced over that range.")
    criterion: Literal["variance", "information"] = Field(
        "variance",
        description="variance takes predictions as normal; information integrates them as they are, for candidates or "
        "modes that disagree. Not with about.",
    )


class Report(Section):
    """The page at the end."""

    title: str = Field("", max_length=200, description="Title of the page; the campaign's id if left out.")
    modes: bool = Field(
        False,
        description="Also find where exactly every posterior is highest, with standard deviations from its curvature "
        "and from the information in the curve (those of least squares): on the page and in tables/modes.csv.",
    )
    series: tuple[Series, ...] = Field(
        (),
        max_length=100,
        description="What is shown along which column of the sheet, with straight lines; left out, every parameter "
        "along every column in which four measurements differ.",
    )

    next_points: NextPoints | None = Field(
        None,
        description="Where to measure next in every measurement: on the page and in tables/next_points.csv.",
        examples=["5", "{number: 3, about: lines.splitting}"],
    )

    @field_validator("next_points", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        """A number stands for a section that says no more, and true for an empty one."""
        if isinstance(value, bool):
            return {} if value else None
        return {"number": value} if isinstance(value, int | float | str) else value

    @field_validator("series", mode="before")
    @classmethod
    def _series(cls, value: Any) -> Any:
        """One stands for a list of one."""
        return [value] if isinstance(value, dict) else value


class Campaign(Section):
    """A campaign: the measurements, the candidate models and what is asked of them."""

    campaign: Identifier = Field(
        description="Id of the campaign; names the folder of its results.", examples=["first_look"]
    )
    measurements: str = Field(
        "measurements.tsv",
        min_length=1,
        description="The sheet: one row a measurement, columns separated by tabs. Optional beside simulate, incoming.",
    )
    incoming: tuple[Incoming, ...] = Field(
        (), description="Folders in which data files arrive, one measurement each, beside or instead of the sheet."
    )
    components: tuple[Annotated[str, Field(min_length=1, max_length=500)], ...] = Field(
        (),
        description="Component files of your own, relative to the campaign's folder; Python that runs when the "
        "campaign is read, see the section on own components.",
        examples=["[edge.py]"],
    )
    treatments: dict[Identifier, Treatment] = Field(
        default_factory=dict,
        description="How files become measurements: one named section each, chosen by the sheet's column `treatment`; "
        "the one named default, or the only one, serves rows that name none.",
    )
    candidates: dict[CandidateName, Candidate] = Field(min_length=1, description="Models to compare, each with a name.")
    simulate: tuple[Simulation, ...] = Field(
        (), description="Measurements made from a candidate, to learn how long one must measure."
    )
    thin: tuple[Thinning, ...] = Field(
        (), description="Measured counts thinned to shorter times, to learn how long would have been enough."
    )
    distinguish: tuple[Distinguish, ...] = Field(
        (), description="How many points, or what noise, tell one model from another: simulated, exact for linear ones."
    )
    sampling: Sampling = Field(default_factory=Sampling, description="How well and where it is computed.")
    integration: tuple[Integration, ...] = Field((), description="Groups of measurements with shared parameters.")
    splitting: tuple[Splitting, ...] = Field(
        (), description="Edges of cells that may be equal or different along a series of powder patterns."
    )
    report: Report = Field(default_factory=Report, description="The page at the end.")

    @field_validator("components", mode="before")
    @classmethod
    def _files(cls, value: Any) -> Any:
        """One file stands for a list of one."""
        if not isinstance(value, str | list | tuple):
            refuse(shown(value), "a list of Python files", "Write e.g. [edge.py].")
        return [value] if isinstance(value, str) else value

    @field_validator("incoming", "simulate", "thin", "distinguish", "splitting", mode="before")
    @classmethod
    def _one_for_several(cls, value: Any) -> Any:
        """One section stands for a list of one."""
        return [value] if isinstance(value, dict) else value

    @property
    def simulations(self) -> tuple[tuple[KeyPath, Simulation], ...]:
        """All simulated studies and where they are asked for: of ``distinguish`` one for each number of points."""
        return studies_of(self.simulate, self.distinguish)
