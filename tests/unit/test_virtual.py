"""Measurements that nobody made: their distribution, their independence, and that more of them change none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from bayesbeam.config import load_campaign
from bayesbeam.config.keys import measurement_key
from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.sheet import Made, MeasurementRow
from bayesbeam.config.specs import CandidateSpec, NoiseSpec, PartSpec
from bayesbeam.config.treatment import Treatment
from bayesbeam.config.truth import grid
from bayesbeam.config.truth_fixed import linear_names
from bayesbeam.errors import ConfigErrors, DataError
from bayesbeam.io.readers import RawData
from bayesbeam.io.store import read_measurement
from bayesbeam.models import registry
from bayesbeam.stages.build import base_deviation
from bayesbeam.stages.plan import assign_batches
from bayesbeam.stages.preprocess import preprocess_rows
from bayesbeam.stages.rates import data_words
from bayesbeam.stages.rulebook import Rulebook
from bayesbeam.stages.studies import studies_of
from bayesbeam.stages.virtual import random_numbers, simulated, thinned

CAMPAIGN = """\
campaign: test
candidates:
  peaks:
    parts:
      - {name: line, component: gaussian, count: 1..3,
         priors: {amplitude: "gamma(2, 2 / exposure)", sd: "uniform(0, 1)"}}
      - {name: flat, component: constant, priors: {level: "fixed(0.5 * exposure)"}}
    noise: {family: poisson}
simulate:
  name: s
  candidate: peaks
  truth: {line.amplitude: [2, 1], line.position: [2, 1], line.sd: 0.2}
  axis: {start: 0, stop: 3, points: 61}
  exposures: [0.5, 20]
  replicates: REPLICATES
"""
NORMAL = """\
campaign: test
candidates:
  flat: {parts: [{component: constant}], noise: {family: normal, sigma: column}}
simulate:
  {name: s, candidate: flat, truth: {constant.level: 2}, axis: {start: 0, stop: 3, points: 61}, noise_levels: 0.1}
