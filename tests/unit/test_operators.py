"""Backgrounds computed from peaks and responses of instruments, against integrals and convolutions by scipy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch import Tensor

from bayesbeam.models import registry
from bayesbeam.models.doublet import doublet
from bayesbeam.models.mathspace import TORCH
from bayesbeam.models.operators import registry as operators
from bayesbeam.models.operators import responses
from bayesbeam.models.operators.closed_forms import FWHM
from bayesbeam.models.operators.integrals import running_integral

SHIRLEY, TOUGAARD = operators.get("shirley"), operators.get("tougaard")
# Steps of 0.05 to 0.25 as of a spectrum measured finer where it matters.
UNEVEN = torch.tensor(
    np.concatenate([np.arange(80.0, 84.0, 0.25), np.arange(84.0, 92.0, 0.05), np.arange(92.0, 96.0, 0.2)])
)
PEAKS = ((100.0, 87.0, 0.4), (75.0, 90.7, 0.5))


def number(value: float) -> Tensor:
    return torch.tensor([value], dtype=torch.float64)


def gaussians(x: Tensor) -> Tensor:
    """Two Gaussian peaks."""
    return torch.stack([a * torch.exp(-0.5 * ((x - p) / s) ** 2) for a, p, s in PEAKS]).sum(0)


def below(x: float) -> float:
    """Integral of the two peaks up to x, by the error function of scipy."""
    return sum(a * s * math.sqrt(2 * math.pi) * stats.norm.cdf((x - p) / s) for a, p, s in PEAKS)


AREA = below(1e9)


@pytest.mark.parametrize("falling", [False, True])
def test_running_integral_is_the_cumulated_peak_on_any_axis(falling: bool) -> None:
    x = UNEVEN.flip(0) if falling else UNEVEN
    found = running_integral(x, gaussians)
    expected = np.array([below(v) for v in x.tolist()])
    # Simpson's rule with steps of half an interval: (0.05 / 0.4)^4 / 2880 of what is under the peak
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-6 * AREA)


@pytest.mark.parametrize(("intervals", "bound"), [(2.0, 5e-4), (5.0, 1e-5), (10.0, 2e-6)])
def test_running_integral_errs_as_stated(intervals: float, bound: float) -> None:
    x = torch.arange(-20.0, 20.0, dtype=torch.float64)
    sd = intervals / FWHM
    worst = 0.0
    for shift in np.linspace(0.0, 1.0, 11):
        found = running_integral(x, lambda u, at=shift: torch.exp(-0.5 * ((u - at) / sd) ** 2))
        exact = stats.norm.cdf((x.numpy() - shift) / sd)
        worst = max(worst, float(np.abs(found.numpy() / (sd * math.sqrt(2 * math.pi)) - exact).max()))
    assert 0.3 * bound < worst < bound


def test_padding_adds_nothing() -> None:
    padded = torch.cat([UNEVEN, UNEVEN[-1:].expand(7)])
    for one, own in ((SHIRLEY, (0.1, 1.0)), (SHIRLEY, (0.1, -1.0)), (TOUGAARD, (2866.0, 1643.0, 1.0))):
        values = [number(v) for v in own]
        whole, part = (
            one.formula(TORCH, padded, padded, gaussians, *values),
            one.formula(TORCH, UNEVEN, UNEVEN, gaussians, *values),
        )
        assert torch.equal(whole[: len(UNEVEN)], part)
        assert torch.equal(whole[len(UNEVEN) :], part[-1:].expand(7))


def iterated(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Shirley's background by the field's iteration on the data alone, rising towards lower x."""
    high, low = y[0], y[-1]
    background = np.full_like(y, low)
    for _ in range(100):
        passed = integrate.cumulative_simpson((y - background)[::-1], x=-x[::-1], initial=0.0)[::-1]
        new = low + (high - low) * passed / passed[0]
        if np.abs(new - background).max() < 1e-12 * high:
            break
        background = new
    return background


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["kinetic", "binding"])
def test_shirley_is_where_the_iteration_on_the_data_ends(side: float) -> None:
    x = torch.linspace(80.0, 96.0, 3201, dtype=torch.float64)
    background = SHIRLEY.formula(TORCH, x, x, gaussians, number(0.07), number(side))
    y = (gaussians(x) + background + 20.0).numpy()
    # on an axis of binding energy the same seen in a mirror
    found = iterated(x.numpy(), y) if side > 0 else iterated(-x.numpy()[::-1], y[::-1])[::-1]
    np.testing.assert_allclose(found, background.numpy() + 20.0, rtol=1e-9, atol=0)
    assert (background[0] > background[-1]) == (side > 0)


