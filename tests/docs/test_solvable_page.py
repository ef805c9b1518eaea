"""The page of the solvable model says what happens: its code prints what stands below it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_code_prints_what_stands_below_it(root: Path) -> None:
    blocks = FENCED.findall((root / "docs" / "solvable.md").read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks] == ["python", "text"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocks[0][1]], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == blocks[1][1]
