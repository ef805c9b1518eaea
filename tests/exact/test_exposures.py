"""Counts of a known exposure and dark counts, as keys of the noise: against closed forms and quadrature.

The free energy is that of the counts, so it is the same however the rates are written.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad
from scipy.special import gammaln

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam import noise
from bayesbeam.config.load import load_campaign
from bayesbeam.config.specs import CandidateSpec, NoiseSpec
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import Measurement, read_measurement
from bayesbeam.noise import poisson
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages.build import build_target
from bayesbeam.stages.rates import signal_unit
from bayesbeam.targets.predictive import predict
from bayesbeam.targets.sum import SumTarget
from stage_fixture import Lab

RATE, SHAPE, PRIOR_RATE, POINTS = 0.4, 2.0, 3.0, 25
EXPOSURES = (3.0, 60.0)
FLAT = """\
    parts: [{component: constant, name: signal, priors: {level: "gamma(shape=2, rate=3)"}}]
"""


def counts(exposure: float, dark: float = 0.0) -> np.ndarray:
    return np.random.default_rng(int(exposure)).poisson(exposure * (RATE + dark), POINTS).astype(float)


def measurement(exposure: float, dark: float = 0.0) -> Measurement:
    sheet = {"t": exposure, "bg": dark}
    y = counts(exposure, dark)
    return Measurement("a", np.arange(float(POINTS)), y, counts=True, noise_estimate=1.0, metadata=sheet)


def target_of(folder: Path, noise: str, members: list[Measurement], shared: tuple[str, ...] = ()) -> SumTarget:
    """Target as a campaign builds it."""
    text = f"campaign: e\ntreatments: {{t: {{signal: {{counts: true}}}}}}\ncandidates:\n  model:\n{FLAT}"
    (folder / "campaign.yaml").write_text(text + f"    noise: {{family: poisson{noise}}}\n", encoding="utf-8")
    sheet = "".join(f"a{k}\ta.txt\t{m.metadata['t']}\t{m.metadata['bg']}\n" for k, m in enumerate(members))
    (folder / "measurements.tsv").write_text(f"id\tfile\tt\tbg\n{sheet}", encoding="utf-8")
    return build_target(load_campaign(folder).by_tag("model").spec, [members], frozenset(shared))


def conjugate(members: list[Measurement]) -> tuple[float, float]:
    """Free energy and posterior mean of one rate with a gamma prior, in closed form."""
    y = np.concatenate([m.y for m in members])
    t = np.concatenate([np.full(m.y.size, m.metadata["t"]) for m in members])
    shape, rate = SHAPE + y.sum(), PRIOR_RATE + t.sum()
    evidence = float(np.sum(y * np.log(t) - gammaln(y + 1.0)))
    evidence += SHAPE * np.log(PRIOR_RATE) - gammaln(SHAPE) + gammaln(shape) - shape * np.log(rate)
    return -evidence, shape / rate


def distance(target: SumTarget, expected: tuple[float, float]) -> tuple[float, float]:
    """Departures of the free energy and the mean of the rate from what they should be, over their errors."""
    settings = Settings(4, target_standard_error=0.03, engine="auto")
    (found,) = replica_exchange(target, [GroupName("a", tuple("abc"[: target.members]))], settings)
    level = found.theta[..., 0]
    value, error = found.free_energy.value, found.free_energy.standard_error
    # a thousand draws are worth a hundred at least
    return abs(value - expected[0]) / error, abs(level.mean() - expected[1]) / (level.std() / 10.0)


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("column", [False, True])
def test_a_gamma_prior_has_its_closed_form_at_every_exposure(tmp_path: Path, exposure: float, column: bool) -> None:
    m = measurement(exposure)
    target = target_of(tmp_path, f", exposure: {'t' if column else exposure}", [m])
    off = distance(target, conjugate([m]))
    # two of eight numbers beyond 4.5 errors, once in 2e4 seeds
    assert max(off) < 4.5
    theta = torch.tensor([[[[[0.7]]]]], dtype=torch.float64)
    value = target.log_likelihood(target.rows(theta).sum(0), theta).item()
    assert value == pytest.approx(stats.poisson(exposure * 0.7).logpmf(m.y).sum(), abs=1e-3)  # rows in single precision


def test_one_rate_of_two_exposures_is_shared(tmp_path: Path) -> None:
    members = [measurement(t) for t in EXPOSURES]
    target = target_of(tmp_path, ", exposure: t", members, ("signal.level",))
    assert max(distance(target, conjugate(members))) < 4.5


@pytest.mark.parametrize("mistake", ["another exposure", "no factor of the exposure", "no factorials"])
def test_a_mistake_in_the_exposure_is_found(tmp_path: Path, mistake: str) -> None:
    m = measurement(60.0)
    target = target_of(tmp_path, ", exposure: t", [m])
    constant = {
        "another exposure": 0.0,
        "no factor of the exposure": -float(m.y.sum()) * np.log(60.0),
        "no factorials": float(gammaln(m.y + 1.0).sum()),
    }[mistake]
    data = replace(target.data, count_constant=target.data.count_constant + constant)
    if mistake == "another exposure":
        data = replace(data, inverse_sd=1.1 * data.inverse_sd)
    assert max(distance(replace(target, data=data), conjugate([m]))) > 20.0


def known_dark(m: Measurement, dark: float) -> tuple[float, float]:
    """Free energy and posterior mean of the rate beside known dark counts, by quadrature."""
    t = float(m.metadata["t"])

    def joint(rate: float, power: int = 0) -> float:
        value = stats.poisson(t * (rate + dark)).logpmf(m.y).sum() + stats.gamma(SHAPE, scale=1 / PRIOR_RATE).logpdf(
            rate
        )
        return float(rate**power * np.exp(value - shift))

    shift = stats.poisson(m.y.mean()).logpmf(m.y).sum()
    whole, first = (quad(joint, 0.0, 3.0, args=(power,), points=[RATE], limit=400)[0] for power in (0, 1))
    return -float(np.log(whole) + shift), first / whole


@pytest.mark.parametrize(("said", "dark"), [("0.3", 0.3), ("bg", 0.3), ("0", 0.0)])
def test_known_dark_counts_agree_with_quadrature(tmp_path: Path, said: str, dark: float) -> None:
    m = measurement(60.0, dark)
    target = target_of(tmp_path, f", exposure: t, dark: {said}", [m])
    expected = known_dark(m, dark)
    assert max(distance(target, expected)) < 4.5
    if dark:
        wrong = target_of(tmp_path, f", exposure: t, dark: {1.5 * dark}", [m])
        assert max(distance(wrong, expected)) > 10.0


def test_dark_counts_without_an_exposure_are_counts(tmp_path: Path) -> None:
    m = measurement(60.0, 0.3)
    counted, rates = (target_of(tmp_path, f", {said}", [m]) for said in ("dark: 18", "exposure: 60, dark: 0.3"))
    for level in (0.1, 0.7):
        there, here = (torch.tensor([[[[[v, d]]]]], dtype=torch.float64) for v, d in ((60 * level, 18), (level, 0.3)))
        found = [t.log_likelihood(t.rows(s).sum(0), s).item() for t, s in ((counted, there), (rates, here))]
        assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_curves_are_shown_in_counts(tmp_path: Path, generator: torch.Generator) -> None:
    m = measurement(60.0, 0.3)
    target = target_of(tmp_path, ", exposure: t, dark: 0.3", [m])
    theta = np.tile([0.4, 0.3], (400, 1, 1))
    found = predict(target, theta, 0, generator)
    np.testing.assert_allclose(found.curve[2], 60 * 0.7, rtol=1e-6)
    np.testing.assert_allclose(found.components[:, 1], np.array([[24.0], [18.0]]) * np.ones(POINTS), rtol=1e-6)
    np.testing.assert_allclose(found.sd, np.sqrt(42.0), rtol=1e-6)
    np.testing.assert_allclose(found.residuals, (m.y - 42.0) / np.sqrt(42.0), rtol=1e-5, atol=1e-6)
    assert 0.02 < found.p_value <= 1.0
    assert found.misfit.together > 0.01
    assert found.data[0].mean() > 20.0


CAMPAIGN = """\
campaign: rates
treatments: {t: {signal: {counts: true, unit: counts}}}
sampling: {target_standard_error: 0.5, seed: 7, max_sweeps: 400, device: cpu}
candidates:
  rates:
    parts: [{component: gaussian, name: peak, fixed: {position: 12, sd: 3}}, {component: constant, name: flat}]
    noise: {family: poisson, exposure: t, dark: 0.3}
  counts:
    parts: [{component: gaussian, name: peak, fixed: {position: 12, sd: 3}}, {component: constant, name: flat}]
    noise: {family: poisson}
