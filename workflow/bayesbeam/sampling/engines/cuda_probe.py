"""Whether kernels run at all on a GPU: the smallest one is compiled and launched, once a process and device.

Triton wants a C compiler for its launcher, and a folder to keep what it has compiled.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
import triton
import triton.language as tl

from bayesbeam.sampling.engines import written


@triton.jit
def _one(out):  # type: ignore[no-untyped-def]
    tl.store(out, 1)


@cache
def why_no_launch(device: torch.device) -> str:
    """Reason why a kernel cannot be launched, in one line; empty where it can."""
    _keep_compiled()
    try:
        out = torch.zeros(1, dtype=torch.int32, device=device)
        launch: Any = _one[(1,)]
        launch(out)
        return "" if int(out[0]) == 1 else "a kernel on the GPU writes nothing"
    except Exception as error:
        said = str(error).strip().split("\n")[0]
        return f"Triton cannot launch a kernel: {said or type(error).__name__}"


def _keep_compiled() -> None:
    """Let Triton keep its kernels with ours where its own folder cannot be written."""
    if not written.usable(Path(triton.knobs.cache.dir)):
        triton.knobs.cache.dir = str(written.folder_of(f"triton{triton.__version__}"))
