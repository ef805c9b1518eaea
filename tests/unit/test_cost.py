"""What a campaign will take: sums and schedules that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesbeam.stages.cost import (
    Costs,
    TagCost,
    Work,
    disk_bytes,
    draws_bytes,
    error_of,
    error_of_mean,
    finish_s,
    seconds_of,
)

COSTS = Costs({"peaks": TagCost(2.0, "cpu", 16, {"full": 100.0, "summary": 10.0})}, 3.0, 5.0, 0.1, 0.5, 20.0, 7.0)


def sample(name: str, measurements: int, *after: str) -> Work:
    return Work(name, "sample", "peaks", measurements, 1, after)


def test_seconds_of_jobs() -> None:
    assert seconds_of(sample("a", 10), COSTS) == 3.0 + 20.0
    assert seconds_of(Work("b", "preprocess", "", 10), COSTS) == 3.0 + 1.0
    assert seconds_of(Work("c", "free_energy", "", 10, 4), COSTS) == 5.0 + 20.0
    assert seconds_of(Work("d", "report", "", 10), COSTS) == 3.0


def test_jobs_wait_for_each_other_and_for_a_core() -> None:
    works = [sample("a", 1), sample("b", 2), sample("c", 3), sample("d", 1, "a", "b", "c", "of another run")]
    assert finish_s(works, COSTS, 1) == 5 + 7 + 9 + 5
    assert finish_s(works, COSTS, 2) == 7 + 5 + 5  # 9 beside 7 and then 5; d when both are done
    assert finish_s(works, COSTS, 9) == 9 + 5
    assert finish_s(works, COSTS, 9, wait_s=10.0) == 10 + 9 + 10 + 5
    assert finish_s([], COSTS, 2) == 0


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.integers(1, 8))
def test_a_schedule_is_no_shorter_than_the_work_allows(sizes: list[int], slots: int) -> None:
    works = [sample(str(number), size) for number, size in enumerate(sizes)]
    length = [seconds_of(work, COSTS) for work in works]
    found = finish_s(works, COSTS, slots)
    # Graham (1969): a list schedule is at most twice as long as the best one can be.
    assert max(max(length), sum(length) / slots) - 1e-9 <= found <= sum(length) / slots + max(length) + 1e-9


def test_disk() -> None:
    assert disk_bytes({"peaks": 10}, 10, COSTS, "full") == 1000 + 70 + 200
    assert disk_bytes({"peaks": 10}, 10, COSTS, "summary") == 100 + 70 + 200
    # 4000 sweeps of 10 chains, 20 rungs, 13 slots, a thousand draws of each chain.
    assert draws_bytes(4000, 10, 20, 13, 1000, "full") == 8 * 10 * (1000 * 13 + 4000 * 20)
    assert draws_bytes(4000, 10, 20, 13, 1000, "draws") == 8 * 10 * (1000 * 13 + 1000 * 20)
    assert draws_bytes(4000, 10, 20, 13, 1000, "summary") == 8 * 10 * (100 * 13 + 32 * 20)


def test_error_of_what_was_looked_at() -> None:
    """Means of some of a hundred, picked without putting back, scatter as is said; all or one are the ends."""
    random = np.random.default_rng(1)
    whole = random.exponential(size=100)
    picks = [random.choice(whole, 40, replace=False) for _ in range(4000)]
    scatter = np.std([one.mean() for one in picks])
    told = np.sqrt(np.mean([error_of_mean(list(one), 100) ** 2 for one in picks]))
    assert told == pytest.approx(scatter, rel=0.05)
    assert error_of_mean(list(whole), 100) == 0.0
    assert error_of_mean([3.0], 1000) == pytest.approx(3.0, rel=1e-3)


def test_errors_of_candidates_are_added_in_squares() -> None:
    one, two = (TagCost(2.0, "cpu", 16, {}, error) for error in (0.3, 0.4))
    costs = Costs({"one": one, "two": two}, 0.0, 0.0, 0.1, 0.0, 0.0, 0.0)
    works = [Work(f"{tag}{k}", "sample", tag, 50) for tag in ("one", "two") for k in range(2)]
    assert error_of(works, costs) == pytest.approx(50.0 / 400.0)
    treat = [Work("all", "preprocess", "", 4000)]
    assert error_of(works + treat, costs) == pytest.approx(50.0 / 800.0)
    assert error_of(treat, costs) == error_of([], costs) == 0.0
