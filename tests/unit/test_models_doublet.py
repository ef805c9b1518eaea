"""A doublet is the sum of its two lines, whatever their shape and widths."""

import pytest
import torch

from bayesbeam.models import registry
from bayesbeam.models.mathspace import TORCH


@pytest.mark.parametrize("peak", registry.peaks())
@pytest.mark.parametrize("widths", ["shared", "own"])
def test_doublet_is_the_sum_of_two_lines(peak: str, widths: str) -> None:
    base, double = registry.get(peak), registry.get("doublet", of=peak, widths=widths)
    theta = double.random(torch.Generator().manual_seed(2))
    value = dict(zip(double.parameter_names, theta.T, strict=True))
    second = {name: value.get(f"{name}_2", value[name]) for name in base.parameter_names}
    second["amplitude"] = value["amplitude"] * value["ratio"]
    second["position"] = value["position"] + value["splitting"]
    lines = [torch.stack([line[name] for name in base.parameter_names], -1) for line in (value, second)]
    x = torch.linspace(-6.0, 6.0, 31, dtype=torch.float64)
    expected = base.forward(x, lines[0]) + base.forward(x, lines[1])
    assert torch.equal(double.forward(x, theta), expected)
    derived = dict(zip((quantity.name for quantity in double.derived), double.derive(theta).T, strict=True))
    torch.testing.assert_close(derived["position_2"], second["position"])
    for k, quantity in enumerate(base.derived):
        first, other = (base.derive(line)[:, k] for line in lines)
        if quantity.name == "area" or widths == "own":
            torch.testing.assert_close(derived[f"{quantity.name}_1"], first)
            torch.testing.assert_close(derived[f"{quantity.name}_2"], other)
        else:
            torch.testing.assert_close(derived[quantity.name], first)
        if quantity.name == "area":
            torch.testing.assert_close(derived["area_ratio"], other / first)


def test_widths_of_the_second_line_are_named_after_the_first() -> None:
    own = registry.get("doublet", of="pseudo_voigt", widths="own")
    assert own.parameter_names == ("amplitude", "position", "fwhm", "mixing", "splitting", "ratio", "fwhm_2")
    shared = registry.get("doublet", of="pseudo_voigt")
    assert shared.parameter_names == ("amplitude", "position", "fwhm", "mixing", "splitting", "ratio")
    assert own.order_by == "position"


def test_math_namespace_mixes_tensors_and_numbers() -> None:
    x = torch.tensor([-1.0, 2.0], dtype=torch.float32)
    assert TORCH.maximum(x, 0.0).tolist() == [0.0, 2.0]
    assert TORCH.minimum(1.0, x).tolist() == [-1.0, 1.0]
    assert TORCH.maximum(1.0, 3.0) == 3.0
    assert TORCH.where(x > 0, x, 0.0).tolist() == [0.0, 2.0]
    assert TORCH.where(2.0 > 1.0, 5.0, 6.0) == 5.0
    assert TORCH.exp(0.0) == 1.0
    assert TORCH.maximum(x, 0.0).dtype == torch.float32
