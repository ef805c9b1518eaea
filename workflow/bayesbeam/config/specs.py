"""Candidates with nothing left open: every parameter with its prior, the noise with its base, one count.

Plain frozen data for whoever builds targets, plans jobs or writes reports; made by ``resolve``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bayesbeam.config.expression import PriorSpec
from bayesbeam.config.formula import FormulaSpec

if TYPE_CHECKING:
    from bayesbeam.models.base import Component
    from bayesbeam.models.own_file import OwnFile

Count = int | tuple[int, ...] | None
"""Count of a model: none, that of the only part with a range, or one for each part with a range."""

NOISE = "noise"
COMMON = "common"


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter with its prior, and whether the campaign wrote it or it is the component's default."""

    name: str
    prior: PriorSpec
    source: Literal["campaign", "default"]


@dataclass(frozen=True)
class CommonSpec(ParameterSpec):
    """A number of no part, with its unit in terms of those of x and y; of no effect in the measurement ``idle_in``."""

    unit: str = "1"
    idle_in: str = ""


@dataclass(frozen=True)
class DerivedSpec:
    """A quantity that the campaign defines, with its unit in terms of those of x and y."""

    name: str
    formula: FormulaSpec
    unit: str


@dataclass(frozen=True)
class PartSpec:
    """One term of the sum; ``parameters`` in the order of the component's formula, without those that are tied.

    ``ties`` are formulas of free and fixed parameters only, whatever the campaign wrote.
    ``own`` is the user's file that its component (or the peak of its doublet) is from, None for one of ours.
    ``acts_on`` are the parts that an operator is computed from, ``table`` the points of a measured response; ``column``
    and ``exponent`` are those of a term of linear regression.
    ``marginal`` names the parameters that are integrated out instead of sampled.
    ``moves`` are formulas by which parameters, of which they stay free, are moved before the curve is made of them.
    """

    name: str
    component: str
    of: str | None
    widths: str
    count: int
    parameters: tuple[ParameterSpec, ...]
    own: OwnFile | None = None
    ties: tuple[tuple[str, FormulaSpec], ...] = ()
    acts_on: tuple[str, ...] = ()
    table: tuple[tuple[float, float], ...] = ()
    column: str = ""
    exponent: float | None = None
    marginal: tuple[str, ...] = ()
    moves: tuple[tuple[str, FormulaSpec], ...] = ()

    def build(self) -> Component:
        """Return the component from the registry, or from the user's own file, with what is moved."""
        component = self._plain()
        if not self.moves:
            return component
        from bayesbeam.models.moved import Move, moved

        def move(parameter: str, formula: FormulaSpec) -> Move:
            name = f"{self.name}.{parameter}"
            others = tuple(other for other in formula.names if other != name)
            return Move(parameter, tuple(map(carried, others)), formula.function(name, *others))

        return moved(component, [move(parameter, formula) for parameter, formula in self.moves])

    def _plain(self) -> Component:
        """Component as the registry or the user's own file has it."""
        from bayesbeam.models import registry
        from bayesbeam.models.operators import registry as operators
        from bayesbeam.models.regressors import of_column, of_power

        if self.column:
            return of_column(self.column)
        if self.exponent is not None:
            return of_power(self.exponent)
        if self.component in operators.names():
            return operators.get(self.component, self.table)
        if self.own is not None:
            return registry.own(self.own, self.widths if self.of is not None else None)
        if self.of is None:
            return registry.get(self.component)
        return registry.get(self.component, of=self.of, widths=self.widths)

    def parameter(self, name: str) -> ParameterSpec:
        """Return a parameter by name; ``KeyError`` is our own mistake."""
        return {parameter.name: parameter for parameter in self.parameters}[name]


@dataclass(frozen=True)
class NoiseSpec:
    """A noise model with the base standard deviation of every point and the priors of its parameters.

    ``base``: ``value`` (the number ``value``), ``column`` (the measurement's uncertainties), ``estimate`` (its
    uncertainties where it has them, its robust noise estimate otherwise), ``none`` (Poisson), or ``exposure`` (Poisson
    of rates, times the number ``value`` or what the column ``sheet`` of the sheet holds).
    ``level`` is the prior under which a stated level is integrated out, of the factor where the base is a column.
    """

    model: str
    base: Literal["value", "column", "estimate", "none", "exposure"]
    value: float | None
    parameters: tuple[ParameterSpec, ...]
    sheet: str = ""
    level: PriorSpec | None = None

    @property
    def rates(self) -> bool:
        """Whether the curve is that of one unit of exposure."""
        return self.base == "exposure"

    def shown(self, parameter: str) -> str:
        """Name of a parameter in results: a factor on a standard deviation of one is that deviation itself."""
        return "sigma" if parameter == "scale" and self.base == "value" and self.value == 1.0 else parameter


