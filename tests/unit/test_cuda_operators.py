"""Backgrounds of peaks and responses in kernels for a GPU; here Triton's interpreter runs them, on the CPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.sampling.engines import cuda_source
from both_engines import assert_equal_runs
from interpreted import CudaEngine
from operator_cases import CASES, made, parts_of

FEW = torch.linspace(7.0, 17.0, 9, dtype=torch.float64)
# A loop in a loop takes the interpreter long.
EACH = [
    pytest.param(case, falling, marks=pytest.mark.nightly if "of" in case and (falling or "tou" in case) else ())
    for case in CASES
    for falling in (False, True)
]


@pytest.mark.parametrize(("case", "falling"), EACH)
def test_log_likelihoods_are_those_of_the_eager_engine(case: str, falling: bool) -> None:
    target = made(parts_of(case), axis=FEW.flip(0) if falling else FEW)
    shape = (len(target.slots), target.groups, target.members, 6, 1)
    theta = target.from_uniform(torch.rand(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
    exact = target.log_likelihood(target.rows(theta).sum(0), theta)
    found = CudaEngine(target).start(theta).log_likelihood
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("case", ["tougaard", pytest.param("shirley", marks=pytest.mark.nightly), "gaussian"])
def test_moves_are_those_of_the_eager_engine(case: str) -> None:
    assert_equal_runs(made(parts_of(case), axis=FEW), None, 1, CudaEngine, 1)


@pytest.mark.parametrize(
    ("case", "line", "wrong"),
    [
        ("shirley", "offsets >= ", "offsets > "), ("tougaard", "+ 1, points - 1)))", "+ 0, points - 1)))"),
        ("measured", "6 * points + 0", "6 * points + 1"), ("lorentzian", "1.0, 0.0)", "1.0, 1.0)"),
    ],
)  # fmt: skip
def test_a_planted_mistake_in_a_loop_is_seen(case: str, line: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = cuda_source.target_source

    def mistaken(*args: object) -> str:
        source = original(*args)  # type: ignore[arg-type]
        assert line in source
        return source.replace(line, wrong)

    monkeypatch.setattr(cuda_source, "target_source", mistaken)
    with pytest.raises(AssertionError):
        test_log_likelihoods_are_those_of_the_eager_engine(case, False)
