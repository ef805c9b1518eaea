"""Answers at the end of a run: one line each of few measurements, counts of many, against what was put in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bayesbeam.io.results import write_result
from bayesbeam.launch.answers import answers, summaries
from bayesbeam.launch.ending import MOST_NAMED, summary_words


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
    write_result(folder / "b1.json", content)
    write_result(folder / "g.json", {"measurements": ["m0", "m1"], "decision": "integrate"})
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
    assert "parameters" not in found[0]["records"][0]


def test_the_last_words_name_what_was_refused_and_what_is_doubtful(tmp_path: Path) -> None:
    book = made(tmp_path, 100)
    found = summaries(book, tmp_path)
    lines, any_refused = summary_words(book, tmp_path, found)
    assert any_refused
    assert lines[:2] == ["101 measurements: 100 processed, 1 refused; 25 not reliable.", "refused x: empty"]
    assert lines[2].startswith("not reliable: m3, m7, m11, ")
    assert lines[2].endswith(f"m79 and 5 more: see {tmp_path / 'free_energy.csv'}")

    found[0]["refused"] += [{"measurement": "m0", "tag": "k2", "reason": "it is\x1b far"}]
    found[0]["refused"] += [{"measurement": f"y{number}", "reason": "empty"} for number in range(30)]
    lines, _ = summary_words(book, tmp_path, found)
    assert lines[0] == "131 measurements: 100 processed, 31 refused, 1 with a candidate refused; 25 not reliable."
    assert lines[2] == "refused m0 (k2): it is? far"
    assert lines[MOST_NAMED + 1] == f"... and 12 more refused: see {tmp_path / 'free_energy.csv'}"

    few = made(tmp_path, 2)
    found = [{"records": one["records"], "refused": []} for one in summaries(few, tmp_path)]
    assert summary_words(few, tmp_path, found) == (["2 measurements: 2 processed, 0 refused."], False)
