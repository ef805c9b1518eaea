"""A value taken apart and put together is the value, bit for bit; what cannot be kept is refused by its name."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from bayesbeam.sampling.checkpoint import Saved
from bayesbeam.sampling.plain import put_together, take_apart


@dataclass
class Leaf:
    """Something with a tensor and a number."""

    values: torch.Tensor
    number: float = math.nan


@dataclass(frozen=True)
class Branch:
    """Something frozen with others inside."""

    leaves: list[Leaf]
    rest: dict[int, Any] = field(default_factory=dict)


def there_and_back(value: Any) -> Any:
    """Value after a stay in JSON and in contiguous copies of arrays, as in a file."""
    saved = take_apart(value)
    arrays = {name: np.array(array, order="C") for name, array in saved.arrays.items()}
    return put_together(Saved(arrays, json.loads(json.dumps(saved.facts))), (Leaf, Branch))


def assert_same(found: Any, value: Any) -> None:
    """Types and bits are those of the value, all the way down."""
    assert type(found) is type(value)
    if isinstance(value, torch.Tensor | np.ndarray):
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        assert np.asarray(found).tobytes() == np.asarray(value).tobytes()
    elif isinstance(value, float):
        assert np.float64(found).tobytes() == np.float64(value).tobytes()
    elif isinstance(value, list | tuple):
        assert len(found) == len(value)
        for one, other in zip(found, value, strict=True):
            assert_same(one, other)
    elif isinstance(value, dict):
        assert_same(list(found.items()), list(value.items()))
    elif isinstance(value, Leaf | Branch):
        assert_same(vars(found), vars(value))
    else:
        assert found == value


SCALARS = [
    None, True, False, 0, -7, 2**80, "", "\u03b2\x00 \"word\"", 0.0, -0.0, 0.1, 5e-324, 1.7976931348623157e308,
    math.inf, -math.inf, math.nan,
]  # fmt: skip
ODD = np.array([0.0, -0.0, math.nan, -math.inf, 5e-324, 0.1])


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_scalars(value: Any) -> None:
    assert_same(there_and_back(value), value)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, np.uint8, np.bool_])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (6,), (2, 3)], ids=str)
def test_arrays_and_tensors(dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    source = ODD if issubclass(dtype, np.floating) else np.array([0, 1, -1, 2, 100, -100])
    with np.errstate(all="ignore"):
        array = np.resize(source, shape).astype(dtype)
    for value in (array, torch.from_numpy(array.copy())):
        assert_same(there_and_back(value), value)


def test_views_that_are_not_contiguous_keep_their_order() -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    tensor = torch.from_numpy(array.copy())
    for value in (array.T, array[:, ::-1], tensor.permute(2, 0, 1), tensor[:, :1].expand(2, 5, 4), tensor[..., ::2]):
        assert_same(there_and_back(value), value)


def test_containers_and_dataclasses() -> None:
    leaf = Leaf(torch.tensor([1.0, -0.0], dtype=torch.float64), -math.inf)
    rest = {3: (1, [2, ()], {}), -1: {"dataclass": "a word", "tensor": [None]}, 0: Leaf(torch.zeros(0))}
    value = Branch([leaf, Leaf(torch.tensor(2, dtype=torch.int8))], rest)
    assert_same(there_and_back(value), value)
    assert_same(there_and_back([value, (value, [])]), [value, (value, [])])


def test_what_is_put_together_is_apart_from_what_was_saved() -> None:
    saved = take_apart([torch.zeros(3), np.zeros(3)])
    for _ in range(2):
        tensor, array = put_together(saved, ())
        assert (float(tensor.sum()), float(array.sum())) == (0.0, 0.0)
        tensor += 1.0
        array += 1.0


@pytest.mark.parametrize(
    ("value", "name"),
    [({1, 2}, "set"), (np.int64(3), "int64"), (Leaf, "type"), (b"bytes", "bytes"), (1j, "complex"), (len, "builtin")],
    ids=lambda value: str(value)[:20],
)
def test_other_types_are_refused_by_name_wherever_they_are(value: Any, name: str) -> None:
    for whole in (value, [1, (value,)], {"a": value}, Leaf(torch.zeros(1), value)):
        with pytest.raises(TypeError, match=f"a checkpoint cannot keep a {name}"):
            take_apart(whole)


def test_a_dataclass_that_is_not_expected_is_not_made() -> None:
    saved = take_apart(Leaf(torch.zeros(1)))
    with pytest.raises(KeyError, match="Leaf"):
        put_together(saved, (Branch,))
