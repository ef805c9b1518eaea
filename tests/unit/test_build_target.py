"""Candidates meet data: noise levels of every form, refusals by name, padding that changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.specs import CandidateSpec
from bayesbeam.errors import DataError, ModelError
from bayesbeam.io.noise_level import noise_level
from bayesbeam.io.store import Measurement
from bayesbeam.stages.build import base_deviation, build_target
from bayesbeam.stages.operators import prior_draws
from stage_fixture import make_lab, peak

LINE = '{component: constant, priors: {level: "uniform(-3, 3)"}}'
PEAK = '{component: gaussian, priors: {amplitude: "half_normal(2)", position: "uniform(0, 3)", sd: "uniform(0.1, 1)"}}'


def spec_of(folder: Path, part: str = LINE, noise: str = "{family: normal, sigma: 0.1}") -> CandidateSpec:
    text = f"  c:\n    parts: [{part}]\n    noise: {noise}\n"
    treatment = "{signal: {counts: true}, uncertainty: {from: counts}}"  # the campaign promises what any noise needs
    return make_lab(folder, {"a": peak(0)}, text, treatment=treatment).campaign.expanded("c")[0].spec


def measurement(
    points: int = 60, name: str = "a", uncertainty: bool = False, counts: bool = False, last: float = 3.0
) -> Measurement:
    rng = np.random.default_rng(points)
    x = np.linspace(0.0, last, points)
    y = rng.poisson(5.0, points).astype(float) if counts else rng.normal(0.0, 0.2, points)
    sd = np.linspace(0.1, 0.3, points) if uncertainty else None
    return Measurement(name, x, y, sd, x_unit="eV", counts=counts, noise_estimate=0.17)


# form of sigma, has uncertainties, noise model, base deviations
FORMS = [
    ("{sigma: 0.25}", False, "normal", 0.25),
    ("{sigma: 0.25}", True, "normal", 0.25),
    ("{sigma: 0.25, scale: estimate}", False, "normal_scaled", 0.25),
    ("{sigma: column}", True, "normal", "column"),
    ("{sigma: column, scale: estimate}", True, "normal_scaled", "column"),
    ("{sigma: estimate}", True, "normal_scaled", "column"),
    ("{sigma: estimate}", False, "normal_scaled", 0.17),
    ("{}", False, "normal_scaled", 0.17),
    ('{sigma: "log_uniform(0.01, 1)"}', False, "normal_scaled", 1.0),
    ('{sigma: "log_uniform(0.01, 1)"}', True, "normal_scaled", 1.0),
    ("{family: normal_relative, sigma: column, scale: 1, relative: estimate}", True, "normal_relative", "column"),
    ("{family: normal_relative, sigma: 0.1}", True, "normal_relative", 0.1),
    ("{family: normal_counts, sigma: 0.1}", True, "normal_counts", 0.1),
    ("{family: student_t, sigma: 0.1}", True, "student_t", 0.1),
    ("{family: student_t}", False, "student_t", 0.17),
]


@pytest.mark.parametrize(("form", "has", "model", "expected"), FORMS)
def test_base_deviation_of_every_form_of_noise(
    tmp_path: Path, form: str, has: bool, model: str, expected: float | str
) -> None:
    spec, m = spec_of(tmp_path, noise=form), measurement(uncertainty=has)
    assert spec.noise.model == model
    found = base_deviation(spec, m)
    np.testing.assert_array_equal(found, m.uncertainty if expected == "column" else np.full(60, expected))
    target = build_target(spec, [[m]], precision="float64")
    assert target.noise.name == model
    np.testing.assert_array_equal(target.data.base_sd[0, 0, 0, 0].numpy(), found)


def test_a_prior_of_sigma_is_the_prior_of_the_standard_deviation_itself(tmp_path: Path) -> None:
    spec, m = spec_of(tmp_path, noise='{sigma: "log_uniform(0.01, 1)"}'), measurement()
    target = build_target(spec, [[m]], precision="float64")
    assert [slot.name for slot in target.slots] == ["constant.level", "noise.scale"]
    theta = torch.tensor([0.3, 0.25], dtype=torch.float64).reshape(1, 1, 1, 1, 2)
    found = float(target.log_likelihood(target.rows(theta).sum(0), theta))
    # independent oracle; agrees to rounding of 60 terms
    assert found == pytest.approx(stats.norm(0.3, 0.25).logpdf(m.y).sum(), rel=1e-12)


def test_poisson_has_no_base_and_is_the_poisson_likelihood(tmp_path: Path) -> None:
    m = measurement(counts=True)
    spec = spec_of(tmp_path, '{component: constant, priors: {level: "uniform(1, 9)"}}', "{family: poisson}")
    np.testing.assert_array_equal(base_deviation(spec, m), np.ones(60))
    target = build_target(spec, [[m]], precision="float64")
    theta = torch.full((1, 1, 1, 1, 1), 4.5, dtype=torch.float64)
    found = float(target.log_likelihood(target.rows(theta).sum(0), theta))
    assert found == pytest.approx(stats.poisson(4.5).logpmf(m.y).sum(), rel=1e-12)


def test_a_noise_estimate_of_zero_still_gives_a_positive_level(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, noise="{sigma: estimate}")
    x = np.linspace(0, 3, 60)
    assert (base_deviation(spec, Measurement("a", x, 2 * x, noise_estimate=0.0)) > 0).all()


def refusal(spec: CandidateSpec, m: Measurement) -> str:
    with pytest.raises((DataError, ModelError)) as caught:
        build_target(spec, [[m]], precision="float64")
    return str(caught.value)


def test_a_dead_detector_has_no_noise_to_estimate(tmp_path: Path) -> None:
    dead = Measurement("a", np.linspace(0, 3, 60), np.zeros(60), noise_estimate=0.0)
    text = refusal(spec_of(tmp_path, noise="{sigma: estimate}"), dead)
    assert text.startswith("measurement a: all of its points are 0; expected a signal that varies")


def test_poisson_without_counts_is_refused(tmp_path: Path) -> None:
    text = refusal(spec_of(tmp_path, noise="{family: poisson}"), measurement())
    assert text.startswith("measurement a: its signal is not declared as counts; expected counts")
    assert "signal.counts: true" in text


def test_poisson_with_counts_that_are_none_is_refused(tmp_path: Path) -> None:
    m = measurement(counts=True)
    broken = Measurement("a", m.x, m.y + 0.5, counts=True, noise_estimate=1.0)
    assert "a signal that is no count" in refusal(spec_of(tmp_path, noise="{family: poisson}"), broken)


def test_column_without_uncertainties_is_refused(tmp_path: Path) -> None:
    text = refusal(spec_of(tmp_path, noise="{sigma: column}"), measurement())
    assert text.startswith("measurement a: it has no uncertainties; expected one a point")
    assert "sigma: estimate" in text


@pytest.mark.parametrize(
    ("part", "noise", "free"),
    [
        (PEAK.replace("gaussian,", "gaussian, count: 3,"), "{sigma: 0.1}", 9),
        (PEAK.replace("gaussian,", "gaussian, count: 3,"), "{sigma: estimate}", 10),
        (PEAK.replace("gaussian,", "gaussian, count: 3,") + ", {component: linear}", "{sigma: 0.1}", 11),
        (
            '{component: gaussian, count: 3, fixed: {sd: 0.2}, priors: {position: "uniform(0, 3)"}}',
            "{family: normal_relative, sigma: 0.1, relative: 0.1}",
            6,
        ),
    ],
)
def test_fewer_points_than_free_parameters_are_refused(tmp_path: Path, part: str, noise: str, free: int) -> None:
    spec = spec_of(tmp_path, part, noise)
    text = refusal(spec, measurement(free - 1))
    assert text.startswith(f"measurement a: it has {free - 1} points for {free} parameters; expected at least as many")
    assert len(build_target(spec, [[measurement(free)]]).moving) == free


@pytest.mark.parametrize("prior", ["uniform(3.1, 9)", "uniform(-5, -0.1)"])
@pytest.mark.parametrize("component", ["component: gaussian", "component: doublet, of: lorentzian"])
def test_a_position_prior_outside_all_data_is_refused(tmp_path: Path, prior: str, component: str) -> None:
    part = f'{{{component}, name: line, priors: {{position: "{prior}"}}}}'
    text = refusal(spec_of(tmp_path, part), measurement())
    assert text.startswith("measurement a: prior of line.position: uniform(low=")
    assert "lies outside all of its data; expected values between 0 and 3 eV" in text


@pytest.mark.parametrize("prior", ["uniform(-5, 0.1)", "uniform(2.9, 8)", "normal(50, 1)", "uniform(0, 3)"])
def test_a_position_prior_that_reaches_the_data_is_allowed(tmp_path: Path, prior: str) -> None:
    build_target(spec_of(tmp_path, f'{{component: gaussian, priors: {{position: "{prior}"}}}}'), [[measurement()]])


def test_a_prior_improper_for_these_data_is_refused_by_name(tmp_path: Path) -> None:
    flat = Measurement("a", np.linspace(0, 3, 60), np.full(60, 2.0), noise_estimate=0.1)
    spec = spec_of(tmp_path, '{component: constant, priors: {level: "half_normal(sd=y_span)"}}')
    text = refusal(spec, flat)
    assert text.startswith("measurement a: prior of constant.level: half_normal(sd=y_span) does not fit its data (")
    assert text.endswith("expected a proper prior. State this prior in the campaign with numbers.")


def states(target_members: int, slots: int, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(slots, 1, target_members, 5, 3, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("noise", ["{sigma: 0.1}", "{sigma: column}", "{sigma: estimate}", "{family: normal_relative}"])
def test_padding_changes_no_likelihood(tmp_path: Path, noise: str, generator: torch.Generator) -> None:
    spec = spec_of(tmp_path, PEAK, noise)
    members = [measurement(60, "a", True), measurement(45, "b", True, last=2.5), measurement(9, "c", True)]
    joint = build_target(spec, [members], precision="float64")
    assert joint.x.shape == (1, 3, 1, 1, 60)
    theta = joint.from_uniform(states(3, len(joint.slots), generator))
    together = joint.log_likelihood(joint.rows(theta).sum(0), theta)
    for d, m in enumerate(members):
        alone = build_target(spec, [[m]], precision="float64")
        own = theta[:, d : d + 1]
        expected = alone.log_likelihood(alone.rows(own).sum(0), own)
        # adding zeros may regroup the sum: rounding of 60 float64 terms
        torch.testing.assert_close(together[:, d : d + 1], expected, rtol=1e-12, atol=1e-12)


def test_poisson_padding_changes_no_likelihood(tmp_path: Path, generator: torch.Generator) -> None:
    part = '{component: constant, priors: {level: "uniform(-1, 9)"}}'  # negative levels: impossible, also when padded
    spec = spec_of(tmp_path, part, "{family: poisson}")
    members = [measurement(60, "a", counts=True), measurement(20, "b", counts=True)]
    joint = build_target(spec, [members], precision="float64")
    theta = joint.from_uniform(states(2, 1, generator))
    together = joint.log_likelihood(joint.rows(theta).sum(0), theta)
    assert torch.isneginf(together).any()
    for d, m in enumerate(members):
        alone = build_target(spec, [[m]], precision="float64")
        expected = alone.log_likelihood(alone.rows(theta[:, d : d + 1]).sum(0), theta[:, d : d + 1])
        torch.testing.assert_close(together[:, d : d + 1], expected, rtol=1e-12, atol=1e-12)


def test_shared_parameters_need_one_prior(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, PEAK.replace("uniform(0, 3)", "uniform(x_min, x_max)"))
    members = [measurement(60, "a"), measurement(60, "b", last=2.5)]
    with pytest.raises(
        ModelError, match=r"gaussian\.position: a shared parameter with different priors .*low=0, high=3"
    ):
        build_target(spec, [members], frozenset({"gaussian.position"}))
    target = build_target(spec, [members], frozenset({"gaussian.sd"}))
    assert [slot.name for slot in target.slots if slot.shared] == ["gaussian.sd"]


def test_words_are_those_of_each_measurement(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, PEAK.replace("uniform(0, 3)", "uniform(x_min, x_max)"))
    target = build_target(spec, [[measurement(60, "a")], [measurement(50, "b", last=2.5)]])
    assert target.priors[1].values["high"].flatten().tolist() == [3.0, 2.5]


def test_precision_is_that_of_the_rows_and_sums_stay_double(tmp_path: Path, generator: torch.Generator) -> None:
    spec, m = spec_of(tmp_path, PEAK), measurement()
    single, double = (build_target(spec, [[m]], precision=word) for word in ("float32", "float64"))
    theta = double.from_uniform(states(1, 3, generator))
    found, exact = (t.log_likelihood(t.rows(theta).sum(0), theta) for t in (single, double))
    assert single.rows(theta).dtype == torch.float32
    assert found.dtype == torch.float64
    # 60 residuals of up to 30 sd, each good to 2^-24 of its size
    torch.testing.assert_close(found, exact, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(("height", "expected"), [(1.0, torch.float32), (1e6, torch.float64)])
def test_precision_auto_is_single_only_far_below_the_noise(
    tmp_path: Path, height: float, expected: torch.dtype
) -> None:
    m = measurement()
    tall = Measurement("a", m.x, m.y + height, noise_estimate=0.17)
    for noise in ("{sigma: 0.1}", "{sigma: estimate}"):
        assert build_target(spec_of(tmp_path, PEAK, noise), [[tall]]).dtype == expected


# Component, its width parameter, and the width at half height as a function of it.
WIDTHS = [
    ("gaussian", "sd", lambda v: 2 * np.sqrt(2 * np.log(2)) * v),
    ("gaussian_precision", "precision", lambda v: 2 * np.sqrt(2 * np.log(2) / v)),
    ("lorentzian", "fwhm", lambda v: v),
    ("pseudo_voigt", "fwhm", lambda v: v),
]


@pytest.mark.parametrize(("component", "word", "full_width"), WIDTHS)
@pytest.mark.parametrize("share", [0.49, 0.51])
def test_peaks_below_half_the_spacing_of_points_are_refused(
    tmp_path: Path, component: str, word: str, full_width: Callable[[float], float], share: float
) -> None:
    m = measurement(61)
    values = np.geomspace(1e-3, 1e6, 200_000)
    value = float(values[np.argmin(np.abs(full_width(values) - share * 0.05))])
    part = f'{{component: {component}, name: p, priors: {{position: "uniform(0, 3)"}}, fixed: {{{word}: {value:.6g}}}}}'
    spec = spec_of(tmp_path, part)
    if share > 0.5:
        build_target(spec, [[m]])
    else:
        with pytest.raises(ModelError, match=r"measurement a: p: peaks narrower at half height than 0\.025 eV"):
            build_target(spec, [[m]])


def test_a_prior_that_allows_wide_peaks_is_not_refused_for_narrow_ones(tmp_path: Path) -> None:
    priors = '{position: "uniform(0, 3)", sd: "log_uniform(0.0001, 0.1)"}'
    build_target(spec_of(tmp_path, f"{{component: gaussian, priors: {priors}}}"), [[measurement()]])


@pytest.mark.parametrize(("count", "fits"), [(3, True), (4, False)])
def test_points_within_reach_bound_the_parameters_of_one_kind_of_peak(tmp_path: Path, count: int, fits: bool) -> None:
    """Eleven points from 1 to 1.5 in steps of 0.05; at sd 0.011 a peak falls below a hundredth at 0.034."""
    priors = '{position: "uniform(1.001, 1.499)", sd: "uniform(0.0110, 0.0112)"}'
    part = f"{{component: gaussian, name: p, count: {count}, priors: {priors}}}"
    spec, m = spec_of(tmp_path, part), measurement(61)
    if fits:
        build_target(spec, [[m]])
    else:
        with pytest.raises(DataError, match="measurement a: p: 11 points within reach of 4 peaks with 12 parameters"):
            build_target(spec, [[m]])


@pytest.mark.parametrize("unit", [1e-4, 1.0, 250.0])
def test_the_default_prior_of_a_gain_follows_the_scale_of_the_signal(tmp_path: Path, unit: float) -> None:
    """Counts of a peak of 60 on 5, each worth some units of signal: the gain is that worth."""
    spec = spec_of(tmp_path, noise="{family: normal_counts}")
    x = np.linspace(-5.0, 5.0, 200)
    y = unit * np.random.default_rng(1).poisson(5.0 + 60.0 * np.exp(-0.5 * x**2))
    m = Measurement("a", x, y, None, noise_estimate=noise_level(x, y))
    target = build_target(spec, [[m]])
    (gain,) = [j for j, slot in enumerate(target.slots) if slot.name == "noise.gain"]
    low, high = (float(target.priors[gain].values[name]) for name in ("low", "high"))
    assert 5.0 * low < unit < high / 5.0
    assert high / low == pytest.approx(1e5)


def test_what_is_tried_on_a_measurement_does_not_depend_on_those_beside_it(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, '{component: gaussian, priors: {position: "uniform(0, 3)"}}')
    several = [measurement(points) for points in (61, 61, 61)]
    together, alone = (prior_draws(build_target(spec, groups)) for groups in ([[m] for m in several], [several[:1]]))
    assert torch.equal(together, alone.expand_as(together))
