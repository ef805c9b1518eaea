"""The library: priors from text, curves as targets, settings, and results as people read them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import bayesbeam
from bayesbeam import noise, priors
from bayesbeam.config.grammar import parse_prior
from bayesbeam.errors import BayesbeamError, DataError, ModelError, SamplingError
from bayesbeam.library import Result, curve_target, sample
from bayesbeam.library_models import read_prior
from bayesbeam.models import registry
from bayesbeam.sampling.run import Progress
from bayesbeam.targets.sum import Part, sum_target
from bayesbeam.testsystems.linear_gaussian import linear_gaussian, linear_target

X = np.linspace(-1.0, 1.0, 9)
LINE = {"line.level": "normal(0, 1)", "line.slope": "normal(mean=0, sd=2)", "line.pivot": 0}
SHORT: dict[str, Any] = {"seed": 2, "chains": 4, "max_sweeps": 20}


def quadratic(theta: torch.Tensor) -> torch.Tensor:
    return -0.5 * theta.square().sum(-1)


@pytest.mark.parametrize("family", priors.names())
def test_text_of_every_family_reads_as_in_campaigns(family: str) -> None:
    for values in priors.get(family).examples:
        prior = priors.make_prior(family, **values)
        by_place = f"{family}({', '.join(repr(value) for value in prior.values)})"
        assert read_prior("a", str(prior)) == prior
        spec = parse_prior(str(prior))
        assert priors.make_prior(spec.family, **spec.values({})) == prior
        if all(map(math.isfinite, prior.values)):
            assert read_prior("a", by_place) == prior


def test_a_number_is_a_fixed_value_and_a_prior_is_itself() -> None:
    assert read_prior("a", 2) == priors.make_prior("fixed", value=2.0)
    prior = priors.make_prior("normal", mean=0.0, sd=1.0)
    assert read_prior("a", prior) is prior


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("normal", "numbers in a known family"),
        ("normal(mean=0, sd=x_span)", "nothing is computed"),
        ("normal(0, 1, 2)", "'normal(0, 1, 2)'; expected"),
        ("normal(mean=0, mean=1)", "numbers in a known family"),
        ("normal(mean=0)", "sd: nothing; expected a number"),
        ("normal(mean=0, sd=-1)", "sd: sd = -1; expected > 0"),
        ("norml(mean=0, sd=1)", "Did you mean normal?"),
        ("uniform(low=-inf, high=1)", "must be proper"),
        ("__import__('os').system('true')", "unknown family"),
        ("normal(mean=0, sd=1)" * 1000, "numbers in a known family"),
        (None, "numbers in a known family"),
        (math.nan, "expected a finite number"),
    ],
)
def test_a_mistake_in_a_prior_names_the_parameter(text: Any, words: str) -> None:
    with pytest.raises(ModelError) as error:
        read_prior("slope", text)
    assert str(error.value).startswith("prior of slope: ")
    assert words in str(error.value)
    assert len(str(error.value)) < 400


def test_a_curve_target_is_the_sum_that_campaigns_build() -> None:
    y, sd = 1.0 + 0.5 * X, np.full(9, 0.2)
    easy = curve_target(X, y, {"line": "linear", "peaks": ("gaussian", 2)}, {**LINE, **PEAKS}, sd=0.2)
    assert [(slot.name, slot.index) for slot in easy.slots[:4]] == [
        ("line.level", None), ("line.slope", None), ("line.pivot", None), ("peaks.amplitude", 1)
    ]  # fmt: skip
    nested = {name: [[read_prior(name, text)]] for name, text in {**LINE, **PEAKS}.items()}
    parts = [
        Part("line", registry.get("linear"), 1, {n: nested[f"line.{n}"] for n in ("level", "slope", "pivot")}),
        Part("peaks", registry.get("gaussian"), 2, {n: nested[f"peaks.{n}"] for n in ("amplitude", "position", "sd")}),
    ]
    columns = [torch.from_numpy(v).reshape(1, 1, -1) for v in (X, y, sd, np.ones(9))]
    plain = sum_target(columns[0], columns[1], columns[2], columns[3], parts, noise.get("normal"), {})
    theta = torch.rand(1, 1, 2, 3, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    values = [target.log_likelihood(target.rows(theta).sum(0), theta) for target in (easy, plain)]
    assert torch.equal(values[0], values[1])


PEAKS = {
    "peaks.amplitude": "half_normal(sd=1)",
    "peaks.position": "uniform(low=-1, high=1)",
    "peaks.sd": "log_uniform(low=0.1, high=1)",
}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"priors": {"line.level": "normal(0, 1)"}}, ModelError, "none for line.slope; expected"),
        ({"priors": {**LINE, "line.slop": 1.0}}, ModelError, "Did you mean line.slope?"),
        ({"noise": "normal_scaled"}, ModelError, "none for noise.scale"),
        ({"noise": "gauss"}, ModelError, "unknown family 'gauss'"),
        ({"parts": {"line": "linaer"}}, ModelError, "Did you mean linear?"),
        ({"parts": {"line": ("linear", 2)}}, ModelError, "part line: 2 of linear; expected one, since several"),
        ({"parts": {"line": ("linear", 0)}}, ModelError, "part line: the count 0; expected a whole number from 1"),
        ({"y": np.zeros(8)}, ModelError, "x, y and sd of shapes (9,), (8,), ()"),
        ({"sd": 0.0}, DataError, "not positive"),
        ({"y": np.full(9, np.nan)}, DataError, "not finite"),
        ({"noise": "poisson"}, DataError, "no count"),
        ({"integrate_out": ["line.slop"]}, ModelError, "Did you mean line.slope?"),
        ({"integrate_out": ["line.pivot"]}, ModelError, "'line.pivot'; expected a free parameter of a part"),
    ],
)
def test_a_mistake_in_a_curve_target_is_explained(change: dict[str, Any], error: type, words: str) -> None:
    given = {"x": X, "y": 0.1 + X, "parts": {"line": "linear"}, "priors": LINE, "sd": 0.1, **change}
    with pytest.raises(error) as found:
        curve_target(**given)
    assert words in str(found.value)
    assert "; expected " in str(found.value)


def test_what_is_integrated_out_has_draws_like_all_others() -> None:
    y = np.exp(-0.5 * ((X - 0.5) / 0.3) ** 2)
    known = {**PEAKS, "peaks.amplitude": "normal(mean=0.5, sd=0.5)"}
    target = curve_target(X, y, {"peaks": ("gaussian", 2)}, known, sd=0.3, integrate_out=["peaks.amplitude"])
    result = sample(target, **SHORT)
    plain = sample(curve_target(X, y, {"peaks": ("gaussian", 2)}, known, sd=0.3), **SHORT)
    assert {n: v.ndim for n, v in result.draws.items()} == {n: v.ndim for n, v in plain.draws.items()}
    heights = result.draws["peaks.amplitude"]
    assert len(np.unique(heights)) == heights.size
    assert "peaks.amplitude[2]" in result.summary()


def test_draws_are_named_by_parameter_and_instances_are_in_order() -> None:
    y = np.exp(-0.5 * ((X - 0.5) / 0.3) ** 2)
    target = curve_target(X, y, {"peaks": ("gaussian", 2)}, {**PEAKS, "peaks.amplitude": 0.5}, sd=0.3)
    result = sample(target, **SHORT)
    assert sorted(result.draws) == ["peaks.area", "peaks.area_fraction", "peaks.fwhm", "peaks.position", "peaks.sd"]
    count = result.run.theta.shape[0] * result.run.theta.shape[2]
    assert {values.shape for values in result.draws.values()} == {(count, 2)}
    places = result.draws["peaks.position"]
    (labels,) = result.numbering
    assert (labels.part, labels.overlap.shape) == ("peaks", (2, 2))
    assert np.diff(places.mean(0)) > 0 if labels.assigned else (np.diff(places, axis=1) >= 0).all()
    raw = np.sort(result.run.theta[:, 0][..., [1, 4]], axis=-1)
    # Chain after chain.
    assert np.array_equal(np.sort(places, axis=-1), raw.swapaxes(0, 1).reshape(-1, 2))


def test_the_summary_names_instances_that_cannot_be_told_apart() -> None:
    target = curve_target(X, np.zeros_like(X), {"peaks": ("gaussian", 2)}, PEAKS, sd=1.0)
    result = sample(target, **SHORT)
    (labels,) = result.numbering
    ((first, second, overlap),) = labels.doubtful
    assert str(result).splitlines()[-1] == f"peaks: cannot be told apart (overlap): 1 and 2 ({overlap:.0%})"
    assert (first, second, overlap > 0.05) == (1, 2, True)


def test_the_summary_says_what_the_numbers_are() -> None:
    result = sample(quadratic, {"a": "normal(0, 1)", "held": 3.0, "b": "uniform(-1, 1)"}, **SHORT)
    lines = str(result).splitlines()
    assert lines[0].startswith(f"free energy {result.free_energy.value:.4g} +- ")
    assert result.verdict.word in lines[0]
    assert all(reason in lines[0] for reason in result.verdict.reasons)
    assert [line.split()[0] for line in lines[2:]] == ["parameter", "a", "b"]
    a = result.draws["a"]
    numbers = [a.mean(), a.std(ddof=1), *np.quantile(a, [0.025, 0.975])]
    # Five digits are shown.
    assert [float(word) for word in lines[3].split()[1:]] == pytest.approx(numbers, rel=1e-4)


def test_seed_and_name_fix_the_numbers_and_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    seen: list[int] = []

    def watched(theta: torch.Tensor) -> torch.Tensor:
        seen.append(torch.get_num_threads())
        return quadratic(theta)

    def draws(**changes: Any) -> bytes:
        return bytes(sample(watched, {"a": "normal(0, 1)"}, **{**SHORT, **changes}).draws["a"].tobytes())

    torch.set_num_threads(2)
    try:
        first = draws()
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert draws() == first
    assert draws(seed=3) != first
    assert draws(name="other") != first


def test_progress_is_told() -> None:
    news: list[Progress] = []
    sample(quadratic, {"a": "normal(0, 1)"}, progress=news.append, **SHORT)
    assert news[-1].sweeps > 0
    assert math.isfinite(news[-1].free_energy)


MISUSED: list[tuple[tuple[Any, ...], dict[str, Any], type[BayesbeamError], str]] = [
    ((quadratic,), {}, ModelError, "no priors; expected a function with priors, or a target"),
    ((3.0, {}), {}, ModelError, "a float and priors"),
    ((quadratic, {"a": "normal(0, 1)"}), {"max_sweep": 3}, SamplingError, "Did you mean max_sweeps?"),
    ((quadratic, {"a": 1.0}), {}, ModelError, "none of them free"),
    ((linear_target([linear_gaussian(torch.Generator().manual_seed(1))] * 2),), {}, SamplingError, "2 groups of 1"),
    ((linear_target([linear_gaussian(torch.Generator().manual_seed(1))]), {"a": 1}), {}, ModelError, "priors beside"),
]


@pytest.mark.parametrize(("arguments", "settings", "error", "words"), MISUSED)
def test_misuse_is_explained(
    arguments: tuple[Any, ...], settings: dict[str, Any], error: type[BayesbeamError], words: str
) -> None:
    with pytest.raises(error) as found:
        sample(*arguments, seed=1, **settings)
    assert words in str(found.value)
    assert "; expected " in str(found.value)


def test_the_package_offers_the_library_and_nothing_that_is_not_there() -> None:
    assert bayesbeam.sample is sample
    assert bayesbeam.Result is Result
    assert {"sample", "curve_target", "Result", "__version__"} <= set(dir(bayesbeam))
    with pytest.raises(AttributeError, match="no attribute 'simple'"):
        _ = bayesbeam.simple
