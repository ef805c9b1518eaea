"""Who takes part. Nothing here imports a contender: each runs in a process, and may run in a Python, of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """One sampler of the benchmark.

    Attributes
    ----------
    module : str
        Has ``run(count, seed) -> Outcome`` and ``PACKAGES``.
    title : str
    packages : tuple of str
        What it needs besides the standard library; versions of these are stated.
    stops_at_target : bool
        It is told the standard error that is wanted, and stops there.
    compiles : bool
        Its first call of a number of peaks compiles; an untimed call goes before.
    own : bool
        This project: it runs in this Python, with an empty cache of compiled loops.
    """

    module: str
    title: str
    packages: tuple[str, ...]
    stops_at_target: bool = False
    compiles: bool = False
    own: bool = False

    @property
    def name(self) -> str:
        """Short name, for the command line and for what is stored."""
        return self.module.rpartition(".")[2]


OURS = Contender("bench.ours", "bayesbeam", ("torch", "numba", "numpy"), stops_at_target=True, compiles=True, own=True)
PEERS = (
    Contender("bench.peers.blackjax_smc", "BlackJAX tempered SMC", ("blackjax", "jax", "jaxlib"), compiles=True),
    Contender("bench.peers.blackjax_nss", "BlackJAX nested slices", ("blackjax", "jax", "jaxlib"), compiles=True),
    Contender("bench.peers.dynesty_rwalk", "dynesty", ("dynesty", "numpy", "scipy")),
    Contender("bench.peers.ultranest_slice", "UltraNest", ("ultranest", "numpy", "scipy")),
    Contender("bench.peers.numpy_exchange", "numpy replica exchange", ("numpy",)),
)
ALL = (OURS, *PEERS)
