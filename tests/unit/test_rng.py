"""Random numbers by counter: known answers, moments, and streams that do not meet."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from bayesbeam import rng
from bayesbeam.rng import normals, philox, stream_key, uniforms

ALL = 0xFFFFFFFF

# Random123 1.14, tests/kat_vectors, philox4x32 10: counter, key, answer.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ALL, ALL, ALL, ALL), (ALL, ALL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def word(value: int) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.int64)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_published_answers(
    counter: tuple[int, ...], key: tuple[int, ...], answer: tuple[int, ...]
) -> None:
    c0, c1, c2, c3 = map(word, counter)
    found = philox((c0, c1, c2, c3), (word(key[0]), word(key[1])))
    assert tuple(int(value) for value in found) == answer


def block(seed: int = 1, sweeps: int = 40) -> torch.Tensor:
    keys = torch.tensor([stream_key(seed, "a"), stream_key(seed, "b")])
    return uniforms(keys, 4, 6, torch.arange(sweeps), torch.arange(5))


def test_uniforms_have_their_shape_and_stay_inside_the_interval() -> None:
    u = block(sweeps=3)
    assert u.shape == (4, 3, 5, 2, 4, 6)
    assert u.dtype == torch.float64
    assert 0.0 < float(u.min())
    assert float(u.max()) < 1.0
    # The extreme words 0 and 2^32 - 1 lie half a step inside.
    assert (torch.tensor([0.0, float(ALL)], dtype=torch.float64) + 0.5).mul(2.0**-32).tolist() == [
        2.0**-33,
        1 - 2.0**-33,
    ]


def test_uniforms_are_uniform_and_normals_normal() -> None:
    """Kolmogorov-Smirnov on 38400 and 9600 numbers of a fixed seed; false alarm 1e-4 each on another seed."""
    u = block()
    for number in u:
        assert stats.kstest(number.flatten().numpy(), "uniform").pvalue > 1e-4
    z = normals(u[1], u[2]).flatten()
    assert stats.kstest(z.numpy(), "norm").pvalue > 1e-4
    # Moments within 4.5 of their standard errors.
    n = len(z)
    assert abs(float(z.mean())) < 4.5 / math.sqrt(n)
    assert abs(float(z.square().mean()) - 1.0) < 4.5 * math.sqrt(2.0 / n)
    assert abs(float((z**4).mean()) - 3.0) < 4.5 * math.sqrt(96.0 / n)


def test_numbers_of_neighbouring_counters_are_not_correlated() -> None:
    """Along each axis, 4.5 standard errors."""
    u = block() - 0.5
    for axis in range(u.ndim):
        size = u.shape[axis]
        product = u.narrow(axis, 0, size - 1) * u.narrow(axis, 1, size - 1)
        assert abs(float(product.mean())) < 4.5 / 12.0 / math.sqrt(product.numel())


def test_every_number_of_a_run_is_another_one() -> None:
    u = block().flatten()
    # Birthday: 38400 numbers of 32 bits coincide 0.17 times on average; three or more happen once in 1500.
    assert len(u) - len(torch.unique(u)) < 3


def test_a_block_equals_its_sweeps_taken_one_by_one_and_keys_stand_alone() -> None:
    keys = torch.tensor([stream_key(1, "a"), stream_key(1, "b")])
    slots = torch.tensor([3, 9])
    together = uniforms(keys, 2, 3, torch.arange(5, 9), slots)
    for b in range(4):
        assert torch.equal(together[:, b : b + 1], uniforms(keys, 2, 3, torch.tensor([5 + b]), slots))
    assert torch.equal(together[:, :, :, 1:], uniforms(keys[1:], 2, 3, torch.arange(5, 9), slots))
    assert torch.equal(together[..., :2], uniforms(keys, 2, 2, torch.arange(5, 9), slots))


def test_stream_keys_differ_where_seed_or_names_do_and_names_do_not_run_together() -> None:
    names = [(1, "a"), (2, "a"), (1, "b"), (1, "a", "b"), (1, "ab"), (1, "a", ""), (11, "a"), (1, "1a")]
    keys = [stream_key(*name) for name in names]
    assert len(set(keys)) == len(keys)
    assert stream_key(1, "a") == stream_key(1, "a")
    assert all(0 <= half <= ALL for key in keys for half in key)


def test_host_and_device_make_the_same_words() -> None:
    """Also over blocks on the host, and with keys and counters of other shapes."""
    generator = torch.Generator().manual_seed(3)
    shapes = (3, 1, 7000), (3, 2, 1), (1, 1, 1), (7000,), (3, 1, 1), (2, 1)
    given = [torch.randint(0, 2**32, shape, generator=generator) for shape in shapes]
    before = [tensor.clone() for tensor in given]
    host, device = (make(tuple(given[:4]), (given[4], given[5])) for make in (philox, rng._philox_on_device))
    assert len(host[0].unique()) > 41900
    for one, other in zip(host, device, strict=True):
        assert one.shape == (3, 2, 7000)
        assert torch.equal(one, other)
    assert all(torch.equal(one, other) for one, other in zip(given, before, strict=True))
