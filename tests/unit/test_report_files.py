"""Tables and draws beside the page, and result files that are not what they should be."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesbeam.errors import StoreError
from bayesbeam.io.results import write_result
from bayesbeam.io.seal import seal, seal_text
from bayesbeam.report.curves import read_draws, read_fit, read_run
from bayesbeam.report.loading import load_results
from bayesbeam.report.netcdf import write_draws
from bayesbeam.report.records import Facts
from bayesbeam.report.series_data import find_series
from bayesbeam.report.tables import write_tables

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture

COLUMNS = {
    "free_energy": "measurement,candidate,count,free_energy,standard_error,model_probability,probability_error,verdict",
    "parameters": "measurement,candidate,count,parameter,index,unit,mean,sd,q025,median,q975,ess,rhat",
    "integration": "group,sharing,free_energy,standard_error,gain,probability,verdict",
    "measurement_limit": "study,kind,level,replicates,analysed,not_reliable,model,selected,frequency,frequency_low,"
    "frequency_high,mean_probability,parameter,index,unit,truth,sd_median,sd_q16,sd_q84,covered,coverage,"
    "coverage_low,coverage_high",
    "runtime": "job,device,cpu_seconds,wall_seconds,peak_memory_mb,likelihood_rows",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Result files of the made-up campaign; tests that change them take a copy."""
    return report_fixture.write_results(tmp_path_factory.mktemp("made_up") / "results")


def test_columns_are_those_of_the_interface(results: Path, tmp_path: Path) -> None:
    write_tables(load_results(report_fixture.facts(), results), tmp_path)
    for name, columns in COLUMNS.items():
        assert (tmp_path / f"{name}.csv").read_text(encoding="utf-8").split("\n")[0] == columns


def test_tables_read_back_to_the_last_bit(results: Path, tmp_path: Path) -> None:
    found = load_results(report_fixture.facts(), results)
    write_tables(found, tmp_path)
    with (tmp_path / "free_energy.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for result in found.measurements:
        values = [float(row["free_energy"]) for row in rows if row["measurement"] == result.id and row["free_energy"]]
        assert values == [one.free_energy for one in result.candidates]
    assert [row["verdict"] for row in rows if row["measurement"] == "bad"] == ["refused"]
    shares = [float(row["model_probability"]) for row in rows if row["measurement"] == "nagata"]
    assert sum(shares) == pytest.approx(1.0, abs=1e-12)
    parameters = pd.read_csv(tmp_path / "parameters.csv")
    peaks = parameters[(parameters.measurement == "nagata") & (parameters["count"] == 3)]
    assert list(peaks[peaks.parameter == "peaks.position"]["index"]) == [1, 2, 3]
    runs = pd.read_csv(tmp_path / "runtime.csv")
    assert "integrate/sampleA" in set(runs.job)


def test_peaks_that_cannot_be_told_apart_have_a_table_and_a_file_only_where_there_are_any(
    results: Path, tmp_path: Path
) -> None:
    found = load_results(report_fixture.facts(), results)
    write_tables(found, tmp_path / "some")
    rows = (tmp_path / "some" / "numbering.csv").read_text(encoding="utf-8").splitlines()
    assert rows[:2] == [
        "measurement,candidate,count,part,numbered_by,first,second,overlap",
        "nagata,peaks,4,peaks,assignment,3,4,0.21",
    ]
    plain = [replace(r, candidates=tuple(c for c in r.candidates if c.count != 4)) for r in found.measurements]
    write_tables(replace(found, measurements=tuple(plain)), tmp_path / "none")
    assert not (tmp_path / "none" / "numbering.csv").exists()


def test_draws_open_in_xarray_and_arviz(results: Path, tmp_path: Path) -> None:
    found = load_results(report_fixture.facts(), results).measurements[0]
    assert found.arrays is not None
    where = f"{found.id}/{found.best.tag}"
    draws, fit, run = read_draws(found.arrays, where), read_fit(found.arrays, where), read_run(found.arrays, where)
    path = tmp_path / "draws.nc"
    write_draws(path, found.best, draws, fit, run)
    with xr.open_dataset(path, group="posterior", engine="h5netcdf") as posterior:
        position = posterior["peaks.position"]
        assert position.dims == ("chain", "draw", "peaks_number")
        assert list(position.peaks_number) == [1, 2, 3]
        assert position.attrs["units"] == "eV"
        first = draws.find("peaks.position", 1)
        np.testing.assert_array_equal(position.sel(peaks_number=1), draws.posterior[..., first])
        assert posterior.attrs["candidate"] == found.best.tag
    with xr.open_dataset(path, group="prior", engine="h5netcdf") as prior:
        assert prior["peaks.position"].sizes["draw"] == 2000
    with xr.open_dataset(path, group="observed_data", engine="h5netcdf") as observed:
        np.testing.assert_array_equal(observed["y"], fit.y)
    with xr.open_dataset(path, group="sample_stats", engine="h5netcdf") as stats:
        np.testing.assert_array_equal(stats["log_likelihood"], run.trace)


@pytest.mark.filterwarnings("ignore")  # of arviz and its dependencies, on import
def test_arviz_summarises_the_draws(results: Path, tmp_path: Path) -> None:
    az = pytest.importorskip("arviz")
    found = load_results(report_fixture.facts(), results).measurements[0]
    assert found.arrays is not None
    where = f"{found.id}/{found.best.tag}"
    arrays = read_draws(found.arrays, where), read_fit(found.arrays, where), read_run(found.arrays, where)
    write_draws(tmp_path / "draws.nc", found.best, *arrays)
    data = az.from_netcdf(tmp_path / "draws.nc")
    summary = az.summary(data, var_names=["peaks.position"], round_to="none")
    means = [row.mean for row in found.best.parameters if row.name == "peaks.position"]
    np.testing.assert_allclose(summary["mean"], means, rtol=1e-12)


@pytest.mark.parametrize(
    ("changed", "more", "alone"),
    [
        ({"count": None, "counts": {}}, [], True),  # one by the campaign
        ({"count": 1, "counts": {"peaks": 1}}, [], False),  # one of a range
        ({"count": 2, "counts": {"others": 2}}, [], True),  # the range is that of another part
        ({"count": None, "counts": {}}, [2], False),  # a fixed number of several
        ({"count": 1}, [], False),  # of which part the count is, nobody says
    ],
)
def test_numbers_are_for_parts_that_may_be_several(
    results: Path, tmp_path: Path, changed: dict[str, object], more: list[int], alone: bool
) -> None:
    folder = tmp_path / "results"
    shutil.copytree(results, folder)
    path = folder / "free_energy" / "b0.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for record in content["records"]:
        row = next(one for one in record["parameters"] if one["index"] == 1)
        record["parameters"] = [row | {"parameter": "peaks.place", "index": index} for index in (1, *more)]
        record.pop("counts", None)
        record |= changed
    write_result(path, content)
    found = load_results(report_fixture.facts(), folder).measurements[0].best.parameters
    assert [row.alone for row in found] == [alone] * (1 + len(more))
    assert found[0].label == ("peaks.place" if alone else "peaks.place 1")


def test_missing_results_become_refusals(tmp_path: Path) -> None:
    found = load_results(Facts("c", "", ("a",), ("g",)), tmp_path)
    assert "no preprocessed file" in found.measurements[0].refusal
    assert "not integrated" in found.groups[0].refusal


def test_refusal_of_the_sampling_is_passed_on(results: Path, tmp_path: Path) -> None:
    copy = report_fixture.write_results(tmp_path / "results")
    path = copy / "free_energy" / "b0.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["records"] = [one for one in content["records"] if one["measurement"] != "nagata"]
    content["refused"] = [{"measurement": "nagata", "reason": "the prior leaves out all data"}]
    write_result(path, content)
    found = load_results(report_fixture.facts(), copy).measurement("nagata")
    assert found is not None
    assert found.refusal == "the prior leaves out all data"


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"format": 9\n}\n', '{"format": 1, "records": [7]\n}\n', '{"format": 1, "records": 7\n}\n'],
)
def test_foreign_result_files_are_named(results: Path, tmp_path: Path, content: str) -> None:
    copy = report_fixture.write_results(tmp_path / "results")
    (copy / "free_energy" / "b0.json").write_text(seal_text(content), encoding="utf-8")
    with pytest.raises(StoreError, match=r"b0\.json: .*; expected a result.* file .*made anew"):
        load_results(report_fixture.facts(), copy)


