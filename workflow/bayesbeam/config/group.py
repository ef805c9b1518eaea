"""The type of a group of measurements that are integrated: what is shared, and which sharings are compared.

Decides keys and defaults; whether measurements, candidates and parameters exist is checked in ``groups``.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from bayesbeam.config.fields import Identifier, Section, refuse, shown
from bayesbeam.config.shared import Shared

__all__ = ["Integration"]


class Integration(Section):
    """Measurements of one object, analysed with shared parameters and compared with separate analyses."""

    group: Identifier = Field(description="Name of the group.", examples=["sampleA"])
    measurements: tuple[str, ...] = Field(
        description="Ids of at least two measurements, or patterns with * and ?.", examples=["[run1, run2]"]
    )
    candidate: str | dict[str, str] = Field(
        description="Candidate that describes each of them; or for measurements of different kinds a section of ids or "
        "patterns, each with the candidate of those that match it first.",
        examples=["peaks", '{"xps_*": peaks, "uv_*": edge}'],
    )
    shared: tuple[Shared, ...] = Field(
        description="Parameters that are the same in all, as part.parameter, or tied to one another, see below.",
        examples=["[peaks.position]", '[{parameter: peaks.position, offset: "normal(mean=0, sd=0.1)"}]'],
    )
    patterns: dict[Identifier, tuple[str, ...]] | Literal["all"] = Field(
        default_factory=dict,
        description="Partial sharings that are compared too: a name for each, and which of the shared parameters; "
        "`all` for every part of up to four.",
        examples=["{position: [peaks.position]}"],
    )
    partitions: Literal["auto", "all", "greedy", "none"] = Field(
        "auto",
        description="Divisions of the measurements into blocks that share, compared too: all of them (up to 9 "
        "measurements), those that a tree of mergers finds, or none. auto: all of 3 to 8 measurements, a tree of more; "
        "with method joint all of 3 to 6.",
    )
    method: Literal["auto", "joint", "two_stage"] = Field(
        "auto",
        description="joint: everything that is compared is sampled together. two_stage: posteriors of single "
        "measurements are multiplied. auto: all measurements together are sampled (up to 12), posteriors multiplied "
        "for the many blocks, and blocks that decide sampled.",
    )

    @field_validator("patterns", mode="before")
    @classmethod
    def _patterns(cls, value: Any) -> Any:
        if value != "all" and not isinstance(value, dict):
            refuse(shown(value), "all, or a section of names", "Write e.g. {position: [line.position]}.")
        if isinstance(value, dict):
            return {name: [words] if isinstance(words, str) else words for name, words in value.items()}
        return value

    @field_validator("candidate", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        """A word, or words by words; numbers are words."""
        named = value if isinstance(value, dict) else {"": value}
        if not named or any(isinstance(one, dict | list | bool) or one is None for one in named.values()):
            refuse(shown(value), "the name of a candidate, or names by patterns", "Write e.g. peaks.")
        return {str(key): str(one) for key, one in named.items()} if isinstance(value, dict) else str(value)

    @field_validator("measurements", "shared", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            refuse(shown(value), "a list in brackets", "Write e.g. [one, two].")
        return value
