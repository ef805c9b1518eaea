"""Which laws of kinetics a quantity is compared with along a series; what they are is in ``bayesbeam.kinetics``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from bayesbeam.config.fields import refuse, shown
from bayesbeam.errors import nearest

LawName = Literal["constant", "linear", "exponential", "two exponentials", "stretched", "avrami", "sigmoid"]
LAWS: tuple[LawName, ...] = (
    "constant", "linear", "exponential", "two exponentials", "stretched", "avrami", "sigmoid",
)  # fmt: skip
FEWEST = 6
"""Different values of the column that laws need."""


def _laws(value: Any) -> Any:
    """Return names of laws: all for true, none for false, one for a word."""
    if isinstance(value, bool):
        return LAWS if value else ()
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not found:
        refuse(shown(value), "true, or a list of laws", f"Write some of [{', '.join(LAWS)}].")
    for one in found:
        if one not in LAWS:
            refuse(shown(one), f"one of {', '.join(LAWS)}", nearest(str(one), LAWS))
    return tuple(dict.fromkeys(found))


_SCHEMA = {"anyOf": [{"type": "boolean"}, {"type": "string"}, {"type": "array", "items": {"enum": list(LAWS)}}]}
Laws = Annotated[tuple[LawName, ...], BeforeValidator(_laws), WithJsonSchema(_SCHEMA)]
VALUE_WORDS = {_laws: "true or list of words"}
