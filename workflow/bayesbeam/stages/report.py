"""The report stage: result files to a folder with the page, its figures, tables and draws.

The folder appears complete or not at all; an older report stays until the new one is done.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bayesbeam.errors import StoreError
from bayesbeam.report.assemble import group_views
from bayesbeam.report.curves import read_draws, read_fit, read_run
from bayesbeam.report.drawing import measurement_views
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.limit import examples, limits
from bayesbeam.report.limit_view import limit_views
from bayesbeam.report.loading import load_results
from bayesbeam.report.many import is_many
from bayesbeam.report.many_view import hidden_views, many_view, shown_of
from bayesbeam.report.netcdf import write_draws
from bayesbeam.report.page import Content, render
from bayesbeam.report.phase_overview import overviews
from bayesbeam.report.phase_series import phase_series
from bayesbeam.report.records import Facts, Followed, Results
from bayesbeam.report.series_view import series_views
from bayesbeam.report.splitting_view import splitting_views
from bayesbeam.report.style import figure_style
from bayesbeam.report.tables import write_tables
from bayesbeam.report.told import told
from bayesbeam.report.told_view import told_views
from bayesbeam.stages.studies import studies_of
from bayesbeam.stages.told_apart import distinguished_of

if TYPE_CHECKING:
    from bayesbeam.config.outline import CampaignOutline

PAGE = "index.html"
_OURS = {PAGE, "figures", "tables", "draws"}


def build_report(campaign: CampaignOutline, results: Path, out: Path, command: str, processes: int = 1) -> None:
    """Make the report of a campaign.

    Parameters
    ----------
    campaign : CampaignOutline
        Gives the title, the measurements in their order and the groups.
    results : Path
        Results folder of the campaign.
    out : Path
        Folder of the report; an older report in it is replaced, anything else is left alone and an error.
    command : str
        Command that reproduces the results, printed in the page.
    processes : int
        How many draw figures at once.

    Raises
    ------
    StoreError
        If a result file is damaged, ``out`` holds other things, or it cannot be written.
    """
    report_from_files(facts_of(campaign), results, out, command, processes)


def build_page(campaign: CampaignOutline, measurement: str, results: Path, out: Path, command: str) -> None:
    """Make the page of one measurement, with all that the report of few measurements shows of it.

    As ``build_report``, but for ``measurement``, the id of one in the sheet; nothing is said of groups and series.
    """
    settings = campaign.campaign
    title = f"{settings.report.title or settings.campaign}: {measurement}"
    report_from_files(Facts(settings.campaign, title, (measurement,)), results, out, command)


def facts_of(campaign: CampaignOutline) -> Facts:
    """Names that the report takes from a campaign."""
    settings, studies = campaign.campaign, studies_of(campaign)
    return Facts(
        settings.campaign,
        settings.report.title,
        tuple(row.id for row in campaign.sheet),
        tuple(one.group for one in settings.integration),
        studies,
        tuple(Followed(**one.model_dump()) for one in settings.report.series),
        distinguished_of(campaign, studies),
        tuple(one.name for one in settings.splitting),
    )


def report_from_files(facts: Facts, results: Path, out: Path, command: str, processes: int = 1) -> None:
    """Make the report from names and result files; see ``build_report``."""
    _check_target(out)
    found = load_results(facts, results, points=False)
    fresh = out.with_name(f".{out.name}.tmp")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        _fill(fresh, found, command, processes)
        _swap(fresh, out)
    except OSError as problem:
        found_words = f"cannot be written ({problem.strerror or problem})"
        remedy = "Check the permissions of the folder and the free space of the disk."
        raise StoreError.at(str(out), found_words, "a writable folder with free space", remedy) from problem
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _fill(folder: Path, results: Results, command: str, processes: int) -> None:
    """Write everything into an empty folder, the page last."""
    many = is_many(results)
    shown = replace(results, measurements=shown_of(results) if many else examples(results))
    measurements = measurement_views(shown.measurements, folder, processes, brief=many)
    with figure_style():
        gallery = Gallery(folder)
        studies = limit_views(limits(results), gallery)
        questions = told_views(told(results), gallery)
        groups = group_views(results, gallery, [*measurements, *(hidden_views(results) if many else ())])
        series = series_views(results, gallery)
        searched, frames = overviews(results, gallery), phase_series(results, gallery)
        edges = splitting_views(results, gallery)
        whole = many_view(results, {one.result.id: one.link for one in measurements}, gallery) if many else None
    write_tables(results, folder / "tables")
    _write_all_draws(shown, folder / "draws")
    parts = groups, series, studies, command, questions, searched, frames, edges, whole
    page = render(Content(results, measurements, *parts))
    (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")


def _write_all_draws(results: Results, folder: Path) -> None:
    """Draws of the best candidate of every measurement that the page shows."""
    folder.mkdir()
    for result in results.measurements:
        if result.candidates and result.arrays is not None:
            where = f"{result.id}/{result.best.tag}"
            draws, fit = read_draws(result.arrays, where), read_fit(result.arrays, where)
            write_draws(folder / f"{result.id}.nc", result.best, draws, fit, read_run(result.arrays, where))


def _check_target(out: Path) -> None:
    """Refuse a folder that holds anything but a report."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise StoreError.at(str(out), "is not a folder", "a folder for the report", "Choose another one.")
    foreign = sorted(one.name for one in out.iterdir() if one.name not in _OURS) if out.is_dir() else []
    if foreign:
        found = f"holds {foreign[0]}, which is no part of a report"
        raise StoreError.at(str(out), found, "an empty folder or an older report", "Move it away, or choose another.")


def _swap(fresh: Path, out: Path) -> None:
    """Put the new report in place of the old one; between the two renames there is none, never half of one."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    fresh.rename(out)
    shutil.rmtree(old, ignore_errors=True)
