"""Dictionaries, noise and sizes that cannot be used are refused by name; sizes' priors are distributions."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from bayesbeam.errors import BayesbeamError, ModelError, SamplingError
from bayesbeam.sparse.batched import _binomials, supports_of_rank
from bayesbeam.sparse.exchange import Walk, walk_supports
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.problem import free_energy_of, regression
from bayesbeam.sparse.search import posterior
from bayesbeam.sparse.sizes import each_column, equal_sizes, falling_sizes

GENERATOR = np.random.default_rng(1)
DESIGN = GENERATOR.standard_normal((20, 6))
Y = GENERATOR.standard_normal(20)


def with_column(j: int, values: Any) -> np.ndarray:
    design = DESIGN.copy()
    design[:, j] = values
    return design


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"design": np.empty((20, 0))}, ["dictionary", "no column"]),
        ({"design": with_column(2, 0.0), "names": list("abcdef")}, ["only zeros in c;"]),
        ({"design": with_column(4, -3.0 * DESIGN[:, 1]), "names": list("abcdef")}, ["b and e"]),
        ({"design": with_column(1, np.nan)}, ["design at [0, 1]", "not finite"]),
        ({"y": np.full(20, np.inf)}, ["y at [0]"]),
        ({"y": Y[:5]}, ["(20, 6) and (5,)"]),
        ({"noise": 0.0}, ["noise", "a number above 0"]),
        ({"noise": np.ones(3)}, ["noise", "20 of them"]),
        ({"prior_sd": -1.0}, ["prior sd"]),
        ({"prior_mean": np.nan}, ["prior mean", "a finite number"]),
        ({"prior_mean": np.zeros(3)}, ["prior mean", "6 of them"]),
        ({"names": list("abcde")}, ["5 names of 6 columns"]),
        ({"names": list("abcdee")}, ["5 names of 6 columns"]),
        ({"always": 7}, ["always", "7 of 6"]),
        ({"shape": 2.0}, ["noise level", "scale = 0.0"]),
        ({"shape": -1.0, "scale": -1.0}, ["noise level"]),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(change: dict[str, Any], words: list[str]) -> None:
    given = {"design": DESIGN, "y": Y, "noise": 1.0, "prior_sd": 1.0} | change
    with pytest.raises(ModelError) as caught:
        regression(**given)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_columns_equal_but_for_noise_of_different_size_are_found() -> None:
    """The weights of points do not hide that two columns are one."""
    with pytest.raises(ModelError, match=re.escape("column 1 and column 6")):
        regression(with_column(5, 2.0 * DESIGN[:, 0]), Y, np.linspace(0.1, 9.0, 20), 1.0)


def test_more_supports_than_allowed_are_not_begun_and_the_number_is_told() -> None:
    given = regression(DESIGN, Y, 1.0, 1.0)
    with pytest.raises(SamplingError, match="42 supports of up to 3 of 6 columns; expected 41 at most"):
        search_all(given, 3, limit=41)
    assert search_all(given, 3, limit=42).count.tolist() == [1, 6, 15, 20]


@pytest.mark.parametrize("most", [0, 7])
def test_sizes_that_do_not_exist_are_refused(most: int) -> None:
    with pytest.raises(ModelError, match="supports of up to"):
        search_all(regression(DESIGN, Y, 1.0, 1.0), most)


def test_nearly_dependent_columns_of_wide_priors_are_refused_before_numbers_are_wrong() -> None:
    near = with_column(5, DESIGN[:, 0] + 1e-5 * DESIGN[:, 3])
    assert search_all(regression(near, Y, 1.0, 1.0), 2).rounding < 1e-9
    with pytest.raises(ModelError, match="rounding moves"):
        search_all(regression(near, 1e4 * Y, 1e-2, 1e2), 2)
    with pytest.raises(ModelError, match="but for rounding"):
        search_all(regression(near, 1e4 * Y, 1e-4, 1e6), 2)


@pytest.mark.parametrize("always", [0, 1])
def test_the_bound_of_rounding_is_one_also_beside_a_column_that_is_always_in(always: int) -> None:
    """What is lost where that column is taken out of columns much like it, which was not seen: 1e-13, and 1e-9 in F."""
    design = np.ones((20, 1)) + 1e-3 * with_column(0, 0.0)
    given = regression(design, 2.0 + 0.1 * Y, 0.1, 1e3, always=always)
    found = search_all(given, 2)
    for size in (1, 2):
        for row, value in zip(found.best[size], found.best_free_energy[size], strict=True):
            if np.isfinite(value):
                assert abs(value - free_energy_of(given, row[:size])) < found.rounding < 1e-3


def test_a_walk_refuses_free_energies_that_rounding_has_spoilt() -> None:
    near = with_column(5, DESIGN[:, 0] + 1e-5 * DESIGN[:, 3])
    asked, log_size = Walk(max_sweeps=1000, chains=2), equal_sizes(6, 2)
    assert walk_supports(regression(near, Y, 1.0, 1.0), log_size, asked).free_energy.value > 0.0
    with pytest.raises(ModelError, match="rounding moves by"):
        walk_supports(regression(near, 1e4 * Y, 1e-2, 1e2), log_size, asked)
    with pytest.raises(ModelError, match="but for rounding"):
        walk_supports(regression(near, 1e4 * Y, 1e-4, 1e6), log_size, asked)


@pytest.mark.parametrize("name", ["ranked", "bins", "threads"])
def test_numbers_of_things_are_one_or_more(name: str) -> None:
    with pytest.raises(BayesbeamError, match=name):
        search_all(regression(DESIGN, Y, 1.0, 1.0), 2, **{name: 0})


def test_priors_of_sizes_are_distributions() -> None:
    for log_size in (equal_sizes(9, 4), each_column(9, 4, 0.3), falling_sizes(9, 4, 0.5), each_column(9, 9, 0.99)):
        assert math.isclose(np.exp(log_size).sum(), 1.0, rel_tol=1e-12)
    whole = np.exp(each_column(9, 9, 0.3))
    assert whole == pytest.approx([math.comb(9, k) * 0.3**k * 0.7 ** (9 - k) for k in range(10)])
    search = search_all(regression(DESIGN, Y, 1.0, 1.0), 2)
    with pytest.raises(ModelError, match="prior of sizes"):
        posterior(search, np.log([0.5, 0.2, 0.2]))
    for wrong in (0.0, 1.0, math.nan):
        with pytest.raises(ModelError, match="probability of a column"):
            each_column(9, 4, wrong)
    with pytest.raises(ModelError, match="ratio"):
        falling_sizes(9, 4, 0.0)


def test_supports_of_ranks_are_all_supports_once() -> None:
    for columns, size in ((7, 0), (7, 1), (7, 3), (6, 6)):
        count = math.comb(columns, size)
        found = supports_of_rank(torch.arange(count), _binomials(columns, size))
        assert found.shape == (count, size)
        assert bool((found.diff(dim=1) > 0).all())
        assert len({tuple(row.tolist()) for row in found}) == count
        assert size == 0 or (int(found.min()), int(found.max())) == (0, columns - 1)
