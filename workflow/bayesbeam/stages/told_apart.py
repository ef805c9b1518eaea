"""Questions of ``distinguish`` for the report: their studies, and the exact answer where the models are linear."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bayesbeam.errors import BayesbeamError, ModelError
from bayesbeam.report.studied import Distinguished, Study, Theory

if TYPE_CHECKING:
    from bayesbeam.config.distinguish import Distinguish
    from bayesbeam.config.load import LoadedCampaign
    from bayesbeam.config.outline import CampaignOutline
    from bayesbeam.config.schema import Simulation
    from bayesbeam.config.specs import Expanded, NoiseSpec, ParameterSpec, PartSpec
    from bayesbeam.evidence.linear_choice import Choice, LinearModel, Prior

MOST, CURVE = 10_000, 41
_OPEN, _SPARE = 5.0, 6
"""Factor by which the prior of an open level reaches beyond the true one, and points more than parameters: then what
its ends cut off is less than a thousandth."""
_WIDEST = 1e3
"""Levels that are looked at: those asked for, and down and up to this factor of them."""


def distinguished_of(campaign: CampaignOutline, studies: tuple[Study, ...]) -> tuple[Distinguished, ...]:
    """Questions in the order of the campaign."""
    if not campaign.campaign.distinguish:
        return ()
    from bayesbeam.config.load import LoadedCampaign

    assert isinstance(campaign, LoadedCampaign)
    by_name = {study.name: study for study in studies}
    return tuple(_question(one, campaign, by_name) for one in campaign.campaign.distinguish)


def _question(one: Distinguish, campaign: LoadedCampaign, studies: dict[str, Study]) -> Distinguished:
    """One question with its answer in theory, or why there is none."""
    from bayesbeam.config.told_apart import others

    own = tuple(studies[one.study(points).name] for points in one.points)
    names = campaign.candidates_of(own[0].members[0].id)
    models = {model.candidate: [m for m in names if m.candidate == model.candidate] for model in names}
    tags = others(one, models, own[0].tag)
    column = "exposure" if one.exposures else "noise_level"
    truth = ", ".join(f"{word} = {_shown(value)}" for word, value in one.truth.items())
    try:
        theory, reason = _theory(one, campaign, own[0].tag, tags), ""
    except _NoTheory as found:
        theory, reason = None, str(found)
    except ModelError as found:
        theory, reason = None, str(found).splitlines()[0]
    return Distinguished(
        one.name, own[0].tag, tags, one.probability, column, one.points, one.levels, own, truth, theory, reason
    )


class _NoTheory(BayesbeamError):
    """Why a question has no exact answer."""


def _theory(one: Distinguish, campaign: LoadedCampaign, tag: str, tags: tuple[str, ...]) -> Theory:
    """Exact answer of a question between two linear models."""
    from bayesbeam.config.truth import grid
    from bayesbeam.evidence.linear_choice import choice, least_from

    if len(tags) > 1:
        raise _NoTheory(f"{tag} is told from {len(tags)} models at once")
    if one.exposures:
        raise _NoTheory("the noise is that of counts")
    pair = campaign.by_tag(tag), campaign.by_tag(tags[0])
    truth = campaign.truths[one.study(one.points[0]).name]

    def at(points: float, level: float) -> Choice:
        study = one.study(int(points))
        x = grid(study)
        first, second = (_linear(model, study, x) for model in pair)
        known = [_known(model.spec.noise, level, model.tag) for model in pair]
        if known[0] != known[1]:
            raise _NoTheory("one of the models knows the noise, and the other does not")
        return choice(first, second, truth.curve(x), level, known[0])

    spare = 2 if all(_known(model.spec.noise, max(one.levels), model.tag) for model in pair) else _SPARE
    least = max(3, *(spare + len(_free(model)) for model in pair))
    ends = math.log10(least), math.log10(max(10 * max(one.points), 1000))
    points = sorted({round(value) for value in np.logspace(*ends, CURVE)} | {n for n in one.points if n >= least})
    points = [n for n in points if n <= MOST]
    curves = [[at(n, level) for n in points] for level in one.levels]
    grid_of_points = np.unique(np.round(np.logspace(ends[0], math.log10(MOST), 31)))
    needed = [
        least_from(_reaches(partial(at, level=level), one.probability), grid_of_points, whole=True)
        for level in one.levels
    ]
    # Of the noise, less is more: looked at from the greatest level down, as a factor that rises.
    top = _WIDEST * max(one.levels)
    down = np.geomspace(1.0, top * _WIDEST / min(one.levels), 61)
    down = np.array([factor for factor in down if _holds(pair, top / factor)])

    def quieter(factor: float, points: int) -> Choice:
        return at(points, top / factor)

    tolerated = [
        least_from(_reaches(partial(quieter, points=n), one.probability), down, whole=False)
        if n >= least and len(down)
        else None
        for n in one.points
    ]
    return Theory(
        tuple(points),
        tuple(tuple(found.probability for found in curve) for curve in curves),
        tuple(None if n is None else int(n) for n in needed),
        tuple(None if factor is None else top / factor for factor in tolerated),
        curves[0][0].method,
        MOST,
        max(found.standard_error for curve in curves for found in curve),
    )


def _holds(models: Sequence[Expanded], level: float) -> bool:
    """Whether there is a theory at a level of the noise."""
    try:
        return len({_known(model.spec.noise, level, model.tag) for model in models}) == 1
    except _NoTheory:
        return False


def _reaches(at: Callable[[float], Choice], wish: float) -> Callable[[float], bool]:
    """Whether a wish is fulfilled; a level at which a flat prior cuts off is too great."""

    def reaches(value: float) -> bool:
        try:
            return at(value).probability >= wish
        except ModelError:
            return False

    return reaches


def _free(model: Expanded) -> list[tuple[PartSpec, ParameterSpec]]:
    """Free parameters of all parts."""
    return [(part, one) for part in model.spec.parts for one in part.parameters if not one.prior.fixed]


def _linear(model: Expanded, study: Simulation, x: np.ndarray) -> LinearModel:
    """A candidate as a linear model at the points of a study."""
    import torch

    from bayesbeam.config.truth_fixed import kept
    from bayesbeam.evidence.linear_choice import LinearModel
    from bayesbeam.models.linear_in import columns, is_linear

    spec = model.spec
    for part in spec.parts:
        names = [one.name for one in part.parameters if not one.prior.fixed]
        if not is_linear(part.build(), names):
            raise _NoTheory(f"{model.tag} is not linear in {', '.join(f'{part.name}.{name}' for name in names)}")
    if spec.common or any(part.ties or part.moves or part.acts_on or part.count != 1 for part in spec.parts):
        raise _NoTheory(f"{model.tag} has ties, responses or several parts of one kind")
    axis, blocks, priors, rest = torch.from_numpy(x), [np.zeros((len(x), 0))], [], np.zeros(len(x))
    for part in spec.parts:
        component = part.build()
        names = [one.name for one in part.parameters if not one.prior.fixed]
        fixed = {one.name: kept(one.prior, study, 1.0) for one in part.parameters if one.prior.fixed}
        base, found = columns(component, axis, fixed, names)
        rest = rest + base.numpy()
        blocks.append(found.numpy())
        priors += [_prior(part.parameter(name), f"{part.name}.{name}", study) for name in names]
    return LinearModel(np.hstack(blocks), rest, tuple(priors))


def _prior(one: ParameterSpec, name: str, study: Simulation) -> Prior:
    """Prior of a coefficient."""
    from bayesbeam.config.truth_fixed import words_of
    from bayesbeam.evidence.linear_choice import Prior

    words = words_of(study, 1.0)
    if one.prior.family not in ("normal", "uniform") or not one.prior.needs <= set(words):
        raise _NoTheory(f"{name} has the prior {one.prior}, which is no normal or uniform one known before the data")
    values = one.prior.values(words)
    if one.prior.family == "normal":
        return Prior(mean=values["mean"], sd=values["sd"])
    return Prior(values["low"], values["high"])


def _known(noise: NoiseSpec, level: float, tag: str) -> bool:
    """Whether a model knows the true level of the noise."""
    if noise.model == "normal" and (noise.base == "column" or noise.value == level):
        return True
    prior = noise.parameters[0].prior if noise.model == "normal_scaled" else None
    if prior is None or prior.family != "log_uniform" or prior.needs:
        raise _NoTheory(f"{tag} has noise whose level is neither the true one nor open")
    ends, true = prior.values({}), level if noise.base == "value" else 1.0
    true /= noise.value or 1.0
    if ends["low"] * _OPEN > true or ends["high"] < true * _OPEN:
        raise _NoTheory(
            f"{tag} has the prior {prior} of the level, which ends within a factor {_OPEN:g} of the true one"
        )
    return False


def _shown(value: float | tuple[float, ...]) -> str:
    """Return a true value in words."""
    return f"{value:g}" if isinstance(value, float | int) else "[" + ", ".join(f"{one:g}" for one in value) + "]"
