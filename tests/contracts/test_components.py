"""What every component must do, doublets included; a new component is tested by being there."""

import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bayesbeam import priors
from bayesbeam.errors import ModelError
from bayesbeam.models import registry
from bayesbeam.models.base import Component
from bayesbeam.models.base import height as height_at_centre
from bayesbeam.models.check import check_component
from bayesbeam.models.doublet import is_peak
from bayesbeam.models.mathspace import TORCH

COMPONENTS = registry.all_components()
EXCHANGEABLE = [component for component in COMPONENTS if component.exchangeable]
PEAKS = [component for component in COMPONENTS if is_peak(component)]
SINGLE_LINES = [component for component in PEAKS if "splitting" not in component.parameter_names]
WITH_AREA = [c for c in COMPONENTS if any(quantity.name in ("area", "area_1") for quantity in c.derived)]
WITHOUT_AREA = [component for component in PEAKS if component not in WITH_AREA]
DATA_WORDS = "x_min x_max x_span x_mid x_step y_min y_max y_span y_mid noise n_points".split()
UNIT = re.compile(r"(1|x|y)([*/](x|y)(\^[1-9])?)*")
FIXED_UNITS = ("mm/s", "T", "mm/s*y")
every = pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)


def theta_of(component: Component, n: int = 16) -> Tensor:
    """Random parameters, the same at every call."""
    return component.random(torch.Generator().manual_seed(7), n)


def check_table(component: Component) -> None:
    """Units are expressions of x and y, and default priors are known families of known words."""
    check_component(component)
    assert component.title
    for row in (*component.parameters, *component.derived):
        assert UNIT.fullmatch(row.unit) or (component.axis_unit and row.unit in FIXED_UNITS), row.unit
    for parameter in component.parameters:
        family, arguments = re.fullmatch(r"(\w+)\((.*)\)", parameter.prior).groups()
        given = dict(re.fullmatch(r"\s*(\w+)\s*=\s*(.+)", part).groups() for part in arguments.split(","))
        assert set(given) | set(priors.get(family).defaults) == set(priors.get(family).parameters)
        words = set(re.findall(r"[a-zA-Z_]\w*", " ".join(given.values())))
        assert words <= set(DATA_WORDS), words


def check_references(component: Component) -> None:
    """At least three values from a named source are met."""
    assert len(component.reference_values) >= 3
    assert component.references
    for reference in component.reference_values:
        assert len(reference.source) > 10
        assert 0.0 <= reference.rtol <= 1e-6
        x = torch.tensor([reference.x], dtype=torch.float64)
        value = component.forward(x, torch.tensor(reference.theta, dtype=torch.float64))
        assert abs(value.item() - reference.value) <= reference.rtol * abs(reference.value)


def check_batch(component: Component, dtype: torch.dtype) -> None:
    """A batch equals a loop over its rows bit for bit, in any leading shape and for any number of points."""
    theta = theta_of(component, 12).to(dtype)
    for points in (1, 5, 301, 4097):
        x = torch.linspace(-5.0, 5.0, points, dtype=dtype)
        batch = component.forward(x, theta)
        assert batch.shape == (12, points)
        assert batch.dtype == dtype
        assert torch.equal(batch, torch.stack([component.forward(x, row) for row in theta]))
        assert torch.equal(component.forward(x, theta.reshape(2, 3, 2, -1)), batch.reshape(2, 3, 2, points))


def check_area(component: Component) -> None:
    """The areas that are reported are the integral of the curve."""
    theta = theta_of(component)
    # after x = sinh(s) tails of all kinds fall exponentially, unlike ones on two sides too, to nothing at 27; the rule
    # converges faster than any power, and as the cube of its step 3e-4 where a second derivative jumps
    s = torch.linspace(-27.0, 27.0, 180001, dtype=torch.float64)
    integral = torch.stack([(component.forward(torch.sinh(s), row) * torch.cosh(s)).sum() for row in theta]) * 3e-4
    names = [quantity.name for quantity in component.derived]
    areas = component.derive(theta)[:, [k for k, name in enumerate(names) if re.fullmatch(r"area(_\d)?", name)]]
    torch.testing.assert_close(areas.sum(-1), integral, rtol=1e-9, atol=0.0)


