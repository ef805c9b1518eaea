"""The library of CIFs: who is left out, merged or alike, by elements; and the cache that gives the same again."""

from __future__ import annotations

import csv
import hashlib
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import bayesbeam.io.crystal_library as module
from bayesbeam.crystals.library import Library
from bayesbeam.crystals.likeness import Window
from bayesbeam.errors import ConfigError, DataError
from bayesbeam.io.crystal_library import LineRequest, crystal_library

COPPER = LineRequest(Window(1.54059, 5.0, 120.0))
BROKEN = ["BN", "CoFe2O4", "CoSO4", "CuSO4", "MgCO3-Magnesite", "NiFe2O4", "W2C"]


@pytest.fixture(scope="module")
def shipped(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.rootpath) / "config/libraries/inorganic"


@pytest.fixture(scope="module")
def library(shipped: Path) -> Library:
    return crystal_library(shipped, COPPER)


def copied(shipped: Path, folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        shutil.copy(shipped / f"{name}.cif", folder)
    return folder


def same(first: Library, second: Library) -> bool:
    plain = (first.entries, first.skipped, first.copies, first.families) == (
        second.entries,
        second.skipped,
        second.copies,
        second.families,
    )
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for one, other in zip(first.lines, second.lines, strict=True)
        for name in ("hkl", "multiplicity", "squared_factor")
    )
    scalars = all(
        (one.name, one.cell, one.ties, one.volume, one.mass)
        == (other.name, other.cell, other.ties, other.volume, other.mass)
        for one, other in zip(first.lines, second.lines, strict=True)
    )
    return plain and arrays and scalars


def test_files_are_those_of_the_sources(shipped: Path) -> None:
    with (shipped / "sources.csv").open(encoding="utf-8") as stream:
        told = {row["file"]: row["sha256"] for row in csv.DictReader(stream)}
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in shipped.glob("*.cif")}
    assert told == found


def test_exactly_the_broken_structures_are_left_out(library: Library) -> None:
    assert [item.file for item in library.skipped] == [f"{name}.cif" for name in BROKEN]
    assert all(item.reasons for item in library.skipped)


def test_every_crystal_system_is_there(library: Library) -> None:
    systems = {entry.system for entry in library.entries} - {""}
    assert systems == {"cubic", "hexagonal", "monoclinic", "orthorhombic", "tetragonal", "triclinic", "trigonal"}


def test_copies_are_merged_into_the_better_one(library: Library) -> None:
    """A rhombohedral cell can only be stretched as a whole: sapphire in hexagonal axes is kept."""
    assert library.copies["Al2O3-Sapphire"] == ("Al2O3-Corundum",)
    assert set(library.copies) == {
        "Al2O3-Sapphire",
        "GeO2-Argutite",
        "In2O3",
        "SiC",
        "SiC-2H-Moissanite",
        "ZnS-Sphalerite",
    }
    assert not {name for names in library.copies.values() for name in names} & set(library.names)


def test_look_alikes_of_other_composition_are_families(library: Library) -> None:
    family = {name: set(names) for names in library.families for name in names}
    assert {"Ag-Silver", "Al-Aluminum", "Au-Gold"} <= family["Ag-Silver"]
    assert {"CaF2-Fluorite", "Si-Silicon", "ZnS-Sphalerite", "CeO2-Cerianite"} <= family["Si-Silicon"]
    assert "ZnO-Zincite" not in family
    assert "TiO2-Rutile" not in family


def test_densities_are_those_of_handbooks(library: Library) -> None:
    """CRC Handbook of Chemistry and Physics, g/cm^3; cells of the library are right to some 0.5 %."""
    entries = {entry.name: entry for entry in library.entries}
    known = {
        "Al2O3-Sapphire": 3.99,
        "CaF2-Fluorite": 3.18,
        "ZnO-Zincite": 5.67,
        "Si-Silicon": 2.33,
        "W-Tungsten": 19.3,
        "NaCl-Halite": 2.165,
        "MgO-Periclase": 3.58,
        "MgOH2-Brucite-ambient": 2.37,
    }
    assert {name: entries[name].density for name in known} == pytest.approx(known, rel=0.02)


def test_elements_choose(shipped: Path) -> None:
    """Ni(OH)2 is there without its hydrogen: the formula tells that it has some."""
    chosen = crystal_library(shipped, COPPER, ["Ni", "O"])
    assert chosen.names == ("Ni-Nickel", "NiO-Bunsenite")
    reasons = {item.file: item.reasons for item in chosen.skipped}
    assert reasons["ZnO-Zincite.cif"] == ("has Zn, which is not among the elements",)
    assert len(chosen.skipped) + len(chosen.names) == 188  # copies are of other elements here


def test_impossible_elements_are_named(shipped: Path, tmp_path: Path) -> None:
    folder = copied(shipped, tmp_path / "mine", "NiO-Bunsenite", "ZnO-Zincite")
    with pytest.raises(DataError, match="no structure of He alone among 2"):
        crystal_library(folder, COPPER, ["He"])
    with pytest.raises(DataError, match="no structure of no element"):
        crystal_library(folder, COPPER, [])
    with pytest.raises(ConfigError, match=r"'ni'; expected chemical symbols\. Did you mean Ni\?"):
        crystal_library(folder, COPPER, ["ni", "O"])


