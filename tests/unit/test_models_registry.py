"""Components by name, and a user's own component file by its path."""

from pathlib import Path

import pytest
import torch

from bayesbeam.errors import ModelError
from bayesbeam.models import registry
from bayesbeam.models.doublet import doublet

OWN = """
from bayesbeam.models.base import Parameter, ReferenceValue

name = "edge"
title = "arctangent edge"
exchangeable = False
parameters = (
    Parameter("step", "y", "half_normal(sd=y_span)", (0.0, 10.0), "height of the step"),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", (-10.0, 10.0), "middle of the step", (-1.0, 1.0)),
)
reference_values = (ReferenceValue(0.0, (2.0, 0.0), 1.0, "half the step in its middle"),)


def formula(m, x, step, position):
    return step * (0.5 + m.atan(x - position) / m.pi)
"""


def write(folder: Path, old: str = "", new: str = "") -> Path:
    """Own component file, with one piece replaced."""
    file = folder / "edge.py"
    assert old in OWN
    file.write_text(OWN.replace(old, new))
    return file


def test_names_are_listed_and_found() -> None:
    assert "doublet" in registry.names()
    assert registry.get("gaussian").parameter_names == ("amplitude", "position", "sd")
    assert registry.get("doublet", of="lorentzian", widths="own").name == "doublet(lorentzian, own)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gausian",), r"unknown component 'gausian'; expected a known one. Did you mean gaussian\?"),
        (("zzz",), r"Choose one of: arctan_step, asymmetric_pseudo_voigt"),
        (("doublet",), r"doublet: no `of`; expected the component of its lines"),
        (("doublet", "lorenzian"), r"Did you mean lorentzian\?"),
        (("doublet", "constant"), r"unknown component 'constant'"),
        (("doublet", "damped_oscillation"), r"unknown component 'damped_oscillation'"),
        (("doublet", "gaussian", "same"), r"'same'; expected shared or own"),
        (("gaussian", "lorentzian"), r"of: lorentzian; expected no `of`"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        registry.get(*arguments)


def test_a_doublet_is_of_what_lies_at_a_place() -> None:
    """A second frequency at frequency + splitting, in units of x, would be none."""
    with pytest.raises(ModelError, match=r"a component without an amplitude and a position; expected a peak"):
        doublet(registry.get("damped_oscillation"))


def test_own_file_becomes_a_component(tmp_path: Path) -> None:
    component = registry.load_file(write(tmp_path))
    x = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    value = component.forward(x, torch.tensor([4.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(value, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    assert component.name not in registry.names()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("parameters = (", "parametres = (", r"no parameters; expected them declared. .*gaussian.py"),
        ('name = "edge"', 'name = "gaussian"', r"the name 'gaussian'; expected .* a name not in use"),
        ('name = "edge"', 'name = "../edge"', r"Choose another name"),
        ('"step", "y"', '"step", ""', r"parameter step: no unit; expected a unit"),
        ('"height of the step"', '""', r"parameter step: no description"),
        ("(0.0, 10.0)", "(10.0, 0.0)", r"support \(10.0, 0.0\); expected a lower and a higher end"),
        ("(-1.0, 1.0)", "(-99.0, 1.0)", r"typical range .*; expected a range inside"),
        ("exchangeable = False", "exchangeable = True", r"exchangeable without order_by"),
        (
            "exchangeable = False",
            'exchangeable = False\norder_by = "place"',
            r"'place'; expected one of step, position",
        ),
        ('"position", "x"', '"step", "x"', r"step declared twice; expected each name once"),
        ("x - position", "x - place", r"formula: NameError.*expected a formula that runs"),
        ("(m, x, step, position)", "(m, x, step)", r"formula: TypeError"),
        ("step * (0.5 + m.atan(x - position) / m.pi)", "step", r"shape \(8, 1\); expected shape \(8, 23\)"),
        ("step * (0.5", "m.log(-m.square(step)) * (0.5", r"values that are not finite on random draws"),
        ("m.atan(x - position)", "(x - position).atan()", r"the tensor method \.atan; expected a formula of its"),
        ("return step", "x += 1.0\n    return step", r"its arguments changed"),
        ("return step", "return step if x > 0 else step", r"formula: a branch on a value"),
        ("return step", "return step +", r"SyntaxError"),
        ('title = "', 'raise SystemExit(7)\ntitle = "', r"SystemExit: 7; expected a file that can be imported"),
    ],
)
def test_mistakes_of_an_own_file_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        registry.load_file(write(tmp_path, old, new))


@pytest.mark.parametrize("name", ["nowhere.py", "edge.txt", "folder.py"])
def test_a_path_without_a_python_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "edge.txt").write_text(OWN)
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ModelError, match=r"no Python file; expected a file \*.py. Check the path."):
        registry.load_file(tmp_path / name)
