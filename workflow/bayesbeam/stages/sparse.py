"""A candidate of which few terms are in: from a measurement to its posterior, in the form of a run.

Draws of the coefficients are 0 where a term is not in, so that whoever reads runs need not know of dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.config.specs import CandidateSpec, Expanded
from bayesbeam.errors import BayesbeamError, ModelError, SamplingError
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.settings import Settings
from bayesbeam.sparse.problem import Regression, regression
from bayesbeam.sparse.sizes import each_column, equal_sizes, falling_sizes, supports_of_size
from bayesbeam.stages.build import base_deviation, build_target
from bayesbeam.stages.keep import FileKeeper, say
from bayesbeam.stages.memory import measured_mib
from bayesbeam.stages.pack import REFUSED, pack
from bayesbeam.stages.rates import data_words
from bayesbeam.stages.sets import Found, coefficients_of, looked_through, of_levels, sampled
from bayesbeam.stages.terms import SPARSE
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]
# Sets that two cores look at in a few minutes: above, auto samples.
FEW_SETS = 1_000_000_000


def problem_of(spec: CandidateSpec, m: Measurement) -> Regression:
    """Regression of a measurement on the terms of a candidate, those that are always in first.

    Raises
    ------
    ModelError
        Naming terms that are zero on these data, or the same up to a factor.
    """
    target = build_target(spec, [[m]], precision="float64")
    return _problem(spec, m, target)


def _problem(spec: CandidateSpec, m: Measurement, target: SumTarget) -> Regression:
    """Regression of a measurement on what its target is made of."""
    assert spec.sparse is not None
    columns, rest, names = _columns(target)
    words = data_words(spec, m)
    priors = [spec.part(part).parameter(name).prior.values(words) for part, name in names]
    labels = [part if part in spec.sparse.terms else f"{part}.{name}" for part, name in names]
    always = len(names) - len(spec.sparse.terms)
    mean, sd = ([one[word] for one in priors] for word in ("mean", "sd"))
    noise = base_deviation(spec, m)
    if spec.noise.parameters and spec.noise.parameters[0].prior.fixed:
        noise = noise * spec.noise.parameters[0].prior.values(words)["value"]
    return regression(columns, m.y - rest, noise, sd, mean, labels, always)


def _columns(target: SumTarget) -> tuple[FloatArray, FloatArray, list[tuple[str, str]]]:
    """Columns (N, P) that the free coefficients multiply, the rest of the curve (N,), and part and name of each."""
    free = coefficients_of(target)
    places = {slot: k for k, slot in enumerate(free)}
    term_of = [next(t for t, term in enumerate(target.terms) if term.start <= j < term.stop) for j in free]
    turn = [term_of[:k].count(term) for k, term in enumerate(term_of)]
    u = torch.full((len(target.slots), 1, 1, 1, 1), 0.5, dtype=torch.float64)
    states = target.from_uniform(u).repeat(1, 1, 1, max(turn, default=0) + 2, 1)
    states[..., list(places)] = 0.0
    for slot, k in places.items():
        states[0, 0, 0, 1 + turn[k], slot] = 1.0
    points = target.data.weight[0, 0, 0, 0] > 0
    rows = target.rows(states)[:, 0, 0, 0][..., points].double().numpy()
    table = [rows[term, 1 + turn[k]] - rows[term, 0] for k, term in enumerate(term_of)]
    names = [tuple(target.slots[j].name.split(".", 1)) for j in free]
    return np.array(table).T, rows[:, 0].sum(0), [(part, word) for part, word in names]


def solve_all(
    expanded: Expanded, groups: Sequence[Sequence[Measurement]], keys: Sequence[str], settings: Settings, device: str,
    keeper: FileKeeper,
) -> list[Record]:  # fmt: skip
    """Records of measurements, each by itself; their ``facts`` have what is known of the terms under ``sparse``.

    A measurement whose terms are too nearly alike is refused, and the others are solved.

    Raises
    ------
    SamplingError
        Naming the candidate, if its question cannot be answered.
    """
    found: dict[int, Found] = {}
    records: dict[int, Record] = {}
    for k, (m,) in enumerate(groups):
        try:
            found[k] = solve_sparse(expanded.spec, m, f"{m.id}/{expanded.tag}", settings, device, say)
        except ModelError as error:
            records[k] = Record({}, {"key": keys[k], REFUSED: str(error)})
        except BayesbeamError as error:
            raise SamplingError(f"candidate {expanded.tag}: {error}") from error
    solved, runs = [groups[k] for k in found], [one.run for one in found.values()]
    memory = measured_mib(), None
    packed = pack(expanded, solved, [keys[k] for k in found], runs, settings, device, keeper.spent, memory)
    for (k, one), record in zip(found.items(), packed, strict=True):
        refused = REFUSED in record.facts
        records[k] = record if refused else Record({**record.arrays, **one.arrays}, {**record.facts, SPARSE: one.facts})
    return [records[k] for k in range(len(groups))]


def solve_sparse(
    spec: CandidateSpec, m: Measurement, name: str, settings: Settings, device: str, tell: Callable[[str], None]
) -> Found:
    """Posterior of a candidate on a measurement; ``name`` and the seed fix every random number."""
    assert spec.sparse is not None
    target = build_target(spec, [[m]], precision="float64")
    problem = _problem(spec, m, target)
    count = sum(supports_of_size(problem.columns, spec.sparse.most))
    log_size = log_sizes(spec, problem.columns)
    if any(not one.prior.fixed for one in spec.noise.parameters):
        prior = spec.noise.parameters[0].prior.resolve(data_words(spec, m))
        tell(f"{name}: {count:,} sets of terms, all looked at for each of some noise levels")
        return of_levels(problem, log_size, target, prior, name, settings, device)
    if spec.sparse.search == "exhaustive" or (spec.sparse.search == "auto" and count <= FEW_SETS):
        tell(f"{name}: {count:,} sets of terms, all looked at, on {settings.threads} threads")
        return looked_through(problem, log_size, target, name, settings, device)
    tell(f"{name}: {count:,} sets of terms, sampled by exchange Monte Carlo")
    return sampled(problem, log_size, target, name, settings, device)


def log_sizes(spec: CandidateSpec, columns: int) -> FloatArray:
    """Log prior probabilities of the numbers of terms."""
    assert spec.sparse is not None
    word, number = spec.sparse.sizes
    if word == "each":
        return each_column(columns, spec.sparse.most, number)
    return (
        falling_sizes(columns, spec.sparse.most, number)
        if word == "falling"
        else equal_sizes(columns, spec.sparse.most)
    )
