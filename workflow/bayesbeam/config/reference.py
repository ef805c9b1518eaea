"""The tables of ``config/README.md``, made from the types of the campaign and from the registries.

Decides how the reference is laid out; says nothing that is not in a type, a registry or ``reference_text``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from bayesbeam import noise, priors
from bayesbeam.config import reference_text as text
from bayesbeam.config import schema
from bayesbeam.config.expression import DATA_WORDS
from bayesbeam.config.fields import VALUE_WORDS as FIELD_WORDS
from bayesbeam.config.formula import FUNCTIONS as FORMULA_FUNCTIONS
from bayesbeam.config.laws import VALUE_WORDS as LAW_WORDS
from bayesbeam.config.reference_counts import COUNTS, COUNTS_END, EXAMPLE_COUNTS
from bayesbeam.config.reference_distinguish import DISTINGUISH
from bayesbeam.config.reference_files import FACTS, FILE_KINDS, FILES, FILES_END, FILES_FACTS
from bayesbeam.config.reference_incoming import EXAMPLE_INCOMING, INCOMING, INCOMING_END
from bayesbeam.config.reference_linear import EXAMPLE_LINEAR, LINEAR, LINEAR_END
from bayesbeam.config.reference_next import NEXT
from bayesbeam.config.reference_operators import OPERATORS
from bayesbeam.config.reference_patterns import PATTERNS
from bayesbeam.config.reference_phases import EXAMPLE_PHASES, PHASES, PHASES_END
from bayesbeam.config.reference_regression import REGRESSION
from bayesbeam.config.reference_series import (
    EXAMPLE_SERIES,
    EXAMPLE_SPLITTING,
    SERIES,
    SERIES_END,
    SPLITTING,
    SPLITTING_END,
)
from bayesbeam.config.reference_sharing import EXAMPLE_MIXED, EXAMPLE_SHARING, MIXED_END, SHARING, SHARING_END
from bayesbeam.config.reference_sparse import EXAMPLE_SPARSE, SPARSE, SPARSE_END
from bayesbeam.config.sheet import COLUMNS, REQUIRED
from bayesbeam.config.splitting import VALUE_WORDS as EDGE_WORDS
from bayesbeam.models import registry
from bayesbeam.models.base import Component
from bayesbeam.models.fault import FUNCTIONS
from bayesbeam.models.operators import registry as operators

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Top level", schema.Campaign),
    ("incoming", schema.Incoming),
    ("treatments.&lt;name&gt;", schema.Treatment),
    ("treatments.&lt;name&gt;.read", schema.Read),
    ("treatments.&lt;name&gt;.axis", schema.Axis),
    ("treatments.&lt;name&gt;.signal", schema.Signal),
    ("treatments.&lt;name&gt;.instrument", schema.Instrument),
    ("treatments.&lt;name&gt;.image", schema.Image),
    ("treatments.&lt;name&gt;.uncertainty", schema.Uncertainty),
    ("candidates.&lt;name&gt;", schema.Candidate),
    ("candidates.&lt;name&gt;.parts", schema.Part),
    ("candidates.&lt;name&gt;.sparse", schema.Sparse),
    ("candidates.&lt;name&gt;.sparse.dictionary", schema.Terms),
    ("candidates.&lt;name&gt;.phases", schema.Phases),
    ("candidates.&lt;name&gt;.phases.error", schema.PhaseError),
    ("candidates.&lt;name&gt;.noise", schema.Noise),
    ("candidates.&lt;name&gt;.common.&lt;name&gt;", schema.Common),
    ("candidates.&lt;name&gt;.derived.&lt;name&gt;", schema.Derived),
    ("sampling", schema.Sampling),
    ("integration", schema.Integration),
    ("integration.shared", schema.Shared),
    ("simulate", schema.Simulation),
    ("simulate.axis", schema.Grid),
    ("thin", schema.Thinning),
    ("distinguish", schema.Distinguish),
    ("distinguish.axis", schema.Span),
    ("splitting", schema.Splitting),
    ("report", schema.Report),
    ("report.series", schema.Series),
    ("report.next_points", schema.NextPoints),
)
VALUE_WORDS = FIELD_WORDS | LAW_WORDS | EDGE_WORDS
_SIMPLE = {int: "whole number", float: "number", str: "words", bool: "true or false"}


def readme() -> str:
    """Return the whole of ``config/README.md``."""
    blocks = [
        text.HEAD,
        _code("yaml", text.EXAMPLE_CAMPAIGN),
        "\n`measurements.tsv` (the gaps are tabs):\n\n",
        _code("tsv", text.EXAMPLE_SHEET),
        "\n" + text.SHEET,
        _table(("column", "meaning"), ((_name(c, c in REQUIRED), m) for c, m in COLUMNS.items())),
        text.SHEET_REST,
        *(_section(title, model) for title, model in SECTIONS),
        FILES,
        _table(("file", "x", "y and its uncertainty", "`read.dataset`"), FILE_KINDS),
        FILES_FACTS,
        _table(("fact", "meaning"), FACTS),
        FILES_END,
        *(INCOMING, _code("yaml", EXAMPLE_INCOMING), INCOMING_END),
        text.STUDIES,
        DISTINGUISH,
        NEXT,
        *(SERIES, _code("yaml", EXAMPLE_SERIES), SERIES_END),
        *(SPLITTING, _code("yaml", EXAMPLE_SPLITTING), SPLITTING_END),
        text.PRIORS,
        _families(),
        text.WORDS,
        _table(("word", "value"), ((f"`{word}`", meaning) for word, meaning in DATA_WORDS.items())),
        text.TIES.format(functions=", ".join(f"`{word}`" for word in FORMULA_FUNCTIONS)),
        _code("yaml", text.EXAMPLE_TIES),
        text.TIES_REST,
        SHARING,
        _code("yaml", EXAMPLE_SHARING),
        SHARING_END,
        _code("yaml", EXAMPLE_MIXED),
        MIXED_END,
        PATTERNS,
        text.STARTS,
        text.COMPONENTS,
        _components(),
        COUNTS,
        _code("yaml", EXAMPLE_COUNTS),
        COUNTS_END,
        OPERATORS,
        _operators(),
        REGRESSION,
        LINEAR,
        _code("yaml", EXAMPLE_LINEAR),
        LINEAR_END,
        SPARSE,
        _code("yaml", EXAMPLE_SPARSE),
        SPARSE_END,
        PHASES,
        _code("yaml", EXAMPLE_PHASES),
        PHASES_END,
        text.OWN_COMPONENTS,
        _code("python", text.EXAMPLE_COMPONENT),
        text.OWN_COMPONENTS_REST.format(functions=fill(", ".join(f"`{word}`" for word in (*FUNCTIONS, "pi")), 118)),
        text.NOISE,
        _noise(),
    ]
    return "".join(blocks)


def _code(language: str, content: str) -> str:
    return f"```{language}\n{content}```\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _name(word: str, required: bool) -> str:
    return f"**`{word}`**" if required else f"`{word}`"


def _section(title: str, model: type[BaseModel]) -> str:
    """Return the table of one section."""
    rows = [
        (
            _name(field.alias or name, field.is_required()),
            value_words(field),
            _default(field),
            field.description or "",
            _example(field),
        )
        for name, field in model.model_fields.items()
    ]
    words = inspect.cleandoc(model.__doc__ or "")
    return f"\n### {title}\n\n{words}\n\n" + _table(("key", "value", "default", "meaning", "example"), rows)


def value_words(field: FieldInfo) -> str:
    """What a key takes, in words.

    Parameters
    ----------
    field : FieldInfo
        Of a section.
    """
    for item in field.metadata:
        if isinstance(item, BeforeValidator) and item.func in VALUE_WORDS:
            return VALUE_WORDS[item.func]
    return _type_words(field.annotation)


def _type_words(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if hasattr(kind, "__metadata__"):
        named = [
            VALUE_WORDS[i.func] for i in kind.__metadata__ if isinstance(i, BeforeValidator) and i.func in VALUE_WORDS
        ]
        return named[0] if named else _type_words(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin is dict:
        return f"name: {_type_words(arguments[1])}"
    if origin is tuple:
        return f"list of {_type_words(arguments[0])}"
    if isinstance(kind, type):
        return "section" if issubclass(kind, BaseModel) else _SIMPLE.get(kind, kind.__name__)
    return " or ".join(_type_words(member) for member in arguments if member is not type(None))


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default_factory is not None or field.default in (None, "", ()):
        return ""
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{', '.join(value) if isinstance(value, tuple) else value}`"


def _example(field: FieldInfo) -> str:
    return ", ".join(f"`{example}`" for example in field.examples or ())


def _families() -> str:
    rows = []
    for name in priors.names():
        family = priors.get(name)
        arguments = [f"{a}={family.defaults[a]:g}" if a in family.defaults else a for a in family.parameters]
        words = inspect.cleandoc(inspect.getmodule(family.density).__doc__ or "").splitlines()[0]
        rows.append((f"`{name}({', '.join(arguments)})`", words))
    return _table(("family", "density"), rows)


def _components() -> str:
    rows = []
    for component in registry.all_components():
        if component.name.startswith("doublet(") and component.name != "doublet(gaussian, own)":
            continue
        shown = component.name if "(" not in component.name else "doublet, of: gaussian, widths: own"
        rows += _parameters(shown, component)
    return _table(("component", "parameter", "unit", "default prior", "meaning"), rows)


def _operators() -> str:
    rows = [row for name in operators.names() for row in _parameters(name, operators.get(name))]
    return _table(("component", "parameter", "unit", "default prior", "meaning"), rows)


def _parameters(shown: str, component: Component) -> list[tuple[str, ...]]:
    """Return the rows of one component."""
    return [
        (f"`{shown}`: {component.title}" if k == 0 else "", f"`{p.name}`", p.unit, f"`{p.prior}`", p.description)
        for k, p in enumerate(component.parameters)
    ]


def _noise() -> str:
    rows: dict[str, tuple[str, ...]] = {}
    for name in noise.names():
        for parameter in noise.get(name).parameters:
            prior = f"`{parameter.prior}`"
            rows.setdefault(parameter.name, (f"`{parameter.name}`", parameter.unit, prior, parameter.description))
    return _table(("parameter", "unit", "default prior", "meaning"), rows.values())