def check_labels(component: Component) -> None:
    """Moving the ordering parameter moves the curve."""
    theta, x = theta_of(component), torch.linspace(-5.0, 5.0, 41, dtype=torch.float64)
    moved = theta.clone()
    moved[:, component.index(str(component.order_by))] += 0.5
    torch.testing.assert_close(component.forward(x + 0.5, moved), component.forward(x, theta), rtol=1e-12, atol=1e-14)


def check_size(component: Component) -> None:
    """The curve is proportional to the amplitude."""
    theta, x = theta_of(component), torch.linspace(-5.0, 5.0, 41, dtype=torch.float64)
    taller = theta.clone()
    taller[:, component.index(str(component.amplitude))] *= 2.0
    # doubling is exact, down to where the curve itself underflows
    twice = 2.0 * component.forward(x, theta)
    torch.testing.assert_close(component.forward(x, taller), twice, rtol=0.0, atol=1e-300)


@every
def test_table_is_complete(component: Component) -> None:
    check_table(component)


@every
def test_reference_values_are_met(component: Component) -> None:
    check_references(component)


@every
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_batch_equals_loop(component: Component, dtype: torch.dtype) -> None:
    check_batch(component, dtype)


@every
def test_single_precision_stays_near_double(component: Component) -> None:
    theta, x = theta_of(component), torch.linspace(-5.0, 5.0, 301, dtype=torch.float64)
    double = component.forward(x, theta)
    single = component.forward(x.float(), theta.float()).double()
    # x - position is rounded at 3e-7, and the steepest typical line changes by 6 of its height over 1: 64 eps
    assert torch.all((single - double).abs() <= 64 * torch.finfo(torch.float32).eps * (1 + double.abs().amax()))


@every
def test_gradient_is_finite_and_agrees_with_differences(component: Component) -> None:
    theta, x = theta_of(component, 4).requires_grad_(), torch.linspace(-4.9, 4.7, 9, dtype=torch.float64)
    # step 1e-6: truncation 1e-12 and rounding 1e-10 of a curve of order 1
    assert torch.autograd.gradcheck(lambda values: component.forward(x, values), theta, eps=1e-6, atol=1e-7, rtol=1e-6)


@every
def test_random_draws_are_reproducible_and_inside_the_support(component: Component) -> None:
    theta = theta_of(component)
    assert theta.shape == (16, len(component.parameters))
    assert torch.equal(theta, theta_of(component))
    for values, parameter in zip(theta.T, component.parameters, strict=True):
        assert torch.all((values >= parameter.support[0]) & (values <= parameter.support[1]))


@every
def test_derived_quantities_are_finite_in_any_leading_shape(component: Component) -> None:
    theta = theta_of(component)
    derived = component.derive(theta)
    assert derived.shape == (16, len(component.derived))
    assert torch.isfinite(derived).all()
    assert torch.equal(component.derive(theta.reshape(4, 4, -1)), derived.reshape(4, 4, -1))


@every
def test_widths_that_underflow_give_a_finite_curve(component: Component) -> None:
    theta, x = theta_of(component, 2), torch.linspace(-5.0, 5.0, 301, dtype=torch.float64)
    for name in component.widths:
        for value in (1e-9, 1e9):
            extreme = theta.clone()
            extreme[:, component.index(name)] = value
            assert torch.isfinite(component.forward(x, extreme)).all()
            assert not torch.isnan(component.forward(x.float(), extreme.float())).any()


@pytest.mark.parametrize("component", WITH_AREA, ids=lambda component: component.name)
def test_area_is_the_integral(component: Component) -> None:
    check_area(component)


