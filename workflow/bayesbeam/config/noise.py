"""The section ``noise`` of a candidate as a noise model with a base level and priors.

Decides what ``sigma``, ``scale``, ``relative``, ``gain`` and ``dof`` mean together; the models themselves live in
``bayesbeam.noise``.
"""

from __future__ import annotations

from typing import Literal

from bayesbeam import noise as registry
from bayesbeam.config.candidate import Noise
from bayesbeam.config.expression import PriorSpec, fixed
from bayesbeam.config.grammar import parse_prior
from bayesbeam.config.places import Problems
from bayesbeam.config.prior_check import checked_prior
from bayesbeam.config.specs import NoiseSpec, ParameterSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest
from bayesbeam.models.base import POSITIVE, Parameter

Base = Literal["value", "column", "estimate"]
ESTIMATE = "estimate"
# Highest level over the stated one of which a run tells, and the least share of a prior up to there.
WIDEST, LEAST_SHARE = 10.0**1.5, 0.5


def resolve_noise(noise: Noise, problems: Problems, here: KeyPath) -> NoiseSpec | None:
    """Noise model, base and priors of a candidate; None where there are mistakes, which are noted.

    Parameters
    ----------
    noise : Noise
        As in the campaign.
    problems : Problems
        Where mistakes are noted.
    here : tuple of str and int
        Key of the section.
    """
    if noise.family == "poisson":
        return _counting(noise)
    before = len(problems.found)
    added = {"normal_relative": noise.relative, "normal_counts": noise.gain, "student_t": noise.dof}
    table = registry.get(noise.family if noise.family in added else "normal_scaled").parameters
    base, value, scale = _level(noise, table[0], problems, here)
    level = None if noise.level is None else _level_prior(noise.level, value, problems, (*here, "level"))
    terms = [_term(added[noise.family] or ESTIMATE, p, (), problems, (*here, p.name)) for p in table[1:]]
    found = [term for term in (scale, *terms) if term is not None]
    if len(problems.found) > before or scale is None:
        return None
    if noise.family in added:
        return NoiseSpec(noise.family, base, value, tuple(found))
    if scale.prior == fixed(1.0):
        return NoiseSpec("normal", base, value, (), level=level)
    return NoiseSpec("normal_scaled", base, value, (scale,))


def _counting(noise: Noise) -> NoiseSpec:
    """Counts by themselves, or of a known exposure."""
    if noise.exposure is None:
        return NoiseSpec("poisson", "none", None, ())
    if isinstance(noise.exposure, float):
        return NoiseSpec("poisson_exposure", "exposure", noise.exposure, ())
    return NoiseSpec("poisson_exposure", "exposure", None, (), noise.exposure)


def _level(
    noise: Noise, parameter: Parameter, problems: Problems, here: KeyPath
) -> tuple[Base, float | None, ParameterSpec | None]:
    """Base of every point's standard deviation, its value where it is a number, and the prior of the scale."""
    sigma = ESTIMATE if noise.sigma is None else noise.sigma
    if sigma == ESTIMATE:
        return "estimate", None, ParameterSpec(parameter.name, parse_prior(parameter.prior), "default")
    if isinstance(sigma, float) or sigma == "column":
        scale = _term(1.0 if noise.scale is None else noise.scale, parameter, (), problems, (*here, "scale"))
        return ("column", None, scale) if isinstance(sigma, str) else ("value", sigma, scale)
    return "value", 1.0, _term(sigma, parameter, ("column",), problems, (*here, "sigma"))


def _level_prior(text: str, value: float | None, problems: Problems, path: KeyPath) -> PriorSpec | None:
    """Prior under which a stated level is integrated out; a mistake, and one beside the levels, is noted."""
    parameter = Parameter("level", "y", text, POSITIVE, "standard deviation of the noise")
    spec = checked_prior(text, parameter, problems, path)
    if spec is not None and spec.fixed:
        problems.add(path, f"{spec}, one level", "a prior with a width", "Write the level under sigma.")
        return None
    if spec is not None and not spec.needs:
        low = 1.0 if value is None else value
        share = spec.resolve({}).share(low, WIDEST * low)
        if share < LEAST_SHARE:
            found = f"{spec}, of which {100 * share:.2g} % lies between {low:g} and {WIDEST * low:.3g}"
            expected = "half of it at least, from the stated sigma on"
            problems.add(path, found, expected, "State a sigma that is surely too small, or change the prior.")
            return None
    return spec


def _term(
    value: float | str, parameter: Parameter, words: tuple[str, ...], problems: Problems, path: KeyPath
) -> ParameterSpec | None:
    """Noise parameter from a number, the word estimate, or a prior."""
    if isinstance(value, float):
        return ParameterSpec(parameter.name, fixed(value), "campaign")
    if value == ESTIMATE:
        return ParameterSpec(parameter.name, parse_prior(parameter.prior), "default")
    if "(" not in value:
        choices = (*words, ESTIMATE)
        expected = f"a number above 0, {' or '.join(choices)}, or a prior"
        problems.add(path, f"the unknown word {value!r}", expected, nearest(value, choices))
        return None
    spec: PriorSpec | None = checked_prior(value, parameter, problems, path)
    return None if spec is None else ParameterSpec(parameter.name, spec, "campaign")
