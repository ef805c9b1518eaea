"""What a parameter, a derived quantity and a component are; nothing here knows any particular component."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesbeam.models.mathspace import TORCH, Value

Formula = Callable[..., Value]
"""``formula(m, x, *parameters)`` of a component, ``formula(m, *parameters)`` of a derived quantity."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a component or noise model.

    Attributes
    ----------
    name : str
        Word used in campaigns.
    unit : str
        Expression of the words ``x`` and ``y`` (the units of axis and signal), e.g. ``1/x^2``; ``1`` for none. A
        component with an ``axis_unit`` may use that and others, such as ``T``.
    prior : str
        Default prior, which may use words of the data such as ``x_span``.
    support : tuple of float
        Ends of the values for which the formula means something.
    description : str
        What it is, in the words of the field.
    typical : tuple of float
        Range of sensible values on an axis from -5 to 5 and a signal of order 1; ``random`` draws there.
    """

    name: str
    unit: str
    prior: str
    support: tuple[float, float]
    description: str
    typical: tuple[float, float] = (0.5, 2.0)


@dataclass(frozen=True)
class Derived:
    """A quantity computed from the parameters of one component, such as an area.

    ``formula(m, *parameters)`` takes the parameters in the component's order.
    """

    name: str
    unit: str
    formula: Formula
    description: str


@dataclass(frozen=True)
class ReferenceValue:
    """A value of the formula known from an independent source, which is named."""

    x: float
    theta: tuple[float, ...]
    value: float
    source: str
    rtol: float = 1e-12


@dataclass(frozen=True)
class Component:
    """One element-wise part of a forward model: a peak or a background.

    Attributes
    ----------
    name, title : str
        Word used in campaigns, and words for a report.
    parameters : tuple of Parameter
        In the order of the formula.
    formula : callable
        ``formula(m, x, *parameters)`` on a math namespace ``m``, element-wise in ``x``.
    exchangeable : bool
        Whether several of them may be relabelled (peaks yes, backgrounds no).
    derived : tuple of Derived
        Quantities for the report.
    order_by : str or None
        Parameter by which labels are ordered.
    locations : tuple of str
        Parameters that are places on the axis: shifting ``x`` and all of them together changes nothing. Curves are
        then computed about the middle of the axis, so that single precision keeps its digits at 7112 eV.
    widths : tuple of str
        Parameters that say how wide a line is; a doublet may have its own for the second line.
    amplitude : str or None
        Parameter the formula is proportional to; needed for a doublet.
    references : tuple of str
        Where the formula is from.
    reference_values : tuple of ReferenceValue
        What it is checked against.
    tensors_only : bool
        Whether the formula is allowed to leave its namespace (to use torch functions, say): it is then not compiled,
        and runs on tensors as it is.
    axis_unit : str or None
        Unit that x must have, where the formula holds constants of nature in that unit; None where any will do.
    lines : Lines or None
        What it is a sum of, where it is one of lines of one shape.
    column : str
        Column of the measurement that stands in place of x; none where it is empty.
    exponent : float or None
        Of a power of x, which may then be computed as such.
    carried : tuple of str
        Parameters that only hand on numbers which have names of their own elsewhere; they are not shown again.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    formula: Formula
    exchangeable: bool
    derived: tuple[Derived, ...] = ()
    order_by: str | None = None
    locations: tuple[str, ...] = ()
    widths: tuple[str, ...] = ()
    amplitude: str | None = None
    references: tuple[str, ...] = ()
    reference_values: tuple[ReferenceValue, ...] = ()
    tensors_only: bool = False
    axis_unit: str | None = None
    lines: Lines | None = None
    column: str = ""
    exponent: float | None = None
    carried: tuple[str, ...] = ()

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the formula."""
        return tuple(parameter.name for parameter in self.parameters)

    def index(self, name: str) -> int:
        """Place of a parameter in ``theta``."""
        return self.parameter_names.index(name)

    def forward(self, x: Tensor, theta: Tensor) -> Tensor:
        """Noise-free signal of this component.

        Parameters
        ----------
        x : Tensor (N,) or (..., N)
            Axis.
        theta : Tensor (..., P)
            Parameters, in the order of ``parameters``.

        Returns
        -------
        Tensor (..., N)
            In the dtype that ``x`` and ``theta`` promote to.
        """
        result: Tensor = self.formula(TORCH, x, *theta.unsqueeze(-2).unbind(-1))
        return result

    def derive(self, theta: Tensor) -> Tensor:
        """Derived quantities (..., D) of parameters (..., P), in the order of ``derived``."""
        columns = theta.unbind(-1)
        if not self.derived:
            return theta[..., :0]
        return torch.stack([quantity.formula(TORCH, *columns) for quantity in self.derived], dim=-1)

    def random(self, generator: torch.Generator, n: int = 16) -> Tensor:
        """Sensible parameters (n, P), float64, uniform over the typical range of each."""
        low = torch.tensor([parameter.typical[0] for parameter in self.parameters], dtype=torch.float64)
        high = torch.tensor([parameter.typical[1] for parameter in self.parameters], dtype=torch.float64)
        u = torch.rand(n, len(self.parameters), generator=generator, dtype=torch.float64)
        return low + u * (high - low)


@dataclass(frozen=True)
class Lines:
    """Lines of one shape; ``parameters(theta)`` are those of each in that shape, from those of the whole."""

    shape: Component
    parameters: Callable[[Sequence[Value]], Sequence[Sequence[Value]]]


REAL = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)


def height() -> Parameter:
    """Height of a peak at its centre."""
    return Parameter("amplitude", "y", "half_normal(sd=y_span)", REAL, "height of the peak at its centre")


def centre() -> Parameter:
    """Position of a peak."""
    return Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "centre of the peak", (-3.0, 3.0))


def full_width() -> Parameter:
    """Full width of a peak at half its height."""
    prior = "log_uniform(low=x_step, high=x_span)"
    return Parameter("fwhm", "x", prior, POSITIVE, "full width of the peak at half its height", (0.3, 3.0))