def check_no_area(component: Component) -> None:
    """The integral has no end: a further decade of the axis adds no less than the one before, to a tenth."""
    theta = theta_of(component)
    theta[:, component.index(str(component.order_by))] = 0.0
    # the logarithm of the distance from the peak, by the midpoint rule: decades from 1e3 to 1e7 widths
    log_distance = torch.linspace(math.log(1e3), math.log(1e7), 4001, dtype=torch.float64)
    distance = torch.exp(0.5 * (log_distance[1:] + log_distance[:-1]))
    both = component.forward(distance, theta).abs() + component.forward(-distance, theta).abs()
    decades = (both * distance).reshape(len(theta), 4, 1000).sum(-1)
    assert torch.all(decades[:, 1:] >= 0.9 * decades[:, :-1])


@pytest.mark.parametrize("component", WITHOUT_AREA, ids=lambda component: component.name)
def test_a_peak_without_an_area_has_none(component: Component) -> None:
    check_no_area(component)


@pytest.mark.parametrize("component", EXCHANGEABLE, ids=lambda component: component.name)
def test_what_is_exchangeable_has_a_height_and_a_peak_its_place(component: Component) -> None:
    check_size(component)
    if is_peak(component):
        check_labels(component)


def check_full_width(component: Component) -> None:
    """The full width is the distance of the points at which the curve is half its maximum, wherever that is."""
    theta = theta_of(component)
    rows = [*component.parameter_names, *(quantity.name for quantity in component.derived)]
    width = torch.cat([theta, component.derive(theta)], -1)[:, rows.index("fwhm")]
    place, height = theta[:, component.index("position")], theta[:, component.index("amplitude")]

    def curve(x: Tensor) -> Tensor:
        return component.forward(x.unsqueeze(-1), theta).squeeze(-1)

    # half a millionth of a width off, a maximum is lower by 1e-12 of itself: far less than the bound on the width
    grid = place.unsqueeze(-1) + width.unsqueeze(-1) * torch.linspace(-4.0, 4.0, 8001, dtype=torch.float64)
    values = component.forward(grid, theta)
    top = values.argmax(-1, keepdim=True)
    low, high = grid.gather(-1, top - 1).squeeze(-1), grid.gather(-1, top + 1).squeeze(-1)
    for _ in range(40):
        a, b = low + (high - low) / 3.0, high - (high - low) / 3.0
        left = curve(a) > curve(b)
        low, high = torch.where(left, low, a), torch.where(left, b, high)
    summit = 0.5 * (low + high)
    half = 0.5 * curve(summit)
    ends = []
    for sign in (-1.0, 1.0):
        near, far = summit, summit + sign * 1.5 * width
        assert torch.all(curve(far) < half)
        for _ in range(60):
            middle = 0.5 * (near + far)
            inside = curve(middle) > half
            near, far = torch.where(inside, middle, near), torch.where(inside, far, middle)
        ends.append(near)
    torch.testing.assert_close(ends[1] - ends[0], width, rtol=1e-9, atol=0.0)
    if component.parameters[component.index("amplitude")] == height_at_centre():
        torch.testing.assert_close(curve(place), height, rtol=1e-12, atol=0.0)
    if torch.allclose(values, values.flip(-1), rtol=1e-9):
        for end in (place - 0.5 * width, place + 0.5 * width):
            torch.testing.assert_close(curve(end), 0.5 * height, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("component", SINGLE_LINES, ids=lambda component: component.name)
def test_full_width_is_where_the_curve_is_at_half_its_maximum(component: Component) -> None:
    check_full_width(component)


PEAK = registry.get("gaussian")
Formula = Callable[..., object]


def with_formula(formula: Formula) -> Component:
    """The Gaussian with another formula."""
    return replace(PEAK, formula=formula)


def across_rows(m: object, x: Tensor, a: Tensor, p: Tensor, s: Tensor) -> Tensor:
    """Mistake: looks at the other rows of the batch."""
    return PEAK.formula(TORCH, x, a, p, s) / (a.max() if isinstance(a, Tensor) else a)


def in_double(m: object, x: Tensor, a: Tensor, p: Tensor, s: Tensor) -> Tensor:
    """Mistake: converts."""
    return PEAK.formula(TORCH, x.double(), a, p, s)


BROKEN: dict[str, tuple[Callable[..., None], Component]] = {
    "a factor of 1e-9": (
        check_references,
        with_formula(lambda m, x, a, p, s: PEAK.formula(m, x, a, p, s) * (1 + 1e-9)),
    ),
    "too few references": (check_references, replace(PEAK, reference_values=PEAK.reference_values[:2])),
    "rows that see each other": (lambda c: check_batch(c, torch.float64), with_formula(across_rows)),
    "another dtype": (check_table, with_formula(in_double)),
    "nan at the centre": (check_table, with_formula(lambda m, x, a, p, s: a * m.sqrt(x - p) * s)),
    "one value for all x": (check_table, with_formula(lambda m, x, a, p, s: a * s)),
    "a Python branch": (check_table, with_formula(lambda m, x, a, p, s: a if x > p else s)),
    "a tensor method": (check_table, with_formula(lambda m, x, a, p, s: a * ((x - p) / s).abs().neg().exp())),
    "no unit": (check_table, replace(PEAK, parameters=(replace(PEAK.parameters[0], unit=""), *PEAK.parameters[1:]))),
    "a unit of no meaning": (
        check_table,
        replace(PEAK, parameters=(replace(PEAK.parameters[0], unit="counts"), *PEAK.parameters[1:])),
    ),
    "a prior of unknown words": (
        check_table,
        replace(PEAK, parameters=(replace(PEAK.parameters[0], prior="half_normal(sd=height)"), *PEAK.parameters[1:])),
    ),
    "an area that is none": (
        check_area,
        replace(PEAK, derived=(replace(PEAK.derived[0], formula=lambda m, a, p, s: a * s * 2.5),)),
    ),
    "an area that is left out": (check_no_area, replace(registry.get("lorentzian"), derived=())),
    "a full width that is none": (
        check_full_width,
        replace(PEAK, derived=(replace(PEAK.derived[1], formula=lambda m, a, p, s: s * 2.3548),)),
    ),
    "a height that is none": (
        check_full_width,
        with_formula(lambda m, x, a, p, s: 1.001 * PEAK.formula(m, x, a, p, s)),
    ),
    "a curve that is not proportional": (
        check_size,
        with_formula(lambda m, x, a, p, s: PEAK.formula(m, x, a, p, s) + 1e-9),
    ),
    "an order that is none": (check_labels, replace(PEAK, order_by="sd")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_component_is_caught(name: str) -> None:
    check, component = BROKEN[name]
    with pytest.raises((AssertionError, ModelError)):
        check(component)


def test_every_file_of_the_folder_is_registered() -> None:
    assert len({component.name for component in COMPONENTS}) == len(COMPONENTS)
    assert {"gaussian", "gaussian_precision", "lorentzian", "pseudo_voigt", "constant", "linear"} <= set(
        registry.names()
    )


def check_locations(component: Component) -> None:
    """Shifting the axis and all places on it together changes nothing; a component without places is left alone."""
    if not component.locations:
        return
    x = torch.linspace(-5.0, 5.0, 41, dtype=torch.float64)
    theta = theta_of(component)
    places = torch.tensor([float(name in component.locations) for name in component.parameter_names]).double()
    moved = component.forward(x + 64.0, theta + 64.0 * places)
    # 64 is a power of two: the shift itself costs at most six bits of x.
    torch.testing.assert_close(moved, component.forward(x, theta), rtol=1e-11, atol=1e-12)


@every
def test_places_on_the_axis_move_with_it(component: Component) -> None:
    check_locations(component)


def test_a_forgotten_place_is_caught() -> None:
    peak = registry.get("gaussian")
    with pytest.raises(AssertionError):
        check_locations(replace(peak, locations=("position", "sd")))


def test_the_exponential_does_not_underflow() -> None:
    for dtype, lowest in ((torch.float32, 1e-38), (torch.float64, 1e-305)):
        value = TORCH.exp(torch.tensor([-1e6, -1.0, 0.0], dtype=dtype))
        assert lowest < value[0] < 1e-37
        torch.testing.assert_close(value[1:], torch.tensor([math.exp(-1.0), 1.0], dtype=dtype))
