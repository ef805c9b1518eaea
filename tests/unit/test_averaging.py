"""Averages over candidates: those of the mixture, with the error that the errors of F put on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bayesbeam.evidence.averaging import average, mixture_quantiles
from bayesbeam.evidence.model_posterior import model_posterior
from bayesbeam.io.samples import Record
from bayesbeam.stages.averaging import averages, group_averages

F, ERRORS = np.array([10.0, 10.6, 13.0]), np.array([0.2, 0.3, 0.1])
MEANS, SDS = np.array([1.0, 3.0, -2.0]), np.array([0.5, 1.2, 0.3])


def test_moments_are_those_of_draws_of_the_mixture() -> None:
    rng = np.random.default_rng(6)
    weights = np.exp(-F) / np.exp(-F).sum()
    which = rng.choice(3, 400_000, p=weights)
    draws = rng.normal(MEANS[which], SDS[which])
    found = average(F, np.zeros(3), MEANS, SDS)
    # standard errors of 4e5 draws: 0.0022 and 0.002
    assert float(found.mean) == pytest.approx(draws.mean(), abs=0.01)
    assert float(found.sd) == pytest.approx(draws.std(), abs=0.01)
    assert float(found.error) == 0.0


def test_error_is_the_spread_of_means_of_redrawn_free_energies() -> None:
    """Against a plain loop with other random numbers: 1 % of 20000 and 4000 draws, three times."""
    rng = np.random.default_rng(7)
    means = []
    for _ in range(20_000):
        weights = np.exp(-(F + ERRORS * rng.standard_normal(3)))
        means.append(float(weights @ MEANS / weights.sum()))
    found = average(F, ERRORS, MEANS, SDS)
    expected = np.sqrt(np.mean((np.array(means) - float(found.mean)) ** 2))
    assert float(found.error) == pytest.approx(expected, rel=0.04)


def test_a_curve_is_averaged_point_by_point_far_from_zero_too() -> None:
    far = np.stack([MEANS, 2 * MEANS], axis=1)
    near = average(F, ERRORS, far, np.stack([SDS, 2 * SDS], axis=1))
    away = average(F, ERRORS, far + 2.0**20, np.stack([SDS, 2 * SDS], axis=1))
    one = average(F, ERRORS, MEANS, SDS)
    for name in ("sd", "error"):
        np.testing.assert_allclose(getattr(near, name), [getattr(one, name), 2 * getattr(one, name)], rtol=1e-12)
        np.testing.assert_allclose(getattr(away, name), getattr(near, name), rtol=1e-8)


def test_a_certain_candidate_is_its_own_average_without_error() -> None:
    found = average(np.array([0.0, 900.0]), ERRORS[:2], MEANS[:2], SDS[:2])
    assert (float(found.mean), float(found.sd), float(found.error)) == (1.0, 0.5, 0.0)


def test_quantiles_are_those_of_the_mixture() -> None:
    rng = np.random.default_rng(8)
    draws = [rng.normal(m, s, n) for m, s, n in zip(MEANS, SDS, (40_000, 10_000, 20_000), strict=True)]
    weights = model_posterior(F, ERRORS).probability
    found = mixture_quantiles(weights, draws)
    for level, value in zip((0.025, 0.5, 0.975), found, strict=True):
        below = sum(w * np.mean(one <= value) for w, one in zip(weights, draws, strict=True))
        assert below == pytest.approx(level, abs=1e-3)  # weight of a draw: at most 6e-5


def record(tag: str, value: float, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"measurement": "a", "tag": tag, "free_energy": value, "standard_error": 0.1, "parameters": rows}


def row(name: str, draws: np.ndarray, index: int | None = None, kind: str = "parameter") -> dict[str, Any]:
    spread = {"mean": float(draws.mean()), "sd": float(draws.std())}
    return {"parameter": name, "index": index, "unit": "eV", "kind": kind, **spread}


def test_what_all_candidates_have_is_averaged_and_areas_of_any_number_of_peaks_are_added_up() -> None:
    rng = np.random.default_rng(9)
    level, areas = rng.normal(0.5, 0.1, (2, 4, 50)), rng.gamma(5.0, 1.0, (3, 4, 50))
    one = [row("flat.level", level[0]), row("p.position", areas[0], 1), row("p.area", areas[0], 1, "derived")]
    two = [row("flat.level", level[1]), row("p.area", areas[1], 1, "derived"), row("p.area", areas[2], 2, "derived")]
    two.append(row("only.here", level[0]))
    x = np.arange(3.0)
    draws = np.stack([level[0], areas[0], areas[0]], -1), np.stack([level[1], areas[1], areas[2], level[0]], -1)
    arrays = {
        f"p-k{k + 1}": Record({"draws": draws[k], "curve_mean": x + k, "curve_sd": x, "x": x}, {}) for k in (0, 1)
    }
    rows, curve = averages([record("p-k1", 3.0, one), record("p-k2", 3.0, two)], arrays)
    assert [one["parameter"] for one in rows] == ["flat.level", "p.total_area"]
    total = rows[1]
    assert (total["unit"], total["kind"], total["candidates"]) == ("eV", "derived", 2)
    assert total["mean"] == pytest.approx(0.5 * areas[0].mean() + 0.5 * (areas[1] + areas[2]).mean(), rel=1e-12)
    both = np.concatenate([areas[0].ravel(), (areas[1] + areas[2]).ravel()])
    assert total["sd"] == pytest.approx(both.std(), rel=1e-12)
    assert total["median"] == pytest.approx(np.median(both), rel=1e-12)
    # two candidates alike in probability: p moves by p (1 - p) times the error of the difference, sqrt(2) 0.1
    gap = abs(areas[0].mean() - (areas[1] + areas[2]).mean())
    assert total["error"] == pytest.approx(0.25 * 0.1414 * gap, rel=0.05)  # 4000 draws: 1.1 %
    np.testing.assert_allclose(curve.arrays["mean"], x + 0.5, rtol=1e-12)
    np.testing.assert_allclose(curve.arrays["sd"], np.sqrt(x**2 + 0.25), rtol=1e-12)


def test_a_candidate_that_lacks_a_quantity_is_passed_over_only_where_it_has_no_weight() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 50))
    x = np.arange(3.0)
    arrays = {
        tag: Record({"draws": draws[..., None], "curve_mean": x, "curve_sd": x, "x": x}, {}) for tag in ("one", "two")
    }
    named = [row("flat.level", draws)], [row("other", draws)]
    far, _ = averages([record("one", 0.0, named[0]), record("two", 20.0, named[1])], arrays)
    assert [(one["parameter"], one["candidates"]) for one in far] == [("flat.level", 1)]
    near, _ = averages([record("one", 0.0, named[0]), record("two", 5.0, named[1])], arrays)
    assert near == []


def test_counts_of_a_group_are_averaged_with_what_is_shared_and_what_belongs_to_a_member() -> None:
    """Shared width, a level and areas of each member, none of them without a peak."""
    rng = np.random.default_rng(3)
    width, levels, areas = (rng.normal(m, 0.1, (k, 4, 50)) for m, k in ((0.5, 2), (1.0, 4), (3.0, 4)))
    x, records, arrays = np.arange(3.0), [], {}
    for k, f in ((0, 4.0), (1, 3.0), (2, 3.5)):
        shared = [] if k == 0 else [row("common.width", width[k - 1]) | {"measurement": None}]
        rows = list(shared)
        for d, member in enumerate("ab"):
            rows.append(row("flat.level", levels[2 * (k % 2) + d]) | {"measurement": member})
            rows += [row("p.area", areas[d + j], j + 1, "derived") | {"measurement": member} for j in range(k)]
        columns = [width[k - 1]] * len(shared)
        for d in range(2):
            columns += [levels[2 * (k % 2) + d], *(areas[d + j] for j in range(k))]
        tag = f"p-k{k}"
        records.append(record(tag, f, rows) | {"counts": {"p": k}, "members": ["a", "b"]})
        arrays[tag] = Record({"draws": np.stack(columns, -1)}, {})
        for d, member in enumerate("ab"):
            curve = {"x": x, "curve_mean": x + 10 * d + k, "curve_sd": np.ones(3)}
            arrays[f"{tag}/members/{member}"] = Record(curve, {})
    rows, curves = group_averages(records, arrays)
    p = np.exp([-4.0, -3.0, -3.5])
    p /= p.sum()
    found = {(one["measurement"], one["parameter"]): one for one in rows}
    # the model without a peak has no width, and counts for more than nothing
    assert set(found) == {(m, name) for m in "ab" for name in ("flat.level", "p.total_area")}
    for d, member in enumerate("ab"):
        level = p[[0, 2]].sum() * levels[d].mean() + p[1] * levels[2 + d].mean()
        assert found[member, "flat.level"]["mean"] == pytest.approx(level, rel=1e-12)
        total = p[1] * areas[d].mean() + p[2] * (areas[d] + areas[d + 1]).mean()
        assert found[member, "p.total_area"]["mean"] == pytest.approx(total, rel=1e-12)
        np.testing.assert_allclose(curves[member].arrays["mean"], x + 10 * d + p @ np.arange(3.0), rtol=1e-12)
    peaked, _ = group_averages(records[1:], arrays)
    (common,) = [one for one in peaked if one["measurement"] is None]
    share = p[1:] / p[1:].sum()
    assert common["mean"] == pytest.approx(share @ width.mean((1, 2)), rel=1e-12)


def test_counts_under_one_candidate_and_rates_under_another_have_no_average() -> None:
    draws, x = np.random.default_rng(1).normal(size=(4, 50)), np.arange(3.0)
    arrays = {
        t: Record({"draws": draws[..., None], "curve_mean": x, "curve_sd": x, "x": x}, {}) for t in ("one", "two")
    }
    rates = row("flat.level", draws) | {"unit": "counts/exposure"}
    assert averages([record("one", 0.0, [row("flat.level", draws)]), record("two", 0.0, [rates])], arrays)[0] == []


def test_factors_on_noises_of_other_kinds_are_not_averaged() -> None:
    """The scale of Student's t is no standard deviation, and a factor on 0.1 none on what the data scatter by."""
    draws = np.random.default_rng(1).normal(size=(4, 50))
    x = np.arange(3.0)
    arrays = {
        tag: Record({"draws": draws[..., None], "curve_mean": x, "curve_sd": x, "x": x}, {}) for tag in ("one", "two")
    }
    records = [record(tag, 3.0, [row("noise.scale", draws, kind="noise")]) for tag in ("one", "two")]
    normal, given = ("normal_scaled", "estimate", None), ("normal_scaled", "value", 0.1)
    for other, count in ((normal, 1), (given, 0), (("student_t", "estimate", None), 0)):
        assert len(averages(records, arrays, {"one": normal, "two": other})[0]) == count
