"""Mistakes in what a group compares: partial sharings, divisions, methods; each is named with place and remedy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from bayesbeam.config.patterns import divided, joint_patterns, patterns_of, samples_jointly
from bayesbeam.config.schema import Integration
from campaign_problems import problems_of, write_campaign

CAMPAIGN = """\
campaign: test
candidates:
  peaks:
    parts:
      - {{name: line, component: gaussian,
         priors: {{position: "uniform(1, 2)", sd: "log_uniform(0.1, 2)", amplitude: "uniform(0, 2)"}}}}
  other:
    parts: [{{name: line, component: gaussian, priors: {{position: "uniform(1, 2)", sd: "log_uniform(0.1, 2)"}}}}]
integration:
  - {{group: g, measurements: ["m*"], candidate: {candidate}, shared: [{shared}], {words}}}
"""


def texts(words: str, shared: str, members: int, candidate: str) -> tuple[str, str]:
    text = CAMPAIGN.format(words=words, shared=shared, candidate=candidate)
    return text, "id\tfile\n" + "".join(f"m{k}\ta{k}\n" for k in range(members))


def problems(
    folder: Path, words: str, shared: str = "line.position, line.sd", members: int = 3, candidate: str = "peaks"
) -> list[str]:
    return problems_of(folder, *texts(words, shared, members, candidate))


def group_of(folder: Path, words: str, shared: str, members: int) -> Integration:
    write_campaign(folder, *texts(words, shared, members, "peaks"))
    return load_campaign(folder).group("g")


OFFSET = 'line.position, {parameter: line.sd, offset: "normal(0, 0.01)"}'
MISTAKES = [
    ({"words": "patterns: {a: [line.amplitude]}"}, "patterns.a: 'line.amplitude', which is not shared"),
    ({"words": "patterns: {a: [line.positon]}"}, "Did you mean line.position"),
    ({"words": "patterns: {a: []}"}, "patterns.a: no parameter; expected one at least"),
    ({"words": "patterns: {a: [line.sd, line.position]}"}, "patterns.a: all that is shared; expected a part of it"),
    ({"words": "patterns: {a: [line.sd], b: line.sd}"}, "patterns.b: the same as 'a'; expected every sharing once"),
    ({"words": "patterns: some"}, "expected all, or a section of names"),
    ({"words": "patterns: {../up: [line.sd]}"}, "../up"),
    ({"words": "partitions: every"}, "partitions"),
    ({"words": "method: guess"}, "method"),
    (
        {"words": "partitions: all", "members": 10},
        "all divisions of 10 measurements; expected 9 or fewer. Write greedy.",
    ),
    ({"words": "partitions: all, method: joint", "members": 7}, "each block of which is sampled; expected 6 or fewer"),
    ({"words": "partitions: greedy, method: joint"}, "greedy with method: joint; expected method auto or two_stage"),
    ({"words": "method: two_stage", "shared": OFFSET}, "two_stage with several candidates, or an offset"),
    (
        {"words": "partitions: all", "candidate": '{m0: peaks, "*": other}'},
        "all divisions of measurements of several candidates; expected one candidate",
    ),
]


@pytest.mark.parametrize(("asked", "message"), MISTAKES)
def test_each_mistake_is_named(tmp_path: Path, asked: dict[str, object], message: str) -> None:
    found = problems(tmp_path, **asked)  # type: ignore[arg-type]
    assert any(message in one for one in found), found


GOOD = [
    ("", [], "all", True),
    ("patterns: all", ["position", "sd"], "all", True),
    ("patterns: {place: line.position}", ["place"], "all", True),
    ("partitions: none, method: joint", [], "none", True),
    ("partitions: greedy, method: two_stage", [], "greedy", False),
]


@pytest.mark.parametrize(("words", "patterns", "how", "jointly"), GOOD)
def test_what_is_compared(tmp_path: Path, words: str, patterns: list[str], how: str, jointly: bool) -> None:
    assert problems(tmp_path, words) == []
    group = load_campaign(tmp_path).group("g")
    assert list(patterns_of(group)) == patterns
    assert (divided(group), samples_jointly(group)) == (how, jointly)


def test_all_patterns_are_every_part_and_have_short_names(tmp_path: Path) -> None:
    group = group_of(tmp_path, "patterns: all", "line.position, line.sd, line.amplitude", 3)
    names = ["position", "sd", "amplitude", "position-sd", "position-amplitude", "sd-amplitude"]
    assert list(patterns_of(group)) == names
    assert joint_patterns(group) == ()
    assert joint_patterns(group.model_copy(update={"method": "joint"})) == tuple(names)


def test_patterns_whose_names_would_be_too_long_are_told_apart(tmp_path: Path) -> None:
    parts = [f"a_part_with_a_long_name_{k}" for k in "abcd"]
    line = "      - {{name: {}, component: gaussian, priors: {{position: 'uniform(1, 2)', sd: 'uniform(0.1, 2)'}}}}\n"
    text = "campaign: test\ncandidates:\n  peaks:\n    parts:\n" + "".join(map(line.format, parts))
    shared = ", ".join(f"{part}.sd" for part in parts)
    text += f"integration: [{{group: g, measurements: ['*'], candidate: peaks, shared: [{shared}], patterns: all}}]\n"
    write_campaign(tmp_path, text, "id\tfile\na\ta\nb\tb\n")
    patterns = patterns_of(load_campaign(tmp_path).group("g"))
    assert len({tuple(map(str, entries)) for entries in patterns.values()}) == len(patterns) == 14
    assert max(map(len, patterns)) <= 64


def test_one_candidate_by_patterns_is_one_candidate(tmp_path: Path) -> None:
    assert problems(tmp_path, "partitions: all", candidate='{m0: peaks, "*": peaks}') == []


@pytest.mark.parametrize(
    ("method", "members", "how", "jointly"),
    [
        ("auto", 2, "none", True),
        ("auto", 8, "all", True),
        ("auto", 9, "greedy", True),
        ("auto", 13, "greedy", False),
        # every block would be sampled
        ("joint", 6, "all", True),
        ("joint", 7, "none", True),
        ("two_stage", 8, "all", False),
    ],
)
def test_large_groups_are_not_sampled_together(
    tmp_path: Path, method: str, members: int, how: str, jointly: bool
) -> None:
    group = group_of(tmp_path, f"method: {method}", "line.sd", members)
    assert (divided(group), samples_jointly(group)) == (how, jointly)