def test_a_broken_file_is_named_and_the_rest_goes_on(shipped: Path, tmp_path: Path) -> None:
    folder = copied(shipped, tmp_path / "mine", "NiO-Bunsenite")
    (folder / "broken.cif").write_bytes(b"\x00 nothing")
    (folder / "einsteinium.cif").write_text(
        "data_x\n_cell_length_a 5\n_cell_length_b 5\n_cell_length_c 5\n_cell_angle_alpha 90\n_cell_angle_beta 90\n"
        "_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n_atom_site_label\n_atom_site_fract_x\n"
        "_atom_site_fract_y\n_atom_site_fract_z\nEs1 0 0 0\n",
        encoding="utf-8",
    )
    (folder / "notes.txt").write_text("no structure", encoding="utf-8")
    found = crystal_library(folder, COPPER)
    assert found.names == ("NiO-Bunsenite",)
    reasons = {item.file: item.reasons[0] for item in found.skipped}
    assert "no CIF" in reasons["broken.cif"]
    assert "element Es" in reasons["einsteinium.cif"]


def test_two_files_of_one_name(shipped: Path, tmp_path: Path) -> None:
    shutil.copy(shipped / "NiO-Bunsenite.cif", tmp_path / "NiO (1).cif")
    shutil.copy(shipped / "TiO2-Rutile.cif", tmp_path / "NiO _1_.cif")
    found = crystal_library(tmp_path, COPPER)
    assert found.names == ("NiO__1_",)
    assert found.skipped[0].reasons == ("named NiO__1_ as another file; rename it",)


def test_a_folder_without_usable_structures_is_refused(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 CIFs"):
        crystal_library(tmp_path, COPPER)
    with pytest.raises(DataError, match="cannot be read"):
        crystal_library(tmp_path / "none", COPPER)
    with pytest.raises(DataError, match=r"no CIF of 1 that can be used \(BN\.cif: atoms on top"):
        crystal_library(copied(shipped, tmp_path / "bad", "BN"), COPPER)
    with pytest.raises(DataError, match="no line with a spacing"):
        crystal_library(copied(shipped, tmp_path / "short", "Ni-Nickel"), LineRequest(Window(15.0, 5.0, 60.0)))


def test_the_cache_gives_the_same_again_without_reading_cifs(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("NiO-Bunsenite", "BN", "SiC", "SiC-3C-beta", "MgO-Periclase", "PbZr0.1Ti0.9O3")
    folder = copied(shipped, tmp_path / "cifs", *names)
    first = crystal_library(folder, COPPER, cache=tmp_path / "cache")
    assert same(first, crystal_library(folder, COPPER))
    asked: list[str] = []
    really = module.admit
    monkeypatch.setattr(module, "admit", lambda *given: asked.append(given[1]) or really(*given))
    assert same(first, crystal_library(folder, COPPER, cache=tmp_path / "cache"))
    assert asked == []
    copied(shipped, folder, "ZnO-Zincite")
    grown = crystal_library(folder, COPPER, cache=tmp_path / "cache")
    assert asked == ["ZnO-Zincite.cif"]
    changed = (folder / "NiO-Bunsenite.cif").read_text("utf-8").replace("4.1684", "4.1784")
    (folder / "NiO-Bunsenite.cif").write_text(changed, encoding="utf-8")
    crystal_library(folder, COPPER, cache=tmp_path / "cache")
    assert asked == ["ZnO-Zincite.cif", "NiO-Bunsenite.cif"]
    monkeypatch.undo()
    (folder / "NiO-Bunsenite.cif").write_bytes((shipped / "NiO-Bunsenite.cif").read_bytes())
    assert same(grown, crystal_library(folder, COPPER))


def test_a_cache_is_of_one_request(shipped: Path, tmp_path: Path) -> None:
    folder = copied(shipped, tmp_path / "cifs", "NiO-Bunsenite", "MgO-Periclase")
    requests = [
        COPPER,
        LineRequest(Window(0.7093, 5.0, 120.0)),
        LineRequest(COPPER.window, table="itc92"),
        LineRequest(COPPER.window, anomalous=False),
        LineRequest(COPPER.window, displacements=False),
        LineRequest(COPPER.window, b_unknown=1.0),
    ]
    for request in requests:
        crystal_library(folder, request, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == len(requests)
    for request in requests:
        assert same(crystal_library(folder, request, cache=tmp_path / "cache"), crystal_library(folder, request))


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", None])
def test_a_damaged_cache_is_made_anew(shipped: Path, tmp_path: Path, damage: bytes | None) -> None:
    folder = copied(shipped, tmp_path / "cifs", "NiO-Bunsenite", "MgO-Periclase")
    first = crystal_library(folder, COPPER, cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:-200] if damage is None else damage)
    assert same(first, crystal_library(folder, COPPER, cache=tmp_path / "cache"))
    assert kept.stat().st_size > 1000


def test_reading_is_quick(shipped: Path, tmp_path: Path) -> None:
    """CPU seconds of one thread; where this was written 0.9 from CIFs and 0.02 from the cache."""
    request = LineRequest(Window(1.54059, 5.0, 150.0))
    seconds = []
    for _ in range(2):
        start = time.process_time()
        crystal_library(shipped, request, cache=tmp_path)
        seconds.append(time.process_time() - start)
    assert seconds[0] < 3.0
    assert seconds[1] < 0.2
