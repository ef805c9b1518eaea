"""Campaign YAML as text: plain values, lines, and refusals in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesbeam.config.yaml_text import MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("-2.5e+3", -2500.0),
        (".5", 0.5),
        ("12", 12),
        ("-7", -7),
        ("007", "007"),
        ("1..8", "1..8"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("'1'", "1"),
        ('"*"', "*"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
    ],
)
def test_words(text: str, value: object) -> None:
    found = parse_yaml(f"a: {text}", "f").value["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_prior_with_commas_in_braces_stays_whole() -> None:
    text = "p: {a: gamma(shape=5, rate=5), b: normal(mean=(1 + 2), sd=uniform(1, 2)), c: 3, d: 'x(', e: null}"
    expected = {
        "a": "gamma(shape=5, rate=5)",
        "b": "normal(mean=(1 + 2), sd=uniform(1, 2))",
        "c": 3,
        "d": "x(",
        "e": None,
    }
    assert parse_yaml(text, "f").value["p"] == expected


def test_lines_of_keys_and_entries() -> None:
    found = parse_yaml("a: 1\nb:\n  - x\n  - c: 2\n    d: 3\n", "f")
    assert found.line(("b", 1, "d")) == 5
    assert found.line(("b", 0)) == 3
    assert found.line(("b", 1, "nothing", "here")) == 4
    assert found.line(("nothing",)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\tb: 1", "f line 2: a tab at the start of the line; expected spaces. Replace each tab by two spaces."),
        ("a: 1\nb: 2\na: 3", "f line 3: the key 'a' a second time (first on line 1); expected every key once."),
        ("title: PET: C 1s", "f line 1: a ':' where none may stand in 'title: PET: C 1s'; expected key: value lines."),
        ("m: [*pet]", "f line 1: an alias without its anchor in 'm: [*pet]'"),
        ("a: !!python/object/apply:os.system [ls]", "f line 1: the YAML tag !!python/object/apply:os.system"),
        ("a: !!binary aGk=", "the YAML tag !!binary"),
        ("a: !mine 3", "the YAML tag !mine"),
        ("? [a]\n: 1", "a list or mapping as a key; expected a word as a key"),
        ("a: 1\n---\nb: 2", "f line 2: a second document after ---; expected one campaign a file."),
        ("a: [1, 2", "Check indentation, brackets and quotes"),
        ("a: 1\0", "f: a character that text files do not hold"),
        ("", "f: an empty file; expected a campaign."),
        ("x: &a [*a]", "aliases (*name) that multiply without end"),
        ("[" * 5000, f"more than {MAX_DEPTH} levels inside one another"),
        ("{a: " * 5000, f"more than {MAX_DEPTH} levels inside one another"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    found = parse_yaml(text, "f")
    assert len(found.problems) == 1
    assert message in str(found.problems[0])


def test_a_billion_laughs_are_refused() -> None:
    rows = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    rows += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 9)]
    assert "multiply without end" in str(parse_yaml("\n".join(rows), "f").problems[0])


def test_a_few_aliases_are_fine() -> None:
    assert parse_yaml("a: &p {x: 1}\nb: *p", "f").value == {"a": {"x": 1}, "b": {"x": 1}}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "campaign.yaml"
    assert "a readable file" in str(read_yaml(file, "f").problems[0])
    file.write_bytes(b"a: \xff\xfe")
    assert "a byte at position 3 that is not UTF-8" in str(read_yaml(file, "f").problems[0])
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    assert f"{MAX_BYTES + 1} bytes; expected at most {MAX_BYTES}" in str(read_yaml(file, "f").problems[0])
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_yaml(file, "f").value == {"a": 1, "b": 2}
