"""Jobs of whole series, as the rules need them: what they make, and the keys that say when they are out of date."""

from __future__ import annotations

from functools import cached_property

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
        return [self._book.path("series", "laws.json")] if any(one.laws for one in self._settings.report.series) else []

    @cached_property
    def laws_key(self) -> str:
        """Key of the laws: what is asked, and all that the values hang on."""
        asked = [one.model_dump(mode="json") for one in self._settings.report.series if one.laws]
        values = [self._book.free_energy_key(batch) for batch in self._book.batches]
        return digest([versions.LAWS, asked, values, self._settings.sampling.seed])
