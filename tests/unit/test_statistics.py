"""Statistics of many columns at once are those of each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from bayesbeam.sampling.diagnostics import effective_sample_sizes, split_rhats
from bayesbeam.stages.statistics import LEVELS, statistics, statistics_of_each


def test_each_column_is_as_it_is_alone_bit_by_bit() -> None:
    draws = np.random.default_rng(4).standard_normal((8, 150, 5)) * [1.0, 1e-9, 1e9, 1.0, 0.0] + [
        0.0,
        1.0,
        3.0,
        0.0,
        2.0,
    ]
    draws[..., 3] = np.round(draws[..., 3])
    together = statistics_of_each(draws)
    for k, found in enumerate(together):
        alone = statistics(draws[..., k])
        assert list(found) == list(alone)
        np.testing.assert_array_equal(list(found.values()), list(alone.values()))
    np.testing.assert_array_equal(
        [list(one.values()) for one in statistics_of_each(draws[..., :2])],
        [list(one.values()) for one in together[:2]],
    )


def test_they_are_what_their_names_say() -> None:
    draws = np.random.default_rng(5).gamma(3.0, size=(8, 150))
    found = statistics(draws)
    assert found["mean"] == pytest.approx(draws.mean(), rel=1e-12)
    assert found["sd"] == pytest.approx(draws.std(), rel=1e-12)
    for name, level in LEVELS.items():
        assert found[name] == np.quantile(draws, level)
    assert found["ess"] == effective_sample_sizes(draws[None])[0]
    assert found["rhat"] == split_rhats(draws[None])[0]


def test_no_quantities_have_no_statistics() -> None:
    assert statistics_of_each(np.empty((4, 10, 0))) == []
