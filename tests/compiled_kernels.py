"""Compiles what the engine for GPUs would launch, for processors that are not here, and prints what it takes.

Run as a program, without Triton's interpreter: ``python tests/compiled_kernels.py peaks,shared 75 80 90``. One line of
JSON for every kernel, case and compute capability: registers a thread, bytes that do not fit them, bytes of shared
memory.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

sys.path.insert(0, str(Path(__file__).resolve().parent))
import operator_cases
from bayesbeam.models import registry
from bayesbeam.sampling.engines import cuda, cuda_kernels
from bayesbeam.targets.sum import SumTarget
from bayesbeam.testsystems.one_peak import nagata_target
from both_engines import CHAINS, LADDER, target_of, tuned_for

TYPES = {torch.float64: "fp64", torch.float32: "fp32", torch.int64: "i64", torch.int32: "i32"}
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


OTHER_SHAPES = (
    "split_pseudo_voigt", "asymmetric_pseudo_voigt", "moessbauer_sextet", "moessbauer_voigt_sextet", "spline", "avrami",
)  # fmt: skip


def cases() -> Iterator[tuple[str, SumTarget]]:
    """Targets of every kind: usual, counts, with relative noise and shared parameters, long, in double precision."""
    single, get = torch.float32, registry.get
    yield "peaks", nagata_target(3, dtype=single)
    yield "counts", target_of([get("gaussian"), get("constant")], "poisson", single)
    yield "rates", target_of([get("gaussian"), get("constant")], "poisson_exposure", single)
    yield "shared", target_of([get("pseudo_voigt"), get("linear")], "normal_relative", single, shared=True)
    axis = torch.linspace(-5.0, 5.0, 4000, dtype=torch.float64)
    yield "long", target_of([get("lorentzian"), get("constant")], "student_t", single, axis=axis)
    yield "voigt", target_of([get("voigt"), get("fermi_edge")], "normal_counts", single)
    yield "tails", target_of([get("doniach_sunjic"), get("exponential_gaussian"), get("exponential")], "normal", single)
    yield "double", nagata_target(2, dtype=torch.float64)
    for name in OTHER_SHAPES:
        yield name, target_of([get(name), get("constant")], "poisson", single)
    axis = torch.linspace(7.0, 17.0, 301, dtype=torch.float64)
    for case in operator_cases.CASES:
        yield f"acting {case}", operator_cases.made(operator_cases.parts_of(case), axis=axis, dtype=single)


class Compiler:
    """Stands for the kernels: a launch compiles for each compute capability, and does nothing."""

    def __init__(self, case: str, capabilities: list[int]) -> None:
        self.case, self.capabilities, self.seen = case, capabilities, set[str]()

    def __getattr__(self, name: str) -> Any:
        return _Launcher(lambda *args, **options: self.launch(name, args, options))

    def launch(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Compile a kernel for the types of its arguments, once."""
        if name in self.seen:
            return
        self.seen.add(name)
        kernel = getattr(cuda_kernels, name)
        signature, constants = {}, {}
        for parameter, value in zip(kernel.params, args, strict=True):
            if parameter.is_constexpr:
                signature[parameter.name], constants[parameter.name] = "constexpr", value
            else:
                signature[parameter.name] = f"*{TYPES[value.dtype]}" if isinstance(value, torch.Tensor) else "i32"
        for capability in self.capabilities:
            made = triton.compile(
                ASTSource(kernel, signature, constants), target=GPUTarget("cuda", capability, 32), options=options
            )
            print(json.dumps({"kernel": name, "case": self.case, "capability": capability} | usage(made.asm["ptx"])))


class _Launcher:
    """A kernel that can be launched with any grid."""

    def __init__(self, launch: Callable[..., None]) -> None:
        self._launch = launch

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        return self._launch


def usage(ptx: str) -> dict[str, int]:
    """What the assembler says of a kernel."""
    target = re.search(r"\.target (\w+)", ptx)
    assert target is not None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(ptx, encoding="utf-8")
        command = [TOOLS / "ptxas", "-v", "--gpu-name", target[1], source, "-o", Path(folder) / "kernel.cubin"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    patterns = {
        "registers": r"Used (\d+) registers",
        "spilled": r"(\d+) bytes spill stores",
        "shared": r"(\d+) bytes smem",
    }
    return {name: int(found[1]) if (found := re.search(p, said)) else 0 for name, p in patterns.items()}


def main(wanted: list[str], capabilities: list[int]) -> None:
    """Compile everything that a block of sweeps launches."""
    for case, target in cases():
        if case not in wanted:
            continue
        engine = cuda.CudaEngine(target)
        engine._kernels = Compiler(case, capabilities)
        shape = (len(target.slots), target.groups, target.members, CHAINS, len(LADDER))
        state = engine.start(target.from_uniform(torch.full(shape, 0.4, dtype=torch.float64)))
        keys = torch.ones(shape[1], shape[2], 2, dtype=torch.int64), torch.ones(shape[1], 2, dtype=torch.int64)
        engine.advance(state, tuned_for(target), keys, 0, 1)


if __name__ == "__main__":
    main(sys.argv[1].split(","), [int(word) for word in sys.argv[2:]])
