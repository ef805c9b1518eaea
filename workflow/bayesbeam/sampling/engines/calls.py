"""Memory by address and calls of compiled loops by address, for the fused engine.

Calling by address lets one compiled sweep serve every formula.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import carray, njit, types
from numba.extending import intrinsic

_DOUBLE, _INT, _POINTER = ir.DoubleType(), ir.IntType(64), ir.IntType(8).as_pointer()


def _caller(kinds: str) -> Any:
    """Intrinsic that calls ``address(...)``; kinds are i (int64), d (float64) or p (address as int64)."""
    llvm = {"i": _INT, "d": _DOUBLE, "p": _POINTER}

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(_DOUBLE, [llvm[kind] for kind in kinds])
        target = builder.inttoptr(args[0], function.as_pointer())
        given = [builder.inttoptr(a, _POINTER) if k == "p" else a for k, a in zip(kinds, args[1:], strict=True)]
        return builder.call(target, given)

    numba_types = [types.float64 if kind == "d" else types.int64 for kind in kinds]
    return types.float64(types.int64, *numba_types), codegen


@intrinsic
def call_move(typingctx, address, n, data, theta, phi, size, old, pred, new, parts):
    """Shape of a moved term and the new sum over points."""
    return _caller("i" + 8 * "p")


@intrinsic
def call_resize(typingctx, address, n, data, theta, phi, size, old, pred, parts):
    """New sum over points where a term has kept its shape."""
    return _caller("i" + 7 * "p")


@intrinsic
def call_row(typingctx, address, n, data, theta, size, new):
    """Size and shape of a term."""
    return _caller("ipppp")


@intrinsic
def call_settle(typingctx, address, n, size, old, sums, new):
    """Put a new curve in the place of an old one."""
    return _caller("ipppp")


@intrinsic
def call_settle_size(typingctx, address, n, size, old, sums):
    """Put a curve of new size in the place of an old one."""
    return _caller("ippp")


@intrinsic
def call_points(typingctx, address, n, data, phi, pred, parts):
    """Sum over points for a sum of curves."""
    return _caller("ipppp")


@intrinsic
def call_total(typingctx, address, s, constant, count, phi):
    """Log-likelihood from the sum over points."""
    return _caller("dddp")


@intrinsic
def call_density(typingctx, address, x, arguments):
    """Log density of a prior inside its support, up to a constant."""
    return _caller("dp")


def _place(builder: Any, args: Any, kind: Any) -> Any:
    """Pointer to number ``args[1]`` of the array at ``args[0]``."""
    return builder.gep(builder.inttoptr(args[0], kind.as_pointer()), [args[1]])


def _reader(kind: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(builder, args, kind))

    return value(types.int64, types.int64), codegen


def _writer(kind: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _place(builder, args, kind))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, value), codegen


@intrinsic
def real(typingctx, address, index):
    """Float64 number ``index`` of the array at ``address``."""
    return _reader(_DOUBLE, types.float64)


@intrinsic
def whole(typingctx, address, index):
    """Int64 number ``index`` of the array at ``address``."""
    return _reader(_INT, types.int64)


@intrinsic
def put_real(typingctx, address, index, value):
    """Write a float64."""
    return _writer(_DOUBLE, types.float64)


@intrinsic
def put_whole(typingctx, address, index, value):
    """Write an int64."""
    return _writer(_INT, types.int64)


def _pointer(kind: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], kind.as_pointer())

    return types.CPointer(value)(types.int64), codegen


@intrinsic
def _real_pointer(typingctx, address):
    return _pointer(_DOUBLE, types.float64)


@intrinsic
def _whole_pointer(typingctx, address):
    return _pointer(_INT, types.int64)


@njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def reals(address: int, count: int) -> Any:
    """Float64 array at an address, for loops that the processor does in parallel."""
    return carray(_real_pointer(address), count)


@njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def wholes(address: int, count: int) -> Any:
    """Int64 array at an address."""
    return carray(_whole_pointer(address), count)
