"""The page itself: templates filled, style and script inside, nothing fetched from anywhere.

Decides what the browser may do (a content policy that allows our one script and no network).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bayesbeam import __version__
from bayesbeam.report import captions, wording
from bayesbeam.report.assemble import GroupView, MeasurementView, total_cpu
from bayesbeam.report.limit_view import LimitView
from bayesbeam.report.many_view import ManyView
from bayesbeam.report.phase_overview import Overview
from bayesbeam.report.phase_series import PhaseSeries
from bayesbeam.report.records import Results
from bayesbeam.report.series_view import SeriesView
from bayesbeam.report.splitting_view import SplittingView
from bayesbeam.report.tables import tables_of
from bayesbeam.report.text import clean, duration
from bayesbeam.report.told_view import ToldView


@dataclass(frozen=True)
class Content:
    """Everything a page is made of."""

    results: Results
    measurements: Sequence[MeasurementView]
    groups: Sequence[GroupView]
    series: Sequence[SeriesView]
    limits: Sequence[LimitView]
    command: str
    questions: Sequence[ToldView] = ()
    overviews: Sequence[Overview] = ()
    frames: Sequence[PhaseSeries] = ()
    edges: Sequence[SplittingView] = ()
    many: ManyView | None = None


def render(content: Content) -> str:
    """HTML of the page, the same bytes for the same content."""
    environment = _environment()
    script, many, many_script = _asset("page.js"), content.many, _asset("many.js")
    answers = [one.answer for one in content.measurements]
    group_answers, asked = [one.answer for one in content.groups], [one.answer for one in content.questions]
    total = len(content.results.measurements)
    return environment.get_template("page.html.j2").render(
        title=content.results.facts.title or content.results.facts.campaign,
        campaign=content.results.facts.campaign,
        overview=many.overview if many else wording.overview(answers, group_answers, total, asked),
        content=content,
        analysed=[one for one in content.measurements if one.result.candidates],
        searched=[one for one in content.measurements if one.searched],
        fitted=[one for one in content.measurements if one.result.candidates and one.choices and not _only_phases(one)],
        compared=[one for one in content.measurements if one.result.candidates and not _alone(one)],
        advised=[one for one in content.measurements if one.next is not None],
        captions=captions,
        excess=any(c.free_energy_excess is not None for m in content.measurements for c in m.result.candidates),
        versions=_versions(content.results),
        tables=tables_of(content.results),
        cpu=duration(total_cpu(content.results)),
        style=Markup(_asset("style.css")),
        script=Markup(script),
        policy=_policy(script, *([many_script] if many else [])),
        many=many,
        many_style=Markup(_asset("many.css")),
        many_script=Markup(many_script),
        page_command=_page_command(content),
        bayesbeam_version=__version__,
    )


def render_paper(title: str, about: str, parts: Sequence[object]) -> str:
    """HTML of a page of figures; it has no script."""
    return (
        _environment()
        .get_template("paper.html.j2")
        .render(
            title=title,
            about=about,
            parts=parts,
            style=Markup(_asset("style.css")),
            policy="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
            bayesbeam_version=__version__,
        )
    )


def render_live(title: str, campaign: str, **parts: object) -> str:
    """HTML of the page that loads itself again while measurements arrive; it has no script and no other file."""
    return (
        _environment()
        .get_template("live.html.j2")
        .render(
            title=title,
            campaign=campaign,
            style=Markup(_asset("style.css")),
            policy="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
            bayesbeam_version=__version__,
            **parts,
        )
    )


def _only_phases(view: MeasurementView) -> bool:
    """Whether all that has figures is a search of phases, which has a section of its own."""
    return all(one.phases is not None for one in view.choices)


def _alone(view: MeasurementView) -> bool:
    """Whether one search of phases is all there is: no candidates to compare."""
    return view.searched and len(view.result.candidates) == 1


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Templates with escaping always on; a name that is not there is our mistake."""
    loader = PackageLoader("bayesbeam.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["duration"] = duration
    environment.filters["clean"] = clean
    return environment


def _asset(name: str) -> str:
    """Style sheet or script of ours."""
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0].strip()


def _page_command(content: Content) -> str:
    """Command that makes the page of one of the measurements that have none, from the one that makes the results."""
    many, results = content.many, content.results
    names = (one.id for one in results.measurements if many is not None and one.candidates and one.id not in many.why)
    return f"{content.command.replace('make run', 'make page', 1)} NAME={next(names, 'NAME')}"


def _policy(*scripts: str) -> str:
    """Content policy: no network, our own scripts by their hashes."""
    digests = (base64.b64encode(hashlib.sha256(one.encode("utf-8")).digest()).decode("ascii") for one in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'"
    )


def _versions(results: Results) -> tuple[tuple[str, str], ...]:
    """Program versions named in the records, each with every value that occurs."""
    found: dict[str, set[str]] = {}
    for result in results.measurements:
        for one in result.candidates:
            for name, version in one.versions.items():
                found.setdefault(name, set()).add(str(version))
    for group in results.groups:
        for name, version in group.versions.items():
            found.setdefault(name, set()).add(str(version))
    return tuple((name, ", ".join(sorted(versions))) for name, versions in sorted(found.items()))
