"""Patterns of iron-57 are the sums of their lines, at any parameters; distributed fields are a mean over fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.polynomial.hermite_e import hermegauss
from scipy import constants
from scipy.special import voigt_profile

from bayesbeam.config import load_campaign
from bayesbeam.errors import ConfigErrors, DataError
from bayesbeam.models import iron57, registry
from bayesbeam.stages.build import build_target
from bayesbeam.stages.preprocess import preprocess_rows

X = np.linspace(-12.0, 12.0, 2001)
SD = math.sqrt(8.0 * math.log(2.0))
SIGNS = (1.0, -1.0, -1.0)
Line = tuple[float, float, float, float]


def singlet(depth: float, shift: float, sd: float, width: float) -> list[Line]:
    """Lines as place, area over that of a line of depth 1, sd and full width: here one."""
    return [(shift, depth / voigt_profile(0.0, sd, 0.5 * width), sd, width)]


def doublet(depth: float, shift: float, splitting: float, sd: float, width: float, ratio: float) -> list[Line]:
    low, high = shift - 0.5 * splitting, shift + 0.5 * splitting
    return [*singlet(depth, low, sd, width), *singlet(ratio * depth, high, sd, width)]


def sextet(depth: float, shift: float, eps: float, field: float, sd: float, width: float, ratio: float) -> list[Line]:
    lines = []
    outer = depth / voigt_profile(0.0, 5.328 / 33.04 * sd, 0.5 * width) / 3.0
    for place, area, sign in zip((5.328, 3.083, 0.839), (3.0, ratio, 1.0), SIGNS, strict=True):
        c = place / 33.04
        lines += [(shift + sign * eps + end * c * field, area * outer, c * sd, width) for end in (-1.0, 1.0)]
    return lines


def drawn(lines: Sequence[Line]) -> np.ndarray:
    """Curve of lines, by SciPy."""
    return -np.sum([area * voigt_profile(X - place, sd, 0.5 * width) for place, area, sd, width in lines], axis=0)


def with_sd(theta: Sequence[float], index: int, sd: float) -> list[float]:
    """Parameters with a standard deviation put in."""
    return [*theta[:index], sd, *theta[index:]]


ORACLES: dict[str, tuple[Callable[..., list[Line]], Callable[[list[float]], list[float]], float]] = {
    "moessbauer_singlet": (singlet, lambda t: with_sd(t, 2, 0.0), 1e-12),
    "moessbauer_doublet": (doublet, lambda t: with_sd(t, 3, 0.0), 1e-12),
    "moessbauer_sextet": (sextet, lambda t: with_sd(t, 4, 0.0), 1e-12),
    "moessbauer_voigt_singlet": (singlet, lambda t: [*t[:2], t[2] / SD, *t[3:]], 1e-7),
    "moessbauer_voigt_doublet": (doublet, lambda t: [*t[:3], t[3] / SD, *t[4:]], 1e-7),
    "moessbauer_voigt_sextet": (sextet, lambda t: t, 4e-7),
}


def worst(name: str, dtype: torch.dtype = torch.float64) -> float:
    """Largest difference from the sum of lines over the depth, at random parameters."""
    lines, spelled, _ = ORACLES[name]
    theta = registry.get(name).random(torch.Generator().manual_seed(57), 24)
    curves = registry.get(name).forward(torch.from_numpy(X).to(dtype), theta.to(dtype)).double().numpy()
    expected = [drawn(lines(*spelled(row))) / row[0] for row in theta.tolist()]
    return float(np.abs(curves / theta[:, :1].numpy() - np.array(expected)).max())


@pytest.mark.parametrize("name", ORACLES)
def test_a_pattern_is_the_sum_of_its_lines(name: str) -> None:
    """The series of the Voigt line errs by 5e-8 of the height, each of up to six lines; the rest is rounding."""
    assert worst(name) <= ORACLES[name][2]


@pytest.mark.parametrize("name", ORACLES)
def test_single_precision_is_enough_for_counting_noise(name: str) -> None:
    """1e-4 of the depth is far below the noise of a point: 1e-3 of a depth even with 1e9 counts of a 3 % dip."""
    assert worst(name, torch.float32) <= 1e-4


@pytest.mark.parametrize(
    ("wrong", "name"), [("OUTER", "moessbauer_sextet"), ("MIDDLE", "moessbauer_sextet"), ("INNER", "moessbauer_sextet")]
)
def test_a_line_a_thousandth_off_is_seen(monkeypatch: pytest.MonkeyPatch, wrong: str, name: str) -> None:
    monkeypatch.setattr(iron57, wrong, 1.001 * getattr(iron57, wrong))
    assert worst(name) > 1e-5


def test_distributed_fields_are_the_mean_over_sextets() -> None:
    """Gauss-Hermite quadrature of the Lorentzian sextet over a normal distribution of fields, scaled to equal areas."""
    depth, shift, eps, field, sd, width, ratio = 1.0, 0.45, -0.05, 30.0, 0.8, 0.5, 1.6
    nodes, weights = hermegauss(101)
    single, x = registry.get("moessbauer_sextet"), torch.from_numpy(X)
    fields = torch.tensor([[depth, shift, eps, field + sd * n, width, ratio] for n in nodes], dtype=torch.float64)
    mean = (single.forward(x, fields).numpy() * (weights / weights.sum())[:, None]).sum(0)
    wide = registry.get("moessbauer_voigt_sextet")
    theta = torch.tensor([depth, shift, eps, field, sd, width, ratio], dtype=torch.float64)
    scale = float(single.derive(fields[0])[0] / wide.derive(theta)[0])
    np.testing.assert_allclose(scale * wide.forward(x, theta).numpy(), mean, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ORACLES)
def test_the_absorption_area_is_that_of_the_lines(name: str) -> None:
    lines, spelled, tolerance = ORACLES[name]
    theta = registry.get(name).random(torch.Generator().manual_seed(8), 8)
    areas = [sum(area for _, area, _, _ in lines(*spelled(row))) for row in theta.tolist()]
    np.testing.assert_allclose(registry.get(name).derive(theta)[:, 0].numpy(), areas, rtol=tolerance)


def test_the_scale_of_fields_is_that_of_the_nuclear_moments() -> None:
    """To 0.3 %, the innermost line, a small difference of the two, to 1 %: moments of 0.0906 and -0.1549 magnetons."""
    unit = constants.physical_constants["nuclear magneton in eV/T"][0] * constants.c * 1e3 / 14412.5
    ground, excited = 0.0906 / 0.5 * unit, 0.1549 / 1.5 * unit
    moments = [0.5 * ground + 1.5 * excited, 0.5 * (ground + excited), 0.5 * (ground - excited)]
    np.testing.assert_allclose(iron57.PER_TESLA, moments, rtol=0.01)
    np.testing.assert_allclose(iron57.PER_TESLA[:2], moments[:2], rtol=0.003)


CAMPAIGN = """\
campaign: other_axis
treatments: {counted: {axis: {unit: "%s"}, signal: {counts: true}}}
candidates:
  iron: {parts: [{component: constant}, {component: moessbauer_singlet}], noise: {family: poisson}}
