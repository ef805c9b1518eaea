"""CIFs of a library: folders, files, and lists of them."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from bayesbeam.config.library_files import cif_files, content_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three CIFs, and lists beside their folder."""
    (tmp_path / "cifs").mkdir()
    for name in ("b.cif", "a.CIF", "c.cif"):
        (tmp_path / "cifs" / name).write_text(f"data_{name}\n", encoding="utf-8")
    (tmp_path / "cifs" / "notes.md").write_text("no CIF\n", encoding="utf-8")
    (tmp_path / "two.txt").write_text("# of three\ncifs/c.cif   # the last\n\ncifs/a.CIF\n", encoding="utf-8")
    return tmp_path


def test_a_folder_stands_for_its_cifs(folder: Path) -> None:
    assert list(cif_files([folder / "cifs"])) == ["a.CIF", "b.cif", "c.cif"]


def test_a_list_names_places_relative_to_itself(folder: Path) -> None:
    assert list(cif_files([folder / "two.txt"])) == ["c.cif", "a.CIF"]
    assert list(cif_files([folder / "two.txt", folder / "cifs"])) == ["c.cif", "a.CIF", "b.cif"]


def test_what_a_list_names_counts_and_not_the_list(folder: Path) -> None:
    named = [folder / "cifs" / "c.cif", folder / "cifs" / "a.CIF"]
    assert content_of([folder / "two.txt"]) == content_of(named)
    (folder / "cifs" / "c.cif").write_text("data_other\n", encoding="utf-8")
    assert content_of([folder / "cifs" / "a.CIF"]) != content_of(named)


def test_what_is_not_there_is_named(folder: Path) -> None:
    (folder / "two.txt").write_text("cifs/lost.cif\n", encoding="utf-8")
    with pytest.raises(OSError, match="lost") as raised:
        content_of([folder / "two.txt"])
    assert Path(raised.value.filename).name == "lost.cif"


def test_many_files_are_not_compared_with_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(300):
        (tmp_path / f"{k}.cif").write_text("")
    compared, equal = [], PurePath.__eq__

    def __eq__(one: PurePath, other: object) -> bool:
        compared.append(one)
        return equal(one, other)

    monkeypatch.setattr(PurePath, "__eq__", __eq__)
    assert len(cif_files([tmp_path, tmp_path / "0.cif"])) == 300
    assert len(compared) < 3000