report: {modes: true}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Two exposures of one peak, analysed in rates and in counts."""
    folder = tmp_path_factory.mktemp("rates")
    x = np.arange(float(POINTS))
    rng, curve = np.random.default_rng(3), 2.0 * np.exp(-0.5 * ((x - 12) / 3) ** 2) + 0.5 + 0.3
    for name, t in (("short", 20.0), ("long", 2000.0)):
        np.savetxt(folder / f"{name}.txt", np.stack([x, rng.poisson(t * curve)], 1))
    (folder / "campaign.yaml").write_text(CAMPAIGN, encoding="utf-8")
    sheet = "id\tfile\tt\nshort\tshort.txt\t20\nlong\tlong.txt\t2000\n"
    (folder / "measurements.tsv").write_text(sheet, encoding="utf-8")
    lab = Lab(load_campaign(folder), folder / "results")
    lab.separate()
    return lab


def test_rates_of_all_exposures_are_the_same_and_priors_follow_the_rate(lab: Lab) -> None:
    content = json.loads((lab.results / "free_energy" / "b.json").read_text(encoding="utf-8"))
    records = {(one["measurement"], one["tag"]): one for one in content["records"]}
    arrays = read_records(lab.results / "free_energy" / "b.h5")
    for name, t in (("short", 20.0), ("long", 2000.0)):
        one = records[name, "rates"]
        rows = {row["parameter"]: row for row in one["parameters"]}
        height = rows["peak.amplitude"]
        assert height["unit"] == "counts/t"
        assert rows["peak.area"]["unit"] == "counts/t"
        assert abs(height["mean"] - 2.0) < 4.0 * height["sd"]
        # the sd of least squares with the information of counts, beside that of the draws
        assert height["information_sd"] == pytest.approx(height["sd"], rel=0.3)
        y = read_measurement(lab.measurements / f"{name}.h5").y
        (prior,) = [p for p in one["priors"] if p["parameter"] == "peak.amplitude"]
        assert prior == {
            "parameter": "peak.amplitude", "prior": f"half_normal(sd={np.ptp(y) / t:.6g})", "unit": "counts/t",
            "source": "default",
        }  # fmt: skip
        (level,) = [p for p in one["priors"] if p["parameter"] == "dark.level"]
        assert (level["prior"], level["source"]) == ("fixed(value=0.3)", "campaign")
        assert one["noise"]["words"] == f"poisson noise: counting statistics, of rates times an exposure of {t:g}"
        kept = arrays[f"{name}/rates"].arrays
        assert np.abs(kept["prediction"][2] - y).max() < 6.0 * np.sqrt(y.max())
        assert kept["prediction"][2].max() > 0.5 * y.max()
        # what is in counts under one candidate and a rate under the other is not averaged
        assert {row["parameter"] for row in content["averaged"] if row["measurement"] == name} == set()
        assert np.abs(arrays[f"{name}/all-averaged"].arrays["mean"] - y).max() < 6.0 * np.sqrt(y.max())
    short, long = (next(r for r in records[n, "rates"]["parameters"] if r["parameter"] == "peak.amplitude")
                   for n in ("short", "long"))  # fmt: skip
    assert long["sd"] < 0.2 * short["sd"]
    words = {records[n, "counts"]["noise"]["words"] for n in ("short", "long")}
    assert words == {"poisson noise: counting statistics"}


def test_the_likelihood_of_exposure_one_is_that_of_counts() -> None:
    model, y = noise.get("poisson_exposure"), torch.from_numpy(counts(60.0))
    mean = torch.linspace(20.0, 30.0, POINTS, dtype=torch.float64)
    found = model.log_likelihood(model.prepare(y, torch.ones_like(y)), mean, mean[:0])
    assert found == poisson.noise.log_likelihood(poisson.noise.prepare(y), mean, mean[:0])


@pytest.mark.parametrize(
    ("sheet", "y_unit", "unit"),
    [("s", "counts", "counts/s"), ("", "counts", "counts/exposure"), ("beam / monitor", "1", "1/beam_monitor")],
)
def test_units_say_what_a_rate_is_of(sheet: str, y_unit: str, unit: str) -> None:
    noise_ = NoiseSpec("poisson_exposure", "exposure", None if sheet else 2.0, (), sheet)
    m = replace(measurement(3.0), y_unit=y_unit)
    assert signal_unit(CandidateSpec((), noise_), m) == unit
    assert signal_unit(CandidateSpec((), NoiseSpec("poisson", "none", None, ())), m) == y_unit
