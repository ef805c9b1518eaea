"""A user's own log-likelihood as a target: the same protocol as a sum, and its mistakes found before sampling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.priors import make_prior
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.function import FunctionTarget, function_target

PRIORS = {
    "a": make_prior("normal", mean=0.0, sd=2.0),
    "b": make_prior("uniform", low=-1.0, high=3.0),
    "held": make_prior("fixed", value=0.5),
}
SHORT = Settings(seed=3, max_sweeps=20, chains=4)


def quadratic(theta: Tensor) -> Tensor:
    return -0.5 * theta.square().sum(-1)


def prior_draws(target: FunctionTarget, chains: int = 3, replicas: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = (len(target.slots), target.groups, 1, chains, replicas)
    return target.from_uniform(torch.rand(shape, dtype=torch.float64, generator=generator))


def value_of(target: FunctionTarget, theta: Tensor) -> Tensor:
    return target.log_likelihood(target.rows(theta).sum(0), theta)


def test_it_has_no_curves_and_one_member() -> None:
    target = function_target(quadratic, PRIORS, groups=2)
    theta = prior_draws(target)
    assert (target.groups, target.members, target.terms, target.noise_start) == (2, 1, (), 0)
    assert (target.device, target.dtype) == (torch.device("cpu"), torch.float64)
    assert [(slot.name, slot.kind) for slot in target.slots] == [(f"model.{n}", "parameter") for n in PRIORS]
    assert target.moving == (0, 1)
    assert not target.tied.any()
    assert target.rows(theta).shape == (0, 2, 1, 3, 4, 0)
    assert torch.equal(value_of(target, theta), quadratic(theta))
    assert torch.equal(theta[..., 2], torch.full((2, 1, 3, 4), 0.5, dtype=torch.float64))
    prior = sum(PRIORS[name].log_prob(theta[:, 0, ..., j]) for j, name in enumerate(("a", "b")))
    assert torch.allclose(target.log_prior(theta), prior, rtol=1e-14)


def test_selected_groups_are_the_target_of_that_many() -> None:
    target = function_target(quadratic, PRIORS, groups=5).select(torch.tensor([3, 1]))
    theta = prior_draws(target)
    assert target.groups == 2
    assert theta.shape == (2, 1, 3, 4, 3)
    assert torch.equal(value_of(target, theta), quadratic(theta))


@pytest.mark.parametrize(
    ("asked", "blocks"),
    [
        ("all", ((0, 1, 3),)),
        ("each", ((0,), (1,), (3,))),
        ([["c", "a"]], ((3, 0), (1,))),
        ([["a", "held"], ["b", "c"]], ((0,), (1, 3))),
        ([["held"], ["b"]], ((1,), (0,), (3,))),
    ],
)
def test_blocks_are_as_asked_and_leave_nothing_out(asked: Any, blocks: tuple[tuple[int, ...], ...]) -> None:
    priors = {**PRIORS, "c": PRIORS["a"]}
    assert function_target(quadratic, priors, blocks=asked).blocks == blocks


@pytest.mark.parametrize(
    ("asked", "words"),
    [("every", "'all', 'each'"), ([["a"], ["a", "b"]], "a twice"), ([["aa"]], "Did you mean a?"), ("ech", "each")],
)
def test_a_mistake_in_blocks_is_explained(asked: Any, words: str) -> None:
    with pytest.raises(ModelError) as error:
        function_target(quadratic, PRIORS, blocks=asked)
    assert words in str(error.value)
    assert "; expected " in str(error.value)


def test_without_a_free_parameter_there_is_nothing_to_sample() -> None:
    with pytest.raises(ModelError, match="none of them free; expected at least one"):
        function_target(quadratic, {"held": PRIORS["held"]})


def test_a_function_of_one_vector_gives_what_the_batched_one_gives() -> None:
    def one(vector: np.ndarray) -> float:
        assert vector.shape == (3,)
        return -0.5 * float((vector**2).sum())

    single, batched = function_target(one, PRIORS, batched=False), function_target(quadratic, PRIORS)
    theta = prior_draws(single)
    # Sums of three squares, in numpy and in torch.
    assert torch.allclose(value_of(single, theta), value_of(batched, theta), rtol=1e-15)
    single.check(theta)
    assert single.function.title == "log-likelihood one"


def test_numpy_results_float32_results_and_gradients_are_taken_as_numbers() -> None:
    factor = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    functions: list[Callable[[Tensor], Any]] = [
        lambda theta: -0.5 * (theta.numpy() ** 2).sum(-1),
        lambda theta: quadratic(theta.float()),
        lambda theta: -factor * theta.square().sum(-1),
    ]
    for function in functions:
        target = function_target(function, PRIORS)
        theta = prior_draws(target)
        target.check(theta)
        value = value_of(target, theta)
        assert value.dtype == torch.float64
        assert not value.requires_grad
        # Single precision carries 24 bits.
        assert torch.allclose(value, quadratic(theta), rtol=1e-6)


def test_impossible_states_are_allowed_and_infinite_likelihoods_are_not_a_number() -> None:
    target = function_target(lambda theta: torch.where(theta[..., 1] < 0, -math.inf, 0.0).double(), PRIORS)
    theta = prior_draws(target)
    target.check(theta)
    assert torch.isneginf(value_of(target, theta)).any()
    endless = function_target(lambda theta: torch.where(theta[..., 1] < 0, math.inf, 0.0).double(), PRIORS)
    assert torch.isnan(value_of(endless, theta)).any()
    with pytest.raises(ModelError, match=r"b = -.*: inf; expected a number, or -inf"):
        endless.check(theta)


def in_place(theta: Tensor) -> Tensor:
    return -theta.square_().sum(-1)


def in_place_by_numpy(theta: Tensor) -> Tensor:
    array = theta.numpy()
    array *= 2.0
    return -theta.square().sum(-1)


def in_place_where_rare(theta: Tensor) -> Tensor:
    far = theta[..., 0] > 4.5
    if far.any():
        theta[far, 0] = 4.5
    return quadratic(theta)


def refused(theta: Tensor) -> Tensor:
    raise ValueError("matrix is singular")


def random_value(theta: Tensor) -> Tensor:
    noise = torch.from_numpy(np.random.default_rng().standard_normal(theta.shape[:-1]))
    return quadratic(theta) + noise


def centred_on_the_batch(theta: Tensor) -> Tensor:
    return quadratic(theta - theta.mean(0))


BAD = {
    "sum over everything": (lambda theta: theta.sum(), r"a tensor of shape \(\); expected|of shape \(\) for theta"),
    "sum over the states": (lambda theta: theta.sum(0), r"of shape \(3,\) for theta of shape \("),
    "an axis too many": (lambda theta: theta.sum(-1, keepdim=True), r", 1\) for theta"),
    "a float": (lambda theta: 1.0, "returned a float"),
    "nothing": (lambda theta: None, "returned nothing"),
    "complex numbers": (lambda theta: theta.sum(-1) * 1j, "complex numbers"),
    "not a number": (lambda theta: torch.log(theta[..., 0]), r"at a = -.*, b = .*: nan; expected a number"),
    "an exception": (refused, "raised ValueError: matrix is singular"),
    "a misspelt name": (lambda theta: theta.logg(), "raised AttributeError"),
    "input changed by torch": (in_place, "changes its input"),
    "input changed by numpy": (in_place_by_numpy, "changes its input"),
    "random numbers": (random_value, "when called again; expected the same value"),
    "states that feel one another": (centred_on_the_batch, "alone, without the rest of its batch"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_function_is_refused_before_sampling_starts(case: str) -> None:
    function, words = BAD[case]
    calls: list[int] = []

    def counted(theta: Tensor) -> Any:
        calls.append(len(theta))
        return function(theta)

    with pytest.raises(ModelError, match=words) as error:
        replica_exchange(function_target(counted, PRIORS), [GroupName("g", ("m",))], SHORT)
    assert "; expected " in str(error.value)
    # A few calls to look at it; sampling would take hundreds.
    assert len(calls) <= 10


def test_a_rare_change_of_the_input_is_found_when_it_happens() -> None:
    target = function_target(in_place_where_rare, PRIORS)
    theta = torch.zeros(1, 1, 1, 8, 3, dtype=torch.float64)
    target.check(theta)
    theta[..., 5, 0] = 6.0
    with pytest.raises(ModelError, match="changes its input"):
        value_of(target, theta)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda vector: vector, r"returned a tensor of shape \(3,\) for one parameter vector"),
        (lambda vector: None, "returned nothing for one parameter vector"),
        (lambda vector: "low", "returned a str"),
        (lambda vector: float(vector.sort() or 0.0), "raised ValueError: .*read-only"),
        (lambda vector: math.log(vector[0]), "raised ValueError"),
        (lambda vector: float("nan"), "nan; expected a number"),
    ],
)
def test_a_bad_function_of_one_vector_is_refused(function: Callable[[np.ndarray], Any], words: str) -> None:
    target = function_target(function, PRIORS, batched=False)
    with pytest.raises(ModelError, match=words):
        target.check(prior_draws(target))


def test_copies_differ_by_their_names_only_and_feel_nothing_of_each_other() -> None:
    def sample(names: list[str]) -> list[bytes]:
        groups = [GroupName(name, (name,)) for name in names]
        runs = replica_exchange(function_target(quadratic, PRIORS, groups=len(names)), groups, SHORT)
        return [run.theta.tobytes() + run.log_likelihood.tobytes() for run in runs]

    together = sample(["one", "two", "three"])
    assert len(set(together)) == 3
    assert sample(["two"]) == together[1:2]


def test_evidence_of_a_quadratic_is_met() -> None:
    """Z is a product of two normal integrals and a constant; 5 standard errors, 1e-3 by Student's t with 7 degrees."""
    settings = Settings(seed=4, max_sweeps=150, chains=8)
    run = replica_exchange(function_target(quadratic, PRIORS), [GroupName("g", ("m",))], settings)[0]
    unit = torch.distributions.Normal(0.0, 1.0)
    inside = float(unit.cdf(torch.tensor(3.0)) - unit.cdf(torch.tensor(-1.0)))
    truth = 0.5 * math.log(5.0) - math.log(inside * math.sqrt(2.0 * math.pi) / 4.0) + 0.125
    assert abs(run.free_energy.value - truth) < 5 * run.free_energy.standard_error
    assert run.free_energy.standard_error < 0.3
    assert np.array_equal(run.theta[..., 2], np.full(run.theta.shape[:-1], 0.5))
