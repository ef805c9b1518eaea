"""The page on sparse regression: its code runs by itself, warnings as errors, and finds what it is about."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def test_the_library_example_finds_the_columns_it_has_put_in(root: Path) -> None:
    page = (root / "docs" / "sparse.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    environment = os.environ | {"PYTHONPATH": str(root / "workflow")}
    made = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert made.returncode == 0, made.stderr
    assert "(6, 17, 30)" in made.stdout


def test_links_of_the_page_lead_somewhere(root: Path) -> None:
    page = (root / "docs" / "sparse.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page):
        assert (root / "docs" / link).exists(), link
