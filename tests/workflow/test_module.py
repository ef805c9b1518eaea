"""The workflow as a part of another one, and Snakemake's own report, both without a network."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflow.conftest import Lab

OUTER = """\
module spectra:
    snakefile: {snakefile!r}
    config: {{"campaign_file": {campaign!r}, "results": "analysis"}}

use rule * from spectra as spectra_*

rule summary:
    default_target: True
    input: rules.spectra_all.input, "analysis/tiny/report/tables/free_energy.csv"
    output: "summary.txt"
    shell: "wc -l {{input[2]:q}} > {{output:q}}"
"""


def test_as_a_module_of_another_workflow(lab: Lab, tmp_path: Path) -> None:
    lab.sheet("c")
    text = lab.campaign.read_text()
    lab.campaign.write_text(text[: text.index("  peaks:")] + text[text.index("  flat:") : text.index("integration:")])
    outer = tmp_path / "another workflow"
    outer.mkdir()
    settings = {"snakefile": str(lab.root / "Snakefile"), "campaign": str(lab.campaign)}
    (outer / "Snakefile").write_text(OUTER.format(**settings))
    words = ["-P", "-m", "snakemake", "--directory", str(outer), "--snakefile", str(outer / "Snakefile")]
    run = lab.python(*words, "--cores", "2", "--printshellcmds")
    assert run.returncode == 0, run.stdout + run.stderr
    assert (outer / "summary.txt").is_file()
    assert (outer / "analysis" / "tiny" / "report" / "index.html").is_file()
    assert not (lab.workdir / "results").exists()
    dry = lab.python(*words, "--dry-run")
    assert "Nothing to be done" in dry.stdout + dry.stderr


def test_snakemake_report_needs_no_network(finished: Lab) -> None:
    offline = [shutil.which("unshare"), "--user", "--map-root-user", "--net"]
    words = ["-m", "snakemake", "--snakefile", str(finished.root / "Snakefile"), "--configfile", str(finished.campaign)]
    code = (
        "import subprocess, sys;"
        f"sys.exit(subprocess.call({[word for word in offline if word] if offline[0] else []!r}"
        f" + [sys.executable, *{words!r}, '--report', 'out.zip']))"
    )
    made = finished.python("-c", code)
    assert made.returncode == 0, made.stdout + made.stderr
    with zipfile.ZipFile(finished.workdir / "out.zip") as file:
        names = file.namelist()
        assert any(name.endswith("report.html") for name in names)
        assert any(name.endswith("index.html") for name in names)
        assert any(name.endswith("free_energy.csv") for name in names)
