"""Jobs of whole series, as the rules need them: what they make, and the keys that say when they are out of date."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

from bayesbeam.config.keys import measurement_key
from bayesbeam.config.specs import PhasesSpec
from bayesbeam.config.splitting import Splitting
from bayesbeam.config.splitting_checks import splitting_of
from bayesbeam.stages import versions
from bayesbeam.stages.plan import digest
from bayesbeam.stages.rulebook import Rulebook


class SeriesJobs:
    """Paths and keys of the jobs that look at measurements along a column.

    Parameters
    ----------
    book : Rulebook
        Of the campaign.
    """

    def __init__(self, book: Rulebook) -> None:
        self._book = book
        self._settings = book.campaign.campaign

    @property
    def files(self) -> list[str]:
        """Return the files that the report must wait for."""
        laws = ["laws"] if any(one.laws for one in self._settings.report.series) else []
        edges = [f"splitting-{one.name}" for one in self._settings.splitting]
        return [self._book.path("series", f"{name}.json") for name in (*laws, *edges)]

    @cached_property
    def laws_key(self) -> str:
        """Key of the laws: what is asked, and all that the values hang on."""
        asked = [one.model_dump(mode="json") for one in self._settings.report.series if one.laws]
        values = [self._book.free_energy_key(batch) for batch in self._book.batches]
        return digest([versions.LAWS, asked, values, self._settings.sampling.seed])

    def members(self, name: str) -> tuple[str, ...]:
        """Return the measurements of a question about edges."""
        return self._splitting(name)[2]

    def column(self, name: str) -> str:
        """Return the column along which a question about edges is asked."""
        return self._splitting(name)[0].along

    def splitting_key(self, name: str) -> str:
        """Key of a question about edges: what is asked, how phases are looked at, CIFs and measurements."""
        asked, spec, ids = self._splitting(name)
        told = asked.model_dump(mode="json", exclude={"structure", "beside", "candidate"})
        looked = asdict(replace(spec, library=(), refine="none"))
        rows = [measurement_key(self._book.campaign.row(one)) for one in ids]
        names = [Path(place).name for place in asked.places]
        return digest([versions.SPLITTING, versions.PHASES, versions.PREPROCESS, told, names, looked, rows])

    def _splitting(self, name: str) -> tuple[Splitting, PhasesSpec, tuple[str, ...]]:
        return splitting_of(self._book.campaign, name)
