"""How well the position of a narrow peak is known: from points chosen one after the other, and from a grid of as many.

Every replicate measures a peak at another place with other noise: first on a coarse grid, then where
`bayesbeam.next_points` says, two points at a time; and once on a uniform grid of as many points in all.
Run as `python bench/adaptive_measurement.py [replicates]`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import bayesbeam

Array = NDArray[np.float64]
PARTS = {"peak": "gaussian", "flat": "constant"}
PRIORS = {
    "peak.amplitude": "uniform(low=0.2, high=3)",
    "peak.position": "uniform(low=-5, high=5)",
    "peak.sd": "log_uniform(low=0.1, high=1)",
    "flat.level": "normal(mean=0, sd=1)",
}
SD, FIRST, ROUNDS, EACH = 0.1, 13, 6, 2
POSSIBLE = np.linspace(-5.0, 5.0, 201)
TOTAL = FIRST + ROUNDS * EACH


@dataclass(frozen=True)
class Study:
    """Posterior sd of the position by replicate, with chosen points, on the grid and at random, and its errors."""

    chosen: Array
    grid: Array
    random: Array
    chosen_error: Array
    grid_error: Array

    @staticmethod
    def covered(error: Array, sd: Array) -> int:
        """How many errors are within 1.96 posterior sds."""
        return int((np.abs(error) < 1.96 * sd).sum())


def truth(x: Array, position: float) -> Array:
    """Signal without noise."""
    return np.asarray(np.exp(-0.5 * np.square((x - position) / 0.35)) + 0.2)


def posterior(x: Array, y: Array, seed: int) -> bayesbeam.Result:
    """Posterior of the peak."""
    target = bayesbeam.curve_target(x, y, PARTS, PRIORS, sd=SD)
    return bayesbeam.sample(target, seed=seed, target_standard_error=0.3)


def adaptive(position: float, rng: np.random.Generator, seed: int, at_random: bool = False) -> tuple[float, float]:
    """Mean and sd of the position after all rounds; ``at_random`` ignores the advice."""
    x = np.linspace(-5.0, 5.0, FIRST)
    y = truth(x, position) + SD * rng.standard_normal(x.size)
    at = bayesbeam.curve_target(POSSIBLE, 0 * POSSIBLE, PARTS, PRIORS, sd=SD)
    for k in range(ROUNDS):
        if at_random:
            new = rng.choice(POSSIBLE, EACH)
        else:
            result = posterior(x, y, seed + k)
            curves = bayesbeam.predicted(result, at)
            new = bayesbeam.next_points(POSSIBLE, curves, SD, number=EACH, about=result.draws["peak.position"]).x
        x = np.concatenate([x, new])
        y = np.concatenate([y, truth(new, position) + SD * rng.standard_normal(new.size)])
    draws = posterior(x, y, seed + ROUNDS).draws["peak.position"]
    return float(draws.mean()), float(draws.std(ddof=1))


def study(replicates: int, seed: int = 2026) -> Study:
    """Replicates at places spread over the axis."""
    rows = []
    for number in range(replicates):
        rng = np.random.default_rng([seed, number])
        position = float(rng.uniform(-4.0, 4.0))
        mean, sd = adaptive(position, rng, 1000 * number)
        x = np.linspace(-5.0, 5.0, TOTAL)
        draws = posterior(x, truth(x, position) + SD * rng.standard_normal(TOTAL), 1000 * number).draws["peak.position"]
        other = adaptive(position, rng, 1000 * number, at_random=True)[1]
        rows.append((sd, draws.std(ddof=1), other, mean - position, draws.mean() - position))
        print(f"{number}: chosen {sd:.4f}, grid {rows[-1][1]:.4f}, random {other:.4f}", flush=True)
    return Study(*np.array(rows).T)


def main() -> None:
    """Print the figures of docs/results.md."""
    found = study(int(sys.argv[1]) if len(sys.argv) > 1 else 24)
    for name in ("chosen", "grid", "random"):
        sds = getattr(found, name)
        low, high = np.quantile(sds, [0.16, 0.84])
        print(f"{name}: median sd {np.median(sds):.4f}, 16 to 84 % {low:.4f} to {high:.4f}")
    ratio = found.grid / found.chosen
    print(f"grid over chosen: median {np.median(ratio):.2f}, {(ratio > 1).sum()} of {ratio.size} above 1")
    errors = [f"{np.sqrt(np.mean(e**2)):.4f}" for e in (found.chosen_error, found.grid_error)]
    print(f"root mean square errors: chosen {errors[0]}, grid {errors[1]}")
    covered = found.covered(found.chosen_error, found.chosen), found.covered(found.grid_error, found.grid)
    print(f"95 % intervals that hold the truth: chosen {covered[0]}, grid {covered[1]}")


if __name__ == "__main__":
    main()
