"""Component files of a user with mistakes: each is named with campaign, file, line and remedy, before anything runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam import cli
from bayesbeam.config import load_campaign
from bayesbeam.config.reference_text import EXAMPLE_COMPONENT
from bayesbeam.models import registry
from component_fixture import CAMPAIGN, DEFINED, FORMULA, LAST, problems, replaced, write


def test_the_file_that_the_tests_spoil_is_good(tmp_path: Path) -> None:
    load_campaign(write(tmp_path))
    assert not (tmp_path / "__pycache__").exists()


ELSEWHERE = [
    # piece, what stands there instead, line, words
    ('"step", "y"', '"step", ""', 9, ["parameter step: no unit; expected a unit", "(1 for none)"]),
    ('"step", "y"', '"step", None', 9, ["parameter step: no unit"]),
    ('"half_normal(sd=y_span)"', '""', 9, ["parameter step: no prior"]),
    ('"half_normal(sd=y_span)"', '"half_norml(sd=y_span)"', 9, ["unknown prior family", "Did you mean half_normal?"]),
    ('"half_normal(sd=y_span)"', '"half_normal(sd=-1)"', 9, ["sd = -1", "a proper prior: sd > 0"]),
    ('"half_normal(sd=y_span)"', '"half_normal(sd=yspan)"', 9, ["the unknown word 'yspan'", "Did you mean y_span?"]),
    ('"half_normal(sd=y_span)"', "'flat'", 9, ["the improper prior 'flat'"]),
    ('"half_normal(sd=y_span)"', "3.0", 9, ["prior 3.0; expected text"]),
    ('"log_uniform(low=x_step, high=x_span)"', '"normal(0, 1)"', 11, ["parameter width", "from -inf to inf", "low=0"]),
    ('"height of the step"', '""', 9, ["parameter step: no description"]),
    ("(0.5, 2.0)", "(2.0, 0.5)", 9, ["typical range (2.0, 0.5); expected a range inside"]),
    ("(0.5, 2.0)", "7", 9, ["typical range 7"]),
    ("POSITIVE, \"width", "(1.0, 0.0), \"width", 11, ["support (1.0, 0.0); expected a lower and a higher end"]),
    ('"position", "x"', '"Position", "x"', 10, ["the name 'Position'; expected lower-case letters"]),
    ('"position", "x"', '"step", "x"', 7, ["step declared twice"]),
    ('locations = ("position",)', 'locations = ("position")', 6, ["'position'; expected names in brackets", "comma"]),
    ('locations = ("position",)', 'locations = ("place",)', 6, ["locations: 'place'; expected one of step, position"]),
    ('locations = ("position",)', 'locations = ("width",)', 6, ["a curve that changes when x and width are shifted"]),
    ('locations = ("position",)', 'amplitude = "width"', 6, ["does not double with width"]),
    ("exchangeable = False", "exchangeable = True", 5, ["exchangeable without order_by"]),
    ("exchangeable = False", 'exchangeable = "no"', 5, ["'no'; expected True or False"]),
    ('title = "arctangent edge"', "title = 3", 4, ["title: 3; expected words"]),
    ('name = "edge"', 'name = "gaussian"', 3, ["the name 'gaussian'; expected", "a name not in use"]),
    ('name = "edge"', 'name = "doublet"', 3, ["the name 'doublet'"]),
    ('name = "edge"', 'name = "../edge"', 3, ["the name '../edge'"]),
    ('name = "edge"', "name = 3", 3, ["the name 3"]),
    ("(m, x, step, position, width)", "(m, x, step, position)", DEFINED, ["TypeError", "formula() takes 4"]),
    ("(m, x, step, position, width)", "(m, x, step, width, position)", DEFINED, ["in the order step, width, position"]),
    ("return step", "return step +", LAST, ["SyntaxError: invalid syntax; expected a file that can be imported"]),
    ("from bayesbeam", "from bayesbeem", 1, ["ModuleNotFoundError", "stands alone"]),
    ('title = "', 'raise SystemExit(7)\ntitle = "', 4, ["SystemExit: 7"]),
    ('title = "', '1 / 0\ntitle = "', 4, ["ZeroDivisionError: division by zero", "Mend this line"]),
    ("REAL, Parameter", "Real, Parameter", 1, ["ImportError: cannot import name 'Real'"]),
    ("exchangeable = False", "order_by = 3; exchangeable = False", 5, ["order_by: 3; expected the name of a"]),
    ("exchangeable = False", "derived = 3; exchangeable = False", 5, ["derived: 3; expected one or more"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "words"), ELSEWHERE, ids=[f"{k} {one[1]}" for k, one in enumerate(ELSEWHERE)]
)
def test_files_with_mistakes(tmp_path: Path, old: str, new: str, line: int, words: list[str]) -> None:
    found, *others = problems(write(tmp_path, replaced(old, new)))
    # A renamed parameter is missed where it is named.
    assert len(others) == (new in ('"Position", "x"', '"step", "x"'))
    assert "campaign.yaml line 2: components[0]: " in found
    assert f"/edge.py line {line}: " in found
    for word in words:
        assert word in found


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("parameters = ()", ["parameters: no parameters; expected at least one"]),
        ("formula = 3", ["formula: 3; expected a function. Write def formula(m, x, ...)."]),
        (
            'derived = (Derived("area", "", formula, "x"),)',
            ["derived area: no name, unit or description; expected all"],
        ),
        (
            'reference_values = (ReferenceValue(0.0, 3.0, 1.0, "x"),)',
            ["reference_values[0]: parameters 3.0; expected 3"],
        ),
    ],
)
def test_tables_with_mistakes(tmp_path: Path, end: str, words: list[str]) -> None:
    text = replaced("REAL, Parameter\n", "REAL, Derived, Parameter, ReferenceValue\n") + f"\n\n{end}\n"
    (found,) = problems(write(tmp_path, text))
    assert f"/edge.py line {LAST + 3}: " in found
    for word in words:
        assert word in found


def test_a_file_without_what_is_required(tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path, 'name = "edge"\n'))
    assert "/edge.py: no title, parameters, formula, exchangeable; expected them declared. Declare them" in found


def test_all_faults_of_a_table_and_all_other_mistakes_at_once(tmp_path: Path) -> None:
    text = replaced('"step", "y"', '"step", ""').replace('"width", "x"', '"width", ""')
    found = problems(write(tmp_path, text, CAMPAIGN + "  flat:\n    parts: [{component: constnat}]\n"))
    # The part that names the file's own component is no mistake of its own.
    assert len(found) == 3
    assert "edge.py line 9: parameter step: no unit" in found[0]
    assert "edge.py line 11: parameter width: no unit" in found[1]
    assert "the unknown component 'constnat'" in found[2]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ("[nowhere.py]", ["components[0]: ", "/nowhere.py: no Python file; expected a file *.py"]),
        ("[campaign.yaml]", ["/campaign.yaml: no Python file"]),
        ("[.]", ["no Python file"]),
        ("[edge.py, edge.py]", ["components[1]: 'edge.py' a second time"]),
        ("[edge.py, twin.py]", ["/twin.py: name: the name 'edge', which ", "edge.py has already"]),
        ("[huge.py]", ["/huge.py: more than 1048576 bytes"]),
        ("[binary.py]", ["/binary.py", "expected a file that can be imported"]),
        ("[deep.py]", ["/deep.py", "expected a file that can be imported"]),
        ("3", ["components: 3; expected a list of Python files"]),
    ],
)  # fmt: skip
def test_lists_of_files_with_mistakes(tmp_path: Path, files: str, words: list[str]) -> None:
    folder = write(tmp_path, campaign=CAMPAIGN.replace("[edge.py]", files))
    (folder / "twin.py").write_text(EXAMPLE_COMPONENT)
    (folder / "huge.py").write_bytes(b"#" * ((1 << 20) + 1))
    (folder / "binary.py").write_bytes(bytes(range(256)))
    (folder / "deep.py").write_text("x = " + "(" * 5000 + ")" * 5000)
    (found,) = problems(folder)
    for word in words:
        assert word in found


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "a")
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.suffix == ".py":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (found,) = problems(folder)
    assert "/edge.py: Permission denied; expected a file *.py. Check its permissions." in found


def test_a_link_that_leads_to_itself(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "edge.py").unlink()
    (folder / "edge.py").symlink_to(folder / "edge.py")
    (found,) = problems(folder)
    assert "/edge.py: " in found


def test_a_path_instead_of_a_name_says_what_to_write(tmp_path: Path) -> None:
    folder = write(tmp_path, campaign=CAMPAIGN.replace("component: edge", "component: edge.py"))
    (found,) = problems(folder)
    assert "the unknown component 'edge.py'; expected the name of a component" in found
    without = CAMPAIGN.replace("components: [edge.py]\n", "").replace("component: edge", "component: ./edge.py")
    (found,) = problems(write(folder, campaign=without))
    assert "List the file: components: [./edge.py], and write its name here." in found


def test_a_doublet_of_a_component_that_is_no_peak(tmp_path: Path) -> None:
    campaign = CAMPAIGN.replace("component: edge, priors", "component: doublet, of: edge, priors")
    (found,) = problems(write(tmp_path, campaign=campaign))
    assert "candidates.steps.parts[0].of: 'edge', which has no amplitude or no order_by" in found
    assert "edge.py" in found


def test_what_a_campaign_does_not_name_is_not_run(tmp_path: Path) -> None:
    without = CAMPAIGN.replace("components: [edge.py]\n", "").replace("edge", "constant").replace("step:", "level:")
    load_campaign(write(tmp_path, "raise SystemExit(9)", without))


def test_neighbours_are_not_imported(tmp_path: Path) -> None:
    folder = write(tmp_path, "import helper_of_edge\n" + EXAMPLE_COMPONENT)
    (folder / "helper_of_edge.py").write_text("value = 1\n")
    (found,) = problems(folder)
    assert "No module named 'helper_of_edge'" in found
    assert "copy in what lies in other files" in found


def test_references_that_are_not_met(tmp_path: Path) -> None:
    text = replaced("REAL, Parameter\n", "REAL, Parameter, ReferenceValue\n")
    good = 'reference_values = [ReferenceValue(0.0, (2.0, 0.0, 1.0), 1.0, "half of the step in its middle")]\n'
    load_campaign(write(tmp_path / "good", text + good))
    (found,) = problems(write(tmp_path / "bad", text + good.replace('1.0, "half', '1.1, "half')))
    assert f"line {LAST + 1}: reference_values[0]: 1.0 at x = 0 with (2.0, 0.0, 1.0); expected 1.1 (half of" in found
    (found,) = problems(write(tmp_path / "short", text + good.replace("(2.0, 0.0, 1.0)", "(2.0, 0.0)")))
    assert "reference_values[0]: parameters (2.0, 0.0); expected 3 in brackets" in found


def test_a_changed_file_is_read_anew_even_if_time_and_size_are_the_same(tmp_path: Path) -> None:
    folder = write(tmp_path)
    first = load_campaign(folder).by_tag("steps").spec.parts[0]
    stamp = (folder / "edge.py").stat().st_mtime_ns
    (folder / "edge.py").write_text(EXAMPLE_COMPONENT.replace("0.5 + m.atan", "0.4 + m.atan"))
    os.utime(folder / "edge.py", ns=(stamp, stamp))
    second = load_campaign(folder).by_tag("steps").spec.parts[0]
    assert first.own is not None
    assert second.own is not None
    assert first.own.sha256 != second.own.sha256


def test_a_file_that_changes_between_reading_and_use_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    file = registry.read_own_file(folder / "edge.py")
    (folder / "edge.py").write_text(EXAMPLE_COMPONENT + "# changed\n")
    with pytest.raises(Exception, match="changed while it was in use; expected the same content"):
        registry.own(file)


def test_validation_stops_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "c", replaced(FORMULA, "m.gama(x)"))
    before = set(sys.modules)
    assert cli.main(["validate", str(folder), "--results", str(tmp_path / "results")]) == 2
    said = capsys.readouterr().err
    assert "1 mistake in the campaign" in said
    assert "campaign.yaml line 2: components[0]: " in said
    assert f"edge.py line {LAST}: formula: m.gama, which is no function of the namespace; expected" in said
    assert "Traceback" not in said
    assert not (tmp_path / "results").exists()
    assert "edge" not in set(sys.modules) - before