"""


def campaign(folder: Path, replicates: int = 3, text: str = CAMPAIGN) -> LoadedCampaign:
    folder.mkdir(exist_ok=True)
    (folder / "campaign.yaml").write_text(text.replace("REPLICATES", str(replicates)))
    return load_campaign(folder)


def curve(x: np.ndarray) -> np.ndarray:
    return 0.5 + sum(a * np.exp(-0.5 * ((x - c) / 0.2) ** 2) for a, c in ((2.0, 2.0), (1.0, 1.0)))


def test_rows_are_like_those_of_a_sheet(tmp_path: Path) -> None:
    found = campaign(tmp_path)
    assert found.ids == ("s_T0.5_001", "s_T0.5_002", "s_T0.5_003", "s_T20_001", "s_T20_002", "s_T20_003")
    assert found.row("s_T20_002").metadata == {"exposure": 20.0, "replicate": 2.0}
    truth = found.truths["s"]
    assert truth.expanded.tag == "peaks-k2"
    # Peaks are numbered by position, as in results; heights grow with the exposure, positions do not.
    assert [truth.at("line", "amplitude", i, 20.0) for i in (1, 2)] == [20.0, 40.0]
    assert [truth.at("line", "position", i, 20.0) for i in (1, 2)] == [1.0, 2.0]
    x = grid(found.campaign.simulate[0])
    np.testing.assert_allclose(truth.curve(x), curve(x), rtol=1e-14)


def test_more_replicates_leave_the_others_as_they_are(tmp_path: Path) -> None:
    few, many = campaign(tmp_path / "few", 2), campaign(tmp_path / "many", 4)
    assert set(few.ids) < set(many.ids)
    assert all(measurement_key(few.row(i)) == measurement_key(many.row(i)) for i in few.ids)
    preprocess_rows(few, few.ids, tmp_path / "a")
    preprocess_rows(many, many.ids, tmp_path / "b")
    assert all((tmp_path / f"a/{i}.h5").read_bytes() == (tmp_path / f"b/{i}.h5").read_bytes() for i in few.ids)
    before = assign_batches(few, {})
    after = assign_batches(many, {i: name for name, ids in before.items() for i in ids})
    assert all(after[name] == ids for name, ids in before.items())
    assert sorted(i for ids in after.values() for i in ids) == sorted(many.ids)


def test_only_what_decides_the_data_is_in_the_key(tmp_path: Path) -> None:
    first = campaign(tmp_path / "a")
    prior = campaign(tmp_path / "b", text=CAMPAIGN.replace("uniform(0, 1)", "uniform(0, 2)"))
    other = campaign(tmp_path / "c", text=CAMPAIGN.replace("fixed(0.5", "fixed(0.6"))
    key = measurement_key(first.row("s_T20_001"))
    assert measurement_key(prior.row("s_T20_001")) == key
    assert measurement_key(other.row("s_T20_001")) != key


def test_what_a_response_acts_on_and_its_file_are_in_the_key(tmp_path: Path) -> None:
    seen = CAMPAIGN.replace(
        "    noise:", "      - {component: measured_response, file: r.txt, acts_on: [line]}\n    noise:"
    )
    keys = []
    for k, (text, width) in enumerate(
        [(seen, 0.1), (seen, 0.1), (seen, 0.3), (seen.replace("[line]", "[line, flat]"), 0.3)]
    ):
        folder = tmp_path / f"{k}"
        folder.mkdir()
        (folder / "r.txt").write_text(f"{-width} 1\n0 3\n{width} 1\n")
        keys.append(measurement_key(campaign(folder, text=text).row("s_T20_001")))
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_curves_grow_with_parameters_in_units_of_the_signal() -> None:
    """Of every component, as a study takes them to do at longer exposures."""
    x = torch.linspace(-3.0, 3.0, 13, dtype=torch.float64)
    for name in registry.names():
        component = registry.get(name, of="gaussian") if name == "doublet" else registry.get(name)
        part = PartSpec("part", name, "gaussian" if name == "doublet" else None, "shared", 1, ())
        linear = linear_names(CandidateSpec((part,), NoiseSpec("poisson", "none", None, ())))
        grows = torch.tensor([f"part.{word}" in linear for word in component.parameter_names])
        theta = component.random(torch.Generator().manual_seed(3)).double()
        longer = component.forward(x, torch.where(grows, 2.5 * theta, theta))
        assert torch.allclose(longer, 2.5 * component.forward(x, theta), rtol=1e-9, atol=1e-12), name


def test_a_background_fixed_by_words_of_the_axis_can_be_simulated(tmp_path: Path) -> None:
    sloping = CAMPAIGN.replace("component: constant, priors: {level", "component: linear, priors: {level")
    text = sloping.replace("line.sd: 0.2", "line.sd: 0.2, flat.slope: 0.1")
    x = np.array([0.0, 1.5, 3.0])
    found = campaign(tmp_path, text=text).truths["s"]
    assert found.values["flat", "pivot"] == (1.5,)
    assert found.curve(x) == pytest.approx(curve(x) + 0.1 * (x - 1.5), rel=1e-12)


def test_rules_know_rows_without_files(tmp_path: Path) -> None:
    campaign(tmp_path / "c")
    book = Rulebook(tmp_path / "c/campaign.yaml", tmp_path / "results", tmp_path)
    ids = book.campaign.ids
    assert book.data_files(ids) == []
    assert book.chunked
    assert book.sample_mb("peaks-k2", ids) > 0


def test_rates_of_a_known_exposure_make_the_same_counts(tmp_path: Path) -> None:
    """Written in rates with a dark part, the same curve gives the same data, and nothing grows with the exposure."""
    text = CAMPAIGN.replace("2 / exposure", "2").replace(
        '      - {name: flat, component: constant, priors: {level: "fixed(0.5 * exposure)"}}\n'
        "    noise: {family: poisson}",
        "    noise: {family: poisson, exposure: exposure, dark: 0.5}",
    )
    rates, counted = campaign(tmp_path / "rates", text=text), campaign(tmp_path / "counts")
    truths = [one.truths["s"] for one in (rates, counted)]
    x = grid(rates.campaign.simulate[0])
    np.testing.assert_allclose(truths[0].curve(x), curve(x), rtol=1e-12)
    for one, other in zip(rates.sheet, counted.sheet, strict=True):
        np.testing.assert_array_equal(simulated(one, truths[0], x).y, simulated(other, truths[1], x).y)
    assert truths[0].linear == frozenset()
    assert truths[0].at("line", "amplitude", 2, 20.0) == 2.0
    assert truths[1].at("line", "amplitude", 2, 20.0) == 40.0
    brighter = campaign(tmp_path / "brighter", text=text.replace("dark: 0.5", "dark: 0.6"))
    assert measurement_key(brighter.sheet[0]) != measurement_key(rates.sheet[0])


def test_counts_are_poisson(tmp_path: Path) -> None:
    """Chi-square of counts about T f over all points and 400 replicates; a curve 3% off fails."""
    found = campaign(tmp_path, 400)
    truth, x = found.truths["s"], grid(found.campaign.simulate[0])
    rows = [row for row in found.sheet if row.made is not None and row.made.level == 20.0]
    y = np.array([simulated(row, truth, x).y for row in rows])

    def p_value(mean: np.ndarray) -> float:
        chi = float((((y.mean(0) - mean) ** 2) / (mean / len(y))).sum())
        return float(stats.chi2.sf(chi, x.size))

    assert p_value(20.0 * curve(x)) > 1e-3
    assert p_value(20.6 * curve(x)) < 1e-3
    dispersion = float((((y - 20.0 * curve(x)) ** 2) / (20.0 * curve(x))).mean())
    assert abs(dispersion - 1.0) < 4 * np.sqrt(2.1 / y.size)
    # Replicates and neighbouring points are independent.
    centred = (y - 20.0 * curve(x)) / np.sqrt(20.0 * curve(x))
    assert abs((centred[1:] * centred[:-1]).mean()) < 4 / np.sqrt(y.size)
    assert abs((centred[:, 1:] * centred[:, :-1]).mean()) < 4 / np.sqrt(y.size)


def test_noise_levels(tmp_path: Path) -> None:
    found = campaign(tmp_path, text=NORMAL)
    (first, *_), ids = preprocess_rows(found, found.ids, tmp_path / "m"), found.ids
    assert (len(ids), ids[0], first.status) == (20, "s_sd0.1_001", "ok")
    assert first.uncertainty is not None
    assert set(first.uncertainty) == {0.1}
    assert abs(first.y.mean() - 2.0) < 0.06
    assert 0.06 < first.y.std() < 0.14


def made(share: float, replicate: int = 1) -> MeasurementRow:
    recipe = Made("t", "exposure", share, replicate, 1, {}, share=share)
    return MeasurementRow(f"t_{replicate}", Path("a.csv"), "a.csv", "default", Treatment(), {}, recipe)


def raw(y: np.ndarray) -> RawData:
    places = np.arange(1, y.size + 1)
    return RawData(np.arange(y.size) * 1.0, y, None, places, "line", "x", "y", "", "", "", "text")


def test_thinned_counts_have_the_distribution_of_a_shorter_measurement() -> None:
    """Poisson counts, thinned, against Poisson of the shorter time by their histogram; a share 2% off fails."""
    y = stats.poisson.rvs(12.0, size=40_000, random_state=np.random.default_rng(5)).astype(float)
    kept = thinned(raw(y), made(0.25), "a.csv").y
    assert (kept <= y).all()

    def p_value(mean: float) -> float:
        edges = np.arange(9)
        found = np.array([*((kept == k).sum() for k in edges), (kept > edges[-1]).sum()])
        expected = kept.size * np.array([*stats.poisson.pmf(edges, mean), stats.poisson.sf(edges[-1], mean)])
        return float(stats.chisquare(found, expected * found.sum() / expected.sum()).pvalue)

    assert p_value(3.0) > 1e-3
    assert p_value(3.06) < 1e-3
    again = thinned(raw(y), made(0.25, 2), "a.csv").y
    assert abs(np.corrcoef(kept - 0.25 * y, again - 0.25 * y)[0, 1]) < 4 / np.sqrt(y.size)


def test_what_is_no_count_is_not_thinned() -> None:
    for bad in (1.5, -1.0):
        with pytest.raises(DataError, match=r"a.csv line 2: y = .* which is no count; expected whole numbers"):
            thinned(raw(np.array([3.0, bad, np.nan])), made(0.5), "a.csv")
    kept = thinned(raw(np.array([3.0, np.nan])), made(0.5), "a.csv").y
    assert np.isnan(kept[1])


def test_thinned_rates_have_the_exposure_of_the_shorter_measurement(tmp_path: Path) -> None:
    text = (
        "campaign: t\ntreatments: {t: {signal: {counts: true}}}\n"
        "candidates:\n"
        "  rates: {parts: [{component: constant}], noise: {family: poisson, exposure: exposure, dark: 0.2}}\n"
        "  counts: {parts: [{component: constant}], noise: {family: poisson}}\n"
        "thin: {name: t, measurement: run, exposures: [10, 50], replicates: 1}\n"
    )
    (tmp_path / "measurements.tsv").write_text("id\tfile\texposure\nrun\ta.csv\t100\n")
    (tmp_path / "a.csv").write_text("".join(f"{k},{k % 7 + 100}\n" for k in range(40)))
    loaded = campaign(tmp_path, text=text)
    preprocess_rows(loaded, loaded.ids, tmp_path / "out")
    rates = loaded.by_tag("rates").spec
    for name, exposure in (("run", 100.0), ("t_T10_001", 10.0), ("t_T50_001", 50.0)):
        m = read_measurement(tmp_path / "out" / f"{name}.h5")
        assert base_deviation(rates, m) == pytest.approx(np.full(40, 1.0 / exposure), rel=1e-15)
        assert data_words(rates, m)["y_max"] == pytest.approx(m.y.max() / exposure, rel=1e-15)
    (study,) = studies_of(loaded)
    assert study.linear == {"rates": frozenset(), "counts": frozenset({"constant.level"})}


def test_thinning_takes_the_file_of_its_measurement(tmp_path: Path) -> None:
    text = (
        "campaign: test\ntreatments: {counted: {signal: {counts: true}}}\n"
        "candidates: {flat: {parts: [{component: constant}], noise: {family: poisson}}}\n"
        "thin: {name: t, measurement: run, exposures: [10, 50], replicates: 2}\n"
    )
    (tmp_path / "measurements.tsv").write_text("id\tfile\texposure\nrun\ta.txt\t100\n")
    (tmp_path / "a.txt").write_text("".join(f"{i} {100 + i % 7}\n" for i in range(50)))
    found = campaign(tmp_path, text=text)
    assert found.ids == ("run", "t_T10_001", "t_T10_002", "t_T50_001", "t_T50_002")
    done = preprocess_rows(found, found.ids, tmp_path / "m")
    assert [one.status for one in done] == ["ok"] * 5
    assert "Kept each count with probability 0.1: replicate 1, seed 2019." in done[1].treatment
    assert [round(one.y.sum() / done[0].y.sum(), 1) for one in done] == [1.0, 0.1, 0.1, 0.5, 0.5]
    assert done[3].counts
    assert done[3].words()["exposure"] == 50.0
    os.remove(tmp_path / "a.txt")
    assert [one.status for one in preprocess_rows(found, found.ids, tmp_path / "m")] == ["refused"] * 5


def test_random_numbers_are_those_of_seed_and_id() -> None:
    u = random_numbers(1, "a", 20_000)
    assert 0 < u.min()
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    np.testing.assert_array_equal(random_numbers(1, "a", 100), u[:100])
    assert not np.isin(random_numbers(2, "a", 100), u).any()
    assert not np.isin(random_numbers(1, "b", 100), u).any()


def test_row_of_a_sheet_keeps_its_key() -> None:
    row = MeasurementRow("m", Path("a.csv"), "a.csv", "default", Treatment(), {"t": 1.0})
    assert measurement_key(row) != measurement_key(replace(row, made=made(0.5).made))
    assert measurement_key(row) == measurement_key(replace(row, treatment_name="x"))


TIED = """\
campaign: test
candidates:
  lines:
    parts:
      - {name: a, component: gaussian}
      - {name: b, component: gaussian, tied: {position: a.position + common.gap, sd: a.sd, amplitude: a.amplitude / 2}}
    common: {gap: {prior: "uniform(0.1, 2)", unit: x}}
    noise: {family: normal, sigma: column}
simulate:
  {name: s, candidate: lines, truth: {a.amplitude: 2, a.position: 1, a.sd: 0.2, common.gap: GAP},
   axis: {start: 0, stop: 3, points: 61}, noise_levels: 0.1}
"""


def test_ties_hold_in_the_truth(tmp_path: Path) -> None:
    found = campaign(tmp_path, text=TIED.replace("GAP", "1"))
    x = grid(found.campaign.simulate[0])
    expected = 2.0 * np.exp(-0.5 * ((x - 1.0) / 0.2) ** 2) + np.exp(-0.5 * ((x - 2.0) / 0.2) ** 2)
    np.testing.assert_allclose(found.truths["s"].curve(x), expected, rtol=1e-12)
    other = campaign(tmp_path, text=TIED.replace("GAP", "1").replace("a.amplitude / 2", "a.amplitude / 3"))
    assert measurement_key(found.sheet[0]) != measurement_key(other.sheet[0])


def test_a_common_number_outside_its_prior_is_no_truth(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match=r"common\.gap = 3; expected a value where its prior"):
        campaign(tmp_path, text=TIED.replace("GAP", "3"))