def cross_section(t: float, strength: float, centre: float) -> float:
    return strength * t / (centre + t * t) ** 2


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["kinetic", "binding"])
@pytest.mark.parametrize("centre", [1643.0, 300.0, 2.0], ids=["universal", "less", "far less than the range"])
def test_tougaard_is_the_integral_of_his_cross_section(side: float, centre: float) -> None:
    x = torch.linspace(80.0, 96.0, 321, dtype=torch.float64)
    own = (2866.0, centre, side)
    found = TOUGAARD.formula(TORCH, x, x, gaussians, *(number(v) for v in own))
    largest = float(found.max())
    for k in (0, 40, 130, 200, 320):
        at = float(x[k])

        def losses(u: float, at: float = at) -> float:
            return cross_section(side * (u - at), 2866.0, centre) * float(gaussians(number(u)))

        ends = (at, 96.0) if side > 0 else (80.0, at)
        exact = (
            integrate.quad(losses, *ends, points=[87.0, 90.7], epsabs=1e-10, limit=200)[0] if ends[0] < ends[1] else 0
        )
        assert abs(float(found[k]) - exact) < 1e-6 * largest


X = torch.tensor(np.concatenate([np.linspace(-5.0, 0.0, 23), np.linspace(0.1, 5.0, 60)]))


def smeared(name: str, component: str, theta: tuple[float, ...], own: tuple[float, ...], x: Tensor = X) -> Tensor:
    """Curve of a component, smeared numerically."""
    one = registry.get(component)
    return operators.get(name).formula(
        TORCH, x, x, lambda u: one.formula(TORCH, u, *(number(v) for v in theta)), *(number(v) for v in own)
    )


def closed(name: str, component: str, theta: tuple[float, ...], own: tuple[float, ...], x: Tensor = X) -> Tensor:
    """Curve of a component, smeared in closed form."""
    response = operators.get(name)
    assert response.exact is not None
    formula = response.exact(registry.get(component))
    assert formula is not None
    return formula(TORCH, x, [number(v) for v in theta], [number(v) for v in own])


def gaussian_of_gaussian(x: np.ndarray) -> np.ndarray:
    sd = math.hypot(0.5, 0.9 / FWHM)
    return 3.0 * 0.5 / sd * np.exp(-0.5 * ((x - 0.7) / sd) ** 2)


def lorentzian_of_lorentzian(x: np.ndarray) -> np.ndarray:
    return 3.0 * 0.8 / 1.7 / (1.0 + (2.0 * (x - 0.7) / 1.7) ** 2)


def voigt(x: np.ndarray, area: float, gauss: float, lorentz: float) -> np.ndarray:
    found: np.ndarray = area * special.voigt_profile(x - 0.7, gauss / FWHM, 0.5 * lorentz)
    return found


