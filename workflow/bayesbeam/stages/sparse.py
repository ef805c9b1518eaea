"""A candidate of which few terms are in: from a measurement to its posterior, in the form of a run.

Draws of the coefficients are 0 where a term is not in, so that whoever reads runs need not know of dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.config.specs import CandidateSpec, Expanded
from bayesbeam.errors import BayesbeamError, SamplingError
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.record import Run, Verdict
from bayesbeam.sampling.settings import Settings
from bayesbeam.sparse.draws import draw_coefficients, draw_supports, generator_of
from bayesbeam.sparse.exchange import Walk, Walked, walk_supports
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.problem import Regression, regression
from bayesbeam.sparse.search import Search, SparsePosterior, posterior
from bayesbeam.sparse.sizes import each_column, equal_sizes, falling_sizes, supports_of_size
from bayesbeam.stages.build import base_deviation, build_target
from bayesbeam.stages.keep import FileKeeper, say
from bayesbeam.stages.memory import measured_mib
from bayesbeam.stages.pack import REFUSED, pack
from bayesbeam.stages.rates import data_words
from bayesbeam.stages.terms import SPARSE
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]
# Sets that two cores look at in a few minutes: above, auto samples.
FEW_SETS = 1_000_000_000
# Posterior draws in all, supports that are listed, and bins of the density of states.
DRAWS, LISTED, BINS = 2000, 100, 400


@dataclass(frozen=True)
class Found:
    """A run, and what it says of the terms: arrays and facts for the record of a measurement."""

    run: Run
    arrays: dict[str, FloatArray]
    facts: dict[str, Any]


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
    return regression(columns, m.y - rest, base_deviation(spec, m), sd, mean, labels, always)


def _columns(target: SumTarget) -> tuple[FloatArray, FloatArray, list[tuple[str, str]]]:
    """Columns (N, P) that the free coefficients multiply, the rest of the curve (N,), and part and name of each."""
    places = {slot: k for k, slot in enumerate(target.moving)}
    term_of = [next(t for t, term in enumerate(target.terms) if term.start <= j < term.stop) for j in target.moving]
    turn = [term_of[:k].count(term) for k, term in enumerate(term_of)]
    u = torch.full((len(target.slots), 1, 1, 1, 1), 0.5, dtype=torch.float64)
    states = target.from_uniform(u).repeat(1, 1, 1, max(turn, default=0) + 2, 1)
    states[..., list(places)] = 0.0
    for slot, k in places.items():
        states[0, 0, 0, 1 + turn[k], slot] = 1.0
    points = target.data.weight[0, 0, 0, 0] > 0
    rows = target.rows(states)[:, 0, 0, 0][..., points].double().numpy()
    table = [rows[term, 1 + turn[k]] - rows[term, 0] for k, term in enumerate(term_of)]
    names = [tuple(target.slots[j].name.split(".", 1)) for j in target.moving]
    return np.array(table).T, rows[:, 0].sum(0), [(part, word) for part, word in names]


def solve_all(
    expanded: Expanded, groups: Sequence[Sequence[Measurement]], keys: Sequence[str], settings: Settings, device: str,
    keeper: FileKeeper,
) -> list[Record]:  # fmt: skip
    """Records of measurements, each by itself; their ``facts`` have what is known of the terms under ``sparse``.

    Raises
    ------
    SamplingError
        Naming the candidate, if a measurement cannot be solved.
    """
    found = []
    for (m,) in groups:
        try:
            found.append(solve_sparse(expanded.spec, m, f"{m.id}/{expanded.tag}", settings, device, say))
        except BayesbeamError as error:
            raise SamplingError(f"candidate {expanded.tag}: {error}") from error
    memory = measured_mib(), None
    records = pack(expanded, groups, keys, [one.run for one in found], settings, device, keeper.spent, memory)
    return [
        record
        if REFUSED in record.facts
        else Record({**record.arrays, **one.arrays}, {**record.facts, SPARSE: one.facts})
        for record, one in zip(records, found, strict=True)
    ]


def solve_sparse(
    spec: CandidateSpec, m: Measurement, name: str, settings: Settings, device: str, tell: Callable[[str], None]
) -> Found:
    """Posterior of a candidate on a measurement; ``name`` and the seed fix every random number."""
    assert spec.sparse is not None
    target = build_target(spec, [[m]], precision="float64")
    problem = _problem(spec, m, target)
    count = sum(supports_of_size(problem.columns, spec.sparse.most))
    log_size = log_sizes(spec, problem.columns)
    if spec.sparse.search == "exhaustive" or (spec.sparse.search == "auto" and count <= FEW_SETS):
        tell(f"{name}: {count:,} sets of terms, all looked at, on {settings.threads} threads")
        return _looked_through(problem, log_size, target, name, settings, device)
    tell(f"{name}: {count:,} sets of terms, sampled by exchange Monte Carlo")
    return _sampled(problem, log_size, target, name, settings, device)


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


def _looked_through(
    problem: Regression, log_size: FloatArray, target: SumTarget, name: str, settings: Settings, device: str
) -> Found:
    """All sets of terms."""
    search = search_all(problem, len(log_size) - 1, threads=settings.threads, device=device, ranked=LISTED, bins=BINS)
    found = posterior(search, log_size)
    generator = generator_of(settings.seed, name, "terms")
    length = -(-DRAWS // settings.chains)
    supports = draw_supports(problem, search, log_size, length * settings.chains, generator, device)
    theta = _theta(problem, supports, target, generator, (length, settings.chains))
    value = FreeEnergy(found.free_energy, 0.0, settings.chains - 1)
    run = Run(
        name=name,
        theta=theta,
        log_likelihood=np.full((length, settings.chains, 2), -found.free_energy),
        beta=np.array([0.0, 1.0]),
        exchange_rate=np.ones(1),
        round_trips=0.0,
        free_energy=value,
        estimators={"exact": value},
        effective_draws=np.full(1, np.nan),
        rhat=np.full(1, np.nan),
        verdict=Verdict(True, ()),
        sweeps=0,
        burn_in=0,
        likelihood_rows=int(search.count.sum()),
        engine="all sets",
    )
    zero = np.zeros(search.histogram.shape)
    arrays = _arrays(search.edges, search.histogram.astype(np.float64), zero)
    return Found(run, arrays, _facts(problem, found, log_size, "exhaustive", search))


def _sampled(
    problem: Regression, log_size: FloatArray, target: SumTarget, name: str, settings: Settings, device: str
) -> Found:
    """Sets of terms sampled by exchange Monte Carlo."""
    asked = Walk(
        seed=settings.seed, name=name, target_standard_error=settings.target_standard_error, chains=settings.chains,
        max_sweeps=max(settings.max_sweeps, 1000), ranked=LISTED, bins=BINS, threads=settings.threads, device=device,
    )  # fmt: skip
    walked = walk_supports(problem, log_size, asked)
    generator = generator_of(settings.seed, name, "terms")
    length = min(-(-DRAWS // settings.chains), len(walked.top))
    some = np.linspace(0, len(walked.top) - 1, length).astype(int)
    supports = walked.top[some].reshape(-1, walked.top.shape[2])
    supports = np.where(supports == problem.columns, -1, supports)
    theta = _theta(problem, supports, target, generator, (length, settings.chains))
    run = Run(
        name=name,
        theta=theta,
        log_likelihood=walked.log_likelihood,
        beta=walked.beta,
        exchange_rate=walked.travels.exchange_rate,
        round_trips=walked.travels.round_trips,
        free_energy=walked.free_energy,
        estimators=walked.estimators,
        effective_draws=walked.travels.effective_draws,
        rhat=walked.travels.rhat,
        verdict=walked.verdict,
        sweeps=walked.sweeps,
        burn_in=walked.sweeps - len(walked.log_likelihood),
        likelihood_rows=walked.sweeps * walked.moves * settings.chains * len(walked.beta),
        engine=f"sets of terms ({walked.engine})",
    )
    states = walked.states
    arrays = _arrays(states.edges, states.histogram, states.standard_error)
    return Found(run, arrays, _facts(problem, walked.posterior, log_size, "exchange", walked))


def _theta(
    problem: Regression, supports: NDArray[np.int64], target: SumTarget, generator: np.random.Generator,
    shape: tuple[int, int],
) -> FloatArray:  # fmt: skip
    """Draws (S, 1, C, P) of all parameters of a target, fixed ones included."""
    u = torch.full((len(target.slots), 1, 1, 1, 1), 0.5, dtype=torch.float64)
    fixed = target.from_uniform(u)[0, 0, 0, 0].numpy()
    theta = np.tile(fixed, (*shape, 1))
    theta[..., list(target.moving)] = draw_coefficients(problem, supports, generator).reshape(*shape, -1)
    return theta[:, None]


def _arrays(edges: FloatArray, histogram: FloatArray, error: FloatArray) -> dict[str, FloatArray]:
    """Density of states, cut to where there are any."""
    there = np.flatnonzero(histogram.sum(0) > 0)
    cut = slice(int(there[0]), int(there[-1]) + 1)
    return {
        "state_edges": edges[cut.start : cut.stop + 1],
        "state_counts": histogram[:, cut],
        "state_errors": error[:, cut],
    }


def _facts(
    problem: Regression, found: SparsePosterior, log_size: FloatArray, search: str, source: Search | Walked
) -> dict[str, Any]:
    """What is known of the terms, as JSON can hold it."""
    error = np.zeros(len(problem.names)), np.zeros(len(log_size))
    if isinstance(source, Walked):
        error = source.averages.inclusion_error, source.averages.size_error
    names = problem.names[problem.always :]
    terms = [
        {
            "term": name, "inclusion": float(found.inclusion[j]), "inclusion_error": float(error[0][j]),
            "mean": float(found.mean[j]), "sd": float(found.sd[j]),
        }
        for j, name in enumerate(problem.names)
    ]  # fmt: skip
    return {
        "search": search,
        "sets": int(sum(supports_of_size(problem.columns, len(log_size) - 1))),
        "always": list(problem.names[: problem.always]),
        "sizes": [
            {"size": k, "prior": float(np.exp(log_size[k])), "probability": float(found.size[k]), "error": float(e)}
            for k, e in enumerate(error[1])
        ],
        "terms": terms,
        "ranking": [
            {
                "terms": [names[j] for j in one.support], "free_energy": one.free_energy,
                "probability": one.probability,
            }
            for one in found.ranking
        ],
    }  # fmt: skip
