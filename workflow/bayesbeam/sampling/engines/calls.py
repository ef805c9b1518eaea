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
def call_move(typingctx, address, count, n, data, theta, phi, size, old, pred, new, parts, terms):
    """Shape of a moved term, and the new sum over points or by how much it has grown."""
    return _caller("ii" + 9 * "p")


@intrinsic
def call_resize(typingctx, address, count, n, data, theta, phi, size, old, pred, parts, terms):
    """New sum over points, or by how much it has grown, where a term has kept its shape."""
    return _caller("ii" + 8 * "p")


@intrinsic
def call_row(typingctx, address, count, n, data, theta, size, new):
    """Size and shape of a term."""
    return _caller("iipppp")


@intrinsic
def call_span(typingctx, address, theta, ends):
    """Where the curve of a term begins and ends."""
    return _caller("pp")


@intrinsic
def call_settle(typingctx, address, count, size, old, sums, new, parts, terms):
    """Put a new curve and its terms in the place of the old."""
    return _caller("i" + 6 * "p")


@intrinsic
def call_settle_size(typingctx, address, count, size, old, sums, parts, terms):
    """Put a curve of new size and its terms in the place of the old."""
    return _caller("i" + 5 * "p")


@intrinsic
def call_points(typingctx, address, count, n, data, phi, pred, parts):
    """Sum over points for a sum of curves."""
    return _caller("iipppp")


@intrinsic
def call_total(typingctx, address, s, constant, count, phi):
    """Log-likelihood from the sum over points."""
    return _caller("dddp")


@intrinsic
def call_reduction(typingctx, address, gram, ratio, precision, out):
    """Rest of a sum of squares after elimination of a small system."""
    return _caller("ppdp")


@intrinsic
def call_density(typingctx, address, x, arguments):
    """Log density of a prior inside its support, up to a constant."""
    return _caller("dp")


@intrinsic
def call_densities(typingctx, address, count, x, arguments, out):
    """Log densities of many values."""
    return _caller("ippp")


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
def _single_pointer(typingctx, address):
    return _pointer(ir.FloatType(), types.float32)


@intrinsic
def _whole_pointer(typingctx, address):
    return _pointer(_INT, types.int64)


@njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def reals(address: int, count: int) -> Any:
    """Float64 array at an address, for loops that the processor does in parallel."""
    return carray(_real_pointer(address), count)


@njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def singles(address: int, count: int) -> Any:
    """Float32 array at an address."""
    return carray(_single_pointer(address), count)


@njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def wholes(address: int, count: int) -> Any:
    """Int64 array at an address."""
    return carray(_whole_pointer(address), count)