L_AREA, G_AREA = 3.0 * 0.8 * math.pi / 2.0, 3.0 * 0.5 * math.sqrt(2.0 * math.pi)
V_AREA = 3.0 / special.voigt_profile(0.0, 0.6 / FWHM, 0.2)
CASES: list[tuple[str, str, tuple[float, ...], tuple[float, ...], Callable[[np.ndarray], np.ndarray]]] = [
    ("gaussian_response", "gaussian", (3.0, 0.7, 0.5), (0.9,), gaussian_of_gaussian),
    ("gaussian_response", "gaussian_precision", (3.0, 0.7, 4.0), (0.9,), gaussian_of_gaussian),
    ("gaussian_response", "lorentzian", (3.0, 0.7, 0.8), (0.9,), lambda x: voigt(x, L_AREA, 0.9, 0.8)),
    ("gaussian_response", "voigt", (3.0, 0.7, 0.6, 0.4), (0.9,), lambda x: voigt(x, V_AREA, math.hypot(0.6, 0.9), 0.4)),
    ("gaussian_response", "pseudo_voigt", (3.0, 0.7, 0.8, 0.4), (0.9,),
     lambda x: 0.6 * voigt(x, G_AREA / 0.5 * 0.8 / FWHM, math.hypot(0.8, 0.9), 0.0) + 0.4 * voigt(x, L_AREA, 0.9, 0.8)),
    ("gaussian_response", "erf_step", (3.0, 0.7, 0.3), (0.9,),
     lambda x: 1.5 * special.erfc((0.7 - x) * 2.0 * math.sqrt(math.log(2.0)) / math.hypot(0.3, 0.9))),
    ("gaussian_response", "constant", (3.0,), (0.9,), lambda x: np.full_like(x, 3.0)),
    ("lorentzian_response", "lorentzian", (3.0, 0.7, 0.8), (0.9,), lorentzian_of_lorentzian),
    ("lorentzian_response", "gaussian", (3.0, 0.7, 0.5), (0.9,), lambda x: voigt(x, G_AREA, 0.5 * FWHM, 0.9)),
    ("lorentzian_response", "voigt", (3.0, 0.7, 0.6, 0.4), (0.9,), lambda x: voigt(x, V_AREA, 0.6, 1.3)),
    ("lorentzian_response", "arctan_step", (3.0, 0.7, 0.8), (0.9,),
     lambda x: 3.0 * stats.cauchy.cdf(x, 0.7, 0.85)),
    ("voigt_response", "gaussian", (3.0, 0.7, 0.5), (0.7, 0.9),
     lambda x: voigt(x, G_AREA, math.hypot(0.5 * FWHM, 0.7), 0.9)),
    ("voigt_response", "lorentzian", (3.0, 0.7, 0.8), (0.7, 0.9), lambda x: voigt(x, L_AREA, 0.7, 1.7)),
    ("voigt_response", "voigt", (3.0, 0.7, 0.6, 0.4), (0.7, 0.9),
     lambda x: voigt(x, V_AREA, math.hypot(0.6, 0.7), 1.3)),
    ("voigt_response", "constant", (3.0,), (0.7, 0.9), lambda x: np.full_like(x, 3.0)),
]  # fmt: skip
IDS = [f"{case[1]} by {case[0]}" for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_closed_forms_are_the_convolutions_of_scipy(case) -> None:  # type: ignore[no-untyped-def]
    *what, exact = case
    # 1e-7 of the height: what the Voigt profile is good for
    np.testing.assert_allclose(closed(*what).expand(len(X)).numpy(), exact(X.numpy()), rtol=0, atol=5e-7)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_numerical_convolutions_are_those_of_scipy_up_to_the_edges(case) -> None:  # type: ignore[no-untyped-def]
    *what, exact = case
    tailed = what[0] != "gaussian_response"
    # Long tails beyond twice the range of the data are held at their last value, which costs digits; see _on_grid.
    x = torch.linspace(-5.0, 5.0, 201, dtype=torch.float64) if tailed else X
    bound = {("lorentzian", True): 4e-4, ("voigt", True): 4e-4, ("arctan_step", True): 1e-3}.get(
        (what[1], tailed), 5e-6
    )
    found = smeared(*what, x=x).numpy()
    np.testing.assert_allclose(found, exact(x.numpy()), rtol=0, atol=bound)


@pytest.mark.parametrize(("shape", "widths"), [("voigt", "own"), ("gaussian", "shared"), ("lorentzian", "own")])
def test_a_doublet_is_seen_line_by_line(shape: str, widths: str) -> None:
    """In closed form as by the trapezoidal rule; a shape without a closed form has none as a doublet either."""
    one = doublet(registry.get(shape), widths)
    theta = one.random(torch.Generator().manual_seed(7), 1)[0]
    values, own, response = [v[None] for v in theta], number(0.6), operators.get("gaussian_response")
    assert response.exact is not None
    formula = response.exact(one)
    assert formula is not None
    numerical = response.formula(TORCH, X, X, lambda u: one.formula(TORCH, u, *values), own)
    torch.testing.assert_close(formula(TORCH, X, values, [own]), numerical, rtol=0, atol=2e-6)
    assert response.exact(doublet(registry.get("split_gaussian"))) is None


def test_a_fermi_edge_through_a_gaussian_is_one_of_more_width() -> None:
    theta = (3.0, 0.25, 0.1, 0.8, -0.2, 0.5, 1.0)
    one = smeared("gaussian_response", "fermi_edge", theta, (0.9,))
    torch.testing.assert_close(one, closed("gaussian_response", "fermi_edge", theta, (0.9,)), rtol=0, atol=3e-6)


def test_narrow_lines_are_smeared_as_exactly_as_stated() -> None:
    """A Lorentzian a quarter as wide as the response, and one far too narrow, which must be seen to fail."""
    for share, good in ((0.25, True), (0.05, False)):
        theta = (1.0, 0.03, 0.9 * share)
        exact = closed("gaussian_response", "lorentzian", theta, (0.9,))
        error = float((smeared("gaussian_response", "lorentzian", theta, (0.9,)) - exact).abs().max())
        assert (error < 1e-6) == good


@pytest.mark.parametrize("points", [5, 41, 201])
def test_a_measured_response_is_straight_between_its_points(points: int) -> None:
    """A triangle, which any number of points gives exactly, on a Gaussian: second difference of its second integral."""
    t = np.linspace(-1.0, 1.0, points)
    table = tuple(zip(t.tolist(), (7.0 * (1.0 - np.abs(t))).tolist(), strict=True))
    sd = 0.5

    def twice(x: np.ndarray) -> np.ndarray:
        found: np.ndarray = x * stats.norm.cdf(x / sd) + sd * stats.norm.pdf(x / sd)
        return found

    peak = registry.get("gaussian")
    found = operators.get("measured_response", table).formula(
        TORCH, X, X, lambda u: peak.formula(TORCH, u, number(1.0), number(0.0), number(sd)), number(1.0)
    )
    x = X.numpy()
    exact = (twice(x + 1.0) - 2.0 * twice(x) + twice(x - 1.0)) * sd * math.sqrt(2.0 * math.pi)
    np.testing.assert_allclose(found.numpy(), exact, rtol=0, atol=1e-7)


def test_a_measured_response_shifts_as_its_file_says() -> None:
    """Signal at positive differences moves a line to higher places."""
    table = ((0.9, 0.0), (1.0, 1.0), (1.1, 0.0))
    nodes, weights = responses.nodes_of(table)
    assert sum(weights) == pytest.approx(1.0, abs=1e-14)
    assert np.dot(nodes, weights) == pytest.approx(1.0, abs=1e-12)
    found = operators.get("measured_response", table).formula(TORCH, X, X, lambda u: u, number(1.0))
    torch.testing.assert_close(found, X - 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["shirley", "tougaard", "gaussian_response", "lorentzian_response", "voigt_response"])
def test_rows_do_not_see_each_other(name: str) -> None:
    """A batch equals a loop over its rows bit for bit, in both precisions."""
    one, peak = operators.get(name), registry.get("pseudo_voigt")
    for dtype in (torch.float64, torch.float32):
        own = one.random(torch.Generator().manual_seed(3), 6).to(dtype)
        theta = peak.random(torch.Generator().manual_seed(4), 6).to(dtype)
        x = X.to(dtype)

        def rows(own: Tensor, theta: Tensor, x: Tensor = x) -> Tensor:
            found: Tensor = one.formula(
                TORCH,
                x,
                x,
                lambda u: peak.formula(TORCH, u, *theta.unsqueeze(-2).unbind(-1)),
                *own.unsqueeze(-2).unbind(-1),
            )
            return found

        batch = rows(own, theta)
        assert batch.shape == (6, len(X))
        assert batch.dtype == dtype
        assert torch.equal(batch, torch.stack([rows(a, b) for a, b in zip(own, theta, strict=True)]))
