"""Sums of which some numbers are integrated out, and the marginal likelihood of a state in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam import noise, priors
from bayesbeam.evidence.closed_form import known_noise
from bayesbeam.models import registry
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.marginalise import marginalised
from bayesbeam.targets.parts import Part, Tie
from bayesbeam.targets.sum import SumTarget, sum_target

LINEAR = {
    "lines.amplitude": "normal", "flat.level": "normal", "cubic.level": "normal", "cubic.slope": "normal",
    "cubic.curvature": "normal", "cubic.third": "normal", "edge.height": "normal", "first.amplitude": "normal",
}  # fmt: skip
FREE = {
    "position": ("uniform", {"low": -2.0, "high": 2.0}),
    "sd": ("log_uniform", {"low": 0.2, "high": 1.0}),
    "temperature": ("uniform", {"low": 200.0, "high": 400.0}),
    "scale": ("log_uniform", {"low": 0.3, "high": 3.0}),
}


def prior(part: str, name: str, mean: float) -> priors.Prior:
    if f"{part}.{name}" in LINEAR:
        return priors.make_prior("normal", mean=mean, sd=1.5)
    if name in FREE:
        family, arguments = FREE[name]
        return priors.make_prior(family, **arguments)
    return priors.make_prior("fixed", value=0.4)


def made(
    components: dict[str, tuple[str, int]], model: str = "normal", mean: float = 0.0, members: int = 1,
    ties: dict[str, dict[str, Tie]] | None = None, dtype: torch.dtype = torch.float64, shared: tuple[str, ...] = (),
) -> SumTarget:  # fmt: skip
    """Two groups of simulated measurements of 37 points and three of padding; priors from the tables above."""
    groups, points = 2, 40
    rng = np.random.default_rng(3)
    x = torch.linspace(-3.0, 3.0, points, dtype=torch.float64).expand(groups, members, points).clone()
    y = torch.from_numpy(rng.normal(0.5, 1.0, x.shape))
    sd = torch.from_numpy(rng.uniform(0.2, 0.5, x.shape))
    weight = torch.ones_like(x)
    weight[:, :, -3:] = 0.0
    parts = []
    for name, (word, count) in components.items():
        component, own = (
            registry.get(word) if word != "doublet" else registry.get(word, of="gaussian"),
            (ties or {}).get(name, {}),
        )
        nested = {
            p.name: [[prior(name, p.name, mean * (1 + g))] * members for g in range(groups)]
            for p in component.parameters
            if p.name not in own
        }
        parts.append(Part(name, component, count, nested, own))
    phi = {p.name: [[prior("noise", p.name, 0.0)] * members] * groups for p in noise.get(model).parameters}
    return sum_target(x, y, sd, weight, parts, noise.get(model), phi, frozenset(shared), dtype)


def out_of(target: SumTarget) -> MarginalTarget:
    return marginalised(target, [j for j in target.moving if target.slots[j].name in LINEAR])


def states(target: MarginalTarget, chains: int = 2, replicas: int = 3) -> Tensor:
    shape = (len(target.slots), target.groups, target.members, chains, replicas)
    return target.from_uniform(torch.rand(shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64))


def exact(target: MarginalTarget, theta: Tensor, g: int, d: int) -> float:
    """The same of one state (P,) by least squares of the closed form, from curves of the whole sum."""
    whole, data = target.whole, target.whole.data

    def curve(values: Tensor) -> NDArray[np.float64]:
        state = torch.zeros(target.groups, target.members, 1, 1, len(whole.slots), dtype=torch.float64)
        state[..., list(target.kept)], state[..., list(target.linear)] = theta, values
        return whole.rows(state).sum(0)[g, d, 0, 0].double().numpy()

    zero, unit = torch.zeros(len(target.linear), dtype=torch.float64), torch.eye(len(target.linear)).double()
    count = data.weight[g, d, 0, 0].numpy() > 0
    design = np.stack([curve(one) - curve(zero) for one in unit], -1)[count]
    values = (data.y[g, d, 0, 0].double().numpy() - curve(zero))[count]
    level = float(theta[target.noise_start]) if target.noise_start < len(theta) else 1.0
    sd = level * data.base_sd[g, d, 0, 0].double().numpy()[count]
    mean, width = (table[g, d, 0, 0].numpy() for table in (target.mean, target.sd))
    return -known_noise(design, values, sd, mean, width).free_energy


HALF = Tie((("first", "amplitude"),), lambda m, a: 0.5 * a)
CASES: dict[str, Callable[[], SumTarget]] = {
    "peaks": lambda: made({"lines": ("gaussian", 3)}),
    "peaks about means": lambda: made({"lines": ("gaussian", 2)}, mean=0.7),
    "estimated level": lambda: made({"lines": ("gaussian", 2), "flat": ("constant", 1)}, "normal_scaled", 0.3),
    "background": lambda: made({"lines": ("gaussian", 1), "cubic": ("cubic", 1)}, mean=-0.2),
    "lifted": lambda: made({"edge": ("fermi_edge", 1)}),
    "two levels": lambda: made({"lines": ("gaussian", 1), "edge": ("fermi_edge", 1)}, "normal_scaled"),
    "doublet": lambda: made({"lines": ("doublet", 1), "cubic": ("cubic", 1)}),
    "more than are written out": lambda: made({"lines": ("gaussian", 10), "cubic": ("cubic", 1)}, mean=0.2),
    "many": lambda: made({"lines": ("gaussian", 5), "cubic": ("cubic", 1)}, mean=0.4),
    "not all linear": lambda: made({"lines": ("gaussian", 1), "other": ("gaussian", 1)}),
    "tied": lambda: made({"first": ("gaussian", 1), "second": ("gaussian", 1)}, ties={"second": {"amplitude": HALF}}),
    "members": lambda: made({"lines": ("gaussian", 2)}, members=2, shared=("lines.position",)),
}
