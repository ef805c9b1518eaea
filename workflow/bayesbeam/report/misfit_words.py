"""Whether the candidates describe the data at all, in words: which check says no, where, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bayesbeam.report.records import Candidate, MeasurementResult
from bayesbeam.report.text import fixed, plain, pretty_unit, probability, raised

# In one of a hundred fits of the right model by chance.
MISFIT, OVERSTATED = 0.01, 0.995
_TEXT_FROM = 1e-3
# Of the height of a curve: data without noise leave residuals of some 1e-16, which are not like noise.
_ROUNDING = 1e-13
# Smaller ones say no more: none of this kind is right to so many digits.
_MOST_POWERS = 20


def check_p(one: Candidate) -> float | None:
    """Probability that the candidate, were it right, would give data that look as unlikely: of all checks together."""
    if one.checks is None:
        return one.predictive_p
    found = one.checks.get("together")
    return None if found is None else float(found)


def misfits(one: Candidate) -> bool:
    """Whether the data speak against a candidate; rounding errors of numbers do not."""
    p, share = check_p(one), (one.checks or {}).get("share")
    return p is not None and p < MISFIT and (share is None or float(share) > _ROUNDING)


def misfit_doubts(result: MeasurementResult, running: Sequence[Candidate], memory: float | None = None) -> list[str]:
    """Reservations where no candidate that is in the running describes the data, or the noise is stated too large.

    ``memory`` is the autocorrelation of neighbouring residuals where they are alike: the same doubt as a misfit.
    """
    best, doubts = result.best, []
    p, spread = check_p(best), best.predictive_p
    alike = "" if memory is None else f"neighbouring residuals are alike (autocorrelation {memory:.2f})"
    # Where the noise is stated far too large, data lie on one side of a draw of the curve throughout.
    overstated = spread is not None and spread > OVERSTATED
    alone = overstated and _loudest(best) == "runs"
    if p is not None and not alone and misfits(best) and all(misfits(one) for one in running):
        only = len(result.candidates) == 1
        none = "the only candidate does not describe" if only else "none of the candidates describes"
        said = f"{none} the data within its noise: {_why(best, result)} (p {small(p)})"
        return [f"{said}; {alike}, so the uncertainties are too small" if alike else said]
    if overstated:
        doubts.append(f"the data lie closer to the curve than the noise allows: predictive p {probability(spread)}")
    if alike:
        also = "" if overstated else ", and the uncertainties are too small"
        doubts.append(f"{alike}: the curve misses something in the data{also}")
    return doubts


def small(p: float) -> str:
    """Probability of a check: small ones by their power of ten."""
    if p >= _TEXT_FROM:
        return probability(p)
    power = next((n for n in range(4, _MOST_POWERS + 1) if p >= 10.0**-n), _MOST_POWERS + 1)
    return f"below {raised(1 - power)}"


def _loudest(one: Candidate) -> str:
    """Name of the check that speaks the loudest."""
    checks = one.checks or {}
    names = [name for name in ("local", "squares", "runs") if isinstance(checks.get(name), float)]
    return min(names, key=lambda name: float(checks[name]), default="squares")


def _why(one: Candidate, result: MeasurementResult) -> str:
    """The check that speaks the loudest, in words."""
    checks, loudest = one.checks, _loudest(one)
    if checks is None:
        return "they scatter about the curve by more than the noise allows"
    if loudest == "squares":
        return f"they scatter about the curve by more than the noise allows; farthest {_place(checks, result)}"
    if loudest == "runs":
        return f"residuals of one sign stand together, so the curve is too stiff; farthest {_place(checks, result)}"
    return f"they lie {_place(checks, result)}"


def _place(checks: Mapping[str, Any], result: MeasurementResult) -> str:
    """Where the data are farthest from the curve, how far, and on which side."""
    unit = pretty_unit(result.measurement.x_unit) if result.measurement is not None else ""
    far, share = float(checks["deviation"]), checks.get("share")
    low, high = sorted((float(checks["x_from"]), float(checks["x_to"])))
    digits = max(4, _digits(low, high))
    where = f"at {plain(low, digits)}" if low == high else f"between {plain(low, digits)} and {plain(high, digits)}"
    size = f" ({plain(100 * float(share), 2)} % of the height of the curve)" if share is not None and share < 1 else ""
    side = "above" if far > 0 else "below"
    return f"{side} the curve {where}{' ' + unit if unit else ''}, by {fixed(abs(far), 1)} standard deviations{size}"


def _digits(low: float, high: float) -> int:
    """Digits that tell two places apart."""
    gap, size = high - low, max(abs(low), abs(high))
    digits = 1
    while gap > 0 and size >= gap and digits < 9:
        size, digits = size / 10, digits + 1
    return digits + 1
