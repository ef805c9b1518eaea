"""Answers at the end of a run: one line each of few measurements, counts of many, against what was put in."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bayesbeam.launch.answers import answers, refused, summaries


def made(folder: Path, count: int) -> Any:
    """Book of so many measurements: every tenth for one peak, every fifth undecided, every fourth not reliable."""
    records = []
    for number in range(count):
        odds = 0.6 if number % 5 == 1 else 0.9
        pair = (("k1", odds), ("k2", 1 - odds)) if number % 10 == 0 else (("k1", 1 - odds), ("k2", odds))
        for tag, share in pair:
            bad = number % 4 == 3 and share > 0.5
            records.append(
                {
                    "measurement": f"m{number}", "tag": tag, "model_probability": share, "probability_error": 0.01,
                    "free_energy": 12.0, "standard_error": 0.1, "verdict": "not reliable" if bad else "reliable",
                    "reasons": ["few round trips"] if bad else [], "parameters": [{"mean": 1.0}] * 20,
                }
            )  # fmt: skip
    content = {"format": 1, "records": records, "refused": [{"measurement": "x", "reason": "empty"}]}
    (folder / "b1.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "g.json").write_text(
        json.dumps({"measurements": ["m0", "m1"], "decision": "integrate"}), encoding="utf-8"
    )
    return SimpleNamespace(batches=["b1"], groups=["g"], path=lambda *parts: parts[-1])


def test_few_have_a_line_each(tmp_path: Path) -> None:
    book = made(tmp_path, 4)
    lines = answers(book, tmp_path, summaries(book, tmp_path))
    assert len(lines) == 5
    assert (
        lines[0] == "m0: k1 with probability 0.90 +- 0.01, k2 with probability 0.10 +- 0.01 (k1 has F = 12.00 +- 0.10)"
    )
    assert lines[3].endswith("; not reliable: few round trips")
    assert lines[4] == "g (m0, m1): integrate"


def test_many_are_counted(tmp_path: Path) -> None:
    book = made(tmp_path, 100)
    found = summaries(book, tmp_path)
    assert answers(book, tmp_path, found) == [
        "100 measurements; most probable is k2 in 90, k1 in 10",
        "undecided, no model with a probability of 0.75 or more: 20",
        "not reliable: 25; the report says which and why",
        "g (m0, m1): integrate",
    ]
    assert refused(found) == {"x": "empty"}
    assert "parameters" not in found[0]["records"][0]
