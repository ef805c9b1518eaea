"""Whether a prior written in a campaign is proper and stays where its parameter means something.

Decides what can be known before the data are read: priors with data words are tried on a few invented measurements and
refused only if they fail on all of them; the real words are checked when the candidate is built.
"""

from __future__ import annotations

from collections.abc import Mapping

from bayesbeam import priors
from bayesbeam.config.expression import GrammarError, PriorSpec
from bayesbeam.config.grammar import PROPER, parse_prior
from bayesbeam.config.places import Problems
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import Problem
from bayesbeam.models.base import Parameter


def _invented(low: float, high: float, floor: float, top: float) -> dict[str, float]:
    """Data words of a measurement that nobody made."""
    return {
        "x_min": low,
        "x_max": high,
        "x_span": high - low,
        "x_mid": 0.5 * (low + high),
        "x_step": (high - low) / 200,
        "y_min": floor,
        "y_max": top,
        "y_span": top - floor,
        "y_mid": 0.5 * (floor + top),
        "noise": 0.01 * (top - floor),
        "n_points": 201.0,
        "exposure": 10.0,
    }


_INVENTED = tuple(
    _invented(low, high, floor, top)
    for low, high in (
        (-1.0, 1.0),
        (0.01, 0.5),
        (0.0, 3.0),
        (280.0, 296.0),
        (5.0, 120.0),
        (7000.0, 7900.0),
        (-2e5, -1e5),
    )
    for floor, top in ((0.0, 1.0), (-0.3, 2.0), (100.0, 20000.0), (1e-4, 1e6), (-5.0, -1.0))
)


def checked_prior(text: str, parameter: Parameter | None, problems: Problems, path: KeyPath) -> PriorSpec | None:
    """Prior as written, None where it is a mistake, which is noted.

    Parameters
    ----------
    text : str
        As in the campaign.
    parameter : Parameter or None
        Whose prior it is, if that is known.
    problems : Problems
        Where mistakes are noted.
    path : tuple of str and int
        Key that holds the text.
    """
    support = parameter.support if parameter is not None else None
    found = written_prior(text, support)
    if isinstance(found, Problem):
        problems.move(found, path)
        return None
    return found


def written_prior(text: str, support: tuple[float, float] | None) -> PriorSpec | Problem:
    """Prior as written, or what is wrong with it.

    Parameters
    ----------
    text : str
        In the grammar of priors.
    support : tuple of float or None
        Ends of the values that its parameter may have, if that is known.
    """
    try:
        spec = parse_prior(text)
    except GrammarError as error:
        return error.problem
    tries = _INVENTED if spec.needs else ({},)
    found = [prior_problem(spec, words, support) for words in tries]
    first = found[0]
    return first if first is not None and all(problem is not None for problem in found) else spec


def prior_problem(
    spec: PriorSpec, words: Mapping[str, float], support: tuple[float, float] | None = None
) -> Problem | None:
    """What is wrong with a prior on one measurement: improper numbers, or values its parameter cannot have.

    Parameters
    ----------
    spec : PriorSpec
        As written.
    words : mapping of str to float
        Data words of the measurement.
    support : tuple of float, optional
        Ends of the values that the parameter may have.
    """
    values = spec.values(words)
    wrong = priors.get(spec.family).check(**values)
    where = f"prior {spec}"
    if wrong:
        argument, what, expected = wrong[0]
        infinite = any(not abs(value) < float("inf") for value in values.values())
        remedy = f"{PROPER}; write limits you would defend." if infinite else f"See {spec.family} in config/README.md."
        found = f"{spec}, which is wrong whatever the data (say {what})" if spec.needs else f"{what} in {spec}"
        return Problem(where, found, f"a proper prior: {_expected(argument, expected)}", remedy)
    low, high = priors.make_prior(spec.family, **values).support()
    if support is None or (support[0] <= low and high <= support[1]):
        return None
    found = f"{spec}, which reaches from {low:g} to {high:g}"
    return Problem(where, found, f"values between {support[0]:g} and {support[1]:g}", _inside(spec, support))


def _expected(argument: str, expected: str) -> str:
    words = expected.removesuffix(", since a prior must be proper")
    return f"{argument} {words}" if words.startswith((">", "<")) else f"{words} as {argument}"


def _inside(spec: PriorSpec, support: tuple[float, float]) -> str:
    """Advice for a prior that reaches too far."""
    ends = [f"{word}={end:g}" for word, end in zip(("low", "high"), support, strict=True) if abs(end) < float("inf")]
    if spec.family == "normal":
        mean, sd = (str(expression) for _, expression in spec.arguments)
        return f"Write truncated_normal(mean={mean}, sd={sd}, {', '.join(ends)})."
    return f"Keep it within {', '.join(ends)}."
