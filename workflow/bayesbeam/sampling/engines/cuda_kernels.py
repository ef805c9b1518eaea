"""The kernels of a sweep on a GPU.

Everything that differs between targets comes in as functions (:mod:`cuda_source`). Random numbers, moves and their
order are those of the eager engine.
"""

from bayesbeam.sampling.engines.cuda_curves import rebuild
from bayesbeam.sampling.engines.cuda_exchange import exchange
from bayesbeam.sampling.engines.cuda_moves import move
from bayesbeam.sampling.engines.cuda_propose import propose

__all__ = ["exchange", "move", "propose", "rebuild"]