def test_tag_that_is_no_file_name_is_refused(tmp_path: Path) -> None:
    copy = report_fixture.write_results(tmp_path / "results")
    path = copy / "free_energy" / "b0.json"
    path.write_text(path.read_text(encoding="utf-8").replace("peaks-k1", "../../x"), encoding="utf-8")
    with pytest.raises(StoreError, match="tag"):
        load_results(report_fixture.facts(), copy)


def test_damaged_arrays_are_named(tmp_path: Path) -> None:
    path = tmp_path / "b0.h5"
    with pytest.raises(StoreError, match=r"b0\.h5: no such file"):
        read_draws(path, "a/b")
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    with pytest.raises(StoreError, match=r"b0\.h5: the file is truncated"):
        read_draws(path, "a/b")
    seal(path)
    with pytest.raises(StoreError, match=r"b0\.h5: cannot be read as HDF5"):
        read_draws(path, "a/b")


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    path = tmp_path / "b0.h5"
    with h5py.File(path, "w") as file:
        file.create_group("a/b")
    seal(path)
    with pytest.raises(StoreError, match="has no data set /a/b/draws"):
        read_draws(path, "a/b")
    with pytest.raises(StoreError, match="has no group a/c"):
        read_fit(path, "a/c")


@pytest.mark.parametrize("where", ["dataset", "group", "facts"])
def test_columns_may_be_described_in_three_places(tmp_path: Path, where: str) -> None:
    columns = [{"name": "peaks.position", "index": 1, "unit": "eV", "kind": "parameter"}]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        node = file.create_group("a/b")
        stored = node.create_dataset("draws", data=np.zeros((2, 3, 1)))
        if where == "facts":
            node.attrs["facts"] = json.dumps({"columns": columns})
        else:
            (stored if where == "dataset" else node).attrs["columns"] = json.dumps(columns)
    seal(tmp_path / "a.h5")
    assert read_draws(tmp_path / "a.h5", "a/b").columns[0].key == ("peaks.position", 1)


def test_series_needs_enough_measurements_that_differ(tmp_path: Path) -> None:
    """All made-up measurements have the same temperature: no series."""
    copy = report_fixture.write_results(tmp_path / "results", n_copies=3)
    found = load_results(report_fixture.facts(3), copy)
    assert find_series(found.measurements) == []
