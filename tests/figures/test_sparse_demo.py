"""Which few of sixty columns: the table of ``sparse_demo``, all sets up to five, and sampled ones up to nine."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.evidence.closed_form import known_noise
from bayesbeam.sparse.problem import free_energy_of, regression
from shipped_results import Row, analyse

TRUE = {"c07": 1.0, "c18": -0.6, "c31": 0.4, "c45": 0.25}


def table() -> tuple[np.ndarray, np.ndarray]:
    """Columns and y, as PROVENANCE.md says."""
    rng = np.random.RandomState(1707)
    own, common = rng.randn(200, 60), rng.randn(200, 61)
    columns = 0.8 * own + 0.42 * (common[:, :-1] + common[:, 1:])
    coefficients = {7: 1.0, 18: -0.6, 31: 0.4, 45: 0.25}
    y = sum(value * columns[:, j - 1] for j, value in coefficients.items()) + 0.5 * rng.randn(200)
    return columns, y


def test_the_shipped_table_is_made_as_its_provenance_says(root: Path) -> None:
    home = root / "config" / "campaigns" / "sparse_demo" / "data"
    columns, y = table()
    rows = ["sample,y," + ",".join(f"c{j:02d}" for j in range(1, 61))]
    rows += [f"{i + 1},{y[i]:.6f}," + ",".join(f"{v:.6f}" for v in columns[i]) for i in range(200)]
    text = (home / "table.csv").read_text(encoding="utf-8")
    assert text == "\n".join(rows) + "\n"
    assert hashlib.sha256(text.encode()).hexdigest() in (home / "PROVENANCE.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def records(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    found = analyse(root / "config" / "campaigns" / "sparse_demo", tmp_path_factory.mktemp("sparse_demo"))
    assert found.doubtful() == {}
    return {tag: one for (_, tag), one in found.records.items()}


@pytest.mark.nightly
@pytest.mark.figures
def test_the_true_columns_are_found_and_their_free_energy_is_exact(records: dict[str, Row]) -> None:
    few = records["up_to_five"]
    terms = {one["term"]: one for one in few["sparse"]["terms"]}
    print({name: round(one["inclusion"], 4) for name, one in terms.items() if one["inclusion"] > 0.02})
    for name, value in TRUE.items():
        assert terms[name]["inclusion"] > 0.99
        assert abs(terms[name]["mean"] - value) < 3.0 * terms[name]["sd"]
    assert few["sparse"]["sets"] == 5_985_198
    best = few["sparse"]["ranking"][:2]
    assert sorted(TRUE) in [one["terms"] for one in best]
    # Six digits of the table are those of the numbers to 1e-6.
    columns, y = table()
    given = regression(columns.round(6), y.round(6), 0.5, 1.0)
    for one in few["sparse"]["ranking"][:20]:
        support = [int(name[1:]) - 1 for name in one["terms"]]
        assert one["free_energy"] == pytest.approx(free_energy_of(given, support), abs=1e-7)


@pytest.mark.nightly
@pytest.mark.figures
def test_the_true_columns_by_themselves_have_the_free_energy_of_their_set(records: dict[str, Row]) -> None:
    """And are better than the dictionary by about the logarithm of the number of sets."""
    few = records["up_to_five"]
    columns, y = table()
    true = [int(name[1:]) - 1 for name in TRUE]
    known = known_noise(columns.round(6)[:, true], y.round(6), 0.5, 0.0, 1.0).free_energy
    (same,) = [one for one in few["sparse"]["ranking"] if one["terms"] == sorted(TRUE)]
    assert same["free_energy"] == pytest.approx(known, abs=1e-7)
    # ln(6 C(60, 4)) = 14.9, less the logarithm of the share that this set has.
    expected = np.log(6.0 * 487635.0) + np.log(same["probability"])
    assert few["free_energy"] - same["free_energy"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.nightly
@pytest.mark.figures
def test_without_a_stated_noise_the_same_columns_are_found_and_the_noise_too(records: dict[str, Row]) -> None:
    one = records["noise_open"]
    terms = {term["term"]: term["inclusion"] for term in one["sparse"]["terms"]}
    assert all(terms[name] > 0.99 for name in TRUE)
    (sigma,) = [row for row in one["parameters"] if row["parameter"] == "noise.sigma"]
    print(one["free_energy"], sigma["mean"], sigma["sd"])
    assert abs(sigma["mean"] - 0.5) < 3.0 * sigma["sd"]
    assert sigma["sd"] / sigma["mean"] == pytest.approx(400**-0.5, rel=0.1)


@pytest.mark.nightly
@pytest.mark.figures
def test_larger_sets_are_sampled_and_say_the_same(records: dict[str, Row]) -> None:
    """Given at most five terms, sampled sets have the probabilities of all sets; top ten of five the same."""
    few, more = records["up_to_five"], records["up_to_nine"]
    assert (few["sparse"]["search"], more["sparse"]["search"]) == ("exhaustive", "exchange")
    assert more["sparse"]["sets"] == 17_784_019_483
    sampled = [one["terms"] for one in more["sparse"]["ranking"] if len(one["terms"]) <= 5]
    exact = [one["terms"] for one in few["sparse"]["ranking"]]
    print(len(sampled), more["free_energy"], more["standard_error"])
    assert sampled[:10] == exact[:10]
    # Of sets of four the two priors make a ratio of 10 to 6; sizes up to five have this share of the larger candidate.
    share = sum(one["probability"] for one in more["sparse"]["sizes"][:6])
    error = sum(one["error"] ** 2 for one in more["sparse"]["sizes"][:6]) ** 0.5
    expected = np.exp(more["free_energy"] - few["free_energy"]) * 6.0 / 10.0
    assert abs(share - expected) < 4.0 * (error + expected * more["standard_error"])
