"""Steps of the treatment: what each does to the numbers, what it says, and their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bayesbeam.errors import DataError
from bayesbeam.io.readers import RawData
from bayesbeam.io.treatment import Steps, Treated, treat

N = 20
X = np.linspace(100.0, 119.0, N)
Y = np.arange(N) % 3 + 10.0
SD = np.linspace(1.0, 2.0, N)


def raw(x: Any = X, y: Any = Y, uncertainty: Any = SD) -> RawData:
    return RawData(
        x=np.array(x, dtype=float),
        y=np.array(y, dtype=float),
        uncertainty=None if uncertainty is None else np.array(uncertainty, dtype=float),
        places=np.arange(len(x)) + 2,
        place_word="line",
        x_name="E",
        y_name="I",
        uncertainty_name="dI",
        x_unit="",
        y_unit="",
        dialect="text",
    )


def treated(columns: RawData | None = None, **steps: Any) -> Treated:
    return treat(columns or raw(), Steps(**{"unit": "eV", **steps}), "counts", "a.txt")


def refusal(columns: RawData | None = None, **steps: Any) -> str:
    with pytest.raises(DataError) as caught:
        treated(columns, **steps)
    text = str(caught.value)
    assert text.startswith("a.txt")
    assert "; expected " in text
    return text


def test_nothing_to_do() -> None:
    done = treated()
    np.testing.assert_array_equal(done.points.x, X)
    np.testing.assert_array_equal(done.points.y, Y)
    assert done.points.uncertainty is None
    assert (done.x_unit, done.y_unit, done.counts, done.sentences) == ("eV", "counts", False, ())


def test_conversion_then_offset() -> None:
    done = treated(convert_to="meV", offset=-500.0)
    np.testing.assert_allclose(done.points.x, X * 1000.0 - 500.0, rtol=1e-12)
    assert done.x_unit == "meV"
    assert done.sentences == ("Converted x from eV to meV.", "Added -500 meV to x.")


def test_conversion_that_turns_the_axis() -> None:
    done = treated(convert_to="nm")
    np.testing.assert_allclose(done.points.x, 1239.8419843320026 / X[::-1], rtol=1e-9)
    np.testing.assert_array_equal(done.points.y, Y[::-1])
    assert "Reversed the order of the points: x descends" in done.sentences[1]
    assert "convert_to nm without a unit; expected the unit of x" in refusal(unit="", convert_to="nm")


def test_sorting() -> None:
    order = np.random.default_rng(0).permutation(N)
    done = treated(raw(X[order], Y[order], SD[order]), source="column")
    np.testing.assert_array_equal(done.points.x, X)
    np.testing.assert_array_equal(done.points.y, Y)
    np.testing.assert_array_equal(done.points.uncertainty, SD)
    assert "Sorted the points by x: " in done.sentences[0]
    assert "of 19 steps in the file go down" in done.sentences[0]


def test_range_and_mask_include_their_ends() -> None:
    done = treated(range=(101.0, 118.0), mask=((103.0, 104.0), (110.5, 111.0)))
    np.testing.assert_array_equal(done.points.x, [101, 102, 105, 106, 107, 108, 109, 110, *range(112, 119)])
    assert done.sentences == (
        "Kept the range [101, 118 eV]: 18 of 20 points.",
        "Masked [103, 104 eV], [110.5, 111 eV]: removed 3 of 18 points.",
    )


@pytest.mark.parametrize(
    ("steps", "found", "remedy"),
    [
        ({"range": (8300.0, 8400.0)}, "range [8300, 8400 eV] leaves 0 of 20 points", "Check range: the axis runs"),
        ({"range": (100.0, 103.0)}, "range [100, 103 eV] leaves 4 of 20 points", " from 100 to 119 eV."),
        ({"mask": ((100.0, 115.0),)}, "mask [100, 115 eV] leaves 4 of 20 points", "Check mask: the axis runs"),
        ({"rebin": 5}, "4 points after rebin 5, of 20 before", "Choose a smaller rebin."),
    ],
)
def test_too_few_points(steps: dict[str, Any], found: str, remedy: str) -> None:
    text = refusal(**steps)
    assert text.startswith(f"a.txt: {found}; expected at least 5. ")
    assert remedy in text


def test_few_points_in_the_file() -> None:
    assert "a.txt: 4 points; expected at least 5. Check that" in refusal(raw(X[:4], Y[:4], None))


def test_rebin_averages_and_propagates() -> None:
    done = treated(rebin=2, source="column")
    np.testing.assert_allclose(done.points.x, X.reshape(-1, 2).mean(1))
    np.testing.assert_allclose(done.points.y, Y.reshape(-1, 2).mean(1))
    np.testing.assert_allclose(done.points.uncertainty, np.sqrt((SD.reshape(-1, 2) ** 2).sum(1)) / 2)
    assert done.sentences[0] == "Joined every 2 neighbouring points (y averaged): 20 points became 10."


def test_rebin_adds_counts() -> None:
    done = treated(rebin=2, source="counts", counts=True)
    np.testing.assert_array_equal(done.points.y, Y.reshape(-1, 2).sum(1))
    np.testing.assert_array_equal(done.points.uncertainty, np.sqrt(Y.reshape(-1, 2).sum(1)))
    assert done.counts
    propagated = treated(rebin=2, source="column", counts=True).points.uncertainty
    np.testing.assert_allclose(propagated, np.sqrt((SD.reshape(-1, 2) ** 2).sum(1)))


def test_rebin_of_simulated_noise() -> None:
    """The propagated uncertainty is the spread of rebinned noise (400 000 points: 0.4 % of one standard deviation)."""
    rng = np.random.default_rng(8)
    x = np.arange(400_000.0)
    done = treated(raw(x, rng.normal(5.0, 2.0, x.size), np.full(x.size, 2.0)), rebin=4, source="column")
    assert done.points.uncertainty is not None
    assert done.points.y.std() == pytest.approx(done.points.uncertainty[0], rel=0.01)


def test_bins_do_not_cross_a_mask() -> None:
    done = treated(mask=((103.0, 103.0),), rebin=2)
    np.testing.assert_array_equal(done.points.x, [100.5, *np.arange(104.5, 119.0, 2.0)])
    assert done.sentences[1].endswith("19 points became 9, 1 left out because they do not fill a bin.")


@pytest.mark.parametrize(("how", "divisor"), [("maximum", 12.0), ("mean", Y.mean()), ("area", np.trapezoid(Y, X))])
def test_normalise(how: str, divisor: float) -> None:
    done = treated(normalise=how, source="column", counts=True)
    np.testing.assert_allclose(done.points.y, Y / divisor, rtol=1e-14)
    np.testing.assert_allclose(done.points.uncertainty, SD / divisor, rtol=1e-14)
    assert not done.counts
    assert done.y_unit == ("1/eV" if how == "area" else "1")
    assert done.sentences[-1].startswith(f"Divided y and its uncertainty by the {how} of y, {divisor:.6g}"[:50])
    assert f"the {how} of y is -" in refusal(raw(y=-Y), normalise=how)


def test_logarithm_of_the_signal_and_its_uncertainty() -> None:
    done = treated(transform="log", source="column", counts=True)
    np.testing.assert_allclose(done.points.y, [np.log(value) for value in Y], rtol=1e-15)
    assert done.points.uncertainty is not None
    np.testing.assert_allclose(done.points.uncertainty, SD / Y, rtol=1e-15)
    assert (done.y_unit, done.counts) == ("1", False)
    assert done.sentences[-1] == "Took the natural logarithm of y; its uncertainty is that of y over y."
    assert treated(transform="log").sentences == ("Took the natural logarithm of y.",)


def test_logarithm_carries_noise_as_simulated() -> None:
    rng = np.random.default_rng(5)
    noisy = np.log(10.0 + 0.2 * rng.standard_normal(200_000))
    # exact to first order; the next order is (sd / y)^2 = 4e-4 of it, and the simulated sd is known to 1.6e-3
    done = treated(raw(y=np.full(N, 10.0), uncertainty=np.full(N, 0.2)), transform="log", source="column")
    assert done.points.uncertainty is not None
    np.testing.assert_allclose(done.points.uncertainty, noisy.std(), rtol=6e-3)


def test_logarithm_comes_after_rebinning_and_normalising() -> None:
    done = treated(transform="log", rebin=2, normalise="maximum")
    pairs = (Y[::2] + Y[1::2]) / 2
    np.testing.assert_allclose(done.points.y, np.log(pairs / pairs.max()), rtol=0, atol=1e-15)


@pytest.mark.parametrize("value", [0.0, -0.5])
def test_logarithm_of_nothing_is_refused_with_its_place(value: float) -> None:
    y = Y.copy()
    y[4] = value
    text = refusal(raw(y=y), transform="log")
    assert f"line 6: y = {value:.8g} at x = 104; expected y above 0, for signal.transform log" in text
    assert "Mask these points" in text
    assert treated(raw(y=y), transform="log", mask=((104.0, 104.0),)).points.y.size == N - 1


def test_uncertainty_sources() -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(100.0, 3.0, 500)
    columns = raw(np.arange(500.0), y, None)
    np.testing.assert_array_equal(treated(columns, source="value", value=0.5).points.uncertainty, np.full(500, 0.5))
    counted = raw(y=np.where(np.arange(N) == 0, 0.0, 9.0))
    np.testing.assert_array_equal(treated(counted, source="counts").points.uncertainty, [1.0] + [3.0] * (N - 1))
    done = treated(columns, source="estimate")
    assert done.points.uncertainty is not None
    assert done.points.uncertainty[0] == done.noise_estimate == pytest.approx(3.0, rel=0.15)
    assert f"{done.noise_estimate:.4g} counts for every point, estimated" in done.sentences[0]
    assert "no column of uncertainties; expected one" in refusal(columns, source="column")
    assert "no noise to estimate" in refusal(raw(y=np.ones(N)), source="estimate")


def spoilt(index: int, value: float, column: str = "y") -> RawData:
    values = {"x": X.copy(), "y": Y.copy(), "uncertainty": SD.copy()}
    values[column][index] = value
    return raw(**values)


@pytest.mark.parametrize(
    ("columns", "steps", "words"),
    [
        (spoilt(3, np.nan), {}, "a.txt: line 5: y = nan at x = 103; expected finite numbers."),
        (spoilt(3, np.inf), {}, "line 5: y = inf"),
        (spoilt(3, np.nan, "x"), {}, "line 5: x = nan; expected finite numbers"),
        (spoilt(4, 105.0, "x"), {}, "a.txt: lines 6, 7: x = 105 more than once; expected every x once."),
        (
            spoilt(3, 0.0, "uncertainty"),
            {"source": "column"},
            "line 5: uncertainty = 0 at x = 103; expected positive numbers",
        ),
        (spoilt(3, -1.0, "uncertainty"), {"source": "column"}, "uncertainty = -1"),
        (spoilt(3, np.nan, "uncertainty"), {"source": "column"}, "uncertainty = nan"),
        (
            spoilt(3, -2.0),
            {"counts": True},
            "line 5: counts = -2 at x = 103; expected counts of at least 0. Set signal.counts",
        ),
        (spoilt(3, 2.5), {"counts": True}, "counts = 2.5 at x = 103; expected whole numbers"),
        (spoilt(3, -2.0), {"source": "counts"}, "y = -2 at x = 103; expected counts of at least 0"),
    ],
)
def test_bad_values(columns: RawData, steps: dict[str, Any], words: str) -> None:
    assert words in refusal(columns, **steps)


def test_bad_values_may_be_masked_or_unused() -> None:
    assert treated(spoilt(3, np.nan), mask=((103.0, 103.0),)).points.x.size == N - 1
    assert treated(spoilt(0, np.nan), range=(101.0, 119.0)).points.x.size == N - 1
    assert treated(spoilt(4, 105.0, "x"), mask=((105.0, 105.0),)).points.x.size == N - 2
    assert treated(spoilt(3, 0.0, "uncertainty"), source="none").points.uncertainty is None


def test_order_of_the_steps() -> None:
    done = treated(
        raw(X[::-1] * 1000.0, Y[::-1]), unit="meV", convert_to="eV", offset=1.0, range=(101.0, 120.0),
        mask=((120.0, 120.0),), rebin=2, source="counts", normalise="mean",
    )  # fmt: skip
    firsts = [sentence.split()[0] for sentence in done.sentences]
    assert firsts == ["Converted", "Added", "Reversed", "Kept", "Masked", "Joined", "Set", "Divided"]


def test_points_of_one_x_are_kept_where_they_are_wanted() -> None:
    x = np.repeat(X[:8], 2)
    y = np.random.default_rng(1).normal(100.0, 0.5, 16)
    data = raw(x, y, None)
    assert "more than once; expected every x once" in refusal(data)
    assert "write repeats: keep in the treatment" in refusal(data)
    done = treat(data, Steps(repeats=True), "", "a.txt")
    assert done.points.x.size == 16
    assert done.sentences == ("Kept 8 points at an x that an earlier one has too.",)
    assert 0.2 < done.noise_estimate < 1.0


def test_points_that_all_have_one_x_are_no_curve() -> None:
    data = raw(np.full(9, 2.5), np.arange(9.0), None)
    assert "x = 2.5 at all of its 9 points; expected at least two different x. Check" in refusal(data, repeats=True)
