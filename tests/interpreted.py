"""Kernels for a GPU run by Triton's interpreter on the CPU, as conftest asks it to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("triton")

from triton.runtime import interpreter

from bayesbeam.sampling.engines.cuda import CudaEngine, interpreted

if not interpreted():
    pytest.skip("kernels run on the GPU here", allow_module_level=True)


def _call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function from a kernel, for whose launch the language has been patched already.

    The interpreter patches it once more for each such call, and does not undo that: calls take milliseconds, more and
    more of them. Triton's own functions see the language under another name.
    """
    if not self.fn.__module__.startswith("triton."):
        return self.rewrite()(*args, **kwargs)
    scope = interpreter._patch_lang(self.fn)
    try:
        return self.rewrite()(*args, **kwargs)
    finally:
        scope.restore()


_launch = interpreter.GridExecutor.__call__


def _quiet(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Launch a kernel; a processor says nothing of infinities either."""
    with np.errstate(all="ignore"):
        return _launch(self, *args, **kwargs)


interpreter.InterpretedFunction.__call__ = _call  # type: ignore[method-assign]
interpreter.GridExecutor.__call__ = _quiet  # type: ignore[method-assign]

__all__ = ["CudaEngine"]
