"""Shapes and amounts of the winning sets of a search by replica exchange, and what Laplace's approximation is worth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.complete import Complete
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.refined import Refined, refined
from bayesbeam.diffraction.shapes import Fit, refine
from bayesbeam.errors import BayesbeamError
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages.phase_draws import Shaped, States

LEAST_REFINED, MOST_REFINED = 0.05, 3
"""Probability above which a set is sampled besides the most probable one, and how many sets at most."""
STANDARD_ERROR, EFFECTIVE, MOST_SWEEPS = 0.15, 100.0, 2000
CHAINS, RUNGS = 4, 4
"""The way from a normal density near the posterior is short: few rungs."""
_ROUNDS, _SETTLED = 40, 1e-6


@dataclass(frozen=True)
class Sampled:
    """A set with the fit under which Laplace speaks of it, what was sampled or why not, and the seconds of that."""

    shaped: Shaped
    fit: Fit
    found: Refined | None
    problem: str
    seconds: float

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not to be believed; none where it is."""
        return (self.problem,) if self.found is None else self.found.run.verdict.reasons


def refined_sets(
    question: Question, sets: Sequence[Shaped], settled: Complete, settings: Settings, name: str,
    tell: Callable[[str], None],
) -> dict[int, Sampled]:  # fmt: skip
    """The winning sets, by their places, sampled under the noise of the most probable one.

    Parameters
    ----------
    settings : Settings
        Of which seed and threads are taken; ``name`` and the seed fix every random number, threads none.
    """
    asked = Settings(settings.seed, STANDARD_ERROR, CHAINS, RUNGS, MOST_SWEEPS, effective_draws=EFFECTIVE)
    setting, found = question.setting(settled.frame), dict[int, Sampled]()
    winners = [t for t, one in enumerate(sets) if t == 0 or one.probability > LEAST_REFINED]
    for t in (place for place in winners[:MOST_REFINED] if sets[place].names):
        began = time.monotonic()
        fit = refine(setting, sets[t].fit.common, sets[t].fit.members, _ROUNDS, tolerance=_SETTLED)
        words, sampled, problem = "+".join(sets[t].names), None, ""
        try:
            sampled = refined(setting, fit, settings.seed, f"{name}/{words}", asked, settings.threads)
        except (BayesbeamError, np.linalg.LinAlgError) as trouble:
            problem = str(trouble)
        found[t] = Sampled(sets[t], fit, sampled, problem, time.monotonic() - began)
        tell(f"{name}: {words} sampled, {found[t].seconds:.1f} s; {', '.join(found[t].reasons) or 'reliable'}")
    return found


def believed(found: Mapping[int, Sampled]) -> dict[int, States]:
    """Draws of the sets of which the run is reliable."""
    return {t: _states(one.found) for t, one in found.items() if one.found is not None and not one.reasons}


def _states(found: Refined) -> States:
    """Shapes (S, P), those that all share first, and heights (S, M)."""
    return np.hstack([found.common, *found.own]), found.height


def refined_facts(found: Mapping[int, Sampled]) -> list[dict[str, Any]]:
    """What is told of each set: free energy against Laplace's, and how far draws are from the normal approximation."""
    return [_facts(found[t]) for t in sorted(found)]


def _facts(one: Sampled) -> dict[str, Any]:
    """One set."""
    row = {
        "phases": list(one.shaped.names),
        "probability": one.shaped.probability,
        "laplace": one.fit.free_energy,
        "verdict": "not reliable" if one.reasons else "reliable",
        "reasons": list(one.reasons),
        "seconds": one.seconds,
    }
    numbers = dict.fromkeys(("free_energy", "error", "draws", "cell_change", "height_change", "sd_ratio"))
    return row | (numbers if one.found is None else _numbers(one.fit, one.found))


def _numbers(fit: Fit, found: Refined) -> dict[str, Any]:
    """Changes are of means, in standard deviations of the fit, ratios those of draws over those of the fit."""
    sd = np.sqrt(np.diag(fit.whole_covariance))
    best = np.concatenate([fit.common, *(member.own for member in fit.members), fit.heights])
    draws = np.hstack(_states(found))
    told = _told(fit)
    change = np.abs(draws.mean(0) - best)[told] / sd[told]
    ratio = draws.std(0)[told] / sd[told]
    cells = len(told) - len(fit.members)
    value, error = found.free_energy.value, found.free_energy.standard_error
    return {
        "free_energy": value if math.isfinite(value) else None,
        "error": error if math.isfinite(error) else None,
        "draws": len(draws),
        "cell_change": float(change[:cells].max()),
        "height_change": float(change[cells:].max()),
        "sd_ratio": [float(ratio.min()), float(ratio.max())],
    }


def _told(fit: Fit) -> NDArray[np.int64]:
    """Places of what is compared among all parameters: edges and angles of all cells, then heights."""
    places, at = list[int](), len(fit.common)
    for member in fit.members:
        places.extend(range(at, at + member.phase.strains))
        at += len(member.own)
    return np.array([*places, *range(at, at + len(fit.members))], dtype=np.int64)
