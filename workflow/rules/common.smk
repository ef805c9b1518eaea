# Reads and checks the campaign, and says how scripts are called. Every other file here holds rules only.
import shlex
import sys
from functools import cache
from pathlib import Path

from snakemake.settings.types import DeploymentMethod

from bayesbeam.errors import BayesbeamError
from bayesbeam.launch.warning import pass_on
from bayesbeam.stages.plan import named
from bayesbeam.stages.rulebook import Rulebook, find_campaign
from bayesbeam.stages.series_jobs import SeriesJobs

ROOT = (
    Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
    .resolve()
    .parents[1]
)

try:
    BOOK = Rulebook(
        find_campaign(config, workflow.configfiles, ROOT),
        Path(config.get("results", "results")),
    )
except BayesbeamError as error:
    print(error, file=sys.stderr)
    sys.exit(2)

SERIES = SeriesJobs(BOOK)

# What a scheduler tells the process that it has started reaches the scripts, and neither Snakemake nor, in a job of a
# cluster, the shell in between dies of it before a script has written its checkpoint.
pass_on()
if not workflow.is_main_process:
    shell.prefix("set -euo pipefail; trap '' TERM USR1; ")


# Linear algebra stays in one thread, whatever a job may use: its matrices are small, and threads of OpenBLAS that wait
# for each other on a busy machine take many times as long.
ONE_THREAD = ["OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1"]
# Conda environments bring their own python, which finds the package by its path.
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    PYTHON = ["env", *ONE_THREAD, f"PYTHONPATH={ROOT / 'workflow'}", "python"]
else:
    PYTHON = ["env", *ONE_THREAD, sys.executable]


def call(script):
    """Words that start a script on this campaign. Snakemake does not take a parameter that asks for the output into
    account when it decides what to run again, so it does not matter where Python and the campaign lie.
    """
    words = [*PYTHON, str(ROOT / "scripts" / script), "--config", str(BOOK.file)]
    if BOOK.campaign.campaign.incoming:
        words += ["--arrivals", str(BOOK.folder.parent)]
    return lambda wildcards, output: shlex.join(words)


@cache
def gpus():
    """GPUs that a sampling job asks a scheduler for."""
    # It brings torch in, which reading this file shall not.
    from bayesbeam.stages.resources import planned_device

    asked = BOOK.campaign.campaign.sampling
    return int(planned_device(asked.device, asked.engine) == "cuda")


def more(amount):
    """So much at the first attempt, twice as much at the second, and so on."""
    return lambda wildcards, attempt: amount * attempt


wildcard_constraints:
    measurement="[A-Za-z0-9_.-]{1,64}",
    group="[A-Za-z0-9_.-]{1,64}",
    batch="b[0-9a-f]{8,64}",
    tag="[A-Za-z0-9_.]+(-k[0-9]+(-[0-9]+)*)?",
    pattern="(~[A-Za-z0-9_.-]{1,64})?",
