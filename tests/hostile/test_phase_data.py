"""Patterns and libraries that cannot be searched: each refused by name, with what to do, and the others go on."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.stages.plan import table_text
from bayesbeam.stages.report import build_report
from phase_lab import COPPER, TREATMENT, WHICH, X, counts, lab, library_in
from stage_fixture import Lab, record, rows, strict

GOOD = rows(X, counts())
FEW = ("NiO-Bunsenite", "ZnO-Zincite")


def refusals(made: Lab) -> dict[str, str]:
    """Reasons by measurement."""
    return {one["measurement"]: one["reason"] for one in strict(made.separate())["refused"]}


@pytest.mark.parametrize(
    ("treatment", "words"),
    [
        (
            TREATMENT.replace(COPPER, "range: [26, 69]"),
            ["measurement a: no wavelength in its file", "Write instrument:"],
        ),
        (TREATMENT.replace("quantity: 2theta, unit: degree", "quantity: x"), ["x without a unit", "unit: degree"]),
        (TREATMENT.replace("unit: degree", "unit: 1/angstrom"), ["x in 1/angstrom", "convert_to: degree"]),
    ],
)
def test_a_pattern_of_unknown_wavelength_or_axis_is_refused(tmp_path: Path, treatment: str, words: list[str]) -> None:
    library_in(tmp_path, FEW)
    reason = refusals(lab(tmp_path, {"a": GOOD}, treatment=treatment))["a"]
    assert all(word in reason for word in words), reason


def test_each_bad_pattern_is_refused_and_a_good_one_is_searched(tmp_path: Path) -> None:
    library_in(tmp_path, FEW)
    top = 36.2 + 0.003 * np.arange(60)  # less than the width of one line
    negative = counts()
    negative[100] = -5.0
    flat = np.random.default_rng(1).poisson(np.full(len(X), 20.0)).astype(float)
    data = {
        "good": GOOD, "few": rows(X[:30], counts()[:30]), "negative": rows(X, negative), "flat": rows(X, flat),
        "short": rows(top, counts(x=top)),
    }  # fmt: skip
    made = lab(tmp_path, data)
    found = strict(made.separate())
    reasons = {one["measurement"]: one["reason"] for one in found["refused"]}
    assert set(record(found, "which", "good")["phases"]["best"]) == set(FEW)
    assert "or over a wider range" in reasons["short"]
    assert "30 points; expected at least 50" in reasons["few"]
    assert "-5" in reasons["negative"]
    assert "no line clear of the background" in reasons["flat"]


def test_elements_that_exclude_everything_refuse_that_measurement_alone(tmp_path: Path) -> None:
    library_in(tmp_path, FEW)
    candidates = WHICH.replace("most: 4", "most: 4, elements: made_of")
    made = lab(tmp_path, {"a": GOOD, "b": GOOD}, candidates, {"a": "Zn O Ni", "b": "He"})
    found = strict(made.separate())
    assert set(record(found, "which", "a")["phases"]["best"]) == set(FEW)
    (refused,) = found["refused"]
    assert refused["measurement"] == "b"
    assert "no structure of He alone among 2" in refused["reason"]
    assert "Name all elements that may be there" in refused["reason"]


def test_an_empty_library_refuses_that_candidate_alone(tmp_path: Path) -> None:
    library_in(tmp_path, FEW)
    (tmp_path / "campaign" / "none").mkdir()
    (tmp_path / "campaign" / "none" / "notes.txt").write_text("no structure")
    made = lab(tmp_path, {"a": GOOD}, WHICH + "  empty:\n    phases: {library: none}\n")
    found = strict(made.separate())
    assert set(record(found, "which")["phases"]["best"]) == set(FEW)
    (refused,) = found["refused"]
    assert refused["tag"] == "empty"
    assert "0 CIFs; expected 1 to" in refused["reason"]


def test_broken_structures_are_left_out_by_name_and_the_rest_goes_on(tmp_path: Path) -> None:
    """No atoms, no symmetry, atoms on each other, another content, a density, a full place overfilled, a copy."""
    place = library_in(tmp_path, (*FEW, "BN", "CoFe2O4", "W2C"))
    zinc = (place / "ZnO-Zincite.cif").read_text(encoding="latin-1")
    (place / "damaged.cif").write_bytes(b"\x00\xff nothing")
    (place / "no_atoms.cif").write_text(zinc[: zinc.index("_atom_site_label")].rsplit("loop_", 1)[0])
    bare = re.sub(r"(?m)^_(symmetry|space_group)\S*(_name|_Int|_IT|_number)\S*.*$", "", zinc)
    (place / "no_symmetry.cif").write_text(without_operators(bare))
    (place / "copy.cif").write_text(zinc)
    found = record(strict(lab(tmp_path, {"a": GOOD}).separate()), "which")["phases"]
    assert set(found["best"]) == set(FEW) or set(found["best"]) == {"NiO-Bunsenite", "copy"}
    skipped = {one["file"]: one["reason"] for one in found["library"]["skipped"]}
    assert set(skipped) == {"BN.cif", "CoFe2O4.cif", "W2C.cif", "damaged.cif", "no_atoms.cif", "no_symmetry.cif"}
    assert "on top of each other" in skipped["BN.cif"]
    assert "no atoms" in skipped["no_atoms.cif"]
    assert "symmetry" in skipped["no_symmetry.cif"]
    (copies,) = found["library"]["copies"]
    assert {copies["kept"], copies["copy"]} == {"ZnO-Zincite", "copy"}


def test_structures_are_put_right_with_a_note_or_left_out_by_name(tmp_path: Path) -> None:
    """Bare rhombohedral names, occupancies above one, a density that no solid has: the rest goes on."""
    place = library_in(tmp_path, (*FEW, "Cr2O3-Eskolaite"))
    zinc, chromium = ((place / f"{name}.cif").read_text(encoding="latin-1")
                      for name in ("ZnO-Zincite", "Cr2O3-Eskolaite"))  # fmt: skip
    (place / "ZnO-Zincite.cif").write_text(with_occupancies(zinc, "1.2", "1.2"))
    bare = re.sub(
        r"(?m)^_(symmetry|space_group)_\S*(Hall|IT_number|Tables_number)\S*.*$", "", without_operators(chromium)
    )
    assert "'R -3 c" in bare
    bare = re.sub(r"'R -3 c[^']*'", "'R -3 c'", bare)
    (place / "Cr2O3-Eskolaite.cif").write_text(bare)
    (place / "wrong_setting.cif").write_text(bare.replace("'R -3 c'", "'R -3 c :R'"))
    (place / "too_dense.cif").write_text(re.sub(r"(_cell_length_[abc]\s+)(\S+)", smaller, zinc))
    (place / "overfull.cif").write_text(twice_zinc(zinc))
    shares = {"ZnO-Zincite": 0.4, "NiO-Bunsenite": 0.3, "Cr2O3-Eskolaite": 0.3}
    treatment = TREATMENT.replace(COPPER, COPPER.replace("}", ", monochromator: Johansson}"))
    made = lab(tmp_path, {"a": rows(X, counts(shares=shares))}, treatment=treatment)
    found = record(strict(made.separate()), "which")["phases"]
    assert set(found["best"]) == set(shares)
    skipped = {one["file"]: one["reason"] for one in found["library"]["skipped"]}
    assert set(skipped) == {"wrong_setting.cif", "too_dense.cif", "overfull.cif"}
    assert "without the symmetry of its operators" in skipped["wrong_setting.cif"]
    assert "g/cm^3; expected 0.8 to 23.0" in skipped["too_dense.cif"]
    assert "on top of each other: Zn, Zn2" in skipped["overfull.cif"]
    notes = {one["structure"]: one["note"] for one in found["library"]["notes"]}
    assert set(notes) == {"ZnO-Zincite", "Cr2O3-Eskolaite"}
    assert "occupancy of Zn 1.2 taken as 1" in notes["ZnO-Zincite"]
    assert "those of R -3 c:H taken" in notes["Cr2O3-Eskolaite"]
    (made.results / "batches.tsv").write_text(table_text({"a": "b"}))
    build_report(made.campaign, made.results, tmp_path / "report", "make run")
    table = (tmp_path / "report" / "tables" / "library.csv").read_text()
    assert "ZnO-Zincite,put right,occupancy of Zn 1.2 taken as 1" in table
    assert "too_dense.cif,broken,a density of" in table
    page = (tmp_path / "report" / "index.html").read_text()
    assert "Put right in the CIF of ZnO-Zincite: occupancy of Zn 1.2 taken as 1" in page
    assert "not counted in: Johansson, a monochromator without a known crystal" in page


def without_operators(cif: str) -> str:
    """A CIF whose operators are left out."""
    return re.sub(r"(?ms)^loop_\s+_\S*(symop|equiv_pos)\S*\s.*?(?=^loop_|^_)", "", cif)


def with_occupancies(cif: str, *values: str) -> str:
    """A CIF of which the sites have these occupancies."""
    head, tail = cif.split("_atom_site_fract_z\n")
    lines = tail.splitlines()
    assert not lines[0].startswith("_atom_site_occ")
    ends = [f"{line} {value}" for line, value in zip(lines, values, strict=False)]
    return "\n".join([f"{head}_atom_site_fract_z\n_atom_site_occupancy", *ends, *lines[len(values) :], ""])


def twice_zinc(cif: str) -> str:
    """A CIF with two zinc atoms at one place, seven tenths each."""
    head, tail = with_occupancies(cif, "0.7", "1").split("_atom_site_occupancy\n")
    first = tail.splitlines()[0]
    return f"{head}_atom_site_occupancy\n{first}\n{first.replace('Zn', 'Zn2', 1)}\n" + tail.split("\n", 1)[1]


def smaller(found: re.Match[str]) -> str:
    """A line of an edge of the cell that is 0.6 times as long."""
    return f"{found[1]}{0.6 * float(found[2]):.4f}"


def test_a_pattern_of_none_of_the_structures_has_no_phase_and_says_so(tmp_path: Path) -> None:
    library_in(tmp_path, FEW)
    made = lab(tmp_path, {"a": rows(X, counts(shares={"CaF2-Fluorite": 1.0}))})
    found = record(strict(made.separate()), "which")
    assert found["phases"]["best"] == found["phases"]["phases"] == []
    assert found["phases"]["unknown"]["open"]
    assert found["phases"]["unknown"]["share"] > 0.9
    (made.results / "batches.tsv").write_text(table_text({"a": "b"}))
    build_report(made.campaign, made.results, tmp_path / "report", "make run")
    assert (tmp_path / "report" / "tables" / "unexplained_lines.csv").read_text().count("\n") > 3


def test_a_hump_of_glass_is_background_if_there_are_curves_enough(tmp_path: Path) -> None:
    """Eight degrees wide in a range of sixty; with the usual number it stands out as lines of no candidate."""
    library_in(tmp_path, FEW)
    x = 12.0 + 0.03 * np.arange(2000)
    hump = np.random.default_rng(5).poisson(800.0 * np.exp(-4.0 * np.log(2.0) * ((x - 24.0) / 8.0) ** 2))
    candidates = WHICH + WHICH.replace("which", "more").replace("most: 4", "most: 4, background: 20")
    made = lab(tmp_path, {"a": rows(x, counts(x=x, times=2.0) + hump)}, candidates)
    found = strict(made.separate())
    usual, more = (record(found, name)["phases"] for name in ("which", "more"))
    assert usual["unknown"]["open"]
    assert not more["unknown"]["open"]
    assert more["unknown"]["lines"] == []
    assert set(more["best"]) == set(FEW)


def test_intensities_without_counts_or_uncertainty_are_searched_by_their_scatter(tmp_path: Path) -> None:
    """In any unit, and also where a program has taken the background away, so that half of them are below 0."""
    library_in(tmp_path, FEW)
    treatment = TREATMENT.replace(", counts: true", "")
    scaled = {f"times_{k}": rows(X, 10.0**k * counts()) for k in (-12, -2, 4)}
    data = scaled | {"less": rows(X, counts() - 70.0), "less_scaled": rows(X, 1e-5 * (counts() - 70.0))}
    found = strict(lab(tmp_path, data, treatment=treatment).separate())
    assert found["refused"] == []
    answers = {name: record(found, "which", name)["phases"] for name in data}
    for name, answer in answers.items():
        assert set(answer["best"]) == set(FEW), name
        assert not answer["unknown"]["open"], name
    first, *others = ({row["name"]: row["weight_fraction"] for row in answers[name]["phases"]} for name in scaled)
    for other in others:
        for name in FEW:
            assert other[name]["mean"] == pytest.approx(first[name]["mean"], abs=0.05 * first[name]["sd"])
