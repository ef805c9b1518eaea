"""Free energies of a batch over levels of the noise, over grids of counts, and of models with nothing left open."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import load_campaign
from bayesbeam.config.grammar import parse_prior
from bayesbeam.config.keys import candidate_key, words_key
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.report.curves import read_draws
from bayesbeam.stages.noise_levels import weigh_levels
from stage_fixture import FLAT, HASTY, make_lab, peak, record, strict


def test_free_energies_at_other_levels_of_a_known_noise(tmp_path: Path) -> None:
    candidates = FLAT + FLAT.replace("flat:", "unknown:").replace("sigma: 0.1", "sigma: estimate")
    lab = make_lab(tmp_path, {"a": peak(0, noise=0.3)}, candidates)
    lab.separate()
    one, other = strict(lab.results / "free_energy" / "b.json")["records"]
    assert other["noise_curve"] is None
    curve = one["noise_curve"]
    assert curve["factor"][0] == 1.0
    error = np.hypot(curve["standard_error"][0], one["standard_error"])
    assert abs(curve["free_energy"][0] - one["free_energy"]) < 4.0 * error + 1e-3
    # of a level in a wide prior: Gaussian integral
    y, sigma = read_measurement(lab.measurements / "a.h5").y, 0.1 * np.array(curve["factor"])
    exact = 30 * np.log(2 * np.pi * sigma**2) + 30 * y.var() / sigma**2 + np.log(6 * np.sqrt(60 / 2 / np.pi) / sigma)
    assert np.abs(curve["free_energy"] - exact).max() < 0.5, "levels differ by up to 200 nats"
    assert np.ptp(exact) > 200
    # the flat line misses the peak, so the scatter about it is that of the whole signal
    assert curve["best"] > 1.5
    assert curve["best_sd"] == pytest.approx(curve["best"] / np.sqrt(2 * 60), rel=0.25)
    assert curve["sigma"] == 0.1
    assert curve["lowest"] <= min(curve["free_energy"])
    assert curve["marginal"] > curve["lowest"]
    assert (curve["marginal_probability"], curve["lowest_probability"]) == (1.0, 1.0)


def test_a_stated_prior_of_the_level_changes_no_draw(tmp_path: Path) -> None:
    level = 'sigma: 0.1, level: "uniform(noise / 5, 20 * noise)"'
    candidates = FLAT + FLAT.replace("flat:", "stated:").replace("sigma: 0.1", level)
    candidates += FLAT.replace("flat:", "beside:").replace("sigma: 0.1", level.replace("20 * noise", "noise / 4"))
    lab = make_lab(tmp_path, {"a": peak(0, noise=0.3)}, candidates, sampling=HASTY)
    lab.separate()
    content = strict(lab.results / "free_energy" / "b.json")
    plain, stated = content["records"]
    m = read_measurement(lab.measurements / "a.h5")
    prior = f"uniform(low={m.noise_estimate / 5!r}, high={20 * m.noise_estimate!r})"
    assert stated["noise_curve"]["prior"] == prior
    assert "prior" not in plain["noise_curve"]
    # Laplace's integral, of a flat density in sigma over one in its logarithm: p(s) s against 1 / ln 10^1.5
    low, high = max(m.noise_estimate / 5, 0.1), min(20 * m.noise_estimate, 0.1 * 10.0**1.5)  # cut to the levels
    sigma, width = 0.1 * stated["noise_curve"]["best"], high - low
    expected = math.log(sigma / width * math.log(10.0**1.5))
    gain = plain["noise_curve"]["marginal"] - stated["noise_curve"]["marginal"]
    shift = plain["noise_curve"]["lowest"] - stated["noise_curve"]["lowest"]  # of other random numbers
    assert gain - shift == pytest.approx(expected, abs=0.05)
    assert (plain["noise_curve"]["marginal_probability"], stated["noise_curve"]["marginal_probability"]) == (1.0, 1.0)
    (refused,) = content["refused"]
    assert refused["tag"] == "beside"
    assert "prior of the noise level" in refused["reason"]
    spec = lab.campaign.by_tag("stated").spec
    by_numbers = replace(spec, noise=replace(spec.noise, level=parse_prior("uniform(0.1, 2)")))
    assert candidate_key(by_numbers, None) == candidate_key(lab.campaign.by_tag("flat").spec, None)
    assert words_key(spec) != words_key(lab.campaign.by_tag("flat").spec)


def test_candidates_without_a_level_are_weighed_among_those_of_the_same_stated_one() -> None:
    def record(sigma: float | None, lowest: float, marginal: float) -> dict[str, Any]:
        numbers = {"lowest": lowest, "lowest_error": 0.01, "marginal": marginal, "marginal_error": 0.1}
        return {"noise_curve": numbers | {"sigma": sigma}}

    records = [record(0.1, 5.0, 9.0), record(0.2, 4.0, 7.0), {"noise_curve": None}, record(0.1, 6.0, 9.0)]
    weigh_levels(records)
    first, alone, _, second = (one["noise_curve"] for one in records)
    assert first["lowest_probability"] == pytest.approx(1.0 / (1.0 + math.exp(-1.0)), rel=1e-12)
    assert second["lowest_probability"] == pytest.approx(1.0 - first["lowest_probability"], rel=1e-12)
    assert (first["marginal_probability"], alone["marginal_probability"]) == (pytest.approx(0.5), 1.0)
    # p (1 - p) times the error of the difference
    assert first["marginal_probability_error"] == pytest.approx(0.25 * math.hypot(0.1, 0.1), rel=0.05)
    assert alone["marginal_probability_error"] == 0.0


def test_a_grid_of_counts_begins_without_peaks_and_its_counts_have_probabilities(tmp_path: Path) -> None:
    height, place = 'amplitude: "uniform(0, 3)"', 'position: "uniform(0, 3)"'
    kinds = (("gaussian", "peak", 'sd: "log_uniform(0.1, 1)"'), ("lorentzian", "sharp", 'fwhm: "uniform(0.1, 0.3)"'))
    parts = "".join(
        f"{{component: {component}, name: {name}, count: 0..1, priors: {{{height}, {place}, {width}}}}}, "
        for component, name, width in kinds
    )
    parts += '{component: constant, priors: {level: "normal(0, 0.3)"}}'
    made = make_lab(tmp_path, {"a": peak(0)}, f"  grid:\n    parts: [{parts}]\n    noise: {{sigma: 0.1}}\n")
    made.separate()
    content = strict(made.results / "free_energy" / "b.json")
    grid = {tuple(one["count"]): one for one in content["records"]}
    assert list(grid) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [one["counts"] for one in content["records"]][1] == {"peak": 0, "sharp": 1}
    assert {row["parameter"] for row in grid[0, 0]["parameters"]} == {"constant.level"}
    # a level under a normal prior and normal noise, in closed form
    m = read_measurement(made.measurements / "a.h5")
    covariance = 0.01 * np.eye(m.x.size) + 0.09
    exact = -multivariate_normal(np.zeros(m.x.size), covariance).logpdf(m.y)
    assert (grid[0, 0]["engine"], grid[0, 0]["standard_error"]) == ("exact", 0.0)
    assert abs(grid[0, 0]["free_energy"] - exact) < 1e-9
    rows = {(one["part"], one["count"]): one["probability"] for one in content["counts"]}
    assert list(rows) == [("peak", 0), ("peak", 1), ("sharp", 0), ("sharp", 1)]
    share = sum(one["model_probability"] for count, one in grid.items() if count[0] == 1)
    assert rows["peak", 1] == pytest.approx(share, rel=1e-12)
    assert rows["peak", 0] + rows["peak", 1] == pytest.approx(1.0, abs=1e-12)
    totals = {one["parameter"]: one for one in content["averaged"]}
    assert set(totals) == {"constant.level", "peak.total_area", "sharp.total_area"}
    assert totals["sharp.total_area"]["candidates"] == 4
    with_peak = [one for count, one in grid.items() if count[0] == 1]
    areas = [next(row["mean"] for row in one["parameters"] if row["parameter"] == "peak.area") for one in with_peak]
    expected = sum(one["model_probability"] * area for one, area in zip(with_peak, areas, strict=True))
    assert totals["peak.total_area"]["mean"] == pytest.approx(expected, rel=1e-9)


NOTHING = """\
  peaks:
    parts:
      - {component: gaussian, name: peak, count: 0..1,
         priors: {amplitude: "uniform(0, 3)", position: "uniform(0, 3)", sd: "log_uniform(0.05, 1)"}}
      - {component: constant, name: flat, fixed: {level: 0.25}}
    noise: {family: normal, sigma: 0.1}