"""


def campaign_of(folder: Path, unit: str) -> Path:
    """Campaign of a spectrum whose x has a unit."""
    (folder / "campaign.yaml").write_text(CAMPAIGN % unit)
    (folder / "measurements.tsv").write_text("id\tfile\na\ta.csv\n")
    (folder / "a.csv").write_text("".join(f"{x / 10},{1000 - x % 7}\n" for x in range(-30, 30)))
    return folder


def test_an_axis_in_another_unit_is_refused(tmp_path: Path) -> None:
    expected = (
        r"moessbauer_singlet for a, whose x is in eV; expected x in mm/s\. Calibrate or convert .*treatments\.count"
    )
    with pytest.raises(ConfigErrors, match=expected):
        load_campaign(campaign_of(tmp_path, "eV"))


def test_an_axis_without_a_unit_is_refused_with_the_data(tmp_path: Path) -> None:
    campaign = load_campaign(campaign_of(tmp_path, ""))
    measurements = preprocess_rows(campaign, campaign.ids, tmp_path / "m")
    with pytest.raises(DataError, match=r"moessbauer_singlet: x without a unit; expected x in mm/s\. State axis\.unit"):
        build_target(campaign.all_expanded()[0].spec, [measurements])


def test_velocities_in_mm_per_s_are_taken(tmp_path: Path) -> None:
    campaign = load_campaign(campaign_of(tmp_path, "mm/s"))
    measurements = preprocess_rows(campaign, campaign.ids, tmp_path / "m")
    assert build_target(campaign.all_expanded()[0].spec, [measurements]).groups == 1
