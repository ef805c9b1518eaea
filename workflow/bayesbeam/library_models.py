"""Models for scripts and notebooks: priors from text with numbers, and one measured curve as a sum of components.

Words of the data such as x_span belong to campaign files, where a measurement fills them in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike

from bayesbeam import noise as noise_models
from bayesbeam.errors import ModelError, nearest
from bayesbeam.models import registry
from bayesbeam.models.base import Component
from bayesbeam.priors import Prior, get, make_prior
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.marginalise import marginalised
from bayesbeam.targets.sum import Part, SumTarget, sum_target

PriorLike = str | float | Prior
PartLike = str | Component | tuple[str | Component, int]

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.ASCII)
_ARGUMENT = re.compile(r"\s*(?:([A-Za-z_]\w*)\s*=)?\s*(\S+)\s*", re.ASCII)


def curve_target(
    x: ArrayLike,
    y: ArrayLike,
    parts: Mapping[str, PartLike],
    priors: Mapping[str, PriorLike],
    *,
    noise: str = "normal",
    sd: ArrayLike = 1.0,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float64,
    integrate_out: Sequence[str] = (),
) -> SumTarget | MarginalTarget:
    """Target of one measured curve as a sum of components.

    Parameters
    ----------
    x, y : array (N,)
        Axis and signal.
    parts : mapping of str to str, Component or (either, count)
        Such as ``{"peaks": ("gaussian", 3), "background": "linear"}``; names of components are those of campaigns.
    priors : mapping of str to str, float or Prior
        Of every ``part.parameter`` and ``noise.parameter``; a number holds the parameter there.
    noise : str
        Name of a noise model: normal, normal_scaled, normal_relative, normal_counts, student_t, poisson,
        poisson_exposure.
    sd : number or array (N,)
        Standard deviation of the noise before the noise model's own factors; for poisson_exposure the rate that
        one count stands for, 1 / exposure; not used for poisson.
    dtype : torch.dtype
        Precision of curves; sums over points are float64 always.
    integrate_out : sequence of str
        Parameters ``part.parameter`` with normal priors in which the curve is linear, such as ``peaks.amplitude``: they
        are integrated out in closed form, and their draws made afterwards. Noise normal or normal_scaled.

    Raises
    ------
    ModelError, DataError
        If a component, noise model or prior is unknown, missing or not wanted, or the data cannot be used.
    """
    counted = {name: _counted(name, part) for name, part in parts.items()}
    components = {name: component for name, (component, _) in counted.items()}
    model = noise_models.get(noise)
    wanted = [f"{name}.{word}" for name, component in components.items() for word in component.parameter_names]
    wanted += [f"noise.{parameter.name}" for parameter in model.parameters]
    for name in [*priors, *wanted]:
        if name not in wanted:
            raise ModelError.at("priors", f"the unknown parameter {name!r}", "part.parameter", nearest(name, wanted))
        if name not in priors:
            raise ModelError.at("priors", f"none for {name}", "one for every parameter", "Add it, or a fixed number.")
    nested = {name: [[read_prior(name, priors[name])]] for name in wanted}
    place = torch.device(device)
    axis, signal, spread = (torch.as_tensor(np.asarray(v, dtype=np.float64), device=place) for v in (x, y, sd))
    if axis.ndim != 1 or axis.shape != signal.shape or spread.shape not in ((), axis.shape):
        shapes = ", ".join(str(tuple(v.shape)) for v in (axis, signal, spread))
        raise ModelError.at("curve", f"x, y and sd of shapes {shapes}", "(N,), (N,) and () or (N,)", "Cut them alike.")
    built = [
        Part(name, component, counted[name][1], {w: nested[f"{name}.{w}"] for w in component.parameter_names})
        for name, component in components.items()
    ]
    own = {parameter.name: nested[f"noise.{parameter.name}"] for parameter in model.parameters}
    columns = [v.expand_as(axis).reshape(1, 1, -1).clone() for v in (axis, signal, spread, torch.ones_like(axis))]
    target = sum_target(columns[0], columns[1], columns[2], columns[3], built, model, own, dtype=dtype)
    return _without(target, integrate_out) if integrate_out else target


def _without(target: SumTarget, names: Sequence[str]) -> MarginalTarget:
    """Target without some parameters, by name."""
    known = [target.slots[j].name for j in target.moving if j < target.noise_start]
    for name in names:
        if name not in known:
            expected = "a free parameter of a part"
            raise ModelError.at("integrate_out", f"{name!r}", expected, nearest(name, list(dict.fromkeys(known))))
    return marginalised(target, [j for j in target.moving if target.slots[j].name in names])


def read_prior(name: str, asked: PriorLike) -> Prior:
    """Prior from ``family(argument=number, ...)``, arguments positional or named; a number is a fixed value."""
    where = f"prior of {name}"
    if isinstance(asked, Prior):
        return asked
    try:
        return make_prior("fixed", value=float(asked)) if not isinstance(asked, str) else _prior_of_text(asked)
    except (TypeError, ValueError):
        example = "numbers in a known family, such as normal(mean=0, sd=1) or uniform(low=-1, high=1)"
        raise ModelError.at(where, repr(asked)[:100], example, "Write the numbers out; nothing is computed.") from None
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from error


def _counted(name: str, part: PartLike) -> tuple[Component, int]:
    """Component of a part, and how many of it."""
    asked, count = part if isinstance(part, tuple) else (part, 1)
    component = registry.get(asked) if isinstance(asked, str) else asked
    if not isinstance(count, int) or count < 1:
        raise ModelError.at(f"part {name}", f"the count {count!r}", "a whole number from 1", "Write ('gaussian', 3).")
    if count > 1 and not component.exchangeable:
        found, expected = f"{count} of {component.name}", "one, since several cannot be told apart"
        raise ModelError.at(f"part {name}", found, expected, "Leave the count out.")
    return component, count


def _prior_of_text(text: str) -> Prior:
    """Prior from text; ValueError where it is no call with numbers."""
    call = _CALL.fullmatch(text)
    if call is None:
        raise ValueError(text)
    names = get(call[1]).parameters
    values: dict[str, float] = {}
    for place, argument in enumerate(call[2].split(",") if call[2].strip() else ()):
        match = _ARGUMENT.fullmatch(argument)
        if match is None or (match[1] is None and place >= len(names)):
            raise ValueError(text)
        key = match[1] or names[place]
        if key in values:
            raise ValueError(text)
        values[key] = float(match[2])
    return make_prior(call[1], **values)
