"""Numbers, units and names as a reader sees them.

Decides digits, signs and spelling; says nothing about what the numbers mean (``wording``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

NOTHING = "\u2013"
TIMES_TEN = "\u00a0\u00d7\u00a010"
PLUS_MINUS = "\u00a0±\u00a0"
_SUPERSCRIPT = str.maketrans("0123456789-+.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺·")
_WORDS = "no one two three four five six seven eight nine ten eleven twelve".split()
_CONTROL, _DIRECTION = "\x00-\x08\x0b-\x1f\x7f-\x9f", "\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNPRINTABLE = re.compile(f"[{_CONTROL}{_DIRECTION}\ud800-\udfff\ufffe\uffff]")
_POWER = re.compile(r"\^\(?([+-]?\d+(?:\.\d+)?)\)?")
_EXPONENT = re.compile(r"-?\d+(?:\.\d+)?e[+-]?\d+")
_HUGE, _TINY = 1e6, 1e-4


def clean(value: object, limit: int = 400) -> str:
    """Text from data that can stand in HTML and XML: no control or direction characters, bounded length."""
    return _cleaned(str(value), limit)


@lru_cache(maxsize=65_536)
def _cleaned(value: str, limit: int) -> str:
    """Clean text; kept, for the same names stand in thousands of records and then are in memory once."""
    text = _UNPRINTABLE.sub("\ufffd", value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def known(value: float | None) -> bool:
    """Whether there is a finite number."""
    return value is not None and math.isfinite(value)


def number_word(count: int) -> str:
    """Return the word of a small number: three, twelve, 13."""
    return _WORDS[count] if 0 <= count < len(_WORDS) else str(count)


def listed(items: Sequence[str], word: str = "and") -> str:
    """Enumeration in a sentence: a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def pretty_unit(unit: str) -> str:
    """Unit for display, with raised powers and small dots; empty for a pure number."""
    text = clean(unit, 60).strip()
    if text in ("", "1"):
        return ""
    text = _POWER.sub(lambda found: found[1].lstrip("+").translate(_SUPERSCRIPT), text)
    simple = re.fullmatch(r"1/([A-Za-zµÅ°]+)([⁰¹²³⁴⁵⁶⁷⁸⁹]*)", text)
    if simple:
        return f"{simple[1]}⁻{simple[2] or '¹'}"
    return re.sub(r"(?<=\w)[* ](?=\w)", "·", text)


def with_unit(quantity: str, unit: str) -> str:
    """Axis label: quantity (unit)."""
    pretty = pretty_unit(unit)
    return f"{clean(quantity, 60)} ({pretty})" if pretty else clean(quantity, 60)


def decimals_for(error: float) -> int:
    """Digits after the point that an uncertainty allows: two significant ones below 35, one above.

    Source: rounding rule of the Particle Data Group, Review of Particle Physics, section 5.3 of the introduction.
    """
    exponent = math.floor(math.log10(error))
    leading = error / 10.0**exponent
    return 1 - exponent if leading < 3.55 else -exponent


def plus_minus(value: float | None, error: float | None) -> str:
    """Value with its uncertainty, rounded by the uncertainty: ``284.700 ± 0.012``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if error is None or not math.isfinite(error) or error <= 0:
        return plain(value)
    scale = max(abs(value), error)
    if scale >= _HUGE or scale < _TINY:
        power = math.floor(math.log10(scale))
        inner = plus_minus(value / 10.0**power, error / 10.0**power)
        return f"({inner}){TIMES_TEN}{str(power).translate(_SUPERSCRIPT)}"
    return f"{fixed(value, decimals_for(error))}{PLUS_MINUS}{fixed(error, decimals_for(error))}"


def to_error(value: float | None, error: float | None) -> str:
    """Value alone with the digits its uncertainty allows."""
    shown = plus_minus(value, error)
    if shown.startswith("("):
        return plain(value)
    return shown.split(PLUS_MINUS)[0]


def nats(value: float | None, error: float | None = None) -> str:
    """Free energy with its standard error, or to a hundredth of a nat where it is exact."""
    if value is None or not math.isfinite(value) or (error is not None and error > 0):
        return plus_minus(value, error)
    return fixed(value, 2)


def between(low: float | None, high: float | None, error: float | None) -> str:
    """Interval with the digits an uncertainty allows, and one power of ten for both ends."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    scale = max(abs(low), abs(high))
    if scale >= _HUGE or 0 < scale < _TINY:
        power = math.floor(math.log10(scale))
        inner = between(low / 10.0**power, high / 10.0**power, None if error is None else error / 10.0**power)
        return f"({inner}){TIMES_TEN}{str(power).translate(_SUPERSCRIPT)}"
    return f"{to_error(low, error)} to {to_error(high, error)}"


def fixed(value: float, decimals: int) -> str:
    """Number with so many decimals; negative ones round before the point."""
    rounded = round(value, decimals)
    text = f"{rounded:.{max(decimals, 0)}f}"
    return minus("0" + text[2:] if text.startswith("-0") and not float(text) else text)


def plain(value: float | None, digits: int = 4) -> str:
    """Number to so many significant digits, with a raised power where it is very large or small."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    if _TINY <= abs(value) < _HUGE:
        power = math.floor(math.log10(abs(value)))
        text = fixed(value, digits - 1 - power)
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, power_text = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return minus(f"{mantissa}{TIMES_TEN}{str(int(power_text)).translate(_SUPERSCRIPT)}")


def readable(words: str) -> str:
    """Sentence of a program for people: ``2.49e+03 +- 4.9e+02`` becomes ``2490 ± 490``."""
    return _EXPONENT.sub(lambda found: plain(float(found[0])), words).replace("+-", "±")


def minus(text: str) -> str:
    """Text with the typographic minus."""
    return text.replace("-", "\u2212")


def probability(value: float | None, error: float | None = None) -> str:
    """Probability, with its uncertainty where there is one and it is not zero; certainty is never claimed."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value > 0.9995:
        return ">\u00a00.999"
    if value < 0.0005:
        return "<\u00a00.001"
    if error is None or not math.isfinite(error) or error == 0:
        return f"{value:.2f}" if 0.01 <= value <= 0.99 else f"{value:.3f}"
    decimals = 2 if error >= 0.005 else 3
    spread = f"{error:.{decimals}f}" if error >= 0.0005 else "0.001"
    return f"{value:.{decimals}f}{PLUS_MINUS}{spread}"


def probability_words(value: float | None, error: float | None = None) -> str:
    """Probability inside a sentence: ``0.93 ± 0.02``, ``above 0.999``."""
    return probability(value, error).replace(">", "above").replace("<", "below")


def duration(seconds: float | None) -> str:
    """Return a time for people: 0.4 s, 35 s, 4 min, 2.5 h."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def raised(power: int) -> str:
    """Power of ten for a tick: 10³."""
    return f"10{str(power).translate(_SUPERSCRIPT)}"
