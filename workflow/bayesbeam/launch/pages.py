"""Pages of single measurements on demand, with all figures and draws that a large report leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bayesbeam.config.outline import outline_campaign
from bayesbeam.errors import ConfigError, StoreError, nearest
from bayesbeam.stages.report import build_page
from bayesbeam.stages.rulebook import command_of

FOLDER = "pages"
_KNOWN = 5


def make_pages(file: Path, results: Path, measurements: Sequence[str]) -> list[Path]:
    """Make the pages of some measurements from the results of their campaign, and return where they are.

    Parameters
    ----------
    file : Path
        The campaign file.
    results : Path
        Folder of the results of all campaigns; pages go to ``<campaign>/pages/<measurement>/index.html`` in it.
    measurements : sequence of str
        Ids in the sheet of the campaign.

    Raises
    ------
    ConfigError
        If the sheet has no such measurement.
    StoreError
        If there are no results yet, or a result file is damaged.
    """
    campaign = outline_campaign(file, results)
    known = [row.id for row in campaign.sheet]
    for name in measurements:
        if name not in known:
            first = ", ".join(known[:_KNOWN]) + (" ..." if len(known) > _KNOWN else "")
            near = nearest(name, known)
            raise ConfigError.at(f"measurement {name!r}", "not in the sheet", f"one of {first}", near)
    folder = results / campaign.campaign.campaign
    if not (folder / "free_energy").is_dir():
        found, remedy = "no results of this campaign", f"Run it first: {command_of(file)}"
        raise StoreError.at(str(folder), found, "the results of a run", remedy)
    pages = []
    for name in dict.fromkeys(measurements):
        out = folder / FOLDER / name
        build_page(campaign, name, folder, out, command_of(file))
        pages.append(out / "index.html")
    return pages
