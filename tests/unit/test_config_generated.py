"""Schema and README are what the types say, and every key is explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from bayesbeam import noise, priors
from bayesbeam.config.generate import main, outdated, schema_json
from bayesbeam.config.reference import SECTIONS, readme, value_words
from bayesbeam.config.yaml_text import read_yaml
from bayesbeam.models import registry


def test_files_are_in_step_with_the_types(root: Path) -> None:
    assert outdated(root / "config") == [], "run python -m bayesbeam.config.generate"


def test_check_finds_an_old_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path)]) == 0
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "README.md").write_text("old")
    assert main(["--check", "--folder", str(tmp_path)]) == 2
    assert "config/README.md: an old version; expected what the types say." in capsys.readouterr().err


@pytest.mark.parametrize(("title", "model"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_every_key_has_a_meaning_and_a_form(title: str, model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, f"{title}.{name}"
        assert value_words(field), f"{title}.{name}"


def test_readme_names_every_family_component_and_parameter() -> None:
    text = readme()
    for name in priors.names():
        assert f"`{name}(" in text
    for component in registry.all_components():
        for parameter in component.parameters:
            assert f"`{parameter.name}`" in text or parameter.name.endswith("_2")
    for name in noise.names():
        for parameter in noise.get(name).parameters:
            assert f"`{parameter.name}`" in text


@pytest.mark.parametrize("name", ["first_look", "nagata2012"])
def test_shipped_campaigns_fit_the_schema(root: Path, name: str) -> None:
    file = root / "config" / "campaigns" / name / "campaign.yaml"
    schema: dict[str, Any] = json.loads(schema_json())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read_yaml(file, name).value, schema)


def test_schema_refuses_an_unknown_key() -> None:
    value = {"campaign": "a", "candidates": {"b": {"parts": [{"component": "constant"}]}}, "reports": {}}
    with pytest.raises(jsonschema.ValidationError, match="'reports' was unexpected"):
        jsonschema.validate(value, json.loads(schema_json()))
