"""Mistakes in what a group compares: partial sharings, divisions, methods; each is named with place and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesbeam.config import load_campaign
from bayesbeam.config.patterns import divided, joint_patterns, patterns_of, samples_jointly
from bayesbeam.errors import ConfigErrors

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


def write(folder: Path, words: str, shared: str, members: int, candidate: str) -> None:
    text = CAMPAIGN.format(words=words, shared=shared, candidate=candidate)
    (folder / "campaign.yaml").write_text(text, encoding="utf-8")
    rows = "".join(f"m{k}\ta{k}\n" for k in range(members))
    (folder / "measurements.tsv").write_text(f"id\tfile\n{rows}", encoding="utf-8")


def problems(
    folder: Path, words: str, shared: str = "line.position, line.sd", members: int = 3, candidate: str = "peaks"
) -> list[str]:
    write(folder, words, shared, members, candidate)
    try:
        load_campaign(folder)
    except ConfigErrors as error:
        return [str(one) for one in error.problems]
    return []


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
    ("", {}, "all", True),
    ("patterns: all", {"line.position": (), "x": ()}, "all", True),
    ("patterns: {place: line.position}", {"place": ()}, "all", True),
    ("partitions: none, method: joint", {}, "none", True),
    ("partitions: greedy, method: two_stage", {}, "greedy", False),
]


@pytest.mark.parametrize(("words", "patterns", "how", "jointly"), GOOD)
def test_what_is_compared(tmp_path: Path, words: str, patterns: dict[str, object], how: str, jointly: bool) -> None:
    assert problems(tmp_path, words) == []
    group = load_campaign(tmp_path).group("g")
    assert len(patterns_of(group)) == len(patterns)
    assert (divided(group), samples_jointly(group)) == (how, jointly)


def test_all_patterns_are_every_part_and_have_short_names(tmp_path: Path) -> None:
    write(tmp_path, "patterns: all", "line.position, line.sd, line.amplitude", 3, "peaks")
    group = load_campaign(tmp_path).group("g")
    names = ["position", "sd", "amplitude", "position-sd", "position-amplitude", "sd-amplitude"]
    assert list(patterns_of(group)) == names
    assert joint_patterns(group) == ()
    assert joint_patterns(group.model_copy(update={"method": "joint"})) == tuple(names)


@pytest.mark.parametrize(
    ("members", "how", "jointly"), [(2, "none", True), (8, "all", True), (9, "greedy", True), (13, "greedy", False)]
)
def test_large_groups_are_not_sampled_together(tmp_path: Path, members: int, how: str, jointly: bool) -> None:
    write(tmp_path, "method: auto", "line.sd", members, "peaks")
    group = load_campaign(tmp_path).group("g")
    assert (divided(group), samples_jointly(group)) == (how, jointly)
