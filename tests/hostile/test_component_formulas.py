"""Formulas of a user's component file with mistakes: each is named with file, line and remedy, before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from bayesbeam.config.reference_text import EXAMPLE_COMPONENT
from component_fixture import DEFINED, FORMULA, LAST, problems, replaced, write

IN_FORMULA = [
    # what the formula returns instead, and words of the message
    ("m.exp(x - place)", ["NameError: name 'place' is not defined", "runs on tensors"]),
    ("np.exp(x - position)", ["NameError: name 'np' is not defined"]),
    ("m.jn(x - position)", ["m.jn, which is no function of the namespace", "Choose one of: abs, atan"]),
    ("m.atn(x - position)", ["m.atn, which is no function of the namespace", "Did you mean atan?"]),
    ("numpy.exp(-m.square(x - position))", ["a numpy function on a value", "m.exp, not np.exp", "tensors_only = True"]),
    ("torch.exp(-m.square(x - position))", ["a torch function on a value", "tensors_only = True"]),
    ("math.exp(x - position)", ["a function of single numbers, such as math.exp"]),
    ("math.exp(position) * x", ["a function of single numbers, such as math.exp"]),
    ("step if x > position else 0.0", ["a branch on a value (if, and, or, max)", "m.where for branches"]),
    ("step * max(x, position)", ["a branch on a value"]),
    ("step * (x > position and x < width)", ["a branch on a value"]),
    ("step * ((x - position) / width).atan()", ["the tensor method .atan", "tensors_only = True"]),
    ("step * (x - position) ** 2", ["a power (**)", "Write m.square(value) or a product"]),
    ("step * (x - x.mean())", ["the tensor method .mean"]),
    ("step * abs(x - position)", ["bad operand type for abs()", "Use only arithmetic, m.<function>"]),
    ("step * torch.tensor(2.0).double() * x", ["a Tensor among its values"]),
    ("m.where(x == position, step, m.sin(x - position) / (x - position))", ["other values when it is compiled", "=="]),
    ("step + width + position", ["shape (8, 1); expected shape (8, 23)", "level + 0.0 * x"]),
    ("(step + x).sum(-1)", ["shape (8,); expected shape (8, 23)"]),
    ("3.0", ["a float; expected a value for every x"]),
    ("None", ["a NoneType; expected a value for every x"]),
    ("(x - position).double()", ["torch.float64; expected torch.float32", "Do not convert"]),
    ("m.sqrt(position) * x", ["values that are not finite on random draws; expected finite values"]),
    ("m.sin(x - position) / (x - position)", ["not finite where x equals position", "m.where(m.abs(t) > 1e-6"]),
    ("step / 0.0 + x", ["values that are not finite"]),
    ("step + x * torch.rand(1).item()", ["other values at a second call", "random"]),
    ("step * x.add_(1.0)", ["its arguments changed; expected arguments left as they are", "in place"]),
    ("step.mul_(x[0]) + x", ["its arguments changed"]),
]


@pytest.mark.parametrize(("text", "words"), IN_FORMULA, ids=[text for text, _ in IN_FORMULA])
def test_formulas_that_do_not_work(tmp_path: Path, text: str, words: list[str]) -> None:
    (found,) = problems(write(tmp_path, "import math\n\nimport numpy\nimport torch\n" + replaced(FORMULA, text)))
    assert "campaign.yaml line 2: components[0]: " in found
    # What was raised stands in the last line; a wrong result is that of the definition, one line above.
    assert f"/edge.py line {LAST + 4}: formula: " in found or f"/edge.py line {DEFINED + 4}: formula: " in found
    for word in words:
        assert word in found


TENSORS_ONLY = "import torch\n" + EXAMPLE_COMPONENT.replace('title = "', 'tensors_only = True\ntitle = "')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("step * torch.special.erfcx((x - position) / width)", None),
        ("step * ((x - position) / width) ** 2", None),
        ("step * (x - x.mean())", ["values that change with the other points; expected element-wise values"]),
        ("step * torch.cumsum(x + 0 * step, -1)", ["values that change with the other points"]),
        ("x * step / step.amax()", ["values that change with the other rows"]),
        ("(step * x).reshape(8, -1) if step.ndim == 2 and len(step) == 8 else (step * x).flatten(0, -2)", ["shape"]),
        ("numpy.exp(-m.square(x - position))", ["a numpy function on a value"]),
        ("step * x + torch.rand(1)", ["other values at a second call"]),
    ],
)
def test_formulas_that_are_not_compiled(tmp_path: Path, text: str, words: list[str] | None) -> None:
    folder = write(tmp_path, "import numpy\n" + TENSORS_ONLY.replace(FORMULA, text))
    if words is None:
        assert load_campaign(folder).by_tag("steps").spec.parts[0].build().tensors_only
        return
    (found,) = problems(folder)
    for word in words:
        assert word in found


DERIVED = """

def area(m, step, position, width):
    return RESULT


derived = (Derived("area", "x*y", area, "step times width"),)
"""


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("step * width", None, []),
        ("step * m.area", 2, ["m.area, which is no function of the namespace"]),
        ("step * place", 2, ["NameError: name 'place' is not defined", "runs on tensors"]),
        ("(step * width).sum()", 1, ["shape (); expected shape (8,)"]),
        ("3.0", 1, ["a float; expected a value for every x"]),
        ("m.log(-width)", 1, ["values that are not finite on random draws"]),
        ("(step * width).float()", 1, ["torch.float32; expected torch.float64"]),
    ],
)
def test_formulas_of_derived_quantities(tmp_path: Path, text: str, line: int | None, words: list[str]) -> None:
    example = replaced("import POSITIVE, REAL, Parameter", "import POSITIVE, REAL, Derived, Parameter")
    folder = write(tmp_path, example + DERIVED.replace("RESULT", text))
    if line is None:
        assert [one.name for one in load_campaign(folder).by_tag("steps").spec.parts[0].build().derived] == ["area"]
        return
    (found,) = problems(folder)
    assert f"/edge.py line {LAST + 2 + line}: derived area: " in found
    for word in words:
        assert word in found
