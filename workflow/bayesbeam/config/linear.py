"""Which parameters of a candidate are integrated out in closed form: those that enter linearly, with normal priors.

Decides what can be known of a part by itself; whether the whole curve is linear in them is checked with the target.
"""

from __future__ import annotations

from dataclasses import replace

from bayesbeam.config.candidate import Candidate
from bayesbeam.config.places import Problems
from bayesbeam.config.specs import CandidateSpec, PartSpec
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.models.linear_in import linear_parameters

MARGINALISE = "marginalise"
NOISES = ("normal", "normal_scaled")
NORMAL = "normal"


def resolve_linear(candidate: Candidate, spec: CandidateSpec, problems: Problems, here: KeyPath) -> CandidateSpec:
    """Candidate with the parameters that are integrated out, if that is asked for; mistakes are noted.

    Of a part that asks by itself all that is linear needs a normal prior; where the candidate asks for all of its
    parts, what has another prior is sampled.
    """
    strict = [part.linear == MARGINALISE for part in candidate.parts]
    lenient = [part.linear is None and candidate.linear == MARGINALISE for part in candidate.parts]
    if not any(strict) and not any(lenient):
        return spec
    if spec.noise.model not in NOISES:
        found, remedy = f"linear: {MARGINALISE} with {candidate.noise.family} noise", "Change the noise or remove it."
        problems.add((*here, "noise", "family"), found, "normal noise of one level", remedy)
        return spec
    if candidate.noise.level is not None:
        found = f"level with linear: {MARGINALISE}"
        remedy = "Write the prior under sigma: the level is then sampled, or remove linear."
        problems.add((*here, "noise", "level"), found, "one of the two", remedy)
        return spec
    parts = list(spec.parts)
    for i, part in enumerate(parts[: len(strict)]):
        if strict[i]:
            parts[i] = _of_part(part, problems, (*here, "parts", i))
        elif lenient[i]:
            parts[i] = replace(part, marginal=_linear(part, only_normal=True))
    found_any = any(part.marginal for part in parts)
    if any(lenient) and not any(strict) and not found_any:
        found = "no parameter that is linear and has a normal prior"
        remedy = "Write e.g. amplitude: normal(mean=0, sd=2) under priors, or remove linear."
        problems.add((*here, "linear"), found, "at least one", remedy)
    return replace(spec, parts=tuple(parts))


def _of_part(part: PartSpec, problems: Problems, here: KeyPath) -> PartSpec:
    """Part that asks by itself."""
    names = _linear(part, only_normal=False)
    if not names:
        found = f"no free parameter in which {part.component} is linear"
        problems.add((*here, "linear"), found, "at least one", "Remove linear from this part.")
    for name in names:
        prior = part.parameter(name).prior
        if prior.family != NORMAL:
            expected = "normal(mean=..., sd=...), which can be integrated out"
            remedy = f"Write it, or remove linear from this part: {name} is then sampled."
            problems.add((*here, "priors", name), f"the prior {prior} of a linear parameter", expected, remedy)
    return replace(part, marginal=names)


def _linear(part: PartSpec, only_normal: bool) -> tuple[str, ...]:
    """Free parameters in which a part is linear, all of them together.

    Of two that multiply each other an amplitude comes first, then what has a normal prior.
    """
    component = part.build()
    free = [p.name for p in part.parameters if not p.prior.fixed and p.name != component.order_by]
    if only_normal:
        free = [name for name in free if part.parameter(name).prior.family == NORMAL]
    free.sort(key=lambda name: (name != component.amplitude, part.parameter(name).prior.family != NORMAL))
    chosen = set(linear_parameters(component, free))
    return tuple(name for name in component.parameter_names if name in chosen)
