"""NIST's certified nonlinear regressions: modes and standard deviations to their digits, moments by quadrature.

Certified standard deviations are those of the linearised problem, so they are compared with the information in the
curve; sampled moments of sets with up to three parameters with quadrature of the posterior itself.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.load import LoadedCampaign, load_campaign
from bayesbeam.io.results import read_result
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.stages.build import build_target
from stage_fixture import Lab

Array = NDArray[np.float64]
HOME = Path("config") / "campaigns" / "nist_strd"
SMALL = ("Misra1a", "BoxBOD", "DanWood", "Chwirut2", "Rat42")
NODES = {2: 1001, 3: 121}
REACH = 12.0


def campaign_of(root: Path, names: tuple[str, ...] = ()) -> LoadedCampaign:
    """Return the shipped campaign, or some of its sets."""
    campaign = load_campaign(root / HOME)
    if not names:
        return campaign
    kept = {name.lower(): campaign.campaign.candidates[name.lower()] for name in names}
    words = campaign.campaign.model_copy(update={"candidates": kept})
    rows = tuple(row for row in campaign.sheet if row.id in names)
    return replace(campaign, campaign=words, sheet=rows, models={name: campaign.models[name] for name in kept})


def certified(root: Path, name: str) -> tuple[Array, Array]:
    """Certified parameters and standard deviations."""
    text = (root / HOME / "data" / f"{name}.dat").read_text(encoding="utf-8")
    rows = [line.split("=")[1].split() for line in text.splitlines() if re.match(r"\s*b\d+ *=", line)]
    values = np.array(rows, dtype=np.float64)
    return values[:, 2], values[:, 3]


def check_mode(root: Path, record: dict[str, Any]) -> tuple[float, float]:
    """Largest relative differences of mode and standard deviation; every certified number has its own parameter."""
    rows = [row for row in record["parameters"] if row["laplace_sd"] is not None]
    values, sds = certified(root, record["measurement"])
    mode, sd = (np.array([row[key] for row in rows]) for key in ("mode", "information_sd"))
    place = np.abs(mode[:, None] / values - 1.0).argmin(0)
    assert sorted(place) == list(range(len(values)))
    return float(np.abs(mode[place] / values - 1.0).max()), float(np.abs(sd[place] / sds - 1.0).max())


def quadrature(campaign: LoadedCampaign, name: str, measurements: Path, draws: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of the posterior, on a grid in coordinates in which draws (n, P) are uncorrelated."""
    target = build_target(campaign.by_tag(name.lower()).spec, [[read_measurement(measurements / f"{name}.h5")]],
                          precision="float64")  # fmt: skip
    centre, root = draws.mean(0), np.linalg.cholesky(np.cov(draws.T))
    axis = np.linspace(-REACH, REACH, NODES[draws.shape[1]])
    total, first, second = 0.0, np.zeros_like(centre), np.zeros_like(centre)
    top = None
    for one in axis:
        others = np.stack(np.meshgrid(*[axis] * (len(centre) - 1), indexing="ij"), -1).reshape(-1, len(centre) - 1)
        theta = centre + np.column_stack([np.full(len(others), one), others]) @ root.T
        states = torch.from_numpy(theta)[None, None, :, None]
        log_prior = target.log_prior(states)
        inside = torch.isfinite(log_prior)[0, :, 0]
        if not bool(inside.any()):
            continue
        states = states[:, :, inside]
        log_density = target.log_likelihood(target.rows(states).sum(0), states)[0, 0, :, 0].numpy()
        top = draws_top(target, draws) if top is None else top
        weight, kept = np.exp(log_density - top), theta[inside.numpy()] - centre
        total += weight.sum()
        first += weight @ kept
        second += weight @ kept**2
    mean = first / total
    return centre + mean, np.sqrt(second / total - mean**2)


def draws_top(target: Any, draws: Array) -> float:
    """Largest log-likelihood of some draws."""
    states = torch.from_numpy(draws)[None, None, :, None]
    return float(target.log_likelihood(target.rows(states).sum(0), states).max())


def check_moments(campaign: LoadedCampaign, lab: Lab, name: str) -> float:
    """Largest distance of sampled means and standard deviations from quadrature, in Monte Carlo errors of chains."""
    record = read_records(lab.results / "free_energy" / "b.h5")[f"{name}/{name.lower()}"]
    kinds = [column["kind"] for column in record.facts["columns"]]
    draws = record.arrays["draws"][..., [k for k, kind in enumerate(kinds) if kind == "parameter"]]
    mean, sd = quadrature(campaign, name, lab.measurements, draws.reshape(-1, draws.shape[2]))
    chains = draws.shape[0]
    # The spread about the exact mean, so that its error is not one of a product of errors.
    squares = (draws - mean) ** 2
    found = [draws.mean(1) - mean, squares.mean(1) / sd**2 - 1.0]
    z = [part.mean(0) / (part.std(0, ddof=1) / np.sqrt(chains)) for part in found]
    print(name, "mean", np.round(z[0], 2), "variance", np.round(z[1], 2), "sd/certified",
          np.round(sd / certified(Path(__file__).resolve().parents[2], name)[1], 3))  # fmt: skip
    return float(np.abs(z).max())


@pytest.fixture(scope="module")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = Lab(campaign_of(root), tmp_path_factory.mktemp("nist_strd"))
    made.separate()
    return made


def records_of(lab: Lab) -> list[dict[str, Any]]:
    content = read_result(lab.results / "free_energy" / "b.json")
    assert content["refused"] == []
    return list(content["records"])


def test_two_sets_to_the_certified_digits(root: Path, tmp_path: Path) -> None:
    lab = Lab(campaign_of(root, ("BoxBOD", "Roszman1")), tmp_path)
    lab.separate()
    for record in records_of(lab):
        mode, sd = check_mode(root, record)
        assert mode < 1e-6
        assert sd < 1e-4
    assert check_moments(lab.campaign, lab, "BoxBOD") < 3.0


@pytest.mark.nightly
@pytest.mark.figures
def test_all_sets_to_the_certified_digits(root: Path, lab: Lab) -> None:
    records = records_of(lab)
    assert len(records) == 15
    found = {record["measurement"]: check_mode(root, record) for record in records}
    for record in records:
        mode, sd = found[record["measurement"]]
        print(f"{record['measurement']:9s} mode {mode:.1e} sd {sd:.1e} F {record['free_energy']:.2f} +-"
              f" {record['standard_error']:.2f}, {record['verdict']}, {record['cpu_seconds']:.0f} s")  # fmt: skip
    assert max(mode for mode, _ in found.values()) < 1e-6
    assert max(sd for _, sd in found.values()) < 1e-4


@pytest.mark.nightly
@pytest.mark.figures
@pytest.mark.parametrize("name", SMALL)
def test_moments_of_small_sets(lab: Lab, name: str) -> None:
    assert check_moments(lab.campaign, lab, name) < 3.0