"""


def test_a_model_with_nothing_free_has_its_likelihood_as_evidence(tmp_path: Path) -> None:
    group = "  - {group: both, measurements: [a, b], candidate: peaks, shared: [peak.position]}\n"
    lab = make_lab(tmp_path, {"a": peak(0), "b": peak(1)}, NOTHING, group, sampling=HASTY)
    path = lab.campaign.folder / "campaign.yaml"
    path.write_text(path.read_text() + "report: {modes: true}\n")
    lab = replace(lab, campaign=load_campaign(lab.campaign.folder))
    lab.separate()
    content = strict(lab.results / "free_energy" / "b.json")
    arrays = read_records(lab.results / "free_energy" / "b.h5")
    exact = {}
    for name in "ab":
        y = read_measurement(lab.measurements / f"{name}.h5").y
        exact[name] = -norm(0.25, 0.1).logpdf(y).sum()
        one = record(content, "peaks-k0", name)
        # rows in single precision: residuals to 1e-7 of 10 sd, 60 of them
        assert one["free_energy"] == pytest.approx(exact[name], abs=1e-3)
        assert (one["standard_error"], one["verdict"], one["parameters"]) == (0.0, "reliable", [])
        assert one["predictive_p"] == 0.0
        assert one["model_probability"] < 1e-6  # the data have a peak
        factor = np.array(one["noise_curve"]["factor"])
        levels = [-norm(0.25, 0.1 * s).logpdf(y).sum() for s in factor]
        np.testing.assert_allclose(one["noise_curve"]["free_energy"], levels, atol=2e-3, rtol=0.0)
        assert max(one["noise_curve"]["standard_error"]) < 1e-9
        assert one["noise_curve"]["best"] * 0.1 == pytest.approx(np.sqrt(np.mean((y - 0.25) ** 2)), rel=0.01)
        np.testing.assert_allclose(arrays[f"{name}/peaks-k0"].arrays["prediction"], 0.25)
        drawn = read_draws(lab.results / "free_energy" / "b.h5", f"{name}/peaks-k0")
        assert (drawn.columns, drawn.posterior.shape[-1]) == ((), 0)
        total = {row["parameter"] for row in content["averaged"] if row["measurement"] == name}
        assert total == {"peak.total_area"}
    lab.join("both")
    decision = strict(lab.integrate("both"))
    none = next(row for row in decision["rows"] if row["count"] == 0)
    assert none["free_energy"] == pytest.approx(exact["a"] + exact["b"], abs=2e-3)
    assert (none["gain"], none["gain_standard_error"]) == (pytest.approx(0.0, abs=1e-9), 0.0)


def test_counts_where_a_known_curve_is_zero_are_refused(tmp_path: Path) -> None:
    """A curve of zero and nothing free: no counts can be."""
    candidates = NOTHING.replace("0.25", "0").replace("normal, sigma: 0.1", "poisson")
    data = {"a": "".join(f"{i} {i % 3}\n" for i in range(30))}
    lab = make_lab(tmp_path, data, candidates, treatment="{signal: {counts: true}}", sampling=HASTY)
    lab.preprocess()
    (found,) = read_records(lab.sample("peaks-k0")).values()
    assert "a curve of 0 at most" in found.facts["refused"]
