"""The Fermi edge is the convolution of a sloping, cut-off band with the resolution, at any ratio of the two widths."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import expit

from bayesbeam.models import fermi_edge, registry

PLACES = np.linspace(-6.0, 6.0, 25)


def worst(thermal: float, gaussian: float, slope: float, side: float = 1.0) -> float:
    """Largest difference from SciPy's quadrature, over a height of 1."""
    sd = gaussian / math.sqrt(8.0 * math.log(2.0))

    def smeared(x: float) -> float:
        def value(z: float) -> float:
            place = x - sd * z
            band = (1.0 + slope * place) * expit(-side * place / thermal)
            return float(band * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))

        edges = sorted(float(np.clip((x + k * thermal) / sd, -9.0, 9.0)) for k in (-8.0, 0.0, 8.0))
        return quad(value, -9.0, 9.0, points=edges, limit=400, epsabs=1e-10, epsrel=1e-10)[0]

    x = PLACES * math.hypot(thermal, 0.5 * sd)
    theta = torch.tensor([1.0, 0.0, thermal, gaussian, slope, 0.25, side], dtype=torch.float64)
    found = registry.get("fermi_edge").forward(torch.from_numpy(x), theta).numpy() - 0.25
    return float(np.abs(found - [smeared(place) for place in x]).max())


@pytest.mark.parametrize("gaussian", [1e-3, 0.1, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_it_is_the_convolution_to_1e_6_of_its_height(gaussian: float, side: float) -> None:
    assert worst(1.0, gaussian, 0.0, side) <= 1e-6
    # the slope's part of the error grows with the distance at which the edge cuts it: some widths
    assert worst(1.0, gaussian, 0.1, side) <= 1e-6 * (1.0 + 0.1 * math.hypot(6.0, gaussian))


def test_a_mixture_of_four_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fermi_edge, "WEIGHTS", (0.106501481939, 0.458363222717, 0.374185577537, 0.0609497178077))
    monkeypatch.setattr(fermi_edge, "SPREADS", (0.977390515528, 1.43108200932, 2.10470418448, 3.11464287622))
    assert worst(1.0, 0.1, 0.0) > 1e-6


@pytest.mark.parametrize("thermal", [1e-7, 0.026])
def test_a_cold_edge_is_the_resolution_alone(thermal: float) -> None:
    """Far from the edge the band and the level are left, exactly."""
    theta = torch.tensor([2.0, 10.0, thermal, 0.1, 0.5, 0.25, 1.0], dtype=torch.float64)
    x = torch.tensor([4.0, 8.0, 10.0, 14.0], dtype=torch.float64)
    curve = registry.get("fermi_edge").forward(x, theta)
    variance = 0.01 / (8.0 * math.log(2.0))
    middle = 1.25 - 0.5 * math.sqrt(variance / (2.0 * math.pi)) if thermal < 1e-6 else curve[2].item()
    assert curve.tolist() == pytest.approx([2.25 - 3.0, 2.25 - 1.0, middle, 0.25], abs=1e-9)
