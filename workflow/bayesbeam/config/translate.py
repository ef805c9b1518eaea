"""Mistakes in the form of a campaign, from pydantic's words to three-part messages.

Decides the words, and how checking goes on after a mistake: what is wrong is cut out and the rest is read again, so
that one run names everything.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bayesbeam.config.fields import shown
from bayesbeam.config.places import Problems, key_text
from bayesbeam.config.schema import Campaign
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest

ROUNDS = 8
_STAND_INS: dict[str, Any] = {"campaign": "unknown", "candidates": {"unknown": {"parts": [{"component": "constant"}]}}}


def read_campaign(value: Any, problems: Problems) -> tuple[Campaign | None, frozenset[str]]:
    """Campaign as far as it could be read, and the keys that had to be cut out.

    Parameters
    ----------
    value : object
        What the YAML file holds.
    problems : Problems
        Where mistakes are noted.

    Returns
    -------
    campaign : Campaign or None
        None where nothing useful is left.
    cut : frozenset of str
        Key paths that were left out, e.g. ``candidates.peaks``; what depends on them is not checked further.
    """
    if not isinstance(value, dict):
        problems.add((), shown(value), "a mapping with the key campaign", "Start from a shipped campaign.")
        return None, frozenset()
    rest = deepcopy(value)
    cut: set[str] = set()
    for _ in range(ROUNDS):
        try:
            return Campaign.model_validate(rest), frozenset(cut)
        except ValidationError as error:
            details = error.errors(include_url=False)
        pairs = [(detail, _clean(detail["loc"], rest)) for detail in details]
        pairs = [pair for pair in pairs if not _follows(*pair, [path for _, path in pairs])]
        for detail, path in pairs:
            _note(detail, path, problems)
        cut |= {key_text(_cut(rest, path, detail["type"])) for detail, path in pairs}
        for key, stand_in in _STAND_INS.items():
            if not rest.get(key):
                rest[key] = deepcopy(stand_in)
    return None, frozenset(cut)


def _follows(detail: ErrorDetails, path: KeyPath, paths: list[KeyPath]) -> bool:
    """Whether a list is called too short only because its entries have mistakes."""
    return detail["type"] == "too_short" and any(path == deeper[: len(path)] != deeper for deeper in paths)


def _clean(loc: tuple[int | str, ...], value: Any) -> KeyPath:
    """Path without pydantic's own steps (names of union members, ``[key]``)."""
    path: list[int | str] = []
    for index, step in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(value, Mapping) and (step in value or last):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        if step != "[key]":
            path.append(step)
    return tuple(path)


def _note(detail: ErrorDetails, path: KeyPath, problems: Problems) -> None:
    """Note one of pydantic's mistakes in our words."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "bayesbeam":
        split_number = context["found"] == "no value" and re.fullmatch(r"\d+", str(path[-1]))
        remedy = "Write a decimal point, not a comma." if split_number else context["remedy"]
        problems.add(path, context["found"], context["expected"], remedy)
    elif kind == "extra_forbidden":
        remedy = nearest(str(path[-1]), valid_keys(path[:-1]))
        problems.add(path, f"the unknown key {str(path[-1])[:60]!r}", "a key of this section", remedy)
    elif kind == "missing":
        problems.add(path, "nothing", f"the key {path[-1]}", meaning(path))
    elif kind == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        close = nearest(str(detail["input"]), words)
        remedy = close if close.startswith("Did") else meaning(path)
        problems.add(path, shown(detail["input"]), f"one of {context['expected']}", remedy)
    else:
        problems.add(path, shown(detail["input"]), _expected(kind, context, detail["msg"]), meaning(path))


def _expected(kind: str, context: Mapping[str, Any], text: str) -> str:
    """What pydantic would have taken."""
    names = {
        "int": "a whole number",
        "float": "a number",
        "string": "a word",
        "bool": "true or false",
        "dict": "a section with keys",
        "model": "a section with keys",
        "tuple": "a list",
        "list": "a list",
    }
    bounds = {"greater_than": "above {gt}", "greater_than_equal": "at least {ge}", "less_than": "below {lt}"}
    bounds |= {"less_than_equal": "at most {le}"}
    if kind in bounds:
        return "a number " + bounds[kind].format(**context)
    if kind == "too_short":
        return f"at least {context['min_length']} entry"
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters"
    stem = kind.split("_")[0]
    return names.get(stem, text[:1].lower() + text[1:])


def _cut(rest: Any, path: KeyPath, kind: str) -> KeyPath:
    """Take a mistake out of the values, with as much around it as cannot stand without it; return what was taken."""
    target = path[:-1] if kind == "missing" and len(path) > 1 else path
    while len(target) > 1 and not (kind == "extra_forbidden" or _optional(target) or _is_free_key(target)):
        target = target[:-1]
    holder = rest
    for step in target[:-1]:
        holder = _step(holder, step)
    if isinstance(holder, dict) and target:
        holder.pop(target[-1], None)
    return target


_ABSENT = object()


def _step(holder: Any, step: int | str) -> Any:
    if isinstance(holder, dict):
        return holder.get(step, _ABSENT)
    if isinstance(holder, list) and isinstance(step, int) and step < len(holder):
        return holder[step]
    return _ABSENT


def _model_at(path: KeyPath) -> Any:
    """Type that the campaign has at a key path."""
    current: Any = Campaign
    for step in path:
        current = _inner(current)
        if isinstance(step, str) and get_origin(current) in (tuple, list):
            current = _inner(get_args(current)[0])  # one section stands for a list of one
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = _field(current, str(step))
            current = field.annotation if field is not None else None
        elif get_origin(current) is dict:
            current = get_args(current)[1]
        elif get_origin(current) in (tuple, list):
            current = get_args(current)[0]
        else:
            return None
    return _inner(current)


def _inner(kind: Any) -> Any:
    """Type without Annotated and without ``| None``."""
    while get_origin(kind) in (Annotated, Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        kind = members[0]
    return kind


def _field(model: type[BaseModel], key: str) -> Any:
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            return field
    return None


def _optional(path: KeyPath) -> bool:
    """Whether a key may be left out because it has a default."""
    holder = _model_at(path[:-1])
    if not (isinstance(holder, type) and issubclass(holder, BaseModel)):
        return False
    field = _field(holder, str(path[-1]))
    return field is None or not field.is_required()


def _is_free_key(path: KeyPath) -> bool:
    """Whether a key is a name that the campaign chose, such as that of a candidate."""
    return get_origin(_model_at(path[:-1])) is dict


def valid_keys(path: KeyPath) -> tuple[str, ...]:
    """Keys of the section at a path.

    Parameters
    ----------
    path : tuple of str and int
        Of the section.
    """
    model = _model_at(path)
    if get_origin(model) in (tuple, list):
        model = _inner(get_args(model)[0])  # one section stands for a list of one
    if isinstance(model, type) and issubclass(model, BaseModel):
        return tuple(field.alias or name for name, field in model.model_fields.items())
    return ()


def meaning(path: KeyPath) -> str:
    """Description of the key at a path, empty where it has none.

    Parameters
    ----------
    path : tuple of str and int
        Of the key.
    """
    holder = _model_at(path[:-1]) if path else None
    if not (isinstance(holder, type) and issubclass(holder, BaseModel)):
        return ""
    field = _field(holder, str(path[-1]))
    return f"Meaning: {field.description}" if field is not None and field.description else ""
