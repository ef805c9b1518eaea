"""What the page for users of clusters says of files, settings and tests is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml


@pytest.fixture
def page(root: Path) -> str:
    """Return the page."""
    return (root / "docs/cluster.md").read_text(encoding="utf-8")


def test_links_of_the_page_lead_somewhere(root: Path, page: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page):
        assert link.startswith("https://") or (root / "docs" / link).exists(), link


def test_settings_of_the_table_are_those_of_the_profile(root: Path, page: str) -> None:
    profile = yaml.safe_load((root / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    named = re.findall(r"^\| `([\w-]+)(?:: ([^`]+))?` \|", page, re.MULTILINE)
    assert {name for name, _ in named} >= {"jobs", "retries", "slurm_extra", "slurm-status-command", "slurm-requeue"}
    for name, value in named:
        settings = profile | profile["default-resources"]
        if name in settings and value:
            assert str(settings[name]) == yaml.safe_load(value)


def test_profiles_that_are_named_are_there(root: Path, page: str) -> None:
    for name in set(re.findall(r"workflow/profiles/[\w/.]+", page)):
        assert (root / name).exists(), name
    examples = yaml.safe_load((root / "workflow/profiles/slurm/partitions.example.yaml").read_text(encoding="utf-8"))
    assert examples["partitions"]["gpu"]["max_gpu"] > 0
    local, generic = (
        yaml.safe_load((root / f"workflow/profiles/{name}/config.yaml").read_text(encoding="utf-8"))
        for name in ("local", "generic")
    )
    assert generic == local


def test_a_folder_of_wheels_is_filled_with_what_is_installed(root: Path, page: str) -> None:
    install = (root / "scripts/setup.sh").read_text(encoding="utf-8")
    (extras,) = re.findall(r"'\.(\[[\w,]+\])'", install)
    assert f"setuptools '.{extras}'" in page
    assert "make setup WHEELHOUSE=wheelhouse" in page
