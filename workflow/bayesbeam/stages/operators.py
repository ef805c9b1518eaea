"""Backgrounds of peaks and responses against the data they are meant for: refused where they cannot be computed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.models.mathspace import TORCH
from bayesbeam.models.operators.base import Operator
from bayesbeam.targets.parts import Instance
from bayesbeam.targets.sum import SumTarget

# Draws of the prior on which ties and operators are tried.
PRIOR_DRAWS = 2000
Members = Sequence[Sequence[Measurement]]


def prior_draws(target: SumTarget) -> Tensor:
    """States (G, D, PRIOR_DRAWS, 1, P) from the prior, the same at every call.

    They are made of the same random numbers for all measurements, so that what is said of one does not depend on those
    that it is tried with.
    """
    shape = (len(target.slots), 1, 1, PRIOR_DRAWS, 1)
    generator = torch.Generator().manual_seed(1)
    u = torch.rand(shape, generator=generator, dtype=torch.float64).clamp(min=1e-9).to(target.x.device)
    return target.from_uniform(u.expand(-1, target.groups, target.members, -1, -1))


def check_operators(target: SumTarget, members: Members) -> None:
    """Refuse operators that cannot be computed on the data, anywhere in the prior.

    Raises
    ------
    ModelError
        Naming measurement and part, and in how much of the prior.
    """
    acting = [one for one in target.instances if isinstance(one.component, Operator)]
    if not acting:
        return
    theta = prior_draws(target)
    span = target.x.amax(-1) - target.x.amin(-1)
    for one in acting:
        _check(one, one.parameters(theta), span, members)


def _check(one: Instance, values: Tensor, span: Tensor, members: Members) -> None:
    """Refuse one operator in states of which ``values`` (G, D, n, 1, p) holds its parameters."""
    assert isinstance(one.component, Operator)
    columns = values.unbind(-1)
    for unfit in one.component.unfit:
        bad = torch.as_tensor(unfit.test(TORCH, span, *columns)).expand(values.shape[:-1])
        if bool(bad.any()):
            g, d = (int(i) for i in torch.nonzero(bad)[0][:2])
            value = torch.as_tensor(unfit.value(TORCH, *columns)).expand(bad.shape)[g, d]
            words = unfit.found.format(value=float(value[bad[g, d]][0]), span=float(span[g, d, 0, 0]))
            raise ModelError.at(
                f"measurement {members[g][d].id}: {one.part}",
                f"{words}, in {float(bad[g, d].double().mean()):.1%} of the prior",
                unfit.expected,
                unfit.remedy,
            )


__all__ = ["Members", "check_operators", "prior_draws"]
