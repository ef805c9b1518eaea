"""The comparison of configurations can fail: mistakes that make results depend on batch or threads are noticed.

Each mistake is planted in this process, and two configurations in which it should tell are compared with each other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

# Plain helpers beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.noise import normal_scaled
from bayesbeam.sampling import run
from bayesbeam.sampling.engines import fused
from bayesbeam.sampling.groups import GroupName
from configured_campaign import Lab, differences, found_in, jobs_of, lab_of
from sample_configured import Order, sample
from short_runs import shorten

Plant = Callable[[pytest.MonkeyPatch], None]


def nothing(patch: pytest.MonkeyPatch) -> None:
    """No mistake: all configurations agree."""


def numbers_by_place(patch: pytest.MonkeyPatch) -> None:
    """Key random numbers by the place in the batch, not by name."""
    by_name = run.all_groups

    def by_place(names: list[GroupName], *rest: Any) -> Any:
        return by_name([GroupName(f"{g}", tuple(f"{g}" for _ in one.members)) for g, one in enumerate(names)], *rest)

    patch.setattr(run, "all_groups", by_place)


def numbers_by_thread(patch: pytest.MonkeyPatch) -> None:
    """Begin random numbers elsewhere where there are more threads."""
    share_out = fused._share_out

    def shared_out(chains: int, threads: int, first: int, *rest: Any) -> None:
        share_out(chains, threads, first + 1000 * (threads - 1), *rest)

    patch.setattr(fused, "_share_out", shared_out)


def sums_by_thread(patch: pytest.MonkeyPatch) -> None:
    """Add up squared residuals in as many parts as there are threads."""

    def in_parts(rows: torch.Tensor) -> torch.Tensor:
        parts = [part.sum(-1) for part in rows.double().chunk(torch.get_num_threads(), dim=-1)]
        return torch.stack(parts).sum(0)

    patch.setattr(normal_scaled, "row_sum", in_parts)


def sums_by_batch(patch: pytest.MonkeyPatch) -> None:
    """Add up squared residuals along an axis that is not the last in memory, in an order that torch takes by shape."""

    def across(rows: torch.Tensor) -> torch.Tensor:
        wide = rows.double()
        return wide.reshape(-1, wide.shape[-1]).T.contiguous().sum(0).reshape(wide.shape[:-1])

    patch.setattr(normal_scaled, "row_sum", across)


def products_by_batch(patch: pytest.MonkeyPatch) -> None:
    """Add up squared residuals by a product with ones, which linear algebra splits as it likes."""

    def product(rows: torch.Tensor) -> torch.Tensor:
        return rows.double() @ torch.ones(rows.shape[-1], dtype=torch.float64)

    patch.setattr(normal_scaled, "row_sum", product)


@dataclass(frozen=True)
class Case:
    """A mistake, and two ways to sample that it makes differ: batches and threads."""

    plant: Plant
    engine: str
    one: tuple[str, int]
    other: tuple[str, int]


QUICK = Case(numbers_by_place, "cpu", ("ab", 1), ("ba", 1))
CASES = [
    Case(numbers_by_place, "eager", ("abcdefghi", 1), ("ab cd ef gh i", 1)),
    Case(numbers_by_thread, "cpu", ("abcdefghi", 1), ("abcdefghi", 2)),
    Case(sums_by_thread, "eager", ("ab", 1), ("ab", 2)),
    Case(sums_by_batch, "eager", ("abcde", 1), ("a b c d e", 1)),
    Case(products_by_batch, "eager", ("abcde", 1), ("a b c d e", 1)),
]


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    shorten(monkeypatch.setattr)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def name_of(case: Case) -> str:
    return case.plant.__name__


def sampled(lab: Lab, folder: Path, way: tuple[str, int]) -> dict[str, str]:
    """What is found in one way, by the library, for the stage has its own number of threads of torch."""
    batches, threads = way
    folder.mkdir()
    torch.set_num_threads(threads)
    jobs = jobs_of(batches, "short", True, folder)[: len(batches.split())]
    sample(lab.campaign, Order(jobs, str(lab.measurements), threads, library=True))
    return found_in(jobs)


def compared(case: Case, folder: Path) -> list[str]:
    """What is not the same in the two ways of a case."""
    lab = lab_of(folder, "short", case.engine)
    return differences(sampled(lab, folder / "one", case.one), sampled(lab, folder / "other", case.other))


def test_numbers_by_place_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers_by_place(monkeypatch)
    assert compared(QUICK, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_planted_dependence_is_noticed(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case.plant(monkeypatch)
    assert compared(case, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_without_a_plant_the_same_two_ways_agree(case: Case, tmp_path: Path) -> None:
    assert compared(case, tmp_path) == []
