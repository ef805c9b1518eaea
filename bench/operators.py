"""What backgrounds computed from peaks and responses cost: CPU time a sweep, over that of the same peaks without them.

Compiled loops against plain torch and both against no operator, interleaved, medians of some rounds; 301 points, two
lines and a straight line, 8 chains on 16 rungs. Run as `python bench/operators.py [rounds]`.
"""

from __future__ import annotations

import sys
import time
from statistics import median

import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.models.operators import registry as operators
from bayesbeam.rng import stream_key
from bayesbeam.sampling.engines.base import Engine, Tuned
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.sampling.jumps import prior_edges
from bayesbeam.targets.parts import Part
from bayesbeam.targets.sum import SumTarget, sum_target

POINTS, CHAINS, RUNGS = 301, 8, 16
SWEEPS = {"cpu": 40, "eager": 1}
ENDS = {
    "amplitude": (1.0, 8.0), "position": (9.0, 15.0), "sd": (0.3, 1.0), "sd_low": (0.3, 1.0), "sd_high": (0.3, 1.0),
    "fwhm": (0.5, 1.5), "gaussian_fwhm": (0.3, 1.0), "lorentzian_fwhm": (0.3, 1.0), "stretch": (0.5, 1.5),
    "level": (0.0, 1.0), "slope": (-0.2, 0.2), "pivot": (11.0, 13.0), "strength": (0.02, 0.3), "centre": (300.0, 500.0),
    "side": (1.0, 1.0),
}  # fmt: skip
MEASURED = tuple((0.25 * k, 1.0 - abs(0.25 * k)) for k in range(-4, 5))
# What it is called, the lines, and the operator that acts on them.
CASES = (
    ("none", "gaussian", ""), ("Gaussian response, in closed form", "gaussian", "gaussian_response"),
    ("Shirley", "gaussian", "shirley"), ("Tougaard", "gaussian", "tougaard"), ("none", "split_gaussian", ""),
    ("Gaussian response, numerical", "split_gaussian", "gaussian_response"),
    ("measured response", "split_gaussian", "measured_response"),
    ("Lorentzian response, numerical", "split_gaussian", "lorentzian_response"),
    ("Voigt response, numerical", "split_gaussian", "voigt_response"),
)  # fmt: skip


def part(name: str, component: str, count: int = 1, on: tuple[str, ...] = ()) -> Part:
    """Part with flat priors."""
    one = registry.get(component) if not on else operators.get(component, MEASURED if "measured" in component else ())
    chosen = {}
    for parameter in one.parameter_names:
        low, high = ENDS[parameter]
        family = {"value": low} if low == high else {"low": low, "high": high}
        chosen[parameter] = [[priors.make_prior("fixed" if low == high else "uniform", **family)]]
    return Part(name, one, count, chosen, {}, on)


def target_of(line: str, operator: str) -> SumTarget:
    """One spectrum of two lines on a straight line, in single precision."""
    x = torch.linspace(7.0, 17.0, POINTS, dtype=torch.float64).reshape(1, 1, -1)
    y = 5.0 * torch.exp(-0.5 * ((x - 12.0) / 0.8) ** 2) + 0.3
    parts = [part("line", line, 2), part("level", "linear")]
    if operator:
        parts.append(part("acts", operator, 1, ("line",)))
    one = torch.ones_like(x)
    return sum_target(x, y, 0.3 * one, one, parts, noise.get("normal"), {}, dtype=torch.float32)


def sweeps_of(target: SumTarget, engine: Engine, sweeps: int) -> float:
    """CPU seconds of a sweep."""
    shape = (len(target.slots), 1, 1, CHAINS, RUNGS)
    u = torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    state = engine.start(target.from_uniform(u))
    scale = torch.full((len(target.slots), 1, 1, 1), 0.2, dtype=torch.float64)
    tuned = Tuned(torch.linspace(0.0, 1.0, RUNGS, dtype=torch.float64)[None], scale, prior_edges(target))
    keys = torch.tensor([[stream_key(1, "a")]]), torch.tensor([stream_key(1, "b")])
    start = time.process_time()
    engine.advance(state, tuned, keys, 0, sweeps)
    return (time.process_time() - start) / sweeps


def _short(ratio: float) -> str:
    """Ratio with two digits."""
    return f"{float(f'{ratio:.2g}'):g}"


def main(rounds: int) -> None:
    """Print a table, ratios over the same lines without an operator on compiled loops."""
    torch.set_num_threads(1)
    targets = [target_of(line, operator) for _, line, operator in CASES]
    engines = [{name: engine_for(target, name) for name in SWEEPS} for target in targets]
    times: dict[tuple[int, str], list[float]] = {}
    for _ in range(rounds):
        for k, target in enumerate(targets):
            for name, sweeps in SWEEPS.items():
                times.setdefault((k, name), []).append(sweeps_of(target, engines[k][name], sweeps))
    print("| lines | background or response | compiled | plain torch | compiled, ms a sweep |")
    print("| --- | --- | --- | --- | --- |")
    for k, (title, line, _) in enumerate(CASES):
        base = median(times[next(j for j, case in enumerate(CASES) if case[1] == line), "cpu"])
        compiled, plain = (median(times[k, name]) for name in SWEEPS)
        print(f"| {line} | {title} | {_short(compiled / base)} | {_short(plain / base)} | {1e3 * compiled:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
