"""What a finished run leaves for whoever looks after it: logs that name measurements, and the run log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayesbeam.launch.runlog import last_run

if TYPE_CHECKING:
    from tests.workflow.conftest import Lab


def test_the_log_of_each_job_begins_with_its_stage_and_measurements(finished: Lab) -> None:
    logs = finished.results / "logs"
    found = {}
    for path in [*logs.rglob("*.log")]:
        if path.name not in ("run.log", "watch.log"):
            first, second = path.read_text(encoding="utf-8").splitlines()[:2]
            found.setdefault(path.relative_to(logs).parts[0], set()).add((first.partition(",")[0], second))
    assert ("sample peaks-k1", "measurements: a, b") in found["sample"]
    assert {second for _, second in found["sample"]} <= {
        "measurements: a, b",
        "measurements: c",
        "measurements: a, b, c",
    }
    assert ("sample peaks-k2 jointly", "measurements: a, b") in found["sample_group"]
    assert found["integrate"] == {("integrate group pair: 2 measurements", "measurements: a, b")}
    assert found["report.log"] == {("report: 3 measurements", "measurements: a, b, c")}
    assert {"preprocess", "free_energy", "plan.log"} <= set(found)


def test_run_log_names_every_job_with_its_measurements_and_log(finished: Lab) -> None:
    for made in (finished.results / "integration" / "pair.json", finished.results / "report" / "index.html"):
        made.unlink()
    assert finished.cli("run", "--cores", "1").returncode == 0
    entries = last_run(finished.results / "logs" / "run.jsonl")
    done = {one["rule"]: one for one in entries if one["event"] == "job finished"}
    planned = next(one for one in entries if one["event"] == "jobs planned")
    assert planned["rules"] == dict.fromkeys(done, 1)
    assert (done["integrate"]["group"], done["integrate"]["measurements"]) == ("pair", ["a", "b"])
    for one in done.values():
        assert (finished.results.parent / one["log"]).is_file()
    assert (entries[-1]["event"], entries[-1]["exit_code"]) == ("run ended", 0)
    said = finished.cli("status").stdout
    assert "tiny: 3 measurements; finished, after" in said
    assert f"{len(done)} of {len(done)} jobs done" in said
