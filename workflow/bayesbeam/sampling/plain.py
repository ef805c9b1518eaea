"""Everything that moves in a run, taken apart into arrays and JSON, and put together again bit for bit.

Knows lists, tuples, dicts, numbers, words, arrays, tensors and the dataclasses it is given; refuses all else, so that
nothing that moves can be left out of a checkpoint unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.sampling.checkpoint import Saved


def take_apart(value: Any) -> Saved:
    """Arrays and facts of a value.

    Raises
    ------
    TypeError
        Naming what cannot be kept.
    """
    arrays: dict[str, NDArray[Any]] = {}
    return Saved(arrays, {"root": _encode(value, arrays)})


def put_together(saved: Saved, kinds: Iterable[type], device: torch.device | str = "cpu") -> Any:
    """Value of arrays and facts.

    Parameters
    ----------
    kinds : iterable of types
        Dataclasses that may occur.
    device : torch.device or str
        Where tensors go.
    """
    return _decode(saved.facts["root"], saved.arrays, {kind.__name__: kind for kind in kinds}, torch.device(device))


def _encode(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """JSON for a value; arrays go into ``arrays`` under running numbers."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor | np.ndarray):
        name = str(len(arrays))
        tensor = isinstance(value, torch.Tensor)
        arrays[name] = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        return {"tensor" if tensor else "array": name}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_encode(one, arrays) for one in value]}
    if isinstance(value, dict):
        return {"dict": [[_encode(key, arrays), _encode(one, arrays)] for key, one in value.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: _encode(getattr(value, field.name), arrays) for field in fields(value)}
        return {"dataclass": type(value).__name__, "fields": parts}
    raise TypeError(f"a checkpoint cannot keep a {type(value).__name__}")


def _decode(found: Any, arrays: Mapping[str, NDArray[Any]], kinds: Mapping[str, type], device: torch.device) -> Any:
    """Value of JSON made by :func:`_encode`."""
    if not isinstance(found, dict):
        return found
    if "dataclass" in found:
        parts = {name: _decode(one, arrays, kinds, device) for name, one in found["fields"].items()}
        return kinds[found["dataclass"]](**parts)
    ((word, inside),) = found.items()
    if word == "tensor":
        return torch.from_numpy(np.array(arrays[inside])).to(device)
    if word == "array":
        return np.array(arrays[inside])
    if word == "dict":
        return {_decode(key, arrays, kinds, device): _decode(one, arrays, kinds, device) for key, one in inside}
    items = [_decode(one, arrays, kinds, device) for one in inside]
    return tuple(items) if word == "tuple" else items
