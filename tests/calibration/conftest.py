"""Deliberate mistakes: a module of the package with one line of its source changed."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType

import pytest


def planted(module: ModuleType, right: str, wrong: str) -> ModuleType:
    """Copy of a module in which ``right`` reads ``wrong``; the text must be there, or the mistake is not planted."""
    source = inspect.getsource(module)
    assert right in source, f"{right!r} is no longer in {module.__name__}: plant this mistake anew"
    copy = ModuleType(module.__name__ + "_planted")
    sys.modules[copy.__name__] = copy  # dataclasses look their module up
    exec(compile(source.replace(right, wrong), f"{module.__name__}, planted", "exec"), copy.__dict__)
    return copy


@pytest.fixture(scope="session")
def plant() -> Callable[[ModuleType, str, str], ModuleType]:
    """Plant a mistake: ``plant(module, right, wrong)``."""
    return planted
