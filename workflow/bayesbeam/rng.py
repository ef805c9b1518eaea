"""Random numbers by counter: the same numbers whatever the batch, the order or the restart.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC11, doi 10.1145/2063384.2063405) on integer tensors.
A number is fixed by its key (seed and names) and its counter (chain, replica, sweep, slot).
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]

_MASK = 0xFFFFFFFF
_MULTIPLIER_0, _MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
_WEYL_0, _WEYL_1 = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
# Words that stay in the cache of a core through all rounds.
_BLOCK = 8192


def stream_key(seed: int, *names: str) -> tuple[int, int]:
    """Key of a stream of random numbers, two 32-bit words, from the seed and the names of what is sampled."""
    text = "\x1f".join([str(seed), *names])
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    """Four 32-bit random words a counter, by ten rounds of Philox4x32.

    Parameters
    ----------
    counter : four Tensors, int64 with values in [0, 2**32), shapes that broadcast
    key : two Tensors, int64 with values in [0, 2**32), shapes that broadcast

    Returns
    -------
    four Tensors, int64 with values in [0, 2**32)

    Source
    ------
    Salmon et al., SC11, doi 10.1145/2063384.2063405; checked against the known-answer vectors of Random123.
    """
    if counter[0].device.type == "cpu":
        return _philox_on_host(counter, key)
    return _philox_on_device(counter, key)


def _philox_on_host(counter: tuple[Tensor, ...], key: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    """Random words on the CPU, without a new array for every operation: in blocks that stay in the cache."""
    given = [tensor.numpy() for tensor in torch.broadcast_tensors(*counter, *key)]
    shape = given[0].shape
    c0, c1, c2, c3, k0, k1 = (np.array(array, dtype=np.uint64).reshape(-1) for array in given)
    for start in range(0, c0.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        _rounds(c0[part], c1[part], c2[part], c3[part], k0[part], k1[part])
    return tuple(torch.from_numpy(word.view(np.int64).reshape(shape)) for word in (c0, c1, c2, c3))


def _rounds(c0: Words, c1: Words, c2: Words, c3: Words, k0: Words, k1: Words) -> None:
    """All rounds on counters and keys, in place."""
    mask, half = np.uint64(_MASK), np.uint64(32)
    product_0, product_1 = np.empty_like(c0), np.empty_like(c0)
    for _ in range(_ROUNDS):
        np.multiply(c0, np.uint64(_MULTIPLIER_0), out=product_0)
        np.multiply(c2, np.uint64(_MULTIPLIER_1), out=product_1)
        for word, product, other, own_key in ((c0, product_1, c1, k0), (c2, product_0, c3, k1)):
            np.right_shift(product, half, out=word)
            np.bitwise_xor(word, other, out=word)
            np.bitwise_xor(word, own_key, out=word)
        np.bitwise_and(product_1, mask, out=c1)
        np.bitwise_and(product_0, mask, out=c3)
        for own_key, weyl in ((k0, _WEYL_0), (k1, _WEYL_1)):
            own_key += np.uint64(weyl)
            own_key &= mask


def _philox_on_device(counter: tuple[Tensor, ...], key: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    """Random words by operations on tensors, wherever these are."""
    c0, c1, c2, c3 = torch.broadcast_tensors(*counter)
    k0, k1 = key
    for _ in range(_ROUNDS):
        # The product of two 32-bit words overflows int64 by its sign only: the masked halves are right.
        product_0, product_1 = c0 * _MULTIPLIER_0, c2 * _MULTIPLIER_1
        c0, c2 = ((product_1 >> 32) & _MASK) ^ c1 ^ k0, ((product_0 >> 32) & _MASK) ^ c3 ^ k1
        c1, c3 = product_1 & _MASK, product_0 & _MASK
        k0, k1 = (k0 + _WEYL_0) & _MASK, (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


def uniforms(keys: Tensor, chains: int, replicas: int, sweeps: Tensor, slots: Tensor, words: int = 4) -> Tensor:
    """Uniform numbers in (0, 1) for a block of sweeps.

    Parameters
    ----------
    keys : Tensor (..., 2), int64
        Stream keys, one a measurement or group.
    chains, replicas : int
        Lengths of the chain and replica axes.
    sweeps : Tensor (B,), int64
        Sweep numbers from the start of the run.
    slots : Tensor (J,), int64
        Numbers of the moves within a sweep.
    words : int
        How many of the four numbers of a counter are wanted.

    Returns
    -------
    Tensor (4, B, J, ..., C, R), float64
        Four independent numbers a counter, with 32 random bits each, never 0 or 1.
    """
    lead = keys.shape[:-1]
    device = keys.device
    ones = (1,) * len(lead)
    chain = torch.arange(chains, device=device)[:, None]
    replica = torch.arange(replicas, device=device)[None, :]
    place = chain * 65536 + replica
    sweep = sweeps.reshape(-1, 1, *ones, 1, 1)
    slot = slots.reshape(1, -1, *ones, 1, 1)
    key = (keys[..., 0].reshape(*lead, 1, 1), keys[..., 1].reshape(*lead, 1, 1))
    zero = torch.zeros((), dtype=torch.int64, device=device)
    counter = torch.broadcast_tensors(place, sweep, slot, zero, key[0])[:4]
    found = philox((counter[0], counter[1], counter[2], counter[3]), key)[:words]
    numbers = torch.stack([word.to(torch.float64) for word in found])
    return numbers.add_(0.5).mul_(2.0**-32)


def normals(u: Tensor, v: Tensor) -> Tensor:
    """Standard normal numbers from two uniform ones (Box and Muller, Ann. Math. Statist. 29, 610, 1958)."""
    return torch.sqrt(-2.0 * torch.log(u)) * torch.cos((2.0 * math.pi) * v)