@dataclass(frozen=True)
class StartSpec:
    """A point near which there may be a mode: parameters as (part, name) with one value, or one an instance."""

    values: tuple[tuple[tuple[str, str], float | tuple[float, ...]], ...]

    def value(self, part: str, parameter: str, index: int | None) -> float | None:
        """Return the value of an instance, counted from 1 where there may be several; None where none was given."""
        value = dict(self.values).get((part, parameter))
        return value[(index or 1) - 1] if isinstance(value, tuple) else value

    def fits(self, counts: Mapping[str, int]) -> bool:
        """Whether every list has as many values as there are instances of its part, and every part is there."""
        lengths = [(len(v) if isinstance(v, tuple) else None, counts.get(part, 1)) for (part, _), v in self.values]
        return all(count > 0 and length in (None, count) for length, count in lengths)


@dataclass(frozen=True)
class SparseSpec:
    """Terms of which few are in: names of their parts, most that are in at once, prior of how many, and the search.

    ``sizes`` is the word of that prior and its number, 0 where it has none.
    """

    terms: tuple[str, ...]
    most: int
    sizes: tuple[str, float]
    search: Literal["auto", "exhaustive", "exchange"]


@dataclass(frozen=True)
class PhasesSpec:
    """Phases that may be there: absolute paths of folders and CIFs, the hash of what these hold, and what is asked.

    ``elements`` are those that may be there, None for all; ``sheet`` names the column of the sheet that holds them.
    ``line``, ``form`` and ``unknown`` are relative errors of the model, ``cell``, ``texture`` and ``width`` standard
    deviations of priors, ``low_angle_loss`` of what a flat specimen loses, ``background`` is a number of columns,
    ``structure`` and ``grain_radius`` (micrometres) say what weight fractions may be wrong by.
    ``refine`` says which sets are sampled after the search, ``search`` whether variational inference checks it, and
    ``estimate`` whether it is done again under errors that the pattern tells.
    """

    library: tuple[str, ...]
    content: str
    elements: tuple[str, ...] | None
    sheet: str
    most: int
    expected: float
    cell: float
    texture: float
    width: float
    structure: float
    grain_radius: float
    line: float
    form: float
    unknown: float
    low_angle_loss: float = 0.1
    background: int = 14
    refine: str = "none"
    cell_report: bool = False
    search: str = "both"
    estimate: bool = False


@dataclass(frozen=True)
class CandidateSpec:
    """Parts and noise of one candidate with all counts set, points to start from, and whether it is to be sampled."""

    parts: tuple[PartSpec, ...]
    noise: NoiseSpec
    starts: tuple[StartSpec, ...] = ()
    common: tuple[CommonSpec, ...] = ()
    derived: tuple[DerivedSpec, ...] = ()
    sparse: SparseSpec | None = None
    phases: PhasesSpec | None = None
    solve: str = "auto"

    def part(self, name: str) -> PartSpec:
        """Return a part by name; ``KeyError`` is our own mistake."""
        return {part.name: part for part in self.parts}[name]

    @property
    def marginal(self) -> frozenset[str]:
        """Parameters that are integrated out, as ``part.parameter``."""
        return frozenset(f"{part.name}.{name}" for part in self.parts for name in part.marginal)

    @property
    def needs(self) -> frozenset[str]:
        """Data words that occur in its priors."""
        return frozenset(word for _, parameter in self.parameters() for word in parameter.prior.needs)

    def parameters(self) -> Iterator[tuple[str, ParameterSpec]]:
        """Yield (part name, parameter) once a part, then those named ``common``, then the noise's, named ``noise``."""
        for part in self.parts:
            for parameter in part.parameters:
                yield part.name, parameter
        for one in self.common:
            yield COMMON, one
        for parameter in self.noise.parameters:
            yield NOISE, parameter


@dataclass(frozen=True)
class Expanded:
    """One model that gets a free energy: a candidate at one count, or at one count of each part that has a range.

    ``counts`` holds part and count of each range.
    """

    candidate: str
    count: Count
    tag: str
    title: str
    spec: CandidateSpec
    counts: tuple[tuple[str, int], ...] = ()


def carried(name: str) -> str:
    """Return the parameter by which a moved component is handed a common number."""
    return name.replace(".", "_")


def tag_of(candidate: str, count: Count) -> str:
    """Return the name of one model in results."""
    if count is None:
        return candidate
    return f"{candidate}-k{'-'.join(map(str, count)) if isinstance(count, tuple) else count}"
