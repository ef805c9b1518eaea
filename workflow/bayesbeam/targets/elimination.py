"""Small symmetric systems in batches: factors of I + S and what is solved with them, element by element.

The order of every operation is fixed, and none mixes states, so how states are batched changes no bit.
"""

from __future__ import annotations

import torch
from torch import Tensor


def eliminated(matrix: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
    """Cholesky factor of I + S, and the vector after elimination.

    Parameters
    ----------
    matrix : Tensor (..., L, L), float64
        S, symmetric and of no negative eigenvalue, of which the lower triangle is read.
    vector : Tensor (..., L), float64

    Returns
    -------
    factor : Tensor (..., L, L)
        Lower triangle with ``factor @ factor.mT == I + S``; its diagonal is 1 at least, which no rounding undoes.
    ahead : Tensor (..., L)
        ``factor^-1 @ vector``.
    """
    size = matrix.shape[-1]
    rest, after = matrix.clone(), vector.clone()
    rest.diagonal(dim1=-2, dim2=-1).add_(1.0)
    factor = torch.zeros_like(matrix)
    for j in range(size):
        pivot = torch.sqrt(rest[..., j, j].clamp(min=1.0))
        below = rest[..., j + 1 :, j] / pivot[..., None]
        factor[..., j, j] = pivot
        factor[..., j + 1 :, j] = below
        after[..., j] = after[..., j] / pivot
        after[..., j + 1 :] -= below * after[..., j, None]
        rest[..., j + 1 :, j + 1 :] -= below[..., :, None] * below[..., None, :]
    return factor, after


def back_substituted(factor: Tensor, ahead: Tensor) -> Tensor:
    """Solution (..., L) of ``factor.mT @ x == ahead``."""
    rest, found = ahead.clone(), torch.empty_like(ahead)
    for j in range(factor.shape[-1] - 1, -1, -1):
        found[..., j] = rest[..., j] / factor[..., j, j]
        rest[..., :j] -= factor[..., j, :j] * found[..., j, None]
    return found


def log_diagonal(factor: Tensor) -> Tensor:
    """Logarithm (...) of the product of the diagonal of a factor: half of that of the determinant."""
    total = torch.zeros_like(factor[..., 0, 0])
    for j in range(factor.shape[-1]):
        total = total + torch.log(factor[..., j, j])
    return total
