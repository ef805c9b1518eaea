"""What every prior family must do; a new family is tested by being there, on the arguments of its ``examples``."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from bayesbeam import priors
from bayesbeam.errors import ModelError
from bayesbeam.priors import Family

FAMILIES = [priors.get(name) for name in priors.names()]
CONTINUOUS = [family for family in FAMILIES if not family.is_point]
CASES = [pytest.param(f, e, id=f"{f.name}{tuple(e.values())}") for f in FAMILIES for e in f.examples]
CONTINUOUS_CASES = [pytest.param(f, e, id=f"{f.name}{tuple(e.values())}") for f in CONTINUOUS for e in f.examples]
TAIL = 10.0 ** -np.arange(12, 1, -1.0)
PROBABILITIES = torch.tensor([*TAIL, *np.arange(0.1, 0.91, 0.1), *(1.0 - TAIL[::-1])], dtype=torch.float64)
NODES, WEIGHTS = (torch.tensor(part) for part in np.polynomial.legendre.leggauss(64))
MODERATE = torch.linspace(0.02, 0.98, 13, dtype=torch.float64)


def check_normalised(family: Family, arguments: Mapping[str, float]) -> None:
    """The density integrates to the probability between quantiles, and to nothing beyond the outermost."""
    edges = family.icdf(PROBABILITIES, **arguments)
    assert torch.all(edges[1:] >= edges[:-1])
    half, middle = 0.5 * (edges[1:] - edges[:-1]), 0.5 * (edges[1:] + edges[:-1])
    x = middle.unsqueeze(-1) + half.unsqueeze(-1) * NODES
    mass = (torch.exp(family.log_prob(x, **arguments)) * WEIGHTS).sum(-1) * half
    # 64 Gauss points a decade of probability: quadrature is exact to rounding. What is left is an end of an interval,
    # rounded at 1e-16 of its place: 1e-12 of the probability when the interval is 1e4 times smaller than its place.
    torch.testing.assert_close(mass, PROBABILITIES[1:] - PROBABILITIES[:-1], rtol=0.0, atol=1e-9)
    low, high = (float(end) for end in family.support(**arguments))
    for start, stop in ((low, float(edges[0])), (float(edges[-1]), high)):
        beyond, _ = quad(
            lambda value: math.exp(family.log_prob(torch.tensor(value).double(), **arguments)), start, stop
        )
        assert beyond < 1e-9


def check_outside(family: Family, arguments: Mapping[str, float]) -> None:
    """Outside the support, and at values that are no numbers, the log density is -inf and never nan."""
    low, high = (float(end) for end in family.support(**arguments))
    span = high - low if math.isfinite(high - low) and high > low else 1.0
    outside = [low - 1e-3 * span, low - 1e6, high + 1e-3 * span, high + 1e6, math.inf, -math.inf, math.nan]
    x = torch.tensor([value for value in outside if not low < value < high or math.isnan(value)], dtype=torch.float64)
    for dtype in (torch.float64, torch.float32):
        assert torch.equal(family.log_prob(x.to(dtype), **arguments), torch.full_like(x, -math.inf, dtype=dtype))
    wild = torch.tensor([0.0, -0.0, 1e-320, 1e-30, 1e30, 1e300, -1e300], dtype=torch.float64)
    assert not torch.isnan(family.log_prob(wild, **arguments)).any()


def check_broadcast(family: Family) -> None:
    """A batch with other arguments in every row equals a loop, bit for bit."""
    rows = [{**family.defaults, **example} for example in family.examples]
    stacked = {name: torch.tensor([[row[name]] for row in rows], dtype=torch.float64) for name in family.parameters}
    u = MODERATE.expand(len(rows), -1)
    x = torch.stack([family.icdf(MODERATE, **row) for row in rows])
    assert torch.equal(family.icdf(u, **stacked), x)
    loop = torch.stack([family.log_prob(values, **row) for values, row in zip(x, rows, strict=True)])
    assert torch.equal(family.log_prob(x, **stacked), loop)
    low, high = family.support(**stacked)
    assert low.shape == high.shape == (len(rows), 1)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_family_is_declared_completely(family: Family) -> None:
    assert len(family.examples) >= 2
    assert set(family.defaults) | set(family.unbounded) <= set(family.parameters)
    for example in family.examples:
        assert family.check(**example) == []
        prior = priors.make_prior(family.name, **example)
        assert str(prior).startswith(f"{family.name}(")
        assert prior.support()[0] <= prior.support()[1]
    if family.log_coordinate:
        assert all(float(family.support(**example)[0]) >= 0 for example in family.examples)


@pytest.mark.parametrize(("family", "arguments"), CONTINUOUS_CASES)
def test_density_is_normalised_and_icdf_agrees_with_it(family: Family, arguments: Mapping[str, float]) -> None:
    check_normalised(family, arguments)


@pytest.mark.parametrize(("family", "arguments"), CASES)
def test_log_density_is_minus_infinity_outside_and_never_nan(family: Family, arguments: Mapping[str, float]) -> None:
    check_outside(family, arguments)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_batch_of_arguments_equals_a_loop(family: Family) -> None:
    check_broadcast(family)


@pytest.mark.parametrize(("family", "arguments"), CASES)
def test_single_precision_differs_by_the_rounding_of_the_result_only(
    family: Family, arguments: Mapping[str, float]
) -> None:
    u = torch.tensor([1e-7, 0.01, 0.3, 0.5, 0.9, 1.0 - 1e-6], dtype=torch.float32)
    x = family.icdf(u, **arguments)
    single, double = family.log_prob(x, **arguments), family.log_prob(x.double(), **arguments)
    assert x.dtype == single.dtype == torch.float32
    if not family.is_point:
        assert torch.equal(single, double.float())
    assert torch.isfinite(single).all()


@pytest.mark.parametrize(("family", "arguments"), CONTINUOUS_CASES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_starting_states_lie_inside_the_support(
    family: Family, arguments: Mapping[str, float], dtype: torch.dtype
) -> None:
    u = torch.tensor([1e-30, 1e-12, 0.5, 1.0 - 1e-7], dtype=dtype)
    assert torch.isfinite(family.log_prob(family.icdf(u, **arguments), **arguments)).all()


@pytest.mark.parametrize(("family", "arguments"), CONTINUOUS_CASES)
def test_density_has_a_finite_gradient(family: Family, arguments: Mapping[str, float]) -> None:
    x = family.icdf(MODERATE, **arguments).requires_grad_()
    log_density = family.log_prob(x, **arguments)
    if log_density.requires_grad:  # a flat density does not depend on x
        (gradient,) = torch.autograd.grad(log_density.sum(), x)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(("family", "arguments"), CASES)
def test_improper_arguments_are_refused_by_name(family: Family, arguments: Mapping[str, float]) -> None:
    for name in family.parameters:
        for value in (math.nan, math.inf, -math.inf):
            if math.isinf(value) and name in family.unbounded:
                continue
            with pytest.raises(ModelError, match=rf"{family.name}.*{name}.*expected .*proper"):
                priors.make_prior(family.name, **{**arguments, name: value})
    required = [name for name in family.parameters if name not in family.defaults]
    with pytest.raises(ModelError, match=f"{required[0]}: nothing; expected a number"):
        priors.make_prior(family.name)


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.is_point], ids=lambda family: family.name)
def test_point_family_holds_its_value_in_both_precisions(family: Family) -> None:
    for example in family.examples:
        (value,) = example.values()
        for dtype in (torch.float64, torch.float32):
            x = torch.tensor([value, value + 1e-3], dtype=dtype)
            assert family.log_prob(x, **example).tolist() == [0.0, -math.inf]
            assert torch.equal(family.icdf(torch.tensor([0.1, 0.9], dtype=dtype), **example), x[:1].expand(2))


NORMAL = priors.get("normal")
UNIFORM = priors.get("uniform")
BROKEN: dict[str, tuple[Callable[..., None], Family]] = {
    "density without its constant": (
        check_normalised,
        replace(NORMAL, density=lambda x, m, s: -0.5 * ((x - m) / s) ** 2),
    ),
    "quantile of another scale": (check_normalised, replace(NORMAL, quantile=lambda u, m, s: m + 1.01 * s * u.logit())),
    "density 1e-6 too large": (
        check_normalised,
        replace(NORMAL, density=lambda x, m, s: NORMAL.density(x, m, s) + 1e-6),
    ),
    "mass beyond the quantiles": (check_normalised, replace(UNIFORM, quantile=lambda u, a, b: a + 0.9 * u * (b - a))),
    "density outside the support": (check_outside, replace(UNIFORM, density=lambda x, a, b: -torch.log(b - a) + 0 * x)),
    "nan outside the support": (
        check_outside,
        replace(UNIFORM, density=lambda x, a, b: torch.log(1 - x) - torch.log(b - a)),
    ),
    "arguments not broadcast": (
        lambda family: check_broadcast(family),
        replace(UNIFORM, density=lambda x, a, b: UNIFORM.density(x, a.min(), b.max())),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_family_is_caught(name: str) -> None:
    check, family = BROKEN[name]
    arguments = () if name == "arguments not broadcast" else (family.examples[0],)
    with pytest.raises(AssertionError):
        check(family, *arguments)


@pytest.mark.parametrize(("family", "arguments"), CONTINUOUS_CASES)
def test_share_between_quantiles(family: Family, arguments: Mapping[str, float]) -> None:
    prior = priors.make_prior(family.name, **arguments)
    low, high = (float(x) for x in prior.icdf(torch.tensor([0.2, 0.7], dtype=torch.float64)))
    # the quantiles themselves are right to 1e-9
    assert prior.share(low, high) == pytest.approx(0.5, abs=1e-8)
    assert prior.share(-math.inf, high) == pytest.approx(0.7, abs=1e-8)
    assert prior.share(*prior.support()) == 1.0
    assert prior.share(high, low) == 0.0
